use super::{ArmScope, Command};
use crate::engine::Cockpit;
use crate::engine::effect::{Aim, Effect, Rung};
use crate::engine::ids::{Attempt, Pid};
use crate::engine::input::RungAnswer;
use crate::engine::locks::LockMode::{AccessExclusiveLock, RowExclusiveLock};
use crate::engine::sample::{Fact, State};
use crate::engine::settings::{Arming, IfLost, OnTrip, Selector, Settings};
use crate::engine::story::{Story, alice, armed, begin, ended, gone, holding, let_go, ordered, right, rung};
use crate::engine::target::attempt_of;
use crate::engine::testing::{
    A, B, Look, ORDERS, USERS, Who, calm, client, forgotten_reader, jam, readers, waiting_alter,
};
use crate::engine::timeline::{Event, GuardState, StopResult};

fn watching() -> Settings {
    Settings { arming: Arming::Watching, target: Selector::Auto, ..Settings::default() }
}

/// The jam with eight readers, seen at 0.9 s.
fn jammed(settings: Settings) -> Story {
    let mut story = Story::begin(settings);
    story.look(900, jam(8));
    story.events();
    story
}

fn attempt(story: &Story, pid: Pid) -> Attempt {
    attempt_of(story.cockpit.sample().and_then(|sample| sample.backend(pid)).expect("a session"))
}

fn parse(text: &str, story: &Story) -> Result<Command, String> {
    Command::parse(text, &story.cockpit, None)
}

fn may(text: &str, story: &Story) -> Result<(), String> {
    story.cockpit.may(&parse(text, story).expect(text))
}

/// `alice` types a command.
fn types(story: &mut Story, ms: u64, text: &str) -> Vec<Effect> {
    let command = parse(text, story).expect(text);
    story.input(ms, alice(command))
}

fn rungs(effects: &[Effect]) -> Vec<(Rung, Pid)> {
    let rung = |effect: &Effect| match effect {
        Effect::Stop { rung, attempt, .. } => Some((*rung, attempt.backend.pid)),
        _ => None,
    };
    effects.iter().filter_map(rung).collect()
}

fn last_words(events: &[Event]) -> Vec<(StopResult, String)> {
    let last = |event: &Event| match event {
        Event::Outcome(story) if story.is_final => Some((story.result, story.sentence.clone())),
        _ => None,
    };
    events.iter().filter_map(last).collect()
}

fn guard(story: &Story) -> (GuardState, &str) {
    let (state, why) = story.cockpit.brake().state().expect("a state");
    (*state, why)
}

#[test]
fn what_is_displayed_is_read_again() {
    let story = jammed(armed());
    for text in [
        "disarm",
        "end the window closes",
        "mark app v2 is out",
        "arm pid 102 30m",
        "arm pid 101 cancel",
        "arm as-at-start 1h30m terminate",
        "follow pid 102",
        "follow auto",
        "abort pid 102",
        "cancel pid 101",
        "terminate pid 102",
        "limit queue_depth 10 5m",
        "limit queue_age 2s",
        "limit blind 5s 10m",
    ] {
        let command = parse(text, &story).expect(text);
        assert_eq!(command.to_string(), text);
        assert_eq!(parse(&format!(": {text} "), &story), Ok(command), "behind a colon");
    }
}

#[test]
fn a_pid_is_whoever_has_it_and_nobody_else() {
    let story = jammed(armed());
    let wanted = Ok(Command::Stop { attempt: attempt(&story, A), rung: Rung::Cancel });
    for text in ["cancel 101", "cancel pid 101", "cancel pid=101"] {
        assert_eq!(parse(text, &story), wanted, "{text}");
    }
    let absent = parse("cancel 999", &story).expect_err("nobody");
    assert!(absent.contains("pid 999 is not among the 10 sessions of the last sample"), "{absent}");
    let mut twice = jam(1);
    twice.0.backends.extend(twice.0.backends.clone());
    let mut story = Story::begin(armed());
    story.look(1_000, twice);
    assert!(parse("cancel 101", &story).expect_err("two of them").contains("more than once"));
    assert!(
        Command::parse("cancel 1", &Cockpit::default(), None)
            .expect_err("no sample")
            .contains("no sample yet")
    );
}

