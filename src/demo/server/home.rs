//! The directory of a throw-away server, and the janitor that removes it.
//!
//! Owns the certainty that nothing is left behind: the janitor is a shell that reads a pipe from this process.
//! When the pipe ends, because the [`Home`] was dropped or because this process died in whatever way, the
//! janitor stops the server and removes the directory. It runs as the server's account, so that it can hurt
//! nobody else even if the server's files lie to it, and in a process group of its own, out of reach of the
//! terminal's Ctrl-C.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{env, process, thread};

use super::ServerError;
use super::account::Account;
use crate::clock::FlightClock;

/// The longest folder for temporary files whose socket paths still fit into a socket's address (103 bytes).
const BASE_MAX_BYTES: usize = 50;
/// How long a dropped directory waits for its janitor, whose own limit is some 15 s.
const JANITOR_MS: u64 = 20_000;

/// A directory that does not outlive this process.
#[derive(Debug)]
pub(super) struct Home {
    dir: PathBuf,
    account: Account,
    janitor: Child,
    /// Its end is the janitor's signal.
    leash: Option<ChildStdin>,
}

impl Home {
    /// A new directory, owned by the account that servers run as and closed to all others.
    pub(super) fn create() -> Result<Home, ServerError> {
        let account = Account::choose()?;
        let dir = new_folder(&account)?;
        // Until the janitor takes over, a failure removes what was made so far.
        let given = account.own(&dir).and_then(|()| janitor(&account, &dir));
        match given {
            Ok((janitor, leash)) => Ok(Home { dir, account, janitor, leash: Some(leash) }),
            Err(error) => {
                let _ = fs::remove_dir(&dir);
                Err(error)
            }
        }
    }

    /// The directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The account that owns it.
    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    /// A command for `program` that runs as the account, in its own process group (Ctrl-C in the terminal does
    /// not reach it), working in the directory (by that the janitor knows it), free of the caller's `PG*`
    /// variables, language and time zone.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        clean_environment(&mut command);
        command.current_dir(&self.dir).process_group(0).stdin(Stdio::null());
        self.account.apply(&mut command);
        command
    }

    /// Tells the janitor what to stop: the process started last, or nothing.
    pub(super) fn tell_janitor(&mut self, pid: Option<u32>) -> Result<(), ServerError> {
        let line = pid.map_or_else(|| "\n".to_owned(), |pid| format!("{pid}\n"));
        let Some(leash) = &mut self.leash else { return Ok(()) };
        leash.write_all(line.as_bytes()).map_err(ServerError::file("reach the janitor of", &self.dir))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.leash = None;
        let clock = FlightClock::start();
        while matches!(self.janitor.try_wait(), Ok(None)) && clock.now().ms() < JANITOR_MS {
            thread::sleep(Duration::from_millis(2));
        }
        // Only when the janitor failed or was killed is there anything left to remove.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Starts the janitor of `dir`.
fn janitor(account: &Account, dir: &Path) -> Result<(Child, ChildStdin), ServerError> {
    let mut command = Command::new("/bin/sh");
    clean_environment(&mut command);
    command
        .args(["-c", include_str!("janitor.sh"), "lockpit-janitor"])
        .arg(dir)
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    account.apply(&mut command);
    let mut child =
        command.spawn().map_err(|source| ServerError::Spawn { program: "/bin/sh".to_owned(), source })?;
    let leash = child.stdin.take().expect("the janitor's stdin is piped");
    Ok((child, leash))
}

fn clean_environment(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if is_server_setting(&name) {
            command.env_remove(name);
        }
    }
    // A named time zone also spares initdb a search through all of them.
    command.env("LC_ALL", "C").env("TZ", "UTC");
}

/// Variables that change what PostgreSQL's programs do or say.
fn is_server_setting(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"PG") || name == "LANGUAGE"
}

/// The number of this process's next folder.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Makes a new folder for `account` below the first suitable folder for temporary files.
fn new_folder(account: &Account) -> Result<PathBuf, ServerError> {
    let bases = [env::temp_dir(), PathBuf::from("/tmp"), PathBuf::from("/var/tmp")];
    for base in &bases {
        let Ok(base) = base.canonicalize() else { continue };
        if base.as_os_str().len() > BASE_MAX_BYTES || !account.can_fill(&base) {
            continue;
        }
        let made = loop {
            // A name is not used again: whoever had it may still be removing what is there.
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let dir = base.join(format!("lockpit-{}-{number}", process::id()));
            match DirBuilder::new().mode(0o700).create(&dir) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(_) => break None,
                Ok(()) => break Some(dir),
            }
        };
        if let Some(dir) = made {
            return Ok(dir);
        }
    }
    let tried: Vec<String> = bases.iter().map(|base| base.display().to_string()).collect();
    Err(ServerError::NoFolder { tried: tried.join(", ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_home_takes_its_files_along() {
        let home = Home::create().expect("a directory");
        let dir = home.dir().to_path_buf();
        fs::write(dir.join("file"), "x").expect("a file");
        drop(home);
        assert!(!dir.exists());
    }

    #[test]
    fn a_home_whose_janitor_was_killed_is_still_removed() {
        let mut home = Home::create().expect("a directory");
        let dir = home.dir().to_path_buf();
        home.janitor.kill().expect("killed");
        home.janitor.wait().expect("gone");
        // Not at once: a process that another test is just starting may hold the pipe's other end until it runs.
        let clock = FlightClock::start();
        while home.tell_janitor(None).is_ok() {
            assert!(clock.now().ms() < 10_000, "the loss of the janitor goes unnoticed");
            thread::yield_now();
        }
        drop(home);
        assert!(!dir.exists());
    }

    #[test]
    fn a_terminals_interrupt_does_not_reach_the_janitor() {
        let home = Home::create().expect("a directory");
        let pid = i32::try_from(home.janitor.id()).ok().and_then(rustix::process::Pid::from_raw);
        assert_eq!(rustix::process::getpgid(pid).ok(), pid, "it leads a process group of its own");
    }

    #[test]
    fn the_janitor_spares_what_does_not_work_in_its_directory() {
        let mut home = Home::create().expect("a directory");
        let dir = home.dir().to_path_buf();
        // Same account, so that only the janitor's own check protects it.
        let mut stranger = Command::new("sleep");
        stranger.arg("60").current_dir("/");
        home.account().apply(&mut stranger);
        let mut stranger = stranger.spawn().expect("sleep");
        let mut own = home.command(Path::new("sleep")).arg("60").spawn().expect("sleep");
        fs::create_dir(dir.join("data")).expect("a folder");
        fs::write(dir.join("data/postmaster.pid"), format!("{}\n", own.id())).expect("a file");
        home.account().own(&dir.join("data")).expect("given away");
        home.tell_janitor(Some(stranger.id())).expect("told");
        drop(home);
        assert!(own.wait().expect("ended").code().is_none(), "ended by a signal");
        assert!(stranger.try_wait().expect("known").is_none(), "the stranger lives");
        stranger.kill().expect("killed");
        stranger.wait().expect("gone");
        assert!(!dir.exists());
    }

    #[test]
    fn variables_of_the_caller_do_not_reach_the_server() {
        for name in ["PGDATA", "PGPORT", "PGOPTIONS", "LANGUAGE"] {
            assert!(is_server_setting(OsStr::new(name)), "{name}");
        }
        for name in ["PATH", "HOME", "LD_PRELOAD", "LOCKPIT_PG_BIN"] {
            assert!(!is_server_setting(OsStr::new(name)), "{name}");
        }
    }
}
