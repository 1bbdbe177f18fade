//! Lock modes and lockable objects, in PostgreSQL's own words.
//!
//! Owns what a mode means (strong, weak, whom it conflicts with). Never knows who holds what.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{Oid, Word};

/// A heavyweight lock mode, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LockMode {
    /// Taken by SELECT.
    AccessShareLock,
    /// Taken by SELECT FOR UPDATE and FOR SHARE.
    RowShareLock,
    /// Taken by INSERT, UPDATE, DELETE and MERGE.
    RowExclusiveLock,
    /// Taken by VACUUM, ANALYZE, CREATE INDEX CONCURRENTLY, VALIDATE CONSTRAINT.
    ShareUpdateExclusiveLock,
    /// Taken by CREATE INDEX.
    ShareLock,
    /// Taken by CREATE TRIGGER and ADD FOREIGN KEY.
    ShareRowExclusiveLock,
    /// Taken by REFRESH MATERIALIZED VIEW CONCURRENTLY.
    ExclusiveLock,
    /// Taken by most forms of ALTER TABLE, DROP TABLE, TRUNCATE, VACUUM FULL.
    AccessExclusiveLock,
}

impl LockMode {
    /// Every mode, weakest first.
    pub const ALL: [LockMode; 8] = [
        LockMode::AccessShareLock,
        LockMode::RowShareLock,
        LockMode::RowExclusiveLock,
        LockMode::ShareUpdateExclusiveLock,
        LockMode::ShareLock,
        LockMode::ShareRowExclusiveLock,
        LockMode::ExclusiveLock,
        LockMode::AccessExclusiveLock,
    ];

    /// The name in `pg_locks.mode`.
    pub fn name(self) -> &'static str {
        match self {
            LockMode::AccessShareLock => "AccessShareLock",
            LockMode::RowShareLock => "RowShareLock",
            LockMode::RowExclusiveLock => "RowExclusiveLock",
            LockMode::ShareUpdateExclusiveLock => "ShareUpdateExclusiveLock",
            LockMode::ShareLock => "ShareLock",
            LockMode::ShareRowExclusiveLock => "ShareRowExclusiveLock",
            LockMode::ExclusiveLock => "ExclusiveLock",
            LockMode::AccessExclusiveLock => "AccessExclusiveLock",
        }
    }

    /// The mode called `name` in `pg_locks.mode`, if it is a heavyweight table-level mode.
    pub fn from_name(name: &str) -> Option<LockMode> {
        LockMode::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// Whether the two cannot be held on one relation by two transactions.
    pub fn conflicts_with(self, other: LockMode) -> bool {
        use LockMode::{
            AccessExclusiveLock, AccessShareLock, ExclusiveLock, RowExclusiveLock, RowShareLock, ShareLock,
            ShareRowExclusiveLock, ShareUpdateExclusiveLock,
        };
        let (weaker, stronger) = if self <= other { (self, other) } else { (other, self) };
        match weaker {
            AccessShareLock => stronger == AccessExclusiveLock,
            RowShareLock => stronger >= ExclusiveLock,
            RowExclusiveLock => stronger >= ShareLock,
            // The one mode that conflicts with itself, while the next stronger one does not.
            ShareUpdateExclusiveLock => true,
            ShareLock => stronger != ShareLock,
            ShareRowExclusiveLock | ExclusiveLock | AccessExclusiveLock => true,
        }
    }

    /// Conflicts with ordinary reads or writes (SHARE or stronger).
    pub fn is_strong(self) -> bool {
        self >= LockMode::ShareLock
    }

    /// Marks migration work when held or awaited on a table: SHARE UPDATE EXCLUSIVE or stronger.
    pub fn is_schema_work(self) -> bool {
        self >= LockMode::ShareUpdateExclusiveLock
    }
}

impl fmt::Display for LockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a lock is on. Databases are part of it: relation numbers repeat across them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LockObject {
    /// A table, index, sequence or view as a whole.
    Relation {
        /// Its database; 0 for a shared catalog.
        database: Oid,
        /// Its number in that database.
        relation: Oid,
    },
    /// A part of a relation: its extension, a page, a tuple.
    Part {
        /// Its database.
        database: Oid,
        /// The relation it is part of.
        relation: Oid,
        /// PostgreSQL's word for the part: `extend`, `page`, `tuple`.
        what: Word,
    },
    /// The end of a transaction that has written.
    Transaction {
        /// Its 32-bit transaction id.
        xid: u32,
    },
    /// The end of any transaction, by its virtual id.
    VirtualTransaction {
        /// `procNumber/localXid` as PostgreSQL prints it.
        id: Word,
    },
    /// Anything else, by PostgreSQL's word for it: `advisory`, `object`, `userlock`, ...
    Other {
        /// `pg_locks.locktype`.
        locktype: Word,
        /// Its database; 0 when shared or none.
        database: Oid,
    },
}

impl LockObject {
    /// The relation that is locked as a whole, if that is what this is.
    pub fn relation(&self) -> Option<(Oid, Oid)> {
        match self {
            LockObject::Relation { database, relation } => Some((*database, *relation)),
            _ => None,
        }
    }
}
