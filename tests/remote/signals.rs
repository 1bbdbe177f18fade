//! What signals do to a flight, by its state.

use rustix::process::Signal;

use crate::hangar::{Hangar, database, newest, state_of};
use crate::support::{LONG, jam, wait_until};

#[tokio::test]
async fn interrupt_end_and_hangup_end_an_attached_flight() {
    for version in newest() {
        for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
            for args in [&[][..], &["--arm", "--target", "app=nobody"]] {
                let (db, hangar) = (database(version).await, Hangar::new());
                let flight = hangar.fly(&db, args).await;
                flight.program.signal(signal);
                let (exit, end) = flight.ended().await;
                assert_eq!((exit, &end["reason"]), (0, &"interrupted".into()), "{signal:?} {args:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_flight_that_guards_nothing_may_be_suspended() {
    for version in newest() {
        for args in [&[][..], &["--arm=shadow"]] {
            let (db, hangar) = (database(version).await, Hangar::new());
            let flight = hangar.fly(&db, args).await;
            let pid = flight.program.pid().expect("it runs");
            flight.program.signal(Signal::TSTP);
            wait_until("it is stopped", LONG, async || match state_of(pid) {
                Some('T') => Ok(()),
                other => Err(format!("{other:?}")),
            })
            .await;
            flight.program.signal(Signal::CONT);
            assert_eq!(hangar.tell("mark awake").await.0, 0);
            flight.program.signal(Signal::INT);
            assert_eq!(flight.ended().await.0, 0, "{args:?}");
        }
    }
}

#[tokio::test]
async fn an_armed_flight_is_not_suspended_and_says_so() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let flight = hangar.fly(&db, &["--arm", "--target", "app=nobody"]).await;
        let pid = flight.program.pid().expect("it runs");
        flight.program.signal(Signal::TSTP);
        flight.says("note", "not suspended (SIGTSTP, Ctrl-Z): the flight is armed").await;
        assert_ne!(state_of(pid), Some('T'));
        hangar.tell("disarm").await;
        flight.program.signal(Signal::TSTP);
        wait_until("disarmed, it is stopped", LONG, async || match state_of(pid) {
            Some('T') => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
        flight.program.signal(Signal::CONT);
    }
}

#[tokio::test]
async fn a_stop_under_way_is_finished_before_the_flight_ends() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let flight = hangar
            .fly(&db, &["--arm", "--target", "app=migration", "--queue-depth", "2", "--queue-age", "60s"])
            .await;
        let _jam = jam(&db, 3).await;
        flight.program.line("the stop begins", LONG, |line| line["type"] == "intent").await;
        flight.program.signal(Signal::TERM);
        flight.program.signal(Signal::TERM);
        let lines = {
            let mut flight = flight;
            assert_eq!(flight.program.exit(LONG).await, 4, "{}", flight.program.stderr());
            flight.program.lines()
        };
        let last = lines.last().expect("lines");
        assert_eq!((&last["type"], &last["reason"]), (&"end".into(), &"interrupted".into()));
        assert!(
            lines.iter().any(|line| line["type"] == "outcome" && line["final"] == true),
            "what became of the stop is told: {last}"
        );
    }
}
