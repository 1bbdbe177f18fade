use crate::engine::effect::{Effect, Rung};
use crate::engine::ids::{At, Pid};
use crate::engine::input::{Command, Input, Outcome, RungAnswer, WatchdogNews};
use crate::engine::locks::LockMode::{AccessExclusiveLock, ShareUpdateExclusiveLock};
use crate::engine::sample::{Fact, State};
use crate::engine::settings::{Arming, IfLost, OnTrip, Selector, Settings};
use crate::engine::story::{Story, armed, ended, gone, holding, let_go, ordered, right, rung, session};
use crate::engine::testing::{
    A, APP_ROLE, B, Look, USERS, Who, calm, client, forgotten_reader, jam, matched_text, readers, text,
    waiting_alter,
};
use crate::engine::text::Text;
use crate::engine::timeline::{Event, Fate, GuardState, StopResult};

fn rungs(effects: &[Effect]) -> Vec<(Rung, Pid)> {
    let rung = |effect: &Effect| match effect {
        Effect::Stop { rung, attempt, .. } => Some((*rung, attempt.backend.pid)),
        _ => None,
    };
    effects.iter().filter_map(rung).collect()
}

/// `(rule, acted, number of the attempt, sentence)` of every trip.
fn trips(events: &[Event]) -> Vec<(String, bool, u32, String)> {
    let trip = |event: &Event| match event {
        Event::Trip { name, reading, acted, attempt, .. } => {
            Some((name.clone(), *acted, *attempt, reading.sentence.clone()))
        }
        _ => None,
    };
    events.iter().filter_map(trip).collect()
}

fn notes(events: &[Event]) -> Vec<String> {
    let note = |event: &Event| match event {
        Event::Note { text, .. } => Some(text.clone()),
        _ => None,
    };
    events.iter().filter_map(note).collect()
}

fn results(events: &[Event]) -> Vec<StopResult> {
    let last_word = |event: &Event| match event {
        Event::Outcome(story) if story.is_final => Some(story.result),
        _ => None,
    };
    events.iter().filter_map(last_word).collect()
}

fn switches(effects: &[Effect]) -> Vec<Option<(Rung, Pid)>> {
    let switch = |effect: &Effect| match effect {
        Effect::Watchdog { guards } => Some(guards.map(|dead| (dead.rung, dead.attempt.backend.pid))),
        _ => None,
    };
    effects.iter().filter_map(switch).collect()
}

fn state(story: &Story) -> (GuardState, &str) {
    let (state, why) = story.cockpit.brake().state().expect("a state");
    (*state, why)
}

/// The stop works: the rung is sent, the session is gone, everybody goes on.
fn stop_works(story: &mut Story, stop: u32, ms: u64) -> Vec<Effect> {
    story.outcome(ms, rung(stop, RungAnswer::Sent, ms));
    story.outcome(ms + 5, gone(stop, 0))
}

/// An armed tool that is cancelled (it stops on errors), not terminated.
fn armed_tool() -> Settings {
    Settings { target: Selector::Application("flyway".to_owned()), ..armed() }
}

fn tool() -> Who {
    waiting_alter().app("flyway")
}

/// The tool's jam at 1.0 s and 1.1 s, and its cancel at 1.12 s.
fn cancelled_tool(settings: Settings) -> Story {
    let mut story = Story::begin(settings);
    let look = || calm().with(forgotten_reader()).with(tool()).with_all(readers(8, B));
    story.look(900, calm());
    story.look(1_000, look());
    assert_eq!(rungs(&story.look(1_100, look())), [(Rung::Cancel, B)]);
    story.outcome(1_110, rung(1, RungAnswer::Sent, 1_101));
    story.outcome(1_120, let_go(1, 0));
    story.events();
    story
}

