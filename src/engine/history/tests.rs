use super::*;
use crate::engine::input::{Conn, Input, Link, LinkState};
use crate::engine::sample::{DatabaseCounters, Progress, Sender, SlowFacts};
use crate::engine::settings::Settings;
use crate::engine::story::{Story, armed};
use crate::engine::testing::{A, Look, calm, client, jam};

fn slow(change: impl FnOnce(&mut SlowFacts)) -> Box<SlowFacts> {
    let mut slow = SlowFacts {
        in_recovery: false,
        checkpointer_start: None,
        wal_lsn: Some(1_000),
        senders: Vec::new(),
        slots: Vec::new(),
        progress: Vec::new(),
        counters: DatabaseCounters::default(),
    };
    change(&mut slow);
    Box::new(slow)
}

fn with_slow(mut look: Look, change: impl FnOnce(&mut SlowFacts)) -> Look {
    look.0.slow = Some(slow(change));
    look
}

fn commits(xact_commit: u64) -> impl FnOnce(&mut SlowFacts) {
    move |slow| slow.counters.xact_commit = xact_commit
}

fn standby(name: &str) -> Sender {
    Sender {
        pid: Pid(700),
        application: name.to_owned(),
        state: Some("streaming".to_owned()),
        sync_state: None,
        sent_lsn: None,
        write_lsn: None,
        flush_lsn: None,
        replay_lsn: Some(900),
        write_lag_us: None,
        flush_lag_us: None,
        replay_lag_us: None,
        reply_time: None,
    }
}

fn points(history: &History, signal: &Signal) -> Vec<(u64, Option<u64>)> {
    history.series(signal).map(|(at, value)| (at.ms(), value)).collect()
}

struct Watched {
    story: Story,
    history: History,
}

impl Watched {
    fn begin(settings: Settings) -> Watched {
        Watched { story: Story::begin(settings), history: History::default() }
    }

    fn look(&mut self, ms: u64, look: Look) {
        self.story.look(ms, look);
        self.history.observe(At::from_ms(ms), &self.story.cockpit);
    }

    fn tick(&mut self, ms: u64) {
        self.story.tick(ms);
        self.history.observe(At::from_ms(ms), &self.story.cockpit);
    }
}

#[test]
fn what_is_not_known_is_none_and_not_zero() {
    let mut flight = Watched::begin(armed());
    flight.look(1_000, calm().with(client(A).masked()));
    flight.look(1_500, jam(3));
    assert_eq!(points(&flight.history, &Signal::Victims), [(1_000, None), (1_500, Some(3))]);
    assert_eq!(points(&flight.history, &Signal::Active), [(1_000, None), (1_500, Some(4))]);
    assert_eq!(points(&flight.history, &Signal::Waiting), [(1_000, Some(0)), (1_500, Some(3))]);
    assert_eq!(points(&flight.history, &Signal::CommitsPerS), []);
    let rails: Vec<&str> = flight.history.guardrails().map(|(name, _)| name).collect();
    assert_eq!(rails, ["blind", "queue_age", "queue_depth"]);
    let depth = Signal::Guardrail("queue_depth".to_owned());
    assert_eq!(points(&flight.history, &depth), [(1_000, None), (1_500, Some(3))]);
}

#[test]
fn inputs_that_bring_no_facts_add_no_points() {
    let mut flight = Watched::begin(Settings::default());
    flight.look(1_000, calm());
    let lost = Input::Link(Link { conn: Conn::Control, state: LinkState::Lost { why: "x".to_owned() } });
    flight.story.input(1_100, lost);
    flight.history.observe(At::from_ms(1_100), &flight.story.cockpit);
    assert_eq!(points(&flight.history, &Signal::Waiting), [(1_000, Some(0))]);
}

#[test]
fn a_time_without_samples_is_a_gap_in_which_blindness_is_still_read() {
    let mut flight = Watched::begin(armed());
    flight.look(1_000, calm());
    flight.tick(9_000);
    flight.look(20_000, calm());
    assert_eq!(
        points(&flight.history, &Signal::Waiting),
        [(1_000, Some(0)), (9_000, None), (20_000, Some(0))]
    );
    let blind = Signal::Guardrail("blind".to_owned());
    assert_eq!(points(&flight.history, &blind), [(1_000, Some(0)), (9_000, Some(8_000)), (20_000, Some(0))]);
    // Nothing came in between at all: the line still does not run through.
    flight.look(40_000, calm());
    assert_eq!(points(&flight.history, &Signal::Waiting)[3..], [(20_000, None), (40_000, Some(0))]);
}

#[test]
fn points_near_to_each_other_keep_their_lowest_and_their_highest() {
    let mut flight = Watched::begin(armed());
    for (ms, victims) in [(1_000, 3), (1_100, 9), (1_200, 1), (1_300, 4), (1_600, 2)] {
        flight.look(ms, jam(victims));
    }
    assert_eq!(
        points(&flight.history, &Signal::Waiting),
        [(1_100, Some(9)), (1_200, Some(1)), (1_600, Some(2))]
    );
}

