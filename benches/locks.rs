//! What a table's readers lose while ALTER TABLE waits for its lock: four ways to ask for it, three loads.
//!
//! `cargo bench --bench locks [-- --only old|short|long] [--queries N]`; method and results are in
//! `benches/README.md`.
#![allow(clippy::print_stdout, reason = "a benchmark's result goes to whoever runs it")]

#[path = "common/mod.rs"]
mod common;
#[path = "locks/load.rs"]
mod load;
#[path = "../tests/support/mod.rs"]
mod support;

use std::cell::Cell;
use std::time::Duration;

use common::pilot::{Heard, Pilot};
use common::table::{self, ms, percentile, ratio};
use common::{argument, proc};
use load::{Kind, Load, Query, ROWS};
use lockpit::clock::FlightClock;
use lockpit::demo::server::ServerOptions;
use lockpit::engine::ids::At;
use support::{Cluster, Database, LONG, versions, wait_until};
use tokio::time::sleep;
use tokio_postgres::error::SqlState;

const MAJOR: u32 = 15;
/// A query that lost more than this is counted.
const SLOW_US: u64 = 50_000;
/// The least number of queries of a strategy that the goals speak of.
const QUERIES: usize = 30_000;
/// How long the old reader sits in its transaction.
const READER: Duration = Duration::from_secs(5);
/// A strategy that has no lock by then gives up.
const GIVES_UP: Duration = Duration::from_secs(15);
/// How long the load runs before anything is counted, and how long it is counted after the end.
const AROUND: Duration = Duration::from_millis(700);

/// A load, and whether an old reader sits in the way.
#[derive(Debug, Clone, Copy)]
struct Workload {
    name: &'static str,
    title: &'static str,
    kind: Kind,
    old_reader: bool,
    /// Runs of lockpit, at least, and of everything else.
    runs: (usize, usize),
}

const WORKLOADS: [Workload; 3] = [
    Workload {
        name: "old",
        title: "1,500 reads/s, a reader idle in its transaction for 5 s",
        kind: Kind::Reads { a_second: 1_500, connections: 16 },
        old_reader: true,
        runs: (1, 1),
    },
    Workload {
        name: "short",
        title: "8 clients, readers of 20 ms without a gap",
        kind: Kind::Readers { clients: 8, shortest_ms: 20, longest_ms: 20 },
        old_reader: false,
        runs: (10, 3),
    },
    Workload {
        name: "long",
        title: "8 clients, readers of 150 to 450 ms without a gap",
        kind: Kind::Readers { clients: 8, shortest_ms: 150, longest_ms: 450 },
        old_reader: false,
        runs: (10, 3),
    },
];

/// How the lock is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strategy {
    /// Not at all.
    Nothing,
    /// Until it is there.
    Plain,
    /// `lock_timeout`, and the pause after it, in milliseconds.
    Retry { timeout_ms: u64, pause_ms: u64 },
    /// By the program.
    Lockpit { recorded: bool },
}

impl Strategy {
    const ALL: [Strategy; 6] = [
        Strategy::Nothing,
        Strategy::Plain,
        Strategy::Retry { timeout_ms: 500, pause_ms: 1_000 },
        Strategy::Retry { timeout_ms: 100, pause_ms: 50 },
        Strategy::Lockpit { recorded: false },
        Strategy::Lockpit { recorded: true },
    ];

    fn name(self) -> String {
        match self {
            Strategy::Nothing => "no ALTER TABLE".to_owned(),
            Strategy::Plain => "no lock_timeout".to_owned(),
            Strategy::Retry { timeout_ms, pause_ms } => format!("{timeout_ms} ms, pause {pause_ms} ms"),
            Strategy::Lockpit { recorded: false } => "lockpit".to_owned(),
            Strategy::Lockpit { recorded: true } => "lockpit, recorded".to_owned(),
        }
    }
}

/// What asking for the lock came to.
#[derive(Debug, Default)]
struct Asked {
    /// When the strategy first looked at the table, or asked.
    began: Option<At>,
    /// When each request was sent, and when it had its lock and was through, or had given up.
    requests: Vec<(At, At)>,
    /// When the lock was there.
    locked: Option<At>,
}

/// One run of a strategy under a load.
#[derive(Debug)]
struct Run {
    queries: Vec<Query>,
    asked: Asked,
    /// Since when the lock can be there: the reader's end, or without one the strategy's start.
    since: At,
}