#[test]
fn a_jam_trips_once_it_has_held_and_is_stopped() {
    let mut story = Story::begin(armed());
    story.look(900, calm());
    assert_eq!(rungs(&story.look(1_000, jam(8))), []);
    assert_eq!(rungs(&story.look(1_100, jam(8))), [(Rung::Terminate, B)]);
    let sentence = "8 sessions queue behind pid 102, oldest 0.2 s; limit 5 for 0.1 s".to_owned();
    assert_eq!(trips(&story.events()), [("queue_depth".to_owned(), true, 1, sentence)]);
    assert_eq!(state(&story), (GuardState::Tripped, "stopping pid 102"));
    assert_eq!(rungs(&story.look(1_200, jam(8))), [], "an attempt trips once");
    stop_works(&mut story, 1, 1_210);
    assert_eq!(results(&story.events()), [StopResult::Drained]);
    assert_eq!(state(&story).0, GuardState::Armed);
    assert_eq!(story.cockpit.exit_code(), 4);
}

#[test]
fn shadow_decides_and_does_not_act() {
    let mut story = Story::begin(Settings { arming: Arming::Shadow, if_lost: IfLost::Stop, ..armed() });
    let effects = story.jams(8);
    assert_eq!((rungs(&effects), switches(&effects)), (vec![], vec![]));
    let trips = trips(&story.events());
    assert_eq!(trips.len(), 1);
    assert!(!trips[0].1, "not acted on");
    assert_eq!(state(&story).0, GuardState::Shadow);
    assert_eq!((story.cockpit.brake().totals().trips, story.cockpit.exit_code()), (1, 0));
}

#[test]
fn watching_decides_nothing() {
    let mut story = Story::begin(Settings { arming: Arming::Watching, ..armed() });
    assert_eq!(rungs(&story.jams(8)), []);
    assert_eq!(trips(&story.events()), []);
    assert_eq!(state(&story), (GuardState::Watching, "not armed"));
}

#[test]
fn a_read_only_flight_stops_nothing() {
    let mut story = Story::begin(Settings { read_only: true, ..armed() });
    assert_eq!(rungs(&story.jams(8)), []);
    assert_eq!(trips(&story.events()), []);
    assert_eq!(state(&story).0, GuardState::Watching);
}

#[test]
fn a_login_that_may_not_signal_the_target_does_not_try_and_says_so() {
    let mut story = Story::begin(armed()).without_answers();
    story.look(900, calm());
    let asked = story.look(1_000, jam(8));
    assert!(asked.contains(&Effect::CheckRight { backend: session(B), role: Some(APP_ROLE) }));
    story.outcome(1_010, right(B, Err("owner shop: GRANT pg_signal_backend TO dba")));
    assert_eq!(
        state(&story),
        (GuardState::Watching, "cannot cancel: owner shop: GRANT pg_signal_backend TO dba")
    );
    assert_eq!(rungs(&story.look(1_100, jam(8))), []);
    let trips = trips(&story.events());
    assert_eq!((trips.len(), trips[0].1), (1, false));
    assert_eq!(story.cockpit.exit_code(), 8);
}

#[test]
fn the_right_of_another_session_says_nothing_about_the_target() {
    let mut story = Story::begin(armed());
    story.look(900, calm());
    story.look(1_000, jam(8));
    story.outcome(1_010, right(A, Err("no")));
    assert_eq!(rungs(&story.look(1_100, jam(8))), [(Rung::Terminate, B)]);
}

#[test]
fn a_trip_waits_for_the_answer_about_its_right_but_not_for_long() {
    let mut story = Story::begin(armed()).without_answers();
    story.look(900, calm());
    story.look(1_000, jam(8));
    assert_eq!(rungs(&story.look(1_400, jam(8))), []);
    assert_eq!(rungs(&story.look(1_500, jam(8))), [(Rung::Terminate, B)], "what is not known is tried");
}

