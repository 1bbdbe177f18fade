//! The life of a throw-away server: prepare, start, stop, start again, gone.

use std::fs::{self, File, OpenOptions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::account::Account;
use super::files::{own_all, tail, write_private};
use super::home::Home;
use super::{Binaries, ServerError, ServerOptions};
use crate::clock::FlightClock;

const POLL: Duration = Duration::from_millis(10);
/// How long a server may take until it accepts connections; recovery after a crash included.
const READY_MS: u64 = 60_000;
/// How long a stop may take before it counts as failed.
const STOP_MS: u64 = 60_000;
/// How long a dropped server may take: an immediate shutdown kills stuck backends after 5 s.
const DROP_MS: u64 = 10_000;
/// Other programs may take a free port between its choice and its use.
const PORT_TRIES: u32 = 10;

/// How a server is stopped, in PostgreSQL's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopMode {
    /// When the last client has left.
    Smart,
    /// Clients are disconnected, their transactions rolled back.
    Fast,
    /// At once; the next start recovers as after a crash.
    Immediate,
}

impl StopMode {
    fn signal(self) -> Signal {
        match self {
            StopMode::Smart => Signal::TERM,
            StopMode::Fast => Signal::INT,
            StopMode::Immediate => Signal::QUIT,
        }
    }
}

/// A directory for a server that does not run yet. Dropped, it is removed.
#[derive(Debug)]
pub struct Prepared {
    home: Home,
    binaries: Binaries,
    options: ServerOptions,
}

impl Prepared {
    /// A new directory with an empty place for a data directory (see [`data_dir`](Prepared::data_dir)).
    ///
    /// # Errors
    /// When no folder or account suits, or the account cannot reach the programs.
    pub fn new(binaries: &Binaries, options: ServerOptions) -> Result<Prepared, ServerError> {
        let home = Home::create()?;
        if let Account::Other { name, .. } = home.account()
            && !home.account().can_enter(binaries.dir())
        {
            return Err(ServerError::Unreachable { path: binaries.dir().to_path_buf(), user: name.clone() });
        }
        Ok(Prepared { home, binaries: binaries.clone(), options })
    }

    /// Where the data directory is to be: made by [`initdb`](Prepared::initdb), or copied there by the caller.
    pub fn data_dir(&self) -> PathBuf {
        self.home.dir().join("data")
    }