#[test]
fn who_is_selected_is_meant_where_nobody_is_named() {
    let story = jammed(watching());
    let selected = attempt(&story, A);
    let on = |text: &str| Command::parse(text, &story.cockpit, Some(&selected)).expect(text);
    assert_eq!(on("terminate"), Command::Stop { attempt: selected, rung: Rung::Terminate });
    assert_eq!(on("follow"), Command::Follow { backend: selected.backend });
    let scope = ArmScope::Session(selected.backend);
    assert_eq!(on("arm 5m"), Command::Arm { scope, for_ms: Some(300_000), on_trip: None });
    assert_eq!(
        on("abort"),
        Command::Abort { attempt: attempt(&story, B) },
        "the target, whoever is selected"
    );
    let scope = ArmScope::Session(attempt(&story, B).backend);
    assert_eq!(parse("arm", &story), Ok(Command::Arm { scope, for_ms: None, on_trip: None }), "the target");
    let story = jammed(armed());
    let scope = ArmScope::AsAtStart;
    assert_eq!(parse("arm", &story), Ok(Command::Arm { scope, for_ms: None, on_trip: None }));
    assert!(parse("cancel", &story).expect_err("whom?").contains("select a session"));
}

#[test]
fn misspelt_words_get_a_hint() {
    let story = jammed(armed());
    for (text, hint) in [
        ("abrot", "did you mean abort?"),
        ("disarn", "did you mean disarm?"),
        ("limit queue_dept 5", "did you mean queue_depth?"),
        ("limit blnd 5s", "did you mean blind?"),
        ("", "there are arm, disarm, abort"),
        ("limit depth 5", "there are queue_depth, queue_age, blind"),
        ("limit queue_depth", "write limit NAME N [DURATION]"),
        ("limit queue_depth 5 x", "'x' is not understood"),
        ("limit queue_depth 2s", "'2s' is not a number of sessions"),
        ("limit queue_age 2 5x", "is no duration"),
        ("cancel x", "'x' is not a process id"),
        ("cancel pid", "write pid N"),
        ("cancel 0", "'0' is not a process id"),
        ("cancel 99999999999", "is not a process id"),
        ("arm 101 5m kill", "'kill' is not understood"),
        ("abort 101", "pid 101 is not under guard, pid 102 is"),
        ("mark", "write mark TEXT"),
        ("disarm now", "'now' is not understood"),
    ] {
        let error = parse(text, &story).expect_err(text);
        assert!(error.contains(hint), "{text}: {error}");
    }
}

#[test]
fn a_read_only_flight_refuses_whatever_stops_and_says_so_before() {
    let mut story = jammed(Settings { read_only: true, ..armed() });
    for text in ["arm 102", "abort", "cancel 102", "terminate 101", "arm"] {
        let why = "read-only flight: nothing is stopped".to_owned();
        assert_eq!(may(text, &story), Err(why.clone()), "{text}");
        assert_eq!(rungs(&types(&mut story, 1_010, text)), [], "{text}");
        let events = story.events();
        assert!(
            matches!(&events[..], [Event::Commanded { by: Some(by), refused: Some(refused), .. }]
                if by == "alice" && *refused == why),
            "{events:?}"
        );
    }
    for text in ["disarm", "mark x", "follow 102", "follow auto", "limit queue_depth 9", "end"] {
        assert_eq!(may(text, &story), Ok(()), "{text}");
    }
}

