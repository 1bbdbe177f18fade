use std::collections::{BTreeMap, BTreeSet};

use super::WaitGraph;
use crate::engine::ids::Pid;
use crate::engine::locks::LockMode;
use crate::engine::testing::{USERS, calm, client};

/// `(waiter, blockers)`, no parallel workers.
fn graph(edges: &[(i32, &[i32])]) -> WaitGraph {
    with_leaders(edges, &[])
}

fn with_leaders(edges: &[(i32, &[i32])], leaders: &[(i32, i32)]) -> WaitGraph {
    let edges: Vec<(Pid, Vec<Pid>)> = edges.iter().map(|(waiter, all)| (Pid(*waiter), pids(all))).collect();
    let leaders: BTreeMap<Pid, Pid> =
        leaders.iter().map(|&(worker, leader)| (Pid(worker), Pid(leader))).collect();
    WaitGraph::from_edges(edges.iter().map(|(waiter, all)| (*waiter, all.as_slice())), &leaders)
}

fn pids(all: &[i32]) -> Vec<Pid> {
    all.iter().copied().map(Pid).collect()
}

fn numbers(all: impl IntoIterator<Item = Pid>) -> Vec<i32> {
    all.into_iter().map(|pid| pid.0).collect()
}

/// Victims of each source when all of `sources` are strong.
fn nearest(graph: &WaitGraph, sources: &[i32]) -> BTreeMap<i32, Vec<i32>> {
    let strong: BTreeSet<Pid> = pids(sources).into_iter().collect();
    let distances = graph.distances(&strong);
    sources.iter().map(|&pid| (pid, numbers(graph.nearest(Pid(pid), &strong, &distances)))).collect()
}

#[test]
fn a_jam_has_one_root_and_one_head() {
    let jam = graph(&[(2, &[1]), (3, &[2]), (4, &[2])]);
    assert_eq!(numbers(jam.roots()), [1]);
    assert_eq!(numbers(jam.heads()), [2]);
    assert_eq!(numbers(jam.waiting()), [2, 3, 4]);
    assert_eq!(numbers(jam.downstream(Pid(1))), [2, 3, 4]);
    assert_eq!(numbers(jam.downstream(Pid(2))), [3, 4]);
    assert_eq!(numbers(jam.downstream(Pid(4))), [] as [i32; 0]);
}

#[test]
fn a_waiter_that_nobody_queues_behind_is_no_head() {
    let pair = graph(&[(2, &[1])]);
    assert_eq!(numbers(pair.heads()), [] as [i32; 0]);
    assert_eq!(numbers(pair.roots()), [1]);
}

#[test]
fn a_head_waits_for_roots_only() {
    // 3 waits for the root and for the head 2: it is no head, though 4 queues behind it.
    let graph = graph(&[(2, &[1]), (3, &[1, 2]), (4, &[3])]);
    assert_eq!(numbers(graph.heads()), [2]);
}

#[test]
fn a_waiter_without_a_blocker_is_unresolved_and_no_root() {
    let graph = graph(&[(2, &[]), (3, &[2])]);
    assert_eq!(numbers(graph.unresolved()), [2]);
    assert_eq!(numbers(graph.roots()), [] as [i32; 0], "whom 2 waits for is not known, so it is no root");
    assert_eq!(numbers(graph.heads()), [2]);
}

#[test]
fn an_awaited_lock_without_an_edge_is_an_unresolved_wait() {
    let sample = calm().with(client(Pid(2)).awaits(LockMode::AccessShareLock, USERS)).0;
    let graph = WaitGraph::of(&sample);
    assert_eq!(numbers(graph.unresolved()), [2]);
}

#[test]
fn blockers_named_twice_count_once() {
    let graph = graph(&[(2, &[1, 1]), (2, &[1])]);
    assert_eq!(graph.blockers_of(Pid(2)), [Pid(1)]);
    assert_eq!(graph.waiters_of(Pid(1)), [Pid(2)]);
}

#[test]
fn nobody_waits_for_itself_by_one_edge() {
    let graph = graph(&[(2, &[2])]);
    assert_eq!(numbers(graph.unresolved()), [2]);
    assert_eq!(numbers(graph.cycles()), [] as [i32; 0]);
}

#[test]
fn a_prepared_transaction_is_a_root() {
    let graph = graph(&[(2, &[0]), (3, &[2])]);
    assert_eq!(numbers(graph.roots()), [0]);
    assert_eq!(numbers(graph.downstream(Pid::PREPARED)), [2, 3]);
}

#[test]
fn parallel_workers_are_their_leader() {
    // 11 and 12 work for 10; 11 waits for 1, and 3 waits for 12. The group's own edge is none.
    let graph = with_leaders(&[(11, &[1, 12]), (3, &[12])], &[(11, 10), (12, 10)]);
    assert_eq!(graph.blockers_of(Pid(10)), [Pid(1)]);
    assert_eq!(graph.blockers_of(Pid(3)), [Pid(10)]);
    assert!(!graph.is_waiting(Pid(11)));
    assert_eq!(numbers(graph.downstream(Pid(1))), [3, 10]);
}

