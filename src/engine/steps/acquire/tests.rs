use super::*;
use crate::engine::ids::{BackendId, Oid, ServerTime};
use crate::engine::locks::LockMode;
use crate::engine::sample::State;

const NOW: ServerTime = ServerTime(1_000_000_000_000);

fn holder(pid: i32, kind: BackendKind, age_ms: Option<i64>) -> Holder {
    Holder {
        backend: BackendId { pid: Pid(pid), backend_start: Some(ServerTime(1)) },
        gid: None,
        kind,
        application: "shop-web".into(),
        state: State::IdleInTransaction,
        xact_start: age_ms.map(|age_ms| ServerTime(NOW.0 - age_ms * 1_000)),
        relation: Oid(20_001),
        mode: LockMode::AccessShareLock,
        wraparound: false,
        progress: None,
    }
}

fn look(holders: Vec<Holder>) -> Look {
    let in_all = u32::try_from(holders.len()).expect("few");
    Look { server_now: NOW, cost_us: 100, holders, in_all, queued: 0 }
}

/// The same at this moment of the server's clock; the ages stay.
fn look_at(at_ms: u64, holders: Vec<Holder>) -> Look {
    let moved_us = i64::try_from(at_ms * 1_000).expect("a short flight");
    let later = |start: ServerTime| ServerTime(start.0 + moved_us);
    let moved = |holder: Holder| Holder { xact_start: holder.xact_start.map(later), ..holder };
    Look { server_now: later(NOW), ..look(holders.into_iter().map(moved).collect()) }
}

fn begun() -> Acquisition {
    Acquisition::begin(At::from_ms(0), &Acquire::default(), 1_000)
}

fn looked(acquisition: &mut Acquisition, at_ms: u64, holders: Vec<Holder>) -> Verdict {
    acquisition.looked(At::from_ms(at_ms), &look_at(at_ms, holders), true, |_| "public.users".to_owned())
}

/// Eight readers one after the other without end, each of which begins by its own eighth later and lives `life_ms`.
fn overlapping(at_ms: u64, life_ms: u64) -> Vec<Holder> {
    let age_ms = |i: u64| i64::try_from((at_ms + i * life_ms / 8) % life_ms).expect("a short life");
    (0_u32..8).map(|i| holder(20 + i.cast_signed(), BackendKind::Client, Some(age_ms(i.into())))).collect()
}

/// When the first attempt begins under these readers, and how long it waits.
fn first_attempt(life_ms: u64) -> (u64, u64) {
    let mut acquisition = begun();
    for at_ms in (0..3_000).step_by(103) {
        if let Verdict::Try(wait_ms) = looked(&mut acquisition, at_ms, overlapping(at_ms, life_ms)) {
            return (at_ms, wait_ms);
        }
    }
    panic!("it is never asked");
}

fn reader(age_ms: i64) -> Holder {
    holder(7, BackendKind::Client, Some(age_ms))
}

fn vacuum(progress: Option<(u64, u64)>) -> Holder {
    Holder { progress, ..holder(9, BackendKind::Autovacuum, Some(60_000)) }
}

#[test]
fn locks_are_asked_for_at_once_when_nobody_or_only_the_young_hold_them() {
    assert_eq!(looked(&mut begun(), 0, Vec::new()), Verdict::Try(100));
    assert_eq!(looked(&mut begun(), 0, vec![reader(100), reader(3)]), Verdict::Try(100));
}

#[test]
fn nobody_asks_behind_an_old_holder_and_who_it_is_is_said() {
    let verdict = looked(&mut begun(), 0, vec![reader(126_000), reader(3)]);
    let why =
        "pid 7 shop-web, idle in transaction for 2m06s, holds AccessShareLock on public.users, and 1 more";
    assert_eq!(verdict, Verdict::Again(At::from_ms(100), why.to_owned()));
}

#[test]
fn a_holder_whose_age_is_hidden_counts_as_old_and_so_does_a_prepared_transaction() {
    for holder in [
        holder(7, BackendKind::Client, None),
        Holder { gid: Some("tm-1".to_owned()), ..holder(0, BackendKind::Other, Some(1)) },
    ] {
        assert!(matches!(looked(&mut begun(), 0, vec![holder]), Verdict::Again(..)));
    }
}

#[test]
fn the_threshold_climbs_with_failed_looks_where_holders_overlap_without_end() {
    let mut acquisition = begun();
    let mut asked = None;
    for at_ms in (0..3_000).step_by(100) {
        // What a vacuum's life is teaches nothing, and without an armed guard it counts as anybody.
        let holders = vec![holder(9, BackendKind::Autovacuum, Some(440)), reader(20)];
        let look = look_at(at_ms, holders);
        if let Verdict::Try(wait_ms) =
            acquisition.looked(At::from_ms(at_ms), &look, false, |_| "public.users".to_owned())
        {
            asked = Some((at_ms, wait_ms));
            break;
        }
    }
    let (at_ms, wait_ms) = asked.expect("it is asked at last");
    assert_eq!(wait_ms, 500);
    assert!((900..=1_500).contains(&at_ms), "{at_ms}");
}

#[test]
fn an_attempt_waits_for_as_long_as_holders_have_lived_while_it_was_looked() {
    assert_eq!(first_attempt(20), (0, 100));
    let (at_ms, wait_ms) = first_attempt(220);
    assert_eq!(wait_ms, 250);
    assert!(at_ms <= 206, "{at_ms}");
    let (at_ms, wait_ms) = first_attempt(440);
    assert_eq!(wait_ms, 500);
    assert!(at_ms <= 309, "{at_ms}");
}

