//! The plan in the cockpit: what its steps see of the rest, and what the rest does for them.
//!
//! Owns the passage between [`Steps`] and everything else. Steps never see a sample, and the brake never a plan.

use super::Cockpit;
use super::effect::Effect;
use super::ids::At;
use super::plan::order::News;
use super::settings::Limits;
use super::steps::{Course, Ending, Health, Sight, Steps, Will};
use super::stop::{Cause, Hit, Step, Stop};
use super::target::Target;

impl Cockpit {
    /// The session of ours that is at work for the plan, where it is the work under guard.
    fn own_target(&self) -> Option<&Target> {
        let worker = self.steps.as_ref()?.worker()?;
        self.follow.target.as_ref().filter(|target| target.attempt.backend == worker)
    }

    fn sight(&self, at: At) -> Sight {
        let begun_us = self.begin.as_ref().map_or(0, |begin| begin.utc_us);
        let runner = self.steps.as_ref().and_then(|steps| steps.runner());
        let stop = self.brake.stop().filter(|stop| Some(stop.attempt().backend) == runner);
        let own = self.own_target();
        let tripped = own
            .is_some_and(|own| own.tripped && self.brake.hit(&own.attempt).is_some_and(|hit| hit != Hit::No));
        let blind = super::guard::blind::blindness(&self.facts(at));
        let slow = self.slow.as_deref();
        let attached = self.attached.as_ref();
        Sight {
            at,
            utc_us: begun_us.saturating_add_unsigned(at.0),
            armed: self.brake.consent().acts(at),
            // A stop may have had its last word before the runner has had its own.
            stop: stop.map(Stop::cause).or(tripped.then_some(Cause::Guardrail)),
            tripped,
            blind: blind.map(|ms| format!("no facts for {}", super::guard::seconds(ms))),
            health: Health {
                deadlocks: slow.map(|slow| slow.counters.deadlocks),
                lag_bytes: slow.and_then(|slow| {
                    let wal = slow.wal_lsn?;
                    slow.senders.iter().filter_map(|it| Some(wal.saturating_sub(it.replay_lsn?))).max()
                }),
                dead_rows: None,
            },
            leaving: self.leaving.is_some(),
            system_identifier: attached.and_then(|attached| attached.system_identifier.known().copied()),
            timeline: attached.and_then(|attached| attached.timeline.known().copied()),
            session_user: self
                .attached
                .as_ref()
                .map_or_else(String::new, |attached| self.catalog.role(Some(attached.rights.role))),
        }
    }

    /// Lets the steps do something, and takes on what follows.
    fn with_steps(
        &mut self,
        at: At,
        effects: &mut Vec<Effect>,
        act: impl FnOnce(&mut Steps, &Sight, &mut Step),
    ) {
        let sight = self.sight(at);
        let Some(mut steps) = self.steps.take() else { return };
        let mut turn = Step::default();
        act(&mut steps, &sight, &mut turn);
        self.steps = Some(steps);
        self.take(at, turn, effects);
    }

    pub(super) fn runner_says(&mut self, at: At, news: &News, effects: &mut Vec<Effect>) {
        self.with_steps(at, effects, |steps, sight, turn| steps.hear(sight, news, turn));
    }

    pub(super) fn runner_lost(&mut self, at: At) {
        if let Some(steps) = self.steps.as_mut() {
            steps.runner_lost(at);
        }
    }

    pub(super) fn obey_plan(&mut self, at: At, by: Option<&str>, will: &Will, effects: &mut Vec<Effect>) {
        self.with_steps(at, effects, |steps, sight, turn| steps.obey(sight, by, will, turn));
    }

    /// After every input: the plan goes on where it may, and the flight ends with it where nobody is there.
    pub(super) fn fly(&mut self, at: At, effects: &mut Vec<Effect>) {
        if self.steps.is_none() {
            return;
        }
        if self.leaving.is_some() {
            self.with_steps(at, effects, |steps, sight, turn| steps.flight_ends(sight.at, turn));
        } else {
            self.with_steps(at, effects, Steps::settle);
        }
        // The runner stops its own statement; where that does not work, the ladder does.
        if self.steps.as_ref().is_some_and(|steps| steps.stop_is_late(at))
            && self.brake.stop().is_none()
            && let Some(own) = self.own_target().filter(|own| self.brake.hit(&own.attempt).is_none()).cloned()
        {
            let step = self.brake.abort(at, &own);
            self.take(at, step, effects);
        }
        let Some(steps) = &self.steps else { return };
        if let Course::Over { ending, why } = steps.course()
            && steps.mission().unattended
            && self.leaving.is_none()
        {
            let reason = format!("the plan {}: {why}", ending.words());
            self.leave(at, &reason);
        }
    }

    /// The limits that were asked for: the step's own, or the flight's.
    pub fn limits_asked_for(&self) -> Limits {
        let of_step = self.steps.as_ref().and_then(|steps| steps.limits());
        let of_flight = self.begin.as_ref().map(|begin| &begin.settings.limits);
        of_step.or(of_flight).cloned().unwrap_or_default()
    }

    /// The exit code of a flight that flies a plan.
    pub(super) fn plan_exit_code(&self) -> Option<u8> {
        let steps = self.steps.as_ref()?;
        Some(match steps.course() {
            Course::Over { ending: Ending::Complete, .. } => 0,
            Course::Over { ending: Ending::Tripped, .. } => 4,
            Course::Over { ending: Ending::Aborted, .. } => 5,
            Course::Over { ending: Ending::Failed, .. } => 6,
            Course::Over { ending: Ending::Lost, .. } => 3,
            // What was left unfinished was left by an operator, unless it had halted by itself.
            Course::Halted { ending, .. } if *ending == Ending::Tripped => 4,
            Course::Halted { ending, .. } if *ending == Ending::Lost => 3,
            Course::Halted { .. } => 6,
            Course::Preparing | Course::Flying | Course::Held { .. } => 5,
        })
    }
}
