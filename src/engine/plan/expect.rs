//! Expected objects, in words.

use super::form::Expect;
use crate::engine::derive::words::name_parts;

impl Expect {
    /// What it is, for people: `index users_email`.
    pub fn named(&self) -> String {
        match self {
            Expect::Index { index, .. } => format!("index {index}"),
            Expect::NoRelation { name, .. } => format!("{name}, which should be gone,"),
            Expect::Relation { name } => name.clone(),
            Expect::Column { table, column, .. } => format!("column {table}.{column}"),
            Expect::NoColumn { table, column } => format!("column {table}.{column}, which should be gone,"),
            Expect::Constraint { table, name, .. } => format!("constraint {name} of {table}"),
            Expect::NoConstraint { table, name } => {
                format!("constraint {name} of {table}, which should be gone,")
            }
            Expect::Partition { parent, partition } => format!("partition {partition} of {parent}"),
            Expect::NoPartition { parent, partition } => {
                format!("{partition}, which should be no partition of {parent} any more,")
            }
            Expect::Trigger { table, name } => format!("trigger {name} of {table}"),
            Expect::NoTrigger { table, name } => format!("trigger {name} of {table}, which should be gone,"),
        }
    }

    /// Whether it is about the object called `name`, without its schema.
    pub fn is_about(&self, name: &str) -> bool {
        let own = match self {
            Expect::Index { index: own, .. }
            | Expect::NoRelation { name: own, .. }
            | Expect::Relation { name: own }
            | Expect::Constraint { name: own, .. }
            | Expect::NoConstraint { name: own, .. }
            | Expect::Trigger { name: own, .. }
            | Expect::NoTrigger { name: own, .. }
            | Expect::Partition { partition: own, .. }
            | Expect::NoPartition { partition: own, .. } => own,
            Expect::Column { .. } | Expect::NoColumn { .. } => return false,
        };
        name_parts(own).is_some_and(|parts| parts.last().is_some_and(|last| last == name))
    }
}
