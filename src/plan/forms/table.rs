//! What CREATE TABLE and ALTER TABLE do.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::filling;
use super::node::{child, has, holds, is_only, name, relation, relation_nodes, relations_in, token, words};
use crate::engine::plan::form::{Act, Deed, Detaching, Filling};

/// CREATE TABLE, of whatever.
pub(super) fn create(node: &SyntaxNode) -> Vec<Act> {
    let table = node.children().find(|child| child.kind() == SyntaxKind::TABLE_NAME);
    let table = table.map(|name| relation(&name)).unwrap_or_default();
    let optional = has(node, SyntaxKind::IF_NOT_EXISTS);
    let mut acts = vec![Act { optional, ..Act::new(Deed::CreateTable, table.clone()) }];
    for parent in relations_in(node, SyntaxKind::PARTITION_OF) {
        let default = has(node, SyntaxKind::PARTITION_DEFAULT);
        acts.push(Act::new(Deed::CreatePartition { default }, parent).about(Some(table.clone())));
    }
    for parent in relations_in(node, SyntaxKind::INHERITS) {
        acts.push(Act::new(Deed::BeInherited, parent).about(Some(table.clone())));
    }
    for inner in node.descendants() {
        match inner.kind() {
            SyntaxKind::LIKE_CLAUSE => acts.push(Act::new(Deed::Read, relation(&inner))),
            SyntaxKind::FOREIGN_KEY_CONSTRAINT | SyntaxKind::REFERENCES_CONSTRAINT => {
                acts.extend(referenced(&inner, &table));
            }
            _ => {}
        }
    }
    acts
}

/// The table that a foreign key points to; not the table itself.
fn referenced(constraint: &SyntaxNode, table: &str) -> Option<Act> {
    let partner = relation(constraint);
    (!partner.is_empty() && partner != table)
        .then(|| Act::new(Deed::BeReferenced, partner).about(Some(table.to_owned())))
}

/// ALTER TABLE.
pub(super) fn alter(node: &SyntaxNode) -> Vec<Act> {
    if has(node, SyntaxKind::ALL_IN_TABLESPACE) {
        return vec![Act::new(Deed::Unknown, "")];
    }
    let table = relation(node);
    let (optional, only) = (has(node, SyntaxKind::IF_EXISTS), is_only(node));
    let mut acts: Vec<Act> = node.children().flat_map(|child| action(&child, &table)).collect();
    for act in &mut acts {
        act.optional |= optional && act.relation == table;
        act.only = only && act.relation == table;
    }
    if acts.is_empty() {
        acts.push(Act::new(Deed::Unknown, table));
    }
    acts
}

