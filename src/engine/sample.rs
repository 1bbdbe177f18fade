//! The raw facts of one poll.
//!
//! Owns what can be observed and how it is said that something cannot. Holds no rates, no ages and no
//! conclusions: those are derived from two samples or kept by the engine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::{BackendId, Oid, Pid, ServerTime, TextId, Word};
use super::locks::{LockMode, LockObject};

/// A fact, or the reason why it is not one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact<T> {
    /// Observed.
    Known(T),
    /// Not observed, and why, in words for people.
    Missing(String),
}

impl<T> Fact<T> {
    /// The observation, if there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Fact::Known(value) => Some(value),
            Fact::Missing(_) => None,
        }
    }
}

/// One full sample of the cluster. It is not a snapshot: activity, locks and edges are read one after the
/// other, so edges to finished backends and waiters without a blocker occur.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The server's wall clock while it answered.
    pub server_now: ServerTime,
    /// The server's own time inside the statement, in microseconds.
    pub cost_us: u64,
    /// From sending to the last row, in microseconds.
    pub round_trip_us: u64,
    /// How many sessions there are, by state.
    pub counts: Counts,
    /// Everyone who is not idle, and everyone who takes part in a lock wait or holds a lock listed below.
    pub backends: Vec<Backend>,
    /// All ungranted locks; granted ones on objects somebody awaits; granted ones of mode
    /// SHARE UPDATE EXCLUSIVE or stronger on user relations.
    pub locks: Vec<Lock>,
    /// Who waits for whom, by `pg_blocking_pids()`.
    pub edges: Vec<Edge>,
    /// Prepared transactions, whatever they hold.
    pub prepared: Vec<PreparedXact>,
    /// What is read once a second; absent from the samples in between.
    pub slow: Option<Box<SlowFacts>>,
}

impl Sample {
    /// The leader of each parallel worker.
    pub fn leaders(&self) -> BTreeMap<Pid, Pid> {
        self.backends.iter().filter_map(|backend| Some((backend.pid, backend.leader_pid?))).collect()
    }

    /// The row of `pid`, if it has one.
    pub fn backend(&self, pid: Pid) -> Option<&Backend> {
        self.backends.iter().find(|backend| backend.pid == pid)
    }
}

/// Sessions by state. Client backends only; lockpit's own are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// All client backends, masked ones included.
    pub total: u32,
    /// State `active`.
    pub active: u32,
    /// State `idle`.
    pub idle: u32,
    /// States `idle in transaction` and `idle in transaction (aborted)`.
    pub idle_in_transaction: u32,
    /// Backends of any kind whose state this login may not see.
    pub masked: u32,
}

/// The state of a backend, as `pg_stat_activity.state` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Running a statement.
    Active,
    /// Waiting for a client's command.
    Idle,
    /// In a transaction, waiting for a client's command.
    IdleInTransaction,
    /// The same after an error.
    IdleInTransactionAborted,
    /// Running a fast-path function.
    Fastpath,
    /// `track_activities` is off in it.
    Disabled,
    /// A process that has no state, such as the checkpointer.
    None,
    /// This login may not see it.
    Masked,
}

impl State {
    /// The state named `name` in `pg_stat_activity`; [`State::None`] for a name not known here.
    pub fn from_name(name: &str) -> State {
        match name {
            "active" => State::Active,
            "idle" => State::Idle,
            "idle in transaction" => State::IdleInTransaction,
            "idle in transaction (aborted)" => State::IdleInTransactionAborted,
            "fastpath function call" => State::Fastpath,
            "disabled" => State::Disabled,
            _ => State::None,
        }
    }

    /// PostgreSQL's word for it, or why there is none.
    pub fn name(self) -> &'static str {
        match self {
            State::Active => "active",
            State::Idle => "idle",
            State::IdleInTransaction => "idle in transaction",
            State::IdleInTransactionAborted => "idle in transaction (aborted)",
            State::Fastpath => "fastpath function call",
            State::Disabled => "state not tracked",
            State::None => "no state",
            State::Masked => "state hidden from this login",
        }
    }
}

/// What kind of process a backend is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BackendKind {
    /// Serves a client.
    Client,
    /// Serves one of lockpit's own connections.
    Lockpit,
    /// Helps a leader with one query.
    ParallelWorker,
    /// Vacuums or analyzes by itself.
    Autovacuum,
    /// Streams WAL to a standby or subscriber.
    WalSender,
    /// Applies changes, replays WAL, or any other process of the server's own.
    Other,
}

/// One row of `pg_stat_activity`. What this login may not see is `None` or [`State::Masked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backend {
    /// Its process id.
    pub pid: Pid,
    /// The leader of a parallel worker.
    pub leader_pid: Option<Pid>,
    /// What kind of process it is. A masked backend of a role counts as a client.
    pub kind: BackendKind,
    /// The database it is connected to.
    pub database: Option<Oid>,
    /// The role it logged in as.
    pub role: Option<Oid>,
    /// What the client calls itself; visible to every login.
    pub application: Word,
    /// Where the client is: an address, or `local` for a Unix socket.
    pub client: Option<Word>,
    /// What it is doing.
    pub state: State,
    /// The event it waits for, as `Type/Event`.
    pub wait_event: Option<Word>,
    /// Start of the session.
    pub backend_start: Option<ServerTime>,
    /// Start of its transaction.
    pub xact_start: Option<ServerTime>,
    /// Start of its current or last statement.
    pub query_start: Option<ServerTime>,
    /// When `state` last changed.
    pub state_change: Option<ServerTime>,
    /// The transaction id it has been given, once it has written.
    pub backend_xid: Option<u32>,
    /// Its current or last statement.
    pub text: Option<TextId>,
}

