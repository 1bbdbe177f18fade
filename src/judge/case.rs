//! One try of a migration, as the recording shows it and as other limits would have met it.
//!
//! Owns what is collected about it and what follows: who acted first, what that would have spared, and whether the
//! harm resolved by itself. Never reads a log.

use std::cmp::Ordering;

use super::trial::Tripped;
use super::verdict::{Act, By, Harm, Incident, Outcome, Trip};
use super::words;
use crate::engine::ids::{At, Attempt};
use crate::engine::target::Target;
use crate::engine::timeline::{Fate, TargetStory};

/// A stop in the recording.
#[derive(Debug, Clone)]
pub(super) struct Stopped {
    pub(super) at: At,
    pub(super) by: By,
    victims: u32,
    lost_us: u64,
}

/// One try of the work under guard.
#[derive(Debug)]
pub(super) struct Case {
    story: TargetStory,
    attempt: Attempt,
    /// Both worlds were the same when it began, and nothing of it is missing.
    pub(super) is_judged: bool,
    /// The first stop in the recording.
    pub(super) stopped: Option<Stopped>,
    /// By the limits in question, before a stop in the recording changed the world.
    pub(super) tripped: Option<Tripped>,
    /// The same by the limits of the flight.
    tripped_by_own: Option<Tripped>,
    victims: u32,
    most_victims: u32,
    lost_us: u64,
    /// Since when nobody waits behind it, once it has tripped.
    drained: Option<At>,
    /// The last sample that showed it.
    seen: At,
    /// It is not under guard any more, since then.
    pub(super) over: Option<At>,
    pub(super) fate: Option<Fate>,
    /// Facts are missing between its trip and its end.
    torn: Option<&'static str>,
}

impl Case {
    pub(super) fn new(at: At, story: &TargetStory, is_judged: bool) -> Case {
        Case {
            story: story.clone(),
            attempt: story.attempt,
            is_judged,
            stopped: None,
            tripped: None,
            tripped_by_own: None,
            victims: 0,
            most_victims: 0,
            lost_us: 0,
            drained: None,
            seen: at,
            over: None,
            fate: None,
            torn: None,
        }
    }

    /// Whether this is the same try.
    pub(super) fn is_of(&self, attempt: &Attempt) -> bool {
        self.attempt.continues_as(attempt)
    }

    /// What the recording shows of it now.
    pub(super) fn observe(&mut self, at: At, target: &Target) {
        self.attempt = target.attempt;
        self.seen = at;
        self.victims = u32::try_from(target.victims.len()).unwrap_or(u32::MAX);
        self.most_victims = self.most_victims.max(self.victims);
        self.lost_us = target.lost_us;
        match (self.victims, self.drained) {
            (0, None) => self.drained = Some(at),
            (0, Some(_)) => {}
            _ => self.drained = None,
        }
    }

    /// It is under guard no more.
    pub(super) fn end(&mut self, at: At) {
        self.over.get_or_insert(at);
        self.drained.get_or_insert(at);
    }

    /// What comes after is not known.
    pub(super) fn tear(&mut self, why: &'static str) {
        self.torn.get_or_insert(why);
    }

    /// The first stop of the recording.
    pub(super) fn stop(&mut self, at: At, by: By) {
        let (victims, lost_us) = (self.victims, self.lost_us);
        self.stopped.get_or_insert(Stopped { at, by, victims, lost_us });
    }

    /// The limits in question trip, unless the recording has changed the world before.
    pub(super) fn trip(&mut self, trip: Option<Tripped>, own: Option<Tripped>) {
        if self.stopped.is_none() && self.is_judged {
            self.tripped = self.tripped.take().or(trip);
            self.tripped_by_own = self.tripped_by_own.take().or(own);
        }
    }

