//! What can go wrong with a log, in words for people.

use std::io;
use std::path::PathBuf;

use super::loss::Lost;

/// Why a log could not be created or closed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Something is there already; a log is never overwritten.
    #[error("{path} exists already, and a log is never overwritten: name another file")]
    Exists {
        /// The log that was to be created.
        path: PathBuf,
    },
    /// The directory is missing.
    #[error("cannot create {path}: there is no directory {dir}; create it or record elsewhere")]
    NoDirectory {
        /// The log that was to be created.
        path: PathBuf,
        /// The directory it was to be in.
        dir: PathBuf,
    },
    /// The file system cannot be written to.
    #[error("cannot create {path}: the file system is read-only; record elsewhere")]
    ReadOnly {
        /// The log that was to be created.
        path: PathBuf,
    },
    /// The directory does not let this user write.
    #[error("cannot create {path}: no permission to write in {dir}; record elsewhere")]
    Denied {
        /// The log that was to be created.
        path: PathBuf,
        /// The directory it was to be in.
        dir: PathBuf,
    },
    /// There is no space for even the header.
    #[error("cannot create {path}: the disk is full; free some space or record elsewhere")]
    Full {
        /// The log that was to be created.
        path: PathBuf,
    },
    /// Another process holds the lock of the file: it writes the log.
    #[error("{path} is locked by another process, which records to it: name another file")]
    Locked {
        /// The log that was to be created, or to go on.
        path: PathBuf,
    },
    /// There is no log to go on with.
    #[error("there is no log at {path} to go on with")]
    Missing {
        /// The log.
        path: PathBuf,
    },
    /// The log that was to go on was closed by its flight.
    #[error("{path} was closed by its flight, and goes on no more: name another file")]
    Closed {
        /// The log.
        path: PathBuf,
    },
    /// The log that was to go on holds nothing.
    #[error("{path} was cut off before anything was recorded in it, and cannot go on: name another file")]
    Empty {
        /// The log.
        path: PathBuf,
    },
    /// The log that was to go on is not as it was written.
    #[error(
        "{path} is altered, and is not appended to: {what}; record elsewhere, and keep it for `lockpit verify`"
    )]
    Altered {
        /// The log.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The log that was to go on cannot be read.
    #[error(transparent)]
    Read {
        /// Why.
        source: ReadError,
    },
    /// Creating failed for another reason.
    #[error("cannot create {path}: {source}")]
    Create {
        /// The log that was to be created.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Writing a log that is copied from another one failed.
    #[error("cannot write {path}: {source}; nothing is left of it")]
    Write {
        /// The log that was being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The end of the flight could not be written; what was durable before is intact.
    #[error("the log ends without its last part: {entries} entries lost since {at_ms} ms of the flight ({why})", entries = lost.entries, at_ms = lost.since.ms(), why = lost.why)]
    Unfinished {
        /// What is missing.
        lost: Lost,
    },
    /// The writing thread is gone, which is a defect of lockpit.
    #[error("the thread that writes the log ended by itself: what was durable before is intact")]
    WriterGone,
}

/// Why a log, or a part of it, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be opened.
    #[error("cannot open {path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file does not begin like a log.
    #[error("{path} is not a lockpit flight log")]
    NotALog {
        /// The file.
        path: PathBuf,
    },
    /// The file ends inside its header.
    #[error("{path} ends after {bytes} bytes, inside its header: nothing was recorded")]
    TooShort {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
    /// The header does not fit its checksum, and no copy of it was found.
    #[error("the header of {path} is damaged, and so is or lacks its copy in the first segment")]
    HeaderDamaged {
        /// The file.
        path: PathBuf,
    },
    /// A newer release wrote the log.
    #[error("{path} has format {found}; this release reads formats up to {supported}: use a newer lockpit")]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u16,
        /// The newest format this release reads.
        supported: u16,
    },
    /// A release before the first one wrote the log.
    #[error(
        "{path} has format {found}, which no release of lockpit has written: replay it with the build that did"
    )]
    TooOld {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u16,
    },
    /// The log uses features that this release must not ignore.
    #[error("{path} uses features this release does not know (flags {flags:#x}): use a newer lockpit")]
    Features {
        /// The file.
        path: PathBuf,
        /// The incompatible flags of its header.
        flags: u32,
    },
    /// A record this release must not ignore and does not know.
    #[error(
        "{path} has a record of unknown type {kind:#04x} (flags {flags:#04x}) at byte {at_byte}: use a newer lockpit"
    )]
    UnknownRecord {
        /// The file.
        path: PathBuf,
        /// The record's type.
        kind: u8,
        /// The record's flags.
        flags: u8,
        /// Where it begins.
        at_byte: u64,
    },
    /// An intact record whose content this release does not understand.
    #[error(
        "the record at byte {at_byte} of {path} is intact but not understood ({why}): replay it with the release that wrote it"
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// Where the record begins.
        at_byte: u64,
        /// What did not fit.
        why: String,
    },
    /// Reading failed.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no segment whose checkpoint can be read.
    #[error("{path} has no readable checkpoint to start from")]
    NoCheckpoint {
        /// The file.
        path: PathBuf,
    },
}
