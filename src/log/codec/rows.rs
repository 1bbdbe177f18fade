//! The tables of samples and watches.
//!
//! Owns the names and kinds of their columns. Kinds were chosen by what they cost on a busy server.

use super::fields::{Field, Row, Value, field};
use super::locks::lock_fields;
use super::words::Intern;
use crate::engine::ids::{Oid, Pid, ServerTime, Word};
use crate::engine::locks::{LockMode, LockObject};
use crate::engine::sample::{
    Backend, BackendKind, Counts, DatabaseCounters, Edge, Lock, PreparedXact, Progress, Sample, Sender, Slot,
    SlowFacts, State, Watch,
};

/// Mixes one more number into a key.
fn mix(key: u64, with: u64) -> u64 {
    (key.rotate_left(5) ^ with).wrapping_mul(0x517c_c1b7_2722_0a95)
}

fn mix_word(key: u64, word: &str) -> u64 {
    word.bytes().fold(mix(key, word.len() as u64), |key, byte| mix(key, byte.into()))
}

fn pid_key(pid: Pid) -> u64 {
    i64::from(pid.0).cast_unsigned()
}

/// What a sample has once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SampleHead {
    pub(super) server_now: ServerTime,
    pub(super) cost_us: u64,
    pub(super) round_trip_us: u64,
    pub(super) counts: Counts,
    /// Whether it came with slow facts.
    pub(super) slow: bool,
}

impl SampleHead {
    pub(super) fn of(sample: &Sample) -> SampleHead {
        SampleHead {
            server_now: sample.server_now,
            cost_us: sample.cost_us,
            round_trip_us: sample.round_trip_us,
            counts: sample.counts,
            slow: sample.slow.is_some(),
        }
    }
}

impl Row for SampleHead {
    const TABLE: &'static str = "sample";
    const FIELDS: &'static [Field<Self>] = &[
        field!("server_now", "counter", server_now),
        field!("cost_us", "plain", cost_us),
        field!("round_trip_us", "near cost_us", round_trip_us),
        field!("total", "counter", counts.total),
        field!("active", "counter", counts.active),
        field!("idle", "counter", counts.idle),
        field!("idle_in_transaction", "counter", counts.idle_in_transaction),
        field!("masked", "counter", counts.masked),
        field!("slow", "plain", slow),
    ];

    fn key(&self) -> u64 {
        0
    }

    fn blank() -> Self {
        let (server_now, counts) = (ServerTime(0), Counts::default());
        SampleHead { server_now, cost_us: 0, round_trip_us: 0, counts, slow: false }
    }
}

impl Row for Backend {
    const TABLE: &'static str = "backends";
    const FIELDS: &'static [Field<Self>] = &[
        field!("pid", "drift", pid),
        field!("leader_pid", "near pid", leader_pid),
        field!("kind", "symbol", kind),
        field!("database", "known", database),
        field!("role", "known", role),
        field!("application", "symbol", application),
        field!("client", "symbol", client),
        field!("state", "symbol", state),
        field!("wait_event", "symbol", wait_event),
        field!("backend_start", "near sample.server_now", backend_start),
        field!("query_start", "near sample.server_now", query_start),
        field!("state_change", "near query_start", state_change),
        field!("xact_start", "near query_start", xact_start),
        field!("backend_xid", "drift", backend_xid),
        field!("text", "known", text),
    ];

    fn key(&self) -> u64 {
        pid_key(self.pid)
    }

    fn blank() -> Self {
        Backend {
            pid: Pid(0),
            leader_pid: None,
            kind: BackendKind::Other,
            database: None,
            role: None,
            application: Word::default(),
            client: None,
            state: State::None,
            wait_event: None,
            backend_start: None,
            xact_start: None,
            query_start: None,
            state_change: None,
            backend_xid: None,
            text: None,
        }
    }
}

impl Row for Lock {
    const TABLE: &'static str = "locks";
    const FIELDS: &'static [Field<Self>] = lock_fields!();