/// One action on `table`; nothing for a node that is no action.
pub(super) fn action(node: &SyntaxNode, table: &str) -> Vec<Act> {
    use SyntaxKind as K;
    let act = |deed| Act::new(deed, table);
    let about = |deed, object: Option<String>| vec![Act::new(deed, table).about(object)];
    match node.kind() {
        K::IF_EXISTS | K::TABLE_RELATION_NAME | K::VIEW_REF => Vec::new(),
        K::ADD_COLUMN => add_column(node, table),
        K::DROP_COLUMN => {
            about(Deed::DropColumn { cascade: holds(node, K::CASCADE) }, name(node, K::COLUMN_NAME_REF))
        }
        K::ALTER_COLUMN => {
            let column = name(node, K::COLUMN_NAME_REF);
            let option = node.children().find(|child| child.kind() != K::COLUMN_NAME_REF);
            about(option.map_or(Deed::Unknown, |option| column_deed(option.kind())), column)
        }
        K::ADD_CONSTRAINT => match node.first_child() {
            Some(constraint) => constraint_acts(&constraint, table),
            None => vec![act(Deed::Unknown)],
        },
        K::VALIDATE_CONSTRAINT => about(Deed::Validate, name(node, K::CONSTRAINT_NAME_REF)),
        K::DROP_CONSTRAINT => about(Deed::DropConstraint, name(node, K::CONSTRAINT_NAME_REF)),
        K::ALTER_CONSTRAINT => about(Deed::AlterConstraint, name(node, K::CONSTRAINT_NAME_REF)),
        K::TABLE_RENAME_TO => vec![Act { renamed: name(node, K::TABLE_NAME), ..act(Deed::Rename) }],
        K::RENAME_COLUMN => vec![Act {
            object: name(node, K::COLUMN_NAME_REF),
            renamed: name(node, K::COLUMN_NAME),
            ..act(Deed::RenameColumn)
        }],
        K::RENAME_CONSTRAINT => vec![Act {
            object: name(node, K::CONSTRAINT_NAME_REF),
            renamed: name(node, K::CONSTRAINT_NAME),
            ..act(Deed::RenameConstraint)
        }],
        K::SET_SCHEMA => vec![act(Deed::SetSchema)],
        K::OWNER_TO => vec![act(Deed::SetOwner)],
        K::SET_OPTIONS | K::RESET_OPTIONS => vec![act(Deed::SetOptions { exclusive: exclusive(node) })],
        K::DISABLE_TRIGGER | K::ENABLE_TRIGGER | K::ENABLE_ALWAYS_TRIGGER | K::ENABLE_REPLICA_TRIGGER => {
            vec![act(Deed::EnableTrigger)]
        }
        K::DISABLE_RULE | K::ENABLE_RULE | K::ENABLE_ALWAYS_RULE | K::ENABLE_REPLICA_RULE => {
            vec![act(Deed::Rule)]
        }
        K::DISABLE_RLS | K::ENABLE_RLS | K::FORCE_RLS | K::NO_FORCE_RLS => vec![act(Deed::RowSecurity)],
        K::REPLICA_IDENTITY => vec![act(Deed::ReplicaIdentity)],
        K::CLUSTER_ON | K::SET_WITHOUT_CLUSTER => vec![act(Deed::ClusterOn)],
        K::SET_TABLESPACE => vec![act(Deed::SetTablespace)],
        K::SET_LOGGED | K::SET_UNLOGGED => vec![act(Deed::SetLogged)],
        K::SET_ACCESS_METHOD => vec![act(Deed::SetAccessMethod)],
        K::SET_WITHOUT_OIDS => vec![act(Deed::SetOwner)],
        K::OF_TYPE | K::NOT_OF => vec![act(Deed::OfType)],
        K::INHERIT_TABLE | K::NO_INHERIT_TABLE => {
            let deed = if node.kind() == K::INHERIT_TABLE { Deed::BeInherited } else { Deed::Read };
            vec![act(Deed::Inherit), Act::new(deed, relation(node)).about(Some(table.to_owned()))]
        }
        K::ATTACH_PARTITION => {
            let partition = relation(node);
            let default = holds(node, K::PARTITION_DEFAULT);
            let attached = Act::new(Deed::BeAttached { default }, partition.clone());
            vec![act(Deed::Attach).about(Some(partition)), Act { object: Some(table.to_owned()), ..attached }]
        }
        K::DETACH_PARTITION => {
            let partition = relation(node);
            let how = if holds(node, K::DETACH_CONCURRENTLY) {
                Detaching::Concurrently
            } else if holds(node, K::DETACH_FINALIZE) {
                Detaching::Finalize
            } else {
                Detaching::Plain
            };
            vec![
                act(Deed::Detach(how)).about(Some(partition.clone())),
                Act::new(Deed::BeDetached(how), partition).about(Some(table.to_owned())),
            ]
        }
        _ => vec![act(Deed::Unknown)],
    }
}

fn column_deed(option: SyntaxKind) -> Deed {
    use SyntaxKind as K;
    match option {
        K::SET_NOT_NULL => Deed::SetNotNull,
        K::DROP_NOT_NULL => Deed::DropNotNull,
        K::SET_DEFAULT | K::DROP_DEFAULT => Deed::SetDefault,
        K::SET_TYPE => Deed::SetType,
        K::SET_STATISTICS | K::SET_OPTIONS | K::RESET_OPTIONS | K::SET_OPTIONS_LIST => Deed::SetStatistics,
        K::SET_EXPRESSION => Deed::SetExpression,
        K::SET_STORAGE
        | K::SET_COMPRESSION
        | K::DROP_EXPRESSION
        | K::ADD_GENERATED
        | K::SET_GENERATED
        | K::SET_GENERATED_OPTIONS
        | K::SET_SEQUENCE_OPTION
        | K::RESTART
        | K::DROP_IDENTITY => Deed::SetColumn,
        _ => Deed::Unknown,
    }
}

