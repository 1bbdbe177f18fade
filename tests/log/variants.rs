//! One of everything the engine takes and gives.

use lockpit::engine::effect::{Aim, DeadMan, Effect, Rung};
use lockpit::engine::host::{CpuTicks, HostBackend, HostFacts, IoBytes, Machine, Memory};
use lockpit::engine::ids::{At, Attempt, BackendId, Oid, Pid, ServerTime, StopId, TextId};
use lockpit::engine::input::{
    ArmScope, Attached, Begin, Command, Conn, FoundRelation, Gap, Input, Link, LinkState, Missed, Names,
    Outcome, RelationName, Request, Rights, RungAnswer, Sensor, WatchdogNews,
};
use lockpit::engine::locks::{LockMode, LockObject};
use lockpit::engine::sample::{
    Backend, BackendKind, Counts, DatabaseCounters, Edge, Fact, Lock, PreparedXact, Progress, Sample, Sender,
    Slot, SlowFacts, State, Watch,
};
use lockpit::engine::settings::{
    Arming, BlindLimit, IfLost, Limits, OnTrip, Pace, QueueAgeLimit, QueueDepthLimit, Selector, Settings,
};
use lockpit::engine::text::{NamedBy, Text};

/// Texts that encodings trip over.
pub(crate) const HARD: &str = "\"quoted\\\" \u{0}\u{1f}\u{7f} \r\n ä \u{10ffff} \u{2028} }{][,:";

fn backend_id() -> BackendId {
    BackendId { pid: Pid(i32::MAX), backend_start: Some(ServerTime(i64::MAX)) }
}

fn attempt() -> Attempt {
    Attempt { backend: backend_id(), query_start: Some(ServerTime(i64::MIN)), xact_start: None }
}

/// A sample with every list filled, every state, kind and mode.
pub(crate) fn sample(now: ServerTime) -> Sample {
    let states = [
        State::Active,
        State::Idle,
        State::IdleInTransaction,
        State::IdleInTransactionAborted,
        State::Fastpath,
        State::Disabled,
        State::None,
        State::Masked,
    ];
    let kinds = [
        BackendKind::Client,
        BackendKind::Lockpit,
        BackendKind::ParallelWorker,
        BackendKind::Autovacuum,
        BackendKind::WalSender,
        BackendKind::Other,
    ];
    let objects = [
        LockObject::Relation { database: Oid(0), relation: Oid(u32::MAX) },
        LockObject::Part { database: Oid(5), relation: Oid(6), what: "extend".into() },
        LockObject::Transaction { xid: u32::MAX },
        LockObject::VirtualTransaction { id: "3/77".into() },
        LockObject::Other { locktype: HARD.into(), database: Oid(1) },
    ];
    let backend = |index: usize| Backend {
        pid: Pid(index as i32 - 3),
        leader_pid: index.is_multiple_of(2).then_some(Pid(1)),
        kind: kinds[index % kinds.len()],
        database: index.is_multiple_of(3).then_some(Oid(16_384)),
        role: (index % 3 == 1).then_some(Oid(10)),
        application: HARD.into(),
        client: (index % 2 == 1).then(|| "::1".into()),
        state: states[index],
        wait_event: index.is_multiple_of(4).then(|| "Lock/relation".into()),
        backend_start: (!index.is_multiple_of(5)).then_some(now),
        xact_start: (index % 5 == 1).then_some(now),
        query_start: (index % 5 == 2).then_some(now),
        state_change: (index % 5 == 3).then_some(now),
        backend_xid: index.is_multiple_of(2).then_some(u32::MAX),
        text: index.is_multiple_of(2).then_some(TextId(u32::MAX)),
    };
    let lock = |(index, mode): (usize, &LockMode)| Lock {
        pid: Pid::PREPARED,
        prepared_xid: index.is_multiple_of(2).then_some(77),
        object: objects[index % objects.len()].clone(),
        mode: *mode,
        granted: index.is_multiple_of(2),
        wait_start: (index % 2 == 1).then_some(ServerTime(-1)),
    };
    Sample {
        server_now: now,
        cost_us: u64::MAX,
        round_trip_us: 0,
        counts: Counts { total: u32::MAX, active: 1, idle: 2, idle_in_transaction: 3, masked: 4 },
        backends: (0..states.len()).map(backend).collect(),
        locks: LockMode::ALL.iter().enumerate().map(lock).collect(),
        edges: vec![
            Edge { waiter: Pid(1), blockers: vec![Pid(0), Pid(2)] },
            Edge { waiter: Pid(2), blockers: vec![] },
        ],
        prepared: vec![PreparedXact {
            xid: 9,
            gid: HARD.to_owned(),
            prepared: now,
            owner: Oid(1),
            database: Oid(2),
        }],
        slow: Some(Box::new(slow_facts(now))),
    }
}

