//! Carrying out commands.
//!
//! Owns the order of things: a command is weighed, told with whoever gave it, and carried out unless it was
//! refused. Never asks a second time whether it may.

use super::{ArmScope, Command, Request};
use crate::engine::effect::Effect;
use crate::engine::ids::At;
use crate::engine::overrides::Override;
use crate::engine::target::{Change, Target, View, attempt_of};
use crate::engine::timeline::Event;
use crate::engine::{Cockpit, Leaving};

impl Cockpit {
    /// Takes in a request.
    pub(in crate::engine) fn command(&mut self, at: At, request: Request, effects: &mut Vec<Effect>) {
        if self.over {
            // The end was the last word.
            return;
        }
        let Request { by, command } = request;
        let refused = self.may_at(at, &command).err();
        let is_refused = refused.is_some();
        let event = match (&by, &command) {
            // A remark of lockpit's own.
            (None, Command::Mark { note }) if !is_refused => {
                Event::Note { warning: false, text: note.clone() }
            }
            (_, Command::Stick { holder, taken_from }) if !is_refused => Event::Note {
                warning: taken_from.is_some(),
                text: passed(holder.as_deref(), taken_from.as_deref()),
            },
            _ => Event::Commanded { by: by.clone(), said: command.to_string(), refused },
        };
        self.timeline.push(at, event);
        if !is_refused {
            self.obey(at, by.as_deref(), command, effects);
        }
    }

    fn obey(&mut self, at: At, by: Option<&str>, command: Command, effects: &mut Vec<Effect>) {
        match command {
            Command::Disarm => self.brake.disarm(&format!("by {}", by.unwrap_or("the operator"))),
            Command::End { reason } => self.leave(at, &reason),
            Command::Mark { .. } => {}
            Command::Plan(will) => self.obey_plan(at, by, &will, effects),
            Command::Arm { scope, for_ms, on_trip } => {
                if let Some(text) = self.brake.arm(at, scope, for_ms, on_trip) {
                    self.timeline.push(at, Event::Note { warning: true, text });
                }
                if let Some(target) = self.follow.target.as_mut()
                    && !self.brake.is_settled(&target.attempt)
                {
                    // What tripped before this consent was not acted on by it.
                    target.tripped = false;
                }
                if let ArmScope::Session(backend) = scope {
                    self.follow.want(Some(backend));
                }
                if !self.follow_again(at, effects) {
                    self.check_right(at, effects);
                }
            }
            Command::Follow { backend } => {
                self.follow.want(Some(backend));
                self.follow_again(at, effects);
            }
            Command::FollowAuto => {
                self.follow.want(None);
                self.follow_again(at, effects);
            }
            Command::Abort { .. } => {
                let Some(target) = &self.follow.target else { return };
                let step = self.brake.abort(at, target);
                self.take(at, step, effects);
            }
            Command::Stop { attempt, rung } => {
                let pid = attempt.backend.pid;
                let Some(backend) = self.sample.as_ref().and_then(|sample| sample.backend(pid)) else {
                    return;
                };
                let behind = self.scene.clients_behind(pid);
                let whom = Target { victims: behind, ..Target::of(at, backend) };
                let target = self.follow.target.as_ref();
                let is_target =
                    target.is_some_and(|target| target.attempt.continues_as(&attempt_of(backend)));
                let step = self.brake.stop_one(at, &whom, rung, is_target);
                self.take(at, step, effects);
            }
            Command::Limit { guardrail, limit, for_ms } => {
                let until = for_ms.map(|ms| at.plus_ms(ms));
                self.overrides.set(Override { guardrail, limit, until });
            }
            Command::Stick { holder, .. } => self.stick = holder,
        }
    }

    /// Chooses the target anew from the last sample; true when another one was found.
    fn follow_again(&mut self, at: At, effects: &mut Vec<Effect>) -> bool {
        let (Some(sample), Some(seen)) = (&self.sample, self.sample_at) else { return false };
        let view = View { at: seen, sample, scene: &self.scene, catalog: &self.catalog, ages: &self.ages };
        let changes = self.follow.observe(&view, &self.matcher, Some(seen));
        let is_found = changes.contains(&Change::Found);
        for change in changes {
            self.target_changed(at, change, effects);
        }
        is_found
    }

    pub(in crate::engine) fn leave(&mut self, at: At, reason: &str) {
        if let Some(leaving) = self.leaving.as_mut() {
            // Asked twice: what became of the target is not waited for.
            leaving.until = Some(at);
        } else {
            self.leaving = Some(Leaving { reason: reason.to_owned(), until: None });
            if self.brake.stop().is_some() {
                let text = format!("{reason}: leaving once the stop under way is over");
                self.timeline.push(at, Event::Note { warning: false, text });
            }
        }
    }
}

/// The stick passed from one hand to another, for people.
fn passed(holder: Option<&str>, from: Option<&str>) -> String {
    match (holder, from) {
        (Some(holder), Some(from)) => format!("{holder} takes the stick from {from}"),
        (Some(holder), None) => format!("{holder} has the stick"),
        (None, Some(from)) => format!("{from} gives the stick back"),
        (None, None) => "nobody has the stick".to_owned(),
    }
}
