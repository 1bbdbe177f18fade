//! Who stands where in the tree.
//!
//! Owns the choice of one blocker for each waiter, and the order. Draws nothing.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::engine::derive::lookup::Lookup;
use crate::engine::derive::reach::Reach;
use crate::engine::ids::Pid;

/// Who stands where.
pub(super) struct Plan {
    pub(super) reach: Reach,
    pub(super) parents: BTreeMap<Pid, Pid>,
    pub(super) children: BTreeMap<Pid, Vec<Pid>>,
    /// Waiters of a blocker that stand elsewhere.
    pub(super) elsewhere: BTreeMap<Pid, Vec<Pid>>,
    pub(super) tops: Vec<Pid>,
    pub(super) cycle: Vec<Pid>,
    pub(super) unresolved: Vec<Pid>,
}

impl Plan {
    pub(super) fn of(look: &Lookup<'_>, target: Option<Pid>) -> Plan {
        let scene = look.cockpit().scene();
        let graph = &scene.graph;
        let reach = Reach::of(graph);
        let cycle = graph.cycles();
        let behind: BTreeMap<Pid, u32> = graph.blocking().map(|pid| (pid, reach.behind(pid))).collect();
        let behind_of = |pid: Pid| behind.get(&pid).copied().unwrap_or(0);
        let mut plan = Plan {
            reach,
            parents: BTreeMap::new(),
            children: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
            tops: graph.roots().collect(),
            cycle: cycle.iter().copied().collect(),
            unresolved: Vec::new(),
        };
        for waiter in graph.waiting() {
            let blockers = graph.blockers_of(waiter);
            // Under the one whose fault it is: the target, else the nearest strong one, else who is to be
            // waited for longest.
            let parent = blockers.iter().copied().filter(|_| !cycle.contains(&waiter)).min_by_key(|&pid| {
                let blame = (Some(pid) != target, !scene.is_strong(pid), graph.is_waiting(pid));
                (blame, Reverse(behind_of(pid)), pid)
            });
            match parent {
                Some(parent) => {
                    plan.parents.insert(waiter, parent);
                    plan.children.entry(parent).or_default().push(waiter);
                }
                None if cycle.contains(&waiter) => {}
                None if graph.waiters_of(waiter).is_empty() => plan.unresolved.push(waiter),
                None => plan.tops.push(waiter),
            }
            let in_one_cycle = |pid: &Pid| cycle.contains(&waiter) && cycle.contains(pid);
            for &other in blockers.iter().filter(|pid| Some(**pid) != parent && !in_one_cycle(pid)) {
                plan.elsewhere.entry(other).or_default().push(waiter);
            }
        }
        let on_way = plan.way_to(target);
        let order = |pid: &Pid| (!on_way.contains(pid), Reverse(behind_of(*pid)), *pid);
        plan.tops.sort_by_key(order);
        plan.cycle.sort_by_key(order);
        for children in plan.children.values_mut() {
            children.sort_by_key(order);
        }
        plan
    }

    /// `pid` and everyone it is drawn under.
    pub(super) fn way_to(&self, pid: Option<Pid>) -> BTreeSet<Pid> {
        let mut way = BTreeSet::new();
        let mut next = pid;
        while let Some(pid) = next {
            if !way.insert(pid) {
                break;
            }
            next = self.parents.get(&pid).copied();
        }
        way
    }
}
