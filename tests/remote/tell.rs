//! `lockpit tell`: what a script can say to a flight.

use std::os::unix::fs::MetadataExt;

use lockpit::remote::place;
use serde_json::Value;

use crate::hangar::{Hangar, database, gone, newest};

#[tokio::test]
async fn a_flight_answers_marks_disarms_and_ends() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let flight = hangar.fly(&db, &["--arm", "--target", "app=nobody"]).await;
        let (exit, status, stderr) = hangar.tell("status").await;
        let status: Value = serde_json::from_str(&status).unwrap_or_else(|_| panic!("{status}; {stderr}"));
        assert_eq!((exit, &status["guard"], &status["flight"]), (0, &"armed".into(), &"shop".into()));
        for unknown in ["target", "victims", "stop", "stick"] {
            assert!(status.get(unknown).is_some_and(Value::is_null), "{unknown} in {status}");
        }
        assert!(status["sample_age_ms"].is_u64() && status["exit"] == 0, "{status}");

        let (exit, stdout, stderr) = hangar.run(&["tell", "-", "mark", "tea", "-x"]).await;
        assert_eq!((exit, &*stdout, &*stderr), (0, "ok: mark tea -x", ""));
        flight.says("note", "tea -x").await;
        assert_eq!(hangar.tell("disarm").await.0, 0);
        flight.says("guard", "by bob").await;
        assert_eq!(hangar.tell("end").await.0, 0);
        let (exit, end) = flight.ended().await;
        assert_eq!((exit, &end["reason"]), (0, &"ended by bob".into()));
        assert!(place::sockets(&hangar.run_dir()).is_empty(), "the socket goes with the flight");
    }
}

#[tokio::test]
async fn what_a_flight_cannot_do_is_refused_with_the_reason() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let flight = hangar.fly(&db, &[]).await;
        for (command, why) in [
            ("pause", "this flight flies no plan"),
            ("resume", "this flight flies no plan"),
            ("fly higher", "is no command"),
            ("mark", "mark TEXT"),
        ] {
            let (exit, stdout, stderr) = hangar.tell(command).await;
            assert_eq!((exit, &*stdout), (2, ""), "{command}");
            assert!(stderr.contains("refused") && stderr.contains(why), "{command}: {stderr}");
        }
        drop(flight);
    }
}

#[tokio::test]
async fn socket_and_directory_are_the_owners_alone_unless_a_group_is_named() {
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("it is there").mode() & 0o777;
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let flight = hangar.fly(&db, &[]).await;
        assert_eq!((mode(&hangar.run_dir()), mode(&hangar.socket())), (0o700, 0o600));
        assert_eq!(mode(&hangar.log("shop")), 0o600);
        drop(flight);

        let hangar = Hangar::new();
        let group = rustix::process::getegid().as_raw().to_string();
        let _flight = hangar.fly(&db, &["--group", &group]).await;
        assert_eq!((mode(&hangar.run_dir()), mode(&hangar.socket())), (0o750, 0o660));
        assert_eq!(mode(&hangar.log("shop")), 0o640);
    }
}

#[tokio::test]
async fn an_unknown_flight_is_answered_with_those_in_the_air() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let (exit, _, stderr) = hangar.tell("status").await;
        assert!(exit == 2 && stderr.contains("no flight is in the air"), "{exit}: {stderr}");
        let _flight = hangar.take_off(&db, &["--no-record"]).await;
        let (exit, _, stderr) = hangar.tell("status").await;
        assert!(
            exit == 2 && stderr.contains(&db.name) && stderr.contains("not recorded"),
            "{exit}: {stderr}"
        );
        let (exit, stdout, stderr) = hangar.run(&["tell", &db.name, "status"]).await;
        assert!(exit == 0 && stdout.contains("\"log\": null"), "a database means its flight: {stderr}");
        let socket = hangar.socket();
        assert_eq!(hangar.run(&["tell", &socket.to_string_lossy(), "mark", "x"]).await.0, 0);
    }
}

#[tokio::test]
async fn two_flights_of_one_name_are_told_apart() {
    for version in newest() {
        let (db, other, hangar) = (database(version).await, database(version).await, Hangar::new());
        let _first = hangar.fly(&db, &[]).await;
        let elsewhere = tempfile::tempdir().expect("a folder");
        let log = elsewhere.path().join("shop.flight");
        let _second = hangar.take_off(&other, &["--record", &log.to_string_lossy()]).await;
        let sockets = place::sockets(&hangar.run_dir());
        assert_eq!(sockets, ["shop.2.sock", "shop.sock"].map(|name| hangar.run_dir().join(name)));
        let (exit, _, stderr) = hangar.run(&["tell", "-", "status"]).await;
        assert!(exit == 2 && stderr.contains("which flight"), "{exit}: {stderr}");
        let (_, status, _) = hangar.run(&["tell", &log.to_string_lossy(), "status"]).await;
        assert!(status.contains("\"shop.2\"") && status.contains(&other.name), "{status}");
    }
}

#[tokio::test]
async fn the_socket_of_a_killed_flight_is_removed_by_whoever_finds_it() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        hangar.fly(&db, &[]).await.killed().await;
        let socket = hangar.socket();
        let (exit, _, stderr) = hangar.run(&["tell", "-", "status"]).await;
        assert!(exit == 2 && stderr.contains("no flight is in the air"), "{exit}: {stderr}");
        gone(&socket).await;
    }
}

#[tokio::test]
async fn a_flight_without_a_place_for_its_socket_flies_and_says_so() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        std::fs::write(hangar.run_dir(), "not a folder").expect("a file");
        let flight = hangar.fly(&db, &[]).await;
        flight.says("note", "it has no socket").await;
        flight.program.signal(rustix::process::Signal::INT);
        assert_eq!(flight.ended().await.0, 0);
    }
}

#[tokio::test]
async fn a_flight_that_is_stopped_is_not_reached_rather_than_unknown() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let flight = hangar.fly(&db, &[]).await;
        flight.program.signal(rustix::process::Signal::STOP);
        let (exit, _, stderr) = hangar.tell("mark x").await;
        assert!(exit == 3 && stderr.contains("did not answer"), "{exit}: {stderr}");
        let (exit, _, stderr) = hangar.run(&["tell", &db.name, "mark x"]).await;
        assert!(exit == 2 && stderr.contains("shop.sock  it did not answer"), "{exit}: {stderr}");
        flight.program.signal(rustix::process::Signal::CONT);
        assert_eq!(hangar.tell("mark awake").await.0, 0);
    }
}
