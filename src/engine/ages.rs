//! How long each backend has waited for its lock.
//!
//! Owns the age of waits; those of a parallel worker are its leader's. An age is read off the server's clock once, when a wait is first seen, from one
//! row; from then on only monotonic time adds to it. A wait cannot be older than the last full sample that
//! did not show it, so a server clock that steps by an hour ages nobody.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::{At, Pid, ServerTime};
use super::sample::Sample;

/// The waits of the last sample.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ages {
    waits: BTreeMap<Pid, Wait>,
    last_sample: Option<At>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Wait {
    backend_start: Option<ServerTime>,
    wait_start: Option<ServerTime>,
    first_seen: At,
    age_then_us: u64,
}

impl Ages {
    /// Takes in the waits of `sample`, which arrived `at`.
    pub fn observe(&mut self, at: At, sample: &Sample) {
        let starts: BTreeMap<Pid, Option<ServerTime>> =
            sample.backends.iter().map(|backend| (backend.pid, backend.backend_start)).collect();
        let leaders = sample.leaders();
        let mut seen = BTreeMap::new();
        for lock in sample.locks.iter().filter(|lock| !lock.granted) {
            let pid = leaders.get(&lock.pid).copied().unwrap_or(lock.pid);
            let backend_start = starts.get(&pid).copied().flatten();
            let known = self.waits.remove(&pid).filter(|known| {
                known.backend_start == backend_start
                    && (known.wait_start == lock.wait_start || known.wait_start.is_none())
            });
            let wait = match known {
                Some(known) => Wait { wait_start: lock.wait_start, ..known },
                None => Wait {
                    backend_start,
                    wait_start: lock.wait_start,
                    first_seen: at,
                    age_then_us: self.first_age_us(at, sample.server_now, lock.wait_start),
                },
            };
            seen.insert(pid, wait);
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
        let wait = self.waits.get(&pid)?;
        Some(wait.age_then_us + at.us_since(wait.first_seen))
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
