//! Who waits for whom: roots, heads, what is downstream, cycles.
//!
//! Owns the wait graph of one sample, built from the server's own blocking edges and nothing else. Never
//! guesses an edge: a waiter whose blocker is not known is counted as unresolved, a blocker that is not in
//! the activity stays as a pid. Never knows who is a victim: that is [`super::scene`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::ids::Pid;
use super::sample::Sample;

#[cfg(test)]
mod tests;

/// The wait graph of one sample. Parallel workers are folded into their leader.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WaitGraph {
    /// Whom each waiter waits for.
    blockers: BTreeMap<Pid, Vec<Pid>>,
    /// Who waits for each blocker.
    waiters: BTreeMap<Pid, Vec<Pid>>,
}

impl WaitGraph {
    /// The graph of `sample`.
    pub fn of(sample: &Sample) -> WaitGraph {
        let edges = sample.edges.iter().map(|edge| (edge.waiter, edge.blockers.as_slice()));
        let waiting = sample.locks.iter().filter(|lock| !lock.granted).map(|lock| (lock.pid, [].as_slice()));
        WaitGraph::from_edges(edges.chain(waiting), &sample.leaders())
    }

    /// A graph from waiters with their blockers; `leaders` maps parallel workers to their leader.
    pub fn from_edges<'a>(
        edges: impl Iterator<Item = (Pid, &'a [Pid])>,
        leaders: &BTreeMap<Pid, Pid>,
    ) -> WaitGraph {
        let leader_of = |pid: Pid| leaders.get(&pid).copied().unwrap_or(pid);
        let mut graph = WaitGraph::default();
        for (waiter, blockers) in edges {
            let waiter = leader_of(waiter);
            let known = graph.blockers.entry(waiter).or_default();
            known.extend(blockers.iter().map(|&pid| leader_of(pid)).filter(|&pid| pid != waiter));
        }
        for (&waiter, blockers) in &mut graph.blockers {
            blockers.sort_unstable();
            blockers.dedup();
            for &blocker in blockers.iter() {
                graph.waiters.entry(blocker).or_default().push(waiter);
            }
        }
        graph
    }

    /// Everyone somebody waits for, ascending.
    pub fn blocking(&self) -> impl Iterator<Item = Pid> {
        self.waiters.keys().copied()
    }

    /// Everyone who waits, ascending.
    pub fn waiting(&self) -> impl Iterator<Item = Pid> {
        self.blockers.keys().copied()
    }

    /// Whether `pid` waits.
    pub fn is_waiting(&self, pid: Pid) -> bool {
        self.blockers.contains_key(&pid)
    }

    /// Whom `pid` waits for directly, ascending.
    pub fn blockers_of(&self, pid: Pid) -> &[Pid] {
        self.blockers.get(&pid).map_or(&[], Vec::as_slice)
    }

    /// Who waits for `pid` directly, ascending.
    pub fn waiters_of(&self, pid: Pid) -> &[Pid] {
        self.waiters.get(&pid).map_or(&[], Vec::as_slice)
    }

    /// Backends that block others and do not wait themselves, ascending.
    pub fn roots(&self) -> impl Iterator<Item = Pid> {
        self.waiters.keys().copied().filter(|&pid| !self.is_waiting(pid))
    }

    /// Waiting backends that others queue behind and that wait for roots only, ascending.
    pub fn heads(&self) -> impl Iterator<Item = Pid> {
        self.waiters.keys().copied().filter(|&pid| {
            let ahead = self.blockers_of(pid);
            self.is_waiting(pid) && ahead.iter().all(|&blocker| !self.is_waiting(blocker))
        })
    }

    /// Waiters for whom the server named no blocker: their wait ended, or began, while it looked.
    pub fn unresolved(&self) -> impl Iterator<Item = Pid> {
        self.blockers.iter().filter(|(_, blockers)| blockers.is_empty()).map(|(&pid, _)| pid)
    }

    /// Everyone whose chain of blockers contains `pid`, without `pid` itself.
    pub fn downstream(&self, pid: Pid) -> BTreeSet<Pid> {
        let mut seen = BTreeSet::new();
        let mut open = vec![pid];
        while let Some(next) = open.pop() {
            for &waiter in self.waiters_of(next) {
                if waiter != pid && seen.insert(waiter) {
                    open.push(waiter);
                }
            }
        }
        seen
    }

    /// For every waiter, how many edges up its chain the nearest of `sources` is; waiters with none are
    /// absent. A source is 1 edge or more from another source, never 0 from itself.
    pub fn distances(&self, sources: &BTreeSet<Pid>) -> BTreeMap<Pid, u32> {
        let mut distance = BTreeMap::new();
        let mut open: VecDeque<(Pid, u32)> = sources.iter().map(|&pid| (pid, 0)).collect();
        while let Some((pid, steps)) = open.pop_front() {
            for &waiter in self.waiters_of(pid) {
                if let std::collections::btree_map::Entry::Vacant(free) = distance.entry(waiter) {
                    free.insert(steps + 1);
                    if !sources.contains(&waiter) {
                        open.push_back((waiter, steps + 1));
                    }
                }
            }
        }
        distance
    }

    /// The waiters for whom `source` is among the nearest of `sources`. `distances` are those of all
    /// `sources`; what lies behind another source belongs to that one.
    pub fn nearest(
        &self,
        source: Pid,
        sources: &BTreeSet<Pid>,
        distances: &BTreeMap<Pid, u32>,
    ) -> BTreeSet<Pid> {
        let mut mine = BTreeSet::new();
        let mut open = VecDeque::from([(source, 0)]);
        while let Some((pid, steps)) = open.pop_front() {
            for &waiter in self.waiters_of(pid) {
                let is_nearest = distances.get(&waiter) == Some(&(steps + 1));
                if waiter != source && is_nearest && mine.insert(waiter) && !sources.contains(&waiter) {
                    open.push_back((waiter, steps + 1));
                }
            }
        }
        mine
    }

    /// Waiters that wait, directly or not, for themselves. In one sample such a cycle may be an artefact of
    /// reading; a deadlock is one that persists.
    pub fn cycles(&self) -> BTreeSet<Pid> {
        // Peel off everyone who does not wait for a waiter, then everyone no waiter waits for: what cannot
        // be peeled from either side lies on a cycle or between two.
        let stuck = peel(
            &self.blockers.keys().copied().collect(),
            |pid| self.blockers_of(pid),
            |pid| self.waiters_of(pid),
        );
        peel(&stuck, |pid| self.waiters_of(pid), |pid| self.blockers_of(pid))
    }
}

/// What is left of `nodes` when those with nobody `before` them are removed, again and again.
fn peel<'a>(
    nodes: &BTreeSet<Pid>,
    before: impl Fn(Pid) -> &'a [Pid],
    after: impl Fn(Pid) -> &'a [Pid],
) -> BTreeSet<Pid> {
    let count = |pid: &Pid| before(*pid).iter().filter(|other| nodes.contains(other)).count();
    let mut left: BTreeMap<Pid, usize> = nodes.iter().map(|pid| (*pid, count(pid))).collect();
    let mut open: Vec<Pid> = left.iter().filter(|(_, n)| **n == 0).map(|(&pid, _)| pid).collect();
    while let Some(pid) = open.pop() {
        left.remove(&pid);
        for next in after(pid) {
            if let Some(count) = left.get_mut(next) {
                *count -= 1;
                if *count == 0 {
                    open.push(*next);
                }
            }
        }
    }
    left.into_keys().collect()
}
