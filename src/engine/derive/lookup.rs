//! One sample, indexed: who, which locks, in words.
//!
//! Owns what every derivation needs to know of single backends: built once per drawing, so that nothing is
//! searched for row by row. Concludes nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Cockpit;
use crate::engine::ids::{At, Pid, ServerTime};
use crate::engine::locks::{LockMode, LockObject};
use crate::engine::sample::{Backend, Lock, PreparedXact, Progress, Sample};
use crate::engine::text::Text;

/// The last sample, by backend.
#[derive(Debug)]
pub struct Lookup<'a> {
    cockpit: &'a Cockpit,
    sample: &'a Sample,
    backends: BTreeMap<Pid, &'a Backend>,
    locks: BTreeMap<Pid, Vec<&'a Lock>>,
    awaited: BTreeSet<&'a LockObject>,
}

/// A lock in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockWords {
    /// Held (true) or awaited (false).
    pub granted: bool,
    /// How strong it is.
    pub mode: LockMode,
    /// What it is on: a relation's name, `tuple of 20001`, `transaction 731`.
    pub on: String,
}

impl LockWords {
    /// `awaits AccessExclusiveLock on users`.
    pub fn sentence(&self) -> String {
        let verb = if self.granted { "holds" } else { "awaits" };
        format!("{verb} {} on {}", self.mode, self.on)
    }
}

impl<'a> Lookup<'a> {
    /// The last sample of `cockpit`, if there is one.
    pub fn of(cockpit: &'a Cockpit) -> Option<Lookup<'a>> {
        let sample = cockpit.sample()?;
        let leaders = sample.leaders();
        let mut locks: BTreeMap<Pid, Vec<&Lock>> = BTreeMap::new();
        let (own, of_workers): (Vec<&Lock>, Vec<&Lock>) =
            sample.locks.iter().partition(|lock| !leaders.contains_key(&lock.pid));
        for lock in own.into_iter().chain(of_workers) {
            let pid = leaders.get(&lock.pid).copied().unwrap_or(lock.pid);
            locks.entry(pid).or_default().push(lock);
        }
        Some(Lookup {
            cockpit,
            sample,
            backends: sample.backends.iter().map(|backend| (backend.pid, backend)).collect(),
            locks,
            awaited: sample.locks.iter().filter(|lock| !lock.granted).map(|lock| &lock.object).collect(),
        })
    }

    /// The engine it was read from.
    pub fn cockpit(&self) -> &'a Cockpit {
        self.cockpit
    }

    /// The sample.
    pub fn sample(&self) -> &'a Sample {
        self.sample
    }

    /// The row of `pid`, if it has one.
    pub fn backend(&self, pid: Pid) -> Option<&'a Backend> {
        self.backends.get(&pid).copied()
    }

    /// The statement of `pid`, where it is known.
    pub fn text(&self, pid: Pid) -> Option<&'a Text> {
        self.cockpit.catalog().text(self.backend(pid)?.text)
    }

    /// Whether the statement of `pid` was told, and is lost from the log.
    pub fn is_text_lost(&self, pid: Pid) -> bool {
        self.backend(pid).is_some_and(|backend| self.cockpit.catalog().is_lost(backend.text))
    }

    /// The locks of `pid` that were read, those of its parallel workers last.
    pub fn locks(&self, pid: Pid) -> &[&'a Lock] {
        self.locks.get(&pid).map_or(&[], Vec::as_slice)
    }

    /// The lock a waiter awaits.
    pub fn awaited(&self, pid: Pid) -> Option<&'a Lock> {
        self.locks(pid).iter().copied().find(|lock| !lock.granted)
    }

    /// The strongest lock that `pid` holds on what somebody awaits.
    pub fn held(&self, pid: Pid) -> Option<&'a Lock> {
        let held = self.locks(pid).iter().copied().filter(|lock| lock.granted);
        held.filter(|lock| self.awaited.contains(&lock.object)).max_by_key(|lock| lock.mode)
    }

    /// A lock in words.
    pub fn words(&self, lock: &Lock) -> LockWords {
        let on = match lock.object.relation() {
            Some((database, relation)) => self.cockpit.catalog().relation(database, relation),
            None => object_name(&lock.object),
        };
        LockWords { granted: lock.granted, mode: lock.mode, on }
    }

    /// The lock a waiter awaits; else the strongest one a root holds on what somebody awaits.
    pub fn lock(&self, pid: Pid) -> Option<LockWords> {
        self.awaited(pid).or_else(|| self.held(pid)).map(|lock| self.words(lock))
    }

    /// Prepared transactions that hold something somebody awaits.
    pub fn blocking_prepared(&self) -> Vec<&'a PreparedXact> {
        let blocking: BTreeSet<u32> = self
            .locks(Pid::PREPARED)
            .iter()
            .filter(|lock| self.awaited.contains(&lock.object))
            .filter_map(|lock| lock.prepared_xid)
            .collect();
        self.sample.prepared.iter().filter(|prepared| blocking.contains(&prepared.xid)).collect()
    }

    /// What `pid` reports of its progress.
    pub fn progress(&self, pid: Pid) -> Option<&'a Progress> {
        self.cockpit.slow()?.progress.iter().find(|progress| progress.pid == pid)
    }

    /// How long ago `start` was at `at`, in milliseconds: read off the server's clock at the sample, and
    /// counted on by ours.
    pub fn age_ms(&self, at: At, start: ServerTime) -> u64 {
        let since = self.cockpit.sample_at().map_or(0, |seen| at.us_since(seen));
        self.sample.server_now.us_since(start).saturating_add(since) / 1_000
    }
}

/// Backends with the same `key` together, most first: the key, its backends, and their longest wait.
pub fn grouped<K: Ord>(
    pids: impl IntoIterator<Item = Pid>,
    key: impl Fn(Pid) -> K,
    age_ms: impl Fn(Pid) -> Option<u64>,
) -> Vec<(K, Vec<Pid>, Option<u64>)> {
    let mut groups: BTreeMap<K, (Vec<Pid>, Option<u64>)> = BTreeMap::new();
    for pid in pids {
        let (members, oldest_ms) = groups.entry(key(pid)).or_default();
        members.push(pid);
        *oldest_ms = (*oldest_ms).max(age_ms(pid));
    }
    let mut groups: Vec<_> = groups.into_iter().map(|(key, (pids, oldest))| (key, pids, oldest)).collect();
    groups.sort_by_key(|(_, pids, _)| std::cmp::Reverse(pids.len()));
    groups
}

fn object_name(object: &LockObject) -> String {
    match object {
        LockObject::Relation { relation, .. } => relation.to_string(),
        LockObject::Part { relation, what, .. } => format!("{what} of {relation}"),
        LockObject::Transaction { xid } => format!("transaction {xid}"),
        LockObject::VirtualTransaction { id } => format!("virtual transaction {id}"),
        LockObject::Other { locktype, .. } => locktype.to_string(),
    }
}
