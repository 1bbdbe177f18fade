use super::Cockpit;
use super::checkpoint::{Checkpoint, Held, RestoreError};
use super::effect::{Effect, Rung};
use super::guard::Level;
use super::ids::{At, Pid};
use super::input::{Attached, Command, Conn, Gap, Input, Link, LinkState, Missed, RungAnswer, Sensor};
use super::locks::LockMode::{AccessExclusiveLock, ShareUpdateExclusiveLock};
use super::sample::{DatabaseCounters, Edge, Fact, SlowFacts, Watch};
use super::scene::Part;
use super::settings::{Arming, IfLost, Selector, Settings};
use super::story::{Story, armed, attached, begin, ended, gone, ordered, rung};
use super::target::Target;
use super::testing::{
    A, B, Look, ORDERS, SHOP, USERS, calm, client, forgotten_reader, jam, names, readers, server,
    waiting_alter,
};
use super::timeline::{Event, Fate, GuardState, StopResult};

mod property;

fn watching() -> Settings {
    Settings { arming: Arming::Watching, ..armed() }
}

fn if_lost(if_lost: IfLost) -> Settings {
    Settings { if_lost, ..armed() }
}

fn notes(events: &[Event]) -> Vec<(bool, String)> {
    let note = |event: &Event| match event {
        Event::Note { warning, text } => Some((*warning, text.clone())),
        _ => None,
    };
    events.iter().filter_map(note).collect()
}

fn trips(events: &[Event]) -> Vec<String> {
    let trip = |event: &Event| match event {
        Event::Trip { name, .. } => Some(name.clone()),
        _ => None,
    };
    events.iter().filter_map(trip).collect()
}

fn fates(events: &[Event]) -> Vec<Fate> {
    let fate = |event: &Event| match event {
        Event::TargetEnded { fate, .. } => Some(*fate),
        _ => None,
    };
    events.iter().filter_map(fate).collect()
}

fn guard(story: &Story) -> GuardState {
    story.cockpit.brake().state().expect("a state").0
}

fn ends(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::End { .. }))
}

fn end(reason: &str) -> Input {
    ordered(Command::End { reason: reason.to_owned() })
}

fn watch(waiting: u32) -> Input {
    let oldest = vec![Edge { waiter: B, blockers: vec![A] }];
    Input::Watch(Watch { server_now: server(0), cost_us: 300, waiting, oldest_wait_start: None, oldest })
}

fn again(change: impl FnOnce(&mut Attached)) -> Input {
    let mut attached = attached();
    change(&mut attached);
    Input::Attached(Box::new(attached))
}

#[test]
fn a_flight_tells_that_it_is_attached_and_how_often_it_looks() {
    let mut story = Story::blank();
    assert_eq!(story.input(0, begin(armed())), [], "there is no server yet");
    assert_eq!(
        story.input(0, again(|_| {})),
        [Effect::Pace { sample_every_ms: 250, watch_every_ms: Some(100) }]
    );
    assert_eq!(story.events()[0], Event::Attached);
    let mut story = Story::blank();
    story.input(0, begin(watching()));
    assert_eq!(story.input(0, again(|_| {})), [], "the pace of quiet times is the first one");
}

#[test]
fn inputs_before_the_beginning_change_nothing() {
    let mut story = Story::blank();
    assert_eq!(story.look(0, jam(9)), []);
    assert_eq!(story.tick(10), []);
    assert_eq!(story.input(20, end("early")), []);
    assert_eq!(story.cockpit.next_deadline(), None);
}

#[test]
fn a_pattern_that_does_not_compile_selects_nobody() {
    let mut story = Story::begin(Settings { target: Selector::Application("(".to_owned()), ..armed() });
    story.jams(9);
    assert!(story.cockpit.target().is_none());
}

