//! What a part of a plan will need and cost, before it runs.
//!
//! Owns the table of locks that statements take, which was measured on real servers, and what follows from it for the
//! relations of a [`Survey`]. A statement that is not in the table is unknown, never harmless.

use serde::{Deserialize, Serialize};

use super::Part;
use super::facts::Survey;
use super::order::LockFirst;
use crate::engine::ids::Oid;
use crate::engine::locks::LockMode;
use crate::engine::steps::Offer;

/// What a part will need and cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// The locks it takes on relations that are there already, strongest first; each relation once, with its
    /// strongest mode.
    pub locks: Vec<LockNeed>,
    /// Those that can be taken ahead, by LOCK TABLE, in the order in which they are to be taken.
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
        let kinds: Vec<&str> = part.statements.iter().map(|statement| statement.form.kind.as_str()).collect();
        let locks: Vec<LockNeed> = survey
            .relations
            .iter()
            .map(|relation| LockNeed {
                relation: relation.oid,
                name: format!("{}.{}", relation.schema, relation.name),
                mode: LockMode::AccessExclusiveLock,
                why: None,
            })
            .collect();
        Forecast {
            locks,
            first: Vec::new(),
            data: Vec::new(),
            strong: true,
            unknown: kinds.into_iter().map(str::to_owned).collect(),
            stop_loses: "not known".to_owned(),
            stop_leaves: "not known".to_owned(),
        }
    }

    /// What a clean-up needs.
    pub fn of_clean_up(_offer: &Offer, survey: &Survey) -> Forecast {
        Forecast::of(&Part { transaction: false, statements: Vec::new() }, survey)
    }
}
