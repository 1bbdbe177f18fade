//! What an operator orders the brake to do.
//!
//! Owns the beginnings of stops that no guardrail asked for, and arming in the air. Whether an order may be
//! given at all was weighed before ([`crate::engine::Cockpit::may`]).

use super::Brake;
use crate::engine::command::ArmScope;
use crate::engine::effect::Rung;
use crate::engine::ids::At;
use crate::engine::settings::{Arming, IfLost, OnTrip};
use crate::engine::stop::{Step, Stop};
use crate::engine::target::Target;

impl Brake {
    /// Arms; returns what people should be warned of.
    pub fn arm(
        &mut self,
        at: At,
        scope: ArmScope,
        for_ms: Option<u64>,
        on_trip: Option<OnTrip>,
    ) -> Option<String> {
        let only = match scope {
            ArmScope::Session(backend) => Some(backend),
            ArmScope::AsAtStart => None,
        };
        let before = self.consent.only();
        self.consent.give(at, only, for_ms, on_trip.unwrap_or(self.settings.on_trip));
        if before.is_some() && self.consent.only() != before {
            // What was in reach of an arming of one session is not therefore in reach of the next arming.
            self.in_reach = false;
            if let Some(care) = self.aftercare.as_mut() {
                care.in_reach = false;
            }
        }
        self.unsent = None;
        let has_switch = self.settings.arming == Arming::Armed;
        (self.settings.if_lost == IfLost::Stop && !has_switch).then(|| {
            "the dead-man's switch is opened at the start of an armed flight only: should lockpit die, what it \
             guards goes on"
                .to_owned()
        })
    }

    /// By what means the flight was to stop its target when it began; what a key press agrees to.
    pub fn on_trip_at_start(&self) -> OnTrip {
        self.settings.on_trip
    }

    /// The operator stops the target, by the whole ladder.
    pub fn abort(&mut self, at: At, target: &Target) -> Step {
        let in_reach = self.consent.acts_on(at, target);
        let id = self.next_id();
        let mut step = Step::default();
        self.take_on(Stop::begin_abort(id, at, target, self.settings.on_trip), in_reach, &mut step);
        step
    }

    /// The operator stops one backend, by one rung.
    pub fn stop_one(&mut self, at: At, whom: &Target, rung: Rung, is_target: bool) -> Step {
        let id = self.next_id();
        let mut step = Step::default();
        self.take_on(Stop::begin_one(id, at, whom, rung, is_target), false, &mut step);
        step
    }
}
