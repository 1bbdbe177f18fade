//! Roots that no process stands behind: prepared transactions.

use lockpit::demo::server::{ServerOptions, StopMode};
use serde_json::Value;

use crate::flight::fly;
use crate::queue::{all_succeed, queue};
use crate::support::{Cluster, LONG, versions};

fn options() -> ServerOptions {
    ServerOptions::default().set("max_prepared_transactions", "5")
}

#[tokio::test]
async fn a_prepared_transaction_is_a_root_with_its_name() {
    for version in [versions().first(), versions().last()].into_iter().flatten() {
        let cluster = Cluster::fresh(version.major, options());
        let db = cluster.database("prepared").await;
        let queue = queue(&db, 6).await;
        let forgetful = queue.member("xa").await;
        forgetful.exec("begin; insert into jammed values (2); prepare transaction 'order 4711'").await;
        // One that blocks nobody is not named.
        forgetful.exec("begin; create table other (); prepare transaction 'harmless'").await;
        drop(forgetful);
        let alter = queue.alter().await;
        let reads = queue.read_in_vain().await;

        let flight = fly(&db, &["--target", &format!("app={}", queue.app), "--arm", "--for", "25s"]);
        let sample = flight.line_of("sample", "the jam", |line| line["victims"] == 6).await;
        let roots = sample["roots"].as_array().expect("roots");
        assert_eq!(roots.len(), 1, "{sample}");
        let root = &roots[0];
        assert_eq!((&root["pid"], &root["behind"]), (&0.into(), &7.into()));
        assert_eq!([&root["part"], &root["application"]], ["prepared transaction", "order 4711"]);
        assert_eq!(root["waited_ms"], Value::Null);
        assert_eq!(root["lock"], "holds RowExclusiveLock on jammed");
        assert_eq!(sample["heads"][0]["pid"], queue.ddl.pid());

        let outcome = flight.final_outcome().await;
        assert_eq!(outcome["result"], "drained", "{outcome}");
        alter.finish(LONG).await.expect_err("stopped");
        all_succeed(reads).await;
        let prepared = queue.observer.rows("select gid from pg_prepared_xacts order by 1").await;
        assert_eq!(prepared, ["harmless", "order 4711"], "what was promised stays promised");
        assert_eq!(flight.land().await.exit, 4);
    }
}

#[tokio::test]
async fn a_prepared_ddl_is_a_root_and_no_target() {
    let Some(version) = versions().last() else { return };
    let cluster = Cluster::fresh(version.major, options());
    let db = cluster.database("prepared").await;
    let queue = queue(&db, 6).await;
    queue.ddl.exec("begin; alter table jammed add column added int; prepare transaction 'half done'").await;
    let reads = queue.read_in_vain().await;
    let flight = fly(&db, &["--target", "table=jammed", "--arm", "--for", "25s"]);
    // Nobody could be signalled: it is shown, and that is all.
    flight
        .steady("the queue behind it", 4, 1_500, |sample| {
            let root = &sample["roots"][0];
            sample["waiting"] == 6
                && (root["pid"] == 0 && root["application"] == "half done" && root["behind"] == 6)
                && sample["target_pid"].is_null()
                && sample["victims"].is_null()
        })
        .await;
    queue.ddl.exec("rollback prepared 'half done'").await;
    all_succeed(reads).await;
    let landed = flight.land().await;
    landed.did_nothing();
    assert_eq!(landed.exit, 0);
}

#[tokio::test]
async fn a_prepared_transaction_keeps_its_name_over_a_restart() {
    let Some(version) = versions().last() else { return };
    let mut cluster = Cluster::fresh(version.major, options());
    let db = cluster.database("prepared").await;
    let forgetful = db.actor("xa").await;
    forgetful.exec("create table orders ()").await;
    forgetful.exec("begin; lock table orders; prepare transaction 'order 4711'").await;
    cluster.server_mut().stop(StopMode::Fast).expect("stopped");
    cluster.server_mut().restart().expect("started");
    let client = db.actor("web").await;
    let read = client.spawn("select from orders");
    let flight = fly(&db, &["--for", "25s"]);
    let sample = flight.line_of("sample", "the wait", |line| line["waiting"] == 1).await;
    assert_eq!(
        [&sample["roots"][0]["part"], &sample["roots"][0]["application"]],
        ["prepared transaction", "order 4711"]
    );
    db.actor("dba").await.exec("rollback prepared 'order 4711'").await;
    all_succeed(vec![read]).await;
    flight.land().await.did_nothing();
}
