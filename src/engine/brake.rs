//! The hand on the brake: arming, trips, stops and what comes after them.
//!
//! Owns the consent and everything that acts on it. A trip becomes a stop only while the arming is in
//! force and the login may signal the target; in shadow it is decided and told, and nothing is done.

use serde::{Deserialize, Serialize};

use super::catalog::Catalog;
use super::effect::{DeadMan, Effect, Rung};
use super::guard::{Facts, Guardrails, Level, Reading, seconds};
use super::ids::{At, Attempt, BackendId, Oid, StopId, TextId};
use super::input::Outcome;
use super::rungs::{dead_man, first_rung};
use super::sample::{Sample, State};
use super::settings::{Arming, IfLost, OnTrip, Selector, Settings};
use super::stop::{Hit, Step, Stop};
use super::target::{Target, attempt_of};
use super::timeline::{Event, GuardState, StopResult};

#[cfg(test)]
mod tests;

/// How long after a stop a new attempt of the same client counts as a retry.
const INCIDENT_MS: u64 = 60_000;
/// How long a session is watched for the next statement of its script after a cancel.
const AFTERCARE_MS: u64 = 5_000;
/// How long a trip waits for the answer whether its target may be stopped; without one it is tried.
const RIGHT_WITHIN_MS: u64 = 500;
/// Statements that change nothing by themselves: what a tool sends to clean up.
#[rustfmt::skip]
const HARMLESS: [&str; 18] = [
    "BEGIN", "CLOSE", "COMMIT", "DEALLOCATE", "DISCARD", "RELEASE SAVEPOINT", "RESET", "ROLLBACK",
    "ROLLBACK TO SAVEPOINT", "SAVEPOINT", "SELECT", "SET", "SET CONSTRAINTS", "SET ROLE",
    "SET SESSION AUTHORIZATION", "SET TRANSACTION", "SHOW", "UNLISTEN",
];

/// Arming, guardrails and the stop under way.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Brake {
    settings: Settings,
    disarmed: Option<String>,
    /// The session an arming for one pid is for.
    pinned: Option<BackendId>,
    rails: Guardrails,
    state: Option<(GuardState, String)>,
    stop: Option<Stop>,
    next_stop: u32,
    incident: Option<Incident>,
    aftercare: Option<Aftercare>,
    watchdog: Option<DeadMan>,
    /// The attempt the dead-man's switch was last set on. It may tell late that it acted.
    guarded: Option<Attempt>,
    last_stopped: Option<Stopped>,
    unsent: Option<Unsent>,
    /// The control session has come back since the last stop began.
    control_is_back: bool,
    totals: Totals,
}

/// What the last stop did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stopped {
    attempt: Attempt,
    hit: Hit,
    /// It was signalled, and its strong locks are known to be gone.
    ended: bool,
    /// Time the victims lost up to its last word, in session-microseconds.
    lost_us: u64,
}

/// What the brake did in this flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Trips, acted on or not.
    pub trips: u32,
    /// Stops in which something was signalled, or may have been, whatever came of it.
    pub acted: u32,
    /// Stops that ended something: it was signalled, and its strong locks are gone.
    pub stopped: u32,
    /// Stops that did not.
    pub not_stopped: u32,
    /// Of these, stops that signalled nobody although their target went on.
    pub in_vain: u32,
    /// The arming was for a target that neither the login's rights nor the consent allow to be stopped as it
    /// was.
    pub arming_refused: bool,
    /// Time the victims of all targets lost, in session-milliseconds.
    pub lost_session_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Incident {
    application: String,
    role: Option<Oid>,
    first: At,
    last: At,
    attempts: u32,
}

/// A stop of this attempt had its last word without anybody having been signalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Unsent {
    attempt: Attempt,
    obstacle: Obstacle,
}

/// What kept a stop from its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Obstacle {
    /// No request got through, or none fitted the target any more.
    Path,
    /// In the state that the target was in, the consent does not reach it.
    Consent,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Aftercare {
    attempt: Attempt,
    until: At,
}

impl Brake {
    /// A brake for these settings.
    pub fn new(settings: &Settings) -> Brake {
        let disarmed = (settings.read_only && settings.arming == Arming::Armed)
            .then(|| "read-only flight: nothing is stopped".to_owned());
        Brake { settings: settings.clone(), disarmed, ..Brake::default() }
    }

    /// What it did so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Its state, with the reason.
    pub fn state(&self) -> Option<&(GuardState, String)> {
        self.state.as_ref()
    }

    /// The rules and their readings.
    pub fn guardrails(&self) -> &Guardrails {
        &self.rails
    }