fn slow_facts(now: ServerTime) -> SlowFacts {
    let sender = Sender {
        pid: Pid(4),
        application: "standby".to_owned(),
        state: Some("streaming".to_owned()),
        sync_state: None,
        sent_lsn: Some(u64::MAX),
        write_lsn: Some(1),
        flush_lsn: None,
        replay_lsn: Some(0),
        write_lag_us: None,
        flush_lag_us: Some(u64::MAX),
        replay_lag_us: Some(0),
        reply_time: Some(now),
    };
    let slot = Slot {
        name: "a_slot".to_owned(),
        logical: true,
        active: false,
        restart_lsn: Some(u64::MAX),
        wal_status: None,
    };
    let progress = Progress {
        pid: Pid(5),
        command: "CREATE INDEX".to_owned(),
        relation: Some(Oid(16_400)),
        phase: Some("waiting for writers before build".to_owned()),
        locker_pid: Some(Pid(6)),
        lockers: Some((1, u64::MAX)),
        done: Some(0),
        total: None,
        unit: Some("blocks".to_owned()),
    };
    SlowFacts {
        in_recovery: false,
        checkpointer_start: Some(now),
        wal_lsn: Some(u64::MAX),
        senders: vec![sender],
        slots: vec![slot],
        progress: vec![progress],
        counters: DatabaseCounters {
            xact_commit: u64::MAX,
            xact_rollback: 1,
            deadlocks: 2,
            conflicts: 3,
            temp_bytes: u64::MAX - 1,
        },
    }
}

fn host_facts() -> HostFacts {
    let process = |io| HostBackend { backend: backend_id(), cpu_us: u64::MAX, rss_bytes: u64::MAX, io };
    HostFacts {
        taken_at: At(u64::MAX),
        sampler: BackendId { pid: Pid(i32::MIN), backend_start: None },
        machine: Machine {
            cpus: u32::MAX,
            cpu: Some(CpuTicks { busy: u64::MAX, total: 0 }),
            load_milli: Some([0, 1, u64::MAX]),
            memory: Some(Memory { total_bytes: u64::MAX, available_bytes: 0 }),
        },
        backends: vec![
            process(None),
            process(Some(IoBytes { read_bytes: u64::MAX, written_bytes: u64::MAX })),
        ],
        unread: u32::MAX,
    }
}

fn begin(target: Selector, arming: Arming, on_trip: OnTrip, if_lost: IfLost) -> Input {
    Input::Begin(Box::new(Begin {
        lockpit: "0.1.0".to_owned(),
        engine: u32::MAX,
        utc_us: i64::MIN,
        seed: u64::MAX,
        server: HARD.to_owned(),
        operator: None,
        label: Some("PROD".to_owned()),
        settings: Settings {
            target,
            arming,
            on_trip,
            if_lost,
            read_only: true,
            armed_until_ms: Some(u64::MAX),
            ends_ms: None,
            limits: Limits {
                queue_depth: QueueDepthLimit { limit: Some(u32::MAX), hold_ms: 0 },
                queue_age: QueueAgeLimit { limit_ms: u64::MAX },
                blind: BlindLimit { intervals: 1, floor_ms: 2, limit_ms: 3 },
            },
            pace: Pace { busy_ms: 1, quiet_ms: 2, watch_armed_ms: 3, watch_strong_ms: u64::MAX },
            keep_literals: true,
        },
        mission: None,
    }))
}

fn attached(system_identifier: Fact<u64>, timeline: Fact<u32>) -> Input {
    Input::Attached(Box::new(Attached {
        version_num: 180_001,
        version: "18.1".to_owned(),
        system_identifier,
        timeline,
        in_recovery: true,
        postmaster_start: ServerTime(0),
        database: Oid(5),
        database_name: HARD.to_owned(),
        max_connections: 100,
        rights: Rights {
            role: Oid(10),
            role_name: "alice".to_owned(),
            superuser: false,
            sees_all: true,
            signals: false,
        },
    }))
}

fn text(named_by: NamedBy) -> Input {
    Input::Text(Box::new(Text {
        id: TextId(u32::MAX),
        normalised: HARD.to_owned(),
        kind: "ALTER TABLE".to_owned(),
        statements: 1,
        relations: vec!["public.users".to_owned(), String::new()],
        truncated: true,
        named_by,
        matched_by: vec!["target".to_owned()],
    }))
}

fn names() -> Input {
    let found = FoundRelation {
        schema: "public".to_owned(),
        name: HARD.to_owned(),
        kind: '\u{10ffff}',
        permanent: true,
    };
    Input::Names(Box::new(Names {
        relations: vec![
            RelationName { relation: Oid(1), found: Some(found) },
            RelationName { relation: Oid(2), found: None },
        ],
        roles: vec![(Oid(10), "alice".to_owned())],
        databases: vec![(Oid(5), "shop".to_owned()), (Oid(6), String::new())],
    }))
}

