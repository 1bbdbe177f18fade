//! What a part of a plan will need and cost, before it runs.
//!
//! Owns what follows from the table of locks (`super::locks`) for the relations of a [`Survey`]. What is not understood
//! is unknown, never harmless.

mod clean_up;
mod draft;

use serde::{Deserialize, Serialize};

use super::facts::Survey;
use super::order::LockFirst;
use super::{Part, Statement};
use crate::engine::derive::cost::outcomes::{self, Outcome, ROLLED_BACK};
use crate::engine::ids::Oid;
use crate::engine::locks::LockMode;
use draft::Draft;

/// What a part will need and cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// The locks it takes on relations that are there already, strongest first; each relation once, with its
    /// strongest mode.
    pub locks: Vec<LockNeed>,
    /// Those that can be taken ahead, by LOCK TABLE, in the order in which they are to be taken, which is the same in
    /// every flight. Only what is certain, on tables that this login may alter.
    pub first: Vec<LockFirst>,
    /// What it does to the data.
    pub data: Vec<DataWork>,
    /// It takes a lock that conflicts with reads or writes, or one that is not known.
    pub strong: bool,
    /// What is not known about it, for people; empty when all is.
    pub unknown: Vec<String>,
    /// What stopping it loses, for people.
    pub stop_loses: String,
    /// What stopping it leaves, for people.
    pub stop_leaves: String,
}

/// A lock that will be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockNeed {
    /// On which relation.
    pub relation: Oid,
    /// Its name, schema included where it is not `public`.
    pub name: String,
    /// How strong.
    pub mode: LockMode,
    /// Why this relation, where it is not named: `references users`, `partition of events`.
    pub why: Option<String>,
    /// It is taken in any case; else only if the statement concerns what ties the two, which it does not say.
    pub sure: bool,
}

/// Work on the data of a relation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataWork {
    /// The relation.
    pub name: String,
    /// What is done.
    pub kind: DataKind,
    /// Its size in bytes, as last estimated.
    pub bytes: u64,
    /// The lock that is held meanwhile.
    pub under: LockMode,
}

/// What is done to data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DataKind {
    /// It is read as a whole.
    Scan,
    /// It is written anew as a whole.
    Rewrite,
    /// An index is built over it.
    Build,
    /// Whether it is read or written is not known.
    Unknown,
}

impl Forecast {
    /// What `part` needs, given what the catalog says.
    pub fn of(part: &Part, survey: &Survey) -> Forecast {
        let draft = Draft::of(part, survey);
        let weak = part.statements.iter().all(|statement| is_weak(&statement.form.kind));
        let strong = !weak && draft.is_strong();
        let (stop_loses, stop_leaves) = stop(part);
        Forecast {
            first: if strong && part.transaction { draft.first(part) } else { Vec::new() },
            data: draft.data_works(),
            locks: draft.locks(),
            strong,
            unknown: draft.unknown(),
            stop_loses,
            stop_leaves,
        }
    }
}

impl Forecast {
    /// What is said in [`Forecast::unknown`] of a relation, as written, that is not there.
    pub fn not_there(relation: &str) -> String {
        format!("there is no relation {relation} now: what it locks is not known")
    }
}

/// Commands that wait for others without being in anybody's way, and must not be cut short.
fn is_weak(kind: &str) -> bool {
    kind.ends_with(" CONCURRENTLY") && kind != "REFRESH MATERIALIZED VIEW CONCURRENTLY"
}

/// What stopping a part loses and leaves. What a transaction has around it is undone with it.
fn stop(part: &Part) -> (String, String) {
    const NOT_KNOWN: &str = "not known";
    let of = |statement: &Statement| outcomes::of(&statement.form.kind);
    let outcomes: Option<Vec<Outcome>> = part.statements.iter().map(of).collect();
    let Some(outcomes) = outcomes else { return (NOT_KNOWN.to_owned(), NOT_KNOWN.to_owned()) };
    let outcome = match outcomes.as_slice() {
        [one] => *one,
        several => {
            let worst = several.iter().find(|outcome| outcome.leaves.starts_with("dead rows"));
            Outcome { leaves: worst.unwrap_or(&ROLLED_BACK).leaves, ..ROLLED_BACK }
        }
    };
    (outcome.loses.to_owned(), outcome.leaves.to_owned())
}

#[cfg(test)]
mod tests;
