//! The password file: `.pgpass`.
//!
//! Owns its grammar, its permission rule and the look-up. It is read anew for every connection, because a
//! flight outlives a password. Never reports a line's content.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::secret::Secret;

/// What a line of the file is matched against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The host as given, or the directory of the socket.
    pub(super) host: &'a str,
    /// It is the default socket, which is `localhost` to the file.
    pub(super) or_localhost: bool,
    pub(super) port: u16,
    pub(super) dbname: &'a str,
    pub(super) user: &'a str,
}

/// The file's text; `None` when there is no file.
///
/// # Errors
/// Why a file that is there is not used, in words for people: it is not a plain file, others may read it,
/// or it cannot be read.
pub(super) fn read(path: &Path) -> Result<Option<String>, String> {
    let ignored = |why: String| format!("password file {} is ignored: {why}", path.display());
    // A pipe in its place must not hang the connection.
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).expect("O_NONBLOCK is an int");
    let mut file = match fs::OpenOptions::new().read(true).custom_flags(nonblocking).open(path) {
        Ok(file) => file,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(e) => return Err(ignored(e.to_string())),
    };
    let facts = file.metadata().map_err(|e| ignored(e.to_string()))?;
    if !facts.is_file() {
        return Err(ignored("it is not a plain file".to_owned()));
    }
    if facts.mode() & 0o077 != 0 {
        return Err(ignored(format!(
            "its mode {:04o} lets group or others in; chmod 0600 it",
            facts.mode() & 0o7777
        )));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|e| ignored(e.to_string()))?;
    String::from_utf8(bytes).map(Some).map_err(|_| ignored("it is not UTF-8".to_owned()))
}

/// The password of the first line that fits; an empty one is none.
pub(super) fn find(text: &str, wanted: &Wanted<'_>) -> Option<Secret> {
    let port = wanted.port.to_string();
    let host = |field: &str| field == wanted.host || (wanted.or_localhost && field == "localhost");
    let fields: [&dyn Fn(&str) -> bool; 4] =
        [&host, &|field| field == port, &|field| field == wanted.dbname, &|field| field == wanted.user];
    let password = text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut rest = line;
        for fits in fields {
            let (field, after) = next_field(rest)?;
            if field != "*" && !fits(&unescape(field)) {
                return None;
            }
            rest = after;
        }
        Some(unescape(next_field(rest).map_or(rest, |(password, _)| password)))
    })?;
    (!password.is_empty()).then(|| Secret::new(password))
}

/// The text before the next plain colon, still escaped, and the rest after it.
fn next_field(line: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let end = line.find(|c| {
        let ends = c == ':' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some((&line[..end], &line[end + 1..]))
}

fn unescape(text: &str) -> String {
    let mut chars = text.chars();
    let mut plain = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        plain.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const FILE: &str = "# db1:5432:shop:ann:commented\n\
        db1:5432:shop:ann:first\n\
        db1:*:shop:ann:any port\n\
        [\\:\\:1]:5432:*:*:brackets\n\
        \\:\\:1:5432:*:*:six\n\
        localhost:*:*:ann:sock\\:et\\\\\n\
        db2:5432:shop:ann:\n\
        db2:*:*:ann:shadowed\n\
        too:short\n\
        *:*:*:bob:pass:with a tail\n";

    fn look_up(host: &str, port: u16, user: &str) -> Option<String> {
        let wanted = Wanted { host, or_localhost: host.starts_with("/run"), port, dbname: "shop", user };
        find(FILE, &wanted).map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn the_first_line_that_fits_wins() {
        assert_eq!(look_up("db1", 5432, "ann").as_deref(), Some("first"));
        assert_eq!(look_up("db1", 5433, "ann").as_deref(), Some("any port"));
        assert_eq!(look_up("::1", 5432, "ann").as_deref(), Some("six"));
        assert_eq!(look_up("elsewhere", 5432, "ann"), None);
    }

    #[test]
    fn the_default_socket_is_called_localhost() {
        assert_eq!(look_up("/elsewhere", 5432, "ann"), None);
        assert_eq!(look_up("/run/postgresql", 5432, "ann").as_deref(), Some("sock:et\\"));
    }

    #[test]
    fn an_empty_password_is_none_and_a_plain_colon_ends_one() {
        assert_eq!(look_up("db2", 5432, "ann"), None);
        assert_eq!(look_up("db2", 5432, "bob").as_deref(), Some("pass"));
    }

    #[test]
    fn a_file_that_others_may_read_is_ignored_with_a_warning() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("pgpass");
        assert_eq!(read(&path), Ok(None));
        fs::write(&path, "*:*:*:*:hunter2\n").expect("it is written");
        for (mode, read_it) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("the mode is set");
            let result = read(&path);
            assert_eq!(result.is_ok(), read_it, "{mode:o}");
            if let Err(warning) = result {
                assert!(warning.contains("chmod 0600") && !warning.contains("hunter2"), "{warning}");
            }
        }
        assert!(read(dir.path()).is_err());
    }
}
