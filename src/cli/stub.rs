//! The small process between a shell and a flight with a screen.
//!
//! A shell waits for the process it started. So that a flight can leave its terminal while it flies, that process
//! is a stub: it starts lockpit again, waits, and returns its exit code, or returns at once when the flight says
//! that it has detached. The two share the terminal, and both are in the shell's job.
//!
//! | the stub gets | what it does |
//! |---|---|
//! | CHLD | returns the flight's exit code; stops when the flight has stopped; gives the terminal back when it was killed |
//! | USR1 | returns 0 if the flight has really left the terminal's session |
//! | TERM | hands it on |
//! | INT | hands it on, unless the terminal has sent it to the flight as well |
//! | HUP | hands it on where the terminal tells the stub alone, as the first process of its session |
//! | TSTP | nothing: the flight decides, and the stub follows |
//!
//! Owns both ends of that. Knows nothing of the flight, and keeps no runtime but for signals.

use std::io::{self, Write};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, getppid, getsid, kill_process, waitpid};
use rustix::termios::{LocalModes, tcgetattr};
use tokio::signal::unix::{SignalKind, signal};

use super::detach::{child_args, leave_session};
use super::lines::complain;
use super::takeoff::runtime;
use super::{Exit, Failure};
use crate::flight::signals::Hangup;
use crate::screen::terminal::Before;

/// How long the last words have to reach a terminal.
const FAREWELL: Duration = Duration::from_millis(500);

/// What a shell does at once is done within this.
const SAME_BREATH: Duration = Duration::from_millis(20);

/// Starts the flight in a process of its own, and waits for it.
pub(super) fn run() -> Result<u8, Failure> {
    runtime()?.block_on(watch()).map_err(|error| {
        Failure::new(Exit::Usage, format!("no process could be started for the flight: {error}"))
    })
}

async fn watch() -> io::Result<u8> {
    // Before there is a child whose end could be missed.
    let mut child_changed = signal(SignalKind::child())?;
    let mut detached = signal(SignalKind::user_defined1())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut suspend = signal(SignalKind::from_raw(Signal::TSTP.as_raw()))?;
    let before = Before::now();
    let under = ["--under".to_owned(), getpid().to_string()];
    let child = Command::new(std::env::current_exe()?)
        .args(child_args(under.map(Into::into), std::env::args_os().skip(1)))
        .spawn()?;
    let child = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let child = child.ok_or(io::ErrorKind::InvalidData)?;
    let hand_on = |signal| {
        // One that has ended is heard of by the next CHLD.
        let _ = kill_process(child, signal);
    };
    loop {
        tokio::select! {
            _ = child_changed.recv() => {
                let options = WaitOptions::NOHANG | WaitOptions::UNTRACED;
                let Some((_, status)) = waitpid(Some(child), options)? else { continue };
                if let Some(code) = ended(status, &before) {
                    return Ok(code);
                }
                if status.stopped() && stays_stopped(child).await {
                    let _ = kill_process(getpid(), Signal::STOP);
                    hand_on(Signal::CONT);
                }
            }
            _ = detached.recv() => {
                // Anybody may send it; only a flight that has detached is in a session of its own.
                if getsid(Some(child)).is_ok_and(|session| session == child) {
                    return Ok(Exit::Done as u8);
                }
            }
            _ = terminate.recv() => hand_on(Signal::TERM),
            _ = interrupt.recv() => {
                let sent_to_both = tcgetattr(io::stdin())
                    .is_ok_and(|modes| modes.local_modes.contains(LocalModes::ISIG));
                if !sent_to_both {
                    hand_on(Signal::INT);
                }
            }
            _ = hangup.recv() => {
                if getsid(None).is_ok_and(|leader| leader == getpid()) {
                    hand_on(Signal::HUP);
                }
            }
            _ = suspend.recv() => {}
        }
    }
}

/// Whether the flight alone was stopped. Where the whole job was, the shell that wakes the stub wakes the flight in
/// the same breath, and to stop once more would be heard of by nobody.
async fn stays_stopped(child: Pid) -> bool {
    tokio::time::sleep(SAME_BREATH).await;
    let woken = waitpid(Some(child), WaitOptions::NOHANG | WaitOptions::CONTINUED);
    !woken.is_ok_and(|status| status.is_some_and(|(_, status)| status.continued()))
}

/// The exit code of a flight that has ended; one that was killed could not give the terminal back.
fn ended(status: WaitStatus, before: &Before) -> Option<u8> {
    if let Some(signal) = status.terminating_signal() {
        before.restore();
        complain(&format!(
            "the flight's process was ended by signal {signal}: the server cleans up after it"
        ));
        return Some(u8::try_from(128 + signal).unwrap_or(u8::MAX));
    }
    status.exit_status().map(|code| u8::try_from(code).unwrap_or(u8::MAX))
}

/// The way for a flight to leave its terminal.
#[derive(Debug)]
pub(super) struct Exile {
    stub: Pid,
    hangup: Hangup,
}

impl Exile {
    /// For a flight under the stub `stub`; none when that is not who started this process.
    pub(super) fn under(stub: i32, hangup: Hangup) -> Option<Exile> {
        let stub = Pid::from_raw(stub)?;
        (getppid() == Some(stub)).then_some(Exile { stub, hangup })
    }

    /// Leaves the terminal, after `said` was printed there. The screen has been left before.
    ///
    /// # Errors
    /// Why the flight still is at its terminal.
    pub(super) async fn leave(self, said: String) -> Result<(), Failure> {
        self.hangup.ignore();
        leave_session()?;
        print(said).await;
        let stays = |error: &dyn std::fmt::Display| {
            Failure::new(Exit::Usage, format!("the flight cannot let go of its terminal: {error}"))
        };
        let nowhere = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null");
        let nowhere = nowhere.map_err(|error| stays(&error))?;
        rustix::stdio::dup2_stdin(&nowhere).map_err(|error| stays(&error))?;
        rustix::stdio::dup2_stdout(&nowhere).map_err(|error| stays(&error))?;
        rustix::stdio::dup2_stderr(&nowhere).map_err(|error| stays(&error))?;
        // A stub that was killed has nobody to tell, and its number may be somebody else's.
        if getppid() == Some(self.stub) {
            let _ = kill_process(self.stub, Signal::USR1);
        }
        Ok(())
    }
}

/// Prints without waiting for a terminal that takes nothing.
async fn print(said: String) {
    let (done, printed) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = io::stdout().write_all(said.as_bytes());
        let _ = done.send(());
    });
    let _ = tokio::time::timeout(FAREWELL, printed).await;
}