    fn key(&self) -> u64 {
        let key = mix(pid_key(self.pid), u64::from(self.granted) << 8 | self.mode as u64);
        let key = mix(key, self.prepared_xid.map_or(u64::MAX, u64::from));
        match &self.object {
            LockObject::Relation { database, relation } => {
                mix(mix(key, database.0.into()), relation.0.into())
            }
            LockObject::Part { database, relation, what } => {
                mix_word(mix(mix(key, database.0.into()), relation.0.into()), what)
            }
            LockObject::Transaction { xid } => mix(key, (*xid).into()),
            LockObject::VirtualTransaction { id } => mix_word(key, id),
            LockObject::Other { locktype, database } => mix_word(mix(key, database.0.into()), locktype),
        }
    }

    fn blank() -> Self {
        Lock {
            pid: Pid(0),
            prepared_xid: None,
            object: LockObject::Other { locktype: Word::default(), database: Oid(0) },
            mode: LockMode::AccessExclusiveLock,
            granted: false,
            wait_start: None,
        }
    }
}

/// The place of the field of an edge that counts its blockers.
pub(super) const N_BLOCKERS: usize = 1;

impl Row for Edge {
    const TABLE: &'static str = "edges";
    const FIELDS: &'static [Field<Self>] = &[
        field!("waiter", "known", waiter),
        Field {
            name: "n_blockers",
            kind: "plain",
            get: |edge, _| Some(edge.blockers.len() as u64),
            // The blockers are filled in once their own table has been read.
            set: |_, _, _| Ok(()),
        },
    ];

    fn key(&self) -> u64 {
        pid_key(self.waiter)
    }

    fn blank() -> Self {
        Edge { waiter: Pid(0), blockers: Vec::new() }
    }
}

/// One blocker of one edge, in the order of the edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blocker {
    /// Finds the row again; it is known from the edge.
    waiter: Pid,
    pub(super) pid: Pid,
}

impl Blocker {
    pub(super) fn all(edges: &[Edge]) -> Vec<Blocker> {
        let of = |edge: &Edge, pid: &Pid| Blocker { waiter: edge.waiter, pid: *pid };
        edges.iter().flat_map(|edge| edge.blockers.iter().map(move |pid| of(edge, pid))).collect()
    }
}

impl Row for Blocker {
    const TABLE: &'static str = "blockers";
    const FIELDS: &'static [Field<Self>] = &[field!("pid", "known", pid)];

    fn key(&self) -> u64 {
        mix(pid_key(self.waiter), pid_key(self.pid))
    }

    fn blank() -> Self {
        Blocker { waiter: Pid(0), pid: Pid(0) }
    }
}

impl Row for PreparedXact {
    const TABLE: &'static str = "prepared";
    const FIELDS: &'static [Field<Self>] = &[
        field!("xid", "drift", xid),
        field!("gid", "symbol", gid),
        field!("prepared", "near sample.server_now", prepared),
        field!("owner", "known", owner),
        field!("database", "known", database),
    ];

    fn key(&self) -> u64 {
        self.xid.into()
    }

    fn blank() -> Self {
        PreparedXact { xid: 0, gid: String::new(), prepared: ServerTime(0), owner: Oid(0), database: Oid(0) }
    }
}

/// What slow facts have once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SlowHead {
    pub(super) in_recovery: bool,
    pub(super) checkpointer_start: Option<ServerTime>,
    pub(super) wal_lsn: Option<u64>,
    pub(super) counters: DatabaseCounters,
}

impl SlowHead {
    pub(super) fn of(slow: &SlowFacts) -> SlowHead {
        SlowHead {
            in_recovery: slow.in_recovery,
            checkpointer_start: slow.checkpointer_start,
            wal_lsn: slow.wal_lsn,
            counters: slow.counters,
        }
    }
}

impl Row for SlowHead {
    const TABLE: &'static str = "slow";
    const FIELDS: &'static [Field<Self>] = &[
        field!("in_recovery", "plain", in_recovery),
        field!("checkpointer_start", "near sample.server_now", checkpointer_start),
        field!("wal_lsn", "counter", wal_lsn),
        field!("xact_commit", "counter", counters.xact_commit),
        field!("xact_rollback", "counter", counters.xact_rollback),
        field!("deadlocks", "counter", counters.deadlocks),
        field!("conflicts", "counter", counters.conflicts),
        field!("temp_bytes", "counter", counters.temp_bytes),
    ];

    fn key(&self) -> u64 {
        0
    }

    fn blank() -> Self {
        let counters = DatabaseCounters::default();
        SlowHead { in_recovery: false, checkpointer_start: None, wal_lsn: None, counters }
    }
}

