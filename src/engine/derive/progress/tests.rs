use super::*;
use crate::engine::ids::TextId;
use crate::engine::locks::LockMode;
use crate::engine::sample::{DatabaseCounters, SlowFacts};
use crate::engine::settings::Settings;
use crate::engine::story::{Story, armed};
use crate::engine::testing::{A, B, Look, USERS, calm, client, jam};

fn build(done: Option<u64>, total: Option<u64>) -> Progress {
    Progress {
        pid: B,
        command: "CREATE INDEX CONCURRENTLY".to_owned(),
        relation: Some(USERS),
        phase: done.map(|_| "building index: loading tuples".to_owned()),
        locker_pid: Some(A),
        lockers: Some((1, 3)),
        done,
        total,
        unit: Some("tuples".to_owned()),
    }
}

fn reports(progress: Vec<Progress>) -> Look {
    let mut look =
        calm().with(client(B).app("deploy").runs(3).holds(LockMode::ShareUpdateExclusiveLock, USERS));
    look.0.slow = Some(Box::new(SlowFacts {
        in_recovery: false,
        checkpointer_start: None,
        wal_lsn: None,
        senders: Vec::new(),
        slots: Vec::new(),
        progress,
        counters: DatabaseCounters::default(),
    }));
    look
}

fn view_of(looks: Vec<(u64, Look)>) -> ProgressView {
    let mut story = Story::begin(armed());
    let mut history = History::default();
    let mut last = At(0);
    for (ms, look) in looks {
        last = At::from_ms(ms);
        story.look(ms, look);
        history.observe(last, &story.cockpit);
    }
    ProgressView::of(&story.cockpit, &history, last)
}

#[test]
fn a_command_has_a_rate_and_an_estimate_once_it_was_seen_twice() {
    let first = view_of(vec![(1_000, reports(vec![build(Some(100), Some(1_000))]))]);
    assert_eq!((first.lines[0].permille, first.lines[0].rate_milli_per_s), (Some(100), None));
    assert_eq!((first.lines[0].eta_ms, first.age_ms), (None, Some(0)));
    let view = view_of(vec![
        (1_000, reports(vec![build(Some(100), Some(1_000))])),
        (3_000, reports(vec![build(Some(500), Some(1_000))])),
    ]);
    let line = &view.lines[0];
    assert_eq!((line.rate_milli_per_s, line.eta_ms), (Some(200_000), Some(2_500)));
    assert_eq!((line.relation.as_deref(), line.doing), (Some("users"), Doing::Works));
    assert_eq!((line.locker, line.lockers), (Some((A, Some(2_000))), Some((1, 3))));
    assert!(line.is_target && view.target.is_none());
}

#[test]
fn nothing_is_ever_more_than_done() {
    let view = view_of(vec![
        (1_000, reports(vec![build(Some(900), Some(1_000))])),
        (3_000, reports(vec![build(Some(1_640), Some(1_000))])),
    ]);
    assert_eq!((view.lines[0].permille, view.lines[0].eta_ms), (Some(1_000), None));
    assert!(view.lines[0].note.as_deref().is_some_and(|note| note.starts_with("estimate exceeded")));
    let masked = view_of(vec![(1_000, reports(vec![build(None, None)]))]);
    assert_eq!(masked.lines[0].permille, None);
    assert!(masked.lines[0].note.as_deref().is_some_and(|note| note.starts_with("hidden")));
}

#[test]
fn where_there_is_no_view_the_clock_is_shown_with_the_reason() {
    let mut look = jam(1);
    look.0.slow = reports(Vec::new()).0.slow;
    let view = view_of(vec![(1_500, look)]);
    let elapsed = view.target.expect("the target");
    assert_eq!((elapsed.pid, elapsed.ms, elapsed.doing), (B, Some(1_500), Doing::WaitsForLock));
    assert_eq!(elapsed.why, "PostgreSQL has no progress view for ALTER TABLE");
    let unread = view_of(vec![(1_500, jam(1))]);
    assert_eq!(unread.age_ms, None);
    assert_eq!(unread.target.expect("the target").why, "progress has not been read yet");
}

#[test]
fn a_text_that_is_lost_is_not_called_hidden() {
    let mut look = jam(1);
    look.0.slow = reports(Vec::new()).0.slow;
    for backend in &mut look.0.backends {
        backend.text = Some(TextId(4_711));
    }
    let mut story = Story::begin(armed());
    story.look(1_500, look);
    let view = ProgressView::of(&story.cockpit, &History::default(), At::from_ms(1_500));
    assert_eq!(view.target.expect("the target").why, "the text of its statement is lost from the log");
    assert_eq!(story.cockpit.catalog().kind(Some(TextId(4_711))), "<text lost>");
    assert_eq!(story.cockpit.catalog().kind(None), "unknown statement");
}

#[test]
fn what_a_backend_is_at_is_a_word() {
    let doing = |who| {
        let mut story = Story::begin(Settings::default());
        story.look(1_000, calm().with(who));
        Doing::of(&Lookup::of(&story.cockpit).expect("a sample"), A).words()
    };
    assert_eq!(doing(client(A)), "working");
    assert_eq!(doing(client(A).waits_for("Client/ClientRead")), "waiting for its client");
    assert_eq!(doing(client(A).state(State::IdleInTransaction)), "waiting for its client");
    assert_eq!(doing(client(A).waits_for("IPC/SyncRep")), "committed, waits for a standby");
    assert_eq!(doing(client(A).masked()), "unknown");
    assert_eq!(doing(client(A).masked().awaits(LockMode::ShareLock, USERS)), "waiting for a lock");
    assert_eq!(doing(client(B)), "unknown");
}
