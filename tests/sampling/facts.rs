//! Activity, locks and prepared transactions beside `pg_stat_activity`, `pg_locks` and `pg_prepared_xacts`.

use std::collections::BTreeMap;

use lockpit::demo::server::ServerOptions;
use lockpit::engine::ids::{Pid, ServerTime};
use lockpit::engine::locks::LockMode;
use lockpit::pg::time::Timestamp;
use tokio_postgres::Row;

use crate::Eye;
use crate::support::{Cluster, LONG, cluster, jam, versions, wait_until};

const ACTIVITY: &str = "
    select pid, state, wait_event_type || '/' || wait_event as wait_event, application_name, datid, usesysid,
           backend_start, xact_start, query_start, state_change, backend_xid::text::int8 as xid
    from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
    order by pid";

const UNGRANTED: &str = "
    select pid, mode, database, relation, waitstart from pg_locks
    where not granted and database = (select oid from pg_database where datname = current_database())
    order by pid";

/// A row as values that can be compared.
#[derive(Debug, PartialEq)]
struct Session {
    state: Option<String>,
    wait_event: Option<String>,
    application: String,
    database: u32,
    role: u32,
    starts: [Option<ServerTime>; 4],
    xid: Option<i64>,
}

fn sessions(rows: &[Row]) -> BTreeMap<Pid, Session> {
    let time = |row: &Row, name| row.get::<_, Option<Timestamp>>(name).map(|time| time.0);
    let session = |row: &Row| Session {
        state: row.get("state"),
        wait_event: row.get("wait_event"),
        application: row.get("application_name"),
        database: row.get("datid"),
        role: row.get("usesysid"),
        starts: ["backend_start", "xact_start", "query_start", "state_change"].map(|name| time(row, name)),
        xid: row.get("xid"),
    };
    rows.iter().map(|row| (Pid(row.get("pid")), session(row))).collect()
}

#[tokio::test]
async fn activity_is_the_servers() {
    for version in versions() {
        let db = cluster(version.major).database("activity").await;
        let eye = Eye::open(&db).await;
        let jam = jam(&db, 4).await;
        jam.reader.exec("create table of_reader (id int)").await;
        let failed = db.actor("failed").await;
        failed.exec("begin").await;
        failed.try_exec("select 1 / 0").await.expect_err("a division by zero");
        let idle = db.actor("idle").await;
        let (sample, truth) = eye.still(ACTIVITY, sessions).await;
        let mut shown = 0;
        for (pid, session) in &truth {
            let Some(backend) = sample.backend(*pid) else {
                assert_eq!(session.state.as_deref(), Some("idle"), "only the idle are left out: {session:?}");
                continue;
            };
            shown += 1;
            let ours = Session {
                state: Some(backend.state.name().to_owned()),
                wait_event: backend.wait_event.as_ref().map(ToString::to_string),
                application: backend.application.to_string(),
                database: backend.database.map_or(0, |oid| oid.0),
                role: backend.role.map_or(0, |oid| oid.0),
                starts: [
                    backend.backend_start,
                    backend.xact_start,
                    backend.query_start,
                    backend.state_change,
                ],
                xid: backend.backend_xid.map(i64::from),
            };
            assert_eq!(&ours, session, "pid {pid} on {}", version.major);
        }
        assert!(shown >= 7, "reader, ALTER, four waiters and the failed one are shown: {truth:?}");
        assert!(sample.backend(Pid(idle.pid())).is_none(), "an idle session outside the tree is not shown");
        failed.exec("rollback").await;
        jam.dissolve().await;
    }
}

