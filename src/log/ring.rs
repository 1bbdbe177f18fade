//! A recording that goes from file to file and forgets what is too old.
//!
//! Owns when a new part begins, what it is called, and which parts are too old. Removes nothing but parts that a ring
//! has recorded, of the same database, in the same folder, that nobody writes.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::cursor::Cursor;
use super::head::{Head, Meta};
use crate::engine::ids::At;

/// A part lasts this share of what is kept.
const SHARE: u64 = 16;
/// The shortest and the longest part, in microseconds of the flight.
const PART_US: (u64, u64) = (60 * 1_000_000, 6 * 3_600 * 1_000_000);

/// What is kept, and where.
#[derive(Debug, Clone)]
pub struct Ring {
    /// The folder of the parts.
    pub dir: PathBuf,
    /// What their names begin with.
    pub stem: String,
    /// How long a part is kept after its end, in microseconds.
    pub keep_us: u64,
}

impl Ring {
    /// Where part `number` is recorded, from 1.
    pub fn part(&self, number: u32) -> PathBuf {
        self.dir.join(format!("{}.part{number:04}.flight", self.stem))
    }

    /// Whether a part that began at `began` has lasted long enough at `at`.
    pub(super) fn is_due(&self, began: At, at: At) -> bool {
        at.us_since(began) >= (self.keep_us / SHARE).clamp(PART_US.0, PART_US.1)
    }

    /// Removes the parts in the folder that ended before `utc_us - keep_us`. What cannot be read or removed stays.
    pub(super) fn forget(&self, meta: &Meta, utc_us: i64) {
        let Ok(entries) = std::fs::read_dir(&self.dir) else { return };
        let oldest = utc_us.saturating_sub_unsigned(self.keep_us);
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|extension| extension == "flight")
                && ended_us(&path, meta).is_some_and(|ended| ended < oldest)
            {
                // Tried again with the next part.
                let _ = std::fs::remove_file(&path);
            }
        }
    }
}

/// When the log at `path` ended, to a minute, in microseconds since 1970 UTC; `None` unless it is a part of a ring that
/// has recorded the same database, and nobody writes it.
fn ended_us(path: &Path, meta: &Meta) -> Option<i64> {
    let found = Head::read(path).ok()?;
    let same = found.meta.as_ref().is_some_and(|found| {
        found.part.is_some() && found.server == meta.server && found.database == meta.database
    });
    let file = File::open(path).ok()?;
    if !same || flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return None;
    }
    let cursor = Cursor::open(path).ok()?;
    Some(found.utc_us.saturating_add_unsigned(cursor.last_at().0))
}
