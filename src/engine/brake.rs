//! The hand on the brake: arming, trips, stops and what comes after them.
//!
//! Owns the consent and everything that acts on it. A trip becomes a stop only while the arming is in
//! force and the login may signal the target; in shadow it is decided and told, and nothing is done.

use serde::{Deserialize, Serialize};

use super::catalog::Catalog;
use super::effect::{DeadMan, Effect, Rung};
use super::guard::{Facts, Guardrails, Level};
use super::ids::{At, Attempt, BackendId, StopId};
use super::input::Outcome;
use super::rungs::dead_man;
use super::sample::Sample;
use super::settings::{Arming, IfLost, OnTrip, Settings};
use super::stop::{Cause, Hit, Step, Stop};
use super::target::Target;
use super::timeline::{Event, GuardState, StopResult};

mod aftercare;
mod consent;
mod orders;
#[cfg(test)]
mod tests;
mod trips;

use aftercare::Aftercare;
pub use consent::Consent;
use trips::{Incident, Obstacle, Unsent};

/// Stops that are remembered, so that a late answer about one is not taken for another's.
const STOPS_KEPT: usize = 8;

/// Arming, guardrails and the stop under way.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Brake {
    settings: Settings,
    consent: Consent,
    rails: Guardrails,
    state: Option<(GuardState, String)>,
    stop: Option<Stop>,
    /// The stop under way names a session that the consent reached when it began.
    in_reach: bool,
    next_stop: u32,
    incident: Option<Incident>,
    aftercare: Option<Aftercare>,
    watchdog: Option<DeadMan>,
    /// The attempt the dead-man's switch was last set on. It may tell late that it acted.
    guarded: Option<Attempt>,
    /// The last stops, oldest first.
    stopped: Vec<Stopped>,
    unsent: Option<Unsent>,
    /// The control session has come back since the last stop began.
    control_is_back: bool,
    totals: Totals,
}

/// What a stop did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stopped {
    attempt: Attempt,
    hit: Hit,
    /// It was signalled, and what was to end is known to be over.
    ended: bool,
    /// It counts as an operator's abort.
    aborted: bool,
    /// Time the victims lost up to its last word, in session-microseconds.
    lost_us: u64,
}

/// What the brake did in this flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Trips, acted on or not.
    pub trips: u32,
    /// Stops by guardrails, or by the dead-man's switch, in which something was signalled, or may have been,
    /// whatever came of it.
    pub acted: u32,
    /// Stops of the work under guard by the operator in which something was signalled, or may have been,
    /// without those whose target committed all the same.
    pub aborted: u32,
    /// A guardrail acted before the operator did.
    pub guardrail_first: bool,
    /// Stops that ended something: it was signalled, and what was to end is over.
    pub stopped: u32,
    /// Stops that did not.
    pub not_stopped: u32,
    /// Of these, stops by guardrails that signalled nobody although their target went on.
    pub in_vain: u32,
    /// The arming was for a target that neither the login's rights nor the consent allow to be stopped as it
    /// was.
    pub arming_refused: bool,
    /// Time the victims of all targets lost, in session-milliseconds.
    pub lost_session_ms: u64,
}

impl Brake {
    /// A brake for these settings.
    pub fn new(settings: &Settings) -> Brake {
        Brake { settings: settings.clone(), consent: Consent::of(settings), ..Brake::default() }
    }

