//! A busy server made up from a seed: the same flight every time, without a server.
//!
//! Owns what its sessions do: each runs one statement after the other, a hot fifth three times as often, texts by
//! Zipf's law, some locks change hands, standbys follow, a backfill progresses. Never random beyond its seed.

use lockpit::engine::ENGINE_VERSION;
use lockpit::engine::ids::{At, Oid, Pid, ServerTime, TextId};
use lockpit::engine::input::{Attached, Begin, FoundRelation, Input, Names, RelationName, Rights};
use lockpit::engine::locks::{LockMode, LockObject};
use lockpit::engine::sample::{
    Backend, BackendKind, Counts, DatabaseCounters, Fact, Lock, Progress, Sample, Sender, SlowFacts, State,
};
use lockpit::engine::settings::Settings;
use lockpit::engine::text::{NamedBy, Text};

/// What kind of traffic.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traffic {
    /// Sessions that are not idle.
    pub(crate) sessions: u32,
    /// How many of a thousand change from one sample to the next.
    pub(crate) churn_permille: u32,
    /// Time between two samples, in milliseconds.
    pub(crate) every_ms: u64,
}

impl Traffic {
    /// The measure of the log's figures: 500 sessions, 7 % of them changed, twice a second.
    pub(crate) const DEMAND: Traffic = Traffic { sessions: 500, churn_permille: 70, every_ms: 500 };
}

const BEGAN: i64 = 1_795_212_847_000_000;
const DATABASE: Oid = Oid(16_384);
const LOCKS: usize = 100;
const TEXTS: u32 = 300;
const TABLES: u32 = 40;
const EVENTS: [&str; 8] = [
    "Client/ClientRead",
    "IO/DataFileRead",
    "LWLock/WALWrite",
    "LWLock/BufferContent",
    "IO/WALSync",
    "Lock/transactionid",
    "LWLock/LockManager",
    "Timeout/PgSleep",
];

/// The server, as it is after the last sample.
#[derive(Debug)]
pub(crate) struct Server {
    traffic: Traffic,
    chance: Chance,
    at: At,
    n_samples: u64,
    backends: Vec<Backend>,
    locks: Vec<Lock>,
    slow: SlowFacts,
    next_xid: u32,
}

impl Server {
    /// The same server for the same `seed`.
    pub(crate) fn new(traffic: Traffic, seed: u64) -> Server {
        let mut server = Server {
            traffic,
            chance: Chance(seed),
            at: At(0),
            n_samples: 0,
            backends: Vec::new(),
            locks: Vec::new(),
            slow: slow_facts(),
            next_xid: 700_000,
        };
        for n in 0..traffic.sessions {
            let backend = server.connect(n);
            server.backends.push(backend);
        }
        for _ in 0..LOCKS {
            let lock = server.take_lock();
            server.locks.push(lock);
        }
        server
    }

    /// What the engine is told before the first sample.
    pub(crate) fn introduction(&mut self) -> Vec<Input> {
        let mut inputs = vec![
            Input::Begin(Box::new(begin())),
            Input::Attached(Box::new(attached())),
            Input::Names(Box::new(names())),
        ];
        let texts = (1..=TEXTS).map(|id| Input::Text(Box::new(text(id, &mut self.chance))));
        inputs.extend(texts);
        inputs
    }

    /// The next sample, and when it is taken.
    pub(crate) fn sample(&mut self) -> (At, Input) {
        self.at = self.at.plus_ms(self.traffic.every_ms);
        // No clock ticks in whole milliseconds.
        self.at.0 += self.chance.below(900);
        self.n_samples += 1;
        let n_hot = self.backends.len() / 5;
        for i in 0..self.backends.len() {
            // Weighted so that the mean is the churn asked for: a fifth at three times the rate of the others.
            let rate = self.traffic.churn_permille * 5 / 7 * if i < n_hot { 3 } else { 1 };
            if self.chance.below(1_000) < u64::from(rate) {
                self.go_on(i);
            }
        }
        for i in 0..self.locks.len() {
            // 12 % in half a second: as many in the same time, however often somebody looks.
            if self.chance.below(100) * 500 < 12 * self.traffic.every_ms {
                self.locks[i] = self.take_lock();
            }
        }
        let whole_second = self.n_samples.is_multiple_of((1_000 / self.traffic.every_ms).max(1));
        let slow = whole_second.then(|| Box::new(self.look_slowly()));
        let active = self.backends.iter().filter(|backend| backend.state == State::Active).count();
        let sample = Sample {
            server_now: self.now(),
            cost_us: 4_000 + self.chance.below(3_000),
            round_trip_us: 5_000 + self.chance.below(4_000),
            counts: Counts {
                total: self.traffic.sessions,
                active: u32::try_from(active).expect("few"),
                idle_in_transaction: self.traffic.sessions - u32::try_from(active).expect("few"),
                ..Counts::default()
            },
            backends: self.backends.clone(),
            locks: self.locks.clone(),
            edges: Vec::new(),
            prepared: Vec::new(),
            slow,
        };
        (self.at, Input::Sample(Box::new(sample)))
    }

