//! `lockpit attach --detach`: a flight that outlives its terminal.
//!
//! Owns the two processes. The one that was started asks for passwords, waits until the flight is in the air,
//! says how to reach it and ends. The other, in a session of its own, flies. They talk over pipes: passwords
//! go down one, what happens comes up the other, and nothing secret is ever an argument or in the environment.
//! Once the first has ended the pipes are closed, so the second holds on to no terminal.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde::{Deserialize, Serialize};

use super::takeoff::{failure, prepare};
use super::{Exit, Failure};
use crate::flight::Flight;
use crate::flight::signals::{OnHangup, obey};
use crate::pg::connect::{Conninfo, Secret, ask_password};

/// What the flying process says to the one that started it, one JSON line each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Report {
    /// The server wants a password for this user; it is awaited on standard input.
    Password { user: String },
    /// The flight is in the air.
    Flying { name: String, log: Option<PathBuf>, no_socket: Option<String>, pid: u32 },
}

/// Starts the flying process, and returns when the flight is in the air or has failed.
pub(super) fn launch(conninfo: &Conninfo) -> Result<u8, Failure> {
    let broken = |error: io::Error| {
        Failure::new(Exit::Usage, format!("no process could be started for the flight: {error}"))
    };
    let first = conninfo.asks_password_first().then(|| ask_password(conninfo.user())).transpose();
    let first = first
        .map_err(|error| Failure::new(Exit::Usage, format!("the password cannot be asked for: {error}")))?;
    let mut child = Command::new(std::env::current_exe().map_err(broken)?)
        .args(child_args(["--detached-child".into()], std::env::args_os().skip(1)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(broken)?;
    let complaints = child.stderr.take().map(|mut stderr| {
        std::thread::spawn(move || {
            let _ = io::copy(&mut stderr, &mut io::stderr());
        })
    });
    match converse(&mut child, first) {
        Some(said) => {
            // Who reads it may have gone; the flight flies all the same.
            let _ = io::stdout().write_all(said.as_bytes());
            Ok(Exit::Done as u8)
        }
        None => {
            let ended = child.wait();
            if let Some(complaints) = complaints {
                let _ = complaints.join();
            }
            let code = ended.ok().and_then(|status| status.code()).and_then(|code| u8::try_from(code).ok());
            match code.filter(|code| *code != 0) {
                Some(code) => Ok(code),
                None => Err(Failure::new(Exit::Unreachable, "the flight ended before it began")),
            }
        }
    }
}

/// The arguments of the flying process: the same command, and which of the two it is. A bare connection string means
/// `attach` here as well.
pub(super) fn child_args(
    which: impl IntoIterator<Item = OsString>,
    args: impl Iterator<Item = OsString>,
) -> Vec<OsString> {
    let mut args = args.peekable();
    let command = args.next_if(|first| first == "attach" || first == "run");
    [command.unwrap_or_else(|| "attach".into())].into_iter().chain(which).chain(args).collect()
}

/// Hands over passwords until the flight is in the air; what to say then, or `None` when it never is.
fn converse(child: &mut Child, first: Option<Secret>) -> Option<String> {
    let mut passwords = child.stdin.take();
    let reports = BufReader::new(child.stdout.take()?);
    if let (Some(password), Some(to)) = (first, &mut passwords) {
        password.hand_over(to).ok()?;
    }
    for line in reports.lines() {
        match serde_json::from_str(&line.ok()?).ok()? {
            Report::Password { user } => {
                let asked = io::stdin().is_terminal().then(|| ask_password(&user).ok()).flatten();
                match (asked, &mut passwords) {
                    (Some(password), Some(to)) => password.hand_over(to).ok()?,
                    // Without an answer it is told so by the end of the pipe.
                    _ => passwords = None,
                }
            }
            Report::Flying { name, log, no_socket, pid } => {
                return Some(farewell(&name, log.as_deref(), no_socket.as_deref(), pid));
            }
        }
    }
    None
}

/// What is said when a flight flies on without its terminal.
pub(super) fn farewell(name: &str, log: Option<&Path>, no_socket: Option<&str>, pid: u32) -> String {
    let mut said = format!("flight {name}\npid    {pid}\n");
    match log {
        Some(log) => said.push_str(&format!("log    {}\n", log.display())),
        None => said.push_str("log    none: the flight is not recorded and cannot be joined\n"),
    }
    match no_socket {
        Some(why) => said.push_str(&format!("socket none: {why}\nend it with: kill {pid}\n")),
        None => {
            if log.is_some() {
                said.push_str(&format!("join it with: lockpit join {name}\n"));
            }
            said.push_str(&format!("ask it with:  lockpit tell {name} status\n"));
            said.push_str(&format!("end it with:  lockpit tell {name} end\n"));
        }
    }
    said
}

/// In the flying process: leaves the terminal's session, so that the flight does not end with it.
pub(super) fn leave_session() -> Result<(), Failure> {
    let left = rustix::process::setsid();
    left.map(drop).map_err(|error| {
        Failure::new(Exit::Usage, format!("the flight cannot leave the terminal's session: {error}"))
    })
}

/// In the flying process: the password that was asked for before connecting.
pub(super) fn with_password(conninfo: Conninfo) -> Conninfo {
    match conninfo.asks_password_first().then(|| Secret::take_over(&mut io::stdin().lock())).flatten() {
        Some(password) => conninfo.with_password(password),
        None => conninfo,
    }
}

/// In the flying process: flies until the flight, or somebody, ends it.
pub(super) async fn fly(flight: Flight) -> Result<u8, Failure> {
    let ask = |user: &str| {
        report(&Report::Password { user: user.to_owned() }).ok()?;
        Secret::take_over(&mut io::stdin().lock())
    };
    let (ready, commands) = prepare(flight, ask).await.map_err(failure)?;
    obey(&commands, OnHangup::Ignore);
    let log = ready.log_path().map(|log| std::path::absolute(log).unwrap_or_else(|_| log.to_owned()));
    let no_socket = ready.why_no_socket().map(str::to_owned);
    let flying = Report::Flying { name: ready.name().to_owned(), log, no_socket, pid: std::process::id() };
    // A flight of which nobody has been told would be found by nobody.
    report(&flying)
        .map_err(|_| Failure::new(Exit::Usage, "whoever started the flight has gone before it began"))?;
    Ok(ready.fly(None, |_| {}).await.exit)
}

fn report(report: &Report) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, report)?;
    out.write_all(b"\n")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flying_process_gets_the_same_arguments() {
        let args = |words: &[&str]| {
            let args = child_args(["--detached-child".into()], words.iter().map(OsString::from));
            args.into_iter().map(|arg| arg.to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        let expected = ["attach", "--detached-child", "--detach", "--", "dbname=x"];
        assert_eq!(args(&["attach", "--detach", "--", "dbname=x"]), expected);
        assert_eq!(args(&["dbname=x", "--detach"]), ["attach", "--detached-child", "dbname=x", "--detach"]);
    }

    #[test]
    fn a_password_survives_the_pipe() {
        let mut pipe = Vec::new();
        let password = Secret::new("a \"b\"\n\u{e4}\\");
        password.hand_over(&mut pipe).expect("room");
        assert_eq!(Secret::take_over(&mut &pipe[..]), Some(password));
        assert_eq!(Secret::take_over(&mut &b""[..]), None);
    }
}
