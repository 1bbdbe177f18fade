//! The abort ladder: how an attempt is stopped, rung by rung, and how it is known that it was.
//!
//! Owns one stop from the trip, or the key press, to its final outcome. The rung follows the state of the target, and whether
//! it worked is read from its locks, not from its error. Never decides *that* something is stopped.

use serde::{Deserialize, Serialize};

use super::effect::{Effect, Rung};
use super::guard::seconds;
use super::ids::{At, Attempt, Pid, StopId};
use super::input::{Outcome, RungAnswer};
use super::rungs::{first_rung, is_sync_rep, next_rung, rung_after_cancel, rung_name};
use super::sample::State;
use super::settings::{OnTrip, Settings};
use super::target::Target;
use super::timeline::{Event, OutcomeStory, StopResult};

mod one_rung;
#[cfg(test)]
mod tests;

use one_rung::Left;

/// What one step of a stop asks for and tells.
#[derive(Debug, Default)]
pub struct Step {
    /// To be done.
    pub effects: Vec<Effect>,
    /// To be told.
    pub events: Vec<Event>,
    /// The stop has had its last word.
    pub over: bool,
}

/// Whether a request to stop reached its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hit {
    /// Nobody was signalled.
    No,
    /// A request left, and what became of it is not known (yet).
    Perhaps,
    /// It was signalled.
    Yes,
}

/// Who asked for a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// A guardrail that tripped.
    Guardrail,
    /// The operator, who aborts the target.
    Abort,
    /// The operator, who ordered one rung.
    Order {
        /// It is the target that it names.
        is_target: bool,
    },
}

impl Cause {
    /// Whether no rung follows the first one.
    pub fn is_one_rung(self) -> bool {
        matches!(self, Cause::Order { .. })
    }

    /// Whether the operator stops the work under guard by it.
    pub fn is_abort(self) -> bool {
        matches!(self, Cause::Abort | Cause::Order { is_target: true })
    }
}

/// One stop under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    id: StopId,
    cause: Cause,
    attempt: Attempt,
    consent: OnTrip,
    tripped_at: At,
    victims: Vec<Pid>,
    lost_us: u64,
    counted_until: At,
    victims_waiting: u32,
    rung: Rung,
    rung_deadline: At,
    sent: Option<At>,
    gone: Option<At>,
    /// What is known of the rungs before the present one.
    hit: Hit,
    /// It was the dead-man's switch that hit it, before this stop could.
    by_watchdog: bool,
    /// The present rung has had its answer.
    answered: bool,
    sync_rep: bool,
    withdrawn: Option<String>,
}

impl Stop {
    /// Begins to stop `target`. When the consent does not reach what its state needs, the stop is over at
    /// once, refused, and `None` is returned beside the story.
    pub fn begin(id: StopId, at: At, target: &Target, consent: OnTrip) -> (Option<Stop>, Step) {
        Stop::begin_with(first_rung(target, consent), Cause::Guardrail, id, at, target, consent)
    }

    /// Begins to stop a session that goes on to its next statement after a cancel.
    pub fn begin_after_cancel(id: StopId, at: At, target: &Target, consent: OnTrip) -> (Option<Stop>, Step) {
        Stop::begin_with(rung_after_cancel(target, consent), Cause::Guardrail, id, at, target, consent)
    }

    /// Begins to stop `target` because the operator says so.
    pub fn begin_abort(id: StopId, at: At, target: &Target, consent: OnTrip) -> (Option<Stop>, Step) {
        Stop::begin_with(first_rung(target, consent), Cause::Abort, id, at, target, consent)
    }

    /// Begins to stop one backend by one rung.
    pub fn begin_one(id: StopId, at: At, whom: &Target, rung: Rung, is_target: bool) -> (Option<Stop>, Step) {
        let first = Ok((rung, "ordered by the operator".to_owned()));
        Stop::begin_with(first, Cause::Order { is_target }, id, at, whom, OnTrip::Auto)
    }

