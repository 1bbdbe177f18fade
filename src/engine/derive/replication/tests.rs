use super::*;
use crate::engine::sample::DatabaseCounters;
use crate::engine::settings::Settings;
use crate::engine::story::Story;
use crate::engine::testing::{calm, server};

const MB: u64 = 1_024 * 1_024;
const NOW: u64 = 1_000 * MB;

/// A standby that is `behind` bytes behind, by a reply sent at `replied_ms`.
fn standby(pid: i32, name: &str, behind: u64, replied_ms: i64) -> Sender {
    Sender {
        pid: Pid(pid),
        application: name.to_owned(),
        state: Some("streaming".to_owned()),
        sync_state: Some("async".to_owned()),
        sent_lsn: Some(NOW),
        write_lsn: Some(NOW - behind / 2),
        flush_lsn: Some(NOW - behind / 2),
        replay_lsn: Some(NOW - behind),
        write_lag_us: None,
        flush_lag_us: None,
        replay_lag_us: None,
        reply_time: Some(server(replied_ms)),
    }
}

fn slot(name: &str, active: bool, kept: u64) -> Slot {
    Slot {
        name: name.to_owned(),
        logical: false,
        active,
        restart_lsn: Some(NOW - kept),
        wal_status: Some("reserved".to_owned()),
    }
}

/// Replication at the last of these readings, `later_ms` after it.
fn view_of(readings: Vec<(u64, Vec<Sender>, Vec<Slot>)>, later_ms: u64) -> ReplicationView {
    let mut story = Story::begin(Settings::default());
    let mut history = History::default();
    let mut last = At(0);
    for (ms, senders, slots) in readings {
        let mut look = calm();
        look.0.slow = Some(Box::new(SlowFacts {
            in_recovery: false,
            checkpointer_start: None,
            wal_lsn: Some(NOW),
            senders,
            slots,
            progress: Vec::new(),
            counters: DatabaseCounters::default(),
        }));
        last = At::from_ms(ms);
        story.look(ms, look);
        history.observe(last, &story.cockpit);
    }
    ReplicationView::of(&story.cockpit, &history, last.plus_ms(later_ms))
}

#[test]
fn the_worst_standby_names_the_lag() {
    let late = Sender { replay_lag_us: Some(9_900_000), ..standby(2, "f2", 134 * MB, 900) };
    let view = view_of(vec![(1_000, vec![standby(1, "f1", 0, 900), late], vec![])], 0);
    assert_eq!(view.summary, "2 standbys, worst f2: 134 MB / 9.9 s behind");
    let f2 = &view.senders[0];
    assert_eq!((f2.verdict, f2.behind_bytes, f2.reply), (Verdict::Lagging, Some(134 * MB), Reply::Ago(100)));
    assert_eq!((f2.unsent_bytes, f2.unwritten_bytes), (Some(0), Some(67 * MB)));
    assert_eq!((view.senders[1].verdict, view.verdict), (Verdict::Healthy, Verdict::Lagging));
    assert_eq!(view.senders[1].replay_lag_ms, None);
}

#[test]
fn a_silent_standby_and_one_that_does_not_replay_are_stalled() {
    let silent = view_of(vec![(60_000, vec![standby(1, "f1", 0, 20_000)], vec![])], 0);
    assert_eq!(silent.senders[0].verdict, Verdict::Stalled);
    assert!(silent.summary.contains("last heard of 40 s ago"), "{}", silent.summary);
    let at = |ms: u64| (ms, vec![standby(1, "f1", MB, i64::try_from(ms).expect("a time"))], vec![]);
    let still = view_of(vec![at(1_000), at(6_000), at(12_000)], 0);
    assert_eq!(still.senders[0].verdict, Verdict::Stalled);
    assert!(still.summary.contains("has replayed nothing for 11 s; 1.0 MB behind"), "{}", still.summary);
}

#[test]
fn a_reply_from_the_future_is_a_clock_and_no_negative_age() {
    let view = view_of(vec![(1_000, vec![standby(1, "f1", 0, 61_000)], vec![])], 0);
    assert_eq!(view.senders[0].reply, Reply::ClockSkew(60_000));
    assert!(view.summary.contains("clock skew"), "{}", view.summary);
    let near = view_of(vec![(1_000, vec![standby(1, "f1", 0, 1_500)], vec![])], 0);
    assert_eq!(near.senders[0].reply, Reply::Ago(0));
}

#[test]
fn what_is_hidden_or_was_never_read_is_not_known() {
    let masked = Sender {
        state: None,
        sync_state: None,
        sent_lsn: None,
        replay_lsn: None,
        reply_time: None,
        ..standby(1, "f1", 0, 0)
    };
    let view = view_of(vec![(1_000, vec![masked], vec![])], 0);
    assert_eq!((view.verdict, view.senders[0].reply), (Verdict::Unknown, Reply::Unknown));
    assert_eq!(view.summary, "1 standby, lag not known: needs pg_monitor");
    let never = ReplicationView::of(&Cockpit::default(), &History::default(), At(0));
    assert_eq!((never.verdict, never.age_ms), (Verdict::Unknown, None));
}

#[test]
fn a_standby_that_has_vanished_is_said() {
    let both = || {
        vec![standby(1, "f1", 0, 900), standby(2, "walreceiver", 0, 900), standby(3, "walreceiver", 0, 900)]
    };
    let view = view_of(
        vec![(1_000, both(), vec![]), (9_000, vec![standby(3, "walreceiver", 0, 8_900)], vec![])],
        4_000,
    );
    assert_eq!(
        view.summary,
        "f1 is gone, last seen 12 s ago; 1 of 2 called walreceiver are gone, last seen 12 s ago; \
         walreceiver has replayed everything"
    );
    assert_eq!((view.verdict, view.vanished.len()), (Verdict::Stalled, 2));
}

#[test]
fn slots_that_keep_wal_and_facts_that_are_old_are_said() {
    let lost = Slot { wal_status: Some("lost".to_owned()), restart_lsn: None, ..slot("l", false, 0) };
    let slots = vec![slot("a", true, MB), slot("b", false, 900 * MB), lost];
    let view = view_of(vec![(1_000, vec![], slots)], 7_000);
    assert_eq!(
        view.summary,
        "no standby connected; 1 inactive slot keeps 900 MB; 1 slot lost; read 7.0 s ago"
    );
    let verdicts: Vec<(&str, Verdict)> =
        view.slots.iter().map(|slot| (slot.name.as_str(), slot.verdict)).collect();
    assert_eq!(verdicts, [("l", Verdict::Stalled), ("b", Verdict::Lagging), ("a", Verdict::Healthy)]);
    let calm = view_of(vec![(1_000, vec![], vec![])], 0);
    assert_eq!((calm.summary.as_str(), calm.verdict), ("no standby connected", Verdict::Healthy));
}

#[test]
fn a_standby_that_nobody_looked_at_is_not_told_to_stand_still() {
    let readings = vec![(1_000, vec![standby(1, "db2", MB, 900)], Vec::new())];
    let view = view_of(readings, 12_000);
    assert_eq!(view.senders[0].verdict, Verdict::Healthy, "{}", view.senders[0].sentence);
    assert!(view.summary.ends_with("read 12 s ago"), "{}", view.summary);
}