#[test]
fn a_checkpoint_is_refused_when_it_is_none() {
    let mut story = Story::begin(armed());
    story.jams(9);
    let Checkpoint { state, held } = story.cockpit.checkpoint();
    assert!(matches!(Cockpit::restore(b"{}", held.clone()), Err(RestoreError::State(_))));
    assert!(matches!(Cockpit::restore(&state[..100], held.clone()), Err(RestoreError::State(_))));
    assert!(matches!(Cockpit::restore(&state, Held::default()), Err(RestoreError::Lacks)));
    assert!(Cockpit::restore(&state, held).is_ok());
}

#[test]
fn a_deadlock_is_told_once() {
    let mut story = Story::begin(watching());
    let embrace = || {
        let one = client(Pid(7)).awaits(AccessExclusiveLock, USERS).behind(&[Pid(8)]);
        let two = client(Pid(8)).awaits(AccessExclusiveLock, ORDERS).behind(&[Pid(7)]);
        calm().with(one).with(two)
    };
    for ms in [1_000, 1_250, 1_500] {
        story.look(ms, embrace());
    }
    let told = notes(&story.events());
    assert_eq!(told, [(true, "deadlock: pids 7, 8 wait for each other".to_owned())]);
}

#[test]
fn attached_again_to_the_same_server() {
    let mut story = Story::begin(armed());
    story.look(1_000, jam(0));
    story.events();
    story.input(1_500, again(|_| {}));
    assert_eq!(notes(&story.events()), [(false, "attached again".to_owned())]);
    assert_eq!(story.cockpit.target().map(Target::pid), Some(B), "its target is still there");
    assert_eq!(guard(&story), GuardState::Armed);
}

#[test]
fn attached_again_after_a_restart() {
    let mut story = Story::begin(armed());
    story.look(1_000, jam(0));
    story.events();
    story.input(1_500, again(|now| now.postmaster_start = server(1_200)));
    let events = story.events();
    assert_eq!(notes(&events), [(true, "attached again; the server was restarted".to_owned())]);
    assert_eq!(fates(&events), [Fate::Gone], "no session survives a restart");
    assert!(story.cockpit.target().is_none() && story.cockpit.sample().is_none());
    assert_eq!(story.cockpit.ages().age_ms(At::from_ms(1_500), B), None);
    assert_eq!(guard(&story), GuardState::Armed, "the scope is an application, and it may come back");
}

#[test]
fn attached_again_to_something_else_disarms() {
    type Change = fn(&mut Attached);
    let changes: [(&str, Change); 3] = [
        ("attached again, to another cluster: disarmed", |now| {
            now.system_identifier = Fact::Known(7_001);
            now.postmaster_start = server(-9_000);
        }),
        ("attached again; its role or timeline has changed: disarmed", |now| now.timeline = Fact::Known(2)),
        ("attached again; its role or timeline has changed: disarmed", |now| now.in_recovery = true),
    ];
    for (text, change) in changes {
        let mut story = Story::begin(armed());
        story.input(1_500, again(change));
        assert_eq!(notes(&story.events()), [(true, text.to_owned())]);
        assert_eq!(guard(&story), GuardState::Watching, "{text}");
        story.jams(9);
        assert_eq!(trips(&story.events()), [] as [&str; 0], "{text}");
    }
}

#[test]
fn an_identity_that_is_not_known_is_no_change() {
    let mut story = Story::begin(armed());
    story.input(1_500, again(|now| now.system_identifier = Fact::Missing("no right".to_owned())));
    assert_eq!(guard(&story), GuardState::Armed);
}

#[test]
fn another_cluster_does_not_answer_for_the_first() {
    let mut story = Story::begin(armed());
    story.look(1_000, jam(0));
    story.look(1_250, calm());
    story.events();
    story.input(
        1_500,
        again(|now| {
            now.system_identifier = Fact::Known(7_001);
            now.postmaster_start = server(-9_000);
        }),
    );
    assert_eq!(fates(&story.events()), [Fate::Unknown]);
    story.outcome(1_510, ended(B, false, Fact::Known("committed")));
    assert_eq!(fates(&story.events()), [], "there its transaction id is somebody else's");
}