#[test]
fn reasons_are_said_in_words() {
    let story = jammed(watching());
    let nobody = Command::Abort { attempt: attempt(&story, A) };
    for (command, reason) in [
        (nobody, "pid 102 is under guard now, not pid 101: nobody is hit"),
        (
            parse("cancel 101", &story).expect("A"),
            "pid 101 is idle in transaction, where a cancel does nothing: terminate it",
        ),
        (
            parse("follow 101", &story).expect("A"),
            "pid 101 does no schema work: it holds and awaits nothing of SHARE UPDATE EXCLUSIVE or stronger on a permanent table",
        ),
        (
            parse("arm as-at-start", &story).expect("arm"),
            "the flight follows whoever does most harm: arm on one session",
        ),
        (
            parse("arm 102 signal:7", &story).expect("arm"),
            "--on-trip signal:7 has to be given at the start of the flight",
        ),
        (parse("arm 102 0s", &story).expect("arm"), "it needs some time"),
        (
            parse("limit queue_depth 0", &story).expect("limit"),
            "a limit of 0 for queue_depth would trip on nothing",
        ),
        (
            parse("limit blind 1h", &story).expect("limit"),
            "blind cannot be turned off: its limit is at most 1m",
        ),
    ] {
        assert_eq!(story.cockpit.may(&command), Err(reason.to_owned()), "{command}");
    }
    let mut quiet = Story::begin(watching());
    quiet.look(1_000, calm());
    assert_eq!(
        quiet.cockpit.may(&Command::Abort { attempt: attempt(&story, B) }),
        Err("nothing is under guard".to_owned())
    );
    let unknown = Command::Limit { guardrail: "depth".to_owned(), limit: 1, for_ms: None };
    let names = "there is no guardrail 'depth': there are queue_depth, queue_age, blind";
    assert_eq!(quiet.cockpit.may(&unknown), Err(names.to_owned()));
}

#[test]
fn a_backend_that_nobody_should_stop_is_not_stopped() {
    use crate::engine::sample::BackendKind;
    let look = calm()
        .with(client(Pid(7)).kind(BackendKind::Lockpit))
        .with(client(Pid(8)).leader(Pid(9)))
        .with(client(Pid(9)).masked())
        .with(client(Pid(10)).state(State::Idle))
        .with(client(Pid(11)).kind(BackendKind::Other))
        .with(client(Pid(12)).kind(BackendKind::Autovacuum));
    let mut story = Story::begin(watching());
    story.look(1_000, look);
    for (pid, reason) in [
        (7, "pid 7 is lockpit's own"),
        (8, "pid 8 is a parallel worker of pid 9: name that one"),
        (
            9,
            "start times of pid 9 are hidden from this login, so nothing could be checked: it needs pg_read_all_stats",
        ),
        (10, "pid 10 is idle: there is nothing to stop"),
        (11, "pid 11 is a process of the server's own"),
    ] {
        assert_eq!(may(&format!("terminate {pid}"), &story), Err(reason.to_owned()));
    }
    assert_eq!(may("cancel 12", &story), Ok(()));
    let mut prepared = attempt(&story, Pid(7));
    prepared.backend.pid = Pid::PREPARED;
    let why = story
        .cockpit
        .may(&Command::Stop { attempt: prepared, rung: Rung::Terminate })
        .expect_err("no process");
    assert!(why.contains("ROLLBACK PREPARED"), "{why}");
}

#[test]
fn arming_while_blind_is_refused() {
    let mut story = jammed(watching());
    let command = parse("arm 102", &story).expect("arm");
    assert_eq!(story.cockpit.may(&command), Ok(()));
    story.tick(3_000);
    assert_eq!(story.cockpit.may(&command), Err("blind: no facts for 2.1 s".to_owned()));
    assert_eq!(may("abort", &story), Ok(()), "the server checks whom it hits");
}

#[test]
fn an_abort_works_without_an_arming_and_exits_5() {
    let mut story = jammed(watching());
    let effects = types(&mut story, 1_020, "abort");
    assert_eq!(rungs(&effects), [(Rung::Terminate, B)]);
    assert_eq!(may("abort", &story), Err("a stop of pid 102 is under way".to_owned()));
    assert_eq!(may("cancel 200", &story), Err("a stop of pid 102 is under way".to_owned()));
    story.outcome(1_030, rung(1, RungAnswer::Sent, 1_022));
    story.outcome(1_040, gone(1, 0));
    let sentence = "pid 102 stopped, 8 sessions go on, after 20 ms".to_owned();
    assert_eq!(last_words(&story.events()), [(StopResult::Drained, sentence)]);
    assert_eq!(story.cockpit.exit_code(), 5);
    assert_eq!(may("abort", &story), Err("pid 102 is stopped already".to_owned()));
    story.look(1_250, calm());
    story.outcome(1_260, ended(B, false, Fact::Known("aborted")));
    assert_eq!(story.cockpit.exit_code(), 5);
}