    fn begin_with(
        first: Result<(Rung, String), String>,
        cause: Cause,
        id: StopId,
        at: At,
        target: &Target,
        consent: OnTrip,
    ) -> (Option<Stop>, Step) {
        let mut step = Step::default();
        let mut stop = Stop {
            id,
            cause,
            attempt: target.attempt,
            consent,
            tripped_at: at,
            victims: target.victims.clone(),
            lost_us: target.lost_us,
            counted_until: at,
            victims_waiting: u32::try_from(target.victims.len()).unwrap_or(u32::MAX),
            rung: Rung::Cancel,
            rung_deadline: at,
            sent: None,
            gone: None,
            hit: Hit::No,
            by_watchdog: false,
            answered: false,
            withdrawn: None,
            sync_rep: is_sync_rep(target),
        };
        match first {
            Ok((rung, why)) => {
                stop.climb(at, rung, &why, &mut step);
                (Some(stop), step)
            }
            Err(why) => {
                let story = stop.story(at, StopResult::Refused, true, why);
                // No rung was tried.
                step.events.push(Event::Outcome(OutcomeStory { rung: None, ..story }));
                step.over = true;
                (None, step)
            }
        }
    }

    /// The attempt it stops, as it was last seen.
    pub fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    /// Which stop this is.
    pub fn id(&self) -> StopId {
        self.id
    }

    /// Who asked for it.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// The rung it stands on.
    pub fn rung(&self) -> Rung {
        self.rung
    }

    /// Whether anything was signalled.
    pub fn hit(&self) -> Hit {
        match (self.hit, self.answered) {
            (Hit::No, false) => Hit::Perhaps,
            (hit, _) => hit,
        }
    }

    /// Whether what it was to end is known to be over.
    pub fn is_gone(&self) -> bool {
        self.gone.is_some()
    }

    /// The consent is withdrawn: what was asked for stays asked for, and no further rung follows.
    pub fn withdraw(&mut self, why: &str) {
        self.withdrawn.get_or_insert_with(|| why.to_owned());
    }

    /// When the present rung has had its time, with room for a late report.
    pub fn deadline(&self) -> At {
        self.rung_deadline.plus_ms(Settings::GRACE_MS / 2)
    }

    /// The dead-man's switch has signalled the same attempt.
    pub fn hit_by_watchdog(&mut self) {
        self.by_watchdog = self.hit != Hit::Yes;
        self.hit = Hit::Yes;
    }

    /// Time the victims have lost so far, in session-microseconds.
    pub fn lost_us(&self) -> u64 {
        self.lost_us
    }

    /// Takes in what a rung or its aftermath was; other outcomes are not for a stop.
    pub fn observe(&mut self, at: At, outcome: &Outcome) -> Step {
        let mut step = Step::default();
        match outcome {
            Outcome::Rung { stop, rung, answer, sent } if *stop == self.id => {
                if *rung == self.rung {
                    self.answered(at, answer, *sent, &mut step);
                } else {
                    self.answered_late(at, *rung, answer, *sent, &mut step);
                }
            }
            Outcome::Aftermath { stop, alive, still_strong, state, same_statement, victims_waiting }
                if *stop == self.id =>
            {
                self.count_losses(at, *victims_waiting);
                if self.cause.is_one_rung() {
                    let (alive, still_strong, same_statement) = (*alive, *still_strong, *same_statement);
                    let left = Left { alive, still_strong, state: *state, same_statement };
                    self.look_at_one(at, left, &mut step);
                } else {
                    let statement_over = *alive && !*same_statement;
                    self.look(at, *alive && *still_strong, statement_over, *state, &mut step);
                }
            }
            _ => {}
        }
        step
    }

    /// The present rung has had its time and nobody reported: its paths are gone.
    pub fn expire(&mut self, at: At) -> Step {
        let mut step = Step::default();
        if at >= self.deadline() {
            let why = match self.answered {
                true => "what the rung before did is not known",
                false => "nothing was heard of the rung before",
            };
            self.next(at, why, StopResult::Lost, &mut step);
        }
        step
    }