    /// Who may be stopped, until when and by what means.
    pub fn consent(&self) -> &Consent {
        &self.consent
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

    /// Whether this attempt, or one it continues, was signalled; `None` when no stop was about it.
    pub fn hit(&self, attempt: &Attempt) -> Option<Hit> {
        let under_way = self.stop.as_ref().filter(|stop| stop.attempt().continues_as(attempt));
        under_way.map(Stop::hit).or_else(|| self.stopped(attempt).map(|stopped| stopped.hit))
    }

    /// Whether this attempt, or one it continues, was signalled, so that a trip would be spent on nothing. An
    /// operator's stop that did not end it settles nothing.
    pub fn is_settled(&self, attempt: &Attempt) -> bool {
        let undone = |stopped: &Stopped| stopped.aborted && !stopped.ended;
        self.hit(attempt) == Some(Hit::Yes)
            && (self.stop.is_some() || !self.stopped(attempt).is_some_and(undone))
    }

    /// Whether a stop ended this attempt, or the one it continues.
    pub fn has_ended(&self, attempt: &Attempt) -> bool {
        self.stopped(attempt).is_some_and(|stopped| stopped.ended)
    }

    /// An attempt committed, whatever was done about it.
    pub fn went_through(&mut self, attempt: &Attempt) {
        for stopped in self.stopped.iter_mut().filter(|stopped| stopped.attempt.continues_as(attempt)) {
            self.totals.aborted -= u32::from(std::mem::take(&mut stopped.aborted));
        }
    }

    /// The last stop of this attempt, or of one it continues, that is over.
    fn stopped(&self, attempt: &Attempt) -> Option<&Stopped> {
        self.stopped.iter().rev().find(|stopped| stopped.attempt.continues_as(attempt))
    }

    fn remember(&mut self, stopped: Stopped) {
        if self.stopped.len() == STOPS_KEPT {
            self.stopped.remove(0);
        }
        self.stopped.push(stopped);
    }

    /// The dead-man's switch has signalled the backend it guarded.
    pub fn watchdog_acted(&mut self, backend: BackendId) {
        let Some(attempt) = self.guarded.filter(|attempt| attempt.backend == backend) else { return };
        match self.stop.as_mut().filter(|stop| stop.attempt().continues_as(&attempt)) {
            Some(stop) => stop.hit_by_watchdog(),
            None => {
                // Its locks were not read: whether they are gone the next sample shows.
                let (hit, ended, aborted) = (Hit::Yes, false, false);
                self.remember(Stopped { attempt, hit, ended, aborted, lost_us: 0 });
                self.totals.acted += 1;
                self.totals.guardrail_first |= self.totals.aborted == 0;
                self.totals.stopped += 1;
            }
        }
    }

    /// Whether trips are decided, whatever is done about them.
    pub fn decides(&self, at: At) -> bool {
        self.consent.decides(at)
    }

    /// Whether a session is being watched after a cancel.
    pub fn watches_a_session(&self, at: At) -> bool {
        self.aftercare.as_ref().is_some_and(|care| at < care.until)
    }

    /// Disarms at once, for the reason given: a stop under way goes no further.
    pub fn disarm(&mut self, why: &str) {
        self.consent.withdraw(why);
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
        self.consent.found(target);
    }

    /// A target is over: its losses count, and what was held against it is forgotten.
    pub fn target_ended(&mut self, target: &Target) {
        self.rails.reset();
        // A stop counts on between two samples, and so a little further.
        let by_stop = self.stopped(&target.attempt).map_or(0, |stopped| stopped.lost_us);
        let lost_us = target.lost_us.max(by_stop);
        self.totals.lost_session_ms = self.totals.lost_session_ms.saturating_add(lost_us / 1_000);
    }

    /// A session is gone, and with it an arming that was for it alone.
    pub fn session_ended(&mut self, backend: BackendId) {
        self.consent.session_ended(backend);
    }

    /// Judges the facts, acts on trips, and keeps the dead-man's switch in step.
    pub fn judge(&mut self, facts: &Facts, target: Option<&mut Target>) -> Step {
        let mut step = Step::default();
        for (name, reading) in self.rails.judge(facts) {
            step.events.push(Event::Guardrail { name, reading });
        }
        let switch = self.switch(facts.at, target.as_deref());
        let reached = target.as_deref().filter(|target| self.consent.reaches(target));
        let refused = reached.and_then(|target| target.right.clone()).and_then(Result::err);
        let told = self.consent.sentence(target.as_deref());
        if let Some(target) = target {
            self.trip(facts, target, refused.as_deref(), &mut step);
            self.try_again(facts.at, target, refused.as_deref(), &mut step);
        }
        if switch != self.watchdog {
            self.watchdog = switch;
            self.guarded = switch.map(|switch| switch.attempt).or(self.guarded);
            step.effects.push(Effect::Watchdog { guards: switch });
        }
        self.tell_state(facts.at, refused, told, &mut step);
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
        if let Some(backend) = self.consent.only().and_then(|only| sample.backend(only.pid)) {
            self.consent.seen(backend.id());
        }
        let Some(care) = self.aftercare.take_if(|_| self.stop.is_none()) else { return step };
        if at >= care.until {
            return step;
        }
        let Some(backend) = care.next_statement(sample, catalog) else {
            self.aftercare = Some(care);
            return step;
        };
        let kind = catalog.kind(backend.text);
        let text = format!("pid {} goes on to its next statement after the cancel: {kind}", backend.pid);
        step.events.push(Event::Note { warning: true, text });
        let in_reach = care.in_reach && self.consent.only().is_none_or(|only| only == backend.id());
        let on_trip = self.consent.on_trip();
        if self.consent.acts(at) && in_reach && on_trip != OnTrip::Cancel {
            let target = Target::of(at, backend);
            let id = self.next_id();
            let begun = Stop::begin_after_cancel(id, at, &target, on_trip);
            self.take_on(begun, true, &mut step);
        } else {
            self.aftercare = Some(care.goes_on_at(backend));
        }
        step
    }

    /// When time alone changes something, after `at`.
    pub fn next_deadline(&self, at: At, facts: &Facts) -> Option<At> {
        let rails = self.rails.next_deadline(facts);
        let stop = self.stop.as_ref().map(Stop::deadline);
        let arming = (self.consent.arming() != Arming::Watching).then(|| self.consent.until());
        [rails, stop, arming].into_iter().flatten().filter(|&due| due > at).min()
    }

    /// Releases the dead-man's switch, because the flight ends.
    pub fn release(&mut self) -> Option<Effect> {
        self.watchdog.take().map(|_| Effect::Watchdog { guards: None })
    }

    fn next_id(&mut self) -> StopId {
        self.next_stop += 1;
        StopId(self.next_stop)
    }

    fn take_on(&mut self, (stop, begun): (Option<Stop>, Step), in_reach: bool, step: &mut Step) {
        self.in_reach = in_reach;
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
            let (cause, hit) = (stop.cause(), stop.hit());
            let signalled = hit == Hit::Yes;
            let ended = signalled && stop.is_gone();
            let by_guardrail = cause == Cause::Guardrail;
            let aborted = cause.is_abort() && hit != Hit::No;
            let last_word = step.events.iter().find_map(|event| match event {
                Event::Outcome(story) if story.is_final => Some(story.result),
                _ => None,
            });
            let goes_on = matches!(last_word, Some(StopResult::Lost | StopResult::StillHolding));
            let attempt = *stop.attempt();
            let stopped = Stopped { attempt, hit, ended, aborted, lost_us: stop.lost_us() };
            if by_guardrail {
                let in_vain = goes_on && hit == Hit::No;
                self.totals.acted += u32::from(hit != Hit::No);
                self.totals.in_vain += u32::from(in_vain);
                self.totals.guardrail_first |= (hit != Hit::No || in_vain) && self.totals.aborted == 0;
                self.totals.arming_refused |= last_word == Some(StopResult::Refused);
                self.unsent = (goes_on && !signalled).then_some(Unsent { attempt, obstacle: Obstacle::Path });
            }
            self.totals.aborted += u32::from(aborted);
            self.totals.stopped += u32::from(ended);
            self.totals.not_stopped += u32::from(!ended);
            if signalled && stop.rung() == Rung::Cancel && !cause.is_one_rung() {
                self.aftercare = Some(Aftercare::begin(at, attempt, self.in_reach));
            }
            self.remember(stopped);
            self.stop = None;
        }
        step
    }