#[test]
fn an_abort_of_work_that_committed_is_none() {
    let mut story = jammed(watching());
    types(&mut story, 1_020, "abort");
    story.outcome(1_030, rung(1, RungAnswer::Sent, 1_022));
    story.outcome(1_040, gone(1, 0));
    story.look(1_250, calm());
    story.outcome(1_260, ended(B, false, Fact::Known("committed")));
    assert_eq!(story.cockpit.exit_code(), 0);
}

#[test]
fn whoever_acted_first_has_the_exit_code() {
    let mut story = Story::begin(armed());
    story.jams(8);
    story.outcome(1_110, rung(1, RungAnswer::Sent, 1_101));
    story.outcome(1_120, gone(1, 0));
    let next = |ms| {
        calm().with(
            client(B).app("deploy").session_from(ms).statement_from(ms).holds(AccessExclusiveLock, USERS),
        )
    };
    story.look(2_000, next(1_500));
    assert_eq!(rungs(&types(&mut story, 2_010, "abort")), [(Rung::Terminate, B)]);
    story.outcome(2_020, rung(2, RungAnswer::Sent, 2_011));
    story.outcome(2_030, gone(2, 0));
    assert_eq!(story.cockpit.exit_code(), 4);

    let mut story = jammed(armed());
    types(&mut story, 1_020, "abort");
    story.outcome(1_030, rung(1, RungAnswer::Sent, 1_022));
    story.outcome(1_040, gone(1, 0));
    story.look(2_000, calm());
    let jam = || {
        let readers = readers(8, B);
        calm()
            .with(client(A).app("x"))
            .with(
                client(B)
                    .app("deploy")
                    .session_from(1_900)
                    .statement_from(1_900)
                    .awaits(AccessExclusiveLock, USERS)
                    .behind(&[A]),
            )
            .with_all(readers)
    };
    story.look(2_100, jam());
    assert_eq!(rungs(&story.look(2_200, jam())), [(Rung::Terminate, B)]);
    story.outcome(2_210, rung(2, RungAnswer::Sent, 2_201));
    story.outcome(2_220, gone(2, 0));
    assert_eq!(story.cockpit.exit_code(), 5);
}

#[test]
fn an_abort_of_what_has_changed_hits_nobody() {
    let mut story = jammed(watching());
    let seen = attempt(&story, B);
    let alter = |ms| client(B).app("deploy").statement_from(ms).holds(AccessExclusiveLock, USERS);
    story.look(1_250, calm().with(alter(1_200)));
    let abort = Command::Abort { attempt: seen };
    assert_eq!(
        story.cockpit.may(&abort),
        Err("pid 102 is at another statement now: nobody is hit".to_owned())
    );
    assert_eq!(rungs(&story.input(1_260, alice(abort.clone()))), []);
    story.look(1_500, calm().with(alter(1_400).session_from(1_300)));
    assert_eq!(story.cockpit.may(&abort), Err("pid 102 is another session now: nobody is hit".to_owned()));
    assert_eq!(story.cockpit.exit_code(), 0);
}

#[test]
fn an_abort_that_the_means_do_not_reach_says_so() {
    let idle = || calm().with(client(B).state(State::IdleInTransaction).holds(AccessExclusiveLock, USERS));
    let mut story = Story::begin(Settings { on_trip: OnTrip::Cancel, ..watching() });
    story.look(1_000, idle());
    assert!(may("abort", &story).expect_err("cancel only").contains("a cancel does nothing there"));
    let mut story = Story::begin(armed());
    story.look(1_000, idle().with(client(Pid(9)).app("deploy").holds(AccessExclusiveLock, ORDERS)));
    let target = story.cockpit.target().expect("a target").pid();
    story.outcome(1_010, right(target, Err("owner shop: GRANT pg_signal_backend TO dba")));
    assert!(may("abort", &story).expect_err("no right").contains("GRANT pg_signal_backend"));
}

