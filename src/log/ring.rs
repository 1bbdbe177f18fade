//! A recording that goes from file to file and forgets what is too old.
//!
//! Owns when a new part begins, what it is called, and which parts are too old. Removes nothing but parts that a ring
//! has recorded, of the same database, in the same folder, that nobody writes.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use super::claim::{Claim, RemoveError};
use super::cursor::Cursor;
use super::head::{Clocks, HEADER_BYTES, Head, Meta};
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

    /// Removes the parts in the folder that ended longer than [`Ring::keep_us`] before `now`. What cannot be read or
    /// removed stays, and is tried again with the next part.
    pub(super) fn forget(&self, now: &Now<'_>) {
        let Ok(entries) = std::fs::read_dir(&self.dir) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|extension| extension == "flight") && path != now.path {
                let _ = self.forget_part(&path, now);
            }
        }
    }

    fn forget_part(&self, path: &Path, now: &Now<'_>) -> Result<(), RemoveError> {
        // The lock is held from the first look to the end: who goes on with a part keeps it.
        let claim = Claim::of(path)?;
        let is_ours = claim.head().meta.as_ref().is_some_and(|meta| {
            meta.part.is_some() && meta.server == now.meta.server && meta.database == now.meta.database
        });
        if !is_ours {
            return Ok(());
        }
        let last_at = Cursor::open(path)?.last_at();
        match now.age_us(claim.head(), last_at, claim.metadata().as_ref()) > self.keep_us {
            true => claim.remove(),
            false => Ok(()),
        }
    }
}

/// The present moment, as the log that is being written tells it.
#[derive(Debug)]
pub(super) struct Now<'a> {
    pub(super) header: &'a [u8; HEADER_BYTES],
    pub(super) meta: &'a Meta,
    /// Its file.
    pub(super) path: &'a Path,
    /// The time of its flight.
    pub(super) at: At,
}

impl Now<'_> {
    /// How long ago a log ended, in microseconds. The wall clock is asked last: it may have been set meanwhile, or
    /// have been wrong when one of the flights began. Then the file's own time must agree with it.
    fn age_us(&self, found: &Head, last_at: At, file: Option<&Metadata>) -> u64 {
        let own = Clocks::of(self.header);
        if found.flight == own.flight {
            return self.at.us_since(last_at);
        }
        if found.boot == own.boot && own.boot != [0; 16] {
            let now_us = own.monotonic_us.saturating_add(self.at.0);
            return now_us.saturating_sub(found.monotonic_us.saturating_add(last_at.0));
        }
        let now_us = own.utc_us.saturating_add_unsigned(self.at.0);
        let by_header = now_us.saturating_sub(found.utc_us.saturating_add_unsigned(last_at.0));
        let touched = |file: &Metadata| file.modified().ok();
        let own_file = std::fs::metadata(self.path).ok();
        let by_file = own_file.as_ref().and_then(touched).zip(file.and_then(touched)).map(|(now, then)| {
            now.duration_since(then).map_or(0, |age| u64::try_from(age.as_micros()).unwrap_or(u64::MAX))
        });
        u64::try_from(by_header).unwrap_or(0).min(by_file.unwrap_or(0))
    }
}
