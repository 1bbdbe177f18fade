//! How long each backend has waited for its lock.
//!
//! Owns the age of waits; those of parallel workers are their leader's, which has waited as long as the
//! longest of them. An age is read off the server's clock once, when a wait is first seen, from one row; from
//! then on only monotonic time adds to it. A wait cannot be older than the last full sample that did not show
//! it, so a server clock that steps by an hour ages nobody.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::{At, Pid, ServerTime};
use super::sample::Sample;

#[cfg(test)]
mod tests;

/// The waits of the last sample.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ages {
    /// By backend; several where parallel workers wait.
    waits: BTreeMap<Pid, Vec<Wait>>,
    last_sample: Option<At>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Wait {
    /// The process that waits: the backend itself, or one of its parallel workers.
    process: Pid,
    backend_start: Option<ServerTime>,
    wait_start: Option<ServerTime>,
    first_seen: At,
    age_then_us: u64,
}

impl Wait {
    /// Whether `later` is the same wait, seen again. The server fills in the start of a wait late.
    fn continues_as(&self, later: &Wait) -> bool {
        self.process == later.process
            && self.backend_start == later.backend_start
            && (self.wait_start == later.wait_start || self.wait_start.is_none())
    }
}

impl Ages {
    /// Takes in the waits of `sample`, which arrived `at`.
    pub fn observe(&mut self, at: At, sample: &Sample) {
        let starts: BTreeMap<Pid, Option<ServerTime>> =
            sample.backends.iter().map(|backend| (backend.pid, backend.backend_start)).collect();
        let leaders = sample.leaders();
        let mut seen: BTreeMap<Pid, Vec<Wait>> = BTreeMap::new();
        for lock in sample.locks.iter().filter(|lock| !lock.granted) {
            let pid = leaders.get(&lock.pid).copied().unwrap_or(lock.pid);
            let mut wait = Wait {
                process: lock.pid,
                backend_start: starts.get(&lock.pid).copied().flatten(),
                wait_start: lock.wait_start,
                first_seen: at,
                age_then_us: self.first_age_us(at, sample.server_now, lock.wait_start),
            };
            let before = self.waits.get(&pid).and_then(|all| all.iter().find(|w| w.continues_as(&wait)));
            if let Some(before) = before {
                (wait.first_seen, wait.age_then_us) = (before.first_seen, before.age_then_us);
            }
            seen.entry(pid).or_default().push(wait);
        }
        self.waits = seen;
        self.last_sample = Some(at);
    }

    /// Forgets everything: what comes next is another server, or the same one restarted.
    pub fn reset(&mut self) {
        *self = Ages::default();
    }

    /// How long `pid` has waited, in microseconds; `None` when it does not wait.
    pub fn age_us(&self, at: At, pid: Pid) -> Option<u64> {
        let waits = self.waits.get(&pid)?.iter();
        waits.map(|wait| wait.age_then_us.saturating_add(at.us_since(wait.first_seen))).max()
    }

    /// How long `pid` has waited, in whole milliseconds.
    pub fn age_ms(&self, at: At, pid: Pid) -> Option<u64> {
        self.age_us(at, pid).map(|us| us / 1_000)
    }

    /// The longest of the waits of `pids`, in milliseconds; `None` when none of them waits.
    pub fn oldest_ms(&self, at: At, pids: impl IntoIterator<Item = Pid>) -> Option<u64> {
        pids.into_iter().filter_map(|pid| self.age_ms(at, pid)).max()
    }

    fn first_age_us(&self, at: At, server_now: ServerTime, wait_start: Option<ServerTime>) -> u64 {
        let by_server = wait_start.map_or(0, |start| server_now.us_since(start));
        match self.last_sample {
            Some(last) => by_server.min(at.us_since(last)),
            None => by_server,
        }
    }
}
