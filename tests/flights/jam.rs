//! The jam that lockpit is for: an old reader, a DDL behind it, everybody behind the DDL.

use tokio_postgres::error::SqlState;

use crate::flight::{Flight, Landed, fly, fly_as, node};
use crate::queue::{Queue, all_succeed, queue};
use crate::support::{Actor, Database, LONG, Running, cluster, versions};

const READERS: usize = 100;

/// A guard by a login that may see and stop, and is no superuser.
async fn guard_role(db: &Database, observer: &Actor) -> String {
    let role = format!("guard_{}", db.name);
    let sql = format!("create role {role} login in role pg_monitor, pg_signal_backend");
    observer.exec(&sql).await;
    role
}

/// After the final outcome: only the DDL was ended, and everything is told once.
async fn only_the_ddl_was_ended(
    queue: &Queue,
    reader: &Actor,
    alter: Running,
    reads: Vec<Running>,
    flight: Flight,
) -> Landed {
    let outcome = flight.final_outcome().await;
    let error = alter.finish(LONG).await.expect_err("stopped");
    assert_eq!(error.code(), Some(&SqlState::ADMIN_SHUTDOWN), "{error}");
    all_succeed(reads).await;
    assert!(queue.lives(reader.pid()).await, "the old reader is not touched");
    reader.exec("select count(*) from jammed; commit").await;
    assert!(!queue.has_column("added").await);
    flight.over(queue.ddl.pid()).await;

    let landed = flight.land().await;
    let trip = landed.only_trip();
    assert_eq!((&trip["acted"], &trip["attempt"]), (&true.into(), &1.into()), "{trip}");
    assert_eq!(trip["pid"], queue.ddl.pid());
    assert_eq!(landed.only_final(), &outcome);
    assert_eq!(outcome["result"], "drained", "{outcome}");
    assert_eq!(outcome["pid"], queue.ddl.pid());
    // The statement is its own transaction and the client unknown: it might go on to a next one.
    assert_eq!(landed.actions(), ["terminate"]);
    assert_eq!(outcome["action"], "terminate");
    for time in ["sent_ms", "gone_ms", "drained_ms"] {
        assert!(outcome[time].is_u64(), "{time} is known: {outcome}");
    }
    assert!(outcome["lost_session_seconds"].as_f64() > Some(0.0), "{outcome}");
    let targets = landed.of("target");
    let states: Vec<&str> = targets.iter().filter_map(|target| target["state"].as_str()).collect();
    assert_eq!(states, ["found", "cancelled"]);
    let found = targets[0];
    assert_eq!(found["kind"], "ALTER TABLE");
    assert_eq!(
        [&found["role"], &found["application"], &found["relation"], &found["mode"]],
        [queue.role.as_str(), &queue.app, "jammed", "AccessExclusiveLock"]
    );
    assert_eq!((&found["granted"], &found["strong"]), (&false.into(), &true.into()));
    let end = landed.of("end")[0];
    assert_eq!((&end["trips"], &end["stopped"]), (&1.into(), &1.into()));
    assert_eq!(landed.exit, 4);
    landed
}

async fn a_jam_that_is_there(major: u32, as_superuser: bool) {
    let db = cluster(major).database("jam").await;
    let queue = queue(&db, READERS).await;
    let target = format!("app={}", queue.app);
    let args = ["--target", &target, "--arm", "--for", "20s"];
    let guard = guard_role(&db, &queue.observer).await;
    let reader = queue.old_reader().await;
    let alter = queue.alter().await;
    let reads = queue.read_in_vain().await;

    let flight = if as_superuser { fly(&db, &args) } else { fly_as(&db, &guard, &args) };
    let sample = flight.line_of("sample", "the queue", |line| line["target_pid"] == queue.ddl.pid()).await;
    assert_eq!(sample["victims"], READERS);
    assert_eq!(node(&sample, "heads", queue.ddl.pid())["behind"], READERS);
    let root = node(&sample, "roots", reader.pid());
    assert_eq!((&root["state"], &root["behind"]), (&"idle in transaction".into(), &(READERS + 1).into()));
    let group = &sample["groups"][0];
    assert_eq!((&group["count"], &group["kind"]), (&READERS.into(), &"SELECT".into()));

    let landed = only_the_ddl_was_ended(&queue, &reader, alter, reads, flight).await;
    assert_eq!(landed.only_final()["victims"], READERS);
    let first = landed.first();
    assert_eq!((&first["sees_all"], &first["signals"]), (&true.into(), &true.into()));
    assert_eq!(first["arming"], "armed");
}

#[tokio::test]
async fn a_superuser_stops_a_jam_that_is_there_on_every_version() {
    for version in versions() {
        a_jam_that_is_there(version.major, true).await;
    }
}

#[tokio::test]
async fn a_login_with_the_rights_stops_a_jam_that_is_there_on_every_version() {
    for version in versions() {
        a_jam_that_is_there(version.major, false).await;
    }
}

#[tokio::test]
async fn a_jam_that_comes_is_stopped_while_it_grows() {
    for version in [versions().first(), versions().last()].into_iter().flatten() {
        let db = cluster(version.major).database("jam").await;
        let queue = queue(&db, READERS).await;
        let reader = queue.old_reader().await;
        let guard = guard_role(&db, &queue.observer).await;
        let target = format!("app={}", queue.app);
        let flight = fly_as(&db, &guard, &["--target", &target, "--arm", "--for", "20s"]);
        flight.looks().await;

        let alter = queue.alter().await;
        let landed = only_the_ddl_was_ended(&queue, &reader, alter, queue.read(), flight).await;
        let trip = landed.only_trip();
        assert!(trip["value"].as_u64() >= trip["limit"].as_u64(), "{trip}");
        landed.missed_nothing();
    }
}
