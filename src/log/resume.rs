//! Going on with a log whose flight was cut off.
//!
//! Owns what must be true before anything is appended: the log is intact up to its torn tail, the tail is kept aside,
//! the file ends behind the last whole turn, and nobody else writes it. Never appends by itself: the next segment
//! begins with the gap.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::cursor::Cursor;
use super::disk::Disk;
use super::draft::Position;
use super::error::LogError;
use super::head::{HEADER_BYTES, Head};
use super::loss::Lost;
use super::recorder::{Log, Options, Start};
use super::verify::{Torn, Verdict, verify};
use crate::engine::ids::At;

/// A log that goes on.
#[derive(Debug)]
pub struct Resumed {
    /// To be appended to, beginning with a segment.
    pub log: Log,
    /// What identifies and dates the flight.
    pub head: Head,
    /// Time of the last record: nothing may be recorded before it.
    pub last_at: At,
    /// Where the torn tail is kept, if there was one.
    pub tail: Option<PathBuf>,
}

impl Log {
    /// Goes on with the log at `path`, which was never closed. What stands behind its last whole turn is copied to a
    /// file beside it (`FILE.torn-BYTE`) and cut off. The next segment tells the gap.
    ///
    /// # Errors
    /// [`LogError::Locked`] while somebody writes it, [`LogError::Empty`] when not even its META record is there,
    /// [`LogError::Closed`] when its flight ended, [`LogError::Altered`] when it is not as it was written,
    /// [`LogError::Read`] when it is no log, [`LogError::Create`] when it cannot be written.
    pub fn resume(path: &Path, options: Options) -> Result<Resumed, LogError> {
        let mut disk = Disk::reopen(path)?;
        let read = |source| LogError::Read { source };
        let found = verify(path, None).map_err(read)?;
        let torn = match found.verdict {
            Verdict::Torn(torn) => torn,
            Verdict::Complete => return Err(LogError::Closed { path: path.to_owned() }),
            Verdict::Altered(altered) => {
                return Err(LogError::Altered { path: path.to_owned(), what: altered.what });
            }
        };
        if found.records == 0 {
            return Err(LogError::Empty { path: path.to_owned() });
        }
        let tail = match torn {
            Torn::Clean => None,
            Torn::Within { .. } | Torn::Zeros { .. } => Some(disk.keep_tail(path, found.pin.bytes)?),
        };
        disk.cut_to(found.pin.bytes).map_err(|source| LogError::Create { path: path.to_owned(), source })?;

        let cursor = Cursor::open(path).map_err(read)?;
        let (segment_at, texts_at) = cursor.last_segment();
        let seq = u32::try_from(found.records).unwrap_or(u32::MAX);
        let position = Position { seq, chain: found.pin.chain, segment_at, texts_at };
        let head = cursor.head().clone();
        let header: [u8; HEADER_BYTES] = head.bytes;
        let last_at = cursor.last_at();
        let lost = Lost::uncounted(why(tail.as_deref()), last_at);
        let start = Start {
            disk,
            header,
            meta: head.meta.clone().unwrap_or_default(),
            position,
            told: BTreeSet::new(),
            lost: Some(lost),
        };
        let log = Log::start(start, options)
            .map_err(|source| LogError::Create { path: path.to_owned(), source })?;
        Ok(Resumed { log, head, last_at, tail })
    }
}

fn why(tail: Option<&Path>) -> String {
    let stopped = "the recording stopped without an end, and goes on";
    match tail.and_then(Path::file_name) {
        Some(name) => format!("{stopped}; its torn tail is kept in {}", name.to_string_lossy()),
        None => stopped.to_owned(),
    }
}