#[test]
fn a_trip_follows_the_answer_that_its_target_may_be_stopped() {
    let mut story = Story::begin(armed()).without_answers();
    story.look(900, calm());
    story.look(1_000, jam(8));
    assert_eq!(rungs(&story.look(1_150, jam(8))), []);
    assert_eq!(rungs(&story.outcome(1_160, right(B, Ok(())))), [(Rung::Terminate, B)]);
}

#[test]
fn a_right_is_asked_for_again_when_the_control_session_is_back() {
    let mut story = Story::begin(armed()).without_answers();
    story.look(900, calm());
    story.look(1_000, jam(0));
    story.outcome(1_010, right(B, Err("it could not be checked: there is no control session")));
    let effects = story.control_is_back(1_020);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::CheckRight { .. })), "{effects:?}");
    story.outcome(1_030, right(B, Ok(())));
    assert_eq!(state(&story).0, GuardState::Armed);
}

#[test]
fn disarming_works_at_once() {
    let mut story = Story::begin(armed());
    story.look(900, calm());
    story.look(1_000, jam(8));
    story.input(1_050, ordered(Command::Disarm));
    assert_eq!(state(&story), (GuardState::Watching, "disarmed: by the operator"));
    assert_eq!(rungs(&story.look(1_100, jam(8))), []);
    assert_eq!(trips(&story.events()), []);
}

#[test]
fn disarming_lets_a_stop_under_way_go_no_further() {
    let mut story = Story::begin(armed());
    let look = || {
        calm().with(forgotten_reader()).with(waiting_alter().transaction_from(-500)).with_all(readers(8, B))
    };
    story.look(900, calm());
    story.look(1_000, look());
    assert_eq!(rungs(&story.look(1_100, look())), [(Rung::Cancel, B)]);
    story.outcome(1_102, rung(1, RungAnswer::Sent, 1_101));
    story.input(1_103, ordered(Command::Disarm));
    let effects = story.outcome(1_105, holding(1, State::IdleInTransaction, false, 8));
    assert_eq!(rungs(&effects), []);
    assert_eq!(results(&story.events()), [StopResult::StillHolding]);
}

#[test]
fn an_arming_ends_by_itself() {
    let mut story = Story::begin(Settings { armed_until_ms: Some(1_050), ..armed() });
    story.look(900, calm());
    assert_eq!(story.cockpit.next_deadline(), Some(At::from_ms(1_050)));
    story.look(1_000, jam(8));
    story.tick(1_050);
    assert_eq!(state(&story), (GuardState::Watching, "disarmed: the time it was for is over"));
    assert_eq!(rungs(&story.look(1_100, jam(8))), []);
}

#[test]
fn an_arming_without_an_end_lasts_half_an_hour() {
    let mut story = Story::begin(armed());
    story.tick(1_799_999);
    assert_eq!(state(&story), (GuardState::Armed, "until 30m00s into the flight"));
    story.tick(1_800_000);
    assert_eq!(state(&story).0, GuardState::Watching);
}

/// The ALTER of `try_`th retry, in its own session and statement, with eight readers.
fn retry(ms: i64) -> Look {
    let alter = tool().session_from(ms).statement_from(ms);
    calm().with(forgotten_reader()).with(alter).with_all(readers(8, B))
}

#[test]
fn retries_of_one_tool_are_one_incident() {
    let mut story = Story::begin(armed_tool());
    let mut told = Vec::new();
    for (stop, ms) in [(1, 1_000_u64), (2, 11_000), (3, 21_000)] {
        let start = i64::try_from(ms).expect("a time") - 50;
        story.look(ms - 100, calm());
        story.look(ms, retry(start));
        story.look(ms + 100, retry(start));
        stop_works(&mut story, stop, ms + 110);
        told.extend(
            trips(&story.events())
                .into_iter()
                .map(|(_, acted, attempt, sentence)| (acted, attempt, sentence)),
        );
    }
    assert_eq!(
        told.iter().map(|(acted, attempt, _)| (*acted, *attempt)).collect::<Vec<_>>(),
        [(true, 1), (true, 2), (true, 3)]
    );
    assert!(!told[0].2.contains("stop the tool"));
    assert!(told[2].2.ends_with("; attempt 3 in 20 s: stop the tool"), "{}", told[2].2);
}

