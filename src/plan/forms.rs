//! Statements of a plan, read into what they do.
//!
//! Owns the way from squawk's syntax trees to [`Form`]s. Whatever it does not know becomes [`Deed::Unknown`], never
//! nothing. No literal gets into a form: the grammar is asked about a text without them.

mod filling;
mod node;
mod object;
mod rows;
mod table;

use squawk_syntax::{SyntaxKind, SyntaxNode};

use self::node::{holds, token};
use crate::engine::plan::form::{Act, Deed, Form, ITEM};
use crate::pg::text::statement;

/// What stands for `${item}` while the grammar is asked: a name like others, which nobody has.
const PLACEHOLDER: &str = "lockpit0item0lockpit";

/// What one statement is and does.
pub fn read(statement_sql: &str) -> Form {
    let (kind, acts) = statement(&statement_sql.replace(ITEM, PLACEHOLDER), acts);
    let form = Form { alone: alone(&kind, statement_sql), acts: acts.unwrap_or_default(), kind };
    let put = |name: String| name.replace(PLACEHOLDER, ITEM);
    let acts = form.acts.into_iter().map(|act| Act {
        relation: put(act.relation),
        object: act.object.map(put),
        renamed: act.renamed.map(put),
        ..act
    });
    Form { acts: acts.collect(), ..form }
}

fn acts(node: &SyntaxNode) -> Vec<Act> {
    use SyntaxKind as K;
    match node.kind() {
        K::CREATE_TABLE => table::create(node),
        K::CREATE_TABLE_AS | K::SELECT_INTO => object::from_query(node, Deed::CreateTable),
        K::ALTER_TABLE => table::alter(node),
        K::DROP_TABLE => table::each(node, |cascade| Deed::DropTable { cascade }),
        K::TRUNCATE => table::each(node, |cascade| Deed::Truncate { cascade }),
        K::CREATE_INDEX => object::create_index(node),
        K::DROP_INDEX => {
            let concurrently = token(node, K::CONCURRENTLY_KW);
            table::each(node, |_| Deed::DropIndex { concurrently })
        }
        K::ALTER_INDEX => object::alter_index(node),
        K::REINDEX => object::reindex(node),
        K::CREATE_TRIGGER | K::DROP_TRIGGER | K::ALTER_TRIGGER => object::trigger(node),
        K::DROP_STATISTICS => vec![Act::new(Deed::Nothing, "")],
        K::CREATE_POLICY | K::ALTER_POLICY | K::DROP_POLICY => object::on(node, Deed::RowSecurity),
        K::CREATE_RULE | K::DROP_RULE | K::ALTER_RULE => object::on(node, Deed::Rule),
        K::CREATE_STATISTICS => object::on(node, Deed::CreateStatistics),
        K::CREATE_VIEW => object::from_query(node, Deed::CreateView),
        K::CREATE_MATERIALIZED_VIEW => object::from_query(node, Deed::CreateMaterializedView),
        K::DROP_VIEW => table::each(node, |cascade| if cascade { Deed::Unknown } else { Deed::DropView }),
        K::DROP_MATERIALIZED_VIEW => {
            table::each(node, |cascade| if cascade { Deed::Unknown } else { Deed::DropMaterializedView })
        }
        K::DROP_SEQUENCE => {
            table::each(node, |cascade| if cascade { Deed::Unknown } else { Deed::DropSequence })
        }
        K::ALTER_VIEW | K::ALTER_MATERIALIZED_VIEW | K::ALTER_SEQUENCE => object::alter(node),
        K::REFRESH => {
            let concurrently = token(node, K::CONCURRENTLY_KW);
            table::each(node, |_| Deed::Refresh { concurrently })
        }
        K::CREATE_SEQUENCE => object::create_sequence(node),
        K::COPY => rows::copy(node),
        K::COMMENT_ON => object::comment(node),
        K::GRANT | K::REVOKE => grant(node),
        K::VACUUM | K::ANALYZE | K::CLUSTER => object::maintain(node, is_full(node)),
        K::LOCK => object::lock(node),
        K::INSERT
        | K::UPDATE
        | K::DELETE
        | K::MERGE
        | K::SELECT
        | K::COMPOUND_SELECT
        | K::PAREN_SELECT
        | K::TABLE
        | K::EXPLAIN
        | K::VALUES => rows::acts(node),
        // Its elements are statements of their own.
        K::CREATE_SCHEMA if node::words(node).contains(" create ") => vec![Act::new(Deed::Unknown, "")],
        K::ALTER_TYPE
            if !holds(node, K::ALTER_TYPE_ATTRIBUTE_ACTION_LIST) && !holds(node, K::RENAME_ATTRIBUTE) =>
        {
            vec![Act::new(Deed::Nothing, "")]
        }
        K::ALTER_DOMAIN
            if ![K::ADD_CONSTRAINT, K::SET_NOT_NULL, K::VALIDATE_CONSTRAINT]
                .iter()
                .any(|kind| holds(node, *kind)) =>
        {
            vec![Act::new(Deed::Nothing, "")]
        }
        K::DROP_TYPE
        | K::DROP_DOMAIN
        | K::DROP_FUNCTION
        | K::DROP_PROCEDURE
        | K::DROP_ROUTINE
        | K::DROP_AGGREGATE
        | K::DROP_SCHEMA => object::drop_other(node),
        K::CREATE_FUNCTION
        | K::CREATE_PROCEDURE
        | K::CREATE_AGGREGATE
        | K::CREATE_TYPE
        | K::CREATE_DOMAIN
        | K::CREATE_SCHEMA
        | K::CREATE_ROLE
        | K::CREATE_USER
        | K::CREATE_GROUP
        | K::ALTER_FUNCTION
        | K::ALTER_PROCEDURE
        | K::ALTER_ROUTINE
        | K::ALTER_AGGREGATE
        | K::ALTER_SCHEMA
        | K::ALTER_ROLE
        | K::ALTER_USER
        | K::ALTER_DEFAULT_PRIVILEGES
        | K::SET
        | K::RESET
        | K::SHOW
        | K::NOTIFY
        | K::SET_ROLE
        | K::SET_CONSTRAINTS
        | K::SET_TRANSACTION => vec![Act::new(Deed::Nothing, "")],
        _ => vec![Act::new(Deed::Unknown, "")],
    }
}

