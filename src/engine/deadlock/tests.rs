use super::Deadlocks;
use crate::engine::ids::Pid;
use crate::engine::locks::LockMode::AccessExclusiveLock;
use crate::engine::testing::{Look, ORDERS, USERS, calm, client};
use crate::engine::waits::WaitGraph;

/// Two clients that wait for each other, in statements that began at `ms`.
fn embrace(ms: i64) -> Look {
    let one = client(Pid(7)).statement_from(ms).awaits(AccessExclusiveLock, USERS).behind(&[Pid(8)]);
    let two = client(Pid(8)).statement_from(ms).awaits(AccessExclusiveLock, ORDERS).behind(&[Pid(7)]);
    calm().with(one).with(two)
}

fn told(looks: &[Look]) -> Vec<Option<Vec<Pid>>> {
    let mut deadlocks = Deadlocks::default();
    looks.iter().map(|look| deadlocks.observe(&look.0, &WaitGraph::of(&look.0))).collect()
}

#[test]
fn a_cycle_that_persists_is_told_once() {
    let both = Some(vec![Pid(7), Pid(8)]);
    assert_eq!(told(&[embrace(0), embrace(0), embrace(0)]), [None, both, None]);
}

#[test]
fn a_cycle_in_one_sample_is_none() {
    assert_eq!(told(&[embrace(0), calm(), embrace(0)]), [None, None, None]);
}

#[test]
fn a_cycle_of_other_statements_is_another_one() {
    let both = Some(vec![Pid(7), Pid(8)]);
    assert_eq!(told(&[embrace(0), embrace(50), embrace(50)]), [None, None, both]);
}

#[test]
fn the_next_deadlock_of_the_same_backends_is_told_again() {
    let both = Some(vec![Pid(7), Pid(8)]);
    let looks = [embrace(0), embrace(0), calm(), embrace(900), embrace(900)];
    assert_eq!(told(&looks), [None, both.clone(), None, None, both]);
}
