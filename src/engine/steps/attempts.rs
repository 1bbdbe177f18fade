//! What a part goes through: survey, forecast, look, try.
//!
//! Owns the way of a part from its forecast to the attempt's last statement. What follows from an attempt's end is in
//! `ends`.

use super::acquire::{Acquisition, Verdict};
use super::job::{Doing, Job, Stopping, Then, Trying};
use super::{Sight, Stage, Steps, Turn, at_hand};
use crate::engine::guard::seconds;
use crate::engine::ids::At;
use crate::engine::plan::facts::{Look, Survey};
use crate::engine::plan::forecast::Forecast;
use crate::engine::plan::form::Expect;
use crate::engine::plan::order::{Order, Try, Unit, Way};
use crate::engine::sample::Fact;

/// How long another tool's lock is waited for before it is looked at again, in milliseconds.
const TOOL_AGAIN_MS: u64 = 2_000;
/// How long facts are waited for before it is looked again, in milliseconds.
const BLIND_AGAIN_MS: u64 = 250;
/// How much longer than its own time limit an attempt may take before it is stopped, in milliseconds.
pub(super) const SLACK_MS: u64 = 250;

impl Steps {
    /// What does the catalog say about the part at hand?
    pub(super) fn survey(&mut self, sight: &Sight, turn: &mut Turn) {
        let Some(unit) = self.job.as_ref().map(|job| job.unit) else { return };
        let Some((relations, expects)) = self.wanted(unit) else {
            self.fails(sight, "the plan has no such part".to_owned(), turn);
            return;
        };
        let reason = self.named(unit);
        self.enter(sight.at, unit.step, Stage::Forecast, reason, turn);
        if let Some(state) = at_hand(&mut self.states, &mut self.aside, unit) {
            state.looks = 0;
            state.statement = 0;
            (state.look, state.forecast, state.lock_timeout_ms) = (None, None, None);
        }
        if let Some(job) = self.job.as_mut() {
            job.doing = Doing::Surveying;
        }
        Steps::order(turn, Order::Survey { unit, relations, expects });
    }

    /// Another part comes to hand: what was tried before does not count for it.
    pub(super) fn fresh(&mut self) {
        let Some(job) = self.job.as_mut() else { return };
        job.acquisition = None;
        (job.lost, job.unanswered, job.unbegun) = (0, 0, 0);
        if let Some(state) = at_hand(&mut self.states, &mut self.aside, job.unit) {
            state.attempts = 0;
        }
    }

