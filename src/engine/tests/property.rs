//! Whatever comes in, in whatever order: the engine answers, and a flight resumed from a checkpoint answers
//! the same.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::engine::effect::{Effect, Rung};
use crate::engine::ids::{At, Attempt, BackendId, Oid, Pid, ServerTime, StopId, TextId, Word};
use crate::engine::input::{
    ArmScope, Attached, Command, Conn, Gap, Input, Link, LinkState, Missed, Outcome, Request, RungAnswer,
    Sensor, WatchdogNews,
};
use crate::engine::locks::{LockMode, LockObject};
use crate::engine::sample::{Backend, BackendKind, Counts, Edge, Fact, Lock, Sample, State, Watch};
use crate::engine::settings::{Arming, IfLost, OnTrip, Selector, Settings};
use crate::engine::story::{Story, alice, attached, begin};
use crate::engine::testing::{
    APP_ROLE, ELSEWHERE, ORDERS, SCRATCH, SHOP, UNCOMMITTED, USERS, names, server, text,
};
use crate::engine::timeline::Event;

/// Few enough that they meet.
fn pid() -> impl Strategy<Value = Pid> {
    (0..8_i32).prop_map(Pid)
}

/// Mostly plausible, sometimes as far off as a hostile server or a damaged log can make it.
fn time() -> impl Strategy<Value = ServerTime> {
    prop_oneof![
        8 => (-3_i64..8).prop_map(|n| server(n * 250)),
        1 => any::<i64>().prop_map(ServerTime),
        1 => prop_oneof![Just(i64::MIN), Just(i64::MAX)].prop_map(ServerTime),
    ]
}

fn amount() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..5_000_u64, 1 => any::<u64>(), 1 => Just(u64::MAX)]
}

fn small() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0..12_u32, 1 => Just(u32::MAX)]
}

fn state() -> impl Strategy<Value = State> {
    prop_oneof![
        4 => Just(State::Active),
        1 => Just(State::Idle),
        2 => Just(State::IdleInTransaction),
        1 => Just(State::IdleInTransactionAborted),
        1 => Just(State::Masked),
        1 => Just(State::None),
    ]
}

fn kind() -> impl Strategy<Value = BackendKind> {
    prop_oneof![
        8 => Just(BackendKind::Client),
        1 => Just(BackendKind::Lockpit),
        1 => Just(BackendKind::ParallelWorker),
        1 => Just(BackendKind::Autovacuum),
        1 => Just(BackendKind::WalSender),
        1 => Just(BackendKind::Other),
    ]
}

fn database() -> impl Strategy<Value = Oid> {
    prop_oneof![6 => Just(SHOP), 1 => Just(ELSEWHERE)]
}

fn backend() -> impl Strategy<Value = Backend> {
    let who = (pid(), proptest::option::weighted(0.1, pid()), kind(), database(), state());
    let starts = (
        proptest::option::weighted(0.9, time()),
        proptest::option::weighted(0.8, time()),
        proptest::option::weighted(0.9, time()),
    );
    let what = (
        prop_oneof![Just("deploy"), Just("psql"), Just("flyway"), Just("")],
        proptest::option::of(Just(Word::from("IPC/SyncRep"))),
        proptest::option::of(0..9_u32),
        proptest::option::of((0..7_u32).prop_map(TextId)),
    );
    (who, starts, what).prop_map(|((pid, leader_pid, kind, database, state), starts, what)| Backend {
        pid,
        leader_pid,
        kind,
        database: Some(database),
        role: Some(APP_ROLE),
        application: what.0.into(),
        client: None,
        state,
        wait_event: what.1,
        backend_start: starts.0,
        xact_start: starts.1,
        query_start: starts.2,
        state_change: None,
        backend_xid: what.2,
        text: what.3,
    })
}

