//! `queue_age`: how long the longest victim of the target has waited.
//!
//! *Danger.* A quiet table: too few clients to make a deep queue, but those that come hang for as long as
//! the lock is awaited.
//! *Signal.* Age of the longest wait among the target's victims.
//! *Default.* 1 s: cancel. The age is its own hold time.
//! *Cannot see.* Waits that ended before a sample saw them, and those in a pooler or on a standby.

use serde::{Deserialize, Serialize};

use super::{Facts, Guardrail, Level, Reading, seconds};

/// The rule keeps nothing: the age of a wait is its memory.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueueAge {}

impl Guardrail for QueueAge {
    fn name(&self) -> &'static str {
        "queue_age"
    }

    fn judge(&mut self, facts: &Facts) -> Reading {
        let Some(target) = facts.target else {
            return Reading::not_yet("no target");
        };
        let limit_ms = facts.limits.queue_age.limit_ms;
        let (pid, limit) = (target.pid, seconds(limit_ms));
        let (value_ms, sentence) = match (target.victims, target.oldest_victim_ms) {
            (0, _) => (0, format!("nobody waits behind pid {pid}; limit {limit}")),
            (_, Some(ms)) => {
                (ms, format!("a session has waited {} behind pid {pid}; limit {limit}", seconds(ms)))
            }
            (_, None) => return Reading::not_yet("since when those behind the target wait is not known"),
        };
        let level = match value_ms {
            ms if ms >= limit_ms => Level::Trip,
            ms if ms >= limit_ms / 2 => Level::Warn,
            _ => Level::Ok,
        };
        Reading { level, value: Some(value_ms), limit: Some(limit_ms), sentence }
    }

    fn reset(&mut self) {}
}
