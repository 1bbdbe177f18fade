//! What a statement is: its kind, what it does to which objects, and what must hold once it is through.
//!
//! Owns the shapes. They are filled at the edge, where the statement is parsed (`crate::plan::forms`); which locks
//! follow from them says [`super::forecast`], what must hold afterwards `super::expects`.

use serde::{Deserialize, Serialize};

pub use super::deed::{Deed, Detaching, Filling};

/// What stands in a name for the item at hand.
pub const ITEM: &str = "${item}";

/// One statement, understood as far as its grammar goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// PostgreSQL's name of the command: `ALTER TABLE`, `CREATE INDEX CONCURRENTLY`.
    pub kind: String,
    /// What it does, one entry for each action and relation; empty where it is not understood.
    pub acts: Vec<Act>,
    /// Why it cannot run inside a transaction, if it cannot.
    pub alone: Option<String>,
}

/// One action of a statement on one relation. Names are as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// What is done.
    pub deed: Deed,
    /// The relation it is done to; empty where it is done to none.
    pub relation: String,
    /// What of the relation: the column, constraint, index, trigger, or the other relation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The new name, where it is renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed: Option<String>,
    /// Nothing happens where the relation is not there (IF EXISTS), or is there already (IF NOT EXISTS).
    #[serde(default)]
    pub optional: bool,
    /// ONLY: its partitions are left alone.
    #[serde(default)]
    pub only: bool,
}

impl Act {
    /// `deed`, done to `relation`.
    pub fn new(deed: Deed, relation: impl Into<String>) -> Act {
        Act { deed, relation: relation.into(), object: None, renamed: None, optional: false, only: false }
    }

    /// The same, about `object`.
    pub fn about(self, object: Option<String>) -> Act {
        Act { object, ..self }
    }
}

/// An object that is to be there, or not, once a statement is through. Names are as written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Expect {
    /// An index, valid and ready.
    Index {
        /// Its name, as written.
        index: String,
        /// Its table, as written, whose schema it shares; none where the index is named by itself.
        table: Option<String>,
    },
    /// No such relation.
    NoRelation {
        /// Its name.
        name: String,
        /// The table whose schema it shares, where that counts.
        table: Option<String>,
    },
    /// A relation.
    Relation {
        /// Its name.
        name: String,
    },
    /// A column.
    Column {
        /// Its table.
        table: String,
        /// Its name.
        column: String,
        /// It is NOT NULL (true), or not (false), where that is said.
        not_null: Option<bool>,
    },
    /// No such column.
    NoColumn {
        /// Its table.
        table: String,
        /// Its name.
        column: String,
    },
    /// A constraint.
    Constraint {
        /// Its table.
        table: String,
        /// Its name.
        name: String,
        /// It is validated.
        validated: bool,
    },
    /// No such constraint.
    NoConstraint {
        /// Its table.
        table: String,
        /// Its name.
        name: String,
    },
    /// A partition.
    Partition {
        /// The parent.
        parent: String,
        /// The partition.
        partition: String,
    },
    /// Not a partition, and not pending either.
    NoPartition {
        /// The parent.
        parent: String,
        /// The table.
        partition: String,
    },
    /// A trigger.
    Trigger {
        /// Its table.
        table: String,
        /// Its name.
        name: String,
    },
    /// No such trigger.
    NoTrigger {
        /// Its table.
        table: String,
        /// Its name.
        name: String,
    },
}

impl Form {
    /// A statement of which only its name is known.
    pub fn unknown(kind: &str) -> Form {
        Form { kind: kind.to_owned(), acts: Vec::new(), alone: None }
    }

    /// The relations it names, as written, each once.
    pub fn relations(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for act in self.acts.iter().filter(|act| !act.relation.is_empty()) {
            if !names.contains(&act.relation) {
                names.push(act.relation.clone());
            }
        }
        names
    }

    /// The same statement for one item: its name stands wherever `${item}` stood.
    pub fn for_item(&self, item: &str) -> Form {
        let put = |name: &String| name.replace(ITEM, item);
        let acts = self.acts.iter().map(|act| Act {
            relation: put(&act.relation),
            object: act.object.as_ref().map(put),
            renamed: act.renamed.as_ref().map(put),
            ..act.clone()
        });
        Form { acts: acts.collect(), ..self.clone() }
    }
}