    /// What is to be told of it, if anything.
    pub(super) fn incident(&self, resolved_within_ms: u64) -> Option<Incident> {
        let outcome = self.outcome()?;
        let harm = self.tripped.as_ref().map(|trip| self.harm(trip, resolved_within_ms));
        let (harm, harm_why) = harm.map_or((None, None), |(harm, why)| (Some(harm), why));
        let trip = self.tripped.as_ref();
        let earlier_us = trip.zip(self.decided()).map(|(trip, decided)| decided.us_since(trip.at));
        let lost_us = self.stopped.as_ref().map_or(self.lost_us, |stop| stop.lost_us);
        let mut incident = Incident {
            at_ms: trip.map(|trip| trip.at).or(self.stopped.as_ref().map(|stop| stop.at)).map_or_else(
                || self.tripped_by_own.as_ref().map_or(self.seen.ms(), |trip| trip.at.ms()),
                At::ms,
            ),
            pid: self.story.attempt.backend.pid.0,
            application: self.story.application.clone(),
            kind: self.story.kind.clone(),
            relation: self.story.lock.as_ref().map(|lock| lock.relation.clone()),
            outcome,
            trip: trip.map(told),
            recorded_limits: self.tripped_by_own.as_ref().map(told),
            recorded: self.stopped.as_ref().map(|stop| Act {
                at_ms: stop.at.ms(),
                by: stop.by.clone(),
                victims: stop.victims,
            }),
            earlier_ms: earlier_us.map(|us| us / 1_000),
            most_victims: self.most_victims,
            spared_session_ms_at_most: trip.map(|trip| lost_us.saturating_sub(trip.lost_us) / 1_000),
            harm,
            harm_why,
            resolved_after_ms: trip.and_then(|trip| Some(self.drained?.ms_since(trip.at))),
            sentence: String::new(),
        };
        incident.sentence = words::sentence(&incident);
        Some(incident)
    }

    /// Whether the limits in question decided as the recorded flight did, at the same moment.
    pub(super) fn is_same(&self) -> bool {
        self.outcome() == Some(Outcome::Same)
    }

    /// When the recorded flight decided what it did. An armed guardrail may have waited for the answer whether it
    /// may act; a trial waits for nobody, so that it is compared with the decision.
    fn decided(&self) -> Option<At> {
        let stop = self.stopped.as_ref()?;
        let own = self.tripped_by_own.as_ref().filter(|_| matches!(stop.by, By::Guardrail { .. }));
        Some(own.map_or(stop.at, |own| own.at))
    }

    fn outcome(&self) -> Option<Outcome> {
        if !self.is_judged {
            return None;
        }
        match (&self.tripped, self.decided()) {
            (Some(trip), Some(decided)) => Some(match trip.at.cmp(&decided) {
                Ordering::Less => Outcome::Earlier,
                Ordering::Equal => Outcome::Same,
                Ordering::Greater => Outcome::Later,
            }),
            (Some(_), None) => Some(Outcome::OnlyNow),
            (None, Some(_)) => Some(Outcome::NotBefore),
            (None, None) => self.tripped_by_own.as_ref().map(|_| Outcome::NotNow),
        }
    }

    /// Whether the harm resolved by itself soon after the trip.
    fn harm(&self, trip: &Tripped, resolved_within_ms: u64) -> (Harm, Option<String>) {
        let unknown = |why: &str| (Harm::Unknown, Some(why.to_owned()));
        if trip.guardrail == "blind" {
            return unknown("nobody saw whether there was harm");
        }
        let limit = trip.at.plus_ms(resolved_within_ms);
        let drained = self.drained.filter(|drained| drained.ms_since(trip.at) <= resolved_within_ms);
        if let Some(stop) = &self.stopped
            && drained.is_none_or(|drained| drained >= stop.at)
        {
            return match stop.by {
                By::Operator { .. } => (Harm::Lasted, Some("the operator stopped it".to_owned())),
                _ if stop.at > limit => (Harm::Lasted, None),
                _ => unknown("the recording acted: whether the queue had drained by itself is not known"),
            };
        }
        let Some(drained) = drained else {
            return match self.torn {
                _ if self.seen.max(self.over.unwrap_or_default()) > limit => (Harm::Lasted, None),
                Some(why) => unknown(why),
                None => unknown("the recording ends before it is known"),
            };
        };
        if self.over.is_none_or(|over| drained < over) {
            return (Harm::Resolved, Some("the queue drained, and the work went on".to_owned()));
        }
        match self.fate {
            Some(Fate::Done) => (Harm::Resolved, Some("the work came to its end".to_owned())),
            Some(Fate::Failed | Fate::Cancelled) => unknown(
                "it was rolled back, by its own timeout, an error, or somebody's stop: the recording does not \
                 tell which",
            ),
            Some(Fate::Gone | Fate::Unknown) | None => unknown("what became of the work is not known"),
        }
    }
}

fn told(trip: &Tripped) -> Trip {
    Trip {
        at_ms: trip.at.ms(),
        guardrail: trip.guardrail.clone(),
        value: trip.reading.value,
        limit: trip.reading.limit,
        victims: trip.victims,
        sentence: trip.reading.sentence.clone(),
    }
}