    fn answered(&mut self, at: At, answer: &RungAnswer, sent: At, step: &mut Step) {
        self.sent.get_or_insert(sent);
        self.answered = true;
        let result = match answer {
            RungAnswer::Sent => {
                self.hit = Hit::Yes;
                StopResult::Sent
            }
            RungAnswer::NobodyFits => StopResult::AlreadyOver,
            RungAnswer::Refused(_) => StopResult::Refused,
            RungAnswer::Failed(_) => {
                // A request to the server may have been carried out although its answer was lost.
                self.answered = matches!(self.rung, Rung::SignalRunner(_));
                StopResult::Lost
            }
        };
        let sentence = self.answer_sentence(self.rung, answer);
        step.events.push(Event::Outcome(self.story(at, result, false, sentence.clone())));
        if let Rung::SignalRunner(_) = self.rung {
            if self.withdrawn.is_some() {
                // No rung follows, and whether this one was enough is read from the locks.
                return;
            }
            // The server does not notice a client that is gone while its statement waits for a lock.
            self.next(at, "its backend would wait on", result, step);
        } else if let RungAnswer::Refused(_) = answer {
            self.end(at, StopResult::Refused, sentence, step);
        } else if *answer == RungAnswer::NobodyFits && self.cause.is_one_rung() {
            self.end(at, StopResult::AlreadyOver, sentence, step);
        }
    }

    /// The answer to a rung that was given up before it came: it changes what is known, and nothing else.
    fn answered_late(&mut self, at: At, rung: Rung, answer: &RungAnswer, sent: At, step: &mut Step) {
        self.sent = Some(self.sent.map_or(sent, |known| known.min(sent)));
        let result = match answer {
            RungAnswer::Sent => {
                self.hit = Hit::Yes;
                StopResult::Sent
            }
            RungAnswer::NobodyFits | RungAnswer::Refused(_) => {
                // There is one rung before the last at most: this was it.
                self.hit = if self.hit == Hit::Perhaps { Hit::No } else { self.hit };
                if let RungAnswer::NobodyFits = answer {
                    StopResult::AlreadyOver
                } else {
                    StopResult::Refused
                }
            }
            RungAnswer::Failed(_) => StopResult::Lost,
        };
        let sentence = format!("{}, told late", self.answer_sentence(rung, answer));
        let story = self.story(at, result, false, sentence);
        step.events.push(Event::Outcome(OutcomeStory { rung: Some(rung), ..story }));
    }

    fn answer_sentence(&self, rung: Rung, answer: &RungAnswer) -> String {
        match answer {
            RungAnswer::Sent => format!("{} sent to pid {}", rung_name(rung), self.pid()),
            RungAnswer::NobodyFits => {
                format!("pid {} is not at that statement any more: nobody was signalled", self.pid())
            }
            RungAnswer::Refused(why) | RungAnswer::Failed(why) => why.clone(),
        }
    }

    fn look(&mut self, at: At, holding: bool, statement_over: bool, state: Option<State>, step: &mut Step) {
        if !holding {
            self.gone.get_or_insert(at);
            let result = if self.hit() == Hit::No { StopResult::AlreadyOver } else { StopResult::Drained };
            if self.victims_waiting == 0 {
                self.end(at, result, self.drained_sentence(at), step);
            } else if at >= self.rung_deadline {
                let sentence = format!(
                    "pid {} let go; {} of its victims wait for somebody else",
                    self.pid(),
                    self.victims_waiting
                );
                self.end(at, result, sentence, step);
            }
        } else if statement_over && self.rung == Rung::Cancel {
            // Its statement is over and the lock is not: an open transaction, or a savepoint below it.
            let state = state.map_or("open", State::name);
            self.next(
                at,
                &format!("it is {state} and still holds its locks"),
                StopResult::StillHolding,
                step,
            );
        } else if at >= self.rung_deadline {
            let waited = seconds(Settings::GRACE_MS);
            self.next(
                at,
                &format!("it still holds its locks after {waited}"),
                StopResult::StillHolding,
                step,
            );
        }
    }