fn add_column(node: &SyntaxNode, table: &str) -> Vec<Act> {
    use SyntaxKind as K;
    let filling = filling::of(node);
    let not_null = node.children().any(|child| {
        matches!(child.kind(), K::NOT_NULL_CONSTRAINT | K::PRIMARY_KEY_CONSTRAINT)
            || child.kind() == K::GENERATED_CONSTRAINT && holds(&child, K::GENERATED_IDENTITY)
    });
    let column = name(node, K::COLUMN_NAME);
    let mut acts = vec![Act::new(Deed::AddColumn { filling, not_null }, table).about(column)];
    for constraint in node.children() {
        match constraint.kind() {
            // Rows that hold null break no foreign key.
            K::REFERENCES_CONSTRAINT if filling == Filling::Null => {
                let added = Deed::AddForeignKey { not_valid: true };
                acts.push(Act::new(added, table));
                acts.extend(referenced(&constraint, table));
            }
            K::REFERENCES_CONSTRAINT
            | K::CHECK_CONSTRAINT
            | K::UNIQUE_CONSTRAINT
            | K::PRIMARY_KEY_CONSTRAINT => {
                acts.extend(constraint_acts(&constraint, table));
            }
            _ => {}
        }
    }
    acts
}

fn constraint_acts(constraint: &SyntaxNode, table: &str) -> Vec<Act> {
    use SyntaxKind as K;
    let not_valid = has(constraint, K::NOT_VALID) || has(constraint, K::NOT_ENFORCED);
    let takes_over = has(constraint, K::USING_INDEX_NAME);
    let deed = match constraint.kind() {
        K::CHECK_CONSTRAINT => Deed::AddCheck { not_valid },
        K::FOREIGN_KEY_CONSTRAINT | K::REFERENCES_CONSTRAINT => Deed::AddForeignKey { not_valid },
        K::NOT_NULL_CONSTRAINT => Deed::AddNotNull { not_valid },
        K::UNIQUE_CONSTRAINT if takes_over => Deed::UseIndex { primary: false },
        K::PRIMARY_KEY_CONSTRAINT if takes_over => Deed::UseIndex { primary: true },
        K::UNIQUE_CONSTRAINT => Deed::AddUnique,
        K::PRIMARY_KEY_CONSTRAINT => Deed::AddPrimaryKey,
        K::EXCLUDE_CONSTRAINT => Deed::AddExclude,
        _ => Deed::Unknown,
    };
    let written = child(constraint, K::CONSTRAINT_NAME_CLAUSE);
    let object = written.and_then(|clause| name(&clause, K::CONSTRAINT_NAME));
    let mut acts = vec![Act::new(deed, table).about(object)];
    if matches!(deed, Deed::AddForeignKey { .. }) {
        acts.extend(referenced(constraint, table));
    }
    acts
}

/// Whether some of the storage parameters may be changed only while nobody reads.
fn exclusive(node: &SyntaxNode) -> bool {
    const SHARED: [&str; 5] = ["fillfactor", "autovacuum", "toast", "parallel_workers", "vacuum"];
    let names = node.descendants().filter(|inner| inner.kind() == SyntaxKind::ATTRIBUTE_OPTION);
    names.map(|option| words(&option)).any(|words| !SHARED.iter().any(|known| words.starts_with(known)))
}

/// TRUNCATE and DROP TABLE: each table they name.
pub(super) fn each(node: &SyntaxNode, deed: impl Fn(bool) -> Deed) -> Vec<Act> {
    let cascade = holds(node, SyntaxKind::CASCADE) || token(node, SyntaxKind::CASCADE_KW);
    let optional = has(node, SyntaxKind::IF_EXISTS);
    let named = relation_nodes(node);
    named
        .map(|name| Act { optional, only: is_only(&name), ..Act::new(deed(cascade), relation(&name)) })
        .collect()
}
