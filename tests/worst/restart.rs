//! The server is restarted while lockpit is attached.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lockpit::demo::server::{ServerOptions, StopMode};
use tokio::net::TcpListener;

use crate::flight::{Flight, no_backend_left, on};
use crate::support::Cluster;

/// How long the server is away.
const AWAY: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_flight_goes_on_after_a_restart() {
    for version in on(&[14, 18]) {
        let mut cluster = Cluster::fresh(version.major, ServerOptions::default());
        let db = cluster.database_named("postgres");
        let flight = Flight::attach(&db.conninfo(), &[]).await;

        let server = cluster.server_mut();
        server.stop(StopMode::Fast).expect("it stops");
        let tries = count_tries(server.port(), AWAY).await;
        assert!((2..=24).contains(&tries), "{tries} tries of two sessions in {AWAY:?}: the pauses grow");
        assert!(flight.said("note", "sampler is lost"), "{}", flight.stdout());
        server.restart().expect("it starts again");

        let attached = flight.says("note", "attached again; the server was restarted").await;
        assert_eq!(attached["warning"], true);
        let gap = flight.says("gap", "no sampler").await;
        let length_ms = gap["at_ms"].as_u64().zip(gap["from_ms"].as_u64()).map(|(to, from)| to - from);
        // It was noticed at the next look, 2 s later at the latest.
        assert!(
            length_ms.is_some_and(|ms| ms >= 900),
            "the gap is about as long as the server was away: {gap}"
        );
        flight.says("note", "control connection is up again").await;
        flight.sample_after(&gap).await;

        let (exit, end) = flight.end().await;
        assert_eq!(exit, 0, "PostgreSQL {}: {end}", version.major);
        assert_eq!(end["reason"], "interrupted");
        assert!(end["missed"].as_u64() >= Some(1), "{end}");
        no_backend_left(&db.actor("test/observer").await).await;
    }
}

/// Counts who knocks at the port of a server that is away.
async fn count_tries(port: u16, duration: Duration) -> u32 {
    let knocks = Arc::new(AtomicU32::new(0));
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port of the stopped server");
    let counted = Arc::clone(&knocks);
    let counting = async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    };
    let _ = tokio::time::timeout(duration, counting).await;
    knocks.load(Ordering::Relaxed)
}
