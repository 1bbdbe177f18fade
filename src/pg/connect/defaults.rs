//! What this machine says when nobody else did: the user, the server's socket directory.
//!
//! Owns those look-ups. Never reads the process's environment; it is handed in.

use std::fs;
use std::path::{Path, PathBuf};

/// Where servers of the common packages put their sockets, in the order they are tried.
const SOCKET_DIRS: [&str; 3] = ["/var/run/postgresql", "/run/postgresql", "/tmp"];

/// PostgreSQL's port.
pub(super) const PORT: u16 = 5432;

/// The directory whose socket for `port` exists, if any.
pub(super) fn socket_dir(port: u16) -> Option<PathBuf> {
    SOCKET_DIRS.iter().map(PathBuf::from).find(|dir| socket_in(dir, port).exists())
}

/// Whether `dir` is where a server listens by default, which `.pgpass` calls `localhost`.
pub(super) fn is_socket_dir(dir: &Path) -> bool {
    SOCKET_DIRS.iter().any(|known| Path::new(known) == dir)
}

/// The socket of the server with this port in `dir`.
pub(super) fn socket_in(dir: &Path, port: u16) -> PathBuf {
    dir.join(format!(".s.PGSQL.{port}"))
}

/// The system's name for the user of this process: from the passwd file, as libpq does, else `USER` or
/// `LOGNAME` (a directory service may know users that the file does not).
pub(super) fn system_user(env: impl Fn(&str) -> Option<String>) -> Option<String> {
    let uid = rustix::process::geteuid().as_raw();
    fs::read_to_string("/etc/passwd")
        .ok()
        .and_then(|passwd| name_of(&passwd, uid))
        .or_else(|| ["USER", "LOGNAME"].iter().find_map(|name| env(name).filter(|user| !user.is_empty())))
}

fn name_of(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty() && !name.starts_with(['#', '+', '-']))?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_passwd_file_names_the_user() {
        let passwd =
            "# users\nroot:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n+\nbroken\n";
        assert_eq!(name_of(passwd, 1000).as_deref(), Some("ann"));
        assert_eq!(name_of(passwd, 0).as_deref(), Some("root"));
        assert_eq!(name_of(passwd, 7), None);
    }
}
