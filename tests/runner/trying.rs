//! Attempts: their statements, their timeouts, their stops.

use lockpit::engine::locks::LockMode;
use lockpit::engine::plan::order::{News, Order, ServerError, Try, TryEnd};

use crate::rig::{Rig, first, in_transaction, script};
use crate::support::{LONG, cluster, versions};

const EXCLUSIVE: LockMode = LockMode::AccessExclusiveLock;

fn failed(end: &TryEnd) -> &ServerError {
    match end {
        TryEnd::Failed(error) => error,
        other => panic!("it did not fail: {other:?}"),
    }
}

#[tokio::test]
async fn a_transaction_takes_its_locks_tells_its_statements_and_commits() {
    for version in versions() {
        let db = cluster(version.major).database("tried").await;
        let actor = db.actor("test/app").await;
        actor.exec("create schema app; create table app.a (x int); create table app.b (x int)").await;
        actor.exec(&format!("alter database {} set search_path = app", db.name)).await;
        let parts: [&[&str]; 3] = [
            &["alter table a add column y int", "alter table b add column y int"],
            &["set lock_timeout = '7s'", "set search_path = public, app", "create table here (x int)"],
            &["create table there (x int)"],
        ];
        let mut rig = Rig::start(&db, script(&parts)).await;
        let order = Try {
            first: vec![first("app.a", EXCLUSIVE), first("app.b", LockMode::ShareLock)],
            lock_timeout_ms: Some(500),
            lock_budget_ms: Some(1_000),
            ..in_transaction(1)
        };
        assert_eq!(rig.attempt(order).await, TryEnd::Done);
        let news = rig.rest();
        let [
            News::Locked { number: 1, xid: Some(_) },
            News::Through { number: 1, statement: 0, .. },
            News::Through { number: 1, statement: 1, .. },
        ] = news.as_slice()
        else {
            panic!("{news:?}");
        };
        let columns = "select count(*) from information_schema.columns where column_name = 'y'";
        assert_eq!(actor.value::<i64>(columns).await, 2);

        // What the plan sets lasts, what an attempt sets does not.
        for (number, part) in [(2, 1), (3, 2)] {
            let order = Try { statement_timeout_ms: Some(60_000), ..in_transaction(number) };
            let unit = lockpit::engine::plan::order::Unit { part, ..order.unit };
            assert_eq!(rig.attempt(Try { unit, ..order }).await, TryEnd::Done);
        }
        let tables = "select string_agg(schemaname || '.' || tablename, ' ' order by 1) from pg_tables \
                      where tablename in ('here', 'there')";
        let found: String = actor.value(tables).await;
        assert!(found.contains("public.here") && found.contains("public.there"), "{found}");
        let sql = "do $$ begin if current_setting('statement_timeout') <> '0' then raise 'left over'; end if; end $$";
        let order = Try { transaction: false, sql: Some(sql.to_owned()), ..in_transaction(4) };
        assert_eq!(rig.attempt(order).await, TryEnd::Done);
        rig.stop().await;
    }
}

#[tokio::test]
async fn a_lock_that_is_not_had_in_time_ends_the_attempt_and_nothing_else_is_run() {
    for version in versions() {
        let db = cluster(version.major).database("timed_out").await;
        let actor = db.actor("test/app").await;
        actor.exec("create table t (x int); create table free (x int)").await;
        actor.exec("begin; select from t").await;
        let mut rig = Rig::start(&db, script(&[&["alter table free add column y int"]])).await;
        let order = Try {
            first: vec![first("t", EXCLUSIVE)],
            lock_timeout_ms: Some(50),
            lock_budget_ms: Some(10_000),
            ..in_transaction(1)
        };
        let end = rig.attempt(order).await;
        assert_eq!((failed(&end).code.as_str(), failed(&end).statement), ("55P03", None), "{end:?}");
        assert_eq!(rig.rest(), []);
        actor.exec("rollback").await;
        let columns = "select count(*) from information_schema.columns where table_name = 'free'";
        assert_eq!(actor.value::<i64>(columns).await, 1);
        // The session is as good as new.
        assert_eq!(rig.attempt(in_transaction(2)).await, TryEnd::Done);
        rig.stop().await;
    }
}

