//! What follows from a trip.
//!
//! Owns when a trip becomes a stop, when a stop is tried again, and which trips are one incident. Never weighs whether
//! anything should trip: that is the guardrails'.

use serde::{Deserialize, Serialize};

use super::Brake;
use crate::engine::guard::{Facts, Reading, seconds};
use crate::engine::ids::{At, Attempt, Oid, Word};
use crate::engine::rungs::first_rung;
use crate::engine::stop::{Step, Stop};
use crate::engine::target::Target;
use crate::engine::timeline::Event;

/// How long after a stop a new attempt of the same client counts as a retry.
const INCIDENT_MS: u64 = 60_000;
/// How long a trip waits for the answer whether its target may be stopped; without one it is tried.
const RIGHT_WITHIN_MS: u64 = 500;

/// Attempts of one client, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Incident {
    application: Word,
    role: Option<Oid>,
    first: At,
    last: At,
    attempts: u32,
}

/// A stop of this attempt had its last word without anybody having been signalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unsent {
    pub(super) attempt: Attempt,
    pub(super) obstacle: Obstacle,
}

/// What kept a stop from its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Obstacle {
    /// No request got through, or none fitted the target any more.
    Path,
    /// In the state that the target was in, the consent does not reach it.
    Consent,
}

impl Brake {
    /// Acts on a trip, or tells why not.
    pub(super) fn trip(
        &mut self,
        facts: &Facts,
        target: &mut Target,
        refused: Option<&str>,
        step: &mut Step,
    ) {
        let tripped = self.rails.tripped().next().cloned();
        // The answer whether it may be stopped is on its way, and an input: this is judged again then.
        let acts = self.consent.acts_on(facts.at, target);
        let asked = target.found.max(self.consent.since());
        let awaits_right = acts && target.right.is_none() && facts.at.ms_since(asked) < RIGHT_WITHIN_MS;
        // One stop at a time: a trip while another is under way would be spent on nothing. What the dead-man's
        // switch has hit needs no second one.
        let is_free = self.stop.is_none() && !self.is_settled(&target.attempt);
        let free = !target.tripped && is_free && !awaits_right && self.decides(facts.at);
        let Some((name, mut reading)) = tripped.filter(|_| free) else { return };
        target.tripped = true;
        let attempt = self.count_attempt(facts.at, target, &mut reading);
        self.totals.trips += 1;
        let begun = (acts && refused.is_none()).then(|| {
            let id = self.next_id();
            Stop::begin(id, facts.at, target, self.consent.on_trip())
        });
        let acted = matches!(begun, Some((Some(_), _)));
        let pid = target.pid();
        step.events.push(Event::Trip { name, reading, pid, acted, attempt });
        if let Some(begun) = begun {
            if !acted {
                self.unsent = Some(Unsent { attempt: target.attempt, obstacle: Obstacle::Consent });
            }
            self.take_on(begun, true, step);
        }
    }

    /// A stop that reached nobody is begun again, while the harm lasts, once what was in its way is not: on a
    /// new control session, or when the consent reaches the state that the target is in now.
    pub(super) fn try_again(&mut self, at: At, target: &Target, refused: Option<&str>, step: &mut Step) {
        let Some(unsent) = self.unsent.filter(|_| self.stop.is_none()) else { return };
        let is_clear = match unsent.obstacle {
            Obstacle::Path => self.control_is_back,
            Obstacle::Consent => first_rung(target, self.consent.on_trip()).is_ok(),
        };
        let does_harm = unsent.attempt.continues_as(&target.attempt) && self.rails.tripped().next().is_some();
        if is_clear && does_harm && self.consent.acts_on(at, target) && refused.is_none() {
            self.unsent = None;
            let text = format!("pid {} still does harm: its stop is tried again", target.pid());
            step.events.push(Event::Note { warning: true, text });
            let begun = Stop::begin(self.next_id(), at, target, self.consent.on_trip());
            self.take_on(begun, true, step);
        }
    }

    /// Retries of the same client are one incident, and say so.
    fn count_attempt(&mut self, at: At, target: &Target, reading: &mut Reading) -> u32 {
        let same = self.incident.take().filter(|incident| {
            incident.application == target.application
                && incident.role == target.role
                && at.ms_since(incident.last) < INCIDENT_MS
        });
        let incident = match same {
            Some(known) => Incident { last: at, attempts: known.attempts + 1, ..known },
            None => Incident {
                application: target.application.clone(),
                role: target.role,
                first: at,
                last: at,
                attempts: 1,
            },
        };
        let attempts = incident.attempts;
        if attempts > 1 {
            let within = seconds(at.ms_since(incident.first));
            reading.sentence += &format!("; attempt {attempts} in {within}: stop the tool");
        }
        self.incident = Some(incident);
        attempts
    }
}
