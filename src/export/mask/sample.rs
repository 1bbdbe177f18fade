//! The names in a sample: most of a log, so they are replaced in place.
//!
//! Every field is named here: one that is added later must be decided on.

use std::collections::BTreeMap;

use super::names::{Kind, Names};
use crate::engine::ids::{Oid, Word};
use crate::engine::sample::{Backend, PreparedXact, Progress, Sample, Sender, Slot, SlowFacts};

/// The words of samples that were met already.
#[derive(Debug, Default)]
pub(super) struct Words(BTreeMap<(Kind, Word), Word>);

/// Replaces the names in `sample`, and remembers what it refers to.
pub(super) fn sample(names: &mut Names, words: &mut Words, sample: &mut Sample) {
    let Sample {
        server_now: _,
        cost_us: _,
        round_trip_us: _,
        counts: _,
        backends,
        locks: _,
        edges: _,
        prepared,
        slow,
    } = sample;
    for one in backends {
        backend(names, words, one);
    }
    for PreparedXact { xid: _, gid, prepared: _, owner, database: _ } in prepared {
        *gid = names.mask(Kind::Prepared, gid);
        nameless(names, Some(*owner));
    }
    if let Some(facts) = slow {
        self::slow(names, facts);
    }
}

/// Replaces the names in what is read once a second.
pub(super) fn slow(names: &mut Names, facts: &mut SlowFacts) {
    let SlowFacts {
        in_recovery: _,
        checkpointer_start: _,
        wal_lsn: _,
        senders,
        slots,
        progress,
        counters: _,
    } = facts;
    for Sender {
        pid: _,
        application,
        // Words of the server's, and figures.
        state: _,
        sync_state: _,
        sent_lsn: _,
        write_lsn: _,
        flush_lsn: _,
        replay_lsn: _,
        write_lag_us: _,
        flush_lag_us: _,
        replay_lag_us: _,
        reply_time: _,
    } in senders
    {
        *application = names.mask(Kind::Standby, application);
    }
    for Slot { name, logical: _, active: _, restart_lsn: _, wal_status: _ } in slots {
        *name = names.mask(Kind::Slot, name);
    }
    for Progress {
        pid: _,
        command: _,
        relation: _,
        phase: _,
        locker_pid: _,
        lockers: _,
        done: _,
        total: _,
        unit: _,
    } in progress
    {}
}

fn backend(names: &mut Names, words: &mut Words, backend: &mut Backend) {
    let Backend {
        pid: _,
        leader_pid: _,
        kind: _,
        database: _,
        role,
        application,
        client,
        state: _,
        wait_event: _,
        backend_start: _,
        xact_start: _,
        query_start: _,
        state_change: _,
        backend_xid: _,
        text,
    } = backend;
    nameless(names, *role);
    word(names, words, Kind::Application, application);
    if let Some(client) = client {
        word(names, words, Kind::Client, client);
    }
    names.texts.extend(*text);
}

fn word(names: &mut Names, words: &mut Words, kind: Kind, word: &mut Word) {
    let mask = words.0.entry((kind, word.clone())).or_insert_with(|| names.mask(kind, word).into());
    *word = mask.clone();
}

/// A pattern on roles is also matched with what stands for a role without a name.
fn nameless(names: &mut Names, role: Option<Oid>) {
    names.nameless.insert(role.map_or_else(|| "no role".to_owned(), |role| format!("role {role}")));
}
