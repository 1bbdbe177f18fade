//! The engine alone on queues of 100 and 10,000 waiters: how its time and its checkpoint grow.
//!
//! `cargo bench --bench engine`; results are in `benches/README.md`. Nothing is asserted.

#[path = "common/table.rs"]
#[allow(dead_code, reason = "each benchmark uses its own part")]
mod table;

use lockpit::clock::FlightClock;
use lockpit::engine::ids::{At, Oid, Pid, ServerTime};
use lockpit::engine::input::{Attached, Begin, Input, Rights};
use lockpit::engine::locks::{LockMode, LockObject};
use lockpit::engine::sample::{Backend, BackendKind, Counts, Edge, Fact, Lock, Sample, State};
use lockpit::engine::settings::{Arming, Settings};
use lockpit::engine::{Cockpit, ENGINE_VERSION};
use table::{percentile, ratio};

const SIZES: [usize; 2] = [100, 10_000];
const RUNS: usize = 25;
const DATABASE: Oid = Oid(16_384);
const NOW: ServerTime = ServerTime(1_800_000_000_000_000);

/// The queue's form: for waiter `i`, its place in front of whom it waits.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// A reader, an ALTER TABLE behind it, everybody behind that.
    OneAlter,
    /// The same, but each behind the one before.
    Chain,
    /// Ten ALTER TABLEs on ten tables, a tenth of the clients behind each.
    TenHeads,
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Shape::OneAlter => "one ALTER in front",
            Shape::Chain => "a chain",
            Shape::TenHeads => "ten heads",
        }
    }

    fn heads(self) -> i32 {
        match self {
            Shape::OneAlter | Shape::Chain => 1,
            Shape::TenHeads => 10,
        }
    }
}

#[derive(Debug, Default, Clone)]
struct Measured {
    sample_us: u64,
    checkpoint_us: u64,
    restore_us: u64,
    checkpoint_bytes: u64,
}

fn main() {
    let mut rows = Vec::new();
    for shape in [Shape::OneAlter, Shape::Chain, Shape::TenHeads] {
        let [few, many] = SIZES.map(|size| measure(&sample(shape, size)));
        let row = |what: &str, of: fn(&Measured) -> u64| {
            let (few, many) = (of(&few), of(&many));
            let cells = [shape.name(), what, &few.to_string(), &many.to_string(), &ratio(many, few)];
            cells.map(str::to_owned).to_vec()
        };
        rows.push(row("handle a sample, us", |m| m.sample_us));
        rows.push(row("checkpoint, us", |m| m.checkpoint_us));
        rows.push(row("restore, us", |m| m.restore_us));
        rows.push(row("checkpoint, bytes", |m| m.checkpoint_bytes));
    }
    let head = ["queue", "what", "100 waiters", "10,000 waiters", "ratio"];
    table::print(&format!("The engine, median of {RUNS}"), &head, &rows);
}

fn measure(sample: &Sample) -> Measured {
    let clock = FlightClock::start();
    let mut cockpit = Cockpit::default();
    let settings = Settings { arming: Arming::Shadow, ..Settings::default() };
    cockpit.handle(At(0), Input::Begin(Box::new(begin(settings))));
    cockpit.handle(At(1), Input::Attached(Box::new(attached())));
    let (mut samples, mut checkpoints, mut restores) = (Vec::new(), Vec::new(), Vec::new());
    let mut bytes = 0;
    for run in 1..=RUNS as u64 {
        let input = Input::Sample(Box::new(sample.clone()));
        let before = clock.now();
        let effects = cockpit.handle(At::from_ms(run * 250), input);
        samples.push(clock.now().us_since(before));
        drop(effects);
        let before = clock.now();
        let checkpoint = cockpit.checkpoint();
        checkpoints.push(clock.now().us_since(before));
        bytes = checkpoint.state.len() as u64;
        let before = clock.now();
        Cockpit::restore(&checkpoint.state, checkpoint.held).expect("its own checkpoint");
        restores.push(clock.now().us_since(before));
    }
    let median = |values: &[u64]| percentile(values, 50);
    Measured {
        sample_us: median(&samples),
        checkpoint_us: median(&checkpoints),
        restore_us: median(&restores),
        checkpoint_bytes: bytes,
    }
}

/// A reader (pid 1), the heads (from pid 2 on), and the waiters behind them.
fn sample(shape: Shape, n_waiters: usize) -> Sample {
    let heads = shape.heads();
    let first = 2 + heads;
    let last = first + i32::try_from(n_waiters).expect("few enough");
    let mut backends = vec![backend(1, State::IdleInTransaction, "report-job")];
    let mut locks: Vec<Lock> =
        (0..heads).map(|table| lock(1, table, LockMode::AccessShareLock, true)).collect();
    let mut edges = Vec::new();
    for head in 0..heads {
        backends.push(backend(2 + head, State::Active, "migration"));
        locks.push(lock(2 + head, head, LockMode::AccessExclusiveLock, false));
        edges.push(Edge { waiter: Pid(2 + head), blockers: vec![Pid(1)] });
    }
    for pid in first..last {
        let head = (pid - first) % heads;
        let ahead = match shape {
            Shape::Chain if pid > first => pid - 1,
            _ => 2 + head,
        };
        backends.push(backend(pid, State::Active, "app"));
        locks.push(lock(pid, head, LockMode::AccessShareLock, false));
        edges.push(Edge { waiter: Pid(pid), blockers: vec![Pid(ahead)] });
    }
    let waiting = u32::try_from(n_waiters).expect("few enough");
    Sample {
        server_now: NOW,
        cost_us: 5_000,
        round_trip_us: 6_000,
        counts: Counts {
            total: waiting + 2,
            active: waiting + 1,
            idle_in_transaction: 1,
            ..Counts::default()
        },
        backends,
        locks,
        edges,
        prepared: Vec::new(),
        slow: None,
    }
}

fn backend(pid: i32, state: State, application: &str) -> Backend {
    Backend {
        pid: Pid(pid),
        leader_pid: None,
        kind: BackendKind::Client,
        database: Some(DATABASE),
        role: Some(Oid(10)),
        application: application.into(),
        client: Some("10.0.0.7".into()),
        state,
        wait_event: Some("Lock/relation".into()),
        backend_start: Some(NOW),
        xact_start: Some(NOW),
        query_start: Some(NOW),
        state_change: Some(NOW),
        backend_xid: None,
        text: None,
    }
}

fn lock(pid: i32, table: i32, mode: LockMode, granted: bool) -> Lock {
    let relation = Oid(20_000 + table.cast_unsigned());
    Lock {
        pid: Pid(pid),
        prepared_xid: None,
        object: LockObject::Relation { database: DATABASE, relation },
        mode,
        granted,
        wait_start: (!granted).then_some(NOW),
    }
}

fn begin(settings: Settings) -> Begin {
    Begin {
        lockpit: env!("CARGO_PKG_VERSION").to_owned(),
        engine: ENGINE_VERSION,
        utc_us: 0,
        seed: 1,
        server: "bench".to_owned(),
        operator: None,
        label: None,
        settings,
        mission: None,
    }
}

fn attached() -> Attached {
    Attached {
        version_num: 180_000,
        version: "18.0".to_owned(),
        system_identifier: Fact::Known(1),
        timeline: Fact::Known(1),
        in_recovery: false,
        postmaster_start: NOW,
        database: DATABASE,
        database_name: "bench".to_owned(),
        max_connections: 20_000,
        rights: Rights {
            role: Oid(10),
            role_name: "postgres".to_owned(),
            superuser: true,
            sees_all: true,
            signals: true,
        },
    }
}
