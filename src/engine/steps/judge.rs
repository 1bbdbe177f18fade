//! Whether what should be there is there, and what is worse than before.
//!
//! Owns the verdicts on a survey: may a part begin, is it through, is the database as well as it was. Never asks.

use super::job::{Job, dead_rows};
use super::{Sight, Steps, Turn};
use crate::engine::plan::facts::{Found, Leftover, LeftoverKind, Survey};
use crate::engine::plan::order::{Unit, Way};
use crate::engine::plan::refusal::Refusal;
use crate::engine::timeline::Event;

impl Steps {
    /// Whether the unit at hand had been begun by an earlier part of the flight.
    pub(super) fn in_doubt(&self, unit: Unit) -> bool {
        unit.way == Way::Do && self.job.as_ref().is_some_and(|job| job.in_doubt)
    }

    /// Whether all that is expected is there; false where nothing is expected, for then nothing is known.
    pub(super) fn is_there(&self, survey: &Survey) -> bool {
        !survey.found.is_empty() && survey.found.iter().all(|(_, found)| *found == Found::Good)
    }

    /// What is expected was there before the first attempt already, so that it proves nothing.
    pub(super) fn was_there(&self, unit: Unit) -> bool {
        unit.way == Way::Do && self.states.get(unit.step as usize).is_some_and(|state| state.there_before)
    }

    /// Whether the catalog lets a part begin.
    ///
    /// # Errors
    /// Why not, for people.
    pub(super) fn may_begin(&self, unit: Unit, survey: &Survey) -> Result<(), String> {
        if unit.way == Way::CleanUp {
            return Ok(());
        }
        match self.part_of(unit).and_then(|part| Refusal::of(&part, survey)) {
            Some(refusal) => Err(refusal.sentence()),
            None => Ok(()),
        }
    }

    /// A part is through, or its session was lost: is what should be there as it should be?
    pub(super) fn verified(
        &mut self,
        sight: &Sight,
        unit: Unit,
        survey: &Survey,
        lost: bool,
        turn: &mut Turn,
    ) {
        let mut wrong: Vec<String> = survey
            .found
            .iter()
            .filter_map(|(expect, found)| match found {
                Found::Good => None,
                Found::Bad(why) => Some(format!("{}: {why}", expect.named())),
                Found::Absent => Some(format!("{} is missing", expect.named())),
            })
            .collect();
        if !lost {
            wrong.extend(
                self.left(unit, survey).into_iter().map(|left| format!("left behind: {}", left.name)),
            );
        }
        self.note_dead_rows_after(survey);
        let known = !survey.found.is_empty() && !self.was_there(unit);
        if lost && !(known && wrong.is_empty()) {
            let is_whole = self.part_of(unit).is_some_and(|part| part.transaction);
            if is_whole && known {
                let text =
                    "the catalog does not have it, so its transaction was rolled back: it is tried again";
                turn.events.push(Event::Note { warning: true, text: text.to_owned() });
                self.again_after_loss(sight, turn);
            } else if known {
                self.fails(sight, format!("its session was lost: {}", wrong.join("; ")), turn);
            } else {
                let why = "its session was lost, and the catalog cannot tell what became of it: look, then resume or \
                           skip";
                self.fails(sight, why.to_owned(), turn);
            }
            return;
        }
        if wrong.is_empty() {
            self.after_part(sight, unit, turn);
        } else {
            // What it was to make is not there: it is not left out when the step is flown again.
            if unit.way == Way::Do
                && survey.found.iter().any(|(_, found)| *found != Found::Good)
                && let Some(state) = self.states.get_mut(unit.step as usize)
            {
                state.part = unit.part;
            }
            self.fails(sight, format!("it went through, and yet {}", wrong.join("; ")), turn);
        }
    }

    /// What a part has left on its relations that was not there before, except what it was to leave.
    fn left<'a>(&self, unit: Unit, survey: &'a Survey) -> Vec<&'a Leftover> {
        let Some(Job { left_before: Some(before), .. }) = &self.job else { return Vec::new() };
        let is_meant = |left: &Leftover| {
            left.kind == LeftoverKind::UnvalidatedConstraint
                || survey
                    .found
                    .iter()
                    .any(|(expect, found)| *found == Found::Good && expect.is_about(&left.name))
        };
        let on_ours = |left: &Leftover| {
            let mut relations = survey.relations.iter();
            relations.any(|relation| relation.schema == left.schema && relation.name == left.table)
        };
        let fresh = survey.leftovers.iter().filter(|left| !before.contains(left));
        let fresh = fresh.filter(|left| on_ours(left) && !is_meant(left));
        if unit.way == Way::Do { fresh.collect() } else { Vec::new() }
    }

    fn note_dead_rows_after(&mut self, survey: &Survey) {
        let Some(job) = self.job.as_mut() else { return };
        let Some(before) = job.health.and_then(|health| health.dead_rows) else { return };
        let Some(after) = dead_rows(survey) else { return };
        let step = job.unit.step as usize;
        if let Some(state) = self.states.get_mut(step) {
            state.dead_rows_more = Some(after.saturating_sub(before));
        }
    }

    /// What is worse than before the step, for people; empty when nothing is. Latency has no figure of its own yet.
    pub(super) fn worse(&self, sight: &Sight) -> String {
        let Some(Job { health: Some(before), unit, .. }) = &self.job else { return String::new() };
        let mut words = Vec::new();
        if let (Some(before), Some(now)) = (before.deadlocks, sight.health.deadlocks)
            && now > before
        {
            words.push(format!("{} more deadlocks in the database", now - before));
        }
        if let (Some(before), Some(now)) = (before.lag_bytes, sight.health.lag_bytes)
            && now > before.saturating_add(WORSE_LAG_BYTES)
        {
            words.push(format!("a standby is {} MB behind, before {} MB", now >> 20, before >> 20));
        }
        let more = self.states.get(unit.step as usize).and_then(|state| state.dead_rows_more);
        if let Some(more) = more.filter(|more| *more >= WORSE_DEAD_ROWS) {
            words.push(format!("{more} more dead rows: VACUUM"));
        }
        words.join("; ")
    }
}

/// Lag that grew by less is no news, in bytes.
const WORSE_LAG_BYTES: u64 = 16 << 20;
/// Fewer dead rows than these are no news.
const WORSE_DEAD_ROWS: u64 = 10_000;
