//! Signals end a flight in order.

use rustix::process::Signal;

use crate::flight::{Flight, no_backend_left, on};
use crate::support::{LONG, Program, cluster};

#[tokio::test]
async fn a_signal_ends_the_flight_in_order() {
    for version in on(&[18]) {
        for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
            let db = cluster(version.major).database("signals").await;
            let observer = db.actor("test/observer").await;
            let flight = Flight::attach(&db.conninfo(), &[]).await;
            flight.signal(signal);
            let (exit, end) = flight.ended().await;
            assert_eq!((exit, &end["reason"]), (0, &"interrupted".into()), "{signal:?}");
            no_backend_left(&observer).await;
        }
    }
}

#[tokio::test]
async fn a_flight_that_is_shorter_than_its_preparations_ends_at_once() {
    for version in on(&[18]) {
        let db = cluster(version.major).database("short").await;
        let conninfo = db.conninfo();
        let mut program =
            Program::lockpit(["attach", &conninfo, "--headless", "--no-record", "--for", "1ms"]);
        assert_eq!(program.exit(LONG).await, 0, "stderr: {}", program.stderr());
        let lines = program.lines();
        let end = lines.last().expect("it printed lines");
        assert_eq!((&end["type"], &end["reason"]), (&"end".into(), &"time is up".into()));
    }
}
