//! When a segment or a checkpoint is due.
//!
//! Owns the measures of a segment, for whoever writes one. Never writes anything.

use crate::engine::ids::At;

/// A segment is due this long after the last one began, in microseconds of the flight.
pub const SEGMENT_US: u64 = 60 * 1_000_000;
/// A segment is due after this many full samples: what a seek has to decode. Twice as many would save an eighth of the
/// size and cost twice the time.
pub const SEGMENT_SAMPLES: u32 = 60;
/// A checkpoint within the segment is due after this many full samples: what a seek has to replay.
pub const CHECKPOINT_SAMPLES: u32 = 10;

/// The present segment, as it is filled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Present {
    began: At,
    samples: u32,
    /// Samples since the last checkpoint.
    unchecked: u32,
}

impl Present {
    /// A segment that begins, with its checkpoint.
    pub(super) fn beginning(at: At) -> Present {
        Present { began: at, samples: 0, unchecked: 0 }
    }

    /// Takes in full samples.
    pub(super) fn count(&mut self, samples: u32) {
        self.samples = self.samples.saturating_add(samples);
        self.unchecked = self.unchecked.saturating_add(samples);
    }

    /// A checkpoint stands behind what was counted.
    pub(super) fn is_checked(&mut self) {
        self.unchecked = 0;
    }

    /// Whether another segment is due at `at`.
    pub(super) fn is_full(&self, at: At) -> bool {
        at.us_since(self.began) >= SEGMENT_US || self.samples >= SEGMENT_SAMPLES
    }

    /// Whether a checkpoint is due.
    pub(super) fn wants_state(&self) -> bool {
        self.unchecked >= CHECKPOINT_SAMPLES
    }
}