/// B waits behind A, which is at a statement of its own.
fn busy_root() -> Look {
    let root = client(A).app("report-job").holds(RowExclusiveLock, USERS);
    calm().with(root).with(client(B).awaits(AccessExclusiveLock, USERS).behind(&[A]))
}

fn left(
    alive: bool,
    state: Option<State>,
    same_statement: bool,
    victims_waiting: u32,
) -> crate::engine::input::Outcome {
    let stop = crate::engine::ids::StopId(1);
    crate::engine::input::Outcome::Aftermath {
        stop,
        alive,
        still_strong: false,
        state,
        same_statement,
        victims_waiting,
    }
}

#[test]
fn one_rung_ends_the_statement_and_frees_whoever_waited() {
    let mut story = Story::begin(watching());
    story.look(1_000, busy_root());
    story.events();
    let effects = types(&mut story, 1_010, "cancel 101");
    assert_eq!(rungs(&effects), [(Rung::Cancel, A)]);
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::Observe { aim: Aim::Statement, victims, .. } if victims[..] == [B])),
        "{effects:?}"
    );
    story.outcome(1_020, rung(1, RungAnswer::Sent, 1_011));
    story.outcome(1_030, left(true, Some(State::Active), true, 1));
    assert_eq!(last_words(&story.events()), [], "it still runs");
    story.outcome(1_040, left(true, Some(State::IdleInTransactionAborted), false, 0));
    let last = last_words(&story.events());
    assert_eq!(last[0], (StopResult::Drained, "pid 101 stopped, 1 session goes on, after 30 ms".to_owned()));
    assert_eq!(story.cockpit.exit_code(), 0, "it was not the work under guard");
}

#[test]
fn one_rung_that_does_not_help_says_what_is_next_and_does_not_climb() {
    let ordered = |text: &str| {
        let mut story = Story::begin(armed());
        story.look(1_000, busy_root());
        types(&mut story, 1_010, text);
        story.outcome(1_020, rung(1, RungAnswer::Sent, 1_011));
        story.events();
        story
    };
    let mut story = ordered("cancel 101");
    assert_eq!(rungs(&story.outcome(2_010, left(true, Some(State::Active), true, 1))), []);
    let last = last_words(&story.events());
    assert_eq!(
        last[0],
        (
            StopResult::StillHolding,
            "pid 101 still runs its statement after 1.0 s; next: terminate pid 101".to_owned()
        )
    );
    let mut story = ordered("cancel 101");
    story.outcome(1_100, left(true, Some(State::IdleInTransaction), false, 1));
    story.outcome(2_010, left(true, Some(State::IdleInTransaction), false, 1));
    assert!(
        last_words(&story.events())[0].1.ends_with("1 of those behind it wait on; next: terminate pid 101")
    );
    let mut story = ordered("terminate 101");
    story.outcome(1_100, left(true, Some(State::Active), false, 1));
    story.outcome(2_010, left(true, Some(State::Active), false, 1));
    assert_eq!(last_words(&story.events())[0].0, StopResult::StillHolding, "the session is still there");
    let mut story = ordered("terminate 101");
    story.outcome(2_010, left(false, None, false, 1));
    assert_eq!(
        last_words(&story.events())[0].1,
        "pid 101 let go; 1 of those behind it wait for somebody else"
    );
    let mut story = ordered("cancel 101");
    assert_eq!(rungs(&story.tick(2_510)), []);
    assert_eq!(last_words(&story.events())[0].0, StopResult::Lost, "nothing was heard");
}

#[test]
fn one_rung_that_nobody_fits_is_over() {
    let mut story = Story::begin(watching());
    story.look(1_000, busy_root());
    types(&mut story, 1_010, "cancel 101");
    story.outcome(1_020, rung(1, RungAnswer::NobodyFits, 1_011));
    assert_eq!(last_words(&story.events())[0].0, StopResult::AlreadyOver);
    assert!(story.cockpit.brake().stop().is_none());
}

