//! Plans: a migration as the engine knows it.
//!
//! Owns the shapes of a plan, of what its statements need ([`form`], [`forecast`]), of the facts they are weighed by
//! ([`facts`]) and of what the runner is asked and answers ([`order`]). A plan is read and checked at the edge
//! (`crate::plan`), where its SQL stays: the engine sees statements without literals, and orders name a [`order::Unit`].
//! Never runs anything; the life of steps is `super::steps`.

pub mod deed;
mod expects;
pub mod facts;
pub mod forecast;
pub mod form;
pub mod leftover;
mod locks;
pub mod order;
pub mod refusal;
pub mod window;

use serde::{Deserialize, Serialize};

use super::settings::Limits;
use form::Form;

/// What a flight that flies a plan was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mission {
    /// The plan.
    pub plan: Plan,
    /// `application_name` of the session that runs it, which no other flight has.
    pub application: String,
    /// Steps whose gates were approved on the command line, by id.
    pub approved: Vec<String>,
    /// Steps before this one, by number, are not flown.
    pub from: Option<u32>,
    /// Nobody is there to answer: what needs a person ends the flight.
    pub unattended: bool,
    /// Where an earlier part of this flight had come to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed: Option<Box<Logbook>>,
}

/// A migration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// Its version, as its author counts.
    pub version: Option<String>,
    /// Whose it is: free text.
    pub owner: Option<String>,
    /// SHA-256 of its text and of the values of its variables, in hexadecimal.
    pub digest: String,
    /// When steps may start; at any time when `None`. Ascending, as far ahead as could be told at the start.
    pub windows: Option<Vec<Window>>,
    /// When no step may start, whatever the windows say.
    pub freezes: Vec<Freeze>,
    /// What holds before, after, and on resume.
    pub invariants: Vec<Invariant>,
    /// Which programs are told of what happens.
    pub hooks: Vec<Hook>,
    /// The steps, in the order in which they run.
    pub steps: Vec<PlanStep>,
}

/// An interval in which steps may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its begin, microseconds since 1970 UTC.
    pub from_utc_us: i64,
    /// Its end.
    pub to_utc_us: i64,
    /// The most rows a second a backfill may write in it.
    pub rate: Option<u64>,
}

/// An interval in which no step may start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Why, or what it is called.
    pub name: String,
    /// Its begin, microseconds since 1970 UTC.
    pub from_utc_us: i64,
    /// Its end.
    pub to_utc_us: i64,
}

/// Something that a query says always holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invariant {
    /// Its name.
    pub name: String,
    /// The query without literals.
    pub said: String,
}

/// A program that is told of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Of which.
    pub on: Vec<HookEvent>,
    /// The program's name, without its arguments.
    pub program: String,
}

/// What hooks are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookEvent {
    /// A step begins.
    Started,
    /// A step is done.
    Done,
    /// A guardrail tripped.
    Tripped,
    /// The plan was aborted.
    Aborted,
    /// The plan is over.
    Finished,
}

impl HookEvent {
    /// Every event.
    pub const ALL: [HookEvent; 5] =
        [HookEvent::Started, HookEvent::Done, HookEvent::Tripped, HookEvent::Aborted, HookEvent::Finished];

    /// The word for it in plans and in what hooks are told.
    pub fn word(self) -> &'static str {
        match self {
            HookEvent::Started => "started",
            HookEvent::Done => "done",
            HookEvent::Tripped => "tripped",
            HookEvent::Aborted => "aborted",
            HookEvent::Finished => "finished",
        }
    }
}

/// One unit of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStep {
    /// Its name within the plan.
    pub id: String,
    /// What it promises about compatibility.
    pub phase: Option<Phase>,
    /// Steps that must be done before, by number.
    pub after: Vec<u32>,
    /// What it does.
    pub work: Work,
    /// What undoes it.
    pub undo: Vec<Part>,
    /// What is asked once it is through.
    pub checks: Vec<Check>,
    /// How it takes its locks.
    pub acquire: Acquire,
    /// The limits of the guardrails while it is worked on, where it has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// The longest any of its statements may run, in milliseconds, once it has its locks; no limit when `None`.
    pub statement_timeout_ms: Option<u64>,
}

/// The phases of a migration that never breaks its application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Adds what old and new code can live with.
    Expand,
    /// Moves code over.
    Migrate,
    /// Moves data over.
    Backfill,
    /// Removes what only old code needed.
    Contract,
}