fn lock() -> impl Strategy<Value = Lock> {
    let relation =
        prop_oneof![4 => Just(USERS), 2 => Just(ORDERS), 1 => Just(SCRATCH), 1 => Just(UNCOMMITTED)];
    let object = prop_oneof![
        8 => (database(), relation).prop_map(|(database, relation)| LockObject::Relation { database, relation }),
        1 => Just(LockObject::VirtualTransaction { id: "3/4".into() }),
        1 => Just(LockObject::Transaction { xid: 7 }),
    ];
    let mode = (0..LockMode::ALL.len()).prop_map(|n| LockMode::ALL[n]);
    (pid(), object, mode, any::<bool>(), proptest::option::of(time())).prop_map(
        |(pid, object, mode, granted, wait_start)| Lock {
            pid,
            prepared_xid: None,
            object,
            mode,
            granted,
            wait_start,
        },
    )
}

fn edge() -> impl Strategy<Value = Edge> {
    (pid(), vec(pid(), 0..3)).prop_map(|(waiter, blockers)| Edge { waiter, blockers })
}

fn sample() -> impl Strategy<Value = Sample> {
    let rows = (vec(backend(), 0..8), vec(lock(), 0..10), vec(edge(), 0..8));
    (rows, time(), amount(), small(), small()).prop_map(
        |((backends, locks, edges), server_now, cost_us, active, masked)| Sample {
            server_now,
            cost_us,
            round_trip_us: cost_us,
            counts: Counts { total: active, active, masked, ..Counts::default() },
            backends,
            locks,
            edges,
            prepared: Vec::new(),
            slow: None,
        },
    )
}

/// The same server again, or any other.
fn another_attach() -> impl Strategy<Value = Attached> {
    let identity = prop_oneof![4 => Just(7_000_u64), 1 => Just(7_001)];
    let known =
        prop_oneof![4 => identity.prop_map(Fact::Known), 1 => Just(Fact::Missing("no right".to_owned()))];
    (known, prop_oneof![3 => Just(-3_600_000_i64), 1 => Just(50)], any::<bool>(), database()).prop_map(
        |(system_identifier, started_ms, in_recovery, database)| Attached {
            system_identifier,
            postmaster_start: server(started_ms),
            in_recovery,
            database,
            ..attached()
        },
    )
}

fn session() -> impl Strategy<Value = BackendId> {
    (pid(), proptest::option::weighted(0.9, time()))
        .prop_map(|(pid, backend_start)| BackendId { pid, backend_start })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let why = || "no".to_owned();
    let answer = prop_oneof![
        3 => Just(RungAnswer::Sent),
        1 => Just(RungAnswer::NobodyFits),
        1 => Just(RungAnswer::Refused(why())),
        1 => Just(RungAnswer::Failed(why())),
    ];
    let stop = || (0..5_u32).prop_map(StopId);
    let rung = prop_oneof![Just(Rung::Cancel), Just(Rung::Terminate), Just(Rung::SignalRunner(4_711))];
    let aftermath = (stop(), any::<(bool, bool, bool)>(), proptest::option::of(state()), small()).prop_map(
        |(stop, (alive, still_strong, same_statement), state, victims_waiting)| Outcome::Aftermath {
            stop,
            alive,
            still_strong,
            state,
            same_statement,
            victims_waiting,
        },
    );
    let xact = prop_oneof![
        Just(Fact::Known("committed".to_owned())),
        Just(Fact::Known("aborted".to_owned())),
        Just(Fact::Known("in progress".to_owned())),
        Just(Fact::Missing(why())),
    ];
    let watchdog = prop_oneof![
        Just(WatchdogNews::Set),
        Just(WatchdogNews::Released),
        Just(WatchdogNews::Acted("why".to_owned())),
        Just(WatchdogNews::Failed("why".to_owned())),
    ];
    let allowed = || any::<bool>().prop_map(move |ok| if ok { Ok(()) } else { Err("no".to_owned()) });
    prop_oneof![
        4 => (stop(), rung, answer, amount()).prop_map(|(stop, rung, answer, sent)| Outcome::Rung { stop, rung, answer, sent: At(sent) }),
        4 => aftermath,
        1 => (session(), allowed()).prop_map(|(backend, allowed)| Outcome::Right { backend, allowed }),
        1 => (session(), any::<bool>(), xact).prop_map(|(backend, alive, xact)| Outcome::Ended { backend, alive, xact }),
        1 => (proptest::option::of(session()), watchdog).prop_map(|(guards, news)| Outcome::Watchdog { guards, news }),
    ]
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let known = || proptest::option::weighted(0.9, time());
    (session(), known(), known()).prop_map(|(backend, query_start, xact_start)| Attempt {
        backend,
        query_start,
        xact_start,
    })
}