impl Row for Sender {
    const TABLE: &'static str = "senders";
    const FIELDS: &'static [Field<Self>] = &[
        field!("pid", "drift", pid),
        field!("application", "symbol", application),
        field!("state", "symbol", state),
        field!("sync_state", "symbol", sync_state),
        field!("sent_lsn", "near slow.wal_lsn", sent_lsn),
        field!("write_lsn", "near sent_lsn", write_lsn),
        field!("flush_lsn", "near write_lsn", flush_lsn),
        field!("replay_lsn", "near flush_lsn", replay_lsn),
        field!("write_lag_us", "plain", write_lag_us),
        field!("flush_lag_us", "near write_lag_us", flush_lag_us),
        field!("replay_lag_us", "near flush_lag_us", replay_lag_us),
        field!("reply_time", "near sample.server_now", reply_time),
    ];

    fn key(&self) -> u64 {
        pid_key(self.pid)
    }

    fn blank() -> Self {
        Sender {
            pid: Pid(0),
            application: String::new(),
            state: None,
            sync_state: None,
            sent_lsn: None,
            write_lsn: None,
            flush_lsn: None,
            replay_lsn: None,
            write_lag_us: None,
            flush_lag_us: None,
            replay_lag_us: None,
            reply_time: None,
        }
    }
}

impl Row for Slot {
    const TABLE: &'static str = "slots";
    const FIELDS: &'static [Field<Self>] = &[
        field!("name", "symbol", name),
        field!("logical", "plain", logical),
        field!("active", "plain", active),
        field!("restart_lsn", "near slow.wal_lsn", restart_lsn),
        field!("wal_status", "symbol", wal_status),
    ];

    fn key(&self) -> u64 {
        mix_word(0, &self.name)
    }

    fn blank() -> Self {
        Slot { name: String::new(), logical: false, active: false, restart_lsn: None, wal_status: None }
    }
}

impl Row for Progress {
    const TABLE: &'static str = "progress";
    const FIELDS: &'static [Field<Self>] = &[
        field!("pid", "known", pid),
        field!("command", "symbol", command),
        field!("relation", "known", relation),
        field!("phase", "symbol", phase),
        field!("locker_pid", "known", locker_pid),
        Field {
            name: "lockers_done",
            kind: "counter",
            get: |row, _| row.lockers.map(|(done, _)| done),
            set: |row, view, n| {
                row.lockers = view.cell(n).zip(view.cell(n + 1));
                Ok(())
            },
        },
        Field {
            name: "lockers_total",
            kind: "counter",
            get: |row, _| row.lockers.map(|(_, total)| total),
            set: |row, view, n| {
                row.lockers = view.cell(n - 1).zip(view.cell(n));
                Ok(())
            },
        },
        field!("done", "counter", done),
        field!("total", "counter", total),
        field!("unit", "symbol", unit),
    ];

    fn key(&self) -> u64 {
        pid_key(self.pid)
    }

    fn blank() -> Self {
        Progress {
            pid: Pid(0),
            command: String::new(),
            relation: None,
            phase: None,
            locker_pid: None,
            lockers: None,
            done: None,
            total: None,
            unit: None,
        }
    }
}

/// What a watch has once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WatchHead {
    pub(super) server_now: ServerTime,
    pub(super) cost_us: u64,
    pub(super) waiting: u32,
    pub(super) oldest_wait_start: Option<ServerTime>,
}

impl WatchHead {
    pub(super) fn of(watch: &Watch) -> WatchHead {
        WatchHead {
            server_now: watch.server_now,
            cost_us: watch.cost_us,
            waiting: watch.waiting,
            oldest_wait_start: watch.oldest_wait_start,
        }
    }
}

impl Row for WatchHead {
    const TABLE: &'static str = "watch";
    const FIELDS: &'static [Field<Self>] = &[
        field!("server_now", "counter", server_now),
        field!("cost_us", "plain", cost_us),
        field!("waiting", "counter", waiting),
        field!("oldest_wait_start", "near server_now", oldest_wait_start),
    ];

    fn key(&self) -> u64 {
        0
    }

    fn blank() -> Self {
        WatchHead { server_now: ServerTime(0), cost_us: 0, waiting: 0, oldest_wait_start: None }
    }
}