/// Whether this wait is that of a committed transaction for a synchronous standby.
pub fn is_sync_rep(wait_event: Option<&str>) -> bool {
    wait_event == Some("IPC/SyncRep")
}

impl Backend {
    /// Its identity.
    pub fn id(&self) -> BackendId {
        BackendId { pid: self.pid, backend_start: self.backend_start }
    }
}

/// One lock, held or awaited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Who holds or awaits it; [`Pid::PREPARED`] for a prepared transaction.
    pub pid: Pid,
    /// The prepared transaction that holds it, by [`PreparedXact::xid`].
    pub prepared_xid: Option<u32>,
    /// What it is on.
    pub object: LockObject,
    /// How strong it is.
    pub mode: LockMode,
    /// Held (true) or awaited (false).
    pub granted: bool,
    /// Since when it is awaited; the server fills it in a moment after the wait began.
    pub wait_start: Option<ServerTime>,
}

/// Whom one waiter waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// The waiting backend.
    pub waiter: Pid,
    /// Holders of conflicting locks and earlier waiters for one; [`Pid::PREPARED`] among them for a
    /// prepared transaction. Each pid once, ascending; empty when the server named nobody.
    pub blockers: Vec<Pid>,
}

/// A transaction prepared for two-phase commit. No process runs it, so none can be cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedXact {
    /// Its transaction id.
    pub xid: u32,
    /// Its name in `COMMIT PREPARED` and `ROLLBACK PREPARED`.
    pub gid: String,
    /// When it was prepared.
    pub prepared: ServerTime,
    /// The role that prepared it.
    pub owner: Oid,
    /// Its database.
    pub database: Oid,
}

/// What is read once a second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowFacts {
    /// Whether the server is a standby (or recovering).
    pub in_recovery: bool,
    /// Start of the checkpointer: changes when the server has restarted or recovered from a crash.
    pub checkpointer_start: Option<ServerTime>,
    /// The end of WAL written here, or received and replayed here on a standby, in bytes.
    pub wal_lsn: Option<u64>,
    /// WAL senders.
    pub senders: Vec<Sender>,
    /// Replication slots.
    pub slots: Vec<Slot>,
    /// Commands that report progress.
    pub progress: Vec<Progress>,
    /// Counters of the connected database.
    pub counters: DatabaseCounters,
}

/// One row of `pg_stat_replication`; positions are LSNs in bytes. All `None` where masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// The WAL sender process.
    pub pid: Pid,
    /// `application_name` of the standby.
    pub application: String,
    /// `streaming`, `catchup`, ...
    pub state: Option<String>,
    /// `async`, `sync`, `quorum`, `potential`.
    pub sync_state: Option<String>,
    /// Sent to it.
    pub sent_lsn: Option<u64>,
    /// Written by it.
    pub write_lsn: Option<u64>,
    /// Flushed by it.
    pub flush_lsn: Option<u64>,
    /// Replayed by it.
    pub replay_lsn: Option<u64>,
    /// `write_lag`, in microseconds; `None` when idle for a while, which is not zero.
    pub write_lag_us: Option<u64>,
    /// `flush_lag`, in microseconds.
    pub flush_lag_us: Option<u64>,
    /// `replay_lag`, in microseconds.
    pub replay_lag_us: Option<u64>,
    /// When its last reply was sent, by its own clock.
    pub reply_time: Option<ServerTime>,
}

/// One row of `pg_replication_slots`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Logical (true) or physical.
    pub logical: bool,
    /// Whether somebody streams from it.
    pub active: bool,
    /// Oldest WAL it keeps, an LSN in bytes.
    pub restart_lsn: Option<u64>,
    /// `reserved`, `extended`, `unreserved`, `lost`.
    pub wal_status: Option<String>,
}

/// One command that reports progress, from any `pg_stat_progress_*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The backend.
    pub pid: Pid,
    /// The kind of command, as the server's function is asked: `CREATE INDEX`, `VACUUM`, ...
    pub command: String,
    /// The relation it works on.
    pub relation: Option<Oid>,
    /// The server's name of the phase.
    pub phase: Option<String>,
    /// Whom the phase waits for (`current_locker_pid`).
    pub locker_pid: Option<Pid>,
    /// Lockers done and in all, in a phase that waits for lockers.
    pub lockers: Option<(u64, u64)>,
    /// Done, in `unit`.
    pub done: Option<u64>,
    /// In all, in `unit`; `None` where the server does not know.
    pub total: Option<u64>,
    /// `blocks`, `tuples`, `bytes` or `relations`.
    pub unit: Option<String>,
}

/// Counters of the connected database since its statistics were reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DatabaseCounters {
    /// Committed transactions.
    pub xact_commit: u64,
    /// Rolled back transactions.
    pub xact_rollback: u64,
    /// Deadlocks the server has broken.
    pub deadlocks: u64,
    /// Queries cancelled by recovery conflicts.
    pub conflicts: u64,
    /// Bytes written to temporary files.
    pub temp_bytes: u64,
}

/// What the watch saw: a cheap look between two samples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// The server's wall clock while it answered.
    pub server_now: ServerTime,
    /// The server's own time inside the statement, in microseconds.
    pub cost_us: u64,
    /// Backends that await a lock.
    pub waiting: u32,
    /// Since when the longest of them waits.
    pub oldest_wait_start: Option<ServerTime>,
    /// The twenty that have waited longest, with their blockers.
    pub oldest: Vec<Edge>,
}
