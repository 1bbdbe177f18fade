//! The file a log is written to.
//!
//! Owns creating, locking, appending, cutting. Everything below `len` is durable; nothing is ever appended
//! behind bytes that are not.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use super::error::LogError;

/// What a trial write must find room for before recording is taken up again.
const TRIAL_BYTES: usize = 64 * 1_024;
/// Tails of one place of one log that are kept.
const MOST_TAILS: u32 = 1_000;
/// How often the right to write is asked for, and how long between.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    file: File,
    /// Durable bytes.
    len: u64,
    /// There may be bytes behind `len`.
    torn: bool,
}

impl Disk {
    /// Creates `path` with `head` as its first bytes, durably; readable by its owner and this group only.
    pub(super) fn create(path: &Path, head: &[u8], group: Option<u32>) -> Result<Disk, LogError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| refused(path, error))?;
        let created = share(&file, path, group).and_then(|()| Disk::begin(file, path, head));
        if created.is_err() {
            // Ours alone, just created, and without a word in it.
            let _ = std::fs::remove_file(path);
        }
        created
    }

    fn begin(file: File, path: &Path, head: &[u8]) -> Result<Disk, LogError> {
        lock(&file, path)?;
        let mut disk = Disk { path: path.to_owned(), file, len: 0, torn: false };
        disk.append(head).map_err(|error| refused(path, error))?;
        sync_dir(path);
        Ok(disk)
    }

    /// Opens the log at `path` to go on with it; nothing may be appended before [`Disk::cut_to`].
    pub(super) fn reopen(path: &Path) -> Result<Disk, LogError> {
        let opened = OpenOptions::new().read(true).write(true).open(path);
        let file = opened.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => LogError::Missing { path: path.to_owned() },
            _ => refused(path, source),
        })?;
        lock(&file, path)?;
        Ok(Disk { path: path.to_owned(), file, len: 0, torn: true })
    }

    /// Copies what stands from byte `from` on to a new file beside the log, durably. A tail that was kept there before
    /// is left alone.
    pub(super) fn keep_tail(&self, path: &Path, from: u64) -> Result<PathBuf, LogError> {
        let mut number = 1;
        let (aside, mut tail) = loop {
            let aside = beside(path, from, number);
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside) {
                Ok(tail) => break (aside, tail),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < MOST_TAILS => {
                    number += 1;
                }
                Err(source) => return Err(LogError::Create { path: aside, source }),
            }
        };
        let copied = (|| {
            let mut log = &self.file;
            io::Seek::seek(&mut log, io::SeekFrom::Start(from))?;
            io::copy(&mut log, &mut tail)?;
            tail.sync_all()
        })();
        copied.map_err(|source| LogError::Create { path: aside.clone(), source })?;
        sync_dir(path);
        Ok(aside)
    }

    /// Removes the file, which nobody else has met.
    pub(super) fn remove(self) {
        let _ = std::fs::remove_file(&self.path);
    }

    /// Ends the file at `len`, below which all is known to be intact.
    pub(super) fn cut_to(&mut self, len: u64) -> io::Result<()> {
        self.len = len;
        self.cut()?;
        self.torn = false;
        Ok(())
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Durable bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Appends `bytes` and returns when they are durable. After an error none of them count; what was written
    /// of them is cut off, now or by [`Disk::recover`].
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.torn {
            return Err(io::Error::other("the log ends in a torn write"));
        }
        self.torn = true;
        match self.file.write_all_at(bytes, self.len).and_then(|()| self.file.sync_data()) {
            Ok(()) => {
                self.len += bytes.len() as u64;
                self.torn = false;
                Ok(())
            }
            Err(error) => {
                // A cut that fails now is tried again by `recover`, without which nothing is appended.
                let _ = self.cut();
                Err(error)
            }
        }
    }

    /// Fails when nobody could ever open what is being written.
    pub(super) fn check_reachable(&self) -> io::Result<()> {
        match self.file.metadata()?.nlink() {
            0 => Err(io::Error::new(io::ErrorKind::NotFound, "the log's file was removed")),
            _ => Ok(()),
        }
    }

    /// Finds out whether the log can go on: cuts what is torn and writes, syncs and cuts a trial of zeros,
    /// which no reader takes for a record.
    pub(super) fn recover(&mut self) -> io::Result<()> {
        self.check_reachable()?;
        self.torn = true;
        self.cut()?;
        let trial = self.file.write_all_at(&[0; TRIAL_BYTES], self.len).and_then(|()| self.file.sync_data());
        self.cut()?;
        trial?;
        self.torn = false;
        Ok(())
    }

    fn cut(&self) -> io::Result<()> {
        self.file.set_len(self.len)?;
        self.file.sync_data()
    }
}

/// Where the tail from byte `from` on is kept; `number` tells tails of the same place apart.
fn beside(path: &Path, from: u64, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".torn-{from}"));
    if number > 1 {
        name.push(format!(".{number}"));
    }
    PathBuf::from(name)
}

/// Takes the right to write the log at `path`, which one process has at a time.
fn lock(file: &File, path: &Path) -> Result<(), LogError> {
    // Who only asks whether a log is written holds the lock for a moment.
    for _ in 0..LOCK_TRIES {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(LOCK_PAUSE),
            Err(other) => return Err(LogError::Create { path: path.to_owned(), source: other.into() }),
        }
    }
    Err(LogError::Locked { path: path.to_owned() })
}

/// Whether somebody writes the log at `path`.
pub fn is_written(path: &Path) -> bool {
    File::open(path).is_ok_and(|log| is_locked(&log))
}

/// Whether a writer holds its right to this log.
pub fn is_locked(log: &File) -> bool {
    let is_free = flock(log, FlockOperation::NonBlockingLockShared).is_ok();
    if is_free {
        let _ = flock(log, FlockOperation::Unlock);
    }
    !is_free
}

/// Lets members of the group read, whatever the process's mask says.
fn share(file: &File, path: &Path, group: Option<u32>) -> Result<(), LogError> {
    let Some(group) = group else { return Ok(()) };
    let shared = fchown(file, None, Some(group))
        .and_then(|()| file.set_permissions(std::fs::Permissions::from_mode(0o640)));
    shared.map_err(|source| LogError::Create { path: path.to_owned(), source })
}

/// What went wrong, in words for people.
pub(super) fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        _ => format!("the log cannot be written: {error}"),
    }
}

fn refused(path: &Path, source: io::Error) -> LogError {
    let path = path.to_owned();
    let dir = parent(&path);
    match source.kind() {
        io::ErrorKind::AlreadyExists => LogError::Exists { path },
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => LogError::NoDirectory { path, dir },
        io::ErrorKind::ReadOnlyFilesystem => LogError::ReadOnly { path },
        io::ErrorKind::PermissionDenied => LogError::Denied { path, dir },
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => LogError::Full { path },
        _ => LogError::Create { path, source },
    }
}

/// Makes the new name durable, where the file system and the directory's permissions allow it.
fn sync_dir(path: &Path) {
    let _ = File::open(parent(path)).and_then(|dir| dir.sync_all());
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
        _ => PathBuf::from("."),
    }
}