#[test]
fn an_arming_in_the_air_reaches_one_session_until_its_time_is_over() {
    let mut story = jammed(watching());
    types(&mut story, 1_010, "arm 102 5s");
    assert_eq!(guard(&story), (GuardState::Armed, "until 6.01 s into the flight, pid 102 only"));
    assert_eq!(rungs(&story.look(1_100, jam(8))), [(Rung::Terminate, B)]);
    story.outcome(1_110, rung(1, RungAnswer::Sent, 1_101));
    story.outcome(1_120, gone(1, 0));
    assert_eq!(story.cockpit.exit_code(), 4, "a guardrail acted");
    story.look(6_000, calm());
    assert_eq!(guard(&story).0, GuardState::Armed);
    story.tick(6_010);
    assert_eq!(guard(&story), (GuardState::Watching, "disarmed: the time it was for is over"));
}

#[test]
fn an_arming_for_one_session_does_not_act_on_another() {
    let other = || {
        jam(0)
            .with(client(Pid(9)).app("psql").statement_from(-500).holds(AccessExclusiveLock, ORDERS))
            .with_all(
                (300..308).map(|pid| client(Pid(pid)).awaits(AccessExclusiveLock, ORDERS).behind(&[Pid(9)])),
            )
    };
    let mut story = Story::begin(watching());
    story.look(1_000, calm().with(client(Pid(9)).holds(AccessExclusiveLock, ORDERS)).with(client(A)));
    types(&mut story, 1_010, "arm 101");
    assert_eq!(guard(&story), (GuardState::Watching, "armed for pid 101, which pid 9 is not"));
    story.look(1_100, other());
    assert_eq!(rungs(&story.look(1_250, other())), []);
    story.input(1_300, ordered(Command::Disarm));
    assert_eq!(guard(&story), (GuardState::Watching, "disarmed: by the operator"));
}

#[test]
fn an_arming_ends_with_its_session() {
    let mut story = jammed(watching());
    types(&mut story, 1_010, "arm 102");
    story.look(1_250, calm());
    story.outcome(1_260, ended(B, false, Fact::Known("aborted")));
    assert_eq!(guard(&story), (GuardState::Watching, "disarmed: the backend it was for has ended"));
    // The pid comes back as another session.
    let mut story = jammed(watching());
    types(&mut story, 1_010, "arm 101");
    let later: Who = client(A).session_from(1_100);
    story.look(1_250, calm().with(later));
    assert_eq!(guard(&story), (GuardState::Watching, "disarmed: the backend it was for has ended"));
}

#[test]
fn a_flight_is_armed_again_as_at_its_start() {
    let mut story = jammed(armed());
    types(&mut story, 1_010, "disarm");
    assert_eq!(guard(&story), (GuardState::Watching, "disarmed: by alice"));
    types(&mut story, 1_020, "arm 10m");
    assert_eq!(guard(&story).0, GuardState::Armed);
    assert_eq!(rungs(&story.look(1_100, jam(8))), [(Rung::Terminate, B)]);
}

#[test]
fn an_arming_without_the_right_says_that_it_cannot_cancel() {
    let mut story = jammed(watching()).without_answers();
    let asked = types(&mut story, 1_010, "arm 102");
    assert!(
        asked.iter().any(|effect| matches!(effect, Effect::CheckRight { backend, .. } if backend.pid == B))
    );
    story.outcome(1_020, right(B, Err("owner shop: GRANT pg_signal_backend TO dba")));
    assert_eq!(
        guard(&story),
        (GuardState::Watching, "cannot cancel: owner shop: GRANT pg_signal_backend TO dba")
    );
    assert_eq!(rungs(&story.look(1_250, jam(8))), []);
}