fn request() -> impl Strategy<Value = Request> {
    let some_time = || proptest::option::of(prop_oneof![3 => 0..900_u64, 1 => Just(u64::MAX)]);
    let scope = prop_oneof![3 => session().prop_map(ArmScope::Session), 1 => Just(ArmScope::AsAtStart)];
    let on_trip = proptest::option::of(prop_oneof![
        Just(OnTrip::Auto),
        Just(OnTrip::Cancel),
        Just(OnTrip::Signal(4_711))
    ]);
    let rung = prop_oneof![Just(Rung::Cancel), Just(Rung::Terminate), Just(Rung::SignalRunner(9))];
    let rule = prop_oneof![Just("queue_depth"), Just("queue_age"), Just("blind"), Just("other")];
    let name = || proptest::option::of(Just("alice".to_owned()));
    let command = prop_oneof![
        2 => Just(Command::Disarm),
        4 => (scope, some_time(), on_trip).prop_map(|(scope, for_ms, on_trip)| Command::Arm { scope, for_ms, on_trip }),
        2 => session().prop_map(|backend| Command::Follow { backend }),
        1 => Just(Command::FollowAuto),
        4 => attempt().prop_map(|attempt| Command::Abort { attempt }),
        4 => (attempt(), rung).prop_map(|(attempt, rung)| Command::Stop { attempt, rung }),
        2 => (rule, amount(), some_time()).prop_map(|(rule, limit, for_ms)| Command::Limit { guardrail: rule.to_owned(), limit, for_ms }),
        1 => (name(), name()).prop_map(|(holder, taken_from)| Command::Stick { holder, taken_from }),
    ];
    (name(), command.boxed()).prop_map(|(by, command)| Request { by, command })
}

/// A command that is typed: it names whoever is there.
fn typed() -> impl Strategy<Value = String> {
    let verb = prop_oneof![
        Just("abort"),
        Just("cancel"),
        Just("terminate"),
        Just("follow"),
        Just("arm"),
        Just("limit blind"),
        Just("disarm")
    ];
    (verb, proptest::option::of(pid())).prop_map(|(verb, pid)| match pid {
        Some(pid) => format!("{verb} {pid}"),
        None => verb.to_owned(),
    })
}

fn input() -> impl Strategy<Value = Input> {
    let why = || "why".to_owned();
    let sensor = prop_oneof![Just(Sensor::Sample), Just(Sensor::Watch), Just(Sensor::Names)];
    let conn = prop_oneof![Just(Conn::Sampler), Just(Conn::Control), Just(Conn::Watchdog)];
    let link = prop_oneof![pid().prop_map(|pid| LinkState::Up { pid }), Just(LinkState::Lost { why: why() })];
    let watch = (time(), amount(), small(), proptest::option::of(time()), vec(edge(), 0..3)).prop_map(
        |(server_now, cost_us, waiting, oldest_wait_start, oldest)| Watch {
            server_now,
            cost_us,
            waiting,
            oldest_wait_start,
            oldest,
        },
    );
    prop_oneof![
        12 => sample().prop_map(|sample| Input::Sample(Box::new(sample))).boxed(),
        5 => outcome().prop_map(Input::Outcome).boxed(),
        4 => Just(Input::Tick),
        2 => watch.prop_map(Input::Watch),
        1 => (sensor, amount()).prop_map(move |(sensor, waited_ms)| Input::Missed(Missed { sensor, why: why(), waited_ms })),
        1 => (conn, link).prop_map(|(conn, state)| Input::Link(Link { conn, state })),
        1 => another_attach().prop_map(|attached| Input::Attached(Box::new(attached))),
        3 => request().prop_map(Input::Command).boxed(),
        1 => Just(Input::Gap(Gap { from: At(0), why: why(), lost: None })),
    ]
}

