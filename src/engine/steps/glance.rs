//! What is being done about the plan now, for whoever shows it.
//!
//! Owns answers only. Never changes anything.

use super::job::{Doing, Trying};
use super::{Offer, Stage, Steps};
use crate::engine::ids::At;
use crate::engine::plan::{PlanStep, Work};

/// What is being done about the step at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glance {
    /// Nothing is at hand.
    Nothing,
    /// It waits: for a window, for another tool, between two looks.
    Waiting {
        /// Until when; unknown where it waits for something else than time.
        until: Option<At>,
    },
    /// The server is being asked: items, catalog, holders, checks, what is left.
    Asking,
    /// An attempt is under way.
    Trying {
        /// When it was sent.
        sent: At,
        /// How long it waits for its locks at most, in milliseconds; for ever when `None`.
        wait_ms: Option<u64>,
        /// When it had them.
        locked: Option<At>,
        /// It has been told to stop.
        stopping: bool,
    },
    /// The session of an attempt was lost, and what became of it is not known yet.
    Lost,
    /// A program runs.
    Program {
        /// Since when.
        since: At,
    },
    /// A gate waits.
    Gate {
        /// A person has yet to answer.
        asks: bool,
    },
}

impl Steps {
    /// What is being done about the step at hand.
    pub fn glance(&self) -> Glance {
        let Some(job) = &self.job else { return Glance::Nothing };
        match &job.doing {
            Doing::Waiting { until, .. } => Glance::Waiting { until: *until },
            Doing::Trying(Trying { sent, wait_ms, locked, stop_asked, .. }) => Glance::Trying {
                sent: *sent,
                wait_ms: *wait_ms,
                locked: *locked,
                stopping: stop_asked.is_some(),
            },
            Doing::Orphaned { .. } => Glance::Lost,
            Doing::Program { since, .. } => Glance::Program { since: *since },
            Doing::Gate(gate) => Glance::Gate { asks: !gate.answered },
            Doing::Items
            | Doing::Surveying
            | Doing::Looking
            | Doing::Verifying { .. }
            | Doing::Checking { .. }
            | Doing::Scanning { .. } => Glance::Asking,
        }
    }

    /// The gate that waits for a person, and its question.
    pub fn question(&self) -> Option<(&PlanStep, &str)> {
        if self.glance() != (Glance::Gate { asks: true }) {
            return None;
        }
        let step = self.step(self.job.as_ref()?.unit.step)?;
        match &step.work {
            Work::Gate(gate) => Some((step, gate.ask.as_deref()?)),
            _ => None,
        }
    }

    /// Why the plan is held once what is under way is through, if it will be.
    pub fn holds_after(&self) -> Option<&str> {
        self.hold_after.as_deref()
    }

    /// The last step that is done, where there is one that can be undone that one.
    pub fn last_done(&self) -> Option<&PlanStep> {
        let steps = self.mission.plan.steps.iter().zip(&self.states);
        let done: Vec<&PlanStep> =
            steps.filter(|(_, state)| state.stage == Stage::Done).map(|(step, _)| step).collect();
        done.iter().rev().find(|step| !step.undo.is_empty()).or(done.last()).copied()
    }

    /// The first clean-up that is offered and has not been run, with its number from 1.
    pub fn next_offer(&self) -> Option<(u32, &Offer)> {
        let open = |offer: &Offer| !matches!(offer.stage, Stage::Done | Stage::Running);
        let place = self.offers.iter().position(open)?;
        Some((u32::try_from(place + 1).ok()?, self.offers.get(place)?))
    }
}
