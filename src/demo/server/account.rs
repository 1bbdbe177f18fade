//! The account a server runs as.
//!
//! PostgreSQL refuses root, and root is normal in containers, so root's servers run as `postgres`, else as
//! `nobody`. Anybody else's run as their owner. Rights are read from mode bits only; access lists are not seen.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::ServerError;

/// The account that a server, its `initdb` and its janitor run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Account {
    /// The user who runs this process.
    Same,
    /// Another user, chosen because this process is root.
    Other { name: String, uid: u32, gid: u32 },
}

impl Account {
    /// The account for servers of this process.
    pub(super) fn choose() -> Result<Account, ServerError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Account::Same);
        }
        let passwd = fs::read_to_string("/etc/passwd").map_err(ServerError::file("read", "/etc/passwd"))?;
        ["postgres", "nobody"].iter().find_map(|name| entry(&passwd, name)).ok_or(ServerError::NoAccount)
    }

    /// Makes `command` run as this account, with its group and no others.
    pub(super) fn apply(&self, command: &mut Command) {
        if let Account::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
    }

    /// Gives `path` to this account.
    pub(super) fn own(&self, path: &Path) -> Result<(), ServerError> {
        match self {
            Account::Same => Ok(()),
            Account::Other { uid, gid, .. } => {
                chown(path, Some(*uid), Some(*gid)).map_err(ServerError::file("change the owner of", path))
            }
        }
    }

    /// Whether this account may enter `dir` and all folders above it.
    pub(super) fn can_enter(&self, dir: &Path) -> bool {
        dir.ancestors().all(|folder| self.has(folder, 0o1))
    }

    /// Whether this account may make and remove its own entries in `dir`.
    pub(super) fn can_fill(&self, dir: &Path) -> bool {
        self.can_enter(dir) && self.has(dir, 0o3)
    }

    fn has(&self, path: &Path, bits: u32) -> bool {
        let Account::Other { uid, gid, .. } = self else { return true };
        fs::metadata(path).is_ok_and(|meta| {
            let shift = if meta.uid() == *uid {
                6
            } else if meta.gid() == *gid {
                3
            } else {
                0
            };
            (meta.mode() >> shift) & bits == bits
        })
    }
}

/// The account called `name` in the text of a passwd file.
fn entry(passwd: &str, name: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok().filter(|uid| *uid != 0)?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account::Other { name: name.to_owned(), uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn accounts_are_read_from_the_passwd_text() {
        let passwd =
            "root:x:0:0::/root:/bin/sh\nnobody:*:-2:-2::/:/bin/false\npostgres:x:101:104:,,,:/v:/bin/sh\n";
        let account = entry(passwd, "postgres");
        assert_eq!(account, Some(Account::Other { name: "postgres".into(), uid: 101, gid: 104 }));
        assert_eq!(entry(passwd, "nobody"), None, "an id that is no number is not used");
        assert_eq!(entry(passwd, "root"), None, "root is never dropped to");
        assert_eq!(entry("postgres:x", "postgres"), None);
    }

    #[test]
    fn a_private_folder_is_closed_to_another_account() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).expect("closed");
        let stranger = Account::Other { name: "stranger".into(), uid: 4_000_000_001, gid: 4_000_000_001 };
        assert!(stranger.can_fill(Path::new("/tmp")));
        assert!(!stranger.can_enter(dir.path()));
        assert!(!stranger.can_fill(Path::new("/")));
        assert!(Account::Same.can_enter(dir.path()));
    }
}