#[tokio::test]
async fn awaited_locks_are_the_servers() {
    for version in versions() {
        let db = cluster(version.major).database("locks").await;
        let eye = Eye::open(&db).await;
        let jam = jam(&db, 4).await;
        let (sample, truth) = eye
            .still(UNGRANTED, |rows| {
                let lock = |row: &Row| {
                    let mode: String = row.get("mode");
                    let since = row.get::<_, Option<Timestamp>>("waitstart").map(|time| time.0);
                    (
                        Pid(row.get("pid")),
                        mode,
                        row.get::<_, u32>("database"),
                        row.get::<_, u32>("relation"),
                        since,
                    )
                };
                rows.iter().map(lock).collect::<Vec<_>>()
            })
            .await;
        let here = |database| truth.iter().any(|lock| lock.2 == database);
        let mut ours: Vec<_> = sample
            .locks
            .iter()
            .filter(|lock| !lock.granted)
            .filter_map(|lock| {
                let (database, relation) = lock.object.relation()?;
                Some((lock.pid, lock.mode.name().to_owned(), database.0, relation.0, lock.wait_start))
            })
            .filter(|lock| here(lock.2))
            .collect();
        ours.sort();
        assert_eq!(truth.len(), 5);
        assert_eq!(ours, truth, "on {}", version.major);
        let held = sample.locks.iter().find(|lock| lock.granted && lock.pid.0 == jam.reader.pid());
        assert_eq!(
            held.map(|lock| lock.mode),
            Some(LockMode::AccessShareLock),
            "what the root holds is shown"
        );
        jam.dissolve().await;
    }
}

/// A prepared transaction has no process: it blocks as pid 0, and is known by its name.
#[tokio::test]
async fn prepared_transactions_block_as_pid_0() {
    for version in versions() {
        let cluster =
            Cluster::fresh(version.major, ServerOptions::default().set("max_prepared_transactions", "5"));
        let db = cluster.database("prepared").await;
        let eye = Eye::open(&db).await;
        let (owner, waiter) = (db.actor("owner").await, db.actor("waiter").await);
        owner.exec("create table held (id int)").await;
        owner.exec("begin; lock table held in exclusive mode; prepare transaction 'p1'").await;
        let running = waiter.spawn("insert into held values (1)");
        let waits = format!("select cardinality(pg_blocking_pids({})) = 1 as waits", waiter.pid());
        let (sample, _) = wait_until("a waiter", LONG, async || {
            let (sample, waits) = eye.still(&waits, |rows| rows[0].get::<_, bool>("waits")).await;
            if waits { Ok((sample, waits)) } else { Err("nobody waits".to_owned()) }
        })
        .await;
        let edge = sample.edges.iter().find(|edge| edge.waiter.0 == waiter.pid()).expect("its edge");
        assert_eq!(edge.blockers, [Pid::PREPARED], "on {}", version.major);
        let rows = eye
            .view(
                "select transaction::text::int8 as xid, gid, prepared, o.oid as owner, d.oid as database \
                 from pg_prepared_xacts x join pg_roles o on o.rolname = x.owner \
                 join pg_database d on d.datname = x.database",
            )
            .await;
        let [prepared] = sample.prepared.as_slice() else { panic!("{:?}", sample.prepared) };
        assert_eq!(i64::from(prepared.xid), rows[0].get::<_, i64>("xid"));
        assert_eq!(prepared.gid, rows[0].get::<_, &str>("gid"));
        assert_eq!(prepared.prepared, rows[0].get::<_, Timestamp>("prepared").0);
        assert_eq!(prepared.owner.0, rows[0].get::<_, u32>("owner"));
        assert_eq!(prepared.database.0, rows[0].get::<_, u32>("database"));
        let held =
            sample.locks.iter().find(|lock| lock.prepared_xid.is_some()).expect("what it holds is shown");
        assert_eq!(
            (held.pid, held.prepared_xid),
            (Pid::PREPARED, Some(prepared.xid)),
            "on {}",
            version.major
        );
        assert_eq!(held.mode, LockMode::ExclusiveLock);
        owner.exec("commit prepared 'p1'").await;
        running.finish(LONG).await.expect("the waiter goes on");
    }
}
