//! Parallel workers beside `pg_stat_activity`: each names its leader.

use std::collections::BTreeMap;

use lockpit::engine::ids::Pid;
use lockpit::engine::sample::BackendKind;

use crate::Eye;
use crate::support::{LONG, cluster, versions, wait_until};

#[tokio::test]
async fn workers_of_a_parallel_index_build_name_their_leader() {
    for version in versions() {
        let db = cluster(version.major).database("workers").await;
        let eye = Eye::open(&db).await;
        let leader = db.actor("leader").await;
        leader
            .exec(
                "create table wide (id int, pad text) with (autovacuum_enabled = off, parallel_workers = 2); \
                 insert into wide select i, repeat('x', 500) from generate_series(1, 5000) i; \
                 create function slow(int) returns int immutable parallel safe language plpgsql as \
                 'begin perform pg_sleep(600); return $1; end'; \
                 set max_parallel_maintenance_workers = 2; set maintenance_work_mem = '256MB'",
            )
            .await;
        let running = leader.spawn("create index on wide (slow(id))");
        let sql = "select pid, leader_pid from pg_stat_activity \
                   where leader_pid is not null and backend_type = 'parallel worker' order by pid";
        let workers = |rows: &[tokio_postgres::Row]| -> BTreeMap<Pid, Pid> {
            let own = rows.iter().map(|row| (Pid(row.get(0)), Pid(row.get(1))));
            own.filter(|(_, of)| of.0 == leader.pid()).collect()
        };
        let (sample, truth) = wait_until("two workers", LONG, async || {
            let (sample, truth) = eye.still(sql, workers).await;
            if truth.len() == 2 { Ok((sample, truth)) } else { Err(format!("{truth:?}")) }
        })
        .await;
        for (worker, of) in truth {
            let backend = sample.backend(worker).unwrap_or_else(|| panic!("{worker} on {}", version.major));
            assert_eq!((backend.kind, backend.leader_pid), (BackendKind::ParallelWorker, Some(of)));
        }
        leader.cancel().await;
        running.finish(LONG).await.expect_err("it was cancelled");
    }
}
