//! Progress beside each of the server's own views: commands, phases, lockers, amounts.

use bytes::Bytes;
use futures_util::SinkExt;
use lockpit::engine::sample::Progress;
use tokio_postgres::Row;

use crate::Eye;
use crate::support::{Actor, Database, LONG, Running, cluster, versions, wait_until};

/// What a view says of one command, with absent as 0 where the views have it so.
#[derive(Debug, Clone, PartialEq)]
struct Shown {
    command: String,
    phase: Option<String>,
    relation: u32,
    locker: i64,
    lockers: (i64, i64),
    done: i64,
    total: i64,
}

const CREATE_INDEX: &str = "
    select pid, command, phase, relid, current_locker_pid as locker, lockers_done, lockers_total,
           case when blocks_total > 0 then blocks_done else tuples_done end as done,
           case when blocks_total > 0 then blocks_total else tuples_total end as total
    from pg_stat_progress_create_index";
const VACUUM: &str = "
    select pid, 'VACUUM' as command, phase, relid, 0::int8 as locker, 0::int8 as lockers_done,
           0::int8 as lockers_total, heap_blks_scanned as done, heap_blks_total as total
    from pg_stat_progress_vacuum";
const ANALYZE: &str = "
    select pid, 'ANALYZE' as command, phase, relid, 0::int8 as locker, 0::int8 as lockers_done,
           0::int8 as lockers_total, sample_blks_scanned as done, sample_blks_total as total
    from pg_stat_progress_analyze";
const CLUSTER: &str = "
    select pid, command, phase, relid, 0::int8 as locker, 0::int8 as lockers_done, 0::int8 as lockers_total,
           heap_blks_scanned as done, heap_blks_total as total
    from pg_stat_progress_cluster";
const COPY: &str = "
    select pid, command, null::text as phase, relid, 0::int8 as locker, 0::int8 as lockers_done,
           0::int8 as lockers_total, bytes_processed as done, bytes_total as total
    from pg_stat_progress_copy";

fn shown(row: &Row) -> Shown {
    Shown {
        command: row.get("command"),
        phase: row.get("phase"),
        relation: row.get("relid"),
        locker: row.get("locker"),
        lockers: (row.get("lockers_done"), row.get("lockers_total")),
        done: row.get("done"),
        total: row.get("total"),
    }
}

fn ours(progress: &Progress) -> Shown {
    let number = |value: Option<u64>| i64::try_from(value.unwrap_or(0)).expect("small enough");
    let (done, total) = progress.lockers.unwrap_or((0, 0));
    Shown {
        command: progress.command.clone(),
        phase: progress.phase.clone(),
        relation: progress.relation.map_or(0, |oid| oid.0),
        locker: progress.locker_pid.map_or(0, |pid| i64::from(pid.0)),
        lockers: (number(Some(done)), number(Some(total))),
        done: number(progress.done),
        total: number(progress.total),
    }
}

