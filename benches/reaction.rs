//! From the beginning of a jam to the moment its queue has drained, as an armed lockpit handles it.
//!
//! `cargo bench --bench reaction [-- --runs N]`; method and results are in `benches/README.md`.
#![allow(clippy::print_stdout, reason = "a benchmark's result goes to whoever runs it")]

#[path = "common/mod.rs"]
mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use common::crowd::Crowd;
use common::pilot::Pilot;
use common::{proc, table};
use lockpit::demo::server::ServerOptions;
use support::{Cluster, LONG, versions, wait_until};

const WAITERS: usize = 100;
const CLIENTS: usize = 150;
const APPLICATION: &str = "migration";

/// One jam, in milliseconds since the ALTER TABLE was sent.
#[derive(Debug, Clone, Copy)]
struct Reaction {
    /// Its queue is in a sample.
    detected: u64,
    /// The guardrail trips.
    tripped: u64,
    /// The stop is asked for.
    stopped: u64,
    /// Nobody waits any more.
    drained: u64,
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let given = args.iter().position(|arg| arg == "--runs").and_then(|i| args.get(i + 1)?.parse().ok());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(bench(given.unwrap_or(20)));
}

async fn bench(runs: usize) {
    let Some(version) = versions().iter().find(|version| version.major == 15).or(versions().last()) else {
        println!("SKIPPED: there is no PostgreSQL on this machine");
        return;
    };
    let cluster = Cluster::fresh(version.major, ServerOptions::default());
    let db = cluster.database("bench").await;
    let crowd = Crowd::gather(&db, CLIENTS).await;
    println!("{}; PostgreSQL {}", proc::machine(), cluster.server().binaries().version());
    let mut reactions = Vec::new();
    for _ in 0..runs {
        reactions.push(react(&crowd, &db.conninfo()).await);
    }
    let row = |what: &str, of: fn(&Reaction) -> u64| {
        let values: Vec<u64> = reactions.iter().map(of).collect();
        vec![
            what.to_owned(),
            table::percentile(&values, 50).to_string(),
            table::percentile(&values, 100).to_string(),
        ]
    };
    let rows = [
        row("detect: ALTER sent -> a sample shows victims", |r| r.detected),
        row("hold: -> the guardrail trips", |r| r.tripped - r.detected),
        row("stop: -> the stop is asked for", |r| r.stopped - r.tripped),
        row("drain: -> nobody waits", |r| r.drained - r.stopped),
        row("in all", |r| r.drained),
    ];
    let title = format!("A jam of {WAITERS} waiters, default settings, armed, {runs} runs, ms");
    table::print(&title, &["part", "median", "worst"], &rows);
    println!(
        "\nA rule of latency alone (+50 ms for 3 s) acts no earlier than 3,000 ms after it sees the jam."
    );
}

/// A fresh flight, one jam, one stop.
async fn react(crowd: &Crowd, conninfo: &str) -> Reaction {
    let target = format!("app={APPLICATION}");
    let mut pilot = Pilot::attach(conninfo, &["--arm", "--target", &target]);
    wait_until("a flight that has looked", LONG, async || {
        if pilot.heard("sample").len() >= 3 { Ok(()) } else { Err("too early".to_owned()) }
    })
    .await;
    let (jam, sent) = crowd.jam(WAITERS, APPLICATION, || pilot.now()).await;
    let drained_line = wait_until("the stop", LONG, async || {
        let outcomes = pilot.heard("outcome");
        let last = outcomes.into_iter().find(|heard| heard.line["final"] == true);
        last.ok_or_else(|| "no final outcome".to_owned())
    })
    .await;
    assert_eq!(drained_line.line["result"], "drained", "{}", drained_line.line);
    jam.end(crowd).await;
    pilot.land();
    let first = |kind: &str, wanted: fn(&serde_json::Value) -> bool| {
        let heard = pilot.heard(kind).into_iter().find(|heard| heard.at >= sent && wanted(&heard.line));
        heard.unwrap_or_else(|| panic!("no {kind} line")).at.ms_since(sent)
    };
    Reaction {
        detected: first("sample", |line| line["victims"].as_u64().is_some_and(|victims| victims > 0)),
        tripped: first("trip", |_| true),
        stopped: first("intent", |_| true),
        drained: drained_line.at.ms_since(sent),
    }
}
