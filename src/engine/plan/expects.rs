//! What must hold once a statement, or a part of a plan, is through.
//!
//! Owns the rules by which acts lead to expectations, and the words for these. What a later act of the same part changes again is not expected.

use super::Part;
use super::form::{Act, Deed, Detaching, Expect, Form};
use crate::engine::derive::words::name_parts;

impl Form {
    /// What must hold once it is through.
    pub fn expects(&self) -> Vec<Expect> {
        let mut expects = Vec::new();
        add(&mut expects, &self.acts);
        expects
    }
}

impl Part {
    /// Whether the relation that is written like this is there once all its statements are through, because of them.
    pub fn makes(&self, written: &str) -> bool {
        let made = self.expects();
        made.iter().any(|expect| match expect {
            Expect::Relation { name } | Expect::Index { index: name, .. } => is_one(name, written),
            Expect::Partition { partition, .. } => is_one(partition, written),
            _ => false,
        })
    }

    /// What must hold once all its statements are through.
    pub fn expects(&self) -> Vec<Expect> {
        let mut expects = Vec::new();
        for statement in &self.statements {
            add(&mut expects, &statement.form.acts);
        }
        expects
    }
}

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

fn add(expects: &mut Vec<Expect>, acts: &[Act]) {
    for act in acts {
        if let Deed::Rename | Deed::DropTable { .. } | Deed::SetSchema = act.deed {
            expects.retain(|known| !about(known, &act.relation));
        }
        for expect in of(act) {
            let subject = subject(&expect);
            expects.retain(|known| self::subject(known) != subject);
            expects.push(expect);
        }
    }
}

fn of(act: &Act) -> Vec<Expect> {
    let relation = || act.relation.clone();
    let object = || act.object.clone();
    // Whether there is anything to change is not known.
    let drops = matches!(
        act.deed,
        Deed::DropTable { .. }
            | Deed::DropIndex { .. }
            | Deed::DropView
            | Deed::DropMaterializedView
            | Deed::DropSequence
            | Deed::DropTrigger
            | Deed::CreateTable
            | Deed::CreateMaterializedView
            | Deed::CreateSequence
            | Deed::CreateIndex { .. }
    );
    if act.optional && !drops {
        return Vec::new();
    }
    let column = |not_null| {
        object().map(|column| Expect::Column { table: relation(), column, not_null }).into_iter().collect()
    };
    let constraint = |name: Option<String>, validated| {
        name.map(|name| Expect::Constraint { table: relation(), name, validated }).into_iter().collect()
    };
    match act.deed {
        Deed::CreateTable | Deed::CreateView | Deed::CreateMaterializedView | Deed::CreateSequence => {
            vec![Expect::Relation { name: relation() }]
        }
        Deed::DropTable { .. } | Deed::DropView | Deed::DropMaterializedView | Deed::DropSequence => {
            vec![Expect::NoRelation { name: relation(), table: None }]
        }
        Deed::DropIndex { .. } => vec![Expect::NoRelation { name: relation(), table: None }],
        Deed::CreateIndex { .. } if !act.only => {
            object().map(|index| Expect::Index { index, table: Some(relation()) }).into_iter().collect()
        }
        Deed::ReindexIndex { .. } => vec![Expect::Index { index: relation(), table: None }],
        Deed::AddColumn { not_null, .. } => column(not_null.then_some(true)),
        Deed::SetNotNull => column(Some(true)),
        Deed::DropNotNull => column(Some(false)),
        Deed::DropColumn { .. } => {
            object().map(|column| Expect::NoColumn { table: relation(), column }).into_iter().collect()
        }
        Deed::RenameColumn => {
            let gone = object().map(|column| Expect::NoColumn { table: relation(), column });
            let new = act.renamed.clone();
            let come = new.map(|column| Expect::Column { table: relation(), column, not_null: None });
            gone.into_iter().chain(come).collect()
        }
        Deed::AddCheck { not_valid } | Deed::AddForeignKey { not_valid } | Deed::AddNotNull { not_valid } => {
            constraint(object(), !not_valid)
        }
        Deed::AddUnique | Deed::AddPrimaryKey | Deed::AddExclude | Deed::UseIndex { .. } | Deed::Validate => {
            constraint(object(), true)
        }
        Deed::DropConstraint => {
            object().map(|name| Expect::NoConstraint { table: relation(), name }).into_iter().collect()
        }
        Deed::RenameConstraint => {
            let gone = object().map(|name| Expect::NoConstraint { table: relation(), name });
            let new = act.renamed.clone();
            let come = new.map(|name| Expect::Constraint { table: relation(), name, validated: false });
            gone.into_iter().chain(come).collect()
        }
        Deed::Rename => {
            let new = act.renamed.as_deref().map(|new| beside(&act.relation, new));
            let come = new.map(|name| Expect::Relation { name });
            [Expect::NoRelation { name: relation(), table: None }].into_iter().chain(come).collect()
        }
        Deed::Attach | Deed::CreatePartition { .. } => object()
            .map(|partition| Expect::Partition { parent: relation(), partition })
            .into_iter()
            .collect(),
        Deed::Detach(Detaching::Plain | Detaching::Concurrently | Detaching::Finalize) => object()
            .map(|partition| Expect::NoPartition { parent: relation(), partition })
            .into_iter()
            .collect(),
        Deed::CreateTrigger => {
            object().map(|name| Expect::Trigger { table: relation(), name }).into_iter().collect()
        }
        Deed::DropTrigger => {
            object().map(|name| Expect::NoTrigger { table: relation(), name }).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Whether two written names mean one relation, as far as both tell.
fn is_one(one: &str, other: &str) -> bool {
    let (Some(one), Some(other)) = (name_parts(one), name_parts(other)) else { return false };
    one.iter().rev().zip(other.iter().rev()).all(|(one, other)| one == other)
}

/// `name` in the schema in which `written` is, as far as that is written.
fn beside(written: &str, name: &str) -> String {
    let mut quoted = false;
    let dots = written.char_indices().filter(|(_, c)| {
        quoted ^= *c == '"';
        *c == '.' && !quoted
    });
    dots.last().map_or_else(|| name.to_owned(), |(dot, _)| format!("{}.{name}", &written[..dot]))
}

/// What an expectation is about: two about the same thing cannot both be meant.
fn subject(expect: &Expect) -> (u8, &str, &str) {
    match expect {
        Expect::Index { index: name, .. } | Expect::NoRelation { name, .. } | Expect::Relation { name } => {
            (0, name, "")
        }
        Expect::Column { table, column, .. } | Expect::NoColumn { table, column } => (1, table, column),
        Expect::Constraint { table, name, .. } | Expect::NoConstraint { table, name } => (2, table, name),
        Expect::Partition { parent, partition } | Expect::NoPartition { parent, partition } => {
            (3, parent, partition)
        }
        Expect::Trigger { table, name } | Expect::NoTrigger { table, name } => (4, table, name),
    }
}

/// Whether an expectation is about something of the table that was written like this.
fn about(expect: &Expect, written: &str) -> bool {
    let table = match expect {
        Expect::Index { table, .. } => table.as_deref(),
        _ => match subject(expect) {
            (0, name, _) => Some(name),
            (_, table, _) => Some(table),
        },
    };
    table == Some(written)
}
