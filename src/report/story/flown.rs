//! The plan of a flight, and what became of it.

use schemars::JsonSchema;
use serde::Serialize;

/// The plan that was flown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FlownPlan {
    /// Its name.
    pub name: String,
    /// Its version, as its author counts.
    pub version: Option<String>,
    /// Whose it is.
    pub owner: Option<String>,
    /// SHA-256 of its text and of the values of its variables, in hexadecimal.
    pub digest: String,
    /// The flight went on where an earlier one had been cut off.
    pub is_resumed: bool,
    /// How it ended: `complete`, `aborted`, `tripped`, `failed` or `lost`; `held` or `halted` when it waited for a person
    /// at the end of the log, `in_the_air` when it was at work then.
    pub ending: String,
    /// The same, for people.
    pub sentence: String,
    /// Its steps, in the order in which they run.
    pub steps: Vec<FlownStep>,
    /// Gates that were opened, in order.
    pub gates: Vec<OpenedGate>,
    /// Clean-ups that were offered, in order.
    pub clean_ups: Vec<OfferedCleanUp>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FlownStep {
    /// Its number in the plan, from 1.
    pub number: u32,
    /// Its name.
    pub id: String,
    /// `expand`, `migrate`, `backfill` or `contract`; `null` where the plan does not say.
    pub phase: Option<String>,
    /// What it does, without literals.
    pub what: String,
    /// Where it was at the end: `ready`, `done`, `failed`, `skipped`, ...
    pub stage: String,
    /// Why, for people; may be empty.
    pub reason: String,
    /// When it was begun; `null` when it was not, in this log.
    pub began_ms: Option<u64>,
    /// When it was over; `null` when that is not in the log.
    pub ended_ms: Option<u64>,
    /// Attempts in all.
    pub attempts: u32,
    /// Items that are done, and how many there are; `null` for a step that has none.
    pub items: Option<Items>,
    /// Whom it waited for longest, for people; `null` when nobody was seen in its way.
    pub waited_for: Option<String>,
    /// For how long, in milliseconds, as far as looks and samples show.
    pub waited_ms: Option<u64>,
}

/// Items of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Items {
    /// Done.
    pub done: u64,
    /// In all.
    pub all: u64,
}

/// A gate that was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OpenedGate {
    /// The step.
    pub id: String,
    /// When.
    pub at_ms: u64,
    /// By whom: the operator, with the account of the system, the host and the role of the login; or the command line.
    pub by: String,
}

/// A clean-up that was offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OfferedCleanUp {
    /// When.
    pub at_ms: u64,
    /// What is left, for people.
    pub sentence: String,
    /// The statement that cleans it up.
    pub sql: String,
    /// Rows are not seen because of what is left.
    pub hides_rows: bool,
    /// `ready` while it was only offered, `running`, `done` or `failed`.
    pub stage: String,
}
