//! What the catalog says against beginning a part of a plan.
//!
//! Owns these rules. What only makes a part slow, or rude, is no refusal.

use super::facts::{Found, Survey, Tie};
use super::form::Expect;
use super::{Part, Statement};

/// Commands that only the owner of a relation may give.
const OWNERS: [&str; 10] = [
    "ALTER TABLE",
    "ALTER INDEX",
    "ALTER VIEW",
    "ALTER MATERIALIZED VIEW",
    "ALTER SEQUENCE",
    "CREATE INDEX",
    "DROP ",
    "REINDEX",
    "CLUSTER",
    "REFRESH MATERIALIZED VIEW",
];

/// Why a part cannot begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// An index that it makes is there already, and not as it should be.
    IndexInTheWay {
        /// Which, as written.
        index: String,
        /// What is wrong with it.
        why: String,
    },
    /// Only the owner of a relation may do it, and this login is not.
    NotTheOwner {
        /// The command.
        kind: String,
        /// The relation, with its schema.
        relation: String,
    },
}

impl Refusal {
    /// The first reason not to begin `part`, given what the catalog says; `None` where there is none.
    pub fn of(part: &Part, survey: &Survey) -> Option<Refusal> {
        part.statements.iter().find_map(|it| index_in_the_way(it, survey)).or_else(|| {
            let foreign = |statement: &Statement| not_the_owner(statement, survey);
            part.statements.iter().find_map(foreign)
        })
    }

    /// In words, with what to do about it.
    pub fn sentence(&self) -> String {
        match self {
            Refusal::IndexInTheWay { index, why } => format!(
                "index {index} is there already and {why}: IF NOT EXISTS would take it for done; clean it up first"
            ),
            Refusal::NotTheOwner { kind, relation } => {
                format!(
                    "{kind} needs the owner of {relation}, and this login is not: connect as that role, or GRANT it"
                )
            }
        }
    }
}

fn index_in_the_way(statement: &Statement, survey: &Survey) -> Option<Refusal> {
    if !statement.form.kind.starts_with("CREATE INDEX") {
        return None;
    }
    let made = statement.form.expects();
    survey.found.iter().find_map(|(expect, found)| match (expect, found) {
        (Expect::Index { index, .. }, Found::Bad(why)) if made.contains(expect) => {
            Some(Refusal::IndexInTheWay { index: index.clone(), why: why.clone() })
        }
        _ => None,
    })
}

fn not_the_owner(statement: &Statement, survey: &Survey) -> Option<Refusal> {
    let kind = &statement.form.kind;
    if !OWNERS.iter().any(|owners| kind.starts_with(owners)) {
        return None;
    }
    let mut named = statement.form.acts.iter().filter_map(|act| survey.named(&act.relation));
    let relation = named.find(|it| it.tie == Tie::Named && !it.may_alter)?;
    Some(Refusal::NotTheOwner {
        kind: kind.clone(),
        relation: format!("{}.{}", relation.schema, relation.name),
    })
}