#[test]
fn a_restarted_server_remembers_its_transactions() {
    let mut story = Story::begin(armed());
    story.look(1_000, jam(0));
    story.look(1_250, calm());
    story.events();
    story.input(1_500, again(|now| now.postmaster_start = server(1_400)));
    assert_eq!(fates(&story.events()), []);
    story.outcome(1_510, ended(B, false, Fact::Known("aborted")));
    assert_eq!(fates(&story.events()), [Fate::Failed]);
}

/// Samples stop after 1.1 s, and the flight is woken whenever it asked to be, until 60 s.
fn goes_blind(settings: Settings, look: impl Fn() -> Look) -> (Story, Vec<(u64, Vec<Effect>)>) {
    let mut story = Story::begin(settings);
    story.look(1_000, look());
    story.look(1_100, look());
    story.events();
    let mut done = Vec::new();
    while let Some(due) = story.cockpit.next_deadline().filter(|due| due.ms() <= 60_000) {
        done.push((due.ms(), story.input_at(due, Input::Tick)));
    }
    (story, done)
}

#[test]
fn blindness_stops_a_strong_target_under_if_lost_stop_only() {
    let weak = || calm().with(client(B).app("deploy").holds(ShareUpdateExclusiveLock, USERS));
    for (case, settings, look, expected) in [
        ("strong, stop", if_lost(IfLost::Stop), (|| jam(0)) as fn() -> Look, vec!["blind"]),
        ("strong, keep", if_lost(IfLost::Keep), || jam(0), vec![]),
        ("weak, stop", if_lost(IfLost::Stop), weak, vec![]),
        ("nobody, stop", if_lost(IfLost::Stop), calm, vec![]),
        // One victim had waited for 0.9 s when it was last seen: what it does now is not known.
        ("strong with a victim, keep", if_lost(IfLost::Keep), || jam(1), vec![]),
    ] {
        let (mut story, done) = goes_blind(settings, look);
        let events = story.events();
        assert_eq!(trips(&events), expected, "{case}");
        let states: Vec<GuardState> = events
            .iter()
            .filter_map(|event| match event {
                Event::Guard { state, .. } => Some(*state),
                _ => None,
            })
            .collect();
        assert_eq!(states.first(), Some(&GuardState::Blind), "{case}: said loudly");
        let first = done.first().map(|(ms, _)| *ms);
        assert_eq!(first, Some(1_850), "{case}: 750 ms after the last sample");
    }
}

#[test]
fn blindness_acts_after_two_seconds_by_the_path_that_is_left() {
    let (_, done) = goes_blind(if_lost(IfLost::Stop), || jam(0));
    let rungs: Vec<(u64, Rung)> = done
        .iter()
        .flat_map(|(ms, effects)| effects.iter().map(move |effect| (ms, effect)))
        .filter_map(|(ms, effect)| match effect {
            Effect::Stop { rung, .. } => Some((*ms, *rung)),
            _ => None,
        })
        .collect();
    assert_eq!(rungs, [(3_100, Rung::Terminate)]);
}

#[test]
fn a_sample_ends_blindness() {
    let (mut story, _) = goes_blind(if_lost(IfLost::Keep), || jam(0));
    assert_eq!(guard(&story), GuardState::Blind);
    story.look(60_000, jam(0));
    assert_eq!(guard(&story), GuardState::Armed);
    let blind = story.cockpit.brake().guardrails().readings().iter().find(|(name, _)| name == "blind");
    assert_eq!(blind.map(|(_, reading)| reading.level), Some(Level::Ok));
}