    /// The stop under way.
    pub fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// Whether this attempt, or one it continues, was signalled by the last stop; `None` when that stop was
    /// not about it.
    pub fn hit(&self, attempt: &Attempt) -> Option<Hit> {
        let under_way = self.stop.as_ref().map(|stop| (*stop.attempt(), stop.hit()));
        let last = under_way.or(self.last_stopped.map(|stopped| (stopped.attempt, stopped.hit)));
        last.filter(|(stopped, _)| stopped.continues_as(attempt)).map(|(_, hit)| hit)
    }

    /// Whether the last stop ended this attempt, or the one it continues.
    pub fn has_ended(&self, attempt: &Attempt) -> bool {
        self.last_stopped.is_some_and(|stopped| stopped.ended && stopped.attempt.continues_as(attempt))
    }

    /// The dead-man's switch has signalled the backend it guarded.
    pub fn watchdog_acted(&mut self, backend: BackendId) {
        let Some(attempt) = self.guarded.filter(|attempt| attempt.backend == backend) else { return };
        match self.stop.as_mut().filter(|stop| stop.attempt().continues_as(&attempt)) {
            Some(stop) => stop.hit_by_watchdog(),
            None => {
                // Its locks were not read: whether they are gone the next sample shows.
                self.last_stopped = Some(Stopped { attempt, hit: Hit::Yes, ended: false, lost_us: 0 });
                self.totals.acted += 1;
                self.totals.stopped += 1;
            }
        }
    }

    /// Whether trips are decided, whatever is done about them.
    pub fn decides(&self, at: At) -> bool {
        self.settings.arming != Arming::Watching && self.why_disarmed(at).is_none()
    }

    /// Whether a session is being watched after a cancel.
    pub fn watches_a_session(&self, at: At) -> bool {
        self.aftercare.as_ref().is_some_and(|care| at < care.until)
    }

    /// Disarms at once, for the reason given: a stop under way goes no further.
    pub fn disarm(&mut self, why: &str) {
        self.disarmed.get_or_insert_with(|| why.to_owned());
        if let Some(stop) = self.stop.as_mut() {
            stop.withdraw(why);
        }
    }

    /// The control session came or went.
    pub fn control_is(&mut self, up: bool) {
        self.control_is_back = up;
    }

    /// A target came under guard. An arming for one pid is for the session that has it now.
    pub fn target_found(&mut self, target: &Target) {
        self.rails.reset();
        let backend = target.attempt.backend;
        match self.pinned {
            None => self.pinned = Some(backend),
            Some(pinned) if pinned != backend => self.session_ended(pinned),
            Some(_) => {}
        }
    }

    /// A target is over: its losses count, and what was held against it is forgotten.
    pub fn target_ended(&mut self, target: &Target) {
        self.rails.reset();
        // A stop counts on between two samples, and so a little further.
        let by_stop = self.last_stopped.filter(|stopped| stopped.attempt.continues_as(&target.attempt));
        let lost_us = target.lost_us.max(by_stop.map_or(0, |stopped| stopped.lost_us));
        self.totals.lost_session_ms = self.totals.lost_session_ms.saturating_add(lost_us / 1_000);
    }

    /// A session is gone, and with it an arming that was for its pid.
    pub fn session_ended(&mut self, backend: BackendId) {
        let only_for_it = matches!(self.settings.target, Selector::Pid(_)) && self.pinned == Some(backend);
        if only_for_it && self.settings.arming == Arming::Armed {
            self.disarm("the backend it was for has ended");
        }
    }

    /// Judges the facts, acts on trips, and keeps the dead-man's switch in step.
    pub fn judge(&mut self, facts: &Facts, target: Option<&mut Target>) -> Step {
        let mut step = Step::default();
        for (name, reading) in self.rails.judge(facts) {
            step.events.push(Event::Guardrail { name, reading });
        }
        let switch = self.switch(facts.at, target.as_deref());
        let refused = target.as_deref().and_then(|target| target.right.clone()).and_then(Result::err);
        if let Some(target) = target {
            self.trip(facts, target, refused.as_deref(), &mut step);
            self.try_again(facts.at, target, refused.as_deref(), &mut step);
        }
        if switch != self.watchdog {
            self.watchdog = switch;
            self.guarded = switch.map(|switch| switch.attempt).or(self.guarded);
            step.effects.push(Effect::Watchdog { guards: switch });
        }
        self.tell_state(facts.at, refused, &mut step);
        step
    }

    /// Takes in what became of an effect.
    pub fn observe(&mut self, at: At, outcome: &Outcome) -> Step {
        self.advance(at, |stop| stop.observe(at, outcome))
    }

