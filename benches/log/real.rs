//! A real server under pgbench, recorded by lockpit as its user would.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lockpit::demo::server::ServerOptions;
use lockpit::engine::input::Input;
use lockpit::engine::sample::Backend;
use lockpit::log::{Entry, Item, Reader};

use super::anatomy::Anatomy;
use super::baseline::Baseline;
use crate::common::{pilot::Pilot, proc};
use crate::support::{Cluster, Database, LONG, versions, wait_until};

const MAJOR: u32 = 15;
const CLIENTS: usize = 450;
/// Transactions a second of all clients together, when they do not think.
const RATE: usize = 320;
const SCRIPTS: usize = 40;
/// Longer than any flight.
const BACKFILL: &str = "do $$ begin for i in 1..1000000 loop update pgbench_accounts set filler = 'new' \
                        where aid = i; commit; perform pg_sleep(0.05); end loop; end $$";

/// What the clients do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Habit {
    /// Short transactions, between which the sessions are idle: no row of a sample.
    Short,
    /// 1.3 s of thinking in each transaction, a part of it with a row locked that others want.
    Thinking,
}

/// What was recorded.
pub(crate) struct Recorded {
    pub(crate) anatomy: Anatomy,
    pub(crate) baseline: Baseline,
    pub(crate) seconds: f64,
    pub(crate) samples: u64,
    pub(crate) rows_per_sample: f64,
    pub(crate) sessions: f64,
    pub(crate) changed_percent: f64,
    pub(crate) waiting: f64,
    pub(crate) texts: u64,
    /// Processor time of lockpit while it recorded, in milliseconds a sample.
    pub(crate) cpu_ms: f64,
}

/// Records a flight of this length into `dir`; `None` where pgbench or the server is missing. A backfill, the flight's
/// target, makes it look twice a second.
pub(crate) async fn record(dir: &Path, habit: Habit, window: Duration) -> Option<Recorded> {
    let pgbench = pgbench()?;
    versions().iter().find(|version| version.major == MAJOR)?;
    let options = ServerOptions::default().set("max_connections", "600").set("shared_buffers", "128MB");
    let cluster = Cluster::fresh(MAJOR, options);
    let db = cluster.database("bench").await;
    let port = cluster.server().port().to_string();
    let connection = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres"];
    let mut command = Command::new(&pgbench);
    command.args(connection).args(["-i", "-q", "-s", "10", &db.name]);
    let made = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("pgbench starts");
    assert!(made.success(), "pgbench -i: {made}");

    let mut command = Command::new(&pgbench);
    command.args(connection).args(["-n", "-c", &CLIENTS.to_string(), "-j", "1"]);
    if matches!(habit, Habit::Short) {
        command.args(["-R", &RATE.to_string()]);
    }
    command.args(["-T", &(window.as_secs() + 120).to_string()]);
    for n in 0..SCRIPTS {
        let path = dir.join(format!("{n}.sql"));
        std::fs::write(&path, script(n, habit)).expect("a script");
        command.arg("-f").arg(path);
    }
    let load =
        Load(command.arg(&db.name).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("pgbench"));
    wait_for_clients(&db).await;
    let backfill = db.actor("migration").await;
    let under_way = backfill.spawn(BACKFILL);

    let path = dir.join(format!("real-{habit:?}.flight"));
    let args = [
        "--interval",
        "500ms",
        "--target",
        "app=migration",
        "--record",
        path.to_str().expect("a path in UTF-8"),
    ];
    let mut pilot = Pilot::start(&db.conninfo(), &args);
    tokio::time::sleep(window).await;
    let cpu_ms = proc::cpu_ms(pilot.pid()).expect("it lives");
    pilot.land();
    drop(load);
    backfill.cancel().await;
    under_way.finish(LONG).await.expect_err("the backfill was cancelled");
    Some(study(&path, cpu_ms))
}

/// pgbench under way; dropped, it is killed.
struct Load(Child);

