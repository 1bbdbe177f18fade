//! A place where flights listen, of one test alone, and the programs that meet there.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use lockpit::remote::{Remote, place};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Database, LONG, Program, Version, cluster, versions, wait_until};

/// The newest server of this machine, as one of at most one: what is tested here is lockpit's own.
pub(crate) fn newest() -> impl Iterator<Item = &'static Version> {
    versions().iter().rev().take(1)
}

/// A new database on it.
pub(crate) async fn database(version: &Version) -> Database {
    cluster(version.major).database("remote").await
}

/// A place where flights listen.
pub(crate) struct Hangar {
    dir: TempDir,
}

impl Hangar {
    pub(crate) fn new() -> Hangar {
        Hangar { dir: tempfile::tempdir().expect("a folder") }
    }

    /// The directory of the sockets.
    pub(crate) fn run_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// The log of the flight `name`.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.dir.path().join(format!("{name}.flight"))
    }

    /// Starts lockpit with this place for sockets.
    pub(crate) fn lockpit(&self, args: &[&str]) -> Program {
        Program::lockpit_with(args, |command| {
            command.env("LOCKPIT_RUN_DIR", self.run_dir());
        })
    }

    /// Runs lockpit to its end: exit code, standard output, standard error.
    pub(crate) async fn run(&self, args: &[&str]) -> (i32, String, String) {
        let mut program = self.lockpit(args);
        let exit = program.exit(LONG).await;
        (exit, program.stdout(), program.stderr())
    }

    /// `lockpit tell shop COMMAND` as bob.
    pub(crate) async fn tell(&self, command: &str) -> (i32, String, String) {
        self.run(&["tell", "--operator", "bob", "shop", command]).await
    }

    /// A recorded flight called `shop`, once its first sample is there.
    pub(crate) async fn fly(&self, db: &Database, args: &[&str]) -> Flight {
        let log = self.log("shop").to_string_lossy().into_owned();
        self.take_off(db, &[&["--record", &log], args].concat()).await
    }

    /// A flight with these arguments, once its first sample is there.
    pub(crate) async fn take_off(&self, db: &Database, args: &[&str]) -> Flight {
        let conninfo = db.conninfo();
        let program = self.lockpit(&[&["attach", "--headless", &conninfo], args].concat());
        program.line("the first sample", LONG, |line| line["type"] == "sample").await;
        Flight { program }
    }

    /// The only socket.
    pub(crate) fn socket(&self) -> PathBuf {
        match &place::sockets(&self.run_dir())[..] {
            [only] => only.clone(),
            others => panic!("not one socket: {others:?}"),
        }
    }

    /// A client of the only flight.
    pub(crate) fn remote(&self) -> Remote {
        Remote::connect(&self.socket()).expect("the flight listens")
    }

    /// A bare connection to the only flight.
    pub(crate) fn stream(&self) -> UnixStream {
        let stream = UnixStream::connect(self.socket()).expect("the flight listens");
        stream.set_read_timeout(Some(LONG)).expect("a time limit");
        stream
    }
}

/// A flight in the air.
pub(crate) struct Flight {
    pub(crate) program: Program,
}

impl Flight {
    /// The first line of this type whose text (`text`, `why`, `sentence` or `reason`) contains `part`.
    pub(crate) async fn says(&self, kind: &str, part: &str) -> Value {
        let what = format!("a {kind} line with {part:?}");
        self.program.line(&what, LONG, |line| line["type"] == kind && text(line).contains(part)).await
    }

    /// Waits for its end: the exit code, and the last line, which is the `end`.
    pub(crate) async fn ended(mut self) -> (i32, Value) {
        let exit = self.program.exit(LONG).await;
        let last = self.program.lines().pop().expect("it printed lines");
        assert_eq!(last["type"], "end", "the last line; stderr: {}", self.program.stderr());
        (exit, last)
    }

    /// Kills it.
    pub(crate) async fn killed(mut self) {
        self.program.signal(Signal::KILL);
        assert_eq!(self.program.exit(LONG).await, 128 + 9);
    }
}

/// What a line is about, for people.
pub(crate) fn text(line: &Value) -> &str {
    ["text", "why", "sentence", "reason"].iter().find_map(|field| line[*field].as_str()).unwrap_or_default()
}

/// The state of a process, as the kernel shows it: `R`, `S`, `T`, ...; `None` when there is none.
pub(crate) fn state_of(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.trim().chars().next()
}

/// Waits until a path is not there any more.
pub(crate) async fn gone(path: &Path) {
    wait_until("the file is removed", LONG, async || match path.exists() {
        true => Err(path.display().to_string()),
        false => Ok(()),
    })
    .await;
}