    /// A deadline is reached: a stop of which nothing is heard goes on to its next rung.
    pub fn tick(&mut self, at: At) -> Step {
        self.advance(at, |stop| stop.expire(at))
    }

    /// After a cancel: does the session go on to the next statement of its script?
    pub fn look_after(&mut self, at: At, sample: &Sample, catalog: &Catalog) -> Step {
        let mut step = Step::default();
        let Some(care) = self.aftercare.take_if(|_| self.stop.is_none()) else { return step };
        if at >= care.until {
            return step;
        }
        let next = sample.backend(care.attempt.backend.pid).filter(|backend| {
            backend.id() == care.attempt.backend
                && backend.state == State::Active
                && backend.query_start != care.attempt.query_start
                && !is_harmless(catalog, backend.text)
        });
        let Some(backend) = next else {
            self.aftercare = Some(care);
            return step;
        };
        let kind = catalog.kind(backend.text);
        let text = format!("pid {} goes on to its next statement after the cancel: {kind}", backend.pid);
        step.events.push(Event::Note { warning: true, text });
        if self.acts(at) && self.settings.on_trip != OnTrip::Cancel {
            let target = Target::of(at, backend);
            let id = self.next_id();
            let begun = Stop::begin_after_cancel(id, at, &target, self.settings.on_trip);
            self.take_on(begun, &mut step);
        } else {
            self.aftercare = Some(Aftercare { attempt: attempt_of(backend), until: care.until });
        }
        step
    }

    /// When time alone changes something, after `at`.
    pub fn next_deadline(&self, at: At, facts: &Facts) -> Option<At> {
        let rails = self.rails.next_deadline(facts);
        let stop = self.stop.as_ref().map(Stop::deadline);
        let arming = (self.settings.arming != Arming::Watching).then(|| self.armed_until());
        [rails, stop, arming].into_iter().flatten().filter(|&due| due > at).min()
    }

    /// Releases the dead-man's switch, because the flight ends.
    pub fn release(&mut self) -> Option<Effect> {
        self.watchdog.take().map(|_| Effect::Watchdog { guards: None })
    }

    fn trip(&mut self, facts: &Facts, target: &mut Target, refused: Option<&str>, step: &mut Step) {
        let tripped = self.rails.tripped().next().cloned();
        // The answer whether it may be stopped is on its way, and an input: this is judged again then.
        let awaits_right = self.acts(facts.at)
            && target.right.is_none()
            && facts.at.ms_since(target.found) < RIGHT_WITHIN_MS;
        // One stop at a time: a trip while another is under way would be spent on nothing. What the dead-man's
        // switch has hit needs no second one.
        let is_free = self.stop.is_none() && self.hit(&target.attempt) != Some(Hit::Yes);
        let free = !target.tripped && is_free && !awaits_right && self.decides(facts.at);
        let Some((name, mut reading)) = tripped.filter(|_| free) else { return };
        target.tripped = true;
        let attempt = self.count_attempt(facts.at, target, &mut reading);
        self.totals.trips += 1;
        let begun = (self.acts(facts.at) && refused.is_none()).then(|| {
            let id = self.next_id();
            Stop::begin(id, facts.at, target, self.settings.on_trip)
        });
        let acted = matches!(begun, Some((Some(_), _)));
        let pid = target.pid();
        step.events.push(Event::Trip { name, reading, pid, acted, attempt });
        if let Some(begun) = begun {
            if !acted {
                self.unsent = Some(Unsent { attempt: target.attempt, obstacle: Obstacle::Consent });
            }
            self.take_on(begun, step);
        }
    }

    /// A stop that reached nobody is begun again, while the harm lasts, once what was in its way is not: on a
    /// new control session, or when the consent reaches the state that the target is in now.
    fn try_again(&mut self, at: At, target: &Target, refused: Option<&str>, step: &mut Step) {
        let Some(unsent) = self.unsent.filter(|_| self.stop.is_none()) else { return };
        let is_clear = match unsent.obstacle {
            Obstacle::Path => self.control_is_back,
            Obstacle::Consent => first_rung(target, self.settings.on_trip).is_ok(),
        };
        let does_harm = unsent.attempt.continues_as(&target.attempt) && self.rails.tripped().next().is_some();
        if is_clear && does_harm && self.acts(at) && refused.is_none() {
            self.unsent = None;
            let text = format!("pid {} still does harm: its stop is tried again", target.pid());
            step.events.push(Event::Note { warning: true, text });
            let begun = Stop::begin(self.next_id(), at, target, self.settings.on_trip);
            self.take_on(begun, step);
        }
    }

    fn next_id(&mut self) -> StopId {
        self.next_stop += 1;
        StopId(self.next_stop)
    }

