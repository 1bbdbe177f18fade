//! What one sample means: who plays which part, who waits for whom, and whose fault it is.
//!
//! Owns the reading of a sample. Holds no time and no memory of earlier samples.
//!
//! Harm is attributed to the *nearest* backend up a victim's chain that holds or awaits a strong lock: what
//! merely passes through another backend's wait is that backend's.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::Catalog;
use super::ids::{Oid, Pid};
use super::locks::LockMode;
use super::sample::{Backend, BackendKind, Sample};
use super::waits::WaitGraph;

#[cfg(test)]
mod tests;

/// The part a backend plays in a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A client at ordinary work. Only these can be victims.
    Client,
    /// A client that holds or awaits SHARE UPDATE EXCLUSIVE or stronger on a permanent user relation.
    SchemaWork,
    /// One of lockpit's own sessions.
    Lockpit,
    /// An autovacuum worker.
    Autovacuum,
    /// A WAL sender.
    WalSender,
    /// Any other process of the server.
    Server,
    /// A prepared transaction: there is no process to signal.
    Prepared,
    /// A process that the activity does not show (any more).
    Unknown,
}

impl Part {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Part::Client => "client",
            Part::SchemaWork => "schema work",
            Part::Lockpit => "lockpit",
            Part::Autovacuum => "autovacuum",
            Part::WalSender => "walsender",
            Part::Server => "server process",
            Part::Prepared => "prepared transaction",
            Part::Unknown => "unknown",
        }
    }
}

/// A lock that makes its backend's work schema work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemaLock {
    /// Its database.
    pub database: Oid,
    /// The permanent user relation it is on.
    pub relation: Oid,
    /// SHARE UPDATE EXCLUSIVE or stronger.
    pub mode: LockMode,
    /// Held (true) or awaited (false).
    pub granted: bool,
}

/// A sample, understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scene {
    /// Who waits for whom.
    pub graph: WaitGraph,
    parts: BTreeMap<Pid, Part>,
    schema_locks: BTreeMap<Pid, Vec<SchemaLock>>,
    strong: BTreeSet<Pid>,
    distances: BTreeMap<Pid, u32>,
}

impl Scene {
    /// Reads `sample`.
    pub fn of(sample: &Sample, catalog: &Catalog) -> Scene {
        let graph = WaitGraph::of(sample);
        let schema_locks = schema_locks(sample, catalog);
        let strong: BTreeSet<Pid> = schema_locks
            .iter()
            .filter(|(_, locks)| locks.iter().any(|lock| lock.mode.is_strong()))
            .map(|(&pid, _)| pid)
            .collect();
        let mut parts: BTreeMap<Pid, Part> = sample
            .backends
            .iter()
            .filter(|backend| backend.kind != BackendKind::ParallelWorker)
            .map(|backend| (backend.pid, part_of(backend, &schema_locks)))
            .collect();
        parts.insert(Pid::PREPARED, Part::Prepared);
        let distances = graph.distances(&strong);
        Scene { graph, parts, schema_locks, strong, distances }
    }

    /// The part `pid` plays.
    pub fn part(&self, pid: Pid) -> Part {
        self.parts.get(&pid).copied().unwrap_or(Part::Unknown)
    }

    /// Locks that make `pid`'s work schema work.
    pub fn schema_locks(&self, pid: Pid) -> &[SchemaLock] {
        self.schema_locks.get(&pid).map_or(&[], Vec::as_slice)
    }

    /// Everyone at schema work that is a client, ascending.
    pub fn schema_workers(&self) -> impl Iterator<Item = Pid> {
        self.schema_locks.keys().copied().filter(|&pid| self.part(pid) == Part::SchemaWork)
    }

    /// Whether `pid` holds or awaits a lock that conflicts with reads or writes.
    pub fn is_strong(&self, pid: Pid) -> bool {
        self.strong.contains(&pid)
    }

    /// Clients at ordinary work whose nearest strong backend is `pid`, ascending. A weak backend has none.
    pub fn victims_of(&self, pid: Pid) -> Vec<Pid> {
        if !self.is_strong(pid) {
            return Vec::new();
        }
        let behind = self.graph.nearest(pid, &self.strong, &self.distances);
        behind.into_iter().filter(|&pid| self.part(pid) == Part::Client).collect()
    }

    /// Clients whose chain of blockers contains `pid`, schema work included, ascending.
    pub fn clients_behind(&self, pid: Pid) -> Vec<Pid> {
        let is_client = |pid: &Pid| matches!(self.part(*pid), Part::Client | Part::SchemaWork);
        self.graph.downstream(pid).into_iter().filter(is_client).collect()
    }

    /// Client backends that wait for a lock, without lockpit's own.
    pub fn waiting_clients(&self) -> impl Iterator<Item = Pid> {
        self.graph.waiting().filter(|&pid| matches!(self.part(pid), Part::Client | Part::SchemaWork))
    }
}

fn schema_locks(sample: &Sample, catalog: &Catalog) -> BTreeMap<Pid, Vec<SchemaLock>> {
    let leaders = sample.leaders();
    let mut found: BTreeMap<Pid, Vec<SchemaLock>> = BTreeMap::new();
    for lock in sample.locks.iter().filter(|lock| lock.mode.is_schema_work()) {
        let Some((database, relation)) = lock.object.relation() else { continue };
        if catalog.is_permanent_user_relation(database, relation) {
            let holder = leaders.get(&lock.pid).copied().unwrap_or(lock.pid);
            let lock = SchemaLock { database, relation, mode: lock.mode, granted: lock.granted };
            found.entry(holder).or_default().push(lock);
        }
    }
    for locks in found.values_mut() {
        locks.sort_unstable();
        locks.dedup();
    }
    found
}

fn part_of(backend: &Backend, schema_locks: &BTreeMap<Pid, Vec<SchemaLock>>) -> Part {
    match backend.kind {
        BackendKind::Client if schema_locks.contains_key(&backend.pid) => Part::SchemaWork,
        BackendKind::Client => Part::Client,
        BackendKind::Lockpit => Part::Lockpit,
        BackendKind::Autovacuum => Part::Autovacuum,
        BackendKind::WalSender => Part::WalSender,
        BackendKind::ParallelWorker | BackendKind::Other => Part::Server,
    }
}