impl Phase {
    /// Every phase, in the order in which they follow each other.
    pub const ALL: [Phase; 4] = [Phase::Expand, Phase::Migrate, Phase::Backfill, Phase::Contract];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Expand => "expand",
            Phase::Migrate => "migrate",
            Phase::Backfill => "backfill",
            Phase::Contract => "contract",
        }
    }
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// Statements: once, or once for each item.
    Sql {
        /// Each part is one transaction, or one statement outside any.
        parts: Vec<Part>,
        /// Where the items come from, for people (`partitions of events`); none: it runs once.
        for_each: Option<String>,
    },
    /// Waits for a person, for a query, for a time.
    Gate(Gate),
    /// Runs an external program.
    Program {
        /// Its name, without its arguments.
        program: String,
        /// How long it may run, in milliseconds.
        limit_ms: u64,
    },
    /// Fills a table in batches.
    Backfill {
        /// The table, as written.
        table: String,
    },
}

/// One transaction, or one statement outside any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its statements run in one transaction.
    pub transaction: bool,
    /// At least one; exactly one outside a transaction.
    pub statements: Vec<Statement>,
}

impl Part {
    /// The same for one item: where names stand for it, its own name does.
    #[must_use]
    pub fn for_item(&self, item: &str) -> Part {
        let mut part = self.clone();
        for statement in &mut part.statements {
            statement.form = statement.form.for_item(item);
        }
        part
    }
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Its text without literals.
    pub said: String,
    /// What it is.
    pub form: Form,
    /// The line of the plan's file on which it begins, from 1.
    pub line: u32,
}

/// What a gate waits for: all that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// A question that a person answers by typing the step's name.
    pub ask: Option<String>,
    /// A query that must say yes, without literals.
    pub check: Option<String>,
    /// How often the query is asked, in milliseconds.
    pub every_ms: u64,
    /// How long the gate may stay closed, in milliseconds; for ever when `None`.
    pub limit_ms: Option<u64>,
    /// For how long nothing may trip, in milliseconds.
    pub soak_ms: Option<u64>,
}

/// What is asked after a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// What kind of question.
    pub kind: CheckKind,
}

/// What a check asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckKind {
    /// A query whose only value must be true.
    Holds,
    /// The plan of a query must use this index.
    UsesIndex(String),
    /// No row of the table has null in the column.
    Filled {
        /// The table, as written.
        table: String,
        /// The column, as written.
        column: String,
    },
}

/// How a step takes its locks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acquire {
    /// How long the attempts wait for their locks, shortest first, in milliseconds.
    pub rungs_ms: Vec<u64>,
    /// After these an attempt waits this long, if the guard is armed: the server's `deadlock_timeout` and half a second
    /// when `None`, never when 0.
    pub hold_ms: Option<u64>,
    /// How often is looked, in milliseconds.
    pub look_every_ms: u64,
    /// The most of its time that may be spent waiting in the queue, in percent.
    pub duty_percent: u32,
    /// The most attempts.
    pub attempts: u32,
    /// The longest it is tried, in milliseconds.
    pub within_ms: u64,
}

impl Default for Acquire {
    fn default() -> Acquire {
        Acquire {
            rungs_ms: vec![100, 250, 500],
            hold_ms: None,
            look_every_ms: 100,
            duty_percent: 10,
            attempts: 50,
            within_ms: 30 * 60 * 1_000,
        }
    }
}

/// Where a flight had come to: what its log says, told to the flight that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logbook {
    /// [`Plan::digest`] of the plan it flew.
    pub digest: String,
    /// The cluster it flew on, as far as it was known.
    pub system_identifier: Option<u64>,
    /// Its timeline.
    pub timeline: Option<u32>,
    /// Steps and what became of them, by id.
    pub steps: Vec<LoggedStep>,
    /// What was under way when the log ended.
    pub open: Option<OpenTry>,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedStep {
    /// The step.
    pub id: String,
    /// Its stage.
    pub stage: super::steps::Stage,
    /// The item at hand, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// Items that are done, by name; parts that are done of the item under way are in [`LoggedStep::parts_done`].
    pub items_done: Vec<String>,
    /// Parts of the item at hand that are done.
    pub parts_done: u32,
    /// [`StepState::there_before`](super::steps::StepState::there_before).
    #[serde(default)]
    pub there_before: bool,
    /// It was being undone.
    #[serde(default)]
    pub undoing: bool,
}

/// A try whose end the log does not tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenTry {
    /// What it tried.
    pub unit: order::Unit,
    /// The session that ran it.
    pub backend: super::ids::BackendId,
    /// What that session called itself.
    pub application: String,
    /// Its transaction id, if it was told.
    pub xid: Option<u32>,
}
