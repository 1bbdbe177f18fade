//! What an operator orders of a flight is done by the server, to whom it names and to nobody else.

use serde_json::Value;

use crate::hangar::{Flight, Hangar, database, newest};
use crate::support::{Jam, LONG, jam};

const VICTIMS: usize = 5;

/// A watching flight whose target is the jam's ALTER TABLE.
async fn jammed(hangar: &Hangar, jam: &Jam, db: &crate::support::Database, args: &[&str]) -> Flight {
    let flight = hangar.fly(db, &[&["--target", "app=migration"], args].concat()).await;
    let pid = jam.ddl.pid();
    let seen =
        |line: &Value| line["type"] == "sample" && line["target_pid"] == pid && line["victims"] == VICTIMS;
    flight.program.line("the jam", LONG, seen).await;
    flight
}

#[tokio::test]
async fn an_abort_stops_the_target_and_frees_the_queue() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let jam = jam(&db, VICTIMS).await;
        let flight = jammed(&hangar, &jam, &db, &[]).await;
        let (exit, stdout, stderr) = hangar.tell("abort").await;
        assert_eq!((exit, stdout), (0, format!("ok: abort pid {}", jam.ddl.pid())), "{stderr}");
        let outcome = flight.program.line("the outcome", LONG, |line| line["final"] == true).await;
        assert_eq!(
            (&outcome["result"], &outcome["pid"]),
            (&"drained".into(), &jam.ddl.pid().into()),
            "{outcome}"
        );
        assert!(outcome["drained_ms"].is_u64(), "{outcome}");
        jam.alter.finish(LONG).await.expect_err("it was stopped");
        for (_, read) in jam.victims {
            read.finish(LONG).await.expect("a victim reads on");
        }
        jam.reader.exec("commit").await;
        flight.says("note", "bob: abort pid").await;
        hangar.tell("end").await;
        assert_eq!(flight.ended().await.0, 5, "aborted by the operator");
    }
}

#[tokio::test]
async fn a_cancel_of_an_idle_transaction_is_refused_and_its_termination_frees_everybody() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let jam = jam(&db, VICTIMS).await;
        let flight = jammed(&hangar, &jam, &db, &[]).await;
        let root = jam.reader.pid();
        let (exit, _, stderr) = hangar.tell(&format!("cancel pid {root}")).await;
        assert!(exit == 2 && stderr.contains("idle in transaction"), "{exit}: {stderr}");
        let (exit, stdout, stderr) = hangar.tell(&format!("terminate pid {root}")).await;
        assert_eq!((exit, stdout), (0, format!("ok: terminate pid {root}")), "{stderr}");
        let outcome = flight.program.line("the outcome", LONG, |line| line["final"] == true).await;
        assert_eq!((&outcome["action"], &outcome["pid"]), (&"terminate".into(), &root.into()), "{outcome}");
        jam.alter.finish(LONG).await.expect("the alter goes through");
        for (_, read) in jam.victims {
            read.finish(LONG).await.expect("a victim reads on");
        }
        hangar.tell("end").await;
        assert_eq!(flight.ended().await.0, 0, "the work under guard was not aborted");
    }
}

#[tokio::test]
async fn a_cancel_of_one_victim_leaves_the_others_waiting() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let mut jam = jam(&db, VICTIMS).await;
        let flight = jammed(&hangar, &jam, &db, &[]).await;
        let (victim, read) = jam.victims.remove(0);
        let (exit, _, stderr) = hangar.tell(&format!("cancel pid {}", victim.pid())).await;
        assert_eq!(exit, 0, "{stderr}");
        let outcome = flight.program.line("the outcome", LONG, |line| line["final"] == true).await;
        assert_eq!(
            (&outcome["action"], &outcome["pid"]),
            (&"cancel".into(), &victim.pid().into()),
            "{outcome}"
        );
        read.finish(LONG).await.expect_err("its statement was cancelled");
        assert_eq!(jam.waiting().await, (1, VICTIMS - 1), "nobody else was hit");
        jam.dissolve().await;
        hangar.tell("end").await;
        flight.ended().await;
    }
}

#[tokio::test]
async fn a_flight_armed_in_the_air_stops_that_session_by_itself() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let jam = jam(&db, VICTIMS).await;
        let flight = jammed(&hangar, &jam, &db, &[]).await;
        let (exit, _, stderr) = hangar.tell(&format!("arm pid {}", jam.ddl.pid())).await;
        assert_eq!(exit, 0, "{stderr}");
        let trip = flight.program.line("the trip", LONG, |line| line["type"] == "trip").await;
        assert_eq!((&trip["pid"], &trip["acted"]), (&jam.ddl.pid().into(), &true.into()), "{trip}");
        jam.alter.finish(LONG).await.expect_err("it was stopped");
        jam.reader.exec("commit").await;
        hangar.tell("end").await;
        assert_eq!(flight.ended().await.0, 4, "a guardrail acted");
    }
}

#[tokio::test]
async fn a_read_only_flight_stops_nothing_whoever_orders_it() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let jam = jam(&db, VICTIMS).await;
        let flight = jammed(&hangar, &jam, &db, &["--read-only"]).await;
        let root = jam.reader.pid();
        for order in
            ["abort".to_owned(), format!("terminate pid {root}"), format!("arm pid {}", jam.ddl.pid())]
        {
            let (exit, _, stderr) = hangar.tell(&order).await;
            assert!(exit == 2 && stderr.contains("read-only"), "{order}: {exit}: {stderr}");
        }
        assert_eq!(jam.waiting().await, (1, VICTIMS));
        jam.dissolve().await;
        drop(flight);
    }
}
