//! Weak work and maintenance: what merely passes through is not theirs, and maintenance is no victim.

use lockpit::demo::server::ServerOptions;
use serde_json::Value;

use crate::flight::{fly, node};
use crate::queue::{all_succeed, member, queue};
use crate::support::{Cluster, Database, LONG, cluster, versions, wait_until};

#[tokio::test]
async fn an_index_built_concurrently_is_not_charged_with_the_queue_of_another_alter() {
    for version in [versions().first(), versions().last()].into_iter().flatten() {
        let db = cluster(version.major).database("cic").await;
        let queue = queue(&db, 10).await;
        queue.ddl.exec("create table other as select 1 as id").await;
        let snapshot = queue.member("report").await;
        snapshot.exec("begin isolation level repeatable read; select count(*) from other").await;
        let index = queue.ddl.spawn("create index concurrently jammed_id on jammed (id)");
        queue.waits(queue.ddl.pid()).await;
        let other_team = queue.member("other-team").await;
        let alter = other_team.spawn("alter table jammed add column added int");
        queue.waits(other_team.pid()).await;
        let reads = queue.read_in_vain().await;

        let target = format!("app={}", queue.app);
        let flight = fly(&db, &["--target", &target, "--arm", "--for", "25s"]);
        let found = flight.found(queue.ddl.pid()).await;
        assert_eq!(
            [&found["kind"], &found["mode"]],
            ["CREATE INDEX CONCURRENTLY", "ShareUpdateExclusiveLock"]
        );
        assert_eq!(found["strong"], false);
        // Five times the limit of queue_age.
        flight
            .steady("a jam that is not its own", 10, 5_000, |sample| {
                sample["target_pid"] == queue.ddl.pid()
                    && sample["victims"] == 0
                    && sample["lost_session_seconds"] == 0.0
                    && !node(sample, "roots", snapshot.pid()).is_null()
            })
            .await;
        assert!(!index.is_finished() && !alter.is_finished());
        snapshot.exec("commit").await;
        index.finish(LONG).await.expect("built");
        alter.finish(LONG).await.expect("altered");
        all_succeed(reads).await;
        let landed = flight.land().await;
        landed.did_nothing();
        assert_eq!(landed.exit, 0);
    }
}

#[tokio::test]
async fn the_same_queue_is_charged_to_the_alter() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("cic").await;
    let queue = queue(&db, 10).await;
    queue.ddl.exec("create table other as select 1 as id").await;
    let snapshot = queue.member("report").await;
    snapshot.exec("begin isolation level repeatable read; select count(*) from other").await;
    let index = queue.ddl.spawn("create index concurrently jammed_id on jammed (id)");
    queue.waits(queue.ddl.pid()).await;
    let app = format!("other-team-{}", db.name);
    let other_team = queue.member(&app).await;
    let alter = other_team.spawn("alter table jammed add column added int");
    queue.waits(other_team.pid()).await;
    let reads = queue.read_in_vain().await;

    let flight = fly(&db, &["--target", &format!("app={app}"), "--arm", "--for", "25s"]);
    let outcome = flight.final_outcome().await;
    assert_eq!((&outcome["result"], &outcome["victims"]), (&"drained".into(), &10.into()), "{outcome}");
    alter.finish(LONG).await.expect_err("stopped");
    all_succeed(reads).await;
    assert!(!index.is_finished(), "the index is not touched");
    snapshot.exec("commit").await;
    index.finish(LONG).await.expect("built");
    assert_eq!(flight.land().await.exit, 4);
}

/// A server on which every table is due for a vacuum against wraparound once its transactions are used up.
fn close_to_wraparound(major: u32) -> Cluster {
    let options = ServerOptions::default()
        .set("autovacuum_freeze_max_age", "100000")
        .set("autovacuum_naptime", "1s")
        .set("autovacuum_vacuum_cost_delay", "0");
    Cluster::fresh(major, options)
}

/// Uses more transactions than `autovacuum_freeze_max_age`.
async fn use_up_transactions(db: &Database) {
    let sql = "do $$ begin for i in 1..101000 loop perform pg_current_xact_id(); commit; end loop; end $$";
    db.actor("test/xids").await.exec(sql).await;
}

#[tokio::test]
async fn an_autovacuum_against_wraparound_is_no_victim_of_weak_or_strong_work() {
    let Some(version) = versions().last() else { return };
    let cluster = close_to_wraparound(version.major);
    let db = cluster.database("wraparound").await;
    let queue = queue(&db, 0).await;
    queue.ddl.exec("alter table jammed add constraint positive check (id > 0) not valid").await;
    queue.ddl.exec("begin; alter table jammed validate constraint positive").await;
    use_up_transactions(&db).await;
    let vacuum = wait_until("an autovacuum against wraparound waits for the table", LONG, async || {
        let seen = queue
            .observer
            .rows(
                "select pid from pg_stat_activity where backend_type = 'autovacuum worker' \
                 and wait_event_type = 'Lock' and query like '%public.jammed (to prevent wraparound)'",
            )
            .await;
        seen.first().cloned().ok_or(format!("{seen:?}"))
    });
    let vacuum: i32 = vacuum.await.parse().expect("a pid");

    let target = format!("app={}", queue.app);
    let args = ["--target", &target, "--arm", "--queue-depth", "1", "--for", "25s"];
    let flight = fly(&db, &args);
    let found = flight.found(queue.ddl.pid()).await;
    assert_eq!((&found["mode"], &found["strong"]), (&"ShareUpdateExclusiveLock".into(), &false.into()));
    let waits_behind_it = |sample: &Value| {
        sample["roots"][0]["pid"] == queue.ddl.pid()
            && sample["roots"][0]["behind"] == 1
            && sample["waiting"] == 0
            && sample["victims"] == 0
    };
    flight.steady("it waits and is no victim", 5, 2_000, waits_behind_it).await;
    // Now with a lock that conflicts with everything.
    queue.ddl.exec("alter table jammed add column added int").await;
    flight.steady("it waits and is still no victim", 5, 2_000, waits_behind_it).await;
    assert!(queue.lives(vacuum).await);

    // One client at ordinary work is one.
    let client = queue.member("web").await;
    let read = client.spawn("select count(*) from jammed");
    let trip = flight.line_of("trip", "of the client", |_| true).await;
    assert_eq!((&trip["value"], &trip["guardrail"]), (&1.into(), &"queue_depth".into()), "{trip}");
    flight.final_outcome().await;
    all_succeed(vec![read]).await;
    assert_eq!(flight.land().await.exit, 4);
}

#[tokio::test]
async fn other_schema_work_is_no_victim() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("ddl").await;
    let queue = queue(&db, 0).await;
    queue.ddl.exec("begin; alter table jammed add column added int").await;
    let mut others = Vec::new();
    for n in 0..6 {
        let other = member(&db, &queue.role, "other-team").await;
        let running = other.spawn(&format!("alter table jammed add column other_{n} int"));
        queue.waits(other.pid()).await;
        others.push((other, running));
    }
    let flight = fly(&db, &["--target", &format!("app={}", queue.app), "--arm", "--for", "25s"]);
    let wanted = |sample: &Value| sample["target_pid"] == queue.ddl.pid() && sample["victims"] == 0;
    flight.steady("a queue of schema work", 6, 2_500, wanted).await;
    queue.ddl.exec("commit").await;
    for (_, running) in others {
        running.finish(LONG).await.expect("altered");
    }
    flight.land().await.did_nothing();
}
