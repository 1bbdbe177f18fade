//! What interrupted work has left, in words, and the statement that cleans it up.
//!
//! Owns the rules and the quoting. Whether a clean-up is run, a person decides.

use super::facts::{Leftover, LeftoverKind};
use crate::engine::derive::words::{quote_ident, quote_name};
use crate::engine::steps::{Offer, Stage};

/// What a leftover means, and how to clean it up.
pub fn offer(leftover: &Leftover) -> Offer {
    let table = quote_name([leftover.schema.as_str(), leftover.table.as_str()]);
    let schema = leftover.object_schema.as_deref().unwrap_or(&leftover.schema);
    let object = quote_name([schema, leftover.name.as_str()]);
    let name = quote_ident(&leftover.name);
    let (sentence, sql) = match leftover.kind {
        LeftoverKind::InvalidIndex => (
            format!(
                "{object} on {table} is INVALID: not used for reads; writes may maintain it, and a UNIQUE one enforce"
            ),
            format!("DROP INDEX CONCURRENTLY {object}"),
        ),
        LeftoverKind::InvalidParentIndex => (
            format!(
                "{object} on the partitioned {table} is INVALID: an index of a partition is missing or not attached; \
                 it goes with those that are attached to it, and locks {table} and its partitions"
            ),
            format!("DROP INDEX {object}"),
        ),
        LeftoverKind::NewIndex => (
            format!(
                "{object} is what an interrupted REINDEX CONCURRENTLY built on {table}, INVALID: the old index is fine"
            ),
            format!("DROP INDEX CONCURRENTLY {object}"),
        ),
        LeftoverKind::OldIndex => (
            format!(
                "{object} is what REINDEX CONCURRENTLY replaced on {table}, INVALID and maybe still written: the new \
                 index is valid"
            ),
            format!("DROP INDEX CONCURRENTLY {object}"),
        ),
        LeftoverKind::PendingDetach => (
            format!(
                "{object} is pending detach from {table}: ITS ROWS ARE NOT SEEN through {table}, and no other \
                 partition can be detached concurrently; FINALIZE leads out, then ATTACH PARTITION back in"
            ),
            format!("ALTER TABLE {table} DETACH PARTITION {object} FINALIZE"),
        ),
        LeftoverKind::UnvalidatedConstraint => (
            format!("constraint {name} of {table} is NOT VALID: it holds for new rows only"),
            format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name}"),
        ),
        LeftoverKind::Trigger => (
            format!("trigger {name} on {table} is still there, and fires"),
            format!("DROP TRIGGER {name} ON {table}"),
        ),
    };
    Offer {
        leftover: leftover.clone(),
        sentence,
        sql,
        hides_rows: leftover.kind == LeftoverKind::PendingDetach,
        stage: Stage::Ready,
    }
}