#[test]
fn a_retry_after_a_minute_is_another_incident() {
    let mut story = Story::begin(armed_tool());
    for (stop, ms, attempt) in [(1, 1_000_u64, 1), (2, 61_200, 1)] {
        let start = i64::try_from(ms).expect("a time") - 50;
        story.look(ms - 100, calm());
        story.look(ms, retry(start));
        story.look(ms + 100, retry(start));
        assert_eq!(trips(&story.events())[0].2, attempt, "at {ms} ms");
        stop_works(&mut story, stop, ms + 110);
    }
}

#[test]
fn another_client_is_another_incident() {
    let mut story = Story::begin(Settings { target: Selector::Auto, ..armed() });
    story.jams(8);
    stop_works(&mut story, 1, 1_110);
    story.look(1_200, calm());
    story.events();
    let other = || retry(2_000);
    story.look(2_100, other());
    story.look(2_200, other());
    assert_eq!(trips(&story.events())[0].2, 1);
}

#[test]
fn one_stop_at_a_time_and_no_trip_is_spent_on_nothing() {
    // B is stopped; its victims then wait for C, which trips while B's stop is not over yet.
    let c = || client(Pid(103)).app("deploy").runs(1).statement_from(500);
    let behind_c = || {
        let alter = c().awaits(AccessExclusiveLock, USERS);
        calm().with(forgotten_reader()).with(alter.behind(&[A])).with_all(readers(8, Pid(103)))
    };
    let mut story = Story::begin(armed());
    assert_eq!(rungs(&story.jams(8)), [(Rung::Terminate, B)]);
    story.outcome(1_110, rung(1, RungAnswer::Sent, 1_101));
    story.outcome(1_115, gone(1, 8));
    story.look(1_200, behind_c());
    story.events();
    assert_eq!(rungs(&story.look(1_300, behind_c())), [], "one at a time");
    assert_eq!(trips(&story.events()), []);
    let effects = story.outcome(2_105, gone(1, 8));
    assert_eq!(rungs(&effects), [(Rung::Terminate, Pid(103))], "as soon as the first is over");
    assert!(trips(&story.events())[0].1);
}

#[test]
fn a_stop_of_which_nothing_is_heard_is_given_up_whatever_else_comes_in() {
    let mut story = Story::begin(armed());
    story.jams(8);
    let due = story.cockpit.brake().stop().expect("a stop").deadline();
    assert_eq!(due, At::from_ms(2_600));
    story.look(2_599, jam(8));
    assert_eq!(story.cockpit.next_deadline(), Some(due));
    // A sample that arrives a moment before the tick must not swallow the deadline.
    story.look(2_601, jam(8));
    assert_eq!(results(&story.events()), [StopResult::Lost]);
    assert!(story.cockpit.brake().stop().is_none());
}

#[test]
fn the_dead_mans_switch_follows_the_strong_attempt() {
    let mut story = Story::begin(Settings { if_lost: IfLost::Stop, ..armed() });
    assert_eq!(switches(&story.look(900, calm())), []);
    assert_eq!(switches(&story.look(1_000, jam(0))), [Some((Rung::Terminate, B))]);
    assert_eq!(switches(&story.look(1_100, jam(1))), [], "it is set");
    let next = || {
        let mut who = waiting_alter().transaction_from(0).app("deploy");
        who.backend.query_start = client(B).statement_from(1_150).backend.query_start;
        calm().with(forgotten_reader()).with(who)
    };
    assert_eq!(switches(&story.look(1_200, next())), [Some((Rung::Cancel, B))], "the next statement");
    assert_eq!(switches(&story.look(1_300, calm())), [None], "the attempt is over");
    assert_eq!(switches(&story.look(1_400, calm())), []);
}