/// Waits until `view` shows `pid` as `wanted` says, and compares lockpit's words of the same moment.
async fn compare(eye: &Eye, view: &str, pid: i32, wanted: impl Fn(&Shown) -> bool) -> Shown {
    let sql = format!("{view} where pid = {pid}");
    let (sample, truth) = wait_until("the phase", LONG, async || {
        let (sample, rows) = eye.still(&sql, |rows| rows.iter().map(shown).collect::<Vec<_>>()).await;
        match rows.as_slice() {
            [truth] if wanted(truth) => Ok((sample, truth.clone())),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let slow = sample.slow.expect("it was asked for");
    let mine: Vec<Shown> = slow.progress.iter().filter(|progress| progress.pid.0 == pid).map(ours).collect();
    assert_eq!(mine, std::slice::from_ref(&truth), "{view}");
    truth
}

/// Cancels what runs, and waits for its end.
async fn end(actor: &Actor, running: Running) {
    actor.cancel().await;
    running.finish(LONG).await.expect_err("it was cancelled");
}

/// A table of a few hundred pages that nobody else vacuums, and a function that waits while the gate is shut.
async fn table(db: &Database) -> Actor {
    let gate = db.actor("gate").await;
    gate.exec(
        "create table big (id int primary key, pad text) with (autovacuum_enabled = off); \
         insert into big select i, repeat('x', 500) from generate_series(1, 5000) i; \
         delete from big where id % 10 = 0; \
         create function gated(int) returns int immutable language plpgsql as \
         'begin perform pg_advisory_lock_shared(7); perform pg_advisory_unlock_shared(7); return $1; end'",
    )
    .await;
    gate
}

#[tokio::test]
async fn create_index() {
    for version in versions() {
        let db = cluster(version.major).database("create_index").await;
        let eye = Eye::open(&db).await;
        let gate = table(&db).await;
        let (writer, ddl) = (db.actor("writer").await, db.actor("ddl").await);

        writer.exec("begin; update big set pad = '' where id = 1").await;
        let running = ddl.spawn("create index concurrently waits on big (pad)");
        let truth = compare(&eye, CREATE_INDEX, ddl.pid(), |truth| truth.locker != 0).await;
        assert_eq!(truth.locker, i64::from(writer.pid()));
        assert_eq!(truth.lockers, (0, 1), "the view shows a locker to wait for: {truth:?}");
        assert_eq!(truth.phase.as_deref(), Some("waiting for writers before build"));
        writer.exec("rollback").await;
        running.finish(LONG).await.expect("the index is built");

        // Built anew, it waits for a reader that might use the old one.
        writer.exec("begin isolation level repeatable read; select count(*) from big").await;
        let running = ddl.spawn("reindex index concurrently waits");
        let truth = compare(&eye, CREATE_INDEX, ddl.pid(), |truth| truth.locker != 0).await;
        assert_eq!((truth.command.as_str(), truth.locker), ("REINDEX CONCURRENTLY", i64::from(writer.pid())));
        writer.exec("rollback").await;
        running.finish(LONG).await.expect("the index is built");

        gate.exec("select pg_advisory_lock(7)").await;
        let running = ddl.spawn("create index builds on big (gated(id))");
        let truth = compare(&eye, CREATE_INDEX, ddl.pid(), |truth| truth.total > 0).await;
        assert_eq!(truth.phase.as_deref(), Some("building index: scanning table"));
        end(&ddl, running).await;
    }
}

#[tokio::test]
async fn vacuum_and_analyze() {
    for version in versions() {
        let db = cluster(version.major).database("vacuum").await;
        let eye = Eye::open(&db).await;
        table(&db).await;
        let worker = db.actor("worker").await;
        worker.exec("set vacuum_cost_delay = 100; set vacuum_cost_limit = 1").await;
        for (sql, view) in [("vacuum big", VACUUM), ("analyze big", ANALYZE)] {
            let running = worker.spawn(sql);
            let truth = compare(&eye, view, worker.pid(), |truth| truth.done > 0).await;
            assert!(truth.total >= 300 && truth.done < truth.total, "under way: {truth:?}");
            end(&worker, running).await;
        }
    }
}

#[tokio::test]
async fn cluster_and_vacuum_full() {
    for version in versions() {
        let db = cluster(version.major).database("cluster").await;
        let eye = Eye::open(&db).await;
        let gate = table(&db).await;
        let ddl = db.actor("ddl").await;
        ddl.exec("create index gated on big (gated(id))").await;
        gate.exec("select pg_advisory_lock(7)").await;
        for (sql, command) in [("cluster big using big_pkey", "CLUSTER"), ("vacuum full big", "VACUUM FULL")]
        {
            let running = ddl.spawn(sql);
            let rebuilding = |truth: &Shown| truth.phase.as_deref() == Some("rebuilding index");
            let truth = compare(&eye, CLUSTER, ddl.pid(), rebuilding).await;
            assert_eq!(truth.command, command, "on {}", version.major);
            end(&ddl, running).await;
        }
    }
}

#[tokio::test]
async fn copy() {
    for version in versions() {
        let db = cluster(version.major).database("copy").await;
        let eye = Eye::open(&db).await;
        table(&db).await;
        let (client, connection) = db.config().connect(tokio_postgres::NoTls).await.expect("a session");
        let connection = tokio::spawn(connection);
        let pid: i32 = client.query_one("select pg_backend_pid()", &[]).await.expect("a row").get(0);
        let sink = client.copy_in("copy big from stdin").await.expect("a copy");
        let mut sink = std::pin::pin!(sink);
        let lines: String = (10_001..30_000).map(|id| format!("{id}\tcopied\n")).collect();
        sink.send(Bytes::from(lines)).await.expect("a pipe");
        sink.flush().await.expect("a pipe");
        let truth = compare(&eye, COPY, pid, |truth| truth.done > 0).await;
        assert_eq!((truth.command.as_str(), truth.total), ("COPY FROM", 0), "a pipe has no known end");
        connection.abort();
    }
}
