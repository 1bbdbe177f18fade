//! From one unit to the next.
//!
//! Owns which step, item and part is at hand, and when each may begin. What a part goes through is in `attempts`, what
//! follows from an attempt's end in `ends`.

use super::job::{Doing, Job, Stopping, Then};
use super::{Course, Ending, ItemState, Sight, Stage, Steps, Turn};
use crate::engine::guard::seconds;
use crate::engine::ids::{At, BackendId};
use crate::engine::plan::order::{Order, Unit, Way};
use crate::engine::plan::window::Opening;
use crate::engine::plan::{HookEvent, Part, Work};
use crate::engine::sample::Fact;

impl Steps {
    /// The first step that may begin, begins.
    pub(super) fn next_step(&mut self, sight: &Sight, turn: &mut Turn) {
        if let Some((ending, why)) = self.halt_after.take() {
            self.halt(ending, why, turn);
            return;
        }
        let Some(number) = self.states.iter().position(|state| !state.stage.is_behind()) else {
            self.all_done(sight, turn);
            return;
        };
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        if let Some(why) = self.hold_after.take() {
            self.enter(sight.at, number, Stage::Paused, why.clone(), turn);
            self.set_course(Course::Held { why }, turn);
            return;
        }
        let unit = self.first_unit(number);
        let in_doubt = self.states.get(number as usize).is_some_and(|state| state.began.is_some());
        self.job = Some(Job { in_doubt, ..Job::new(unit, Then::Begin) });
        self.fresh();
        self.begin(sight, turn);
    }

    /// Where a step begins, or goes on.
    pub(super) fn first_unit(&self, number: u32) -> Unit {
        let state = self.states.get(number as usize);
        let (item, part) = state.map_or((0, 0), |state| (state.item, state.part));
        Unit { step: number, item, part, way: Way::Do }
    }

    /// The step at hand begins, as soon as the calendar and the facts allow it.
    pub(super) fn begin(&mut self, sight: &Sight, turn: &mut Turn) {
        let Some(unit) = self.job.as_ref().map(|job| job.unit) else { return };
        if let Some(why) = &sight.blind {
            // The next input that brings facts comes by here again.
            self.enter(sight.at, unit.step, Stage::Ready, format!("blind: {why}"), turn);
            self.wait(Some(sight.at.plus_ms(1_000)), Then::Begin);
            return;
        }
        let (why, opens) = match self.mission.plan.opening(sight.utc_us) {
            Opening::Open { .. } => (None, None),
            Opening::Closed { opens_utc_us } => (Some("no window is open".to_owned()), opens_utc_us),
            Opening::Frozen { freeze, opens_utc_us } => {
                (Some(format!("freeze: {}", freeze.name)), opens_utc_us)
            }
        };
        if let Some(why) = why {
            if opens.is_none() && self.mission.unattended {
                let why = format!("{why}, when one opens is not known, and nobody is there to wait for it");
                self.fails(sight, why, turn);
                return;
            }
            let wait_us = opens.map(|opens| u64::try_from(opens.saturating_sub(sight.utc_us)).unwrap_or(0));
            let words = wait_us.map_or("when one opens is not known".to_owned(), |us| {
                format!("it may start in {}", seconds(us / 1_000))
            });
            self.enter(sight.at, unit.step, Stage::Ready, format!("{why}; {words}"), turn);
            self.wait(wait_us.map(|us| At(sight.at.0.saturating_add(us))), Then::Begin);
            return;
        }
        let Some(step) = self.step(unit.step).cloned() else { return };
        if let Some(state) = self.states.get_mut(unit.step as usize)
            && state.began.is_none()
        {
            state.began = Some(sight.at);
            self.hook(HookEvent::Started, Some(unit.step), &step.id, turn);
        }
        if let Some(job) = self.job.as_mut() {
            job.health.get_or_insert(sight.health);
        }
        match &step.work {
            Work::Sql { for_each: Some(items), .. } if self.items(unit.step).is_empty() => {
                self.enter(sight.at, unit.step, Stage::Forecast, format!("finding {items}"), turn);
                self.doing(Doing::Items);
                Steps::order(turn, Order::Items { step: unit.step });
            }
            Work::Sql { for_each: Some(_), .. } => self.next_item(sight, unit.step, turn),
            Work::Sql { .. } => self.survey(sight, turn),
            Work::Gate(gate) => self.open_gate(sight, unit.step, gate, turn),
            Work::Program { program, .. } => {
                self.enter(sight.at, unit.step, Stage::Running, format!("{program} runs"), turn);
                self.doing(Doing::Program { since: sight.at, told_to_end: false });
                Steps::order(turn, Order::Program { step: unit.step });
            }
            Work::Backfill { table } => {
                let why = format!("this release cannot fill {table}: backfills are not flown yet");
                self.fails(sight, why, turn);
            }
        }
    }

