//! Strong locks that outlive their statement: open transactions and savepoints.

use serde_json::Value;

use crate::flight::fly;
use crate::queue::{all_succeed, queue, queue_as};
use crate::support::{Actor, LONG, Running, cluster, versions};

#[tokio::test]
async fn a_ddl_done_in_an_open_transaction_is_terminated() {
    for version in [versions().first(), versions().last()].into_iter().flatten() {
        let db = cluster(version.major).database("open").await;
        let queue = queue(&db, 10).await;
        queue.ddl.exec("begin; alter table jammed add column added int").await;
        let reads = queue.read_in_vain().await;
        let target = format!("app={}", queue.app);
        let flight = fly(&db, &["--target", &target, "--arm", "--for", "20s"]);
        let found = flight.found(queue.ddl.pid()).await;
        assert_eq!((&found["granted"], &found["mode"]), (&true.into(), &"AccessExclusiveLock".into()));
        let outcome = flight.final_outcome().await;
        assert_eq!(
            (&outcome["result"], &outcome["action"]),
            (&"drained".into(), &"terminate".into()),
            "{outcome}"
        );
        all_succeed(reads).await;
        assert!(queue.ddl.try_exec("commit").await.is_err(), "its session is gone");
        assert!(!queue.has_column("added").await);
        let landed = flight.land().await;
        assert_eq!((landed.actions(), landed.exit), (vec!["terminate".to_owned()], 4));
    }
}

#[tokio::test]
async fn an_open_transaction_is_not_stopped_by_a_consent_to_cancel() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("open").await;
    let queue = queue(&db, 10).await;
    queue.ddl.exec("begin; alter table jammed add column added int").await;
    let reads = queue.read_in_vain().await;
    let target = format!("app={}", queue.app);
    let flight = fly(&db, &["--target", &target, "--arm", "--on-trip", "cancel", "--for", "20s"]);
    let outcome = flight.final_outcome().await;
    assert_eq!((&outcome["result"], &outcome["action"]), (&"refused".into(), &Value::Null), "{outcome}");
    let sentence = outcome["sentence"].as_str().expect("a sentence");
    assert!(
        sentence.contains("idle in transaction") && sentence.contains("pg_terminate_backend"),
        "{sentence}"
    );
    assert_eq!([&outcome["sent_ms"], &outcome["gone_ms"], &outcome["drained_ms"]], [&Value::Null; 3]);
    flight.steady("the queue stays", 4, 1_500, |sample| sample["victims"] == 10).await;
    queue.ddl.exec("commit").await;
    all_succeed(reads).await;
    assert!(queue.has_column("added").await);
    let landed = flight.land().await;
    assert_eq!(landed.only_final(), &outcome);
    assert_eq!(landed.actions(), Vec::<String>::new());
    assert_eq!(landed.of("end")[0]["stopped"], 0);
}

#[tokio::test]
async fn a_ddl_whose_text_is_gone_is_recognised_by_its_locks() {
    for version in [versions().first(), versions().last()].into_iter().flatten() {
        let db = cluster(version.major).database("history").await;
        // As Flyway does it: the migration, and in the same transaction its entry in the history.
        let app = format!("PostgreSQL JDBC Driver {}", db.name);
        let queue = queue_as(&db, &app, 10).await;
        queue.ddl.exec("create table history (script text)").await;
        queue.ddl.exec("begin; alter table jammed add column added int").await;
        queue.ddl.exec("insert into history values ('V1')").await;
        let reads = queue.read_in_vain().await;
        let target = format!("app={app}");
        let flight = fly(&db, &["--target", &target, "--arm", "--for", "20s"]);
        let found = flight.found(queue.ddl.pid()).await;
        assert_eq!([&found["kind"], &found["relation"]], ["INSERT", "jammed"]);
        assert_eq!([&found["mode"], &found["strong"]], [&Value::from("AccessExclusiveLock"), &true.into()]);
        let outcome = flight.final_outcome().await;
        assert_eq!(
            (&outcome["result"], &outcome["action"]),
            (&"drained".into(), &"terminate".into()),
            "{outcome}"
        );
        all_succeed(reads).await;
        assert_eq!(flight.land().await.exit, 4);
    }
}

