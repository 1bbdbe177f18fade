//! What will happen by itself.
//!
//! Owns the sentence that says whether anything stops the target without a human hand, what, and when.

use crate::engine::Cockpit;
use crate::engine::guard::{Level, Reading, seconds};
use crate::engine::ids::At;
use crate::engine::settings::IfLost;
use crate::engine::timeline::GuardState;

#[cfg(test)]
mod tests;

/// Whether something stops the target by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foresight {
    /// Nothing does, and why.
    Nothing(String),
    /// A guardrail does, and when.
    Will(String),
    /// It is being done.
    Now(String),
}

impl Foresight {
    /// What is to be expected at `now`.
    pub fn of(cockpit: &Cockpit, now: At) -> Foresight {
        let brake = cockpit.brake();
        let Some((state, sentence)) = brake.state() else {
            return Foresight::Nothing("nothing yet: the flight has just begun".to_owned());
        };
        let nothing = |why: String| Foresight::Nothing(why);
        match state {
            GuardState::Tripped => return Foresight::Now(sentence.clone()),
            GuardState::Watching if sentence == "not armed" => {
                return nothing("nothing: the guard is not armed".to_owned());
            }
            GuardState::Watching if sentence.starts_with("disarmed") => {
                return nothing(format!("nothing: the guard is {sentence}"));
            }
            GuardState::Watching => return nothing(format!("nothing: {sentence}")),
            GuardState::Shadow => return nothing("nothing: in shadow, trips are only logged".to_owned()),
            GuardState::Blind | GuardState::Armed => {}
        }
        let Some(target) = cockpit.target() else {
            return Foresight::Will("armed, and nothing is under guard now".to_owned());
        };
        if target.tripped {
            return nothing(
                "nothing more: a guardrail has tripped on this attempt, and does so once".to_owned(),
            );
        }
        if !target.strong {
            return nothing(
                "nothing: its locks let reads and writes through, so only a hand stops it".to_owned(),
            );
        }
        if !brake.consent().acts_on(now, target) {
            return nothing("nothing: blind, and not armed for it".to_owned());
        }
        let readings = brake.guardrails().readings();
        let find = |name: &str| readings.iter().find(|(known, _)| known == name).map(|(_, reading)| reading);
        if *state == GuardState::Blind {
            let if_lost = cockpit.flight().map(|begin| begin.settings.if_lost);
            return match (if_lost, find("blind")) {
                (Some(IfLost::Stop), Some(reading)) => Foresight::Will(reading.sentence.clone()),
                _ => nothing("nothing: blind, and --if-lost keep lets it go on".to_owned()),
            };
        }
        Foresight::Will(queue(cockpit, now, find("queue_depth"), find("queue_age")))
    }

    /// The sentence.
    pub fn sentence(&self) -> &str {
        match self {
            Foresight::Nothing(text) | Foresight::Will(text) | Foresight::Now(text) => text,
        }
    }
}

/// What the queue guardrails will do, the next one first.
fn queue(cockpit: &Cockpit, now: At, depth: Option<&Reading>, age: Option<&Reading>) -> String {
    let mut parts = Vec::new();
    let victims = cockpit.target().map_or(0, |target| target.victims.len());
    if let Some(Reading { level, limit: Some(limit), .. }) = depth {
        parts.push(match level {
            Level::Warn | Level::Trip => format!("queue_depth now, over {limit}"),
            _ => format!("queue_depth at {limit} waiting"),
        });
    }
    if let Some(Reading { limit: Some(limit_ms), .. }) = age {
        let victims = cockpit.target().map(|target| target.victims.clone()).unwrap_or_default();
        let oldest_ms = cockpit.ages().oldest_ms(now, victims);
        parts.push(match oldest_ms {
            Some(oldest_ms) => format!("queue_age in {}", seconds(limit_ms.saturating_sub(oldest_ms))),
            None => format!("queue_age at {}", seconds(*limit_ms)),
        });
    }
    if victims == 0 {
        return format!("yes, once clients wait behind it: {}", parts.join(", "));
    }
    format!("yes: {}", parts.join(", "))
}
