use super::*;
use crate::engine::derive::cost::Severity;
use crate::engine::locks::LockMode;
use crate::engine::settings::Settings;
use crate::engine::story::{Story, armed};
use crate::engine::testing::{A, B, Look, ORDERS, USERS, calm, client, forgotten_reader, jam, readers};

fn options(look: Look, selected: Option<Pid>) -> Vec<WhatIf> {
    let mut story = Story::begin(armed());
    story.look(1_000, look);
    what_if(&story.cockpit, &History::default(), selected, At::from_ms(1_000))
}

fn freed(option: &WhatIf) -> (u32, u32) {
    let freed = option.freed.as_ref().expect("a stop");
    (freed.victims, freed.sessions)
}

#[test]
fn a_jam_may_be_ended_at_both_ends_or_waited_for() {
    let options = options(jam(96), Some(A));
    let acts: Vec<(Act, Option<Pid>)> = options.iter().map(|option| (option.act, option.pid)).collect();
    assert_eq!(acts, [(Act::StopTarget, Some(B)), (Act::StopRoot, Some(A)), (Act::Wait, None)]);
    let [ours, root, wait] = options.as_slice() else { panic!("three options") };
    assert_eq!(freed(ours), (96, 96));
    assert_eq!(ours.freed.as_ref().expect("freed").sentence, "96 sessions go on, 96 of them victims");
    assert_eq!(ours.cost.as_ref().map(|cost| cost.severity), Some(Severity::Nothing));
    // Without the root the target gets its lock; the readers still wait for the target.
    assert_eq!(freed(root), (0, 1));
    let after = root.freed.as_ref().expect("freed");
    assert!(after.target_goes_on);
    assert_eq!(after.sentence, "1 session goes on, the target among them; 96 further behind wait for those");
    assert_eq!(root.title, "stop the root, pid 101 report-job");
    assert!(wait.then.contains("until pid 101 ends its transaction, open for 2m01s"), "{}", wait.then);
}

#[test]
fn who_has_another_blocker_is_not_freed() {
    let c = Pid(103);
    let look = calm()
        .with(forgotten_reader())
        .with(client(c).holds(LockMode::RowShareLock, USERS))
        .with(client(B).app("deploy").runs(1).awaits(LockMode::AccessExclusiveLock, USERS).behind(&[A, c]))
        .with_all(readers(4, B));
    let options = options(look, Some(c));
    let root = &options[1];
    assert_eq!((root.act, root.pid, freed(root)), (Act::StopRoot, Some(A), (0, 0)));
    let after = root.freed.as_ref().expect("freed");
    assert_eq!((after.waited_for_it, after.still_behind.as_slice()), (1, [(c, 1)].as_slice()));
    assert!(after.sentence.contains("1 more would wait on: 1 for pid 103"), "{}", after.sentence);
    assert!(!after.target_goes_on);
    assert_eq!((options[2].act, options[2].pid), (Act::StopSelected, Some(c)));
}

#[test]
fn those_who_wait_for_each_other_are_freed_without_end() {
    let (c, d) = (Pid(103), Pid(104));
    let look = calm()
        .with(client(c).awaits(LockMode::ShareLock, USERS).behind(&[d]))
        .with(client(d).awaits(LockMode::ShareLock, ORDERS).behind(&[c]));
    let options = options(look, Some(c));
    assert_eq!(options.first().map(freed), Some((0, 1)));
    assert!(options.iter().all(|option| option.act != Act::StopRoot));
}

#[test]
fn what_the_client_does_next_is_said_where_it_is_known() {
    let next = |who| {
        let mut story = Story::begin(Settings::default());
        story.look(1_000, calm().with(who));
        what_if(&story.cockpit, &History::default(), Some(A), At::from_ms(1_000))[0].then.clone()
    };
    assert!(next(client(A).app("psql")).contains("ON_ERROR_STOP"));
    assert_eq!(next(client(A).app("Flyway")), "Flyway ends its run when a statement fails");
    assert!(next(client(A).transaction_from(-9_000)).starts_with("its transaction fails as a whole"));
    assert!(next(client(A)).starts_with("not known"));
    assert!(next(client(A).masked()).starts_with("not known"));
}

#[test]
fn growth_and_the_end_of_the_slots_are_estimates_or_not_known() {
    let mut story = Story::begin(armed());
    let mut history = History::default();
    story.look(1_000, jam(8));
    history.observe(At::from_ms(1_000), &story.cockpit);
    let growth = |story: &Story, history: &History, ms| {
        let options = what_if(&story.cockpit, history, None, At::from_ms(ms));
        options.last().and_then(|wait| wait.growth.clone()).expect("growth")
    };
    let first = growth(&story, &history, 1_000);
    assert_eq!((first.waiting_per_minute, first.slots_left), (None, Some(290)));
    assert!(first.slots_out_ms.as_ref().is_err_and(|why| why.starts_with("not known")));
    story.look(3_000, jam(18));
    history.observe(At::from_ms(3_000), &story.cockpit);
    let then = growth(&story, &history, 3_000);
    // 10 more in 2 s, and 280 slots left.
    assert_eq!((then.waiting_per_minute, then.slots_out_ms), (Some(300), Ok(56_000)));
}

#[test]
fn before_the_first_sample_there_is_nothing_to_choose() {
    assert!(what_if(&Cockpit::default(), &History::default(), Some(A), At(0)).is_empty());
}