    /// What the dead-man's switch should be set to.
    fn switch(&self, at: At, target: Option<&Target>) -> Option<DeadMan> {
        let target = target.filter(|target| target.strong && !matches!(target.right, Some(Err(_))))?;
        // Its session is opened with a flight that is armed from the start.
        let is_open = self.settings.arming == Arming::Armed && self.settings.if_lost == IfLost::Stop;
        let wanted = is_open && self.consent.acts_on(at, target);
        dead_man(target, self.consent.on_trip()).filter(|_| wanted)
    }

    fn tell_state(
        &mut self,
        at: At,
        refused: Option<String>,
        armed: Result<String, String>,
        step: &mut Step,
    ) {
        self.totals.arming_refused |= self.consent.acts(at) && refused.is_some();
        let now = self.describe(at, refused, armed);
        if self.state.as_ref() != Some(&now) {
            step.events.push(Event::Guard { state: now.0, sentence: now.1.clone() });
            self.state = Some(now);
        }
    }

    fn describe(
        &self,
        at: At,
        refused: Option<String>,
        armed: Result<String, String>,
    ) -> (GuardState, String) {
        if let Some(stop) = &self.stop {
            return (GuardState::Tripped, format!("stopping pid {}", stop.attempt().backend.pid));
        }
        let blind = self.rails.readings().iter().find(|(name, _)| name == "blind");
        if blind.is_some_and(|(_, reading)| reading.level >= Level::Warn) {
            return (GuardState::Blind, "no usable facts".to_owned());
        }
        match (self.consent.arming(), self.consent.why_over(at), refused, armed) {
            (Arming::Watching, ..) => (GuardState::Watching, "not armed".to_owned()),
            (_, Some(why), ..) => (GuardState::Watching, format!("disarmed: {why}")),
            (Arming::Armed, None, Some(why), _) => (GuardState::Watching, format!("cannot cancel: {why}")),
            (Arming::Shadow, ..) => (GuardState::Shadow, "decides and logs, does not act".to_owned()),
            (Arming::Armed, None, None, Ok(until)) => (GuardState::Armed, until),
            (Arming::Armed, None, None, Err(why)) => (GuardState::Watching, why),
        }
    }
}