#[test]
fn the_dead_mans_switch_is_part_of_the_consent() {
    let stop = || Settings { if_lost: IfLost::Stop, ..armed() };
    for (case, settings) in [
        ("keep", armed()),
        ("shadow", Settings { arming: Arming::Shadow, ..stop() }),
        ("watching", Settings { arming: Arming::Watching, ..stop() }),
        ("read only", Settings { read_only: true, ..stop() }),
    ] {
        assert_eq!(switches(&Story::begin(settings).look(1_000, jam(0))), [], "{case}");
    }
    let weak = client(B).app("deploy").holds(ShareUpdateExclusiveLock, USERS);
    assert_eq!(switches(&Story::begin(stop()).look(1_000, calm().with(weak))), [], "hours of harmless work");
}

#[test]
fn the_dead_mans_switch_is_released_with_the_arming_and_with_the_flight() {
    let settings = || Settings { if_lost: IfLost::Stop, ..armed() };
    let released = |input: Input| {
        let mut story = Story::begin(settings());
        story.look(1_000, jam(0));
        switches(&story.input(1_100, input))
    };
    assert_eq!(released(ordered(Command::Disarm)), [None]);
    assert_eq!(released(ordered(Command::End { reason: "interrupted".to_owned() })), [None]);
    assert_eq!(released(Input::Outcome(right(B, Err("no")))), [None]);
    assert_eq!(released(Input::Outcome(right(B, Ok(())))), []);
}

/// The session goes on to text `id` after its cancel.
fn goes_on(text: u32) -> Look {
    calm().with(tool().statement_from(1_200).runs(text))
}

#[test]
fn the_next_statement_after_a_cancel_is_announced_and_terminated() {
    let mut story = cancelled_tool(armed_tool());
    let next = calm().with(client(B).app("flyway").statement_from(1_200).runs(1));
    assert_eq!(rungs(&story.look(1_250, next)), [(Rung::Terminate, B)]);
    assert_eq!(
        notes(&story.events()),
        ["pid 102 goes on to its next statement after the cancel: ALTER TABLE"]
    );
    stop_works(&mut story, 2, 1_260);
    assert_eq!(results(&story.events()), [StopResult::Drained]);
}

#[test]
fn under_a_consent_to_cancel_every_next_statement_is_only_announced() {
    let mut story = cancelled_tool(Settings { on_trip: OnTrip::Cancel, ..armed_tool() });
    let next = |ms: i64| calm().with(client(B).app("flyway").statement_from(ms).runs(1));
    assert_eq!(rungs(&story.look(1_250, next(1_200))), []);
    assert_eq!(notes(&story.events()).len(), 1);
    assert_eq!(rungs(&story.look(1_300, next(1_200))), []);
    assert_eq!(notes(&story.events()).len(), 0, "each once");
    story.look(1_500, next(1_400));
    assert_eq!(notes(&story.events()).len(), 1);
}

#[test]
fn what_a_tool_sends_to_clean_up_is_left_alone() {
    for kind in ["ROLLBACK", "ROLLBACK TO SAVEPOINT", "DISCARD", "SELECT", "SET", "SHOW", "DEALLOCATE"] {
        let mut story = cancelled_tool(armed_tool());
        story.input(1_200, Input::Text(Box::new(text(9, kind))));
        let next = calm().with(client(B).app("flyway").statement_from(1_200).runs(9));
        assert_eq!(rungs(&story.look(1_250, next)), [], "{kind}");
        assert_eq!(notes(&story.events()), [] as [&str; 0], "{kind}");
    }
}

