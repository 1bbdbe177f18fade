//! From one unit to the next: survey, look, try, verify.
//!
//! Owns the way of a part from its forecast to its check. What follows from an attempt's end is in `ends`.

use super::acquire::{Acquisition, Verdict};
use super::job::{Doing, Job, Stopping, Then, Trying};
use super::{Course, Ending, ItemState, Sight, Stage, Steps, Turn};
use crate::engine::guard::seconds;
use crate::engine::ids::{At, BackendId};
use crate::engine::plan::facts::{Look, Survey};
use crate::engine::plan::forecast::Forecast;
use crate::engine::plan::form::Expect;
use crate::engine::plan::order::{Order, Try, Unit, Way};
use crate::engine::plan::window::Opening;
use crate::engine::plan::{HookEvent, Part, Work};
use crate::engine::sample::Fact;

/// How long another tool's lock is waited for before it is looked at again, in milliseconds.
const TOOL_AGAIN_MS: u64 = 2_000;
/// How much longer than its own time limit an attempt may take before it is stopped, in milliseconds.
const SLACK_MS: u64 = 250;

impl Steps {
    /// The first step that may begin, begins.
    pub(super) fn next_step(&mut self, sight: &Sight, turn: &mut Turn) {
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
        self.job = Some(Job::new(unit, Then::Begin));
        self.begin(sight, turn);
    }

