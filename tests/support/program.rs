//! The built program, or another, run as its user would: arguments, environment, JSON lines, signals, exit code.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::wait_until;

/// A running program. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    stdout: Output,
    stderr: Output,
    /// Home, and with it configuration and logs, of this run alone.
    home: TempDir,
}

/// The lines of one of its outputs so far, and the task that reads them.
#[derive(Debug)]
struct Output {
    lines: Arc<Mutex<Vec<String>>>,
    reader: JoinHandle<()>,
}

impl Program {
    /// Starts lockpit with these arguments, an empty home, and none of the caller's `PG*`, `XDG_*` and `LOCKPIT_*`.
    pub(crate) fn lockpit<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Program {
        Program::lockpit_with(args, |_| {})
    }

    /// The same after `setup` has changed the command: its environment, its folder.
    pub(crate) fn lockpit_with<A: AsRef<OsStr>>(
        args: impl IntoIterator<Item = A>,
        setup: impl FnOnce(&mut Command),
    ) -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockpit"));
        command.args(args);
        Program::start(command, setup)
    }

    /// Starts any program in the same surroundings.
    pub(crate) fn start(mut command: Command, setup: impl FnOnce(&mut Command)) -> Program {
        let home = tempfile::tempdir().expect("a folder");
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["PG", "XDG_", "LOCKPIT_"].iter().any(|prefix| text.starts_with(prefix)) {
                command.env_remove(&name);
            }
        }
        command.env("HOME", home.path()).env("LC_ALL", "C.UTF-8");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        setup(&mut command);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let stdout = Output::collect(child.stdout.take().expect("stdout is piped"));
        let stderr = Output::collect(child.stderr.take().expect("stderr is piped"));
        Program { child, stdout, stderr, home }
    }

    /// Its home.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Its process id, until its end has been awaited.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// The JSON lines of its standard output so far. A line that is not JSON fails the test.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let parse = |line: String| {
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("not a JSON line: {line:?}: {error}"))
        };
        self.stdout.lines().into_iter().map(parse).collect()
    }

    /// Its standard output so far, as text.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.lines().join("\n")
    }

    /// Its standard error so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.lines().join("\n")
    }

    /// The first JSON line that `wanted` accepts, now or later.
    pub(crate) async fn line(
        &self,
        what: &str,
        deadline: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        wait_until(what, deadline, async || {
            let mut lines = self.lines();
            match lines.iter().position(&wanted) {
                Some(found) => Ok(lines.swap_remove(found)),
                None => {
                    let last = lines.last();
                    Err(format!("{} lines, the last {last:?}; on stderr: {}", lines.len(), self.stderr()))
                }
            }
        })
        .await
    }

    /// Sends a signal. It must still be running.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.pid().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        kill_process(pid.expect("it still runs"), signal).expect("a signal to a child");
    }

    /// Waits for its end and for all it wrote. The exit code, or 128 + the signal that ended it, as shells say it.
    pub(crate) async fn exit(&mut self, deadline: Duration) -> i32 {
        let Ok(status) = tokio::time::timeout(deadline, self.child.wait()).await else {
            panic!("still running after {deadline:?}; stdout: {}; stderr: {}", self.stdout(), self.stderr());
        };
        let status = status.expect("a child can be waited for");
        for output in [&mut self.stdout, &mut self.stderr] {
            let read = tokio::time::timeout(deadline, &mut output.reader).await;
            let read = read.unwrap_or_else(|_| panic!("it ended, but a child of it still holds its output"));
            read.expect("the reader does not panic");
        }
        status.code().or_else(|| status.signal().map(|signal| 128 + signal)).expect("a code or a signal")
    }
}

impl Output {
    fn collect(stream: impl AsyncRead + Unpin + Send + 'static) -> Output {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let reader = tokio::spawn({
            let lines = Arc::clone(&lines);
            async move {
                let mut stream = BufReader::new(stream);
                let mut line = Vec::new();
                while stream.read_until(b'\n', &mut line).await.is_ok_and(|n| n > 0) {
                    let text = String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned();
                    lines.lock().expect("no holder panics").push(text);
                    line.clear();
                }
            }
        });
        Output { lines, reader }
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no holder panics").clone()
    }
}