    fn now(&self) -> ServerTime {
        ServerTime(BEGAN + self.at.0.cast_signed())
    }

    fn connect(&mut self, n: u32) -> Backend {
        let started = ServerTime(BEGAN - self.chance.below(3_600_000_000).cast_signed());
        Backend {
            pid: Pid(20_000 + (n * 7).cast_signed()),
            leader_pid: None,
            kind: BackendKind::Client,
            database: Some(DATABASE),
            role: Some(Oid(16_385 + n % 4)),
            application: format!("shop-{}", ["web", "worker", "api", "report"][n as usize % 4]).into(),
            client: Some(format!("10.0.{}.{}", n % 8, n % 250).into()),
            state: State::Active,
            wait_event: None,
            backend_start: Some(started),
            xact_start: Some(started),
            query_start: Some(started),
            state_change: Some(started),
            backend_xid: None,
            text: Some(TextId(1 + n % TEXTS)),
        }
    }

    /// Session `i` has begun something else since the last sample.
    fn go_on(&mut self, i: usize) {
        let span_us = self.traffic.every_ms * 1_000;
        let began = ServerTime(self.now().0 - self.chance.below(span_us).cast_signed());
        let text = TextId(self.chance.zipf(TEXTS));
        let n = self.chance.next();
        let event = EVENTS[self.chance.below(EVENTS.len() as u64) as usize];
        let fresh_xid = n.is_multiple_of(5).then(|| {
            self.next_xid += 1 + (n >> 8) as u32 % 3;
            self.next_xid
        });
        let backend = &mut self.backends[i];
        backend.query_start = Some(began);
        let waits_for_client = n.is_multiple_of(4);
        backend.state = if waits_for_client { State::IdleInTransaction } else { State::Active };
        let took_us = (n >> 16) as i64 % 20_000;
        backend.state_change = Some(ServerTime(began.0 + if waits_for_client { took_us } else { 0 }));
        if !n.is_multiple_of(3) {
            backend.xact_start = Some(ServerTime(began.0 - (n >> 32) as i64 % 40_000));
            backend.backend_xid = fresh_xid;
        }
        backend.wait_event = (n >> 3).is_multiple_of(2).then(|| event.into());
        backend.text = Some(text);
    }

    fn take_lock(&mut self) -> Lock {
        let holder = self.backends[self.chance.below(self.backends.len() as u64) as usize].pid;
        let relation = Oid(20_000 + self.chance.below(u64::from(TABLES)) as u32);
        Lock {
            pid: holder,
            prepared_xid: None,
            object: LockObject::Relation { database: DATABASE, relation },
            mode: LockMode::ALL[self.chance.below(3) as usize],
            granted: true,
            wait_start: None,
        }
    }

    fn look_slowly(&mut self) -> SlowFacts {
        let wal = self.slow.wal_lsn.unwrap_or_default() + 2_000_000 + self.chance.below(3_000_000);
        self.slow.wal_lsn = Some(wal);
        let now = self.now();
        for (n, sender) in self.slow.senders.iter_mut().enumerate() {
            let behind = (n as u64 + 1) * 10_000 + self.chance.below(200_000);
            let lag_us = 500 + self.chance.below(5_000);
            sender.sent_lsn = Some(wal);
            sender.write_lsn = Some(wal - behind / 4);
            sender.flush_lsn = Some(wal - behind / 2);
            sender.replay_lsn = Some(wal - behind);
            sender.write_lag_us = Some(lag_us);
            sender.flush_lag_us = Some(lag_us * 2);
            sender.replay_lag_us = Some(lag_us * 3);
            sender.reply_time = Some(ServerTime(now.0 - self.chance.below(100_000).cast_signed()));
        }
        for progress in &mut self.slow.progress {
            progress.done = progress.done.map(|done| done + 900 + self.chance.below(300));
        }
        let counters = &mut self.slow.counters;
        counters.xact_commit += 250 + self.chance.below(80);
        counters.xact_rollback += self.chance.below(3);
        counters.temp_bytes += self.chance.below(2) * 8_192;
        self.slow.clone()
    }
}