    pub(super) fn items(&self, number: u32) -> &[ItemState] {
        self.states.get(number as usize).map_or(&[], |state| &state.items)
    }

    pub(super) fn doing(&mut self, doing: Doing) {
        if let Some(job) = self.job.as_mut() {
            job.doing = doing;
        }
    }

    pub(super) fn items_found(
        &mut self,
        sight: &Sight,
        step: u32,
        items: &Fact<Vec<String>>,
        turn: &mut Turn,
    ) {
        let Some(job) = &self.job else { return };
        if job.doing != Doing::Items || job.unit.step != step {
            return;
        }
        let adopts = job.adopts.is_some();
        let Some(items) = self.known(sight, items, turn) else { return };
        let before = self.step(step).and_then(|step| self.logged_before(&step.id));
        let done: &[String] = before.map_or(&[], |logged| &logged.items_done);
        let at_hand = before.and_then(|logged| logged.item.clone());
        let mut items: Vec<ItemState> = items
            .iter()
            .map(|name| {
                let (stage, reason) =
                    if done.contains(name) { (Stage::Done, "done before") } else { (Stage::Ready, "") };
                ItemState { name: name.clone(), stage, reason: reason.to_owned() }
            })
            .collect();
        let mut place = at_hand.as_ref().and_then(|name| items.iter().position(|item| item.name == *name));
        // The query may not find any more what is at work.
        if let (None, Some(name), true) = (place, at_hand, adopts) {
            place = Some(items.len());
            items.push(ItemState { name, stage: Stage::Ready, reason: String::new() });
        }
        if items.is_empty() {
            self.step_done(sight, step, "there is nothing to be done for", turn);
            return;
        }
        if let Some(state) = self.states.get_mut(step as usize) {
            state.items = items;
            match place.and_then(|place| u32::try_from(place).ok()) {
                Some(place) => state.item = place,
                None => state.part = 0,
            }
        }
        if let Some(open) = self.job.as_mut().and_then(|job| job.adopts.take()) {
            self.watch_adopted(sight, &open, turn);
            return;
        }
        self.next_item(sight, step, turn);
    }

    /// The next item that is neither done nor skipped; the step is done when there is none.
    pub(super) fn next_item(&mut self, sight: &Sight, step: u32, turn: &mut Turn) {
        let next = self.items(step).iter().position(|item| !item.stage.is_behind());
        let Some(next) = next.and_then(|next| u32::try_from(next).ok()) else {
            let many = self.items(step).len();
            let skipped = self.items(step).iter().filter(|item| item.stage == Stage::Skipped).count();
            let skipped = if skipped == 0 { String::new() } else { format!(", {skipped} skipped") };
            self.step_done(sight, step, &format!("{many} items{skipped}"), turn);
            return;
        };
        if let Some(state) = self.states.get_mut(step as usize) {
            if state.item != next {
                state.part = 0;
                if let Some(job) = self.job.as_mut() {
                    job.in_doubt = false;
                }
            }
            state.item = next;
        }
        let unit = self.first_unit(step);
        if let Some(job) = self.job.as_mut() {
            job.unit = unit;
        }
        self.fresh();
        if !self.stops_here(sight, turn) {
            self.survey(sight, turn);
        }
    }

    /// What time alone lets go on.
    pub(super) fn watch_the_clock(&mut self, sight: &Sight, turn: &mut Turn) {
        if self.given_up_at().is_some_and(|due| sight.at >= due) {
            self.give_up_the_server(sight, turn);
        }
        let Some(job) = &self.job else { return };
        match job.doing.clone() {
            Doing::Waiting { until: Some(until), then } if self.is_at_work() && sight.at >= until => {
                match then {
                    Then::Begin => self.begin(sight, turn),
                    Then::Survey => self.survey(sight, turn),
                    Then::Look => self.look(sight, turn),
                }
            }
            Doing::Trying(trying) if self.attempt_deadline(&trying).is_some_and(|due| sight.at >= due) => {
                self.stop_trying(sight.at, Stopping::Budget, turn);
            }
            Doing::Orphaned { again: Some(again), .. } if sight.at >= again => self.ask_fate(sight, turn),
            Doing::Program { since, told_to_end } => self.watch_program(sight, since, told_to_end, turn),
            Doing::Gate(gate) => self.watch_gate(sight, gate, turn),
            _ => {}
        }
    }