    fn take_on(&mut self, (stop, begun): (Option<Stop>, Step), step: &mut Step) {
        self.control_is_back = false;
        // Over at once: the consent does not reach it.
        self.totals.not_stopped += u32::from(begun.over);
        self.totals.arming_refused |= begun.over;
        self.stop = stop;
        step.effects.extend(begun.effects);
        step.events.extend(begun.events);
    }

    fn advance(&mut self, at: At, observe: impl FnOnce(&mut Stop) -> Step) -> Step {
        let Some(stop) = self.stop.as_mut() else { return Step::default() };
        let step = observe(stop);
        if step.over {
            let signalled = stop.hit() == Hit::Yes;
            let ended = signalled && stop.is_gone();
            self.totals.acted += u32::from(stop.hit() != Hit::No);
            self.totals.stopped += u32::from(ended);
            self.totals.not_stopped += u32::from(!ended);
            self.last_stopped =
                Some(Stopped { attempt: *stop.attempt(), hit: stop.hit(), ended, lost_us: stop.lost_us() });
            let last_word = step.events.iter().find_map(|event| match event {
                Event::Outcome(story) if story.is_final => Some(story.result),
                _ => None,
            });
            let goes_on = matches!(last_word, Some(StopResult::Lost | StopResult::StillHolding));
            self.totals.in_vain += u32::from(goes_on && stop.hit() == Hit::No);
            self.totals.arming_refused |= last_word == Some(StopResult::Refused);
            self.unsent = (goes_on && !signalled)
                .then_some(Unsent { attempt: *stop.attempt(), obstacle: Obstacle::Path });
            if signalled && stop.rung() == Rung::Cancel {
                self.aftercare =
                    Some(Aftercare { attempt: *stop.attempt(), until: at.plus_ms(AFTERCARE_MS) });
            }
            self.stop = None;
        }
        step
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

    /// What the dead-man's switch should be set to.
    fn switch(&self, at: At, target: Option<&Target>) -> Option<DeadMan> {
        let target = target.filter(|target| target.strong && !matches!(target.right, Some(Err(_))))?;
        let wanted = self.acts(at) && self.settings.if_lost == IfLost::Stop;
        dead_man(target, self.settings.on_trip).filter(|_| wanted)
    }

    fn acts(&self, at: At) -> bool {
        self.settings.arming == Arming::Armed && self.why_disarmed(at).is_none()
    }

    fn armed_until(&self) -> At {
        At::from_ms(self.settings.armed_until_ms.unwrap_or(Settings::ARMING_MS))
    }

    fn why_disarmed(&self, at: At) -> Option<&str> {
        self.disarmed.as_deref().or((at >= self.armed_until()).then_some("the time it was for is over"))
    }

    fn tell_state(&mut self, at: At, refused: Option<String>, step: &mut Step) {
        self.totals.arming_refused |= self.acts(at) && refused.is_some();
        let now = self.describe(at, refused);
        if self.state.as_ref() != Some(&now) {
            step.events.push(Event::Guard { state: now.0, sentence: now.1.clone() });
            self.state = Some(now);
        }
    }

    fn describe(&self, at: At, refused: Option<String>) -> (GuardState, String) {
        if let Some(stop) = &self.stop {
            return (GuardState::Tripped, format!("stopping pid {}", stop.attempt().backend.pid));
        }
        let blind = self.rails.readings().iter().find(|(name, _)| name == "blind");
        if blind.is_some_and(|(_, reading)| reading.level >= Level::Warn) {
            return (GuardState::Blind, "no usable facts".to_owned());
        }
        match (self.settings.arming, self.why_disarmed(at), refused) {
            (Arming::Watching, _, _) => (GuardState::Watching, "not armed".to_owned()),
            (_, Some(why), _) => (GuardState::Watching, format!("disarmed: {why}")),
            (Arming::Armed, None, Some(why)) => (GuardState::Watching, format!("cannot cancel: {why}")),
            (Arming::Shadow, None, _) => (GuardState::Shadow, "decides and logs, does not act".to_owned()),
            (Arming::Armed, None, None) => {
                let left = seconds(self.armed_until().ms());
                (GuardState::Armed, format!("until {left} into the flight"))
            }
        }
    }
}

/// Whether a text is one statement that changes nothing by itself.
fn is_harmless(catalog: &Catalog, text: Option<TextId>) -> bool {
    // The kind is that of the first statement; 0 statements are a number that could not be told.
    let only_one = catalog.text(text).is_some_and(|text| text.statements <= 1);
    only_one && HARMLESS.contains(&catalog.kind(text))
}