#[test]
fn harm_belongs_to_the_nearest_of_two_strong_backends() {
    // 1 is strong; 2, strong as well, waits behind it; 3 and 4 wait behind 2, 5 behind 1.
    let graph = graph(&[(2, &[1]), (3, &[2]), (4, &[3]), (5, &[1])]);
    assert_eq!(nearest(&graph, &[1, 2]), BTreeMap::from([(1, vec![2, 5]), (2, vec![3, 4])]));
}

#[test]
fn equally_near_backends_share_a_waiter() {
    let graph = graph(&[(3, &[1, 2])]);
    assert_eq!(nearest(&graph, &[1, 2]), BTreeMap::from([(1, vec![3]), (2, vec![3])]));
}

#[test]
fn a_direct_wait_is_nearer_than_one_that_passes_through() {
    // 4 waits for 2 directly and for 1 through 3.
    let graph = graph(&[(3, &[1]), (4, &[2, 3])]);
    assert_eq!(nearest(&graph, &[1, 2]), BTreeMap::from([(1, vec![3]), (2, vec![4])]));
}

#[test]
fn harm_passes_through_whoever_is_not_strong() {
    let graph = graph(&[(2, &[1]), (3, &[2]), (4, &[3])]);
    assert_eq!(nearest(&graph, &[1]), BTreeMap::from([(1, vec![2, 3, 4])]));
}

#[test]
fn a_source_that_nobody_waits_for_has_no_share() {
    let graph = graph(&[(2, &[1])]);
    assert_eq!(nearest(&graph, &[2, 9]), BTreeMap::from([(2, vec![]), (9, vec![])]));
}

#[test]
fn cycles_are_told_from_what_waits_behind_them() {
    // 1 and 2 wait for each other; 3 waits behind the cycle, and 4, which is not blocked, blocks 1.
    let graph = graph(&[(1, &[2, 4]), (2, &[1]), (3, &[2])]);
    assert_eq!(numbers(graph.cycles()), [1, 2]);
    assert_eq!(numbers(graph.downstream(Pid(1))), [2, 3], "a backend is never downstream of itself");
    assert_eq!(numbers(graph.roots()), [4]);
}

#[test]
fn two_cycles_and_a_chain_without_one() {
    let graph = graph(&[(1, &[2]), (2, &[1]), (5, &[6]), (6, &[7]), (7, &[5]), (8, &[9])]);
    assert_eq!(numbers(graph.cycles()), [1, 2, 5, 6, 7]);
}

#[test]
fn a_cycle_of_strong_backends_ends_every_walk() {
    let graph = graph(&[(1, &[2]), (2, &[1]), (3, &[1])]);
    assert_eq!(nearest(&graph, &[1, 2]), BTreeMap::from([(1, vec![2, 3]), (2, vec![1])]));
}

/// Ten thousand backends in the shapes that make a careless walk quadratic or deep. Every question is asked
/// once; a walk that is not linear would take minutes here.
#[test]
fn ten_thousand_backends_in_any_shape() {
    const N: i32 = 10_000;
    let chain: Vec<(Pid, Vec<Pid>)> = (2..=N).map(|n| (Pid(n), vec![Pid(n - 1)])).collect();
    let star: Vec<(Pid, Vec<Pid>)> = (2..=N).map(|n| (Pid(n), vec![Pid(1)])).collect();
    let ring: Vec<(Pid, Vec<Pid>)> = (1..=N).map(|n| (Pid(n), vec![Pid(n % N + 1)])).collect();
    // Everyone in a queue waits for the ten before it, as behind a busy row.
    let queue: Vec<(Pid, Vec<Pid>)> =
        (2..=N).map(|n| (Pid(n), (1.max(n - 10)..n).map(Pid).collect())).collect();
    for (shape, edges, downstream_of_1, cycle) in [
        ("chain", chain, N - 1, 0),
        ("star", star, N - 1, 0),
        ("ring", ring, N - 1, N),
        ("queue", queue, N - 1, 0),
    ] {
        let count = |n: usize| i32::try_from(n).expect("a count of backends");
        let graph = WaitGraph::from_edges(edges.iter().map(|(w, b)| (*w, b.as_slice())), &BTreeMap::new());
        let strong = BTreeSet::from([Pid(1), Pid(N / 2)]);
        let distances = graph.distances(&strong);
        let shares: usize = strong.iter().map(|&pid| graph.nearest(pid, &strong, &distances).len()).sum();
        assert_eq!(count(graph.downstream(Pid(1)).len()), downstream_of_1, "{shape}");
        assert_eq!(count(graph.cycles().len()), cycle, "{shape}");
        assert!(count(shares) >= N - 1, "{shape}: everyone but a root is somebody's: {shares}");
    }
}