    /// A part is through: the next one, or the check of what all of them made.
    pub(super) fn part_done(&mut self, sight: &Sight, took_us: u64, turn: &mut Turn) {
        let Some(unit) = self.job.as_ref().map(|job| job.unit) else { return };
        let parts = self.parts(unit);
        let is_last = unit.way == Way::CleanUp || unit.part as usize + 1 >= parts.len();
        if let Some(state) = self.states.get_mut(unit.step as usize)
            && unit.way == Way::Do
        {
            state.part = unit.part + u32::from(!is_last);
        }
        let took = seconds(took_us / 1_000);
        self.enter(sight.at, unit.step, Stage::Verifying, format!("through in {took}"), turn);
        let Some((relations, expects)) = self.wanted(unit) else { return };
        self.doing(Doing::Verifying { lost: false });
        Steps::order(turn, Order::Survey { unit, relations, expects });
    }

    pub(super) fn parts(&self, unit: Unit) -> &[Part] {
        let Some(step) = self.step(unit.step) else { return &[] };
        match (unit.way, &step.work) {
            (Way::Do, Work::Sql { parts, .. }) => parts,
            (Way::Undo, _) => &step.undo,
            _ => &[],
        }
    }

    /// What follows a part that is as it should be.
    pub(super) fn after_part(&mut self, sight: &Sight, unit: Unit, turn: &mut Turn) {
        let is_last = unit.part as usize + 1 >= self.parts(unit).len();
        if unit.way != Way::CleanUp && !is_last {
            if let Some(job) = self.job.as_mut() {
                job.unit.part += 1;
                job.in_doubt = false;
            }
            if unit.way == Way::Do
                && let Some(state) = self.states.get_mut(unit.step as usize)
            {
                state.part = unit.part + 1;
            }
            self.fresh();
            if !self.stops_here(sight, turn) {
                self.survey(sight, turn);
            }
            return;
        }
        match unit.way {
            Way::Do => self.check(sight, 0, turn),
            Way::Undo => self.undone(sight, unit.step, turn),
            Way::CleanUp => self.cleaned(unit, turn),
        }
    }

    /// A step, or one item of it, is as it should be.
    pub(super) fn unit_done(&mut self, sight: &Sight, step: u32, turn: &mut Turn) {
        let at_item = self.states.get_mut(step as usize).and_then(|state| {
            let item = state.item as usize;
            state.items.get_mut(item)
        });
        let Some(item) = at_item else {
            self.step_done(sight, step, "", turn);
            return;
        };
        item.stage = Stage::Done;
        let words = format!("{} is done", item.name);
        self.enter(sight.at, step, Stage::Verifying, words, turn);
        self.next_item(sight, step, turn);
    }

    pub(super) fn step_done(&mut self, sight: &Sight, step: u32, what: &str, turn: &mut Turn) {
        let worse = self.worse(sight);
        if let Some(state) = self.states.get_mut(step as usize) {
            state.ended = Some(sight.at);
            state.part = 0;
        }
        let took_ms = self.states.get(step as usize).and_then(|state| state.began);
        let took = took_ms.map_or(String::new(), |began| seconds(sight.at.ms_since(began)));
        let parts = [took, what.to_owned(), worse];
        let reason: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        self.job = None;
        self.enter(sight.at, step, Stage::Done, reason.join("; "), turn);
        self.hook(HookEvent::Done, Some(step), &reason.join("; "), turn);
    }

    /// The session is open, for the first time or again.
    pub(super) fn session(
        &mut self,
        sight: &Sight,
        backend: BackendId,
        same_cluster: &Result<(), String>,
        flight_lock: &Result<(), String>,
        turn: &mut Turn,
    ) {
        (self.runner, self.lost) = (Some(backend), None);
        self.elsewhere = same_cluster.clone().err().or_else(|| self.other_than_before(sight));
        if let Some(why) = self.elsewhere.clone() {
            if self.course.is_over() {
                return;
            }
            self.end_program(turn);
            // What became of an attempt is asked on the cluster that it ran on.
            let orphan = self.job.take_if(|job| matches!(job.doing, Doing::Orphaned { .. }));
            self.halt(Ending::Lost, why, turn);
            self.job = orphan;
            return;
        }
        // Once begun, who holds the lock may be a session of our own that has not ended yet; which log is written is
        // claimed by one flight alone.
        if let (Err(why), Course::Preparing, None) = (flight_lock, &self.course, &self.mission.resumed) {
            self.halt(Ending::Failed, why.clone(), turn);
            return;
        }
        if self.course == Course::Preparing && self.asking.is_none() {
            self.take_up(sight, turn);
        } else if matches!(self.job, Some(Job { doing: Doing::Orphaned { .. }, .. })) {
            self.ask_fate(sight, turn);
        } else {
            self.ask_again(sight, turn);
        }
    }

    /// Why this is not the cluster on which the earlier part of the flight was.
    fn other_than_before(&self, sight: &Sight) -> Option<String> {
        let then = self.mission.resumed.as_ref()?.system_identifier?;
        let now = sight.system_identifier.filter(|now| *now != then)?;
        Some(format!(
            "this is another cluster than the flight began on: its system identifier is {now}, not {then}"
        ))
    }
}