/// Where it happens.
struct Place {
    db: Database,
    clock: FlightClock,
    columns: Cell<u32>,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(bench(argument("--only"), argument("--queries").unwrap_or(QUERIES)));
}

async fn bench(only: Option<String>, at_least: usize) {
    let Some(version) = versions().iter().find(|version| version.major == MAJOR).or(versions().last()) else {
        println!("SKIPPED: there is no PostgreSQL on this machine");
        return;
    };
    let cluster = Cluster::fresh(version.major, ServerOptions::default());
    let db = cluster.database("bench").await;
    let rows = format!(
        "create table account (id int primary key, balance int not null); \
         insert into account select i, i from generate_series(0, {ROWS} - 1) i; vacuum analyze account"
    );
    let observer = db.actor("bench/observer").await;
    for statement in rows.split(';') {
        observer.exec(statement).await;
    }
    println!("{}; PostgreSQL {}", proc::machine(), cluster.server().binaries().version());
    let place = Place { db, clock: FlightClock::start(), columns: Cell::new(0) };
    for workload in
        WORKLOADS.iter().filter(|workload| only.as_deref().is_none_or(|only| only == workload.name))
    {
        let mut measured = Vec::new();
        for strategy in Strategy::ALL {
            let mut runs = Vec::new();
            let wanted = match strategy {
                Strategy::Lockpit { recorded: false } => workload.runs.0,
                _ => workload.runs.1,
            };
            let n_queries = |runs: &[Run]| runs.iter().map(|run| run.queries.len()).sum::<usize>();
            let least = match strategy {
                Strategy::Nothing | Strategy::Lockpit { recorded: false } if workload.old_reader => at_least,
                _ => 0,
            };
            while runs.len() < wanted || n_queries(&runs) < least {
                runs.push(place.run(workload, strategy).await);
            }
            measured.push((strategy, runs));
        }
        show(workload, &measured);
    }
    println!("\nload at the end: {}", proc::machine());
}

impl Place {
    async fn run(&self, workload: &Workload, strategy: Strategy) -> Run {
        let load = Load::start(&self.db, self.clock, workload.kind);
        sleep(AROUND).await;
        let reader = self.db.actor("report-job").await;
        let began = self.clock.now();
        let reader_ends = async {
            if workload.old_reader {
                reader.exec("begin; select balance from account where id = 7").await;
                sleep(READER).await;
                reader.exec("commit").await;
            }
            self.clock.now()
        };
        let (reader_ended, asked) = tokio::join!(reader_ends, self.ask(strategy, workload));
        sleep(AROUND).await;
        let ended = self.clock.now();
        let mut queries = load.end();
        queries.retain(|query| query.due >= began && query.due < ended);
        let since = if workload.old_reader { reader_ended } else { began };
        Run { queries, asked, since }
    }

    async fn ask(&self, strategy: Strategy, workload: &Workload) -> Asked {
        self.columns.set(self.columns.get() + 1);
        let alter = format!("alter table account add column c{} int", self.columns.get());
        if workload.old_reader {
            sleep(Duration::from_millis(300)).await;
        }
        match strategy {
            Strategy::Nothing => {
                sleep(READER - AROUND).await;
                Asked::default()
            }
            Strategy::Plain => self.retry(&alter, 0, 0).await,
            Strategy::Retry { timeout_ms, pause_ms } => self.retry(&alter, timeout_ms, pause_ms).await,
            Strategy::Lockpit { recorded } => self.fly(&alter, recorded).await,
        }
    }

    /// As a script with `lock_timeout` and a pause does it.
    async fn retry(&self, alter: &str, timeout_ms: u64, pause_ms: u64) -> Asked {
        let session = self.db.actor("migration").await;
        session.exec(&format!("set lock_timeout = {timeout_ms}")).await;
        let mut asked = Asked::default();
        let began = self.clock.now();
        asked.began = Some(began);
        loop {
            let sent = self.clock.now();
            let answer = session.try_exec(alter).await;
            let now = self.clock.now();
            asked.requests.push((sent, now));
            match answer {
                Ok(()) => {
                    asked.locked = Some(now);
                    return asked;
                }
                Err(error) => assert_eq!(error.code(), Some(&SqlState::LOCK_NOT_AVAILABLE), "{error}"),
            }
            if Duration::from_micros(now.us_since(began)) >= GIVES_UP {
                return asked;
            }
            sleep(Duration::from_millis(pause_ms)).await;
        }
    }