#[test]
fn ten_minutes_are_kept_and_no_more() {
    let mut history = History::default();
    for i in 0..3_000_u64 {
        history.push(At::from_ms(i * 250), Signal::Waiting, Some(i));
    }
    let (oldest, newest) = (history.series(&Signal::Waiting).next(), history.last(&Signal::Waiting));
    let (oldest, newest) = (oldest.expect("a point").0, newest.expect("a point").0);
    assert!((KEPT_MS - 1_000..=KEPT_MS).contains(&newest.ms_since(oldest)), "{oldest:?} to {newest:?}");
    assert!(history.series(&Signal::Waiting).count() <= 2 * MOST_BUCKETS);
}

#[test]
fn rates_come_from_two_readings_and_a_reset_has_none() {
    let mut flight = Watched::begin(Settings::default());
    flight.look(1_000, with_slow(calm(), commits(5_000)));
    flight.look(3_000, with_slow(calm(), commits(5_500)));
    flight.look(4_000, with_slow(calm(), commits(10)));
    flight.look(5_000, with_slow(calm(), commits(10)));
    assert_eq!(
        points(&flight.history, &Signal::CommitsPerS),
        [(1_000, None), (3_000, Some(250)), (4_000, None), (5_000, Some(0))]
    );
    assert_eq!(points(&flight.history, &Signal::ReplayLagBytes)[0], (1_000, None));
}

#[test]
fn standbys_and_their_replay_are_remembered() {
    let mut flight = Watched::begin(Settings::default());
    flight.look(1_000, with_slow(calm(), |slow| slow.senders = vec![standby("f1"), standby("f2")]));
    flight.look(2_000, with_slow(calm(), |slow| slow.senders = vec![standby("f1")]));
    let seen: Vec<(&str, u32, u64)> =
        flight.history.standbys().map(|(name, seen)| (name, seen.now, seen.last_seen.ms())).collect();
    assert_eq!(seen, [("f1", 1, 2_000), ("f2", 0, 1_000)]);
    assert_eq!(flight.history.replay(Pid(700)), Some(Replay { lsn: 900, since: At::from_ms(1_000) }));
    assert_eq!(points(&flight.history, &Signal::ReplayLagBytes), [(1_000, Some(100)), (2_000, Some(100))]);
}

#[test]
fn progress_has_a_rate_within_one_phase() {
    let at_work = |phase: &str, done| {
        let phase = Some(phase.to_owned());
        let base = Progress {
            pid: A,
            command: "VACUUM".to_owned(),
            relation: None,
            phase,
            locker_pid: Some(Pid(9)),
            lockers: None,
            done: Some(done),
            total: Some(1_000),
            unit: None,
        };
        move |slow: &mut SlowFacts| slow.progress = vec![base]
    };
    let mut flight = Watched::begin(Settings::default());
    flight.look(1_000, with_slow(calm(), at_work("scanning heap", 100)));
    let rate = |flight: &Watched| flight.history.progress(A).expect("a track").rate_milli_per_s();
    assert_eq!(rate(&flight), None);
    flight.look(3_000, with_slow(calm(), at_work("scanning heap", 200)));
    assert_eq!(rate(&flight), Some(50_000));
    assert_eq!(flight.history.progress(A).and_then(|track| track.locker), Some((Pid(9), At::from_ms(1_000))));
    flight.look(4_000, with_slow(calm(), at_work("vacuuming heap", 0)));
    assert_eq!(rate(&flight), None);
    flight.look(5_000, with_slow(calm(), |_| {}));
    assert!(flight.history.progress(A).is_none());
}

#[test]
fn growth_needs_time_and_a_rewind_starts_anew() {
    let mut flight = Watched::begin(armed());
    flight.look(1_000, jam(2));
    let growth =
        |flight: &Watched, ms| flight.history.growth_per_minute(&Signal::Waiting, At::from_ms(ms), 60_000);
    assert_eq!(growth(&flight, 1_000), None);
    flight.look(3_000, jam(6));
    assert_eq!(growth(&flight, 3_000), Some(120));
    assert_eq!(growth(&flight, 200_000), None);
    let mut earlier = Watched::begin(armed());
    earlier.look(500, jam(1));
    flight.history.observe(At::from_ms(500), &earlier.story.cockpit);
    assert_eq!(points(&flight.history, &Signal::Waiting), [(500, Some(1))]);
}

#[test]
fn a_wait_of_unknown_age_is_not_told_as_just_begun() {
    let (mut story, mut history) = (Story::begin(Settings::default()), History::default());
    story.look(1_000, calm());
    history.observe(At::from_ms(1_000), &story.cockpit);
    // The server names whom it waits for; its lock was not among those read.
    story.look(2_000, calm().with(client(A)).with(client(Pid(9)).behind(&[A])));
    history.observe(At::from_ms(2_000), &story.cockpit);
    assert_eq!(points(&history, &Signal::Waiting), [(1_000, Some(0)), (2_000, Some(1))]);
    assert_eq!(points(&history, &Signal::OldestWaitMs), [(1_000, Some(0)), (2_000, None)]);
}
