//! `lockpit join`: reading along, and the stick.

use rustix::process::Signal;

use crate::hangar::{Flight, Hangar, database, newest};
use crate::support::LONG;

#[tokio::test]
async fn who_joins_reads_along_to_the_end() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let flight = hangar.fly(&db, &["--interval", "50ms"]).await;
        let joined = Flight { program: hangar.lockpit(&["join", "--headless"]) };
        joined.program.line("a sample", LONG, |line| line["type"] == "sample").await;
        assert_eq!(joined.program.lines()[0]["type"], "flight", "the flight is introduced first");
        hangar.tell("mark tea").await;
        joined.says("note", "tea").await;
        flight.program.signal(Signal::INT);
        let (exit, end) = joined.ended().await;
        let (flown, told) = flight.ended().await;
        assert_eq!((exit, flown, end), (0, 0, told), "both tell the same end");
        assert!(hangar.log("shop").exists(), "the log stays");
    }
}

#[tokio::test]
async fn a_flight_that_dies_is_said_to_have_died() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let flight = hangar.fly(&db, &[]).await;
        let mut joined = hangar.lockpit(&["join", "shop", "--headless"]);
        joined.line("a sample", LONG, |line| line["type"] == "sample").await;
        flight.killed().await;
        assert_eq!(joined.exit(LONG).await, 3);
        assert!(joined.stderr().contains("shop died"), "{}", joined.stderr());
    }
}

#[tokio::test]
async fn a_flight_without_a_log_cannot_be_joined() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let _flight = hangar.take_off(&db, &["--no-record"]).await;
        let (exit, _, stderr) = hangar.run(&["join", "--headless"]).await;
        assert!(exit == 2 && stderr.contains("is not recorded"), "{exit}: {stderr}");
    }
}

#[tokio::test]
async fn one_operator_has_the_stick_until_it_is_taken_or_given_back() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let flight = hangar.fly(&db, &["--arm", "--target", "app=nobody"]).await;
        let alice = Flight {
            program: hangar.lockpit(&["join", "shop", "--headless", "--take", "--operator", "alice"]),
        };
        alice.says("note", "alice has the stick").await;
        let (exit, _, stderr) = hangar.tell("disarm").await;
        assert!(exit == 2 && stderr.contains("alice has the stick since"), "{exit}: {stderr}");
        let (_, status, _) = hangar.tell("status").await;
        assert!(status.contains("\"operator\": \"alice\"") && status.contains("\"armed\""), "{status}");
        let own = hangar.run(&["tell", "--operator", "alice", "shop", "mark mine"]).await;
        assert_eq!(own.0, 0, "the same operator may: {}", own.2);

        let taken = hangar.run(&["tell", "--operator", "bob", "--take", "shop", "disarm"]).await;
        assert_eq!(taken.0, 0, "{}", taken.2);
        flight.says("note", "bob takes the stick from alice").await;
        flight.says("note", "bob gives the stick back").await;
        let notes: Vec<String> = flight
            .program
            .lines()
            .iter()
            .filter(|line| line["type"] == "note" || line["type"] == "guard")
            .map(|line| crate::hangar::text(line).to_owned())
            .collect();
        let place = |part: &str| notes.iter().position(|note| note.contains(part));
        assert!(place("bob takes") < place("disarmed: by bob"), "taken before it is used: {notes:?}");
        assert_eq!(hangar.tell("mark free").await.0, 0, "nobody has it now");
    }
}

#[tokio::test]
async fn who_leaves_gives_the_stick_back() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let flight = hangar.fly(&db, &[]).await;
        let mut alice = hangar.remote();
        alice.hello(Some("alice".to_owned()), true).expect("an answer");
        let mut watcher = hangar.remote();
        watcher.watch().expect("an answer");
        alice.say("mark mine", false).expect("an answer");
        let news = watcher.news(LONG).expect("the flight lives");
        assert!(format!("{news:?}").contains("alice"), "who commands first has it: {news:?}");
        assert_eq!(watcher.status().expect("an answer").joined, ["alice"]);
        drop(alice);
        flight.says("note", "alice gives the stick back").await;
        let news = watcher.news(LONG).expect("the flight lives");
        assert!(format!("{news:?}").contains("holder: None"), "{news:?}");
        flight.program.signal(Signal::INT);
        let news = watcher.news(LONG).expect("a last line");
        assert!(format!("{news:?}").contains("Ended { exit: 0 }"), "{news:?}");
        assert!(watcher.news(LONG).is_err(), "then the flight hangs up");
    }
}
