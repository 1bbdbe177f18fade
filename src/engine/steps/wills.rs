//! What operators want of a plan: whether it would be refused, and what it does.
//!
//! Owns every reason a person is told. A will names steps by their id and clean-ups by their number, never rows.

use super::job::{Doing, Job, Stopping, Trying};
use super::{Course, Ending, Opened, PauseHow, Sight, Stage, Steps, Then, Turn, Will};
use crate::engine::ids::At;
use crate::engine::plan::Work;
use crate::engine::plan::order::{Unit, Way};
use crate::engine::timeline::Event;

impl Steps {
    /// Whether `will` would be done if it came now.
    ///
    /// # Errors
    /// Why not, in a sentence for people.
    pub fn may(&self, will: &Will) -> Result<(), String> {
        match will {
            Will::Pause { .. } => match &self.course {
                Course::Flying => Ok(()),
                Course::Preparing => Err("the plan is still being prepared".to_owned()),
                Course::Held { .. } => Err("the plan is held already".to_owned()),
                Course::Halted { .. } if self.beside().is_some() => self.is_at_rest(),
                Course::Halted { .. } => Err("the plan has halted: nothing runs".to_owned()),
                Course::Over { .. } => Err("the plan is over".to_owned()),
            },
            Will::Resume => match &self.course {
                Course::Held { .. } | Course::Halted { .. } => self.may_resume(),
                Course::Preparing | Course::Flying => Err("the plan is not held".to_owned()),
                Course::Over { .. } => {
                    Err("the plan is over: fly it again with lockpit run --resume".to_owned())
                }
            },
            Will::Abort => match &self.course {
                Course::Over { .. } if self.job.is_none() => Err("the plan is over".to_owned()),
                _ => Ok(()),
            },
            Will::Skip { step, item } => match item {
                None => self.may_skip(step),
                Some(item) => self.may_skip_item(step, item),
            },
            Will::Undo { step } => self.may_undo(step),
            Will::Answer { typed, .. } => self.may_answer(typed),
            Will::CleanUp { number } => self.may_clean_up(*number),
        }
    }

