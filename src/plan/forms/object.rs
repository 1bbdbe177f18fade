//! What statements do about indexes, triggers, views, sequences and the rest.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::node::{child, has, holds, is_only, name, relation, relations, relations_in, token, words};
use super::{rows, table};
use crate::engine::locks::LockMode;
use crate::engine::plan::form::{Act, Deed};

/// CREATE INDEX.
pub(super) fn create_index(node: &SyntaxNode) -> Vec<Act> {
    let index = child(node, SyntaxKind::INDEX).map(|index| relation(&index)).filter(|name| !name.is_empty());
    let table = child(node, SyntaxKind::TABLE_RELATION_NAME);
    let only = table.as_ref().is_some_and(is_only);
    let concurrently = token(node, SyntaxKind::CONCURRENTLY_KW);
    let table = table.map(|table| relation(&table)).unwrap_or_default();
    vec![Act { only, ..Act::new(Deed::CreateIndex { concurrently }, table).about(index) }]
}

/// ALTER INDEX.
pub(super) fn alter_index(node: &SyntaxNode) -> Vec<Act> {
    let index = child(node, SyntaxKind::INDEX_REF).map(|index| relation(&index)).unwrap_or_default();
    let optional = has(node, SyntaxKind::IF_EXISTS);
    let act = |deed| Act { optional, ..Act::new(deed, index.clone()) };
    let Some(action) = node.children().last() else { return vec![act(Deed::Unknown)] };
    match action.kind() {
        SyntaxKind::INDEX_RENAME_TO => {
            let renamed = name(&action, SyntaxKind::INDEX);
            vec![Act { renamed, ..act(Deed::AlterIndex) }]
        }
        SyntaxKind::SET_OPTIONS | SyntaxKind::RESET_OPTIONS | SyntaxKind::ALTER_SET_STATISTICS => {
            vec![act(Deed::AlterIndex)]
        }
        SyntaxKind::ATTACH_INDEX_PARTITION => {
            let partition = relation(&action);
            let attached = Act::new(Deed::BeAttachedIndex, partition.clone());
            vec![act(Deed::AttachIndex).about(Some(partition)), attached]
        }
        SyntaxKind::SET_TABLESPACE if !index.is_empty() => vec![act(Deed::SetTablespace)],
        _ => vec![act(Deed::Unknown)],
    }
}

/// REINDEX.
pub(super) fn reindex(node: &SyntaxNode) -> Vec<Act> {
    let option = node.descendants().find(|inner| inner.kind() == SyntaxKind::REINDEX_OPTION_CONCURRENTLY);
    let concurrently = match option.as_ref().map(words).as_deref() {
        None => node.children().any(|target| token(&target, SyntaxKind::CONCURRENTLY_KW)),
        Some("concurrently" | "concurrently true" | "concurrently on" | "concurrently 1") => true,
        Some("concurrently false" | "concurrently off" | "concurrently 0") => false,
        Some(_) => return vec![Act::new(Deed::Unknown, "")],
    };
    let named = relation(node);
    if named.is_empty() {
        return vec![Act::new(Deed::Unknown, "")];
    }
    let deed = if has(node, SyntaxKind::REINDEX_TARGET_INDEX) {
        Deed::ReindexIndex { concurrently }
    } else {
        Deed::ReindexTable { concurrently }
    };
    vec![Act::new(deed, named)]
}

/// CREATE TRIGGER, DROP TRIGGER, ALTER TRIGGER.
pub(super) fn trigger(node: &SyntaxNode) -> Vec<Act> {
    let on = relations_in(node, SyntaxKind::ON_RELATION).into_iter().next().unwrap_or_default();
    let (deed, word) = match node.kind() {
        SyntaxKind::CREATE_TRIGGER => (Deed::CreateTrigger, SyntaxKind::TRIGGER),
        SyntaxKind::DROP_TRIGGER => (Deed::DropTrigger, SyntaxKind::TRIGGER_REF),
        _ => (Deed::AlterTrigger, SyntaxKind::TRIGGER_REF),
    };
    let optional = has(node, SyntaxKind::IF_EXISTS);
    let act = Act { optional, ..Act::new(deed, on.clone()).about(name(node, word)) };
    // A constraint trigger is tied to the table it looks at, as a foreign key is.
    let from = relations_in(node, SyntaxKind::FROM_TABLE);
    let from = from.into_iter().map(|from| Act::new(Deed::BeReferenced, from).about(Some(on.clone())));
    [act].into_iter().chain(from).collect()
}

/// Statements about something of one relation, which they name first or after ON.
pub(super) fn on(node: &SyntaxNode, deed: Deed) -> Vec<Act> {
    let wanted = [SyntaxKind::ON_TABLE, SyntaxKind::ON_RELATION, SyntaxKind::RULE_ON, SyntaxKind::FROM_TABLE];
    let named = node.children().find(|child| wanted.contains(&child.kind()));
    let optional = has(node, SyntaxKind::IF_EXISTS);
    vec![Act { optional, ..Act::new(deed, relation(&named.unwrap_or_else(|| node.clone()))) }]
}

/// CREATE of a view, materialized view, or table from a query.
pub(super) fn from_query(node: &SyntaxNode, deed: Deed) -> Vec<Act> {
    let made = relation(node);
    let reads = rows::acts(node).into_iter().filter(|act| act.relation != made && act.deed != Deed::Nothing);
    let optional = has(node, SyntaxKind::IF_NOT_EXISTS);
    [Act { optional, ..Act::new(deed, made.clone()) }].into_iter().chain(reads).collect()
}