#[test]
fn the_end_waits_for_a_stop_under_way_and_tells_what_became_of_its_target() {
    let mut story = Story::begin(armed());
    story.jams(8);
    story.events();
    assert!(!ends(&story.input(1_105, end("interrupted"))));
    assert_eq!(notes(&story.events())[0].1, "interrupted: leaving once the stop under way is over");
    assert!(!ends(&story.outcome(1_110, rung(1, RungAnswer::Sent, 1_101))));
    assert!(!ends(&story.outcome(1_120, gone(1, 0))), "what became of it is not known yet");
    assert!(!ends(&story.look(1_200, calm())));
    story.events();
    assert!(ends(&story.outcome(1_210, ended(B, false, Fact::Known("aborted")))));
    let events = story.events();
    assert_eq!(fates(&events), [Fate::Cancelled]);
    assert!(matches!(events.last(), Some(Event::End { reason }) if reason == "interrupted"), "{events:?}");
    assert!(story.cockpit.is_over());
}

#[test]
fn an_end_right_after_a_stop_still_tells_what_became_of_its_target() {
    let stopped = || {
        let mut story = Story::begin(armed());
        story.jams(8);
        story.outcome(1_110, rung(1, RungAnswer::Sent, 1_101));
        story.outcome(1_120, gone(1, 0));
        story.events();
        assert!(!ends(&story.input(1_125, end("interrupted"))));
        assert_eq!(story.cockpit.next_deadline(), Some(At::from_ms(1_850)), "the blindness");
        story
    };
    let mut story = stopped();
    story.look(1_200, calm());
    assert!(ends(&story.outcome(1_210, ended(B, false, Fact::Known("committed")))));
    assert_eq!(fates(&story.events()), [Fate::Done]);

    let mut story = stopped();
    story.tick(1_850);
    assert_eq!(story.cockpit.next_deadline(), Some(At::from_ms(2_125)));
    assert!(ends(&story.tick(2_125)), "nothing more is seen");
    assert_eq!(fates(&story.events()), [Fate::Cancelled]);

    assert!(ends(&stopped().input(1_130, end("interrupted"))), "asked twice");
}

#[test]
fn the_end_does_not_wait_for_ever() {
    let mut story = Story::begin(armed());
    story.jams(8);
    story.input(1_105, end("interrupted"));
    while let Some(due) = story.cockpit.next_deadline().filter(|_| !story.cockpit.is_over()) {
        story.input_at(due, Input::Tick);
    }
    assert!(story.cockpit.is_over());
    let lost = story.events().into_iter().any(
        |event| matches!(event, Event::Outcome(told) if told.is_final && told.result == StopResult::Lost),
    );
    assert!(lost);
}

#[test]
fn the_first_reason_to_end_counts_and_it_is_told_once() {
    let mut story = Story::begin(Settings { ends_ms: Some(5_000), ..watching() });
    assert_eq!(story.cockpit.next_deadline(), Some(At::from_ms(5_000)));
    assert!(ends(&story.tick(5_000)));
    assert!(!ends(&story.input(5_001, end("interrupted"))));
    assert_eq!(story.events(), [Event::End { reason: "time is up".to_owned() }]);
    assert_eq!(story.cockpit.next_deadline(), None);
}

#[test]
fn the_end_tells_what_is_still_open() {
    let mut story = Story::begin(armed());
    story.look(1_000, jam(0));
    story.look(1_250, calm());
    story.events();
    assert!(!ends(&story.input(1_260, end("interrupted"))));
    assert_eq!(fates(&story.events()), []);
    story.tick(2_000);
    assert!(ends(&story.tick(2_260)));
    assert_eq!(fates(&story.events()), [Fate::Unknown]);
}

