//! What could not be recorded.
//!
//! Owns the account of a loss until its gap is on disk.

use crate::engine::ids::At;
use crate::engine::input::Gap;

/// Entries that could not be recorded, from a first one on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Why, in words for people.
    pub why: String,
    /// Time of the first entry that was lost.
    pub since: At,
    /// How many batches were lost.
    pub batches: u64,
    /// How many entries were in them.
    pub entries: u64,
    /// Whether all that was lost is counted: not what was lost with a process.
    pub is_counted: bool,
}

impl Lost {
    pub(super) fn new(why: String, since: At) -> Lost {
        Lost { why, since, batches: 0, entries: 0, is_counted: true }
    }

    /// A loss of which nobody knows how much it was.
    pub(super) fn uncounted(why: String, since: At) -> Lost {
        Lost { is_counted: false, ..Lost::new(why, since) }
    }

    /// Counts one batch of `entries`.
    pub(super) fn count(&mut self, entries: u64) {
        self.batches += 1;
        self.entries += entries;
    }

    /// Takes in a loss that touches this one. The reason of the earlier one stays; but that an earlier process stopped
    /// does not tell why this one does not record.
    pub(super) fn absorb(&mut self, other: Lost) {
        if other.since < self.since {
            self.why = match self.is_counted && !other.is_counted && !other.why.contains(&self.why) {
                true => format!("{}; then {}", other.why, self.why),
                false => other.why,
            };
            self.since = other.since;
        }
        self.batches += other.batches;
        self.entries += other.entries;
        self.is_counted &= other.is_counted;
    }

    pub(super) fn gap(&self) -> Gap {
        Gap { from: self.since, why: self.why.clone(), lost: self.is_counted.then_some(self.entries) }
    }
}