fn grant(node: &SyntaxNode) -> Vec<Act> {
    let named = node::relations(node);
    if named.is_empty() {
        return vec![Act::new(Deed::Nothing, "")];
    }
    named.into_iter().map(|relation| Act::new(Deed::Grant, relation)).collect()
}

fn is_full(node: &SyntaxNode) -> bool {
    let options = node.descendants().filter(|inner| inner.kind() == SyntaxKind::VACUUM_OPTION);
    let mut options = options.map(|option| node::words(&option));
    token(node, SyntaxKind::FULL_KW)
        || options.any(|option| {
            let off = ["false", "off", "0"].iter().any(|off| option.ends_with(&format!(" {off}")));
            option.starts_with("full") && !off
        })
}

/// Why a statement cannot run inside a transaction.
fn alone(kind: &str, sql: &str) -> Option<String> {
    let words: Vec<String> = sql.split_ascii_whitespace().take(3).map(str::to_ascii_uppercase).collect();
    let whole = kind == "REINDEX"
        && words.iter().any(|word| ["SCHEMA", "DATABASE", "SYSTEM"].contains(&word.as_str()));
    let is_alone = (kind.ends_with(" CONCURRENTLY") && kind != "REFRESH MATERIALIZED VIEW CONCURRENTLY")
        || matches!(
            kind,
            "VACUUM"
                | "VACUUM FULL"
                | "ALTER SYSTEM"
                | "CREATE DATABASE"
                | "DROP DATABASE"
                | "CREATE TABLESPACE"
                | "DROP TABLESPACE"
                | "CREATE SUBSCRIPTION"
                | "DROP SUBSCRIPTION"
                | "COMMIT PREPARED"
                | "ROLLBACK PREPARED"
        )
        || whole
        || (kind == "CLUSTER" && words.len() == 1)
        || (kind == "DISCARD" && words.get(1).is_some_and(|word| word.starts_with("ALL")));
    is_alone.then(|| format!("{kind} cannot run inside a transaction"))
}

#[cfg(test)]
mod tests;