    /// What a unit is, for people, where that is not the step as a whole.
    pub(super) fn named(&self, unit: Unit) -> String {
        let item = self.items(unit.step).get(unit.item as usize).map(|item| item.name.clone());
        match unit.way {
            Way::Undo => "undo".to_owned(),
            Way::CleanUp => String::new(),
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
        for statement in &part.statements {
            let named = statement.form.relations().into_iter();
            relations.extend(named.filter(|name| !relations.contains(name)).collect::<Vec<_>>());
        }
        Some((relations, part.expects()))
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

    pub(super) fn forecast(&mut self, sight: &Sight, unit: Unit, survey: &Survey, turn: &mut Turn) {
        if let Some(tool) = survey.advisory.iter().find(|lock| lock.tool.is_some()) {
            let name = tool.tool.as_deref().unwrap_or_default();
            let why = format!(
                "{name} holds its lock on this database (pid {} {}): two migrations at once are not flown",
                tool.backend.pid, tool.application
            );
            let since = self.job.as_mut().map_or(sight.at, |job| *job.tool_since.get_or_insert(sight.at));
            let most_ms = self.step(unit.step).map_or(0, |step| step.acquire.within_ms);
            if self.mission.unattended && sight.at.ms_since(since) >= most_ms {
                self.fails(sight, why, turn);
                return;
            }
            self.enter(sight.at, unit.step, Stage::Forecast, why, turn);
            self.wait(Some(sight.at.plus_ms(TOOL_AGAIN_MS)), Then::Survey);
            return;
        }
        if let Some(job) = self.job.as_mut() {
            job.tool_since = None;
        }
        if self.in_doubt(unit) && self.is_there(survey) && !self.was_there(unit) {
            let what = "found done in the catalog";
            self.enter(sight.at, unit.step, Stage::Verifying, what, turn);
            self.after_part(sight, unit, turn);
            return;
        }
        self.tell_advisory(survey, turn);
        if !self.in_doubt(unit)
            && unit.way == Way::Do
            && let there_before = self.is_there(survey)
            && let Some(state) = self.states.get_mut(unit.step as usize)
        {
            state.there_before = there_before;
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
            // Its limits count over all its surveys.
            let begun = job.acquisition.take();
            let begin = || Acquisition::begin(sight.at, &limits, survey.deadlock_timeout_ms);
            job.acquisition = strong.then(|| begun.unwrap_or_else(begin));
        }
        if let Some(state) = at_hand(&mut self.states, &mut self.aside, unit) {
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
        let Some(state) = self.hand(unit) else { return };
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
        let Some(state) = at_hand(&mut self.states, &mut self.aside, unit) else { return };
        let (Some(acquisition), Some(forecast)) = (job.acquisition.as_mut(), &state.forecast) else { return };
        let look = match look {
            Fact::Known(look) => look,
            Fact::Missing(why) => {
                match acquisition.unseen(sight.at, why) {
                    Verdict::Again(at, why) => {
                        state.looks += 1;
                        self.enter(sight.at, unit.step, Stage::Acquiring, why, turn);
                        self.wait(Some(at), Then::Look);
                    }
                    Verdict::GiveUp(why) => self.fails(sight, why, turn),
                    Verdict::Try(_) => {}
                }
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
            Verdict::Try(_) if sight.blind.is_some() => {
                // Nobody would see whom it hurts.
                let why = sight.blind.clone().unwrap_or_default();
                self.enter(sight.at, unit.step, Stage::Acquiring, format!("blind: {why}"), turn);
                self.wait(Some(sight.at.plus_ms(BLIND_AGAIN_MS)), Then::Look);
            }
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
        if sight.leaving {
            self.wait(None, Then::Begin);
            return;
        }
        let Some(unit) = self.job.as_ref().map(|job| job.unit) else { return };
        let number = self.next_number;
        self.next_number += 1;
        let (transaction, sql) = match unit.way {
            Way::CleanUp => (false, self.offers.get(unit.part as usize).map(|offer| offer.sql.clone())),
            _ => (self.part_of(unit).is_some_and(|part| part.transaction), None),
        };
        let statement_timeout_ms = self.step(unit.step).and_then(|step| step.statement_timeout_ms);
        let backend = self.runner;
        let Some(state) = at_hand(&mut self.states, &mut self.aside, unit) else { return };
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
        if let Some(state) = at_hand(&mut self.states, &mut self.aside, unit) {
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
        let forecast = self.hand(self.job.as_ref()?.unit)?.forecast.as_ref()?;
        let takes_first = !forecast.first.is_empty();
        trying.wait_ms.filter(|_| takes_first).map(|wait_ms| trying.sent.plus_ms(wait_ms + SLACK_MS))
    }

    /// Stops the attempt under way, for the reason given; the one that says more about the plan stays.
    pub(super) fn stop_trying(&mut self, at: At, why: Stopping, turn: &mut Turn) {
        let Some(Job { doing: Doing::Trying(trying), .. }) = self.job.as_mut() else { return };
        let is_asked = trying.stopping.is_some_and(|before| before != Stopping::Budget);
        if is_asked {
            if why == Stopping::Abort {
                trying.stopping = Some(why);
            }
        } else {
            trying.stopping = Some(why);
            trying.stop_asked = Some(at);
            let number = trying.number;
            Steps::order(turn, Order::Stop { number });
        }
    }
}
