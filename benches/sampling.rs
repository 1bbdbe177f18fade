//! What watching costs: the server, this machine, and the time until something is seen.
//!
//! `cargo bench --bench sampling [-- --seconds N] [--waiters N]`; method and results are in `benches/README.md`.
#![allow(clippy::print_stdout, reason = "a benchmark's result goes to whoever runs it")]

#[path = "common/mod.rs"]
mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Duration;

use common::crowd::Crowd;
use common::pilot::Pilot;
use common::proc;
use common::table::{self, ms, percentile, ratio, seconds};
use lockpit::demo::server::ServerOptions;
use support::{Cluster, Database, LONG, versions, wait_until};
use tokio_postgres::NoTls;

/// The version and the size of the crowd that the rivals were measured with.
const MAJOR: u32 = 15;
const CLIENTS: usize = 2_000;
const WAITERS: [usize; 2] = [100, 1_000];
/// What is left out at the beginning of a flight.
const WARM_UP: Duration = Duration::from_secs(7);
/// Executions of each statement measured by itself.
const EXECUTIONS: usize = 100;
/// Starts measured for the time to the first sample.
const STARTS: usize = 9;

/// Server milliseconds a refresh and server CPU seconds in 30 s at 2,000 connections and 100 waiters, for one
/// view of each tool, at its fastest refresh.
const RIVALS: [(&str, &str, u64, u64, u64, u64); 5] = [
    // name, view and refresh, SQL us a refresh, server CPU ms, client CPU ms, RSS KiB
    ("pg_activity 3.6.2", "running, 0.5 s", 30_900, 880, 1_580, 46_900),
    ("pg_activity 3.6.2", "blocking, 0.5 s", 40_300, 1_160, 200, 47_100),
    ("pgcenter", "activity, 1 s", 30_100, 510, 430, 32_800),
    ("pg_glimpse 0.7.1", "blocking, 1 s", 61_200, 1_070, 470, 9_200),
    ("pgmon 0.8.1", "activity, 0.5 s", 102_700, 2_210, 400, 13_300),
];

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let window = Duration::from_secs(common::argument("--seconds").unwrap_or(30));
    let waiters = common::argument("--waiters").map_or(WAITERS.to_vec(), |waiters| vec![waiters]);
    runtime.block_on(bench(window, &waiters));
}

