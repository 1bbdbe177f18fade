//! A target that waits for a synchronous standby has committed here already: a cancel frees the queue, and the
//! change stays.

use lockpit::demo::server::ServerOptions;

use crate::flight::fly;
use crate::queue::{Queue, all_succeed, queue};
use crate::support::{Cluster, LONG, versions, wait_until};

async fn waits_for_standby(queue: &Queue, pid: i32) {
    wait_until("a commit waits for a standby", LONG, async || {
        let sql = format!("select wait_event from pg_stat_activity where pid = {pid}");
        let seen = queue.observer.rows(&sql).await;
        if seen == ["SyncRep"] { Ok(()) } else { Err(format!("{seen:?}")) }
    })
    .await;
}

#[tokio::test]
async fn cancelling_a_wait_for_a_standby_frees_the_queue_and_says_that_the_change_stays() {
    for version in [versions().first(), versions().last()].into_iter().flatten() {
        let cluster = Cluster::fresh(version.major, ServerOptions::default());
        let db = cluster.database("sync").await;
        let queue = queue(&db, 10).await;
        let first = queue.member("first").await;
        first.exec("create table first (id int)").await;
        // From now on every commit waits for a standby that does not exist.
        queue.observer.exec("alter system set synchronous_standby_names = 'nobody'").await;
        queue.observer.exec("select pg_reload_conf()").await;
        // The setting is in force once it holds somebody up.
        let _held = first.spawn("do $$ begin loop insert into first values (1); commit; end loop; end $$");
        waits_for_standby(&queue, first.pid()).await;
        let alter = queue.ddl.spawn("alter table jammed add column added int");
        waits_for_standby(&queue, queue.ddl.pid()).await;
        let reads = queue.read_in_vain().await;

        let flight = fly(&db, &["--target", &format!("app={}", queue.app), "--arm", "--for", "25s"]);
        let outcome = flight.final_outcome().await;
        assert_eq!(
            (&outcome["result"], &outcome["action"]),
            (&"drained".into(), &"cancel".into()),
            "{outcome}"
        );
        let sentence = outcome["sentence"].as_str().expect("a sentence");
        assert!(sentence.contains("its change is committed here and stays"), "{sentence}");
        alter.finish(LONG).await.expect("the client is told of a commit, with a warning");
        all_succeed(reads).await;
        assert!(queue.has_column("added").await, "the change is there");
        let over = flight.over(queue.ddl.pid()).await;
        assert_eq!(over["state"], "done", "it was committed, and so it is not called cancelled: {over}");
        assert_eq!(flight.land().await.actions(), ["cancel"]);
    }
}
