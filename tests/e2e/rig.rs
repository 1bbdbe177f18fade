//! A pseudo terminal with a model of its screen, and a place of its own for what runs in it.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

use lockpit::remote::place;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::{Database, LONG, Program, Version, cluster, versions, wait_until};

/// Columns and rows of most tests.
pub(crate) const SIZE: (u16, u16) = (120, 40);

/// The newest server of this machine, as one of at most one: what is tested here is lockpit's own.
pub(crate) fn newest() -> impl Iterator<Item = &'static Version> {
    versions().iter().rev().take(1)
}

/// A new database on it.
pub(crate) async fn database(version: &Version) -> Database {
    cluster(version.major).database("e2e").await
}

/// The demonstration that comes with the program.
pub(crate) fn demo() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo.flight").to_string_lossy().into_owned()
}

/// A home, and in it a place where flights listen.
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        Place { dir: tempfile::tempdir().expect("a folder") }
    }

    fn run_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// The home.
    #[allow(dead_code, reason = "the README's commands run in it")]
    pub(crate) fn home(&self) -> &Path {
        self.dir.path()
    }

    /// The log of the flight `shop`.
    pub(crate) fn log(&self) -> PathBuf {
        self.dir.path().join("shop.flight")
    }

    /// Runs lockpit in a terminal of this size.
    pub(crate) fn open<A: AsRef<OsStr>>(&self, size: (u16, u16), args: impl IntoIterator<Item = A>) -> Pty {
        self.open_with(size, args, &[])
    }

    /// The same with more variables.
    pub(crate) fn open_with<A: AsRef<OsStr>>(
        &self,
        size: (u16, u16),
        args: impl IntoIterator<Item = A>,
        more: &[(&str, &str)],
    ) -> Pty {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_lockpit"));
        command.args(args);
        self.spawn(size, command, more)
    }

    /// Runs lockpit below a shell, which stays until `enter` is pressed: the last words of a program that leads its
    /// terminal's session may be lost with it.
    #[allow(dead_code, reason = "the README's commands need no shell")]
    pub(crate) fn open_in_a_shell(&self, args: &[&str]) -> Pty {
        let mut command = CommandBuilder::new("/bin/sh");
        let script = "\"$@\"; echo \"code $?\"; read -r line";
        command.args([&["-c", script, "sh", env!("CARGO_BIN_EXE_lockpit")], args].concat());
        self.spawn(SIZE, command, &[])
    }

    fn spawn(&self, size: (u16, u16), mut command: CommandBuilder, more: &[(&str, &str)]) -> Pty {
        command.env_clear();
        command.cwd(self.dir.path());
        command.env("HOME", self.dir.path());
        command.env("LOCKPIT_RUN_DIR", self.run_dir());
        for (name, value) in
            [("TERM", "xterm-256color"), ("LC_ALL", "C.UTF-8"), ("LOCKPIT_OPERATOR", "alice")]
                .iter()
                .chain(more)
        {
            command.env(name, value);
        }
        Pty::spawn(command, size)
    }

    /// The flight `shop`, recorded, with a screen that has seen its first sample.
    pub(crate) async fn fly(&self, db: &Database, args: &[&str]) -> Pty {
        self.fly_with(SIZE, db, args, &[]).await
    }

    /// The same in a terminal of this size, with more variables.
    pub(crate) async fn fly_with(
        &self,
        size: (u16, u16),
        db: &Database,
        args: &[&str],
        more: &[(&str, &str)],
    ) -> Pty {
        let (log, conninfo) = (self.log().to_string_lossy().into_owned(), db.conninfo());
        let args = [&["attach", &conninfo, "--record", &log], args].concat();
        let pty = self.open_with(size, args, more);
        pty.wait_until("the first sample", |screen| {
            let text = screen.contents();
            text.contains("REC ") && text.contains(" old")
        })
        .await;
        pty
    }

    /// Runs lockpit without a terminal to its end: exit code, standard output, standard error.
    pub(crate) async fn run(&self, args: &[&str]) -> (i32, String, String) {
        let mut program = Program::lockpit_with(args, |command| {
            command.env("LOCKPIT_RUN_DIR", self.run_dir());
        });
        let exit = program.exit(LONG).await;
        (exit, program.stdout(), program.stderr())
    }

    /// `lockpit tell shop COMMAND` as alice, who flies.
    pub(crate) async fn tell(&self, command: &str) -> (i32, String, String) {
        self.run(&["tell", "--operator", "alice", "shop", command]).await
    }

    /// What a replay of the log says; the log must be complete, and decide the same again.
    pub(crate) async fn replayed(&self) -> String {
        let log = self.log().to_string_lossy().into_owned();
        let (exit, lines, stderr) = self.run(&["replay", "--headless", &log]).await;
        assert_eq!((exit, &*stderr), (0, ""), "the log is complete and decides the same");
        lines
    }

    /// Waits until nobody listens.
    pub(crate) async fn is_empty(&self) {
        wait_until("no socket is left", LONG, async || match place::sockets(&self.run_dir()) {
            sockets if sockets.is_empty() => Ok(()),
            sockets => Err(format!("{sockets:?}")),
        })
        .await;
    }
}

/// A terminal in which a program runs. Dropped, the program is killed.
pub(crate) struct Pty {
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    reading: bool,
    hung_up: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }
}

