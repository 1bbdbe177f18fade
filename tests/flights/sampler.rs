//! lockpit itself never waits on a lock, whatever is locked in the database it is connected to.

use std::time::Duration;

use crate::flight::fly;
use crate::queue::{all_succeed, queue};
use crate::support::{Actor, LONG, cluster, versions};

/// Samples to be taken while the database is jammed.
const SAMPLES: u32 = 15;

/// Looks at the locks of lockpit's sessions.
#[derive(Debug, Default)]
struct Looks {
    total: u32,
    with_locks: u32,
}

impl Looks {
    /// Looks every 10 ms, for ever; fails the test when one of the sessions waits for a lock.
    async fn look_on(&mut self, observer: &Actor) {
        let sql = "select coalesce(bool_or(not l.granted), false), count(l.pid) > 0 from pg_locks l \
                   join pg_stat_activity a on a.pid = l.pid \
                   where a.application_name like 'lockpit/%' and a.datname = current_database()";
        loop {
            let seen = observer.rows(sql).await;
            self.total += 1;
            match seen[0].as_str() {
                "f|f" => {}
                "f|t" => self.with_locks += 1,
                _ => panic!("a session of lockpit waits for a lock"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn the_sampler_goes_on_in_a_jammed_database_and_never_waits() {
    for version in [versions().first(), versions().last()].into_iter().flatten() {
        let db = cluster(version.major).database("locked").await;
        let queue = queue(&db, 100).await;
        queue
            .ddl
            .exec("create table other as select 1 as id; create view both_of as select * from other")
            .await;
        queue.ddl.exec("begin; lock table jammed, other, both_of in access exclusive mode").await;
        queue.ddl.exec("create table unseen (); alter table jammed add column added int").await;
        let reads = queue.read_in_vain().await;

        // Shadow: everything is decided, watched and asked as when armed, but the jam stays.
        let flight = fly(&db, &["--target", &format!("app={}", queue.app), "--arm=shadow", "--for", "28s"]);
        flight.line_of("sample", "the jam", |line| line["victims"] == 100).await;
        let mut looks = Looks::default();
        tokio::select! {
            () = flight.steady("samples go on", SAMPLES as usize, 0, |sample| sample["victims"] == 100) => {}
            () = looks.look_on(&queue.observer) => {}
        }
        assert!(looks.total >= SAMPLES && looks.with_locks > 0, "it could have been seen: {looks:?}");
        queue.ddl.exec("rollback").await;
        all_succeed(reads).await;
        let landed = flight.land().await;
        landed.missed_nothing();
        assert_eq!(landed.exit, 0);
    }
}

#[tokio::test]
async fn attaching_to_a_jammed_database_does_not_wait() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("locked").await;
    let queue = queue(&db, 3).await;
    let reader = queue.old_reader().await;
    let alter = queue.alter().await;
    let reads = queue.read_in_vain().await;
    for _ in 0..3 {
        let flight = fly(&db, &["--for", "25s"]);
        flight.found(queue.ddl.pid()).await;
        flight.land().await.missed_nothing();
    }
    reader.exec("commit").await;
    alter.finish(LONG).await.expect("altered");
    all_succeed(reads).await;
}
