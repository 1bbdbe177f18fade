//! What the server's machine and its processes do: raw counters, and the rates between two readings.
//!
//! Owns the shapes of a reading and the derivation of rates. Never reads anything itself, and never guesses: a
//! counter that is missing, went backwards or belongs to another process has no rate.

use serde::{Deserialize, Serialize};

use super::ids::{At, BackendId};
use super::sample::Fact;

#[cfg(test)]
mod tests;

/// One reading of the machine the server runs on. Counters are raw; nothing here is a rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// When it was read, in time of the flight.
    pub taken_at: At,
    /// The sampler's own backend, by which the server was recognised as one of this machine.
    pub sampler: BackendId,
    /// The machine as a whole.
    pub machine: Machine,
    /// Processes of backends, by identity, ascending.
    pub backends: Vec<HostBackend>,
    /// Backends that were to be read and are not here: too many, start hidden from this login, or gone.
    pub unread: u32,
}

/// The machine as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Processors.
    pub cpus: u32,
    /// Time of all processors since the machine started; unknown where the system does not count it.
    pub cpu: Option<CpuTicks>,
    /// Load average over 1, 5 and 15 minutes, in thousandths.
    pub load_milli: Option<[u64; 3]>,
    /// Memory.
    pub memory: Option<Memory>,
}

/// Time of all processors together, in the system's ticks: only shares of it mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuTicks {
    /// Ticks in which a processor worked; waiting for a disk is not work.
    pub busy: u64,
    /// All ticks.
    pub total: u64,
}

/// Memory of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// All there is.
    pub total_bytes: u64,
    /// What can be had without swapping.
    pub available_bytes: u64,
}

/// The process of one backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostBackend {
    /// The backend.
    pub backend: BackendId,
    /// Processor time it has used, in microseconds; the system counts in steps of some 10 ms.
    pub cpu_us: u64,
    /// Resident memory, the touched part of the shared buffers included.
    pub rss_bytes: u64,
    /// What it has moved to and from disks; unknown where this user may not see it.
    pub io: Option<IoBytes>,
}

/// Bytes a process has moved to and from disks (not what the page cache answered).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IoBytes {
    /// Read.
    pub read_bytes: u64,
    /// Written.
    pub written_bytes: u64,
}

impl HostFacts {
    /// The process of this backend, if it was read.
    pub fn backend(&self, backend: BackendId) -> Option<&HostBackend> {
        let found = self.backends.binary_search_by_key(&backend, |process| process.backend).ok()?;
        self.backends.get(found)
    }
}

/// What happened per second between two readings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostRates {
    /// Time between the two readings, in microseconds.
    pub over_us: u64,
    /// Share of the processors' time in which they worked: 1000 is all of them.
    pub cpu_permille: Option<u32>,
    /// Backends that were in both readings, by identity, ascending.
    pub backends: Vec<BackendRates>,
}

/// What one backend did per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackendRates {
    /// The backend.
    pub backend: BackendId,
    /// Share of one processor: 1000 is all of it.
    pub cpu_permille: Option<u32>,
    /// Bytes read from disks per second.
    pub read_bps: Option<u64>,
    /// Bytes written to disks per second.
    pub write_bps: Option<u64>,
}

impl HostRates {
    /// What happened between two readings. Empty unless `later` is later.
    pub fn between(earlier: &HostFacts, later: &HostFacts) -> HostRates {
        let over_us = later.taken_at.us_since(earlier.taken_at);
        if over_us == 0 {
            return HostRates::default();
        }
        let cpu = earlier.machine.cpu.zip(later.machine.cpu);
        let cpu_permille = cpu.and_then(|(from, to)| {
            let (busy, total) = (grown(from.busy, to.busy)?, grown(from.total, to.total)?);
            (busy <= total)
                .then(|| per(busy, 1_000, total))
                .flatten()
                .and_then(|share| u32::try_from(share).ok())
        });
        let rates = |to: &HostBackend| {
            // Found by the whole identity: a later process with the same pid is another backend.
            let from = earlier.backend(to.backend)?;
            let io = |of: fn(&IoBytes) -> u64| {
                let (from, to) = from.io.as_ref().zip(to.io.as_ref())?;
                per(grown(of(from), of(to))?, 1_000_000, over_us)
            };
            let cpu = grown(from.cpu_us, to.cpu_us).and_then(|used| per(used, 1_000, over_us));
            Some(BackendRates {
                backend: to.backend,
                cpu_permille: cpu.and_then(|share| u32::try_from(share).ok()),
                read_bps: io(|io| io.read_bytes),
                write_bps: io(|io| io.written_bytes),
            })
        };
        HostRates { over_us, cpu_permille, backends: later.backends.iter().filter_map(rates).collect() }
    }

    /// What this backend did, if it was in both readings.
    pub fn backend(&self, backend: BackendId) -> Option<&BackendRates> {
        let found = self.backends.binary_search_by_key(&backend, |rates| rates.backend).ok()?;
        self.backends.get(found)
    }
}

/// By how much a counter has grown; nothing when it went backwards.
fn grown(from: u64, to: u64) -> Option<u64> {
    to.checked_sub(from)
}

/// `amount` times `scale` for each `over`.
fn per(amount: u64, scale: u64, over: u64) -> Option<u64> {
    let scaled = u128::from(amount) * u128::from(scale);
    u64::try_from(scaled.checked_div(u128::from(over))?).ok()
}

/// The last reading, and what it says beside the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostView<'a> {
    /// The last reading.
    pub facts: &'a HostFacts,
    /// What happened since the one before; nothing after the first one.
    pub rates: HostRates,
}

/// The last two readings: what the engine keeps.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct HostSight {
    now: Option<Fact<HostFacts>>,
    before: Option<HostFacts>,
}

impl HostSight {
    /// Whether nothing has been read. It is then left out of checkpoints.
    pub(super) fn is_empty(&self) -> bool {
        *self == HostSight::default()
    }

    /// Takes in a reading, or why there is none.
    pub(super) fn take(&mut self, fact: Fact<HostFacts>) {
        self.before = match self.now.replace(fact) {
            Some(Fact::Known(before)) => Some(before),
            _ => None,
        };
    }

    /// The last reading beside the one before.
    pub(super) fn view(&self) -> Fact<HostView<'_>> {
        let facts = match &self.now {
            Some(Fact::Known(facts)) => facts,
            Some(Fact::Missing(why)) => return Fact::Missing(why.clone()),
            None => return Fact::Missing("the server's machine was not read".to_owned()),
        };
        // A reading by another session may be of another machine.
        let before = self.before.as_ref().filter(|before| before.sampler == facts.sampler);
        let rates = before.map(|before| HostRates::between(before, facts)).unwrap_or_default();
        Fact::Known(HostView { facts, rates })
    }
}