impl Pty {
    fn spawn(command: CommandBuilder, (columns, rows): (u16, u16)) -> Pty {
        let pty = native_pty_system().openpty(pty_size(columns, rows)).expect("a terminal");
        let child = pty.slave.spawn_command(command).expect("the program starts");
        drop(pty.slave);
        let (output, keys) = (pty.master.try_clone_reader(), pty.master.take_writer());
        let state = State { parser: parser(columns, rows), bytes: Vec::new(), reading: true, hung_up: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let reader = std::thread::spawn({
            let (shared, output) = (Arc::clone(&shared), output.expect("its output"));
            move || read(&shared, output)
        });
        Pty {
            master: Some(pty.master),
            keys: Some(keys.expect("its keys")),
            child,
            shared,
            reader: Some(reader),
        }
    }

    /// Presses a key, or types this text.
    pub(crate) fn press(&mut self, key: &str) {
        let bytes = match key {
            "enter" => "\r",
            "esc" => "\x1b",
            "space" => " ",
            "down" => "\x1b[B",
            "ctrl-c" => "\x03",
            "ctrl-l" => "\x0c",
            "ctrl-z" => "\x1a",
            text => text,
        };
        let keys = self.keys.as_mut().expect("the terminal is there");
        keys.write_all(bytes.as_bytes()).and_then(|()| keys.flush()).expect("a key");
    }

    /// Changes the size of the window.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        let mut state = self.shared.lock();
        state.parser.screen_mut().set_size(nonzero(rows), nonzero(columns));
        self.master.as_ref().expect("the terminal is there").resize(pty_size(columns, rows)).expect("a size");
    }

    /// The terminal takes nothing any more, once what it is reading now is read.
    pub(crate) fn stop_reading(&self) {
        self.shared.lock().reading = false;
    }

    /// The terminal goes on reading.
    pub(crate) fn read_again(&self) {
        self.shared.lock().reading = true;
        self.shared.changed.notify_all();
    }

    /// Everything that was written to the terminal so far.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.shared.lock().bytes.clone()
    }

    /// What the screen shows.
    pub(crate) fn text(&self) -> String {
        shown(self.shared.lock().parser.screen())
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    pub(crate) fn wait_until(
        &self,
        what: &str,
        wanted: impl Fn(&vt100::Screen) -> bool,
    ) -> impl Future<Output = ()> {
        wait_until(what, LONG, async move || {
            let state = self.shared.lock();
            let screen = state.parser.screen();
            if wanted(screen) { Ok(()) } else { Err(format!("\n{}\n", shown(screen))) }
        })
    }

    /// Waits until the screen shows this text.
    #[track_caller]
    pub(crate) fn sees(&self, text: &str) -> impl Future<Output = ()> {
        self.wait_until(text, move |screen| screen.contents().contains(text))
    }

    /// Waits until the screen does not show this text any more.
    #[track_caller]
    pub(crate) fn sees_no(&self, text: &str) -> impl Future<Output = ()> {
        let what = format!("{text:?} is gone");
        let text = text.to_owned();
        async move { self.wait_until(&what, |screen| !screen.contents().contains(&text)).await }
    }

    /// The first process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.process_id().expect("it was started")
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Closes the terminal, as a lost connection does.
    pub(crate) fn hang_up(&mut self) {
        self.shared.lock().hung_up = true;
        self.shared.changed.notify_all();
        // Something is written at least every second.
        self.reader.take().expect("the terminal is there").join().expect("the reader does not panic");
        (self.keys, self.master) = (None, None);
    }

    /// Its exit code, once it has ended and everything it wrote was read.
    pub(crate) async fn exit(&mut self) -> u32 {
        let code = wait_until("the program ends", LONG, async || match self.child.try_wait() {
            Ok(Some(status)) => Ok(status.exit_code()),
            other => Err(format!("{other:?}\n{}", self.shared.lock().parser.screen().contents())),
        })
        .await;
        if let Some(reader) = self.reader.take_if(|reader| reader.is_finished()) {
            reader.join().expect("the reader does not panic");
        }
        code
    }

    /// After its end: the terminal is as it was before.
    pub(crate) async fn is_given_back(&self) {
        self.wait_until("the terminal is given back", |screen| {
            !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
        })
        .await;
        let master = self.master.as_ref().expect("the terminal is there");
        let modes = format!("{:?}", master.get_termios().expect("its modes").local_flags);
        assert!(modes.contains("ECHO") && modes.contains("ICANON") && modes.contains("ISIG"), "{modes}");
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        self.shared.lock().hung_up = true;
        self.shared.changed.notify_all();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(shared: &Shared, mut output: Box<dyn Read + Send>) {
    let mut chunk = [0; 4_096];
    // The end of a terminal reads as an error.
    while let Ok(length @ 1..) = output.read(&mut chunk) {
        let mut state = shared.lock();
        if state.hung_up {
            return;
        }
        state.bytes.extend_from_slice(&chunk[..length]);
        state.parser.process(&chunk[..length]);
        while !state.reading && !state.hung_up {
            state = shared.changed.wait(state).expect("no holder panics");
        }
    }
}

fn parser(columns: u16, rows: u16) -> vt100::Parser {
    vt100::Parser::new(nonzero(rows), nonzero(columns), 0)
}

fn nonzero(n: u16) -> std::num::NonZeroU16 {
    n.try_into().expect("a size")
}

fn pty_size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, ..PtySize::default() }
}

/// What a screen shows, without the spaces at the ends of its lines: one is drawn there, another was cleared.
pub(crate) fn shown(screen: &vt100::Screen) -> String {
    screen.contents().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Sends a signal to a process that may have ended.
pub(crate) fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a pid");
    let _ = kill_process(pid, signal);
}

/// The state of a process, as the kernel shows it: `R`, `S`, `T`, ...; `None` when there is none.
pub(crate) fn state_of(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.trim().chars().next()
}

/// The only child of a process: the flight under its stub.
pub(crate) fn child_of(pid: u32) -> u32 {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("it runs");
    let mut children = children.split_whitespace().filter_map(|child| child.parse().ok());
    let child = children.next().expect("it has a child");
    assert_eq!(children.next(), None, "one child");
    child
}