/// A transaction that has altered `jammed` and, below a savepoint, waits to alter `other`; readers of both wait.
struct Savepoint {
    queue: crate::queue::Queue,
    alter: Running,
    reads_of_jammed: Vec<Running>,
    others: Vec<Actor>,
    reads_of_other: Vec<Running>,
    _reader: Actor,
}

async fn savepoint(db: &crate::support::Database) -> Savepoint {
    let queue = queue(db, 5).await;
    queue.ddl.exec("create table other as select 1 as id").await;
    let reader = queue.member("report").await;
    reader.exec("begin; select count(*) from other").await;
    // Within a millisecond of its begin, a transaction looks like one statement sent in several messages.
    queue
        .ddl
        .exec("begin; alter table jammed add column added int; select pg_sleep(0.01); savepoint s")
        .await;
    let alter = queue.ddl.spawn("alter table other add column added int");
    queue.waits(queue.ddl.pid()).await;
    let mut others = Vec::new();
    for _ in 0..5 {
        others.push(queue.member("web").await);
    }
    let reads_of_other: Vec<Running> =
        others.iter().map(|reader| reader.spawn("select count(*) from other")).collect();
    for read in &reads_of_other {
        queue.waits(read.pid()).await;
    }
    let reads_of_jammed = queue.read_in_vain().await;
    Savepoint { queue, alter, reads_of_jammed, others, reads_of_other, _reader: reader }
}

#[tokio::test]
async fn a_lock_above_a_savepoint_is_let_go_by_the_next_rung() {
    for version in [versions().first(), versions().last()].into_iter().flatten() {
        let db = cluster(version.major).database("savepoint").await;
        let Savepoint { queue, alter, reads_of_jammed, others, reads_of_other, _reader } =
            savepoint(&db).await;
        let target = format!("app={}", queue.app);
        let flight = fly(&db, &["--target", &target, "--arm", "--for", "20s"]);
        let outcome = flight.final_outcome().await;
        assert_eq!(
            (&outcome["result"], &outcome["action"]),
            (&"drained".into(), &"terminate".into()),
            "{outcome}"
        );
        assert_eq!(outcome["victims"], 10);
        alter.finish(LONG).await.expect_err("cancelled");
        all_succeed(reads_of_jammed).await;
        all_succeed(reads_of_other).await;
        assert_eq!(others.len(), 5);
        let landed = flight.land().await;
        assert_eq!(landed.actions(), ["cancel", "terminate"]);
        let why = landed.of("intent")[1]["sentence"].as_str().expect("a sentence");
        // At once, by what is seen of its locks, rather than after the grace of a rung.
        assert!(why.contains("idle in transaction (aborted) and still holds its locks"), "{why}");
        assert_eq!(landed.exit, 4);
    }
}

#[tokio::test]
async fn a_cancel_below_a_savepoint_frees_what_the_statement_awaited_only() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("savepoint").await;
    let Savepoint { queue, alter, reads_of_jammed, others, reads_of_other, _reader } = savepoint(&db).await;
    let target = format!("app={}", queue.app);
    let flight = fly(&db, &["--target", &target, "--arm", "--on-trip", "cancel", "--for", "20s"]);
    let outcome = flight.final_outcome().await;
    assert_eq!(
        (&outcome["result"], &outcome["action"]),
        (&"still_holding".into(), &"cancel".into()),
        "{outcome}"
    );
    assert_eq!(outcome["drained_ms"], Value::Null);
    alter.finish(LONG).await.expect_err("cancelled");
    all_succeed(reads_of_other).await;
    assert_eq!(others.len(), 5);
    flight.steady("the others wait on", 3, 1_000, |sample| sample["victims"] == 5).await;
    assert!(reads_of_jammed.iter().all(|read| !read.is_finished()));
    queue.ddl.exec("rollback").await;
    all_succeed(reads_of_jammed).await;
    let landed = flight.land().await;
    assert_eq!(landed.actions(), ["cancel"]);
    assert_eq!((landed.of("trip").len(), landed.only_final()), (1, &outcome));
}