async fn bench(window: Duration, waiters: &[usize]) {
    if !versions().iter().any(|version| version.major == MAJOR) {
        println!("SKIPPED: the rivals were measured on PostgreSQL {MAJOR}, which is not on this machine");
        return;
    }
    let options = ServerOptions::default().set("max_connections", "2500").set("shared_buffers", "128MB");
    let cluster = Cluster::fresh(MAJOR, options);
    let db = cluster.database("bench").await;
    let crowd = Crowd::gather(&db, CLIENTS).await;
    println!("{}; PostgreSQL {}; {CLIENTS} clients", proc::machine(), cluster.server().binaries().version());
    println!("server: {}", cluster.server().conninfo());

    let (mut statements, mut flights, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    for &n_waiters in waiters {
        let queue = crowd.queue(n_waiters, "migration").await;
        for (name, costs) in statement_costs(&db).await {
            statements.push(vec![
                n_waiters.to_string(),
                name.to_owned(),
                ms(percentile(&costs, 50)),
                ms(percentile(&costs, 95)),
            ]);
        }
        for (mode, args) in [("watching", &[][..]), ("shadow", &["--arm=shadow"][..])] {
            let args = [&["--interval", "500ms"][..], args].concat();
            flights.push((n_waiters, mode, Flown::measure(&db, &crowd, &args, window).await));
        }
        let first: Vec<u64> = time_to_first_sample(&db).await;
        starts.push(vec![n_waiters.to_string(), ms(percentile(&first, 50)), ms(percentile(&first, 100))]);
        queue.dissolve(&crowd).await;
    }

    let title = format!("Server time of one statement, ms, {EXECUTIONS} executions");
    table::print(&title, &["waiters", "statement", "median", "p95"], &statements);
    print_flights(&flights, window);
    table::print(
        &format!("From process start to the first sample line, ms, {STARTS} starts"),
        &["waiters", "median", "worst"],
        &starts,
    );
    print_rivals(&flights, window);
}

/// The server's own time in each statement of the sampler, in microseconds.
async fn statement_costs(db: &Database) -> Vec<(&'static str, Vec<u64>)> {
    let (client, connection) = db.config().connect(NoTls).await.expect("a session");
    let connection = tokio::spawn(connection);
    let settings = "set plan_cache_mode = force_generic_plan; set jit = off; \
                    set max_parallel_workers_per_gather = 0; set application_name = 'lockpit/bench'";
    client.batch_execute(settings).await.expect("settings");
    let sample = client.prepare(include_str!("../src/pg/sql/sample.sql")).await.expect("sample.sql");
    let watch = client.prepare(include_str!("../src/pg/sql/watch.sql")).await.expect("watch.sql");
    let extra: Vec<i32> = Vec::new();
    let mut costs =
        vec![("sample", Vec::new()), ("sample with slow facts", Vec::new()), ("watch", Vec::new())];
    for _ in 0..EXECUTIONS {
        for (name, costs) in &mut costs {
            let row = match *name {
                "watch" => client.query_one(&watch, &[]).await,
                _ => client.query_one(&sample, &[&(*name != "sample"), &extra, &0_u32]).await,
            };
            let cost_us: i64 = row.expect("a row").get("cost_us");
            costs.push(u64::try_from(cost_us).unwrap_or(0));
        }
    }
    drop(client);
    connection.await.expect("no panic").expect("an orderly end");
    costs
}

/// One flight, measured between its warm-up and its end.
struct Flown {
    sample_us: Vec<u64>,
    client_ms: u64,
    server_ms: u64,
    peak_rss_kib: u64,
    line_bytes: u64,
}

impl Flown {
    async fn measure(db: &Database, crowd: &Crowd, args: &[&str], window: Duration) -> Flown {
        let mut pilot = Pilot::attach(&db.conninfo(), args);
        tokio::time::sleep(WARM_UP).await;
        let backends = own_backends(crowd).await;
        let cpu = |pids: &[u32]| pids.iter().map(|&pid| proc::cpu_ms(pid).expect("it lives")).sum::<u64>();
        let (from, client_ms, server_ms) = (pilot.now(), cpu(&[pilot.pid()]), cpu(&backends));
        tokio::time::sleep(window).await;
        let (to, client_ms, server_ms) =
            (pilot.now(), cpu(&[pilot.pid()]) - client_ms, cpu(&backends) - server_ms);
        let peak_rss_kib = proc::peak_rss_kib(pilot.pid()).expect("it lives");
        assert_eq!(own_backends(crowd).await, backends, "lockpit kept its sessions");
        pilot.land();
        let samples = pilot.heard("sample").into_iter().filter(|heard| heard.at >= from && heard.at < to);
        let (mut sample_us, mut line_bytes) = (Vec::new(), 0);
        for heard in samples {
            sample_us.push(heard.line["cost_us"].as_u64().expect("a number"));
            line_bytes = heard.line.to_string().len() as u64;
        }
        Flown { sample_us, client_ms, server_ms, peak_rss_kib, line_bytes }
    }
}

/// The backends that serve lockpit.
async fn own_backends(crowd: &Crowd) -> Vec<u32> {
    let sql = "select pid from pg_stat_activity where application_name like 'lockpit/%' order by pid";
    crowd.observer().rows(sql).await.iter().map(|pid| pid.parse().expect("a pid")).collect()
}

/// From the start of the process to its first sample line, in microseconds.
async fn time_to_first_sample(db: &Database) -> Vec<u64> {
    let mut first_us = Vec::new();
    for _ in 0..STARTS {
        let mut pilot = Pilot::attach(&db.conninfo(), &[]);
        let at = wait_until("the first sample", LONG, async || {
            pilot.heard("sample").first().map(|heard| heard.at).ok_or_else(|| "none".to_owned())
        });
        first_us.push(at.await.0);
        pilot.land();
    }
    first_us
}

fn print_flights(flights: &[(usize, &str, Flown)], window: Duration) {
    let rows: Vec<Vec<String>> = flights
        .iter()
        .map(|(n_waiters, mode, flown)| {
            let tenths = flown.sample_us.len() as u64 * 10 / window.as_secs().max(1);
            vec![
                n_waiters.to_string(),
                (*mode).to_owned(),
                format!("{}.{}", tenths / 10, tenths % 10),
                ms(percentile(&flown.sample_us, 50)),
                ms(percentile(&flown.sample_us, 95)),
                seconds(flown.server_ms),
                seconds(flown.client_ms),
                format!("{}.{}", flown.peak_rss_kib / 1_024, flown.peak_rss_kib % 1_024 * 10 / 1_024),
                flown.line_bytes.to_string(),
            ]
        })
        .collect();
    let head = [
        "waiters",
        "mode",
        "samples/s",
        "median ms",
        "p95 ms",
        "server CPU s",
        "client CPU s",
        "peak RSS MiB",
        "line bytes",
    ];
    let title = format!("Flights at --interval 500ms, over {} s", window.as_secs());
    table::print(&title, &head, &rows);
}

/// Ratios of the rivals' figures to those of the first flight: 2,000 connections, 100 waiters, watching.
fn print_rivals(flights: &[(usize, &str, Flown)], window: Duration) {
    let own = flights.iter().find(|(n_waiters, mode, _)| (*n_waiters, *mode) == (100, "watching"));
    let Some((_, _, own)) = own else { return };
    let in_30_s = |ms: u64| ms * 30 / window.as_secs().max(1);
    let (sample_us, server_ms, client_ms) =
        (percentile(&own.sample_us, 50), in_30_s(own.server_ms), in_30_s(own.client_ms));
    let mut rows = vec![vec![
        "lockpit".to_owned(),
        "everything, 0.5 s".to_owned(),
        ms(sample_us),
        "1".to_owned(),
        seconds(server_ms),
        "1".to_owned(),
        seconds(client_ms),
        "1".to_owned(),
        (own.peak_rss_kib / 1_024).to_string(),
    ]];
    rows.extend(RIVALS.iter().map(|&(name, view, rival_us, rival_server, rival_client, rss_kib)| {
        vec![
            name.to_owned(),
            view.to_owned(),
            ms(rival_us),
            ratio(rival_us, sample_us),
            seconds(rival_server),
            ratio(rival_server, server_ms),
            seconds(rival_client),
            ratio(rival_client, client_ms),
            (rss_kib / 1_024).to_string(),
        ]
    }));
    let head = [
        "tool",
        "view, refresh",
        "SQL ms/refresh",
        "ratio",
        "server CPU s/30 s",
        "ratio",
        "client CPU s/30 s",
        "ratio",
        "RSS MiB",
    ];
    table::print("Beside other tools: 2,000 connections, 100 waiters", &head, &rows);
}