impl Drop for Load {
    fn drop(&mut self) {
        // In vain when it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn pgbench() -> Option<String> {
    let known = ["pgbench".to_owned(), format!("/usr/lib/postgresql/{MAJOR}/bin/pgbench")];
    let starts = |program: &String| Command::new(program).arg("--version").output().is_ok();
    known.into_iter().find(starts)
}

async fn wait_for_clients(db: &Database) {
    let observer = db.actor("bench/observer").await;
    wait_until("pgbench's clients", LONG, async || {
        let sql = "select count(*) from pg_stat_activity where application_name = 'pgbench'";
        let clients: i64 = observer.value(sql).await;
        if usize::try_from(clients) == Ok(CLIENTS) { Ok(()) } else { Err(format!("{clients} are there")) }
    })
    .await;
}

/// A transaction like TPC-B's in the long statements of an object mapper, another one for each number.
fn script(number: usize, habit: Habit) -> String {
    let think = |ms: u32| match habit {
        Habit::Short => String::new(),
        Habit::Thinking => format!("\\sleep {ms} ms\n"),
    };
    let (long, short) = (think(400), think(100));
    let columns = |table: &str, names: &[&str], repeats: usize| {
        let column = |i: usize| {
            let name = names[(i + number) % names.len()];
            format!("\"{table}\".\"{name}\" AS \"{table}_{name}_{number}_{i}\"")
        };
        (0..repeats).map(column).collect::<Vec<String>>().join(", ")
    };
    let accounts = columns("pgbench_accounts", &["aid", "bid", "abalance", "filler"], 4 + number % 16);
    let tellers = columns("pgbench_tellers", &["tid", "bid", "tbalance"], 3 + number % 9);
    format!(
        "\\set aid random(1, 1000000)\n\\set bid random(1, 10)\n\\set tid random(1, 100)\n\
         \\set delta random(-5000, 5000)\n\
         BEGIN;\n\
         SELECT {accounts} FROM \"pgbench_accounts\" INNER JOIN \"pgbench_branches\" AS \"b{number}\" ON \
         \"b{number}\".\"bid\" = \"pgbench_accounts\".\"bid\" WHERE \"pgbench_accounts\".\"aid\" = :aid AND \
         \"b{number}\".\"bbalance\" > -1000000000 ORDER BY \"pgbench_accounts\".\"aid\" LIMIT 20;\n{long}\
         UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;\n{long}\
         SELECT {tellers} FROM \"pgbench_tellers\" WHERE \"pgbench_tellers\".\"tid\" IN (:tid, 1, 2) LIMIT 20;\n{long}\
         UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;\n{short}\
         UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;\n\
         INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:tid, :bid, :aid, :delta, now());\n\
         END;\n"
    )
}

/// Reads what was recorded.
fn study(path: &Path, cpu_ms: u64) -> Recorded {
    let mut reader = Reader::open(path).expect("a log");
    let mut baseline = Baseline::default();
    let mut before: BTreeMap<_, Backend> = BTreeMap::new();
    let (mut samples, mut rows, mut changed, mut compared, mut sessions) =
        (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    let (mut waiting, mut texts, mut first_us, mut last_us) = (0_u64, 0, None, 0);
    let mut begins_segment = false;
    while let Some(item) = reader.next_item().expect("readable") {
        let Item::Entry { entry, .. } = item else { panic!("damaged: {item:?}") };
        let Entry::Input(at, input) = entry else { continue };
        // As often as a log that is sampled twice a second begins a segment.
        begins_segment |= matches!(&input, Input::Sample(_)) && samples.is_multiple_of(120);
        baseline.add(&input, std::mem::take(&mut begins_segment));
        match input {
            Input::Text(_) => texts += 1,
            Input::Sample(sample) => {
                first_us.get_or_insert(at.0);
                last_us = at.0;
                if !before.is_empty() {
                    let is_changed = |backend: &&Backend| before.get(&backend.pid) != Some(*backend);
                    changed += sample.backends.iter().filter(is_changed).count() as u64;
                    compared += sample.backends.len() as u64;
                }
                samples += 1;
                sessions += u64::from(sample.counts.total);
                rows += sample.backends.len() as u64;
                waiting += sample.edges.len() as u64;
                before = sample.backends.into_iter().map(|backend| (backend.pid, backend)).collect();
            }
            _ => {}
        }
    }
    let mean = |sum: u64| sum as f64 / samples.max(1) as f64;
    Recorded {
        anatomy: Anatomy::of(path),
        baseline,
        seconds: (last_us - first_us.unwrap_or(0)) as f64 / 1e6,
        samples,
        rows_per_sample: mean(rows),
        sessions: mean(sessions),
        changed_percent: changed as f64 * 100.0 / compared.max(1) as f64,
        waiting: mean(waiting),
        texts,
        cpu_ms: mean(cpu_ms),
    }
}