fn outcomes() -> Vec<Outcome> {
    let stop = StopId(u32::MAX);
    let mut outcomes = vec![
        Outcome::Right { backend: backend_id(), allowed: Ok(()) },
        Outcome::Right { backend: backend_id(), allowed: Err(HARD.to_owned()) },
        Outcome::Aftermath {
            stop,
            alive: true,
            still_strong: false,
            state: Some(State::Active),
            same_statement: true,
            victims_waiting: u32::MAX,
        },
        Outcome::Aftermath {
            stop,
            alive: false,
            still_strong: false,
            state: None,
            same_statement: false,
            victims_waiting: 0,
        },
        Outcome::Ended { backend: backend_id(), alive: true, xact: Fact::Known("committed".to_owned()) },
        Outcome::Ended { backend: backend_id(), alive: false, xact: Fact::Missing(HARD.to_owned()) },
        Outcome::Watchdog { guards: Some(backend_id()), news: WatchdogNews::Set },
        Outcome::Watchdog { guards: None, news: WatchdogNews::Released },
        Outcome::Watchdog { guards: Some(backend_id()), news: WatchdogNews::Acted("gone".to_owned()) },
        Outcome::Watchdog { guards: None, news: WatchdogNews::Failed("gone".to_owned()) },
    ];
    let answers = [
        RungAnswer::Sent,
        RungAnswer::NobodyFits,
        RungAnswer::Refused(HARD.to_owned()),
        RungAnswer::Failed(String::new()),
    ];
    let rung = Rung::SignalRunner(u32::MAX);
    outcomes.extend(answers.map(|answer| Outcome::Rung { stop, rung, answer, sent: At(u64::MAX) }));
    outcomes
}

fn commands() -> Vec<Command> {
    let (attempt, backend, guardrail) = (attempt(), backend_id(), HARD.to_owned());
    let at_start = ArmScope::AsAtStart;
    let mut commands = vec![
        Command::Disarm,
        Command::End { reason: "interrupted".to_owned() },
        Command::Mark { note: HARD.to_owned() },
        Command::Arm { scope: ArmScope::Session(backend), for_ms: Some(u64::MAX), on_trip: None },
        Command::Arm { scope: at_start, for_ms: None, on_trip: Some(OnTrip::Signal(7)) },
        Command::Follow { backend },
        Command::FollowAuto,
        Command::Abort { attempt },
        Command::Limit { guardrail: guardrail.clone(), limit: u64::MAX, for_ms: None },
        Command::Limit { guardrail, limit: 0, for_ms: Some(0) },
        Command::Stick { holder: Some(HARD.to_owned()), taken_from: None },
        Command::Stick { holder: None, taken_from: Some(String::new()) },
    ];
    let rungs = [Rung::Cancel, Rung::SignalRunner(u32::MAX), Rung::Terminate];
    commands.extend(rungs.map(|rung| Command::Stop { attempt, rung }));
    commands
}

/// At least one of each variant of [`Input`] and of the enums within.
pub(crate) fn inputs() -> Vec<Input> {
    let mut inputs = vec![
        begin(Selector::Auto, Arming::Watching, OnTrip::Auto, IfLost::Keep),
        begin(Selector::Pid(Pid(-1)), Arming::Shadow, OnTrip::Cancel, IfLost::Stop),
        begin(Selector::Application(HARD.into()), Arming::Armed, OnTrip::Terminate, IfLost::Keep),
        begin(Selector::User(HARD.into()), Arming::Armed, OnTrip::Signal(u32::MAX), IfLost::Keep),
        begin(Selector::Table(HARD.into()), Arming::Armed, OnTrip::Auto, IfLost::Keep),
        begin(Selector::Query(HARD.into()), Arming::Armed, OnTrip::Auto, IfLost::Keep),
        attached(Fact::Known(u64::MAX), Fact::Missing("no right".to_owned())),
        attached(Fact::Missing(String::new()), Fact::Known(u32::MAX)),
        text(NamedBy::Parser),
        text(NamedBy::Keywords),
        text(NamedBy::Nothing),
        names(),
        Input::Names(Box::default()),
        Input::Sample(Box::new(sample(ServerTime(i64::MAX)))),
        Input::Sample(Box::new(Sample { slow: None, backends: vec![], ..sample(ServerTime(i64::MIN)) })),
        Input::Watch(Watch {
            server_now: ServerTime(0),
            cost_us: 1,
            waiting: 2,
            oldest_wait_start: Some(ServerTime(-5)),
            oldest: vec![Edge { waiter: Pid(1), blockers: vec![Pid(2)] }],
        }),
        Input::Host(Box::new(Fact::Known(host_facts()))),
        Input::Host(Box::new(Fact::Missing(HARD.to_owned()))),
        Input::Tick,
        Input::Gap(Gap { from: At(u64::MAX), why: HARD.to_owned(), lost: Some(u64::MAX) }),
        Input::Gap(Gap { from: At(0), why: String::new(), lost: None }),
    ];
    let sensors = [Sensor::Sample, Sensor::Watch, Sensor::Names];
    inputs.extend(sensors.map(|sensor| Input::Missed(Missed { sensor, why: HARD.to_owned(), waited_ms: 1 })));
    for conn in [Conn::Sampler, Conn::Control, Conn::Watchdog] {
        inputs.push(Input::Link(Link { conn, state: LinkState::Up { pid: Pid(i32::MIN) } }));
        inputs.push(Input::Link(Link { conn, state: LinkState::Lost { why: HARD.to_owned() } }));
    }
    inputs.extend(commands().into_iter().map(|command| {
        let by = matches!(command, Command::Disarm | Command::Stick { .. }).then(|| HARD.to_owned());
        Input::Command(Request { by, command })
    }));
    inputs.extend(outcomes().into_iter().map(Input::Outcome));
    inputs
}

