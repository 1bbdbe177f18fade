//! A log directory that is full or read-only: it is said at the start, and a flight in the air goes on.

use rustix::process::Signal;
use serde_json::Value;

use crate::flights::{attach, replay};
use crate::small_disk::SmallDisk;
use crate::support::{LONG, cluster, jam_as, versions};

fn notes(line: &Value, wanted: &str) -> bool {
    line["type"] == "note" && line["text"].as_str().is_some_and(|text| text.contains(wanted))
}

/// A flight that cannot begin to record: it says so, names another way, and is a usage error.
async fn cannot_begin(disk: &SmallDisk, wanted: &str) {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("no_log").await;
    let mut flight = attach(&db, &disk.path().join("a.flight"), &["--for", "10s"]);
    assert_eq!(flight.exit(LONG).await, 2, "{}", flight.stderr());
    assert!(flight.stderr().contains(wanted), "{}", flight.stderr());
    assert_eq!(flight.stdout(), "", "nothing was flown");
}

#[tokio::test]
async fn a_read_only_directory_is_said_before_the_flight() {
    let Some(disk) = SmallDisk::mount(256) else { return };
    disk.remount("ro");
    cannot_begin(&disk, "read-only").await;
}

#[tokio::test]
async fn a_full_disk_is_said_before_the_flight() {
    let Some(disk) = SmallDisk::mount(256) else { return };
    disk.fill();
    cannot_begin(&disk, "full").await;
}

#[tokio::test]
async fn a_disk_that_fills_up_stops_the_recording_and_not_the_guard() {
    let Some(version) = versions().last() else { return };
    let Some(disk) = SmallDisk::mount(512) else { return };
    let db = cluster(version.major).database("full_disk").await;
    let log = disk.path().join("a.flight");
    let mut flight = attach(&db, &log, &["--target", "app=deploy", "--arm"]);
    flight.line("the first sample", LONG, |line| line["type"] == "sample").await;
    let ballast = disk.fill();
    flight.line("the loss is said", LONG, |line| notes(line, "NOT RECORDING")).await;

    let jam = jam_as(&db, "deploy", 20).await;
    let last = flight.line("the jam is stopped", LONG, |line| line["final"] == true).await;
    assert_eq!(last["result"], "drained");
    drop(jam);

    std::fs::remove_file(ballast).expect("the ballast can be removed");
    flight.line("the recording goes on", LONG, |line| notes(line, "again")).await;
    let seen_ms = flight.lines().iter().map(sampled_ms).max().unwrap_or(0);
    flight.line("a sample that is recorded", LONG, |line| sampled_ms(line) > seen_ms).await;
    flight.signal(Signal::INT);
    assert_eq!(flight.exit(LONG).await, 4);

    let (exit, replayed, stderr) = replay(&log, &[]).await;
    assert_eq!((exit, stderr.as_str()), (0, ""));
    let lines: Vec<Value> =
        replayed.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    let gap = lines.iter().find(|line| line["type"] == "gap").expect("what was lost is a gap");
    assert!(gap["lost"].as_u64() > Some(0), "{gap}");
    let last = lines.last().expect("lines");
    assert_eq!(last["type"], "end", "and the rest is there: {last}; what was said: {}", flight.stderr());
    assert!(!lines.iter().any(|line| line["type"] == "drift"));
}

/// When a sample was taken, in milliseconds of the flight; 0 for any other line.
fn sampled_ms(line: &Value) -> u64 {
    if line["type"] == "sample" { line["at_ms"].as_u64().unwrap_or(0) } else { 0 }
}
