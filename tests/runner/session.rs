//! The session itself: its settings, where it is, what it is to others.

use lockpit::demo::server::ServerOptions;
use lockpit::engine::plan::order::{Try, TryEnd};
use lockpit::engine::sample::BackendKind;
use lockpit::pg::sampler::rows;
use tokio_postgres::NoTls;

use crate::rig::{Rig, conninfo, in_transaction, open, script};
use crate::support::{Cluster, LONG, cluster, versions, wait_until};

#[tokio::test]
async fn names_are_the_logins_own_and_timeouts_are_not() {
    for version in versions() {
        let db = cluster(version.major).database("settings").await;
        let actor = db.actor("test/app").await;
        for (name, value) in [
            ("search_path", "app, public"),
            ("datestyle", "'German'"),
            ("statement_timeout", "'7s'"),
            ("lock_timeout", "'7s'"),
            ("idle_session_timeout", "'70s'"),
            ("default_transaction_read_only", "on"),
            ("default_transaction_isolation", "'serializable'"),
        ] {
            actor.exec(&format!("alter database {} set {name} = {value}", db.name)).await;
        }
        let mut rig = Rig::start(&db, script(&[])).await;
        let expected = [
            ("search_path", "app, public"),
            ("datestyle", "German, DMY"),
            ("statement_timeout", "0"),
            ("lock_timeout", "0"),
            ("idle_session_timeout", "0"),
            ("idle_in_transaction_session_timeout", "10s"),
            ("default_transaction_read_only", "off"),
            ("transaction_isolation", "read committed"),
            ("client_connection_check_interval", "1s"),
        ];
        let tests: Vec<String> =
            expected.iter().map(|(name, value)| format!("current_setting('{name}') <> '{value}'")).collect();
        let settings: Vec<String> =
            expected.iter().map(|(name, _)| format!("current_setting('{name}')")).collect();
        let (tests, settings) = (tests.join(" or "), settings.join(" || ' / ' || "));
        let sql = format!("do $$ begin if {tests} then raise '%', {settings}; end if; end $$");
        // At first, and again after an attempt that has set what it needs.
        for number in 0..2 {
            let order = Try { transaction: false, sql: Some(sql.clone()), ..in_transaction(number) };
            assert_eq!(rig.attempt(order).await, TryEnd::Done, "{version:?}");
            let spoil =
                "select set_config('search_path', 'nowhere', false), set_config('role', 'pg_monitor', false)";
            let order = Try {
                sql: Some(spoil.to_owned()),
                lock_timeout_ms: Some(9_000),
                statement_timeout_ms: Some(9_000),
                ..in_transaction(number + 10)
            };
            assert_eq!(rig.attempt(order).await, TryEnd::Done, "{version:?}");
        }
        rig.stop().await;
    }
}

#[tokio::test]
async fn a_sample_counts_the_session_among_the_clients() {
    for version in versions() {
        let db = cluster(version.major).database("counted").await;
        let control = db.actor("test/control").await;
        let rig = Rig::start(&db, script(&[&["select pg_sleep(60)"]])).await;
        rig.order(lockpit::engine::plan::order::Order::Try(Box::new(in_transaction(1))));
        rig.is_at(&control, "wait_event = 'PgSleep'").await;
        let mut config = db.config();
        config.application_name("lockpit/sampler");
        let (client, connection) = config.connect(NoTls).await.expect("a session");
        tokio::spawn(connection);
        let extra: Vec<i32> = Vec::new();
        let sql = include_str!("../../src/pg/sql/sample.sql");
        let row = client.query_one(sql, &[&true, &extra, &0_u32]).await.expect("a sample");
        let sample = rows::sample(&row, 0).expect("its shape").sample;
        let backend = sample.backend(rig.backend.pid).expect("it is shown");
        assert_eq!((backend.kind, backend.id()), (BackendKind::Client, rig.backend));
        rig.stop().await;
    }
}

#[tokio::test]
async fn a_standby_is_refused_and_a_flight_that_moves_is_told_what_it_is_on() {
    for version in versions() {
        let first = Cluster::fresh(version.major, ServerOptions::default());
        let db = first.database_named("postgres");
        let standby = first.standby("test/standby").await;
        let there = standby.database_named("postgres");
        let why = open(&there, "lockpit/run 0000ab", script(&[])).await.expect_err("a standby");
        assert!(why.contains("standby"), "{why}");

        let mut rig = Rig::start(&db, script(&[&["select 1"]])).await;
        rig.place.send_replace(conninfo(&there, ""));
        let (_, same, _) = rig.session().await;
        assert!(same.as_ref().is_err_and(|why| why.contains("standby")), "{same:?}");
        // A standby that is promoted is the same cluster with another past.
        there.actor("test/promote").await.exec("select pg_promote(true)").await;
        let promoted = there.actor("test/promoted").await;
        wait_until("its promotion", LONG, async || {
            match promoted.value::<bool>("select pg_is_in_recovery()").await {
                false => Ok(()),
                true => Err("in recovery".to_owned()),
            }
        })
        .await;
        let runner = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'lockpit/run 00a1b2'";
        promoted.exec(runner).await;
        let (_, same, lock) = rig.session().await;
        assert!(same.as_ref().is_err_and(|why| why.contains("timeline is 2, it was 1")), "{same:?}");
        assert_eq!(lock, Ok(()));

        let other = cluster(version.major).database("moved").await;
        rig.place.send_replace(conninfo(&other, ""));
        let (_, same, _) = rig.session().await;
        assert!(same.as_ref().is_err_and(|why| why.contains("another cluster")), "{same:?}");
        rig.stop().await;
    }
}
