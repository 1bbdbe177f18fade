//! The password of one connection.
//!
//! Owns the order of its sources and the command that prints one. Never shows what it finds, nor what the
//! command or its error output says.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::conninfo::Conninfo;
use super::host::Host;
use super::passfile::{self, Wanted};
use super::secret::Secret;

/// The longest password that a command may print, in bytes; tokens of cloud providers have up to some 10 kB.
const MAX_BYTES: usize = 64 * 1024;

/// The password that holds for all hosts: the explicit one, or what the command prints.
///
/// # Errors
/// Why the command brought none, in words for people.
pub(super) async fn for_all_hosts(conninfo: &Conninfo) -> Result<Option<Secret>, String> {
    match (&conninfo.password_command, &conninfo.password) {
        (Some(command), _) => {
            let timeout = conninfo.connect_timeout.unwrap_or(Conninfo::CONNECT_TIMEOUT);
            from_command(command, timeout).await.map(Some)
        }
        (None, password) => Ok(password.clone()),
    }
}

/// The password file's line for one host.
pub(super) fn for_host(conninfo: &Conninfo, host: &Host) -> Option<Secret> {
    let text = passfile::read(conninfo.passfile.as_deref()?).ok().flatten()?;
    let (user, dbname, port) = (&conninfo.user, &conninfo.dbname, host.port);
    passfile::find(
        &text,
        &Wanted { host: &host.name, or_localhost: host.is_default_socket(), port, dbname, user },
    )
}

async fn from_command(command: &Secret, timeout: Duration) -> Result<Secret, String> {
    let mut child = Command::new("/bin/sh")
        .arg("-c")
        .arg(command.expose())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| format!("the shell for the password command could not be started ({e})"))?;
    let stdout = child.stdout.take().expect("it was asked for");
    let run = async {
        let mut bytes = Vec::new();
        let limit = u64::try_from(MAX_BYTES).expect("it is small") + 1;
        stdout
            .take(limit)
            .read_to_end(&mut bytes)
            .await
            .map_err(|e| format!("its output broke off ({e})"))?;
        if bytes.len() > MAX_BYTES {
            return Err("it printed more than 64 KiB".to_owned());
        }
        let status = child.wait().await.map_err(|e| format!("its end was not seen ({e})"))?;
        if !status.success() {
            return Err(format!("it ended with {status}"));
        }
        let text =
            String::from_utf8(bytes).map_err(|_| "it printed something that is not UTF-8".to_owned())?;
        match text.lines().next() {
            Some(line) if !line.is_empty() => Ok(Secret::new(line)),
            _ => Err("its first line of output is empty".to_owned()),
        }
    };
    let result = tokio::time::timeout(timeout, run).await;
    result
        .unwrap_or_else(|_| Err(format!("it did not end within {} s", timeout.as_secs())))
        .map_err(|why| format!("the password command failed: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(command: &str, timeout_ms: u64) -> Result<Secret, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(from_command(&Secret::new(command), Duration::from_millis(timeout_ms)))
    }

    #[test]
    fn the_first_line_is_the_password() {
        for command in ["echo 'a b'", "printf 'a b'", "printf 'a b\\r\\nmore\\n'"] {
            assert_eq!(run(command, 5_000), Ok(Secret::new("a b")), "{command}");
        }
    }

    #[test]
    fn a_command_that_fails_brings_no_password_and_no_output() {
        for command in
            ["echo hunter2; exit 3", "echo; echo hunter2", "printf 'hunter2\\377'", "echo hunter2 >&2"]
        {
            let error = run(command, 5_000).expect_err(command);
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(run("exit 3", 5_000).expect_err("it failed").contains('3'));
        assert!(run("exec sleep 60", 50).expect_err("it hangs").contains("did not end"));
    }
}
