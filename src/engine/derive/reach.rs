//! How much lies behind each blocker, for all of them at once.
//!
//! Owns the transitive closure of one wait graph. Asking the graph blocker by blocker would walk it once for
//! each; this walks it once, with a set of bits per blocker.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::ids::Pid;
use crate::engine::waits::WaitGraph;

/// Who is downstream of whom.
#[derive(Debug, Default)]
pub struct Reach {
    columns: BTreeMap<Pid, usize>,
    rows: BTreeMap<Pid, Vec<u64>>,
}

impl Reach {
    /// The closure of `graph`.
    pub fn of(graph: &WaitGraph) -> Reach {
        let columns: BTreeMap<Pid, usize> = graph.waiting().enumerate().map(|(i, pid)| (pid, i)).collect();
        let words = columns.len().div_ceil(64);
        let order = waiters_first(graph);
        let rows = order.iter().map(|&pid| (pid, vec![0_u64; words])).collect();
        let mut reach = Reach { columns, rows };
        let cyclic = !graph.cycles().is_empty();
        // Waiters come before their blockers, so one pass is enough unless some wait for each other.
        while reach.pass(graph, &order) && cyclic {}
        reach
    }

    /// How many wait for `pid`, directly or not, without itself.
    pub fn behind(&self, pid: Pid) -> u32 {
        let all: u32 = self.rows.get(&pid).map_or(0, |row| row.iter().map(|word| word.count_ones()).sum());
        all - u32::from(self.has(pid, pid))
    }

    /// Whether `waiter` waits for `pid`, directly or not.
    pub fn has(&self, pid: Pid, waiter: Pid) -> bool {
        let (Some(row), Some(&column)) = (self.rows.get(&pid), self.columns.get(&waiter)) else {
            return false;
        };
        row.get(column / 64).is_some_and(|word| word & (1 << (column % 64)) != 0)
    }

    fn pass(&mut self, graph: &WaitGraph, order: &[Pid]) -> bool {
        let mut changed = false;
        for pid in order {
            let Some(mut row) = self.rows.remove(pid) else { continue };
            for waiter in graph.waiters_of(*pid) {
                if let Some(&column) = self.columns.get(waiter)
                    && let Some(word) = row.get_mut(column / 64)
                {
                    changed |= *word & (1 << (column % 64)) == 0;
                    *word |= 1 << (column % 64);
                }
                for (word, more) in row.iter_mut().zip(self.rows.get(waiter).into_iter().flatten()) {
                    changed |= *word | more != *word;
                    *word |= more;
                }
            }
            self.rows.insert(*pid, row);
        }
        changed
    }
}

/// Everyone who blocks somebody, those behind before those ahead.
fn waiters_first(graph: &WaitGraph) -> Vec<Pid> {
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    for start in graph.blocking() {
        if !seen.insert(start) {
            continue;
        }
        let mut open = vec![(start, 0_usize)];
        while let Some((pid, next)) = open.pop() {
            let Some(&waiter) = graph.waiters_of(pid).get(next) else {
                order.push(pid);
                continue;
            };
            open.push((pid, next + 1));
            if !graph.waiters_of(waiter).is_empty() && seen.insert(waiter) {
                open.push((waiter, 0));
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(i32, &[i32])]) -> WaitGraph {
        let edges: Vec<(Pid, Vec<Pid>)> =
            edges.iter().map(|(w, b)| (Pid(*w), b.iter().copied().map(Pid).collect())).collect();
        WaitGraph::from_edges(edges.iter().map(|(w, b)| (*w, b.as_slice())), &BTreeMap::new())
    }

    fn agrees(graph: &WaitGraph) {
        let reach = Reach::of(graph);
        for pid in graph.blocking().chain(graph.waiting()) {
            let downstream = graph.downstream(pid);
            assert_eq!(reach.behind(pid) as usize, downstream.len(), "behind {pid}");
            assert!(downstream.iter().all(|&waiter| reach.has(pid, waiter)), "who is behind {pid}");
        }
    }

    #[test]
    fn it_counts_what_walking_the_graph_counts() {
        agrees(&graph(&[]));
        agrees(&graph(&[(2, &[1]), (3, &[2]), (4, &[2, 1]), (5, &[4, 3])]));
        agrees(&graph(&[(1, &[2]), (2, &[3]), (3, &[1]), (4, &[1]), (5, &[4]), (6, &[7, 5]), (7, &[6])]));
        // Everyone waits for everyone before.
        let all: Vec<i32> = (1..=150).collect();
        let edges: Vec<(i32, &[i32])> = (2..=150).map(|w| (w, &all[..w as usize - 1])).collect();
        agrees(&graph(&edges));
    }
}