    /// Where a step begins, or goes on.
    fn first_unit(&self, number: u32) -> Unit {
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

    fn items(&self, number: u32) -> &[ItemState] {
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
        let Some(items) = self.known(sight, items, turn) else { return };
        let done: &[String] = self
            .mission
            .resumed
            .as_ref()
            .and_then(|logbook| {
                let id = &self.mission.plan.steps.get(step as usize)?.id;
                logbook.steps.iter().find(|logged| logged.id == *id)
            })
            .map_or(&[], |logged| &logged.items_done);
        let items: Vec<ItemState> = items
            .iter()
            .map(|name| {
                let (stage, reason) =
                    if done.contains(name) { (Stage::Done, "done before") } else { (Stage::Ready, "") };
                ItemState { name: name.clone(), stage, reason: reason.to_owned() }
            })
            .collect();
        if items.is_empty() {
            self.step_done(sight, step, "there is nothing to be done for", turn);
            return;
        }
        if let Some(state) = self.states.get_mut(step as usize) {
            state.items = items;
        }
        self.next_item(sight, step, turn);
    }

    /// The next item that is neither done nor skipped; the step is done when there is none.
    pub(super) fn next_item(&mut self, sight: &Sight, step: u32, turn: &mut Turn) {
        let next = self.items(step).iter().position(|item| !item.stage.is_behind());
        let Some(next) = next.and_then(|next| u32::try_from(next).ok()) else {
            let many = self.items(step).len();
            self.step_done(sight, step, &format!("{many} items"), turn);
            return;
        };
        if let Some(state) = self.states.get_mut(step as usize) {
            if state.item != next {
                state.part = 0;
            }
            state.item = next;
        }
        let unit = self.first_unit(step);
        if let Some(job) = self.job.as_mut() {
            job.unit = unit;
        }
        self.survey(sight, turn);
    }

    /// What does the catalog say about the part at hand?
    pub(super) fn survey(&mut self, sight: &Sight, turn: &mut Turn) {
        let Some(unit) = self.job.as_ref().map(|job| job.unit) else { return };
        let Some((relations, expects)) = self.wanted(unit) else {
            self.fails(sight, "the plan has no such part".to_owned(), turn);
            return;
        };
        let reason = self.named(unit);
        self.enter(sight.at, unit.step, Stage::Forecast, reason, turn);
        if let Some(state) = self.states.get_mut(unit.step as usize) {
            state.attempts = 0;
            state.looks = 0;
            state.statement = 0;
            (state.look, state.forecast, state.lock_timeout_ms) = (None, None, None);
        }
        if let Some(job) = self.job.as_mut() {
            job.doing = Doing::Surveying;
            job.acquisition = None;
        }
        Steps::order(turn, Order::Survey { unit, relations, expects });
    }

    /// What a unit is, for people, where that is not the step as a whole.
    fn named(&self, unit: Unit) -> String {
        let item = self.items(unit.step).get(unit.item as usize).map(|item| item.name.clone());
        match unit.way {
            Way::Undo => "undo".to_owned(),
            Way::CleanUp => "clean-up".to_owned(),
            Way::Do => item.unwrap_or_default(),
        }
    }

    /// The relations and objects that the catalog is asked about.
    pub(super) fn wanted(&self, unit: Unit) -> Option<(Vec<String>, Vec<Expect>)> {
        if unit.way == Way::CleanUp {
            let offer = self.offers.get(unit.part as usize)?;
            return Some((vec![offer.table(), offer.object()], Vec::new()));
        }
        let part = self.part_of(unit)?;
        let mut relations: Vec<String> = Vec::new();
        let mut expects: Vec<Expect> = Vec::new();
        for statement in &part.statements {
            let named = statement.form.relations().into_iter();
            relations.extend(named.filter(|name| !relations.contains(name)).collect::<Vec<_>>());
            expects.extend(statement.form.expects());
        }
        Some((relations, expects))
    }

    pub(super) fn surveyed(
        &mut self,
        sight: &Sight,
        unit: Unit,
        survey: &Fact<Box<Survey>>,
        turn: &mut Turn,
    ) {
        let Some(job) = &self.job else { return };
        if job.unit != unit {
            return;
        }
        match job.doing.clone() {
            Doing::Surveying => {
                if let Some(survey) = self.known(sight, survey, turn) {
                    self.forecast(sight, unit, survey, turn);
                }
            }
            Doing::Verifying { lost } => {
                if let Some(survey) = self.known(sight, survey, turn) {
                    self.verified(sight, unit, survey, lost, turn);
                }
            }
            Doing::Scanning { after, why } => self.scanned(sight, unit, survey, after, why, turn),
            _ => {}
        }
    }

    fn forecast(&mut self, sight: &Sight, unit: Unit, survey: &Survey, turn: &mut Turn) {
        if let Some(tool) = survey.advisory.iter().find(|lock| lock.tool.is_some()) {
            let name = tool.tool.as_deref().unwrap_or_default();
            let why = format!(
                "{name} holds its lock on this database (pid {} {}): two migrations at once are not flown",
                tool.backend.pid, tool.application
            );
            self.enter(sight.at, unit.step, Stage::Forecast, why, turn);
            self.wait(Some(sight.at.plus_ms(TOOL_AGAIN_MS)), Then::Survey);
            return;
        }
        if self.in_doubt(unit) && self.is_there(survey) {
            let what = "found done in the catalog";
            self.enter(sight.at, unit.step, Stage::Verifying, what, turn);
            self.after_part(sight, unit, turn);
            return;
        }
        if let Err(why) = self.may_begin(unit, survey) {
            self.fails(sight, why, turn);
            return;
        }
        let forecast = match (unit.way, self.part_of(unit)) {
            (Way::CleanUp, _) | (_, None) => match self.offers.get(unit.part as usize) {
                Some(offer) => Forecast::of_clean_up(offer, survey),
                None => return,
            },
            (_, Some(part)) => Forecast::of(&part, survey),
        };
        let strong = forecast.strong;
        let Some(limits) = self.step(unit.step).map(|step| step.acquire.clone()) else { return };
        if let Some(job) = self.job.as_mut() {
            job.left_before.get_or_insert_with(|| survey.leftovers.clone());
            job.note_dead_rows(survey);
            job.acquisition =
                strong.then(|| Acquisition::begin(sight.at, &limits, survey.deadlock_timeout_ms));
        }
        if let Some(state) = self.states.get_mut(unit.step as usize) {
            state.forecast = Some(Box::new(forecast));
        }
        if strong {
            self.look(sight, turn);
        } else {
            self.attempt(sight, None, turn);
        }
    }

    /// Who holds what the part at hand needs?
    pub(super) fn look(&mut self, sight: &Sight, turn: &mut Turn) {
        let Some(unit) = self.job.as_ref().map(|job| job.unit) else { return };
        let Some(state) = self.states.get(unit.step as usize) else { return };
        let Some(forecast) = &state.forecast else { return };
        // A lock that may not be needed is not waited for: the attempt's own time limit bounds it.
        let sure = forecast.locks.iter().filter(|lock| lock.sure);
        let relations: Vec<_> = sure.map(|lock| (lock.relation, lock.mode)).collect();
        if state.stage != Stage::Acquiring {
            self.enter(sight.at, unit.step, Stage::Acquiring, "looks who holds what it needs", turn);
        }
        self.doing(Doing::Looking);
        Steps::order(turn, Order::Look { unit, relations });
    }

    pub(super) fn looked(&mut self, sight: &Sight, unit: Unit, look: &Fact<Look>, turn: &mut Turn) {
        let Some(job) = self.job.as_mut().filter(|job| job.unit == unit && job.doing == Doing::Looking)
        else {
            return;
        };
        let Some(state) = self.states.get_mut(unit.step as usize) else { return };
        let (Some(acquisition), Some(forecast)) = (job.acquisition.as_mut(), &state.forecast) else { return };
        let look = match look {
            Fact::Known(look) => look,
            Fact::Missing(why) => {
                let why = why.clone();
                self.fails(sight, why, turn);
                return;
            }
        };
        let name = |relation| {
            let lock = forecast.locks.iter().find(|lock| lock.relation == relation);
            lock.map_or_else(|| format!("relation {relation}"), |lock| lock.name.clone())
        };
        let verdict = acquisition.looked(sight.at, look, sight.armed, |holder| name(holder.relation));
        let before = state.look.as_ref().and_then(|look| Some(look.1.holders.first()?.backend));
        let first = look.holders.first().map(|holder| holder.backend);
        state.look = Some(Box::new((sight.at, look.clone())));
        match verdict {
            Verdict::Try(wait_ms) => {
                state.looks = 0;
                self.attempt(sight, Some(wait_ms), turn);
            }
            Verdict::Again(at, why) => {
                state.looks += 1;
                let is_news = first != before || state.looks == 1;
                state.reason.clone_from(&why);
                if is_news {
                    state.reason.clear();
                    self.enter(sight.at, unit.step, Stage::Acquiring, why, turn);
                }
                self.wait(Some(at), Then::Look);
            }
            Verdict::GiveUp(why) => self.fails(sight, why, turn),
        }
    }

    /// An attempt, which waits for its locks `wait_ms` at most.
    pub(super) fn attempt(&mut self, sight: &Sight, wait_ms: Option<u64>, turn: &mut Turn) {
        let Some(unit) = self.job.as_ref().map(|job| job.unit) else { return };
        let number = self.next_number;
        self.next_number += 1;
        let (transaction, sql) = match unit.way {
            Way::CleanUp => (false, self.offers.get(unit.part as usize).map(|offer| offer.sql.clone())),
            _ => (self.part_of(unit).is_some_and(|part| part.transaction), None),
        };
        let statement_timeout_ms = self.step(unit.step).and_then(|step| step.statement_timeout_ms);
        let backend = self.runner;
        let Some(state) = self.states.get_mut(unit.step as usize) else { return };
        state.attempts += 1;
        state.lock_timeout_ms = wait_ms;
        state.statement = 0;
        let first = state.forecast.as_ref().map(|forecast| forecast.first.clone()).unwrap_or_default();
        let (attempt, is_alone) = (state.attempts, first.is_empty());
        let order = Try {
            number,
            unit,
            transaction,
            first,
            lock_timeout_ms: wait_ms,
            lock_budget_ms: wait_ms,
            statement_timeout_ms,
            weak: wait_ms.is_none(),
            sql,
        };
        let (stage, reason) = match wait_ms {
            Some(wait_ms) => {
                let until = seconds(wait_ms);
                (Stage::Acquiring, format!("attempt {attempt} asks for its locks, for {until} at most"))
            }
            None if is_alone => (Stage::Running, self.named(unit)),
            None => (Stage::Running, String::new()),
        };
        self.enter(sight.at, unit.step, stage, reason, turn);
        self.doing(Doing::Trying(Trying {
            number,
            backend,
            sent: sight.at,
            wait_ms,
            locked: None,
            xid: None,
            stop_asked: None,
            stopping: None,
        }));
        Steps::order(turn, Order::Try(Box::new(order)));
    }

    /// The attempt under way, if it has this number.
    pub(super) fn trying(&mut self, number: u32) -> Option<&mut Trying> {
        match &mut self.job.as_mut()?.doing {
            Doing::Trying(trying) if trying.number == number => Some(trying),
            _ => None,
        }
    }

    pub(super) fn locked(&mut self, sight: &Sight, number: u32, xid: Option<u32>, turn: &mut Turn) {
        let Some(trying) = self.trying(number) else { return };
        trying.locked = Some(sight.at);
        trying.xid = xid;
        let waited = seconds(sight.at.ms_since(trying.sent));
        let Some(unit) = self.job.as_ref().map(|job| job.unit) else { return };
        self.enter(sight.at, unit.step, Stage::Running, format!("has its locks after {waited}"), turn);
    }

    pub(super) fn through(&mut self, number: u32, statement: u32) {
        if self.trying(number).is_none() {
            return;
        }
        let Some(unit) = self.job.as_ref().map(|job| job.unit) else { return };
        if let Some(state) = self.states.get_mut(unit.step as usize) {
            state.statement = statement + 1;
        }
    }

    /// When an attempt that should have its locks, or have given up, is stopped.
    pub(super) fn attempt_deadline(&self, trying: &Trying) -> Option<At> {
        if trying.locked.is_some() || trying.stopping.is_some() {
            return None;
        }
        // Where locks are not taken first, whether it still waits for them is not known by the runner: the server's
        // own limits end it.
        let forecast = self.states.get(self.job.as_ref()?.unit.step as usize)?.forecast.as_ref()?;
        let takes_first = !forecast.first.is_empty();
        trying.wait_ms.filter(|_| takes_first).map(|wait_ms| trying.sent.plus_ms(wait_ms + SLACK_MS))
    }

    /// What time alone lets go on.
    pub(super) fn watch_the_clock(&mut self, sight: &Sight, turn: &mut Turn) {
        let Some(job) = &self.job else { return };
        match job.doing.clone() {
            Doing::Waiting { until, then } if self.course == Course::Flying => {
                if until.is_some_and(|until| sight.at >= until) {
                    match then {
                        Then::Begin => self.begin(sight, turn),
                        Then::Survey => self.survey(sight, turn),
                        Then::Look => self.look(sight, turn),
                    }
                }
            }
            Doing::Trying(trying) => {
                if self.attempt_deadline(&trying).is_some_and(|due| sight.at >= due) {
                    self.stop_trying(sight.at, Stopping::Budget, turn);
                }
            }
            Doing::Orphaned { again: Some(again), .. } if sight.at >= again => self.ask_fate(turn),
            Doing::Program { since, told_to_end } => self.watch_program(sight, since, told_to_end, turn),
            Doing::Gate(gate) => self.watch_gate(sight, gate, turn),
            _ => {}
        }
    }

    /// Stops the attempt under way, for the reason given; the first reason stays.
    pub(super) fn stop_trying(&mut self, at: At, why: Stopping, turn: &mut Turn) {
        let Some(Job { doing: Doing::Trying(trying), .. }) = self.job.as_mut() else { return };
        if trying.stopping.is_none_or(|before| before == Stopping::Budget) {
            trying.stopping = Some(why);
            trying.stop_asked = Some(at);
            let number = trying.number;
            Steps::order(turn, Order::Stop { number });
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
            }
            if let Some(why) = self.hold_after.take() {
                self.hold(sight, why, turn);
            } else {
                self.survey(sight, turn);
            }
            return;
        }
        match unit.way {
            Way::Do => self.check(sight, 0, turn),
            Way::Undo => self.undone(sight, unit.step, turn),
            Way::CleanUp => self.cleaned(sight, unit, turn),
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
        if let Some(why) = self.hold_after.take() {
            self.hold(sight, why, turn);
        } else {
            self.next_item(sight, step, turn);
        }
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
        self.runner = Some(backend);
        if let Err(why) = same_cluster {
            self.halt(Ending::Lost, why.clone(), turn);
            return;
        }
        // Once begun, who holds the lock may be a session of our own that has not ended yet; which log is written is
        // claimed by one flight alone.
        if let (Err(why), Course::Preparing, None) = (flight_lock, &self.course, &self.mission.resumed) {
            self.halt(Ending::Failed, why.clone(), turn);
            return;
        }
        if self.course == Course::Preparing {
            self.take_up(sight, turn);
        } else if matches!(self.job, Some(Job { doing: Doing::Orphaned { asked: false, .. }, .. })) {
            self.ask_fate(turn);
        } else {
            self.ask_again(sight, turn);
        }
    }
}