    fn number_of(&self, id: &str) -> Result<u32, String> {
        let number = self.mission.plan.steps.iter().position(|step| step.id == id);
        let number = number.and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| format!("the plan has no step '{id}'"))
    }

    fn stage(&self, number: u32) -> Stage {
        self.states.get(number as usize).map_or(Stage::Ready, |state| state.stage)
    }

    fn may_resume(&self) -> Result<(), String> {
        if let Some(why) = &self.elsewhere {
            return Err(why.clone());
        }
        match &self.job {
            Some(_) if self.is_at_work() => {
                let what = self.beside().unwrap_or("a step");
                Err(format!("{what} is under way: wait for its end"))
            }
            Some(Job {
                doing: Doing::Orphaned { .. } | Doing::Verifying { .. } | Doing::Scanning { .. },
                ..
            }) => Err("what became of the last attempt is being asked: wait for the answer".to_owned()),
            _ => Ok(()),
        }
    }

    /// Nothing is under way: a second work would be begun on the same session.
    fn is_at_rest(&self) -> Result<(), String> {
        if let Some(why) = &self.elsewhere {
            return Err(why.clone());
        }
        let waits = match &self.job {
            None => self.asking.is_none(),
            Some(job) => matches!(job.doing, Doing::Waiting { .. }) && !self.is_at_work(),
        };
        match self.beside() {
            _ if waits => Ok(()),
            Some(what) => Err(format!("{what} is under way: wait for its end")),
            None => Err("the plan is at work: pause it first".to_owned()),
        }
    }

    /// What is worked on beside the order of steps.
    fn beside(&self) -> Option<&'static str> {
        match self.way()? {
            Way::Do => None,
            Way::Undo => Some("an undo"),
            Way::CleanUp => Some("a clean-up"),
        }
    }

    fn may_skip(&self, id: &str) -> Result<(), String> {
        let number = self.number_of(id)?;
        match self.stage(number) {
            Stage::Done | Stage::Skipped => {
                Err(format!("step {id} is {} already", self.stage(number).word()))
            }
            Stage::Ready | Stage::Paused | Stage::Stopped | Stage::Failed => {
                let is_at_hand = self.job.as_ref().is_some_and(|job| job.unit.step == number);
                if is_at_hand { self.is_at_rest() } else { Ok(()) }
            }
            _ => Err(format!("step {id} is {}: pause it first", self.stage(number).word())),
        }
    }

    fn may_skip_item(&self, id: &str, item: &str) -> Result<(), String> {
        let number = self.number_of(id)?;
        let Some(known) = self.items(number).iter().find(|known| known.name == item) else {
            return Err(match self.items(number).len() {
                0 => format!("step {id} has no items, or they are not known yet"),
                many => format!("step {id} has {many} items, and '{item}' is none of them"),
            });
        };
        if known.stage.is_behind() {
            return Err(format!("{item} is {} already", known.stage.word()));
        }
        let is_at_hand = self.job.as_ref().is_some_and(|job| job.unit.step == number);
        if is_at_hand { self.is_at_rest() } else { Ok(()) }
    }

    /// The item is left out; the step goes on with the next one when the plan does.
    fn skip_item(&mut self, number: u32, item: &str, by: &str, turn: &mut Turn) {
        let id = self.step(number).map(|step| step.id.clone()).unwrap_or_default();
        let Some(state) = self.states.get_mut(number as usize) else { return };
        let Some(known) = state.items.iter_mut().find(|known| known.name == item) else { return };
        (known.stage, known.reason) = (Stage::Skipped, format!("by {by}"));
        let text = format!("step {id}: {item} is skipped by {by}");
        turn.events.push(Event::Note { warning: false, text });
    }

    fn may_undo(&self, id: &str) -> Result<(), String> {
        let number = self.number_of(id)?;
        self.is_at_rest()?;
        let Some(step) = self.step(number) else { return Ok(()) };
        if step.undo.is_empty() {
            return Err(format!("the plan does not say how step {id} is undone"));
        }
        // Done for the first item alone, it would be told as undone.
        if matches!(&step.work, Work::Sql { for_each: Some(_), .. }) && self.items(number).len() != 1 {
            return Err(format!(
                "step {id} runs once for each item, and its undo would be run for one of them: undo it by hand, or by a \
                 step of its own"
            ));
        }
        if !matches!(self.stage(number), Stage::Done | Stage::Failed | Stage::Stopped | Stage::Paused) {
            return Err(format!("step {id} is {}: there is nothing to undo", self.stage(number).word()));
        }
        let later = (number as usize + 1..self.states.len()).rev().find(|&later| {
            self.states.get(later).is_some_and(|state| state.stage == Stage::Done)
                && self
                    .step(u32::try_from(later).unwrap_or(u32::MAX))
                    .is_some_and(|step| !step.undo.is_empty())
        });
        match later.and_then(|later| self.mission.plan.steps.get(later)) {
            Some(later) => Err(format!("steps are undone in reverse order: undo {} first", later.id)),
            None => Ok(()),
        }
    }

    fn may_answer(&self, typed: &str) -> Result<(), String> {
        let Some(Job { unit, doing: Doing::Gate(gate), .. }) = &self.job else {
            return Err("no gate waits".to_owned());
        };
        if gate.answered {
            return Err("this gate asks nobody".to_owned());
        }
        let id = self.step(unit.step).map(|step| step.id.as_str()).unwrap_or_default();
        if typed == id {
            Ok(())
        } else {
            Err(format!("'{typed}' is not the name of the step that waits: {id}"))
        }
    }

    fn may_clean_up(&self, number: u32) -> Result<(), String> {
        let index = (number as usize).checked_sub(1);
        let Some(offer) = index.and_then(|index| self.offers.get(index)) else {
            return Err(match self.offers.len() {
                0 => "nothing is left to be cleaned up".to_owned(),
                1 => "there is one clean-up: its number is 1".to_owned(),
                many => format!("there are {many} clean-ups, numbered from 1"),
            });
        };
        match offer.stage {
            Stage::Done => Err(format!("clean-up {number} is done")),
            Stage::Running => Err(format!("clean-up {number} is under way")),
            _ => self.is_at_rest(),
        }
    }

    /// Does what an operator wants; it was not refused.
    pub fn obey(&mut self, sight: &Sight, by: Option<&str>, will: &Will, turn: &mut Turn) {
        let by = by.unwrap_or("the operator");
        match will {
            Will::Pause { how } => self.pause(sight, by, *how, turn),
            Will::Resume => self.resume(sight, turn),
            Will::Abort => self.abort(sight, by, turn),
            Will::Skip { step, item: Some(item) } => {
                let Ok(number) = self.number_of(step) else { return };
                self.skip_item(number, item, by, turn);
            }
            Will::Skip { step, item: None } => {
                let Ok(number) = self.number_of(step) else { return };
                if self.job.as_ref().is_some_and(|job| job.unit.step == number) {
                    self.job = None;
                }
                self.enter(sight.at, number, Stage::Skipped, format!("by {by}"), turn);
            }
            Will::Undo { step } => {
                let Ok(number) = self.number_of(step) else { return };
                let unit = Unit { step: number, item: 0, part: 0, way: Way::Undo };
                self.work_on(sight, unit, turn);
            }
            Will::Answer { person, .. } => {
                let Some(Job { unit, doing: Doing::Gate(gate), .. }) = self.job.as_mut() else { return };
                gate.answered = true;
                let (gate, step) = (gate.clone(), unit.step);
                let id = self.step(step).map(|step| step.id.clone()).unwrap_or_default();
                let who = format!("{by} ({person}, session_user {})", sight.session_user);
                let text = format!("gate {id} opened by {who}");
                turn.events.push(Event::Note { warning: false, text });
                if let Some(state) = self.states.get_mut(step as usize) {
                    state.opened = Some(Opened { at: sight.at, by: who });
                }
                self.watch_gate(sight, gate, turn);
            }
            Will::CleanUp { number } => {
                let part = number.saturating_sub(1);
                let step = self.current().or_else(|| self.states.len().checked_sub(1)).unwrap_or(0);
                let unit =
                    Unit { step: u32::try_from(step).unwrap_or(u32::MAX), item: 0, part, way: Way::CleanUp };
                if let Some(offer) = self.offers.get_mut(part as usize) {
                    offer.stage = Stage::Running;
                }
                self.work_on(sight, unit, turn);
            }
        }
    }

    /// Takes up work beside the order of steps. Whatever was held there is begun again after it.
    fn work_on(&mut self, sight: &Sight, unit: Unit, turn: &mut Turn) {
        self.job = Some(Job::new(unit, Then::Begin));
        self.fresh();
        self.survey(sight, turn);
    }

    fn pause(&mut self, sight: &Sight, by: &str, how: PauseHow, turn: &mut Turn) {
        let why = format!("by {by}");
        match self.job.as_ref().map(|job| &job.doing) {
            None
            | Some(
                // Items are waited for: found a second time they may be others than those the runner knows.
                Doing::Waiting { .. } | Doing::Gate(_) | Doing::Looking | Doing::Surveying,
            ) => {
                self.hold(sight, why, turn);
            }
            Some(Doing::Trying(_)) if how == PauseHow::Cancel => {
                self.hold_after = Some(why);
                self.stop_trying(sight.at, Stopping::Pause, turn);
            }
            Some(_) => {
                self.hold_after = Some(why);
                let text = "the plan is held once the work at hand is through".to_owned();
                turn.events.push(Event::Note { warning: false, text });
            }
        }
    }

    fn resume(&mut self, sight: &Sight, turn: &mut Turn) {
        // What was at hand is begun anew: facts are no younger than the pause.
        self.job = None;
        (self.hold_after, self.halt_after) = (None, None);
        if !self.taken_up {
            self.set_course(Course::Preparing, turn);
            self.take_up(sight, turn);
            return;
        }
        for state in &mut self.states {
            if matches!(state.stage, Stage::Paused | Stage::Stopped | Stage::Failed) {
                state.stage = Stage::Ready;
                state.reason.clear();
            }
        }
        self.set_course(Course::Flying, turn);
    }

    fn abort(&mut self, sight: &Sight, by: &str, turn: &mut Turn) {
        self.hold_after = None;
        match self.job.as_ref().map(|job| &job.doing) {
            Some(Doing::Trying(_)) => self.stop_trying(sight.at, Stopping::Abort, turn),
            Some(Doing::Program { .. }) => {
                self.end_program(turn);
                self.give_up(sight, by, turn);
            }
            Some(Doing::Orphaned { again: Some(_), .. }) if self.halt_after.is_none() => {
                self.stop_adopted(sight.at, by, turn);
            }
            _ => self.give_up(sight, by, turn),
        }
    }

    /// A statement that runs on a session of an earlier part of the flight, or of one that was lost, can only be stopped
    /// by the abort ladder. What became of it is asked as before.
    fn stop_adopted(&mut self, at: At, by: &str, turn: &mut Turn) {
        let Some(Job { doing: Doing::Orphaned { trying, .. }, .. }) = self.job.as_mut() else { return };
        (trying.stopping, trying.stop_asked) = (Some(Stopping::Abort), Some(at));
        self.halt_after = Some((Ending::Aborted, format!("aborted by {by}")));
        let text =
            "the statement that was adopted is stopped; abort once more to leave it running".to_owned();
        turn.events.push(Event::Note { warning: false, text });
    }

    /// Nothing runs that would have to be stopped: the plan is over.
    fn give_up(&mut self, sight: &Sight, by: &str, turn: &mut Turn) {
        let open = self.what_is_open();
        if let Some(unit) = self.job.as_ref().map(|job| job.unit) {
            self.enter(sight.at, unit.step, Stage::Stopped, format!("aborted by {by}{open}"), turn);
            if unit.way == Way::CleanUp
                && let Some(offer) = self.offers.get_mut(unit.part as usize)
            {
                // The plan stays where it was.
                offer.stage = Stage::Failed;
                self.job = None;
                return;
            }
        }
        self.halt(Ending::Aborted, format!("aborted by {by}"), turn);
    }

    /// A step is undone.
    pub(super) fn undone(&mut self, sight: &Sight, step: u32, turn: &mut Turn) {
        self.job = None;
        if let Some(state) = self.states.get_mut(step as usize) {
            (state.item, state.part) = (0, 0);
            state.items.clear();
            (state.began, state.ended) = (None, None);
        }
        // What an earlier part of the flight had done of it is undone as well.
        let id = self.mission.plan.steps.get(step as usize).map(|step| step.id.clone());
        if let Some(logbook) = self.mission.resumed.as_mut()
            && let Some(logged) = logbook.steps.iter_mut().find(|logged| Some(&logged.id) == id.as_ref())
        {
            (logged.item, logged.parts_done) = (None, 0);
            logged.items_done.clear();
        }
        self.enter(sight.at, step, Stage::Stopped, "undone", turn);
        if let Some((ending, why)) = self.halt_after.take() {
            self.halt(ending, why, turn);
        } else if matches!(self.course, Course::Flying | Course::Over { ending: Ending::Complete, .. }) {
            self.halt(Ending::Aborted, "undone".to_owned(), turn);
        }
    }

    /// A clean-up is through.
    pub(super) fn cleaned(&mut self, unit: Unit, turn: &mut Turn) {
        self.job = None;
        if let Some(offer) = self.offers.get_mut(unit.part as usize) {
            offer.stage = Stage::Done;
            let next = if matches!(self.course, Course::Halted { .. }) {
                "; resume flies the step again"
            } else {
                ""
            };
            let text = format!("clean-up {} is done: {}{next}", unit.part + 1, offer.sql);
            turn.events.push(Event::Note { warning: false, text });
        }
        if let Some((ending, why)) = self.halt_after.take() {
            self.halt(ending, why, turn);
        }
    }

    /// The flight ends: a strong attempt must not outlive it. A weak one goes on, and a flight that resumes finds it.
    pub fn flight_ends(&mut self, at: At, turn: &mut Turn) {
        let Some(Job { doing: Doing::Trying(trying), .. }) = &self.job else { return };
        if trying.wait_ms.is_some() {
            self.stop_trying(at, Stopping::Abort, turn);
        }
    }

    /// A strong attempt is still under way.
    pub fn is_strong_at_work(&self) -> bool {
        matches!(&self.job, Some(Job { doing: Doing::Trying(Trying { wait_ms: Some(_), .. }), .. }))
    }
}
