//! The work at hand: one unit, and how far it is.
//!
//! Owns what is outstanding, so that an answer to something else is passed over. Decides nothing.

use serde::{Deserialize, Serialize};

use super::acquire::Acquisition;
use crate::engine::ids::{At, BackendId};
use crate::engine::plan::OpenTry;
use crate::engine::plan::facts::{Leftover, Survey, Tie};
use crate::engine::plan::order::Unit;

/// One unit, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) unit: Unit,
    pub(super) doing: Doing,
    /// The locks of the part at hand, once it is known which.
    pub(super) acquisition: Option<Acquisition>,
    /// What was left in the database before the step began.
    pub(super) left_before: Option<Vec<Leftover>>,
    /// What was usual before the step began.
    pub(super) health: Option<Health>,
    /// It had been begun before: the catalog may have it already.
    pub(super) in_doubt: bool,
    /// What an earlier part of the flight had sent, while its items are being found.
    pub(super) adopts: Option<Box<OpenTry>>,
    /// How often its session was lost under it.
    pub(super) lost: u32,
    /// How many questions have gone down with their session.
    pub(super) unanswered: u32,
    /// How often in a row an attempt could not be begun.
    pub(super) unbegun: u32,
    /// Since when it waits for another tool.
    pub(super) tool_since: Option<At>,
}

impl Job {
    /// A unit that is about to begin.
    pub(super) fn new(unit: Unit, then: Then) -> Job {
        Job {
            unit,
            doing: Doing::Waiting { until: None, then },
            acquisition: None,
            left_before: None,
            health: None,
            in_doubt: false,
            adopts: None,
            lost: 0,
            unanswered: 0,
            unbegun: 0,
            tool_since: None,
        }
    }

    /// Remembers the dead rows of the relations named, as they were before the first attempt.
    pub(super) fn note_dead_rows(&mut self, survey: &Survey) {
        if let Some(health) = self.health.as_mut() {
            health.dead_rows = health.dead_rows.or_else(|| dead_rows(survey));
        }
    }
}

/// Dead rows of the relations named; `None` where they are not known of one of them.
pub(super) fn dead_rows(survey: &Survey) -> Option<u64> {
    let named = survey.relations.iter().filter(|relation| relation.tie == Tie::Named);
    named.map(|relation| relation.dead_rows).try_fold(0_u64, |sum, rows| Some(sum.saturating_add(rows?)))
}

/// What is being done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Doing {
    /// Waits for a window, for another tool, between two looks.
    Waiting { until: Option<At>, then: Then },
    /// Its items are being found.
    Items,
    /// The catalog is being asked.
    Surveying,
    /// Somebody looks who holds what it needs.
    Looking,
    /// An attempt is under way.
    Trying(Trying),
    /// The session of an attempt was lost, and what became of it is asked once there is another.
    Orphaned {
        trying: Trying,
        asked: bool,
        /// When to ask again, where it still ran.
        again: Option<At>,
    },
    /// What should be there is being looked for.
    Verifying {
        /// The session of its attempt was lost: what is there tells what became of it.
        lost: bool,
    },
    /// A check of the plan is being asked.
    Checking { check: u32 },
    /// The program runs.
    Program { since: At, told_to_end: bool },
    /// A gate waits.
    Gate(GateState),
    /// It did not work: what is left is being looked for.
    Scanning { after: After, why: String },
}

/// What follows once it is known what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum After {
    /// The plan halts, or is over.
    Halt(super::Ending),
    /// The plan is held.
    Hold,
}

/// What follows a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Then {
    Begin,
    Survey,
    Look,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trying {
    pub(super) number: u32,
    pub(super) backend: Option<BackendId>,
    pub(super) sent: At,
    /// How long it may wait for its locks, in milliseconds; for ever when `None`.
    pub(super) wait_ms: Option<u64>,
    /// When it had them.
    pub(super) locked: Option<At>,
    pub(super) xid: Option<u32>,
    /// When it was to be stopped.
    pub(super) stop_asked: Option<At>,
    /// Whose will ends it, if somebody's does.
    pub(super) stopping: Option<Stopping>,
}

/// Why an attempt is being stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stopping {
    /// It took too long to get its locks.
    Budget,
    /// The plan is held.
    Pause,
    /// The plan is aborted.
    Abort,
}

/// A gate that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GateState {
    pub(super) since: At,
    /// Who opened it; for a gate that asks nobody, nobody.
    pub(super) answered: bool,
    pub(super) check: GateCheck,
    /// Since when everything else is there and nothing has tripped.
    pub(super) soaking: Option<At>,
}

/// The query of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum GateCheck {
    /// It said yes, or there is none.
    Passed,
    /// It is being asked.
    Asked,
    /// It is asked again then; what it said.
    Again(At, String),
}

/// What is compared before and after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Health {
    /// Deadlocks of the database since its statistics were reset.
    pub deadlocks: Option<u64>,
    /// How far the furthest standby is behind, in bytes of WAL; unknown without one.
    pub lag_bytes: Option<u64>,
    /// Dead rows of the relations named, as last counted.
    pub dead_rows: Option<u64>,
}