    /// As a plan of one statement.
    async fn fly(&self, alter: &str, recorded: bool) -> Asked {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = folder.path().join("plan.sql");
        std::fs::write(&plan, format!("{alter};\n")).expect("a plan");
        let log = folder.path().join("flight.lockpit");
        let (plan, log) = (plan.to_str().expect("a path"), log.to_str().expect("a path"));
        let args: &[&str] = if recorded { &["--record", log] } else { &["--no-record"] };
        let mut pilot = Pilot::run(self.clock, plan, &self.db.conninfo(), args);
        let status = wait_until("the end of the flight", LONG, async || {
            pilot.ended().ok_or_else(|| "it flies".to_owned())
        })
        .await;
        let lines = pilot.heard("step");
        assert!(status.success(), "{status}: {:?}", lines.last().map(|last| &last.line));
        if argument::<u32>("--verbose").is_some() {
            for heard in &lines {
                println!("{:>9} us  {}", heard.at.0, heard.line);
            }
        }
        requests(&lines)
    }
}

/// What the lines of a flight say of its requests.
fn requests(lines: &[Heard]) -> Asked {
    let mut asked = Asked::default();
    let mut sent: Option<At> = None;
    for heard in lines {
        let (state, reason) =
            (heard.line["state"].as_str(), heard.line["reason"].as_str().unwrap_or_default());
        if state == Some("acquiring") {
            asked.began = asked.began.or(Some(heard.at));
        }
        match state {
            Some("acquiring") if reason.contains("asks for its locks") => sent = Some(heard.at),
            Some("running") => asked.locked = asked.locked.or(Some(heard.at)),
            _ => asked.requests.extend(sent.take().map(|sent| (sent, heard.at))),
        }
    }
    asked
}

fn show(workload: &Workload, measured: &[(Strategy, Vec<Run>)]) {
    let lost = |runs: &[Run]| -> Vec<u64> {
        runs.iter().flat_map(|run| run.queries.iter().map(Query::lost_us)).collect()
    };
    let undisturbed = measured.iter().find(|(strategy, _)| *strategy == Strategy::Nothing);
    let undisturbed = undisturbed.map_or(0, |(_, runs)| percentile(&lost(runs), 99));
    let rows: Vec<Vec<String>> = measured
        .iter()
        .map(|(strategy, runs)| {
            let all = lost(runs);
            let slow = all.iter().filter(|lost_us| **lost_us > SLOW_US).count();
            let beside = runs.iter().map(beside_requests).sum::<usize>();
            let took: Vec<u64> = runs.iter().flat_map(|run| run.queries.iter().map(Query::took_us)).collect();
            let to_lock = |since: fn(&Run) -> Option<At>| {
                let took = |run: &Run| Some(run.asked.locked?.us_since(since(run)?));
                let took: Vec<u64> = runs.iter().filter_map(took).collect();
                match (strategy, took.is_empty()) {
                    (Strategy::Nothing, _) => "-".to_owned(),
                    (_, true) => "never".to_owned(),
                    _ => format!("{} / {}", ms(percentile(&took, 50)), ms(percentile(&took, 100))),
                }
            };
            vec![
                strategy.name(),
                runs.len().to_string(),
                all.len().to_string(),
                slow.to_string(),
                share(slow, all.len()),
                beside.to_string(),
                ms(percentile(&all, 99)),
                ratio(percentile(&all, 99), undisturbed),
                ms(percentile(&all, 100)),
                ms(percentile(&took, 100)),
                to_lock(|run| Some(run.since)),
                to_lock(|run| run.asked.began.map(|began| began.max(run.since))),
                runs.iter().map(|run| run.asked.requests.len()).sum::<usize>().to_string(),
            ]
        })
        .collect();
    let head = [
        "strategy",
        "runs",
        "queries",
        "> 50 ms",
        "%",
        "apart",
        "p99 ms",
        "ratio",
        "worst ms",
        "with sleep",
        "to lock ms",
        "of trying",
        "requests",
    ];
    table::print(&format!("{}; {}", workload.title, proc::machine()), &head, &rows);
}

/// Slow queries that no request stood before: what the machine alone made slow.
fn beside_requests(run: &Run) -> usize {
    let slow = run.queries.iter().filter(|query| query.lost_us() > SLOW_US);
    slow.filter(|query| {
        !run.asked.requests.iter().any(|(sent, end)| query.done >= *sent && query.due <= *end)
    })
    .count()
}

/// Of a hundred, with two decimal places.
fn share(part: usize, whole: usize) -> String {
    let hundredths = (part * 10_000 + whole / 2) / whole.max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