/// At least one of each variant of [`Effect`] and of the enums within.
pub(crate) fn effects() -> Vec<Effect> {
    let (stop, attempt) = (StopId(1), attempt());
    let dead_man = DeadMan { attempt, rung: Rung::Terminate };
    let mut effects = vec![
        Effect::Pace { sample_every_ms: u64::MAX, watch_every_ms: Some(0) },
        Effect::Pace { sample_every_ms: 0, watch_every_ms: None },
        Effect::SampleNow,
        Effect::CheckRight { backend: backend_id(), role: Some(Oid(10)) },
        Effect::CheckRight { backend: BackendId { pid: Pid(0), backend_start: None }, role: None },
        Effect::AskEnd { backend: backend_id(), xid: Some(u32::MAX) },
        Effect::AskEnd { backend: backend_id(), xid: None },
        Effect::Watchdog { guards: Some(dead_man) },
        Effect::Watchdog { guards: None },
        Effect::End { reason: HARD.to_owned() },
    ];
    let rungs = [Rung::Cancel, Rung::SignalRunner(u32::MAX), Rung::Terminate];
    effects.extend(rungs.map(|rung| Effect::Stop { stop, rung, attempt }));
    let (victims, until) = (vec![Pid(1), Pid(2)], At(u64::MAX));
    let aims = [Aim::Locks, Aim::Statement, Aim::Session];
    effects.extend(aims.map(|aim| Effect::Observe { aim, stop, attempt, victims: victims.clone(), until }));
    effects
}

/// The place of an input's variant among all of them. It does not compile once a variant is added, to [`inputs`] too.
pub(crate) fn variant(input: &Input) -> usize {
    match input {
        Input::Begin(_) => 0,
        Input::Attached(_) => 1,
        Input::Text(_) => 2,
        Input::Names(_) => 3,
        Input::Sample(_) => 4,
        Input::Watch(_) => 5,
        Input::Missed(_) => 6,
        Input::Link(_) => 7,
        Input::Tick => 8,
        Input::Command(Request { command, .. }) => match command {
            Command::Disarm => 9,
            Command::End { .. } => 10,
            Command::Mark { .. } => 11,
            Command::Arm { .. } => 12,
            Command::Follow { .. } => 13,
            Command::FollowAuto => 14,
            Command::Abort { .. } => 15,
            Command::Stop { .. } => 16,
            Command::Limit { .. } => 17,
            Command::Stick { .. } => 18,
            Command::Plan(_) => 27,
        },
        Input::Outcome(Outcome::Right { .. }) => 19,
        Input::Outcome(Outcome::Rung { .. }) => 20,
        Input::Outcome(Outcome::Aftermath { .. }) => 21,
        Input::Outcome(Outcome::Ended { .. }) => 22,
        Input::Outcome(Outcome::Watchdog { .. }) => 23,
        Input::Outcome(Outcome::Run(_)) => 26,
        Input::Gap(_) => 24,
        Input::Host(_) => 25,
    }
}

/// The same for effects.
pub(crate) fn effect_variant(effect: &Effect) -> usize {
    match effect {
        Effect::Pace { .. } => 0,
        Effect::SampleNow => 1,
        Effect::CheckRight { .. } => 2,
        Effect::Stop { .. } => 3,
        Effect::Observe { .. } => 4,
        Effect::AskEnd { .. } => 5,
        Effect::Watchdog { .. } => 6,
        Effect::End { .. } => 7,
        Effect::Run(_) => 8,
    }
}
