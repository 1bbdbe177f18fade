//! lockpit as a process of its own, as its user starts it; every line stamped when it arrives.
//!
//! It is the program cargo has built for the benchmark, or the one `LOCKPIT_PROGRAM` names.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use lockpit::clock::FlightClock;
use lockpit::engine::ids::At;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A running lockpit. Dropped, it is killed.
pub(crate) struct Pilot {
    child: Child,
    clock: FlightClock,
    lines: Arc<Mutex<Vec<(At, String)>>>,
    reader: Option<JoinHandle<()>>,
    _home: tempfile::TempDir,
}

/// A line: when it arrived, and what it says.
pub(crate) struct Heard {
    pub(crate) at: At,
    pub(crate) line: Value,
}

impl Pilot {
    /// Starts `lockpit attach --headless --no-record` with these arguments.
    pub(crate) fn attach(conninfo: &str, args: &[&str]) -> Pilot {
        Pilot::start(conninfo, &[&["--no-record"], args].concat())
    }

    /// Starts `lockpit attach --headless` with these arguments.
    pub(crate) fn start(conninfo: &str, args: &[&str]) -> Pilot {
        let args = [&["attach", conninfo, "--headless"], args].concat();
        Pilot::fly(FlightClock::start(), &args, Stdio::inherit())
    }

    /// Starts `lockpit run --headless` with this plan and these arguments; its lines are stamped by `clock`.
    pub(crate) fn run(clock: FlightClock, plan: &str, conninfo: &str, args: &[&str]) -> Pilot {
        // What it says of its log is not asked for.
        Pilot::fly(clock, &[&["run", plan, conninfo, "--headless"], args].concat(), Stdio::null())
    }

    fn fly(clock: FlightClock, args: &[&str], stderr: Stdio) -> Pilot {
        let home = tempfile::tempdir().expect("a folder");
        let built = || env!("CARGO_BIN_EXE_lockpit").into();
        let mut command = Command::new(std::env::var_os("LOCKPIT_PROGRAM").unwrap_or_else(built));
        command.args(args);
        command
            .env_clear()
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr);
        let mut child = command.spawn().expect("lockpit starts");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let reader = std::thread::spawn({
            let lines = Arc::clone(&lines);
            move || {
                for line in stdout.lines().map_while(Result::ok) {
                    lines.lock().expect("no holder panics").push((clock.now(), line));
                }
            }
        });
        Pilot { child, clock, lines, reader: Some(reader), _home: home }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Time by the clock that stamps its lines.
    pub(crate) fn now(&self) -> At {
        self.clock.now()
    }

    /// The lines of this type so far.
    pub(crate) fn heard(&self, kind: &str) -> Vec<Heard> {
        let lines = self.lines.lock().expect("no holder panics").clone();
        let parsed = lines.into_iter().map(|(at, line)| Heard {
            at,
            line: serde_json::from_str(&line).unwrap_or_else(|error| panic!("no JSON: {line}: {error}")),
        });
        parsed.filter(|heard| heard.line["type"] == kind).collect()
    }

    /// Whether it has ended, and how.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().expect("a child can be waited for")?;
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
        Some(status)
    }

    /// Asks it to end, and returns when it has; all it said can be heard then.
    pub(crate) fn land(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, Signal::TERM).expect("it still runs");
        self.child.wait().expect("it ends");
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        // In vain when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
