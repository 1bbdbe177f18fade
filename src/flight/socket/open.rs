//! Making a socket: its directory, its permissions, its name.
//!
//! Owns the order in which that is safe: a socket gets its name once it listens and nobody can open it who
//! should not.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::{Socket, identity};
use crate::log::safe_name;
use crate::random;
use crate::remote::place;

/// Flights that may want the same name.
const NAMESAKES: u32 = 100;
/// A name is not shortened below this many characters, which hold its date.
const SHORTEST_NAME: usize = 18;

/// What socket is wanted.
#[derive(Debug, Clone)]
pub(in crate::flight) struct Wanted {
    /// The flight's name.
    pub(in crate::flight) name: String,
    /// Where, the preferred directory first.
    pub(in crate::flight) dirs: Vec<PathBuf>,
    /// The group whose members may connect.
    pub(in crate::flight) group: Option<u32>,
}

/// Makes the socket in the first directory that allows it.
///
/// # Errors
/// Why there is none, for people.
pub(in crate::flight) fn open(wanted: &Wanted) -> Result<Socket, String> {
    let mut failed = Vec::new();
    for dir in &wanted.dirs {
        match prepare(dir, wanted.group).and_then(|()| listen(dir, wanted)) {
            Ok(socket) => return Ok(socket),
            Err(error) => failed.push(format!("{}: {error}", dir.display())),
        }
    }
    match failed.is_empty() {
        true => Err("there is no place for one".to_owned()),
        false => Err(failed.join("; ")),
    }
}

/// Makes the directory, and sees to it that no other account can put a socket of its own there.
fn prepare(dir: &Path, group: Option<u32>) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let found = fs::metadata(dir)?;
    let mode = found.mode() & 0o777;
    if found.uid() != rustix::process::geteuid().as_raw() {
        // A place that the machine's owner made for a team.
        return match found.uid() == 0 && mode & 0o002 == 0 {
            true => Ok(()),
            false => Err(io::Error::other("it belongs to another account")),
        };
    }
    let wanted = match group {
        Some(group) => {
            chown(dir, None, Some(group))?;
            0o750
        }
        // Another flight may share it with a group.
        None => mode & 0o750,
    };
    if mode != wanted {
        fs::set_permissions(dir, Permissions::from_mode(wanted))?;
    }
    Ok(())
}

fn listen(dir: &Path, wanted: &Wanted) -> io::Result<Socket> {
    // Without the suffix nobody takes it for a flight's.
    let unnamed = dir.join(format!(".{:016x}", u64::from_le_bytes(random::bytes())));
    if unnamed.as_os_str().len() > place::MAX_PATH_BYTES {
        return Err(too_long());
    }
    let listener = UnixListener::bind(&unnamed)?;
    let named = permit(&unnamed, wanted.group)
        .and_then(|()| listener.set_nonblocking(true))
        .and_then(|()| name(&unnamed, dir, &wanted.name));
    let _ = fs::remove_file(&unnamed);
    let path = named?;
    let identity = identity(&path);
    Ok(Socket { listener, path, identity, shared: wanted.group.is_some() })
}

fn permit(socket: &Path, group: Option<u32>) -> io::Result<()> {
    if group.is_some() {
        chown(socket, None, group)?;
    }
    let mode = if group.is_some() { 0o660 } else { 0o600 };
    fs::set_permissions(socket, Permissions::from_mode(mode))
}

/// Gives the socket the first free of the flight's possible names. A link never replaces another's socket.
fn name(unnamed: &Path, dir: &Path, wanted: &str) -> io::Result<PathBuf> {
    for n in 1..=NAMESAKES {
        let path = path(dir, wanted, n).ok_or_else(too_long)?;
        match fs::hard_link(unnamed, &path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // A stale one is removed by this.
                if place::connect(&path).is_err() && fs::hard_link(unnamed, &path).is_ok() {
                    return Ok(path);
                }
            }
            linked => return linked.map(|()| path),
        }
    }
    Err(io::Error::other(format!("{NAMESAKES} flights of that name are in the air")))
}

