//! Engine, log and hands of a flight in the air.
//!
//! Owns one turn, and the order of what happens in it: an input is handled, queued for the disk together with what the
//! engine asks for, and only then is that carried out. Never waits, and never reads a clock.

use super::courier::begins_work;
use super::desk::{Ask, Desk, Question};
use super::executor::Executor;
use super::feed::Feeder;
use super::note;
use super::recorder::Recorder;
use crate::engine::Cockpit;
use crate::engine::effect::Effect;
use crate::engine::ids::At;
use crate::engine::input::Input;
use crate::engine::target::Target;
use crate::headless::Narrator;
use crate::headless::line::Line;
use crate::host::Host;
use crate::literals::{Kept, Table};

/// Engine, log and hands of a flight in the air.
pub(super) struct Deck {
    pub(super) cockpit: Cockpit,
    pub(super) narrator: Narrator,
    pub(super) executor: Executor,
    pub(super) recorder: Recorder,
    pub(super) host: Option<Host>,
    pub(super) feeder: Option<Feeder>,
    /// Literals of what backends run, where they are kept.
    pub(super) literals: Table,
    /// Literals that came ahead of their sample.
    pub(super) ahead: Vec<Kept>,
}

impl Deck {
    /// Answers a question once the engine has handled what follows from it. Over, the flight answers nobody.
    pub(super) fn answer(
        &mut self,
        at: At,
        desk: &mut Desk,
        question: Question,
        tell: &mut impl FnMut(Vec<Line>),
    ) {
        if self.cockpit.is_over() {
            return;
        }
        let Question { from, ask, reply } = question;
        if let Ask::Shown { what } = &ask {
            self.recorder.shown(at, &from.operator, what);
        }
        let (inputs, answer) = desk.hear(at, &self.cockpit, &from, ask);
        for input in inputs {
            self.take(at, input, tell);
        }
        let _ = reply.send(answer);
    }

    /// One turn: log, handle, log, act, tell. The end is the last word: nothing is taken in after it.
    pub(super) fn take(&mut self, at: At, input: Input, tell: &mut impl FnMut(Vec<Line>)) {
        if self.cockpit.is_over() {
            return;
        }
        let was_sample = matches!(input, Input::Sample(_));
        let was_slow = matches!(&input, Input::Sample(sample) if sample.slow.is_some());
        let mut new = Vec::new();
        if let Input::Sample(sample) = &input {
            new = std::mem::take(&mut self.ahead);
            self.literals.take(new.iter().cloned());
            self.literals.follow(sample);
        }
        self.recorder.begin_turn(at, &self.cockpit, &input);
        self.recorder.literals(at, &new, &self.literals);
        if let Some(feeder) = &self.feeder {
            feeder.literals(new);
            feeder.input(at, &input);
        }
        let effects = self.cockpit.handle(at, input);
        if let Some(feeder) = &self.feeder {
            feeder.handled(at, &self.cockpit, &self.literals);
        }
        let begins = effects.iter().any(|effect| matches!(effect, Effect::Run(order) if begins_work(order)));
        let mut durable = self.recorder.end_turn(at, &effects, begins);
        for effect in effects {
            self.executor.carry_out(at, effect, &mut durable);
        }
        if was_sample {
            let target = self.cockpit.target().map(Target::pid);
            self.executor.sampler.follow(target.into_iter().collect());
        }
        if let Some(host) = self.host.as_mut().filter(|_| was_slow) {
            host.ask(at, &self.cockpit);
        }
        let mut lines = self.narrator.tell(at, &self.cockpit, was_sample);
        if let Some(text) = self.recorder.news() {
            if let Some(feeder) = &self.feeder {
                feeder.recording(self.recorder.is_losing().then(|| text.clone()));
            }
            lines.push(note(at, text));
        }
        tell(lines);
    }
}
