//! Where a flight had come to, and how another one goes on from there.
//!
//! Owns what of the steps a log's end tells ([`Steps::logbook`]), and what the flight that goes on makes of it. What the
//! log does not tell is asked of the server and of the catalog, and the catalog wins.

use super::job::{Doing, Job, Trying};
use super::{Course, Ending, Sight, Stage, Steps, Then, Turn};
use crate::engine::ids::At;
use crate::engine::plan::order::{Order, Unit, Way};
use crate::engine::plan::{Logbook, LoggedStep, OpenTry, Work};
use crate::engine::timeline::Event;

impl Steps {
    /// Where it has come to, for a flight that goes on.
    pub fn logbook(&self, system_identifier: Option<u64>, timeline: Option<u32>) -> Logbook {
        // A flight that was cut off while it still read its predecessor's logbook knows no more than that one.
        if let (Course::Preparing, Some(before)) = (&self.course, &self.mission.resumed) {
            return Logbook::clone(before);
        }
        let undone = self.job.as_ref().map(|job| job.unit).filter(|unit| unit.way == Way::Undo);
        let undone = undone.map(|unit| unit.step as usize);
        let steps = self.mission.plan.steps.iter().zip(&self.states).enumerate();
        let steps = steps.map(|(number, (step, state))| LoggedStep {
            undoing: undone == Some(number),
            id: step.id.clone(),
            stage: state.stage,
            items_done: match self.logged_before(&step.id) {
                // They have not been found again yet.
                Some(before) if state.items.is_empty() => before.items_done.clone(),
                _ => {
                    let done = state.items.iter().filter(|item| item.stage == Stage::Done);
                    done.map(|item| item.name.clone()).collect()
                }
            },
            parts_done: state.part,
            item: match self.logged_before(&step.id) {
                Some(before) if state.items.is_empty() => before.item.clone(),
                _ => state.items.get(state.item as usize).map(|item| item.name.clone()),
            },
            there_before: state.there_before,
        });
        let open = self.job.as_ref().and_then(|job| match &job.doing {
            Doing::Trying(trying) | Doing::Orphaned { trying, .. } => Some(OpenTry {
                unit: job.unit,
                backend: trying.backend?,
                application: self.mission.application.clone(),
                xid: trying.xid,
            }),
            _ => None,
        });
        Logbook {
            digest: self.mission.plan.digest.clone(),
            system_identifier,
            timeline,
            steps: steps.collect(),
            open,
        }
    }

    /// What the logbook of an earlier part of the flight says of a step.
    pub(super) fn logged_before(&self, id: &str) -> Option<&LoggedStep> {
        self.mission.resumed.as_ref()?.steps.iter().find(|logged| logged.id == id)
    }