#[test]
fn a_harmless_beginning_does_not_cover_what_follows() {
    let mut story = cancelled_tool(armed_tool());
    let script = Text { statements: 2, ..text(9, "ROLLBACK") };
    story.input(1_200, Input::Text(Box::new(script)));
    let next = calm().with(client(B).app("flyway").statement_from(1_200).runs(9));
    assert_eq!(rungs(&story.look(1_250, next)), [(Rung::Terminate, B)], "ROLLBACK; ALTER TABLE …");
}

#[test]
fn only_the_same_session_and_only_for_a_while_is_watched() {
    let other = || calm().with(client(B).app("flyway").session_from(1_150).statement_from(1_200).runs(1));
    assert_eq!(rungs(&cancelled_tool(armed_tool()).look(1_250, other())), [], "another session");
    let idle = || calm().with(client(B).app("flyway").statement_from(1_200).runs(1).state(State::Idle));
    assert_eq!(rungs(&cancelled_tool(armed_tool()).look(1_250, idle())), [], "it does nothing");
    let next = || calm().with(client(B).app("flyway").statement_from(6_000).runs(1));
    assert_eq!(rungs(&cancelled_tool(armed_tool()).look(6_119, next())).len(), 1, "five seconds");
    assert_eq!(rungs(&cancelled_tool(armed_tool()).look(6_120, next())), [], "and no longer");
}

#[test]
fn an_unknown_statement_is_not_taken_for_harmless() {
    assert_eq!(rungs(&cancelled_tool(armed_tool()).look(1_250, goes_on(77))), [(Rung::Terminate, B)]);
}

#[test]
fn an_arming_for_a_pid_lasts_as_long_as_its_session() {
    let settings = || Settings { target: Selector::Pid(B), ..armed() };
    let alter = |ms| {
        let alter = waiting_alter().statement_from(ms);
        calm().with(forgotten_reader()).with(alter).with_all(readers(8, B))
    };
    let mut story = Story::begin(settings());
    story.look(900, alter(850));
    story.look(950, calm().with(client(B).app("deploy").state(State::Idle)));
    story.outcome(960, ended(B, true, Fact::Known("committed")));
    assert_eq!(state(&story).0, GuardState::Armed, "one statement is done, its session goes on");
    story.look(1_000, alter(980));
    assert_eq!(rungs(&story.look(1_100, alter(980))), [(Rung::Terminate, B)]);

    let mut story = Story::begin(settings());
    story.look(900, alter(850));
    story.look(950, calm());
    story.outcome(960, ended(B, false, Fact::Known("committed")));
    assert_eq!(state(&story), (GuardState::Watching, "disarmed: the backend it was for has ended"));
}

#[test]
fn an_arming_for_a_pid_does_not_reach_the_next_session_under_it() {
    let mut story = Story::begin(Settings { target: Selector::Pid(B), ..armed() });
    story.look(800, jam(0));
    story.look(900, calm());
    let stranger = || {
        let alter = waiting_alter().session_from(950).statement_from(960);
        calm().with(forgotten_reader()).with(alter).with_all(readers(8, B))
    };
    story.look(1_000, stranger());
    assert_eq!(rungs(&story.look(1_100, stranger())), []);
    assert_eq!(state(&story), (GuardState::Watching, "disarmed: the backend it was for has ended"));
}

#[test]
fn what_became_of_a_target_depends_on_who_was_hit() {
    let fate = |stopped: bool, alive: bool, xact: Fact<&str>| {
        let mut story = Story::begin(armed());
        story.jams(8);
        if stopped {
            stop_works(&mut story, 1, 1_110);
        } else {
            story.outcome(1_110, rung(1, RungAnswer::NobodyFits, 1_101));
            story.outcome(1_115, gone(1, 0));
        }
        story.look(1_200, calm());
        story.events();
        story.outcome(1_210, ended(B, alive, xact));
        let events = story.events();
        let [Event::TargetEnded { fate, .. }] = events.as_slice() else { panic!("{events:?}") };
        *fate
    };
    let missing = || Fact::Missing("it was never seen with a transaction id".to_owned());
    assert_eq!(fate(true, false, Fact::Known("aborted")), Fate::Cancelled);
    assert_eq!(fate(true, false, missing()), Fate::Cancelled);
    assert_eq!(fate(true, true, Fact::Known("committed")), Fate::Done, "a wait for a synchronous standby");
    assert_eq!(fate(false, true, Fact::Known("committed")), Fate::Done);
    assert_eq!(fate(false, true, Fact::Known("aborted")), Fate::Failed);
    assert_eq!(fate(false, false, missing()), Fate::Gone);
    assert_eq!(fate(false, true, missing()), Fate::Unknown);
    assert_eq!(fate(false, true, Fact::Known("in progress")), Fate::Unknown);
}

