//! The same conclusions as the engine's, reached by another and slower road: closures over a matrix.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use lockpit::engine::ids::Pid;

use crate::truth::Truth;

/// Who waits for whom over any number of edges.
pub(crate) struct Brute<'a> {
    truth: &'a Truth,
    nodes: Vec<Pid>,
    /// `reach[w][b]`: `w` waits for `b`, over one edge or more.
    reach: Vec<Vec<bool>>,
}

impl<'a> Brute<'a> {
    /// The transitive closure, by Warshall's algorithm.
    pub(crate) fn of(truth: &'a Truth) -> Brute<'a> {
        let nodes: BTreeSet<Pid> = truth
            .blockers
            .iter()
            .flat_map(|(&waiter, ahead)| ahead.iter().copied().chain([waiter]))
            .collect();
        let nodes: Vec<Pid> = nodes.into_iter().collect();
        let waits = |w: &Pid, b: &Pid| truth.blockers.get(w).is_some_and(|ahead| ahead.contains(b));
        let mut reach: Vec<Vec<bool>> =
            nodes.iter().map(|w| nodes.iter().map(|b| waits(w, b)).collect()).collect();
        for via in 0..nodes.len() {
            let onward = reach[via].clone();
            for row in reach.iter_mut().filter(|row| row[via]) {
                row.iter_mut().zip(&onward).for_each(|(known, &more)| *known |= more);
            }
        }
        Brute { truth, nodes, reach }
    }

    fn is_waiting(&self, pid: Pid) -> bool {
        self.truth.blockers.contains_key(&pid)
    }

    fn pick(&self, wanted: impl Fn(Pid) -> bool) -> BTreeSet<Pid> {
        self.nodes.iter().copied().filter(|&pid| wanted(pid)).collect()
    }

    /// Who waits for `pid` directly.
    pub(crate) fn waiters(&self, pid: Pid) -> BTreeSet<Pid> {
        self.pick(|other| self.truth.blockers.get(&other).is_some_and(|ahead| ahead.contains(&pid)))
    }

    /// Who blocks others and does not wait.
    pub(crate) fn roots(&self) -> BTreeSet<Pid> {
        self.pick(|pid| !self.is_waiting(pid) && !self.waiters(pid).is_empty())
    }

    /// Who blocks others and waits for roots only.
    pub(crate) fn heads(&self) -> BTreeSet<Pid> {
        let roots = self.roots();
        self.pick(|pid| {
            !self.waiters(pid).is_empty()
                && self.truth.blockers.get(&pid).is_some_and(|ahead| ahead.is_subset(&roots))
        })
    }

    /// Who waits for `pid` over any number of edges.
    pub(crate) fn downstream(&self, pid: Pid) -> BTreeSet<Pid> {
        self.pick(|other| other != pid && self.reaches(other, pid))
    }

    /// Who is on a cycle, or between two.
    pub(crate) fn stuck(&self) -> BTreeSet<Pid> {
        let cycle = self.pick(|pid| self.reaches(pid, pid));
        let waits_for_one = |pid| cycle.contains(&pid) || cycle.iter().any(|&on| self.reaches(pid, on));
        let is_awaited_by_one = |pid| cycle.contains(&pid) || cycle.iter().any(|&on| self.reaches(on, pid));
        self.pick(|pid| waits_for_one(pid) && is_awaited_by_one(pid))
    }

    /// Clients at ordinary work whose nearest strong backends include `pid`.
    pub(crate) fn victims(&self, pid: Pid) -> BTreeSet<Pid> {
        self.pick(|waiter| {
            self.is_waiting(waiter)
                && !self.truth.schema_work.contains(&waiter)
                && self.nearest_strong(waiter).contains(&pid)
        })
    }

    /// The strong backends that `waiter` meets first when it walks up its chain, one edge at a time.
    fn nearest_strong(&self, waiter: Pid) -> BTreeSet<Pid> {
        let mut passed = BTreeSet::from([waiter]);
        let mut level = passed.clone();
        while !level.is_empty() {
            let ahead: BTreeSet<Pid> =
                level.iter().filter_map(|pid| self.truth.blockers.get(pid)).flatten().copied().collect();
            let strong: BTreeSet<Pid> = ahead.intersection(&self.truth.strong).copied().collect();
            if !strong.is_empty() {
                return strong;
            }
            level = ahead.difference(&passed).copied().collect();
            passed.extend(&level);
        }
        BTreeSet::new()
    }

    /// Edges on the longest of the shortest ways from `pid` up to anybody.
    pub(crate) fn depth(&self, pid: Pid) -> usize {
        let mut depths = BTreeMap::from([(pid, 0)]);
        let mut open = vec![pid];
        let mut at = 0;
        while at < open.len() {
            let (next, depth) = (open[at], depths[&open[at]]);
            for &ahead in self.truth.blockers.get(&next).into_iter().flatten() {
                if let Entry::Vacant(unseen) = depths.entry(ahead) {
                    unseen.insert(depth + 1);
                    open.push(ahead);
                }
            }
            at += 1;
        }
        depths.values().copied().max().unwrap_or(0)
    }

    fn reaches(&self, from: Pid, to: Pid) -> bool {
        let index = |pid: Pid| self.nodes.binary_search(&pid).ok();
        index(from).zip(index(to)).is_some_and(|(from, to)| self.reach[from][to])
    }
}