#[test]
fn an_arming_without_the_switch_that_was_asked_for_warns() {
    let mut story = jammed(Settings { if_lost: IfLost::Stop, ..watching() });
    let effects = types(&mut story, 1_010, "arm 102");
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Watchdog { .. })), "{effects:?}");
    let warned = |event: &Event| matches!(event, Event::Note { warning: true, text } if text.contains("dead-man's switch"));
    assert!(story.events().iter().any(warned));
}

#[test]
fn an_arming_does_not_reach_whom_the_operator_follows_beside_the_selector() {
    let other = || {
        jam(0).with(client(Pid(9)).app("psql").holds(AccessExclusiveLock, ORDERS)).with_all(
            (300..308).map(|pid| client(Pid(pid)).awaits(AccessExclusiveLock, ORDERS).behind(&[Pid(9)])),
        )
    };
    let mut story = Story::begin(armed());
    story.look(1_000, other());
    assert_eq!(story.cockpit.target().expect("deploy").pid(), B);
    types(&mut story, 1_010, "follow 9");
    assert_eq!(story.cockpit.target().expect("psql").pid(), Pid(9));
    assert_eq!(
        guard(&story),
        (GuardState::Watching, "armed for whom the flight was for, which pid 9 is not")
    );
    assert_eq!(rungs(&story.look(1_250, other())), []);
    types(&mut story, 1_260, "follow auto");
    assert_eq!(story.cockpit.target().expect("deploy").pid(), B);
    assert_eq!(guard(&story).0, GuardState::Armed);
}

#[test]
fn a_dropped_target_that_is_followed_again_has_not_lost_twice() {
    let other = || jam(8).with(client(Pid(9)).app("psql").holds(AccessExclusiveLock, ORDERS));
    let mut story = Story::begin(watching());
    story.look(1_000, other());
    let lost_us = story.cockpit.target().expect("deploy").lost_us;
    assert!(lost_us > 0);
    types(&mut story, 1_010, "follow 9");
    types(&mut story, 1_020, "follow 102");
    assert_eq!(story.cockpit.target().expect("deploy").lost_us, 0, "it is in the total already");
    assert_eq!(story.cockpit.brake().totals().lost_session_ms, lost_us / 1_000);
}

#[test]
fn a_limit_for_a_time_comes_back() {
    let mut story = jammed(Settings { target: Selector::Auto, ..armed() });
    types(&mut story, 1_010, "limit queue_depth 20 2s");
    types(&mut story, 1_010, "limit queue_age 1m");
    assert_eq!(rungs(&story.look(1_100, jam(8))), []);
    assert_eq!(rungs(&story.look(1_250, jam(8))), [], "8 are fewer than 20");
    assert_eq!(story.cockpit.next_deadline().map(crate::engine::ids::At::ms), Some(2_000), "blindness first");
    story.look(2_900, jam(3));
    story.events();
    story.tick(3_010);
    let told = "limit queue_depth is its default again: 20 was for a time".to_owned();
    assert!(story.events().contains(&Event::Note { warning: false, text: told }));
    assert_eq!(story.cockpit.overrides().iter().count(), 1, "that of queue_age has no end");
}

#[test]
fn the_stick_is_announced_and_known() {
    let mut story = Story::begin(watching());
    assert_eq!(story.cockpit.stick(), None);
    let bob = Some("bob".to_owned());
    story.input(10, ordered(Command::Stick { holder: bob, taken_from: Some("alice".to_owned()) }));
    assert_eq!(story.cockpit.stick(), Some("bob"));
    let text = "bob takes the stick from alice".to_owned();
    assert_eq!(story.events(), [Event::Note { warning: true, text }]);
}

#[test]
fn nothing_is_refused_silently_before_the_flight_begins_or_after_it_ends() {
    let mut story = Story::blank();
    let attempt = attempt(&jammed(watching()), B);
    assert_eq!(story.cockpit.may(&Command::Abort { attempt }), Err("the flight has not begun".to_owned()));
    story.input(0, begin(watching()));
    assert_eq!(story.cockpit.may(&Command::Abort { attempt }), Err("nothing is under guard".to_owned()));
    let mut story = jammed(watching());
    story.input(1_010, ordered(Command::End { reason: "interrupted".to_owned() }));
    assert!(story.cockpit.is_over());
    assert_eq!(story.cockpit.may(&Command::Abort { attempt }), Err("the flight is over".to_owned()));
}