#[test]
fn a_target_whose_stop_was_not_answered_is_not_told_as_failed_by_itself() {
    let mut story = Story::begin(armed());
    story.jams(8);
    story.outcome(1_900, rung(1, RungAnswer::Failed("no answer within a second".to_owned()), 1_101));
    story.outcome(1_950, gone(1, 0));
    story.look(2_000, calm());
    story.events();
    story.outcome(2_010, ended(B, true, Fact::Known("aborted")));
    let events = story.events();
    assert!(matches!(events.as_slice(), [Event::TargetEnded { fate: Fate::Unknown, .. }]), "{events:?}");
    assert_eq!(story.cockpit.exit_code(), 4, "lockpit may have stopped it");
}

#[test]
fn what_the_dead_mans_switch_has_hit_is_told_as_stopped_and_needs_no_second_stop() {
    let mut story = Story::begin(Settings { if_lost: IfLost::Stop, ..armed() });
    story.look(900, calm());
    story.look(1_000, jam(0));
    let news = WatchdogNews::Acted("lockpit is not heard of any more".to_owned());
    story.outcome(9_000, Outcome::Watchdog { guards: Some(session(B)), news });
    story.look(9_010, calm());
    story.events();
    story.outcome(9_020, ended(B, true, Fact::Known("aborted")));
    let events = story.events();
    assert!(matches!(events.as_slice(), [Event::TargetEnded { fate: Fate::Cancelled, .. }]), "{events:?}");
    assert_eq!((story.cockpit.brake().totals().stopped, story.cockpit.exit_code()), (1, 4));
}

#[test]
fn the_dead_mans_switch_may_tell_late_that_it_acted() {
    let mut story = Story::begin(Settings { if_lost: IfLost::Stop, ..armed() });
    story.look(900, calm());
    story.look(1_000, jam(0));
    assert_eq!(switches(&story.look(9_000, calm())), [None], "its target is not seen any more");
    let news = WatchdogNews::Acted("lockpit is not heard of any more".to_owned());
    story.outcome(9_010, Outcome::Watchdog { guards: Some(session(B)), news });
    story.events();
    story.outcome(9_020, ended(B, true, Fact::Known("aborted")));
    let events = story.events();
    assert!(matches!(events.as_slice(), [Event::TargetEnded { fate: Fate::Cancelled, .. }]), "{events:?}");
    assert_eq!((story.cockpit.brake().totals().stopped, story.cockpit.exit_code()), (1, 4));
}

#[test]
fn a_trip_that_the_consent_does_not_reach_is_not_told_as_acted_on() {
    let mut story = Story::begin(Settings { on_trip: OnTrip::Cancel, ..armed() });
    let idle = || waiting_alter().state(State::IdleInTransaction);
    let look = || calm().with(forgotten_reader()).with(idle()).with_all(readers(8, B));
    story.look(900, calm());
    story.look(1_000, look());
    assert_eq!(rungs(&story.look(1_100, look())), []);
    let events = story.events();
    assert!(!trips(&events)[0].1);
    assert_eq!(results(&events), [StopResult::Refused]);
    assert_eq!(story.cockpit.exit_code(), 8, "it was armed for what it may not stop");
}

