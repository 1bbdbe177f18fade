//! What other limits would have done in a recorded flight.
//!
//! Every log is decided anew, input by input, by an engine with the limits in question (`trial`), by one with the
//! limits of the flight, and by the one that replays it. The first two decide every trip from the first look to the
//! last and act on none, so that the answer does not depend on whether the flight was watching, in shadow or armed.
//!
//! **How far a recording applies.** It shows one world: what was done in it was done. The limits in question are
//! compared with it up to the *first differing action*:
//!
//! - They trip, and the recording stops nothing at that moment: from the trip on, the recording is of another world.
//!   A later stop in the recording, or the end of the harm, tells by how much they would have been earlier. What was
//!   lost in between is spared *at most*: a stop takes time as well.
//! - A guardrail stopped the target and the limits in question had not tripped: they would not have acted before,
//!   and what would have come after is unknown. Nothing behind that stop is judged.
//! - What an operator or the dead-man's switch stopped was not stopped by a limit: it is the same in both worlds.
//!
//! After a difference of the first kind judging goes on, with the next target, once both worlds have come to the
//! same again: the try in question was rolled back in the recording, as a stop would have rolled it back. When it
//! committed, or that is not known, the rest of the log is not judged, and its hours do not count. A try that spans a
//! gap is not judged either.
//!
//! **A false trip** is one whose harm resolved by itself: nobody stopped the target in the recording, and the queue
//! behind it drained within [`Question::resolved_within_ms`], while the work went on or because it came to its end.
//! A try that was rolled back by something else (its own `lock_timeout`, an error, somebody's stop) is *undecided*:
//! the recording does not tell which. So is one that the recording stopped before that time was over. Clients that
//! gave up waiting look like a queue that drained.
//!
//! **What counts once.** Logs that have the same time of the same flight, such as a log and a cut of it, are all
//! judged, and one of them counts. A log that begins within its flight is judged from there; a try that was under way
//! then is not.
//!
//! **What is left as it was.** Limits that an operator changed in the air stay in force where they were changed,
//! unless [`Question::keeps_overrides`] says otherwise: they were somebody's judgement of that moment. The pace of
//! the looks is the recording's: a flight that watched looks less often than an armed one, so a trip in it is at the
//! latest when it is said.
//!
//! Owns the comparison. Never acts, and never changes a log.

mod case;
mod hearing;
mod rate;
mod trial;
mod verdict;
pub mod words;

#[cfg(test)]
mod tests;

use std::path::Path;

use crate::engine::settings::{Limits, Settings};
pub use verdict::{
    Act, By, Harm, Incident, Judgement, LimitValues, LogVerdict, Missing, Outcome, Parted, SCHEMA, Total,
    Trip, schema,
};

/// What is asked of the logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The limits in question.
    pub limits: Limits,
    /// Limits that operators changed in the air stay in force where they changed them.
    pub keeps_overrides: bool,
    /// A queue that drains within this after a trip would have done so without a stop, in milliseconds.
    pub resolved_within_ms: u64,
}

impl Question {
    /// How soon harm that resolves by itself does so, unless something else is said, in milliseconds: no later than
    /// after two rungs of the abort ladder, so that a stop would have spared next to nothing.
    pub const RESOLVED_WITHIN_MS: u64 = 2 * Settings::GRACE_MS;
}

/// Judges one log. One that cannot be read says so in its verdict, with what could be judged before that.
pub fn log(path: &Path, question: &Question) -> LogVerdict {
    hearing::hear(path, question)
}

/// The judgement of logs that were judged by the same question.
pub fn all(question: &Question, mut logs: Vec<LogVerdict>) -> Judgement {
    rate::mark_repeats(&mut logs);
    Judgement {
        schema: SCHEMA,
        lockpit: env!("CARGO_PKG_VERSION").to_owned(),
        limits: LimitValues::from(&question.limits),
        keeps_overrides: question.keeps_overrides,
        resolved_within_ms: question.resolved_within_ms,
        total: rate::total(&logs),
        logs,
    }
}
