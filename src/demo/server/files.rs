//! Files of a throw-away server: written for its account, and read for what went wrong.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, lchown};
use std::path::Path;

use super::ServerError;
use super::account::Account;

/// The most of a log that an error repeats.
const LOG_TAIL_BYTES: usize = 2_000;

/// Writes a file that only the account may read.
pub(super) fn write_private(account: &Account, path: &Path, text: &str) -> Result<(), ServerError> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())
    };
    write().map_err(ServerError::file("write", path))?;
    account.own(path)
}

/// Gives a data directory that the caller may have filled to the account, without following links.
pub(super) fn own_all(account: &Account, path: &Path) -> Result<(), ServerError> {
    let Account::Other { uid, gid, .. } = account else { return Ok(()) };
    lchown(path, Some(*uid), Some(*gid)).map_err(ServerError::file("change the owner of", path))?;
    if fs::symlink_metadata(path).map_err(ServerError::file("read", path))?.is_dir() {
        for entry in fs::read_dir(path).map_err(ServerError::file("read", path))? {
            own_all(account, &entry.map_err(ServerError::file("read", path))?.path())?;
        }
    }
    Ok(())
}

/// The end of the file `path` from byte `from` on.
pub(super) fn tail(path: &Path, from: u64) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => {
            let start = bytes.len().saturating_sub(LOG_TAIL_BYTES);
            String::from_utf8_lossy(&bytes[start..]).trim().to_owned()
        }
        Err(error) => format!("(its log cannot be read: {error})"),
    }
}
