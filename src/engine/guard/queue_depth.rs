//! `queue_depth`: how many clients at ordinary work wait because of the target.
//!
//! *Danger.* A strong lock that is held or awaited makes every later query on the table queue; within a
//! second a busy application runs out of connections.
//! *Signal.* Victims of the target: clients whose nearest strong backend it is. Maintenance, other schema
//! work and lockpit itself never count.
//! *Default.* The smaller of 5 and half the usual active clients (at least 2: one client that waits is for
//! `queue_age`), for 100 ms: cancel.
//! *Cannot see.* Clients that wait in a pooler or in the application, and readers on standbys.

use serde::{Deserialize, Serialize};

use super::{Facts, Guardrail, Hold, Level, Reading, seconds};

/// The bounds of the default limit, in victims.
const DEFAULT_LIMIT: (u32, u32) = (2, 5);

/// The rule's memory: since when it is over its limit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueueDepth {
    hold: Hold,
}

impl Guardrail for QueueDepth {
    fn name(&self) -> &'static str {
        "queue_depth"
    }

    fn judge(&mut self, facts: &Facts) -> Reading {
        let Some(target) = facts.target else {
            self.reset();
            return Reading::not_yet("no target");
        };
        let rule = &facts.limits.queue_depth;
        let limit = rule.limit.unwrap_or_else(|| default_limit(facts.usual_active));
        let over = target.victims >= limit;
        let seen = facts.last_sample.unwrap_or(facts.at);
        let held_ms = self.hold.update(seen, over, target.victims <= limit / 2);
        let level = match held_ms {
            Some(held_ms) if held_ms >= rule.hold_ms => Level::Trip,
            Some(_) => Level::Warn,
            None => Level::Ok,
        };
        let oldest = target.oldest_victim_ms.map_or(String::new(), |ms| format!(", oldest {}", seconds(ms)));
        let sentence = format!(
            "{} behind pid {}{oldest}; limit {limit} for {}",
            count(target.victims),
            target.pid,
            seconds(rule.hold_ms)
        );
        Reading { level, value: Some(target.victims.into()), limit: Some(limit.into()), sentence }
    }

    fn reset(&mut self) {
        *self = QueueDepth::default();
    }
}

fn default_limit(usual_active: Option<u32>) -> u32 {
    let (least, most) = DEFAULT_LIMIT;
    usual_active.map_or(most, |active| (active / 2).clamp(least, most))
}

fn count(victims: u32) -> String {
    match victims {
        1 => "1 session queues".to_owned(),
        n => format!("{n} sessions queue"),
    }
}