    fn next(&mut self, at: At, why: &str, otherwise: StopResult, step: &mut Step) {
        self.hit = self.hit();
        let next = next_rung(self.rung, self.consent, self.sync_rep);
        match next.filter(|_| self.withdrawn.is_none() && !self.cause.is_one_rung()) {
            Some(rung) => self.climb(at, rung, why, step),
            None => {
                let pid = self.pid();
                let by_hand = match (&self.withdrawn, self.consent) {
                    _ if self.cause.is_one_rung() => self.next_by_hand(),
                    (Some(withdrawn), _) => format!("disarmed, so no further rung: {withdrawn}"),
                    (None, OnTrip::Cancel) => {
                        format!("SELECT pg_terminate_backend({pid}) is not in the consent")
                    }
                    (None, _) => "no rung is left".to_owned(),
                };
                self.end(at, otherwise, format!("pid {pid}: {why}; {by_hand}"), step);
            }
        }
    }

    fn climb(&mut self, at: At, rung: Rung, why: &str, step: &mut Step) {
        self.rung = rung;
        self.answered = false;
        self.rung_deadline = at.plus_ms(Settings::GRACE_MS);
        let (stop, attempt) = (self.id, self.attempt);
        let sentence = format!("{} pid {}: {why}", rung_name(rung), self.pid());
        step.events.push(Event::Intent { stop, rung, attempt, sentence });
        step.effects.push(Effect::Stop { stop, rung, attempt });
        let (victims, until) = (self.victims.clone(), self.rung_deadline);
        step.effects.push(Effect::Observe { aim: self.aim(), stop, attempt, victims, until });
    }

    fn end(&self, at: At, result: StopResult, sentence: String, step: &mut Step) {
        step.events.push(Event::Outcome(self.story(at, result, true, sentence)));
        step.over = true;
    }

    fn count_losses(&mut self, at: At, victims_waiting: u32) {
        let lost_us = u64::from(self.victims_waiting).saturating_mul(at.us_since(self.counted_until));
        self.lost_us = self.lost_us.saturating_add(lost_us);
        self.counted_until = at;
        self.victims_waiting = victims_waiting;
    }

    fn story(&self, at: At, result: StopResult, is_final: bool, sentence: String) -> OutcomeStory {
        let since_trip = |at: At| at.ms_since(self.tripped_at);
        let drained = matches!(result, StopResult::Drained | StopResult::AlreadyOver);
        OutcomeStory {
            stop: self.id,
            rung: Some(self.rung),
            pid: self.pid(),
            result,
            is_final,
            sent_ms: self.sent.map(since_trip),
            gone_ms: self.gone.map(since_trip),
            drained_ms: (is_final && drained && self.victims_waiting == 0).then(|| since_trip(at)),
            victims: u32::try_from(self.victims.len()).unwrap_or(u32::MAX),
            lost_session_ms: self.lost_us / 1_000,
            sentence,
        }
    }

    fn drained_sentence(&self, at: At) -> String {
        let after = seconds(at.ms_since(self.tripped_at));
        let go_on = match self.victims.len() {
            1 => "1 session goes on".to_owned(),
            victims => format!("{victims} sessions go on"),
        };
        if self.by_watchdog {
            return format!("pid {} was stopped by the dead-man's switch before", self.pid());
        }
        match (self.hit(), self.sync_rep) {
            (Hit::No, _) => format!("pid {} was over before: nobody was hit by this stop", self.pid()),
            (Hit::Perhaps, _) => format!(
                "pid {} let go, {go_on}, after {after}; whether the request to stop it \
                 arrived is not known",
                self.pid()
            ),
            (Hit::Yes, false) => {
                format!("pid {} stopped, {go_on}, after {after}", self.pid())
            }
            (Hit::Yes, true) => format!(
                "pid {} waited for a synchronous standby: its change is committed here and stays; \
                 {go_on}, after {after}",
                self.pid()
            ),
        }
    }

    fn pid(&self) -> Pid {
        self.attempt.backend.pid
    }
}
