use super::Ages;
use crate::engine::ids::{At, Pid};
use crate::engine::locks::LockMode::{AccessShareLock, ShareLock};
use crate::engine::testing::{Look, USERS, Who, calm, client};

const HOUR_MS: i64 = 3_600_000;
const PID: Pid = Pid(200);

fn waiter(since: Option<i64>) -> Who {
    client(PID).awaits_since(since, AccessShareLock, USERS)
}

/// Samples at these times of the flight, each with its server clock.
fn ages(looks: &[(u64, i64, Look)]) -> (At, Ages) {
    let mut ages = Ages::default();
    let mut at = At(0);
    for (ms, clock, look) in looks {
        at = At::from_ms(*ms);
        ages.observe(at, &look.clone().server_clock(*clock).0);
    }
    (at, ages)
}

#[test]
fn the_first_sample_of_a_flight_believes_the_server() {
    let (at, ages) = ages(&[(0, 5_000, calm().with(waiter(Some(1_000))))]);
    assert_eq!(ages.age_ms(at, PID), Some(4_000));
}

#[test]
fn a_new_wait_is_no_older_than_the_sample_that_did_not_show_it() {
    let (at, ages) = ages(&[(0, 0, calm()), (250, 5_000, calm().with(waiter(Some(1_000))))]);
    assert_eq!(ages.age_ms(at, PID), Some(250));
}

#[test]
fn the_age_grows_by_the_flights_own_clock() {
    let look = || calm().with(waiter(Some(1_000)));
    let (at, ages) = ages(&[(0, 1_500, look()), (700, 2_200, look())]);
    assert_eq!(ages.age_ms(at, PID), Some(1_200));
    assert_eq!(ages.age_ms(at.plus_ms(50), PID), Some(1_250), "between two samples as well");
}

#[test]
fn a_server_clock_that_steps_ages_nobody() {
    for step in [HOUR_MS, -HOUR_MS] {
        let look = || calm().with(waiter(Some(1_000)));
        let (at, ages) = ages(&[(0, 1_500, look()), (250, 1_750 + step, look())]);
        assert_eq!(ages.age_ms(at, PID), Some(750), "a wait that was known, step {step}");
    }
    for step in [HOUR_MS, -HOUR_MS] {
        // The wait began just before the step and is first seen just after it.
        let (at, ages) = ages(&[(0, 0, calm()), (250, 250 + step, calm().with(waiter(Some(100))))]);
        let age = ages.age_ms(at, PID).expect("it waits");
        assert!(age <= 250, "a wait that is new, step {step}: {age} ms");
    }
}

#[test]
fn a_start_that_the_server_fills_in_late_does_not_begin_a_new_wait() {
    let (at, ages) = ages(&[
        (0, 0, calm()),
        (100, 100, calm().with(waiter(None))),
        (400, 400, calm().with(waiter(Some(90)))),
        (500, 500, calm().with(waiter(Some(90)))),
    ]);
    assert_eq!(ages.age_ms(at, PID), Some(400));
}

#[test]
fn the_same_pid_in_another_session_waits_anew() {
    let (at, ages) = ages(&[
        (0, 0, calm().with(waiter(Some(-9_000)))),
        (
            250,
            250,
            calm().with(client(PID).session_from(200).awaits_since(Some(-9_000), AccessShareLock, USERS)),
        ),
    ]);
    assert_eq!(ages.age_ms(at, PID), Some(250));
}

#[test]
fn the_next_wait_of_a_session_is_a_new_one() {
    let (at, ages) =
        ages(&[(0, 5_000, calm().with(waiter(Some(0)))), (250, 5_250, calm().with(waiter(Some(5_200))))]);
    assert_eq!(ages.age_ms(at, PID), Some(50));
}

#[test]
fn whoever_goes_on_has_no_age() {
    let (at, ages) = ages(&[(0, 0, calm().with(waiter(Some(-100)))), (250, 250, calm().with(client(PID)))]);
    assert_eq!(ages.age_ms(at, PID), None);
    assert_eq!(ages.oldest_ms(at, [PID]), None);
}

#[test]
fn a_masked_session_keeps_its_age() {
    let look = || calm().with(waiter(Some(0)).masked());
    let (at, ages) = ages(&[(0, 0, look()), (250, 250, look()), (500, 500, look())]);
    assert_eq!(ages.age_ms(at, PID), Some(500));
}

#[test]
fn the_oldest_of_several() {
    let other = client(Pid(201)).awaits_since(Some(-300), AccessShareLock, USERS);
    let (at, ages) = ages(&[(0, 0, calm().with(waiter(Some(-100))).with(other))]);
    assert_eq!(ages.oldest_ms(at, [PID, Pid(201), Pid(999)]), Some(300));
}

#[test]
fn workers_of_one_leader_that_wait_together_age_it_as_the_longest_of_them() {
    let leader = Pid(100);
    let look = || {
        let worker = |pid, since| client(Pid(pid)).leader(leader).awaits_since(Some(since), ShareLock, USERS);
        calm().with(client(leader)).with(worker(110, 0)).with(worker(111, 40))
    };
    let (at, ages) = ages(&[(0, 100, look()), (250, 350, look()), (500, 600, look())]);
    assert_eq!(ages.age_ms(at, leader), Some(600));
    assert_eq!(ages.age_ms(at, Pid(110)), None, "a worker is its leader");
}

#[test]
fn one_of_two_waiting_workers_goes_on() {
    let leader = Pid(100);
    let worker = |pid, since| client(Pid(pid)).leader(leader).awaits_since(Some(since), ShareLock, USERS);
    let both = calm().with(client(leader)).with(worker(110, 0)).with(worker(111, 40));
    let one = calm().with(client(leader)).with(worker(111, 40));
    let (at, ages) = ages(&[(0, 100, both), (250, 350, one)]);
    assert_eq!(ages.age_ms(at, leader), Some(310));
}

#[test]
fn after_a_reset_nothing_is_remembered() {
    let (at, mut ages) = ages(&[(0, 0, calm().with(waiter(Some(-100))))]);
    ages.reset();
    assert_eq!(ages.age_ms(at, PID), None);
    ages.observe(At::from_ms(9_000), &calm().with(waiter(Some(8_000))).server_clock(9_000).0);
    assert_eq!(ages.age_ms(At::from_ms(9_000), PID), Some(1_000), "as in the first sample of a flight");
}