#[test]
fn a_target_that_comes_within_the_consent_is_stopped_while_it_does_harm() {
    let mut story = Story::begin(Settings { on_trip: OnTrip::Cancel, ..armed() });
    let look = |target: Who| calm().with(forgotten_reader()).with(target).with_all(readers(8, B));
    let held = || client(B).app("deploy").holds(AccessExclusiveLock, USERS);
    story.look(900, calm());
    story.look(1_000, look(held().state(State::IdleInTransaction)));
    story.look(1_100, look(held().state(State::IdleInTransaction)));
    assert_eq!(results(&story.events()), [StopResult::Refused]);
    assert_eq!(rungs(&story.look(1_350, look(held().state(State::IdleInTransaction)))), []);
    let next = || look(held().statement_from(1_400).transaction_from(0));
    assert_eq!(rungs(&story.look(1_600, next())), [(Rung::Cancel, B)], "a cancel works there");
    assert_eq!(rungs(&story.look(1_850, next())), []);
}

#[test]
fn a_stop_that_fitted_nobody_while_its_target_went_on_is_no_success() {
    let mut story = Story::begin(armed());
    story.jams(8);
    story.outcome(1_110, rung(1, RungAnswer::NobodyFits, 1_101));
    story.outcome(2_100, holding(1, State::Active, true, 8));
    assert_eq!(results(&story.events()).last(), Some(&StopResult::StillHolding));
    assert_eq!(story.cockpit.exit_code(), 4);
}

#[test]
fn a_stop_that_the_server_refuses_is_told_as_a_missing_right() {
    let mut story = Story::begin(armed());
    story.jams(8);
    story.outcome(1_110, rung(1, RungAnswer::Refused("must be a member".to_owned()), 1_101));
    assert_eq!(results(&story.events()).last(), Some(&StopResult::Refused));
    assert_eq!(story.cockpit.exit_code(), 8);
}

#[test]
fn a_stop_that_ended_nothing_is_not_counted_as_one_that_did() {
    let mut story = cancelled_tool(armed_tool());
    assert_eq!((story.cockpit.brake().totals().stopped, story.cockpit.brake().totals().not_stopped), (1, 0));
    story = Story::begin(Settings { on_trip: OnTrip::Cancel, ..armed() });
    story.jams(8);
    story.outcome(1_110, rung(1, RungAnswer::Sent, 1_101));
    story.outcome(1_120, holding(1, State::IdleInTransaction, false, 8));
    assert_eq!((story.cockpit.brake().totals().stopped, story.cockpit.brake().totals().not_stopped), (0, 1));
    assert_eq!(story.cockpit.exit_code(), 4, "its statement was cancelled all the same");
}

#[test]
fn losses_of_a_target_count_when_it_is_over() {
    let mut story = Story::begin(Settings { arming: Arming::Watching, ..armed() });
    story.look(900, calm());
    // 8 sessions, at most 100 ms each since the look before; then 250 ms each.
    story.look(1_000, jam(8));
    story.look(1_250, jam(8));
    story.look(1_500, calm());
    assert_eq!(story.cockpit.brake().totals().lost_session_ms, 800 + 2_000);
}

#[test]
fn a_pattern_on_texts_arms_for_what_it_matched() {
    let mut story = Story::begin(Settings { target: Selector::Query("x".to_owned()), ..armed() });
    story.input(0, Input::Text(Box::new(matched_text(9, "ALTER TABLE"))));
    let look =
        |text| calm().with(forgotten_reader()).with(waiting_alter().runs(text)).with_all(readers(8, B));
    story.look(900, calm());
    story.look(1_000, look(1));
    assert_eq!(rungs(&story.look(1_100, look(1))), [], "text 1 was not matched");
    story.look(1_200, look(9));
    assert_eq!(rungs(&story.look(1_300, look(9))), [(Rung::Terminate, B)]);
}