    /// Makes a new cluster: superuser `postgres`, UTF8, C locale, the options' authentication and settings.
    ///
    /// # Errors
    /// When `initdb` fails; the error carries the end of what it said.
    pub fn initdb(&mut self) -> Result<(), ServerError> {
        let program = self.binaries.dir().join("initdb");
        let mut command = self.home.command(&program);
        command.args(["-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]);
        command.arg("-A").arg(&self.options.auth).arg("-D").arg(self.data_dir());
        let password_file = self.home.dir().join("password");
        if let Some(password) = &self.options.password {
            write_private(self.home.account(), &password_file, password)?;
            command.arg("--pwfile").arg(&password_file);
        }
        let said = File::create(self.home.dir().join("initdb.log"))
            .map_err(ServerError::file("write to", self.home.dir()))?;
        let said_too = said.try_clone().map_err(ServerError::file("write to", self.home.dir()))?;
        let spawn_error = |source| ServerError::Spawn { program: program.display().to_string(), source };
        let mut child = command.stdout(said).stderr(said_too).spawn().map_err(spawn_error)?;
        self.home.tell_janitor(Some(child.id()))?;
        let status = child.wait().map_err(spawn_error)?;
        self.home.tell_janitor(None)?;
        if self.options.password.is_some() {
            fs::remove_file(&password_file).map_err(ServerError::file("remove", &password_file))?;
        }
        if !status.success() {
            let output = tail(&self.home.dir().join("initdb.log"), 0);
            return Err(ServerError::Initdb { status: status.to_string(), output });
        }
        let conf = self.data_dir().join("postgresql.conf");
        let text = fs::read_to_string(&conf).map_err(ServerError::file("read", &conf))?;
        fs::write(&conf, text + &self.options.conf()).map_err(ServerError::file("write", &conf))
    }

    /// Starts the server and waits until it accepts connections (a standby: until it accepts readers).
    ///
    /// # Errors
    /// When it ends instead, or takes longer than 60 s; the error carries the end of its log.
    pub fn start(self) -> Result<Server, ServerError> {
        own_all(self.home.account(), &self.data_dir())?;
        let mut server =
            Server { child: None, port: 0, home: self.home, binaries: self.binaries, options: self.options };
        for _ in 0..PORT_TRIES {
            server.port = free_port()?;
            match server.launch()? {
                Launch::Ready => return Ok(server),
                Launch::Occupied => {}
                Launch::Died { status, log } => return Err(ServerError::Died { status, log }),
            }
        }
        Err(ServerError::Died {
            status: format!("{PORT_TRIES} ports in a row were taken"),
            log: server.log_tail(0),
        })
    }
}

/// A running (or, after [`stop`](Server::stop), stopped) server of one's own.
///
/// Dropped, it is stopped at once and its directory removed; so it is when this process ends in any other way,
/// `kill -9` included.
#[derive(Debug)]
pub struct Server {
    // Before `home`: the server stops before its directory goes.
    child: Option<Child>,
    port: u16,
    home: Home,
    binaries: Binaries,
    options: ServerOptions,
}

/// How one attempt to start went.
enum Launch {
    Ready,
    /// The port or, just after a crash, the shared memory is still somebody's.
    Occupied,
    Died {
        status: String,
        log: String,
    },
}

impl Server {
    /// A new cluster, started: listening on 127.0.0.1 on a free port and, unless switched off, on a Unix
    /// socket in its data directory.
    ///
    /// # Errors
    /// See [`Prepared`].
    pub fn start(binaries: &Binaries, options: ServerOptions) -> Result<Server, ServerError> {
        let mut prepared = Prepared::new(binaries, options)?;
        prepared.initdb()?;
        prepared.start()
    }

    /// The connection string of the superuser over TCP. A password, if one was set, is not in it.
    pub fn conninfo(&self) -> String {
        format!("host=127.0.0.1 port={} user=postgres dbname=postgres", self.port)
    }

    /// The TCP port. It stays the same over restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The data directory, which is also the folder of the Unix socket.
    pub fn data_dir(&self) -> PathBuf {
        self.home.dir().join("data")
    }

    /// The programs it runs.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The postmaster's process id while the server runs.
    pub fn postmaster_pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Writes a file of the data directory (a certificate, `pg_hba.conf`), readable by the server alone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_file(&self, name: &str, text: &str) -> Result<(), ServerError> {
        write_private(self.home.account(), &self.data_dir().join(name), text)
    }

    /// Makes the server read its configuration files again. It does so a little later.
    ///
    /// # Errors
    /// When it is stopped or cannot be signalled.
    pub fn reload(&self) -> Result<(), ServerError> {
        let child = self.child.as_ref().ok_or(ServerError::Stopped)?;
        signal(child, Signal::HUP)
    }

    /// Stops the server; its files and its port stay. Does nothing when it is stopped.
    ///
    /// # Errors
    /// When it still runs after 60 s, as in smart mode with clients that stay.
    pub fn stop(&mut self, mode: StopMode) -> Result<(), ServerError> {
        self.stop_within(mode, STOP_MS)
    }

    /// Stops the server if it runs (fast), and starts it again on the same port; also after a crash.
    ///
    /// # Errors
    /// As for starting and stopping; also when its port was taken by another program and stays so.
    pub fn restart(&mut self) -> Result<(), ServerError> {
        self.stop(StopMode::Fast)?;
        let clock = FlightClock::start();
        loop {
            match self.launch()? {
                Launch::Ready => return Ok(()),
                Launch::Occupied if clock.now().ms() < READY_MS => thread::sleep(POLL),
                Launch::Occupied => {
                    return Err(ServerError::NotReady { waited_ms: clock.now().ms(), log: self.log_tail(0) });
                }
                Launch::Died { status, log } => return Err(ServerError::Died { status, log }),
            }
        }
    }

    fn stop_within(&mut self, mode: StopMode, limit_ms: u64) -> Result<(), ServerError> {
        let Some(child) = &mut self.child else { return Ok(()) };
        let clock = FlightClock::start();
        let mut asked = false;
        while ended(child)?.is_none() {
            if !asked {
                signal(child, mode.signal())?;
                asked = true;
            }
            let waited_ms = clock.now().ms();
            if waited_ms > limit_ms {
                return Err(ServerError::NotStopped { waited_ms });
            }
            thread::sleep(POLL);
        }
        self.child = None;
        self.home.tell_janitor(None)
    }

    /// One attempt to start on `self.port`.
    fn launch(&mut self) -> Result<Launch, ServerError> {
        let log_path = self.log_path();
        let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&log_path);
        let log = log.map_err(ServerError::file("write", &log_path))?;
        let log_start = log.metadata().map_err(ServerError::file("read", &log_path))?.len();
        let log_too = log.try_clone().map_err(ServerError::file("write", &log_path))?;
        let data_dir = self.data_dir();
        let sockets = if self.options.socket { data_dir.display().to_string() } else { String::new() };
        let program = self.binaries.dir().join("postgres");
        let mut command = self.home.command(&program);
        // Addresses are arguments, so that a data directory copied from another server needs no edits.
        command.arg("-D").arg(&data_dir).args(["-h", "127.0.0.1", "-p"]).arg(self.port.to_string());
        command.arg("-k").arg(sockets).stdout(log).stderr(log_too);
        let child = command
            .spawn()
            .map_err(|source| ServerError::Spawn { program: program.display().to_string(), source })?;
        let pid = child.id();
        // Kept before anything can fail, so that a drop stops it.
        let child = self.child.insert(child);
        self.home.tell_janitor(Some(pid))?;
        let clock = FlightClock::start();
        loop {
            if let Some(status) = ended(child)? {
                self.child = None;
                self.home.tell_janitor(None)?;
                let log = tail(&log_path, log_start);
                let occupied = ["Address already in use", "pre-existing shared memory block"];
                if occupied.iter().any(|sign| log.contains(sign)) {
                    return Ok(Launch::Occupied);
                }
                return Ok(Launch::Died { status: status.to_string(), log });
            }
            if is_ready(&data_dir, pid) {
                return Ok(Launch::Ready);
            }
            let waited_ms = clock.now().ms();
            if waited_ms > READY_MS {
                return Err(ServerError::NotReady { waited_ms, log: tail(&log_path, log_start) });
            }
            thread::sleep(POLL);
        }
    }

    fn log_path(&self) -> PathBuf {
        self.home.dir().join("server.log")
    }

    fn log_tail(&self, from: u64) -> String {
        tail(&self.log_path(), from)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // In vain only when the server hangs; the kernel's way then, and the janitor's for what is left.
        if self.stop_within(StopMode::Immediate, DROP_MS).is_err()
            && let Some(child) = &mut self.child
        {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// How the process ended, if it did.
fn ended(child: &mut Child) -> Result<Option<ExitStatus>, ServerError> {
    let pid = child.id();
    child.try_wait().map_err(|source| ServerError::Signal { pid, source })
}

/// Signals a process that has not been waited for, so its id cannot be another's. One that was stopped
/// (SIGSTOP) is woken to take the signal.
fn signal(child: &Child, signal: Signal) -> Result<(), ServerError> {
    let pid = child.id();
    let id = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a child's process id is positive");
    kill_process(id, signal)
        .and_then(|()| kill_process(id, Signal::CONT))
        .map_err(|error| ServerError::Signal { pid, source: error.into() })
}

/// Whether the postmaster `pid` says in its pid file (first and eighth line) that it accepts connections.
fn is_ready(data_dir: &Path, pid: u32) -> bool {
    let Ok(text) = fs::read_to_string(data_dir.join("postmaster.pid")) else { return false };
    let mut lines = text.lines();
    lines.next().is_some_and(|line| line == pid.to_string())
        && lines.nth(6).is_some_and(|line| line.trim() == "ready")
}

/// A port of 127.0.0.1 that nobody listens on at this moment.
fn free_port() -> Result<u16, ServerError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(ServerError::file("find a free port on", "127.0.0.1"))
}
