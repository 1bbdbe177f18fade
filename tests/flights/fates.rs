//! What became of a target is told apart: done, failed, gone, cancelled.

use serde_json::Value;

use crate::flight::{Flight, fly};
use crate::queue::{Queue, all_succeed, queue};
use crate::support::{Database, LONG, cluster, versions};

/// A flight that follows the migration of this queue.
fn watch(db: &Database, queue: &Queue) -> Flight {
    fly(db, &["--target", &format!("app={}", queue.app), "--for", "25s"])
}

/// The same, with the migration in an open transaction that samples have shown with its transaction id.
async fn watch_an_alter(db: &Database, queue: &Queue) -> Flight {
    let flight = watch(db, queue);
    flight.looks().await;
    queue.ddl.exec("begin; alter table jammed add column added int").await;
    let pid = queue.ddl.pid();
    flight.found(pid).await;
    flight.steady("it is seen", 2, 0, |sample| sample["target_pid"] == pid).await;
    flight
}

async fn told_as(flight: Flight, queue: &Queue, fate: &str) {
    let over = flight.over(queue.ddl.pid()).await;
    assert_eq!(over["state"], fate, "{over}");
    assert_eq!(over["relation"], "jammed");
    let landed = flight.land().await;
    let states: Vec<&Value> = landed.of("target").iter().map(|line| &line["state"]).collect();
    assert_eq!(states, ["found", fate], "told once");
    landed.did_nothing();
    assert_eq!(landed.exit, 0);
}

#[tokio::test]
async fn committed_while_watched_is_done() {
    for version in [versions().first(), versions().last()].into_iter().flatten() {
        let db = cluster(version.major).database("fate").await;
        let queue = queue(&db, 0).await;
        let flight = watch_an_alter(&db, &queue).await;
        queue.ddl.exec("commit").await;
        told_as(flight, &queue, "done").await;
        assert!(queue.has_column("added").await);
    }
}

#[tokio::test]
async fn rolled_back_is_failed() {
    for version in [versions().first(), versions().last()].into_iter().flatten() {
        let db = cluster(version.major).database("fate").await;
        let queue = queue(&db, 0).await;
        let flight = watch_an_alter(&db, &queue).await;
        queue.ddl.exec("rollback").await;
        told_as(flight, &queue, "failed").await;
    }
}

#[tokio::test]
async fn killed_by_somebody_else_is_failed_where_the_rollback_is_known() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("fate").await;
    let queue = queue(&db, 0).await;
    let flight = watch_an_alter(&db, &queue).await;
    queue.ddl.kill().await;
    told_as(flight, &queue, "failed").await;
}

#[tokio::test]
async fn killed_by_somebody_else_before_it_had_a_transaction_id_is_gone() {
    for version in [versions().first(), versions().last()].into_iter().flatten() {
        let db = cluster(version.major).database("fate").await;
        let queue = queue(&db, 0).await;
        let writer = queue.member("writer").await;
        writer.exec("begin; insert into jammed values (2)").await;
        let flight = watch(&db, &queue);
        flight.looks().await;
        // SHARE is awaited without a transaction id; ACCESS EXCLUSIVE would need one, for standbys.
        let index = queue.ddl.spawn("create index on jammed (id)");
        let found = flight.found(queue.ddl.pid()).await;
        assert_eq!([&found["kind"], &found["mode"]], ["CREATE INDEX", "ShareLock"]);
        queue.ddl.kill().await;
        index.finish(LONG).await.expect_err("killed");
        told_as(flight, &queue, "gone").await;
    }
}

#[tokio::test]
async fn stopped_by_lockpit_is_cancelled() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("fate").await;
    let queue = queue(&db, 5).await;
    queue.ddl.exec("begin; alter table jammed add column added int").await;
    let reads = queue.read_in_vain().await;
    let flight = fly(&db, &["--target", &format!("app={}", queue.app), "--arm", "--for", "25s"]);
    flight.final_outcome().await;
    all_succeed(reads).await;
    let over = flight.over(queue.ddl.pid()).await;
    assert_eq!(over["state"], "cancelled", "{over}");
    assert_eq!(flight.land().await.exit, 4);
}
