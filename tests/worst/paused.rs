//! lockpit itself is stopped for a while, as by a sleeping machine or Ctrl-Z.

use std::time::Duration;

use rustix::process::Signal;

use crate::flight::{Flight, on};
use crate::support::cluster;

#[tokio::test]
async fn a_pause_is_told_as_a_gap() {
    let Some(version) = on(&[15]).next() else { return };
    let db = cluster(version.major).database("paused").await;
    let flight = Flight::attach(&db.conninfo(), &[]).await;

    flight.signal(Signal::STOP);
    // The pause is the stimulus.
    tokio::time::sleep(Duration::from_secs(3)).await;
    flight.signal(Signal::CONT);

    let gap = flight.says("gap", "lockpit did not run").await;
    let length_ms = gap["at_ms"].as_u64().zip(gap["from_ms"].as_u64()).map(|(to, from)| to - from);
    assert!(length_ms.is_some_and(|ms| (1_500..10_000).contains(&ms)), "about as long as the pause: {gap}");
    flight.sample_after(&gap).await;
    assert_eq!(flight.end().await.0, 0);
}

#[tokio::test]
async fn a_flight_whose_time_passes_during_a_pause_ends_after_it() {
    let Some(version) = on(&[15]).next() else { return };
    let db = cluster(version.major).database("overdue").await;
    let flight = Flight::attach(&db.conninfo(), &["--for", "3s"]).await;

    flight.signal(Signal::STOP);
    // The pause is the stimulus.
    tokio::time::sleep(Duration::from_secs(4)).await;
    flight.signal(Signal::CONT);

    flight.says("gap", "lockpit did not run").await;
    let (exit, end) = flight.ended().await;
    assert_eq!((exit, &end["reason"]), (0, &serde_json::json!("time is up")));
}
