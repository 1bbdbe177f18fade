//! What is seen before an attempt.

use lockpit::engine::ids::Pid;
use lockpit::engine::locks::LockMode;
use lockpit::engine::plan::order::TryEnd;
use lockpit::engine::sample::{BackendKind, State};

use crate::rig::{Rig, in_transaction, oid, script};
use crate::support::{Cluster, LONG, versions, wait_until};

#[tokio::test]
async fn a_look_names_conflicting_holders_oldest_first_prepared_ones_and_the_queue() {
    for version in versions() {
        let options = lockpit::demo::server::ServerOptions::default().set("max_prepared_transactions", "5");
        let cluster = Cluster::fresh(version.major, options);
        let db = cluster.database("looked").await;
        let control = db.actor("test/control").await;
        control.exec("create table t (x int); create table u (x int)").await;
        let (t, u) = (oid(&control, "t").await, oid(&control, "u").await);
        let mut rig = Rig::start(&db, script(&[&["discard plans"], &["deallocate all"]])).await;
        let wanted = vec![(t, LockMode::AccessExclusiveLock), (u, LockMode::ShareLock)];
        let look = rig.look(wanted.clone()).await;
        assert_eq!((look.holders.len(), look.in_all, look.queued), (0, 0, 0), "{look:?}");

        let prepared = db.actor("test/prepared").await;
        prepared.exec("begin; insert into t values (1); prepare transaction 'gid one'").await;
        let reader = db.actor("test/reader").await;
        reader.exec("begin; select from t; select from u").await;
        let writer = db.actor("test/writer").await;
        writer.exec("begin; insert into u values (1)").await;
        let waiting = db.actor("test/waiting").await;
        let waiter = waiting.spawn("begin; lock table t in access exclusive mode");
        wait_until("a queue", LONG, async || {
            let queued = control.value::<i64>("select count(*) from pg_locks where not granted").await;
            if queued > 0 { Ok(()) } else { Err("none".to_owned()) }
        })
        .await;
        let look = rig.look(wanted.clone()).await;
        let seen: Vec<_> = look
            .holders
            .iter()
            .map(|h| (h.backend.pid, h.gid.as_deref(), &*h.application, h.relation, h.mode))
            .collect();
        let expected = [
            (Pid(0), Some("gid one"), "", t, LockMode::RowExclusiveLock),
            (Pid(reader.pid()), None, "test/reader", t, LockMode::AccessShareLock),
            (Pid(writer.pid()), None, "test/writer", u, LockMode::RowExclusiveLock),
        ];
        assert_eq!(seen, expected, "{version:?}");
        assert_eq!((look.in_all, look.queued), (3, 1));
        let [two_phase, idle, _] = look.holders.as_slice() else { unreachable!() };
        assert_eq!((two_phase.state, two_phase.kind), (State::None, BackendKind::Other));
        assert_eq!(
            (idle.state, idle.kind, idle.wraparound),
            (State::IdleInTransaction, BackendKind::Client, false)
        );
        assert!(look.holders.iter().all(|h| h.xact_start.is_some_and(|start| start <= look.server_now)));

        // A plan may throw away what the look has prepared.
        reader.exec("rollback").await;
        drop(waiter);
        assert_eq!(rig.attempt(in_transaction(1)).await, TryEnd::Done);
        let unit = lockpit::engine::plan::order::Unit { part: 1, ..in_transaction(2).unit };
        let order = lockpit::engine::plan::order::Try { unit, ..in_transaction(2) };
        assert_eq!(rig.attempt(order).await, TryEnd::Done);
        assert!(!rig.look(wanted).await.holders.is_empty());
        rig.stop().await;
    }
}