#[test]
fn a_commit_that_waited_for_its_standby_is_not_told_as_cancelled_without_an_answer() {
    let mut story = Story::begin(armed());
    let look = || {
        let held = client(B).app("deploy").holds(AccessExclusiveLock, USERS).waits_for("IPC/SyncRep");
        calm().with(held).with_all(readers(8, B))
    };
    story.look(900, calm());
    story.look(1_000, look());
    story.look(1_100, look());
    story.outcome(1_110, rung(1, RungAnswer::Sent, 1_101));
    story.outcome(1_120, gone(1, 0));
    story.events();
    story.input(1_125, end("interrupted"));
    assert!(ends(&story.tick(2_125)));
    assert_eq!(fates(&story.events()), [Fate::Unknown]);
}

#[test]
fn names_of_another_cluster_are_not_those_of_the_first() {
    let mut story = Story::begin(armed());
    assert_eq!(story.cockpit.catalog().relation(SHOP, USERS), "users");
    story.input(1_500, again(|now| now.system_identifier = Fact::Known(7_001)));
    assert_eq!(story.cockpit.catalog().relation(SHOP, USERS), USERS.to_string());
    assert_eq!(story.cockpit.catalog().database(SHOP), "shop", "it presented itself by that name");
}

#[test]
fn a_flight_that_is_over_asks_for_nothing() {
    let mut story = Story::begin(armed());
    story.input(900, end("interrupted"));
    assert_eq!(story.jams(9), []);
    assert_eq!(trips(&story.events()), [] as [&str; 0]);
}

#[test]
fn a_watch_that_finds_something_asks_for_one_sample() {
    let mut story = Story::begin(armed());
    story.input(0, link(Conn::Sampler, Some(76)));
    story.look(1_000, calm());
    assert_eq!(story.input(1_100, watch(0)), []);
    assert_eq!(story.input(1_150, watch(2)), [Effect::SampleNow]);
    assert_eq!(story.input(1_200, watch(3)), [], "it is on its way");
    story.look(1_210, jam(2));
    assert_eq!(story.input(1_250, watch(3)), [Effect::SampleNow], "they wait behind a target");
    story.input(1_260, missed(Sensor::Sample, 10));
    assert_eq!(story.input(1_300, watch(3)), [Effect::SampleNow], "the last one brought nothing");
    story.input(1_310, link(Conn::Sampler, Some(77)));
    assert_eq!(story.input(1_350, watch(3)), [Effect::SampleNow], "nor will one of a lost session");
}

#[test]
fn a_watch_asks_for_nothing_where_nothing_is_decided_and_nothing_moved() {
    let mut story = Story::begin(watching());
    let row_lock = || calm().with(client(A)).with(client(Pid(7)).awaits_snapshot("3/4").behind(&[A]));
    story.look(1_000, row_lock());
    assert_eq!(story.input(1_050, watch(1)), []);
    assert_eq!(story.input(1_100, watch(2)), [], "somebody new waits, and the next look is soon enough");
    story.look(1_110, row_lock());
    assert_eq!(story.input(1_150, watch(0)), [Effect::SampleNow], "nobody waits any more");
}

fn missed(sensor: Sensor, waited_ms: u64) -> Input {
    Input::Missed(Missed { sensor, why: "statement timeout".to_owned(), waited_ms })
}

fn link(conn: Conn, up: Option<i32>) -> Input {
    let state = match up {
        Some(pid) => LinkState::Up { pid: Pid(pid) },
        None => LinkState::Lost { why: "broken pipe".to_owned() },
    };
    Input::Link(Link { conn, state })
}

#[test]
fn what_is_missed_is_a_gap_since_it_was_waited_for() {
    let mut story = Story::begin(watching());
    story.input(1_500, missed(Sensor::Names, 500));
    story.input(1_600, Input::Gap(Gap { from: At::from_ms(1_000), why: "slept".to_owned(), lost: None }));
    story.input(1_700, missed(Sensor::Watch, u64::MAX));
    let gap = |from_ms, why: &str, lost| Event::Gap { from: At::from_ms(from_ms), why: why.to_owned(), lost };
    assert_eq!(
        story.events(),
        [
            gap(1_000, "names missed: statement timeout", Some(1)),
            gap(1_000, "slept", None),
            gap(0, "watch missed: statement timeout", Some(1)),
        ]
    );
}

