//! What a statement is, read from its SQL.
//!
//! Owns the translation of one statement into a [`Form`]. Never keeps a literal.

use crate::engine::plan::form::Form;
use crate::pg::text::script::kind_of;

/// Commands that cannot run inside a transaction.
const ALONE: [&str; 13] = [
    "ALTER SYSTEM",
    "ALTER TABLE DETACH PARTITION CONCURRENTLY",
    "CREATE DATABASE",
    "CREATE INDEX CONCURRENTLY",
    "CREATE SUBSCRIPTION",
    "CREATE TABLESPACE",
    "DROP DATABASE",
    "DROP INDEX CONCURRENTLY",
    "DROP SUBSCRIPTION",
    "DROP TABLESPACE",
    "REINDEX CONCURRENTLY",
    "VACUUM",
    "VACUUM FULL",
];

/// What the statement `sql` is.
pub fn read(sql: &str) -> Form {
    let kind = kind_of(sql);
    let alone = ALONE.contains(&kind.as_str()).then(|| format!("{kind} cannot run inside a transaction"));
    Form { alone, ..Form::unknown(&kind) }
}