    /// What an earlier part of this flight had come to, and what the server says of it. The catalog wins.
    pub(super) fn reconcile(&mut self, sight: &Sight, turn: &mut Turn) {
        self.taken_up = true;
        let Some(logbook) = self.mission.resumed.clone() else {
            self.set_course(Course::Flying, turn);
            return;
        };
        let mut words = Vec::new();
        let mut undoing = None;
        for logged in &logbook.steps {
            let number = self.mission.plan.steps.iter().position(|step| step.id == logged.id);
            let Some(number) = number.and_then(|number| u32::try_from(number).ok()) else { continue };
            let Some(state) = self.states.get_mut(number as usize) else { continue };
            if logged.undoing && logbook.open.is_none() {
                let why = "its undo was under way when the log ended";
                undoing = Some(format!("step {}: {why}: undo it again, or resume to fly it", logged.id));
                self.enter(sight.at, number, Stage::Stopped, why, turn);
            } else if logged.stage.is_behind() {
                self.enter(sight.at, number, logged.stage, "in an earlier part of this flight", turn);
            } else if logged.stage != Stage::Ready {
                state.part = logged.parts_done;
                state.there_before = logged.there_before;
                words.push(format!("step {} was {}", logged.id, logged.stage.word()));
            }
        }
        let text = match words.is_empty() {
            true => "resumed: no step was under way when the log ended".to_owned(),
            false => format!("resumed: when the log ended {}", words.join(", ")),
        };
        turn.events.push(Event::Note { warning: false, text });
        let mut held = None;
        if let (Some(then), Some(now)) = (logbook.timeline, sight.timeline)
            && then != now
        {
            let done = logbook.steps.iter().filter(|logged| logged.stage == Stage::Done);
            let done: Vec<&str> = done.map(|logged| logged.id.as_str()).collect();
            let steps = if done.is_empty() { "no step".to_owned() } else { done.join(", ") };
            let text = format!(
                "the cluster was failed over since: its timeline is {now}, it was {then}; what was committed last may be \
                 gone, and done by the log is {steps}: look whether it is there"
            );
            turn.events.push(Event::Note { warning: true, text });
            // Whoever is there looks first.
            held = (!self.mission.unattended).then(|| "the cluster was failed over".to_owned());
        }
        for logged in logbook.steps.iter().filter(|logged| logged.stage == Stage::Running) {
            let step = self.mission.plan.steps.iter().find(|step| step.id == logged.id);
            if let Some(Work::Program { program, .. }) = step.map(|step| &step.work) {
                let text = format!(
                    "step {}: {program} was running when the log ended; whether it had ended is not known: it is run \
                     again",
                    logged.id
                );
                turn.events.push(Event::Note { warning: true, text });
            }
        }
        if let Some(why) = undoing {
            if self.mission.unattended {
                self.halt(Ending::Failed, why, turn);
                return;
            }
            held = Some(why);
        }
        self.set_course(held.map_or(Course::Flying, |why| Course::Held { why }), turn);
        let Some(open) = logbook.open else {
            self.doubt(sight.at, &logbook.steps);
            return;
        };
        self.adopt(sight, &open, turn);
    }

    /// The step that had been begun is looked for in the catalog before it is begun again.
    fn doubt(&mut self, at: At, logged: &[LoggedStep]) {
        let begun = logged.iter().find(|it| !it.stage.is_behind() && it.stage != Stage::Ready);
        let number = begun.and_then(|it| self.mission.plan.steps.iter().position(|step| step.id == it.id));
        let Some(number) = number.and_then(|number| u32::try_from(number).ok()) else { return };
        if let Some(state) = self.states.get_mut(number as usize) {
            state.began.get_or_insert(at);
        }
    }

    /// A statement that an earlier part of the flight had sent, and whose end the log does not tell.
    pub(super) fn adopt(&mut self, sight: &Sight, open: &OpenTry, turn: &mut Turn) {
        let Some(Work::Sql { for_each, .. }) = self.step(open.unit.step).map(|step| &step.work) else {
            return;
        };
        let has_items = for_each.is_some() && open.unit.way == Way::Do;
        let text =
            format!("resumed: pid {} was at work when the log ended; the server is asked", open.backend.pid);
        turn.events.push(Event::Note { warning: true, text });
        if has_items {
            let adopts = Some(Box::new(open.clone()));
            let job = Job { in_doubt: true, adopts, doing: Doing::Items, ..Job::new(open.unit, Then::Begin) };
            self.job = Some(job);
            let step = open.unit.step;
            self.enter(sight.at, step, Stage::Running, "its items are found again", turn);
            Steps::order(turn, Order::Items { step });
        } else {
            self.watch_adopted(sight, open, turn);
        }
    }

    /// Asks what became of a statement of an earlier part of the flight. Its item is the one at hand.
    pub(super) fn watch_adopted(&mut self, sight: &Sight, open: &OpenTry, turn: &mut Turn) {
        let trying = Trying {
            number: 0,
            backend: Some(open.backend),
            sent: sight.at,
            wait_ms: None,
            locked: Some(sight.at),
            xid: open.xid,
            stop_asked: None,
            stopping: None,
        };
        let orphaned = Doing::Orphaned { trying, asked: false, again: None };
        let item = self.states.get(open.unit.step as usize).map_or(0, |state| state.item);
        let unit = Unit { item, ..open.unit };
        if let Some(state) = self.states.get_mut(unit.step as usize)
            && unit.way == Way::Do
        {
            state.part = unit.part;
            state.began.get_or_insert(sight.at);
        }
        self.job = Some(Job { in_doubt: true, doing: orphaned, ..Job::new(unit, Then::Begin) });
        self.enter(sight.at, open.unit.step, Stage::Running, "its session is looked for", turn);
        self.ask_fate(sight, turn);
    }
}