fn settings() -> impl Strategy<Value = Settings> {
    let target = prop_oneof![
        3 => Just(Selector::Auto),
        2 => pid().prop_map(Selector::Pid),
        1 => Just(Selector::Application(".*".to_owned())),
        1 => Just(Selector::Application("(".to_owned())),
        1 => Just(Selector::Table("users".to_owned())),
        1 => Just(Selector::Query("x".to_owned())),
    ];
    let arming =
        prop_oneof![4 => Just(Arming::Armed), 1 => Just(Arming::Shadow), 1 => Just(Arming::Watching)];
    let on_trip = prop_oneof![
        3 => Just(OnTrip::Auto),
        1 => Just(OnTrip::Cancel),
        1 => Just(OnTrip::Terminate),
        1 => Just(OnTrip::Signal(4_711)),
    ];
    let if_lost = prop_oneof![Just(IfLost::Keep), Just(IfLost::Stop)];
    let ends = || proptest::option::weighted(0.2, amount());
    (target, arming, on_trip, if_lost, any::<bool>(), ends(), ends(), small()).prop_map(
        |(target, arming, on_trip, if_lost, read_only, armed_until_ms, ends_ms, limit)| {
            let mut settings = Settings {
                target,
                arming,
                on_trip,
                if_lost,
                read_only: read_only && limit == 3,
                armed_until_ms,
                ends_ms,
                ..Settings::default()
            };
            settings.limits.queue_depth.limit = (limit < 3).then_some(limit);
            settings
        },
    )
}

/// How long until the next input, in microseconds: mostly a flight's pace, now and then any time at all.
fn pause() -> impl Strategy<Value = u64> {
    prop_oneof![2 => Just(0_u64), 8 => 0..400_000_u64, 2 => 400_000..3_000_000_u64, 1 => amount()]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// [`Story::input_at`] compares effects, scene, deadline and state with a flight that was resumed from a
    /// checkpoint before every single input.
    #[test]
    fn any_flight_can_be_resumed_before_any_input(
        settings in settings(),
        inputs in vec((pause(), input(), proptest::option::weighted(0.3, typed())), 0..40),
    ) {
        let mut story = Story::blank();
        story.input(0, begin(settings));
        story.input(0, Input::Attached(Box::new(attached())));
        story.input(0, Input::Names(Box::new(names())));
        for (id, kind) in [(1, "ALTER TABLE"), (2, "SELECT"), (3, "ROLLBACK")] {
            story.input(0, Input::Text(Box::new(text(id, kind))));
        }
        let mut at = At(0);
        let mut asked = Vec::new();
        for (pause_us, input, typed) in inputs {
            at = At(at.0.saturating_add(pause_us));
            asked.extend(story.input_at(at, input));
            let typed = typed.filter(|_| !story.cockpit.is_over()).and_then(|text| Command::parse(&text, &story.cockpit, None).ok());
            if let Some(command) = typed {
                let may = story.cockpit.may(&command);
                let seen = story.cockpit.timeline().total();
                asked.extend(story.input_at(at, alice(command)));
                let told = story.cockpit.timeline().since(seen).next().cloned();
                let Some((_, Event::Commanded { refused, .. })) = told else { panic!("told {told:?}") };
                assert_eq!(refused, may.err(), "the preview said something else");
            }
        }
        told_in_full(&asked, &mut story);
    }

    /// Without a beginning, and with a clock that runs backwards.
    #[test]
    fn no_order_of_inputs_is_unexpected(inputs in vec((amount(), input()), 0..30)) {
        let mut story = Story::blank();
        for (at, input) in inputs {
            story.input_at(At(at), input);
        }
    }
}

/// Every rung has its intent on the timeline, and no stop has two last words.
fn told_in_full(asked: &[Effect], story: &mut Story) {
    let events = story.events();
    let rungs: Vec<_> = asked
        .iter()
        .filter_map(|effect| match effect {
            Effect::Stop { stop, rung, attempt } => Some((*stop, *rung, *attempt)),
            _ => None,
        })
        .collect();
    let intents: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Intent { stop, rung, attempt, .. } => Some((*stop, *rung, *attempt)),
            _ => None,
        })
        .collect();
    assert_eq!(rungs, intents);
    let mut last_words: Vec<StopId> = events
        .iter()
        .filter_map(|event| match event {
            Event::Outcome(story) if story.is_final => Some(story.stop),
            _ => None,
        })
        .collect();
    let all = last_words.len();
    last_words.dedup();
    assert_eq!(last_words.len(), all, "a stop had two last words");
}
