//! What the catalog and the lock table say about the work at hand.
//!
//! Owns the shapes of a [`Survey`] (before and after a step) and of a [`Look`] (before each attempt). Both come from
//! reads that take no lock on user relations. Never judges.

use serde::{Deserialize, Serialize};

use super::form::Expect;
use crate::engine::ids::{BackendId, Oid, ServerTime, Word};
use crate::engine::locks::LockMode;
use crate::engine::sample::{BackendKind, State};

/// What the catalog says about the relations of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// `server_version_num`.
    pub version_num: u32,
    /// `deadlock_timeout`, in milliseconds.
    pub deadlock_timeout_ms: u64,
    /// The relations named, and those that are touched with them.
    pub relations: Vec<Relation>,
    /// Names for which there is no relation.
    pub absent: Vec<String>,
    /// What the expected objects are like.
    pub found: Vec<(Expect, Found)>,
    /// What interrupted work has left in this database.
    pub leftovers: Vec<Leftover>,
    /// Advisory locks that sessions other than lockpit's hold in this database.
    pub advisory: Vec<AdvisoryLock>,
}

impl Survey {
    /// The relation that was written like this.
    pub fn named(&self, written: &str) -> Option<&Relation> {
        self.relations.iter().find(|relation| relation.written.as_deref() == Some(written))
    }
}

/// One relation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// As the plan writes it; `None` for one that is touched through another.
    pub written: Option<String>,
    /// Its number.
    pub oid: Oid,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// `pg_class.relkind`.
    pub kind: char,
    /// Why it is here.
    pub tie: Tie,
    /// Its size in pages of the server, as last estimated.
    pub pages: u64,
    /// Its rows, as last estimated.
    pub rows: Option<u64>,
    /// Its dead rows, as last counted.
    pub dead_rows: Option<u64>,
    /// This login may alter it.
    pub may_alter: bool,
}

/// Why a relation is in a survey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tie {
    /// It is named.
    Named,
    /// The table of an index that is named.
    TableOf(Oid),
    /// A partition, at any depth, of a table.
    PartitionOf(Oid),
    /// The default partition of a table.
    DefaultPartitionOf(Oid),
    /// A table of which another is a partition, right below it.
    ParentOf(Oid),
    /// A foreign key points from it to the other one.
    References(Oid),
    /// A foreign key of the other one points to it.
    ReferencedBy(Oid),
    /// An index of a table.
    IndexOf(Oid),
}

/// What an expected object is like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Found {
    /// It is there and as it should be.
    Good,
    /// It is there, and not as it should be: why, for people.
    Bad(String),
    /// It is not there.
    Absent,
}

/// Something that interrupted work has left.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Leftover {
    /// What it is.
    pub kind: LeftoverKind,
    /// The schema it is in.
    pub schema: String,
    /// The table it belongs to.
    pub table: String,
    /// Its name.
    pub name: String,
    /// The schema of the object, where that is another one than the table's.
    pub object_schema: Option<String>,
}

/// What interrupted work can leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LeftoverKind {
    /// An index that is not valid.
    InvalidIndex,
    /// An index of a partitioned table (`relkind` I) that is not valid: it cannot be dropped CONCURRENTLY.
    InvalidParentIndex,
    /// What an interrupted REINDEX CONCURRENTLY built: `.._ccnew`.
    NewIndex,
    /// What an interrupted REINDEX CONCURRENTLY replaced: `.._ccold`.
    OldIndex,
    /// A partition pending detach: its rows are not seen through the parent.
    PendingDetach,
    /// A constraint that is not validated.
    UnvalidatedConstraint,
    /// A trigger that is to be dropped by the plan and is still there.
    Trigger,
}

/// An advisory lock of another session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvisoryLock {
    /// Whose.
    pub backend: BackendId,
    /// What it calls itself.
    pub application: Word,
    /// Its key, as decimal digits: one number, or two with a comma.
    pub key: String,
    /// The tool that is known to use it, if one is.
    pub tool: Option<String>,
}

/// Who holds locks that conflict with what an attempt wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The server's wall clock while it answered.
    pub server_now: ServerTime,
    /// The server's own time inside the statement, in microseconds.
    pub cost_us: u64,
    /// Conflicting holders, oldest transaction first; the oldest fifty.
    pub holders: Vec<Holder>,
    /// How many there are in all.
    pub in_all: u32,
    /// Sessions that already wait for a lock on one of the relations.
    pub queued: u32,
}

/// One holder of a conflicting lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Who; pid 0 is a prepared transaction.
    pub backend: BackendId,
    /// The name of a prepared transaction.
    pub gid: Option<String>,
    /// What kind of process it is.
    pub kind: BackendKind,
    /// What its client calls itself.
    pub application: Word,
    /// What it is doing.
    pub state: State,
    /// Start of its transaction; unknown where masked, which counts as old.
    pub xact_start: Option<ServerTime>,
    /// The relation.
    pub relation: Oid,
    /// The mode it holds.
    pub mode: LockMode,
    /// It is an autovacuum that prevents wraparound, which yields to nobody.
    pub wraparound: bool,
    /// How far a vacuum is: blocks done and in all.
    pub progress: Option<(u64, u64)>,
}