/// Splitmix64.
#[derive(Debug)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// 1 to `n`, the first ones most often.
    fn zipf(&mut self, n: u32) -> u32 {
        // The inverse of the harmonic sum is close to an exponential: e^(u ln n).
        let share = self.below(1 << 20) as f64 / f64::from(1 << 20);
        (f64::from(n).powf(share) as u32).clamp(1, n)
    }
}

fn text(id: u32, chance: &mut Chance) -> Text {
    let words = ["account_id", "created_at", "status", "customer", "amount_cents", "currency", "email"];
    let mut normalised = format!("SELECT t{}.id", id % TABLES);
    let chars =
        80 + (chance.below(1_400) * chance.below(1_400) / 1_400) as usize + chance.below(500) as usize;
    while normalised.len() < chars {
        let word = words[chance.below(words.len() as u64) as usize];
        normalised.push_str(&format!(", t{}.{word}_{}", chance.below(9), chance.below(40)));
    }
    normalised.push_str(&format!(" FROM shop_table_{} WHERE id = $1", id % TABLES));
    Text {
        id: TextId(id),
        normalised,
        kind: "SELECT".to_owned(),
        statements: 1,
        relations: Vec::new(),
        truncated: false,
        named_by: NamedBy::Keywords,
        matched_by: Vec::new(),
    }
}

fn slow_facts() -> SlowFacts {
    let sender = |n: i32| Sender {
        pid: Pid(900 + n),
        application: format!("standby{n}"),
        state: Some("streaming".to_owned()),
        sync_state: Some("async".to_owned()),
        sent_lsn: None,
        write_lsn: None,
        flush_lsn: None,
        replay_lsn: None,
        write_lag_us: None,
        flush_lag_us: None,
        replay_lag_us: None,
        reply_time: None,
    };
    SlowFacts {
        in_recovery: false,
        checkpointer_start: Some(ServerTime(BEGAN - 86_400_000_000)),
        wal_lsn: Some(0x2A_0000_0000),
        senders: (1..=3).map(sender).collect(),
        slots: Vec::new(),
        progress: vec![Progress {
            pid: Pid(20_000),
            command: "CREATE INDEX".to_owned(),
            relation: Some(Oid(20_001)),
            phase: Some("building index: scanning table".to_owned()),
            locker_pid: None,
            lockers: None,
            done: Some(0),
            total: Some(90_000_000),
            unit: Some("blocks".to_owned()),
        }],
        counters: DatabaseCounters::default(),
    }
}

fn begin() -> Begin {
    Begin {
        lockpit: env!("CARGO_PKG_VERSION").to_owned(),
        engine: ENGINE_VERSION,
        utc_us: BEGAN,
        seed: 1,
        server: "alice@db1:5432/shop".to_owned(),
        operator: Some("alice".to_owned()),
        label: None,
        settings: Settings::default(),
        mission: None,
    }
}

fn attached() -> Attached {
    Attached {
        version_num: 180_000,
        version: "18.0".to_owned(),
        system_identifier: Fact::Known(7_000_000_000_000_000_001),
        timeline: Fact::Known(1),
        in_recovery: false,
        postmaster_start: ServerTime(BEGAN - 86_400_000_000),
        database: DATABASE,
        database_name: "shop".to_owned(),
        max_connections: 1_000,
        rights: Rights {
            role: Oid(16_385),
            role_name: "alice".to_owned(),
            superuser: false,
            sees_all: true,
            signals: true,
        },
    }
}

fn names() -> Names {
    let relation = |n: u32| RelationName {
        relation: Oid(20_000 + n),
        found: Some(FoundRelation {
            schema: "public".to_owned(),
            name: format!("shop_table_{n}"),
            kind: 'r',
            permanent: true,
        }),
    };
    Names {
        relations: (0..TABLES).map(relation).collect(),
        roles: (0..4).map(|n| (Oid(16_385 + n), format!("role_{n}"))).collect(),
        databases: vec![(DATABASE, "shop".to_owned())],
    }
}
