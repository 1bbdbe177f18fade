//! The right to remove a log.
//!
//! Owns the checks before a log is removed: it is a file of its own, nobody writes it, and what is removed is what was
//! looked at. Never touches anything else.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};

use super::error::ReadError;
use super::head::Head;

/// Why a log was not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// It is no file of its own.
    #[error("{0} is a link or no file: it was left alone")]
    NotAFile(PathBuf),
    /// It is being written.
    #[error("{0} is being written: it was left alone")]
    InTheAir(PathBuf),
    /// Another file has taken its name.
    #[error("{0} is another file than the one that was listed: it was left alone")]
    Changed(PathBuf),
    /// It is not a log.
    #[error("{0}: it was left alone")]
    Read(#[from] ReadError),
    /// The system refused.
    #[error("cannot remove {0}: {1}")]
    Refused(PathBuf, io::Error),
}

/// A log that nobody writes, and that nobody begins to write while this is held.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    /// Holds the lock.
    file: File,
    head: Head,
}

impl Claim {
    /// Claims the log at `path`.
    ///
    /// # Errors
    /// [`RemoveError`] says why it cannot be had.
    pub fn of(path: &Path) -> Result<Claim, RemoveError> {
        let refused = |error: io::Error| RemoveError::Refused(path.to_owned(), error);
        if !path.symlink_metadata().map_err(refused)?.is_file() {
            return Err(RemoveError::NotAFile(path.to_owned()));
        }
        let no_follow = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let file = OpenOptions::new().read(true).custom_flags(no_follow).open(path).map_err(refused)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| RemoveError::InTheAir(path.to_owned()))?;
        let head = Head::read(path)?;
        Ok(Claim { path: path.to_owned(), file, head })
    }

    /// The beginning of the log.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// What the system knows of the file.
    pub(super) fn metadata(&self) -> Option<Metadata> {
        self.file.metadata().ok()
    }

    /// Removes the log. The lock is held until the file has no name any more.
    ///
    /// # Errors
    /// [`RemoveError::Changed`] when another file has its name now; [`RemoveError::Refused`].
    pub fn remove(self) -> Result<(), RemoveError> {
        let refused = |error: io::Error| RemoveError::Refused(self.path.clone(), error);
        let held = self.file.metadata().map_err(refused)?;
        let named = self.path.symlink_metadata().map_err(refused)?;
        if (held.dev(), held.ino()) != (named.dev(), named.ino()) {
            return Err(RemoveError::Changed(self.path));
        }
        std::fs::remove_file(&self.path).map_err(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Header, Log, Meta, Options};
    use super::*;

    fn log(path: &Path) -> Log {
        let header = Header {
            flight: [1; 16],
            sync: [2; 16],
            boot: [0; 16],
            utc_us: 0,
            monotonic_us: 0,
            meta: Meta::default(),
        };
        Log::create(path, &header, Options::default()).expect("created")
    }

    #[test]
    fn who_claims_a_log_keeps_writers_away_and_removes_no_other_file() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.flight");
        let written = log(&path);
        assert!(matches!(Claim::of(&path), Err(RemoveError::InTheAir(_))));
        drop(written);

        let claim = Claim::of(&path).expect("nobody writes it");
        assert!(matches!(Log::resume(&path, Options::default()), Err(super::super::LogError::Locked { .. })));
        std::fs::rename(&path, dir.path().join("b.flight")).expect("renamed");
        std::fs::write(&path, "of somebody else").expect("written");
        assert!(matches!(claim.remove(), Err(RemoveError::Changed(_))));
        assert!(path.exists(), "what took its name is left alone");

        let renamed = dir.path().join("b.flight");
        Claim::of(&renamed).expect("nobody writes it").remove().expect("removed");
        assert!(!renamed.exists());
    }
}