#[tokio::test]
async fn all_locks_together_have_one_budget() {
    for version in versions() {
        let db = cluster(version.major).database("budget").await;
        let actor = db.actor("test/app").await;
        actor.exec("create table p (x int) partition by range (x); create table other (x int)").await;
        for i in 0..50 {
            actor
                .exec(&format!("create table p{i} partition of p for values from ({i}) to ({})", i + 1))
                .await;
        }
        // Each partition is freed just before its turn would time out: the lock timeout never fires.
        let mut holders = Vec::new();
        for i in 0..10 {
            let holder = db.actor("test/holder").await;
            holder.exec(&format!("begin; lock table p{i} in access share mode")).await;
            let running = holder.spawn(&format!("select pg_sleep({}); commit", 0.2 * f64::from(i + 1)));
            holders.push((holder, running));
        }
        let mut rig = Rig::start(&db, script(&[&["alter table p add column y int"]])).await;
        let order = Try {
            first: vec![first("other", LockMode::ShareLock), first("p", EXCLUSIVE)],
            lock_timeout_ms: Some(5_000),
            lock_budget_ms: Some(600),
            ..in_transaction(1)
        };
        let end = rig.attempt(order).await;
        assert_eq!((failed(&end).code.as_str(), failed(&end).statement), ("57014", None), "{end:?}");
        rig.stop().await;
    }
}

#[tokio::test]
async fn a_stop_hits_the_attempt_it_names_and_no_other() {
    for version in versions() {
        let db = cluster(version.major).database("stopped").await;
        let actor = db.actor("test/app").await;
        actor.exec("create table t (x int)").await;
        actor.exec("begin; select from t").await;
        let mut rig =
            Rig::start(&db, script(&[&["alter table t add column y int"], &["select pg_sleep(60)"]])).await;
        let control = db.actor("test/control").await;
        rig.order(Order::Try(Box::new(in_transaction(7))));
        rig.is_at(&control, "wait_event_type = 'Lock'").await;
        rig.order(Order::Stop { number: 6 });
        rig.order(Order::Try(Box::new(in_transaction(8))));
        rig.order(Order::Try(Box::new(in_transaction(18))));
        rig.order(Order::Stop { number: 18 });
        assert!(matches!(rig.ended(18).await, TryEnd::NotBegun(_)));
        rig.order(Order::Stop { number: 7 });
        let end = rig.ended(7).await;
        assert_eq!((failed(&end).code.as_str(), failed(&end).statement), ("57014", Some(0)), "{end:?}");
        actor.exec("rollback").await;
        assert_eq!(rig.ended(8).await, TryEnd::Done);
        // Over already: nobody is hit.
        rig.order(Order::Stop { number: 8 });
        let alone =
            Try { transaction: false, sql: Some("select pg_sleep(60)".to_owned()), ..in_transaction(9) };
        rig.order(Order::Try(Box::new(alone)));
        rig.is_at(&control, "wait_event = 'PgSleep'").await;
        rig.order(Order::Stop { number: 9 });
        let end = rig.ended(9).await;
        assert_eq!((failed(&end).code.as_str(), failed(&end).statement), ("57014", Some(0)), "{end:?}");
        rig.stop().await;
    }
}

/// The stop crosses the statement at every moment of it; the next one is never hit.
#[tokio::test]
async fn a_late_stop_never_hits_the_next_attempt() {
    for version in versions() {
        let db = cluster(version.major).database("late").await;
        let mut rig = Rig::start(&db, script(&[&["select pg_sleep(0.001)"]])).await;
        for round in 0..40 {
            let (it, next) = (2 * round, 2 * round + 1);
            rig.order(Order::Try(Box::new(in_transaction(it))));
            rig.order(Order::Stop { number: it });
            rig.ended(it).await;
            assert_eq!(rig.attempt(in_transaction(next)).await, TryEnd::Done, "round {round}");
        }
        rig.stop().await;
    }
}

#[tokio::test]
async fn a_transaction_that_its_own_statement_has_ended_is_not_called_done() {
    for version in versions() {
        let db = cluster(version.major).database("ended").await;
        let actor = db.actor("test/app").await;
        actor
            .exec("create table t (x int primary key, y int references t deferrable initially deferred)")
            .await;
        let parts: [&[&str]; 2] =
            [&["alter table t add column z int", "rollback"], &["insert into t values (1, 2)"]];
        let mut rig = Rig::start(&db, script(&parts)).await;
        let end = rig.attempt(in_transaction(1)).await;
        assert!(failed(&end).message.contains("did not commit"), "{end:?}");
        let deferred = in_transaction(2);
        let unit = lockpit::engine::plan::order::Unit { part: 1, ..deferred.unit };
        let end = rig.attempt(Try { unit, ..deferred }).await;
        assert_eq!(failed(&end).code, "23503", "{end:?}");
        let number = rig.backend.pid;
        let state = format!("select state from pg_stat_activity where pid = {number}");
        crate::support::wait_until("an idle session", LONG, async || {
            let state: String = actor.value(&state).await;
            if state == "idle" { Ok(()) } else { Err(state) }
        })
        .await;
        rig.stop().await;
    }
}
