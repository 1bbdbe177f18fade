//! Recorded flights on real servers, and their replays.

use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Database, LONG, Program, cluster, jam_as, versions};

/// A flight that was flown, with what it printed.
pub(crate) struct Flown {
    pub(crate) log: PathBuf,
    pub(crate) stdout: String,
    pub(crate) exit: i32,
    _dir: TempDir,
}

/// Starts `lockpit attach` on `db`, recording to `log`.
pub(crate) fn attach(db: &Database, log: &Path, args: &[&str]) -> Program {
    let log = log.to_str().expect("a path of this test");
    let conninfo = db.conninfo();
    let mut all = vec!["attach", conninfo.as_str(), "--headless", "--record", log];
    all.extend(args);
    Program::lockpit(all)
}

/// An armed flight over a jam of 20 readers, ended by an interrupt once the jam has drained.
pub(crate) async fn jam_flight(major: u32) -> Flown {
    let db = cluster(major).database("replay").await;
    let dir = tempfile::tempdir().expect("a folder");
    let log = dir.path().join("jam.flight");
    let mut flight = attach(&db, &log, &["--target", "app=deploy", "--arm"]);
    flight.line("the first sample", LONG, |line| line["type"] == "sample").await;
    let jam = jam_as(&db, "deploy", 20).await;
    flight.line("the final outcome", LONG, |line| line["final"] == true).await;
    drop(jam);
    flight.signal(Signal::INT);
    let exit = flight.exit(LONG).await;
    Flown { log, stdout: flight.stdout(), exit, _dir: dir }
}

/// Replays `log`: the exit code, standard output and standard error.
pub(crate) async fn replay(log: &Path, args: &[&str]) -> (i32, String, String) {
    let log = log.to_str().expect("a path of this test");
    let mut all = vec!["replay", "--headless", log];
    all.extend(args);
    let mut program = Program::lockpit(all);
    let exit = program.exit(LONG).await;
    (exit, program.stdout(), program.stderr())
}

fn of_type<'a>(lines: &'a [Value], wanted: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == wanted).collect()
}

fn parse(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

#[tokio::test]
async fn a_jam_replays_with_the_same_lines_on_every_version() {
    for version in versions() {
        let flown = jam_flight(version.major).await;
        let lines = parse(&flown.stdout);
        assert_eq!(flown.exit, 4, "a guardrail acted: {}", flown.stdout);
        assert_eq!(of_type(&lines, "trip").len(), 1, "PostgreSQL {}", version.major);
        assert_eq!(lines.first().map(|line| line["type"].clone()), Some("flight".into()));
        assert_eq!(lines.last().map(|line| line["type"].clone()), Some("end".into()));

        let (exit, replayed, stderr) = replay(&flown.log, &[]).await;
        assert_eq!((exit, stderr.as_str()), (0, ""), "PostgreSQL {}", version.major);
        assert_eq!(replayed, flown.stdout, "PostgreSQL {}", version.major);
    }
}

#[tokio::test]
async fn a_replay_from_a_time_tells_what_follows_it() {
    let Some(version) = versions().last() else { return };
    let flown = jam_flight(version.major).await;
    let lines = parse(&flown.stdout);
    let trip_ms = of_type(&lines, "trip")[0]["at_ms"].as_u64().expect("a time");
    let (exit, replayed, _) = replay(&flown.log, &["--at", &format!("{trip_ms}ms")]).await;
    assert_eq!(exit, 0);
    let replayed = parse(&replayed);
    assert_eq!(replayed[0]["type"], "flight", "the first line gives the context");
    let expected: Vec<Value> =
        lines.into_iter().filter(|line| line["at_ms"].as_u64() >= Some(trip_ms)).collect();
    assert_eq!(replayed[1..], expected[..]);
}
