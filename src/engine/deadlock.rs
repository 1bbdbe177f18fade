//! Deadlocks: who is seen to wait for each other, and for how long.
//!
//! Owns the memory that tells a deadlock from an artefact of reading. Never breaks one: the server does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::{Pid, ServerTime};
use super::sample::Sample;
use super::waits::WaitGraph;

#[cfg(test)]
mod tests;

/// Backends that were seen to wait for each other, with the starts of their statements.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Deadlocks {
    waiting: BTreeMap<Pid, Option<ServerTime>>,
    samples: u32,
}

impl Deadlocks {
    /// Whether the last samples agree that somebody waits for himself.
    pub fn is_certain(&self) -> bool {
        !self.waiting.is_empty() && self.samples >= 2
    }

    /// Takes in a sample; returns those that wait for each other when that has become certain, once.
    pub fn observe(&mut self, sample: &Sample, graph: &WaitGraph) -> Option<Vec<Pid>> {
        let starts = |pid: Pid| sample.backend(pid).and_then(|backend| backend.query_start);
        let now: BTreeMap<Pid, Option<ServerTime>> =
            graph.cycles().into_iter().map(|pid| (pid, starts(pid))).collect();
        let samples = if now == self.waiting { self.samples.saturating_add(1) } else { 1 };
        *self = Deadlocks { waiting: now, samples };
        // A cycle in one sample may be an artefact of reading; in two, with the same statements, it is not.
        (!self.waiting.is_empty() && samples == 2).then(|| self.waiting.keys().copied().collect())
    }
}
