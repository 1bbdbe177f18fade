//! A flight whose process was killed leaves a log that replays to the last turn on disk.

use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::task::{JoinSet, LocalSet};

use crate::flights::{attach, replay};
use crate::support::{Database, LONG, cluster, jam_as, versions};

const KILLS: u32 = 100;
const AT_ONCE: u32 = 10;

/// Flies over a jam that nobody stops, is killed after a while, and compares what it said with its replay.
async fn fly_and_die(db: Database, after: Duration) {
    let dir: TempDir = tempfile::tempdir().expect("a folder");
    let log = dir.path().join("killed.flight");
    let mut flight = attach(&db, &log, &["--target", "app=deploy", "--arm=shadow", "--interval", "50ms"]);
    flight.line("the flight", LONG, |line| line["type"] == "flight").await;
    // The moment is what varies here: it is not waited for.
    tokio::time::sleep(after).await;
    flight.signal(Signal::KILL);
    assert_eq!(flight.exit(LONG).await, 128 + 9);
    let (exit, replayed, stderr) = replay(&log, &[]).await;
    assert_eq!(exit, 0, "killed after {after:?}: {stderr}");
    let told = flight.stdout();
    // A line may be said before its turn is durable, and a turn be durable before its line is said.
    let (short, long) = if told.len() < replayed.len() { (&told, &replayed) } else { (&replayed, &told) };
    let whole_lines = short.rsplit_once('\n').map_or("", |(whole, _)| whole);
    assert!(long.starts_with(whole_lines), "killed after {after:?}:\n{told}\n--- replayed:\n{replayed}");
}

#[tokio::test]
async fn a_flight_killed_at_100_moments_replays_what_it_said() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("killed").await;
    let jam = jam_as(&db, "deploy", 5).await;
    let deaths = async {
        for round in 0..KILLS / AT_ONCE {
            let mut deaths = JoinSet::new();
            for n in 0..AT_ONCE {
                // Spread over 400 ms; the prime keeps the moments of all rounds apart.
                let after = Duration::from_millis(u64::from((round * AT_ONCE + n) * 37 % 400));
                deaths.spawn_local(fly_and_die(db.clone(), after));
            }
            deaths.join_all().await;
        }
    };
    LocalSet::new().run_until(deaths).await;
    jam.dissolve().await;
}