#[test]
fn links_are_told_when_they_come_and_go() {
    let mut story = Story::begin(watching());
    story.input(0, link(Conn::Control, Some(90)));
    assert_eq!(story.events(), [], "a first connection is no news");
    story.input(10, link(Conn::Control, None));
    story.input(20, link(Conn::Control, Some(91)));
    story.input(30, link(Conn::Watchdog, None));
    assert_eq!(
        notes(&story.events()),
        [
            (true, "control connection is lost: broken pipe".to_owned()),
            (false, "control connection is up again as pid 91".to_owned()),
            (true, "watchdog is lost: broken pipe".to_owned()),
        ]
    );
}

#[test]
fn a_remark_is_on_the_timeline() {
    let mut story = Story::begin(watching());
    story.input(10, ordered(Command::Mark { note: "app v2 is out".to_owned() }));
    assert_eq!(notes(&story.events()), [(false, "app v2 is out".to_owned())]);
}

#[test]
fn names_that_arrive_late_change_what_the_last_sample_means() {
    let mut story = Story::blank();
    story.input(0, begin(watching()));
    story.input(0, again(|_| {}));
    let temporary = super::testing::SCRATCH;
    story.look(1_000, calm().with(client(B).holds(AccessExclusiveLock, temporary)));
    assert_eq!(story.cockpit.scene().part(B), Part::SchemaWork, "not looked up: it may be any table");
    story.input(1_010, Input::Names(Box::new(names())));
    assert_eq!(story.cockpit.scene().part(B), Part::Client);
}

#[test]
fn what_is_read_once_a_second_stays_until_it_is_read_again() {
    let slow = |wal_lsn| {
        Some(Box::new(SlowFacts {
            in_recovery: false,
            checkpointer_start: None,
            wal_lsn: Some(wal_lsn),
            senders: Vec::new(),
            slots: Vec::new(),
            progress: Vec::new(),
            counters: DatabaseCounters::default(),
        }))
    };
    let mut story = Story::begin(watching());
    let wal = |story: &Story| story.cockpit.slow().and_then(|slow| slow.wal_lsn);
    for (ms, facts, expected) in [(1_000, slow(7), 7), (1_250, None, 7), (2_000, slow(9), 9)] {
        let mut look = calm();
        look.0.slow = facts;
        story.look(ms, look);
        assert_eq!(wal(&story), Some(expected), "at {ms} ms");
    }
}

#[test]
fn the_timeline_tells_what_it_still_has() {
    let mut story = Story::begin(watching());
    let before = story.cockpit.timeline().total();
    for n in 0..1_200 {
        story.cockpit.handle(At::from_ms(n), ordered(Command::Mark { note: n.to_string() }));
    }
    let timeline = story.cockpit.timeline();
    assert_eq!(timeline.total(), before + 1_200);
    assert_eq!(timeline.since(before).count(), 1_000, "the oldest are forgotten");
    assert_eq!(timeline.since(timeline.total() - 3).count(), 3);
    assert_eq!(timeline.since(timeline.total() + 9).count(), 0);
}

#[test]
fn a_masked_login_is_not_blind() {
    // No state, no start times, no texts: the jam is seen all the same, and so are its victims.
    let mut story = Story::begin(watching());
    let masked = || {
        let readers = readers(8, B).map(super::testing::Who::masked);
        calm().with(forgotten_reader().masked()).with(waiting_alter().masked()).with_all(readers)
    };
    story.look(1_000, masked());
    story.look(1_250, masked());
    let target = story.cockpit.target().expect("a target");
    assert_eq!((target.pid(), target.victims.len(), target.strong), (B, 8, true));
    assert_eq!(guard(&story), GuardState::Watching);
    assert_eq!(story.cockpit.catalog().connected(), Some(SHOP));
}