#[test]
fn the_end_of_an_old_reader_teaches_nothing_and_a_life_is_forgotten() {
    let mut acquisition = begun();
    assert!(matches!(looked(&mut acquisition, 0, vec![reader(400)]), Verdict::Again(..)));
    assert_eq!(looked(&mut acquisition, 100, Vec::new()), Verdict::Try(500), "it lived for 450 ms");
    acquisition.missed(At::from_ms(600), 500, 0, false);
    assert_eq!(looked(&mut acquisition, 20_000, Vec::new()), Verdict::Try(100));
    let mut acquisition = begun();
    assert!(matches!(looked(&mut acquisition, 0, vec![reader(4_000)]), Verdict::Again(..)));
    assert_eq!(looked(&mut acquisition, 100, Vec::new()), Verdict::Try(100));
}

#[test]
fn a_reader_that_grows_old_is_never_asked_behind() {
    let mut acquisition = begun();
    for at_ms in (100_u16..5_000).step_by(100) {
        let verdict = looked(&mut acquisition, at_ms.into(), vec![reader(i64::from(at_ms) + 10)]);
        assert!(matches!(verdict, Verdict::Again(..)), "at {at_ms} ms: {verdict:?}");
    }
    let shortest = Verdict::Try(100);
    assert_eq!(
        looked(&mut acquisition, 5_100, Vec::new()),
        shortest,
        "though longer waits are allowed by now"
    );
}

#[test]
fn attempts_climb_rest_for_their_duty_and_end() {
    let mut acquisition = begun();
    let mut waits = Vec::new();
    let mut at_ms = 0;
    loop {
        let Verdict::Try(wait_ms) = looked(&mut acquisition, at_ms, Vec::new()) else {
            panic!("nobody is there")
        };
        waits.push(wait_ms);
        match acquisition.missed(At::from_ms(at_ms + wait_ms), wait_ms, 17, true) {
            Verdict::Again(at, _) => {
                let rested_ms = at.ms() - at_ms - wait_ms;
                assert!(
                    rested_ms >= 9 * wait_ms,
                    "a tenth of the time is the most: {wait_ms} of {rested_ms}"
                );
                at_ms = at.ms();
            }
            Verdict::GiveUp(why) => {
                assert_eq!(why, "no lock in 50 attempts");
                break;
            }
            Verdict::Try(_) => panic!("without a look"),
        }
    }
    assert_eq!(waits.get(..4), Some(&[100, 250, 500, 1_500][..]), "the last one holds");
    assert_eq!(waits.len(), 50);
}

#[test]
fn nothing_is_held_without_an_armed_guard() {
    for (armed, longest_ms) in [(false, 500), (true, 1_500)] {
        let mut acquisition = begun();
        for attempt in 0..5 {
            let at = At::from_ms(attempt * 10_000);
            acquisition.looked(at, &look(Vec::new()), armed, |_| String::new());
            acquisition.missed(at, 100, 0, true);
        }
        let verdict = acquisition.looked(At::from_ms(60_000), &look(Vec::new()), armed, |_| String::new());
        assert_eq!(verdict, Verdict::Try(longest_ms));
    }
}

#[test]
fn an_autovacuum_alone_in_the_way_is_held_for_at_once() {
    assert_eq!(looked(&mut begun(), 0, vec![vacuum(None)]), Verdict::Try(1_500));
    let unarmed = begun().looked(At::from_ms(0), &look(vec![vacuum(None)]), false, |_| String::new());
    assert!(matches!(unarmed, Verdict::Again(..)), "without a guard it is waited for");
    assert!(matches!(looked(&mut begun(), 0, vec![reader(9_000), vacuum(None)]), Verdict::Again(..)));
}

#[test]
fn an_autovacuum_against_wraparound_ends_the_trying_and_its_end_is_estimated() {
    let mut acquisition = begun();
    let unarmed = |acquisition: &mut Acquisition, at_ms, done| {
        acquisition.looked(At::from_ms(at_ms), &look(vec![vacuum(Some((done, 1_000)))]), false, |_| {
            "public.users".to_owned()
        })
    };
    unarmed(&mut acquisition, 0, 100);
    let Verdict::Again(_, why) = unarmed(&mut acquisition, 10_000, 200) else { panic!("it is waited for") };
    assert!(why.ends_with(", 20 % through, about 1m20s to go"), "{why}");
    let never = Holder { wraparound: true, ..vacuum(Some((300, 1_000))) };
    let Verdict::GiveUp(why) = looked(&mut acquisition, 20_000, vec![never]) else {
        panic!("it is given up")
    };
    assert!(why.starts_with("autovacuum (pid 9) of public.users prevents wraparound"), "{why}");
}

#[test]
fn looks_that_never_pass_end_in_a_refusal_that_names_who_was_in_the_way() {
    let mut acquisition = begun();
    let Verdict::GiveUp(why) = looked(&mut acquisition, 30 * 60_000, vec![reader(1_900_000)]) else {
        panic!("it is given up")
    };
    assert!(why.starts_with("no lock in 30m00s (0 attempts); last in the way: pid 7 shop-web"), "{why}");
}
