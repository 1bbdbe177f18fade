//! A flight decided anew by other limits.
//!
//! Owns an engine that decides every trip and acts on none. Gets the inputs of the recorded flight, apart from those
//! that are about acting, and is woken at its own deadlines: with other limits they are other ones.

use crate::engine::Cockpit;
use crate::engine::guard::Reading;
use crate::engine::ids::At;
use crate::engine::input::{ArmScope, Command, Input, Request};
use crate::engine::settings::Limits;
use crate::engine::timeline::Event;

/// A trip, with the harm at that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tripped {
    /// When.
    pub(super) at: At,
    /// The rule.
    pub(super) guardrail: String,
    /// What it read.
    pub(super) reading: Reading,
    /// Who waited because of the target.
    pub(super) victims: u32,
    /// What its victims had lost by then, in session-microseconds.
    pub(super) lost_us: u64,
}

/// An engine with limits of its own.
#[derive(Debug)]
pub(super) struct Trial {
    cockpit: Cockpit,
    /// `None`: the limits of the flight.
    limits: Option<Limits>,
    keeps_overrides: bool,
    told: u64,
}

impl Trial {
    /// A trial by these limits, or by those of the flight. Limits that the operator changed in the air are in force
    /// if `keeps_overrides`.
    pub(super) fn new(limits: Option<Limits>, keeps_overrides: bool) -> Trial {
        Trial { cockpit: Cockpit::default(), limits, keeps_overrides, told: 0 }
    }

    /// Goes on from another engine of the same flight.
    pub(super) fn resume(&mut self, recorded: &Cockpit) {
        self.cockpit = recorded.clone();
        let own = recorded.flight().map(|begin| begin.settings.limits.clone()).unwrap_or_default();
        self.cockpit.judge_with(self.limits.clone().unwrap_or(own));
        self.told = self.cockpit.timeline().total();
    }

    /// Takes in one input of the flight; the trip that follows from it, if one does.
    pub(super) fn take(&mut self, at: At, input: &Input) -> Option<Tripped> {
        while let Some(due) = self.cockpit.next_deadline().filter(|due| *due < at) {
            let _ = self.cockpit.handle(due, Input::Tick);
        }
        let input = self.own(input);
        let _ = self.cockpit.handle(at, input);
        let timeline = self.cockpit.timeline();
        let trip = timeline.since(self.told).find_map(|(at, event)| match event {
            Event::Trip { name, reading, .. } => Some((*at, name.clone(), reading.clone())),
            _ => None,
        });
        self.told = timeline.total();
        let (at, guardrail, reading) = trip?;
        let target = self.cockpit.target();
        let victims = target.map_or(0, |target| u32::try_from(target.victims.len()).unwrap_or(u32::MAX));
        let lost_us = target.map_or(0, |target| target.lost_us);
        Some(Tripped { at, guardrail, reading, victims, lost_us })
    }

    /// The input as this trial gets it. What was ordered about acting is left to the recorded flight; that somebody
    /// was to be followed is not.
    fn own(&self, input: &Input) -> Input {
        match input {
            Input::Begin(begin) => {
                let mut begin = begin.clone();
                let limits = self.limits.clone().unwrap_or_else(|| begin.settings.limits.clone());
                begin.settings = begin.settings.judged_by(limits);
                // Limits that are tried are tried throughout.
                let steps = begin.mission.iter_mut().filter(|_| self.limits.is_some());
                steps.flat_map(|mission| &mut mission.plan.steps).for_each(|step| step.limits = None);
                Input::Begin(begin)
            }
            Input::Command(Request { by, command }) => match command {
                Command::Arm { scope: ArmScope::Session(backend), .. } => {
                    Input::Command(Request { by: by.clone(), command: Command::Follow { backend: *backend } })
                }
                Command::Arm { .. } | Command::Disarm | Command::Abort { .. } | Command::Stop { .. } => {
                    Input::Tick
                }
                Command::Limit { .. } if !self.keeps_overrides => Input::Tick,
                _ => input.clone(),
            },
            _ => input.clone(),
        }
    }
}
