//! PostgreSQL's names of the phases of commands, where more than one room needs them.

/// Those of `pg_stat_progress_create_index`, as its numbers count them: all of them come in REINDEX CONCURRENTLY.
pub const CREATE_INDEX: [&str; 10] = [
    "initializing",
    "waiting for writers before build",
    "building index",
    "waiting for writers before validation",
    "index validation: scanning index",
    "index validation: sorting tuples",
    "index validation: scanning table",
    "waiting for old snapshots",
    "waiting for readers before marking dead",
    "waiting for readers before dropping",
];
