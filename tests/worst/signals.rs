//! Signals end a flight in order.

use rustix::process::Signal;

use crate::flight::{Flight, no_backend_left, on};
use crate::support::cluster;

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
