//! Where flights listen.
//!
//! Owns the directories of sockets and their names, and removes sockets nobody listens on. Never talks.
//!
//! 1. `$LOCKPIT_RUN_DIR`, alone, when it is set: the place for a team that shares flights.
//! 2. `$XDG_RUNTIME_DIR/lockpit`. It ends with the user's last login, so a flight that outlives its terminal
//!    listens elsewhere.
//! 3. `run` in lockpit's state directory.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::log::default_dir;

/// How a socket's name ends.
pub const SUFFIX: &str = "sock";
/// The longest path a socket's address holds everywhere lockpit runs (`sun_path`, without its end).
pub const MAX_PATH_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The directories where flights of this user may listen, the preferred one first.
pub fn dirs() -> Vec<PathBuf> {
    if let Some(dir) = chosen() {
        return vec![dir];
    }
    let runtime =
        ProjectDirs::from("", "", "lockpit").and_then(|dirs| dirs.runtime_dir().map(Path::to_owned));
    runtime.into_iter().chain(lasting()).collect()
}

/// The same for a flight that outlives the login it was started from.
pub fn lasting_dirs() -> Vec<PathBuf> {
    chosen().or_else(lasting).into_iter().collect()
}

fn chosen() -> Option<PathBuf> {
    std::env::var_os("LOCKPIT_RUN_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from)
}

fn lasting() -> Option<PathBuf> {
    default_dir().map(|dir| dir.join("run"))
}

/// The socket of the flight `name` in `dir`; `None` when its path would be too long.
pub fn socket_path(dir: &Path, name: &str) -> Option<PathBuf> {
    let path = dir.join(format!("{name}.{SUFFIX}"));
    (path.as_os_str().len() <= MAX_PATH_BYTES).then_some(path)
}

/// The sockets in `dir`, by name. A directory that is not there has none.
pub fn sockets(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_socket()))
        .map(|entry| entry.path())
        .filter(|path| path.extension() == Some(OsStr::new(SUFFIX)))
        .collect();
    found.sort();
    found
}

/// Connects to a socket. One that nobody listens on is removed.
///
/// # Errors
/// Nobody listens ([`io::ErrorKind::ConnectionRefused`], [`io::ErrorKind::NotFound`]), or this user may not.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    let connected = UnixStream::connect(path);
    if let Err(error) = &connected
        && error.kind() == io::ErrorKind::ConnectionRefused
        && std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
    {
        // A flight gives its socket this name only once it listens.
        let _ = std::fs::remove_file(path);
    }
    connected
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_socket_nobody_listens_on_is_removed_and_nothing_else_is() {
        let dir = tempfile::tempdir().expect("a folder");
        let (stale, alive, file) =
            (dir.path().join("stale.sock"), dir.path().join("alive.sock"), dir.path().join("file.sock"));
        drop(UnixListener::bind(&stale).expect("a socket"));
        let _listener = UnixListener::bind(&alive).expect("a socket");
        std::fs::write(&file, "").expect("a file");
        assert_eq!(sockets(dir.path()), [alive.clone(), stale.clone()]);
        assert!(connect(&stale).is_err() && !stale.exists());
        assert!(connect(&alive).is_ok() && alive.exists());
        assert!(connect(&file).is_err() && file.exists());
    }

    #[test]
    fn a_path_that_no_address_holds_is_none() {
        let dir = PathBuf::from(format!("/{}", "d".repeat(80)));
        assert!(socket_path(&dir, "20261120T221407Z").is_some());
        assert!(socket_path(&dir, "20261120T221407Z-a-long-name-of-a-database").is_none());
    }
}
