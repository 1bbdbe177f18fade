//! What the runner is asked, and what it answers.
//!
//! Owns the shapes. An order names what it is about, so that a late answer is not taken for another's: looks and
//! surveys by their [`Unit`], attempts by a number that is unique in the flight.

use serde::{Deserialize, Serialize};

use super::HookEvent;
use super::facts::{Look, Survey};
use super::form::Expect;
use crate::engine::ids::Oid;
use crate::engine::locks::LockMode;
use crate::engine::sample::Fact;

/// The work of one attempt: a part of a step, for one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unit {
    /// Number of the step in the plan.
    pub step: u32,
    /// Number of the item; 0 where there are none.
    pub item: u32,
    /// Number of the part; of a clean-up, which of those offered.
    pub part: u32,
    /// Forward, back, or cleaning up.
    pub way: Way,
}

/// Which statements of a step are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Way {
    /// Its own.
    Do,
    /// Those of its `undo`.
    Undo,
    /// A clean-up that was offered: the order carries it.
    CleanUp,
}

/// What the runner is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// What does the catalog say about this work? Reads that take no lock on user relations.
    Survey {
        /// For what.
        unit: Unit,
        /// Relations, as written.
        relations: Vec<String>,
        /// Objects that are to be there or not.
        expects: Vec<Expect>,
    },
    /// Who holds conflicting locks now? A read that takes no lock on user relations.
    Look {
        /// For what.
        unit: Unit,
        /// Relations, and the mode wanted on each.
        relations: Vec<(Oid, LockMode)>,
    },
    /// Run it.
    Try(Box<Try>),
    /// Stop this attempt, if it is still the one under way.
    Stop {
        /// Its number.
        number: u32,
    },
    /// Ask a query of the plan.
    Ask {
        /// Which.
        ask: Ask,
    },
    /// Find the items of a step.
    Items {
        /// The step.
        step: u32,
    },
    /// Run the program of a step.
    Program {
        /// The step.
        step: u32,
    },
    /// End the program of a step.
    EndProgram {
        /// The step.
        step: u32,
    },
    /// What became of an attempt whose session was lost?
    Fate {
        /// The attempt.
        number: u32,
        /// The session that ran it.
        backend: crate::engine::ids::BackendId,
        /// What that session called itself.
        application: String,
        /// Its transaction id, if it was told.
        xid: Option<u32>,
    },
    /// Tell the programs that want to know.
    Hook {
        /// What happened.
        event: HookEvent,
        /// The step it is about, if any.
        step: Option<u32>,
        /// In words.
        reason: String,
    },
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// Unique in the flight.
    pub number: u32,
    /// What.
    pub unit: Unit,
    /// In one transaction.
    pub transaction: bool,
    /// Locks to be taken first, and alone, in this order.
    pub first: Vec<LockFirst>,
    /// How long it may wait for any one lock, in milliseconds; without limit when `None`.
    pub lock_timeout_ms: Option<u64>,
    /// How long taking all of `first` may last, in milliseconds; without limit when `None`.
    pub lock_budget_ms: Option<u64>,
    /// How long one statement may run, in milliseconds; without limit when `None`.
    pub statement_timeout_ms: Option<u64>,
    /// Nobody reads or writes less because of it, so that it may outlive lockpit.
    pub weak: bool,
    /// The statement of a clean-up; else those of the unit are run.
    pub sql: Option<String>,
}

/// A lock to be taken before the statements that need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockFirst {
    /// The relation as LOCK TABLE takes it: quoted where needed, schema included, with ONLY before it, since every
    /// partition that is to be locked is named by itself.
    pub name: String,
    /// How strong.
    pub mode: LockMode,
}

/// A query of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Ask {
    /// The check of a gate.
    Gate {
        /// The step.
        step: u32,
    },
    /// A check after a step.
    Check {
        /// The step.
        step: u32,
        /// Which of its checks.
        check: u32,
    },
    /// An invariant.
    Invariant {
        /// Which.
        invariant: u32,
    },
}

/// What the runner answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    /// Its session is open, for the first time or again: who it is.
    Session {
        /// The session.
        backend: crate::engine::ids::BackendId,
        /// The cluster is the one the flight began on, and not a standby; else why it is not.
        same_cluster: Result<(), String>,
        /// The flight's lock on this database is held; else who holds it.
        flight_lock: Result<(), String>,
    },
    /// To [`Order::Survey`].
    Surveyed {
        /// For what.
        unit: Unit,
        /// The facts.
        survey: Fact<Box<Survey>>,
    },
    /// To [`Order::Look`].
    Looked {
        /// For what.
        unit: Unit,
        /// The facts.
        look: Fact<Look>,
    },
    /// An attempt has the locks that it takes first.
    Locked {
        /// Its number.
        number: u32,
        /// The transaction id it was given.
        xid: Option<u32>,
    },
    /// A statement of an attempt is through.
    Through {
        /// Its number.
        number: u32,
        /// Which statement, from 0.
        statement: u32,
        /// How long it took, in microseconds.
        took_us: u64,
    },
    /// An attempt is over.
    Tried {
        /// Its number.
        number: u32,
        /// How it ended.
        end: TryEnd,
        /// How long it took, in microseconds.
        took_us: u64,
    },
    /// To [`Order::Ask`].
    Asked {
        /// Which.
        ask: Ask,
        /// What it says.
        answer: Fact<Answer>,
    },
    /// To [`Order::Items`]: their names, as they stand in SQL, or why there are none.
    Items {
        /// The step.
        step: u32,
        /// The items.
        items: Fact<Vec<String>>,
    },
    /// The program of a step is over.
    Program {
        /// The step.
        step: u32,
        /// How it ended: its exit code, or why there is none.
        end: Fact<i32>,
        /// The last lines it wrote.
        output: String,
    },
    /// To [`Order::Fate`].
    Fate {
        /// The attempt.
        number: u32,
        /// What became of it.
        fate: TryFate,
    },
    /// A hook did not do what it should.
    HookFailed {
        /// Of what it was told.
        event: HookEvent,
        /// Its program.
        program: String,
        /// Why, for people.
        why: String,
    },
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TryEnd {
    /// Every statement is through, and committed.
    Done,
    /// The server refused.
    Failed(ServerError),
    /// The session was lost: what became of it is not known.
    Lost(String),
    /// It could not be begun: nothing was sent.
    NotBegun(String),
}

/// What the server said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerError {
    /// SQLSTATE.
    pub code: String,
    /// Its message, in one line.
    pub message: String,
    /// The statement that failed, from 0; `None` while locks were taken.
    pub statement: Option<u32>,
}

/// What a query of the plan says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Yes.
    pub holds: bool,
    /// What it said, for people.
    pub said: String,
}

/// What became of an attempt whose session was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TryFate {
    /// Its session still runs it.
    Running,
    /// Its transaction committed.
    Committed,
    /// Its transaction was rolled back.
    RolledBack,
    /// Its session is gone; it ran outside a transaction, or its transaction is not known.
    Gone,
    /// It could not be told.
    Unknown(String),
}