#[test]
fn an_order_that_does_not_end_the_target_leaves_the_guard_its_trip() {
    let jammed = |n| calm().with(forgotten_reader()).with(deploy()).with_all(readers(n, B));
    let mut story = Story::begin(armed());
    story.look(900, jammed(1));
    assert_eq!(rungs(&types(&mut story, 910, "cancel 102")), [(Rung::Cancel, B)]);
    story.outcome(920, rung(1, RungAnswer::Sent, 911));
    story.outcome(930, holding(1, State::IdleInTransaction, false, 1));
    assert_eq!(last_words(&story.events())[0].0, StopResult::StillHolding, "a savepoint kept the lock");
    assert_eq!(guard(&story).0, GuardState::Armed);
    assert_eq!(rungs(&story.look(1_000, jammed(1))), [(Rung::Cancel, B)], "a client waits for a second");
}

/// The target in a transaction that began long before its statement.
fn deploy() -> Who {
    waiting_alter().transaction_from(-5_000)
}

#[test]
fn a_new_arming_does_not_reach_the_session_of_the_old_one_through_its_aftercare() {
    let tool = || waiting_alter().app("flyway");
    let jammed = || calm().with(forgotten_reader()).with(tool()).with_all(readers(8, B));
    let next = || calm().with(client(B).app("flyway").statement_from(1_200).runs(1));
    let stopped = || {
        let mut story = Story::begin(armed());
        story.look(900, jammed());
        types(&mut story, 910, "arm 102");
        assert_eq!(
            rungs(&story.look(1_100, jammed())),
            [(Rung::Cancel, B)],
            "for clients called deploy at first"
        );
        story.outcome(1_110, rung(1, RungAnswer::Sent, 1_101));
        story
    };
    let mut story = stopped();
    story.outcome(1_120, let_go(1, 0));
    assert_eq!(rungs(&story.look(1_250, next())), [(Rung::Terminate, B)], "the arming is for it");
    let mut story = stopped();
    story.outcome(1_120, let_go(1, 0));
    types(&mut story, 1_130, "arm as-at-start");
    assert_eq!(rungs(&story.look(1_250, next())), [], "flyway is not called deploy");
    let mut story = stopped();
    types(&mut story, 1_115, "arm as-at-start");
    story.outcome(1_120, let_go(1, 0));
    assert_eq!(rungs(&story.look(1_250, next())), [], "nor when it comes while the stop is under way");
}

#[test]
fn wills_about_a_plan_are_read_and_written_alike() {
    let story = Story::begin(armed());
    for text in [
        "pause now",
        "pause after",
        "resume",
        "abort plan",
        "skip add-column",
        "skip each public.events_1",
        "undo add-column",
        "answer app-v2",
        "cleanup 2",
    ] {
        let command = parse(text, &story).expect(text);
        assert!(matches!(command, Command::Plan(_)), "{text}: {command:?}");
        assert_eq!(command.to_string(), text);
        assert_eq!(may(text, &story), Err("this flight flies no plan".to_owned()), "{text}");
    }
    let bare = parse("pause", &story).map(|command| command.to_string());
    assert_eq!(bare.as_deref(), Ok("pause after"), "nothing is cancelled unless that is said");
    for (text, why) in [
        ("abort", "nothing is under guard"),
        ("pause later", "'later' is not understood: write pause [now | after]"),
        ("skip", "skip which step? write skip STEP [ITEM]"),
        ("undo", "undo which step? none is done; write undo [STEP]"),
        ("answer", "answer which step? write answer STEP"),
        ("cleanup", "write cleanup N"),
        ("cleanup 0", "'0' is no number of a clean-up: they are numbered from 1"),
        ("cleanup all", "'all' is no number of a clean-up"),
    ] {
        let said = parse(text, &story).expect_err(text);
        assert!(said.contains(why), "{text}: {said}");
    }
}