/// ALTER VIEW, ALTER MATERIALIZED VIEW, ALTER SEQUENCE.
pub(super) fn alter(node: &SyntaxNode) -> Vec<Act> {
    let named = relation(node);
    let optional = has(node, SyntaxKind::IF_EXISTS);
    let mut acts = match node.kind() {
        SyntaxKind::ALTER_SEQUENCE => {
            let owner = node.descendants().find(|inner| inner.kind() == SyntaxKind::OPTION_OWNED_BY);
            let deed = match () {
                () if holds(node, SyntaxKind::SET_SCHEMA) => Deed::SetSchema,
                () if holds(node, SyntaxKind::OWNER_TO) => Deed::SetOwner,
                () if holds(node, SyntaxKind::SEQUENCE_RENAME_TO) => Deed::Rename,
                () => Deed::AlterSequence,
            };
            let renamed = name(node, SyntaxKind::SEQUENCE);
            [Act { renamed, ..Act::new(deed, named) }]
                .into_iter()
                .chain(owner.and_then(|owner| owned(&owner)))
                .collect()
        }
        SyntaxKind::ALTER_VIEW => vec![Act::new(Deed::AlterView, named)],
        _ if named.is_empty() => vec![Act::new(Deed::Unknown, "")],
        _ => node
            .children()
            .flat_map(|child| match child.kind() {
                SyntaxKind::VIEW_RENAME_TO => {
                    let renamed = name(&child, SyntaxKind::VIEW);
                    vec![Act { renamed, ..Act::new(Deed::Rename, named.clone()) }]
                }
                _ => table::action(&child, &named),
            })
            .collect(),
    };
    for act in &mut acts {
        act.optional |= optional;
    }
    acts
}

/// The table of the column that comes to own a sequence.
fn owned(option: &SyntaxNode) -> Option<Act> {
    let words = words(option);
    let column = words.strip_prefix("owned by ")?;
    let (table, _) = column.rsplit_once(" . ")?;
    Some(Act::new(Deed::OwnSequence, table.replace(" . ", ".")))
}

/// CREATE SEQUENCE.
pub(super) fn create_sequence(node: &SyntaxNode) -> Vec<Act> {
    let owner = node.descendants().find(|inner| inner.kind() == SyntaxKind::OPTION_OWNED_BY);
    let optional = has(node, SyntaxKind::IF_NOT_EXISTS);
    let made = Act { optional, ..Act::new(Deed::CreateSequence, relation(node)) };
    [made].into_iter().chain(owner.and_then(|owner| owned(&owner))).collect()
}

/// COMMENT ON.
pub(super) fn comment(node: &SyntaxNode) -> Vec<Act> {
    let object = node.children().next();
    let column = object.as_ref().filter(|object| object.kind() == SyntaxKind::OBJECT_COLUMN);
    let named = match column {
        Some(column) => {
            let written = name(column, SyntaxKind::QUALIFIED_COLUMN_NAME_REF).unwrap_or_default();
            written.rsplit_once('.').map(|(table, _)| table.to_owned()).unwrap_or_default()
        }
        None => relation(node),
    };
    let is_part = object.is_some_and(|object| {
        matches!(
            object.kind(),
            SyntaxKind::OBJECT_CONSTRAINT
                | SyntaxKind::OBJECT_TRIGGER
                | SyntaxKind::OBJECT_POLICY
                | SyntaxKind::OBJECT_RULE
        )
    });
    let deed = match named.as_str() {
        "" => Deed::Nothing,
        _ if is_part => Deed::Read,
        _ => Deed::Comment,
    };
    vec![Act::new(deed, named)]
}

/// VACUUM, ANALYZE and CLUSTER.
pub(super) fn maintain(node: &SyntaxNode, full: bool) -> Vec<Act> {
    let named = match node.kind() {
        SyntaxKind::CLUSTER => {
            let old = relations_in(node, SyntaxKind::CLUSTER_LEGACY).into_iter().skip(1);
            relations_in(node, SyntaxKind::TABLE_NAME_REF).into_iter().chain(old).collect()
        }
        _ => relations(node),
    };
    let deed = match node.kind() {
        SyntaxKind::ANALYZE => Deed::Analyze,
        SyntaxKind::CLUSTER => Deed::VacuumFull,
        _ if full => Deed::VacuumFull,
        _ => Deed::Vacuum,
    };
    if named.is_empty() {
        let whole = if deed == Deed::VacuumFull { Deed::Unknown } else { deed };
        return vec![Act::new(whole, "")];
    }
    if node.kind() == SyntaxKind::CLUSTER {
        return named.into_iter().map(|table| Act::new(deed, table)).collect();
    }
    table::each(node, |_| deed)
}

/// LOCK TABLE.
pub(super) fn lock(node: &SyntaxNode) -> Vec<Act> {
    let clause = child(node, SyntaxKind::LOCK_MODE_CLAUSE);
    let mode = match clause.as_ref().map(words).as_deref() {
        None => Some(LockMode::AccessExclusiveLock),
        Some(words) => {
            let wanted = words.trim_start_matches("in ").trim_end_matches(" mode").replace(' ', "");
            LockMode::ALL.into_iter().find(|mode| mode.name().to_ascii_lowercase() == format!("{wanted}lock"))
        }
    };
    let deed = mode.map_or(Deed::Unknown, Deed::Lock);
    table::each(node, |_| deed)
}

/// Statements that drop objects which are no relations: what goes with them is not known.
pub(super) fn drop_other(node: &SyntaxNode) -> Vec<Act> {
    let deed = if holds(node, SyntaxKind::CASCADE) { Deed::Unknown } else { Deed::Nothing };
    vec![Act::new(deed, "")]
}