/// The path of the `n`th flight of this name, which is shortened to fit.
fn path(dir: &Path, wanted: &str, n: u32) -> Option<PathBuf> {
    let suffix = if n == 1 { String::new() } else { format!(".{n}") };
    let mut name = safe_name(wanted);
    if name.starts_with('.') || name.is_empty() {
        name.insert(0, '_');
    }
    let shortest = SHORTEST_NAME.min(name.len());
    (shortest..=name.len())
        .rev()
        .find_map(|len| place::socket_path(dir, &format!("{}{suffix}", &name[..len])))
}

fn too_long() -> io::Error {
    io::Error::other(format!("its path is too long for a socket ({} bytes at most)", place::MAX_PATH_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(dir: &Path, name: &str) -> Wanted {
        Wanted { name: name.to_owned(), dirs: vec![dir.to_owned()], group: None }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").mode() & 0o777
    }

    #[test]
    fn socket_and_directory_are_their_owners_alone() {
        let home = tempfile::tempdir().expect("a folder");
        let dir = home.path().join("state/run");
        let socket = open(&wanted(&dir, "20261120T221407Z-shop")).expect("a socket");
        let path = dir.join("20261120T221407Z-shop.sock");
        assert_eq!((mode(&dir), mode(&path)), (0o700, 0o600));
        assert_eq!(socket.name(), "20261120T221407Z-shop");
        assert_eq!(fs::read_dir(&dir).expect("a folder").count(), 1, "nothing else is left there");
        drop(socket);
        assert!(!path.exists(), "it is removed with the flight");
    }

    #[test]
    fn a_group_may_reach_a_shared_socket() {
        let home = tempfile::tempdir().expect("a folder");
        let dir = home.path().join("run");
        let group = rustix::process::getegid().as_raw();
        let _own = open(&wanted(&dir, "own")).expect("a socket");
        let _shared = open(&Wanted { group: Some(group), ..wanted(&dir, "shared") }).expect("a socket");
        let _third = open(&wanted(&dir, "third")).expect("a socket");
        assert_eq!((mode(&dir), mode(&dir.join("shared.sock"))), (0o750, 0o660));
        assert_eq!((mode(&dir.join("own.sock")), mode(&dir.join("third.sock"))), (0o600, 0o600));
    }

    #[test]
    fn a_namesake_gets_another_name_and_a_dead_one_is_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        drop(UnixListener::bind(dir.path().join("shop.sock")).expect("a socket"));
        let first = open(&wanted(dir.path(), "shop")).expect("a socket");
        let second = open(&wanted(dir.path(), "shop")).expect("a socket");
        assert_eq!((&*first.name(), &*second.name()), ("shop", "shop.2"));
    }

    #[test]
    fn a_name_that_is_too_long_is_shortened_and_a_hopeless_place_is_said() {
        let home = tempfile::tempdir().expect("a folder");
        let name = format!("20261120T221407Z-{}", "x".repeat(64));
        let deep = home.path().join("d".repeat(107 - 1 - 30 - home.path().as_os_str().len()));
        let socket = open(&wanted(&deep, &name)).expect("a socket");
        assert!(name.starts_with(&socket.name()) && socket.name().len() == 24, "{}", socket.name());
        let hopeless = home.path().join("d".repeat(107));
        let why = open(&wanted(&hopeless, &name)).expect_err("no socket");
        assert!(why.contains("too long"), "{why}");
        let fallback = Wanted { dirs: vec![hopeless, deep], ..wanted(home.path(), &name) };
        assert!(open(&fallback).is_ok(), "the next place is tried");
    }

    #[test]
    fn a_name_cannot_leave_its_directory() {
        for (name, file) in [("../x", "_.._x.sock"), ("", "_.sock"), ("a b\u{1b}", "a_b_.sock")] {
            assert_eq!(path(Path::new("/d"), name, 1), Some(Path::new("/d").join(file)), "{name:?}");
        }
    }
}
