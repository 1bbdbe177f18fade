//! Lost sessions, ends of flights, and who else flies here.

use lockpit::engine::ids::{BackendId, Pid};
use lockpit::engine::plan::order::{News, Order, Try, TryEnd, TryFate};

use crate::rig::{Rig, in_transaction, open, script};
use crate::support::{Actor, LONG, cluster, versions, wait_until};

/// Waits for the end of a backend.
async fn is_gone(control: &Actor, pid: Pid) {
    let there = format!("select count(*) from pg_stat_activity where pid = {pid}");
    wait_until("the end of a session", LONG, async || match control.value::<i64>(&there).await {
        0 => Ok(()),
        n => Err(n.to_string()),
    })
    .await;
}

#[tokio::test]
async fn what_became_of_an_attempt_is_told_on_the_next_session() {
    for version in versions() {
        let db = cluster(version.major).database("fate").await;
        let control = db.actor("test/control").await;
        control.exec("create table t (x int)").await;
        let parts: [&[&str]; 1] = [&["alter table t add column y int", "select pg_sleep(60)"]];
        let mut rig = Rig::start(&db, script(&parts)).await;
        let (backend, application) = (rig.backend, rig.application.clone());
        rig.order(Order::Try(Box::new(in_transaction(1))));
        let xid = rig
            .hear("locks", |news| match news {
                News::Locked { xid, .. } => Some(*xid),
                _ => None,
            })
            .await;
        assert!(xid.is_some());
        rig.is_at(&control, "wait_event = 'PgSleep'").await;
        control.exec(&format!("select pg_terminate_backend({})", backend.pid)).await;
        let end = rig.ended(1).await;
        assert!(matches!(&end, TryEnd::Lost(why) if why.contains("terminating")), "{end:?}");
        let (again, same, lock) = rig.session().await;
        assert_eq!((same, lock), (Ok(()), Ok(())));
        assert_ne!(again, backend);
        let other = db.actor("test/other").await;
        other.exec("begin; create table u ()").await;
        let running = BackendId { pid: Pid(other.pid()), backend_start: None };
        let done = other.value::<i64>("select pg_current_xact_id()::text::int8").await;
        let done = u32::try_from(done).ok();
        for (number, (backend, application), xid, expected) in [
            (1, (backend, &*application), xid, TryFate::RolledBack),
            (2, (backend, &*application), None, TryFate::Gone),
            (3, (running, "test/other"), None, TryFate::Running),
            (4, (running, "test/other"), done, TryFate::Running),
            (5, (running, "test/another"), None, TryFate::Gone),
            (6, (running, "test/other"), done, TryFate::Committed),
        ] {
            if expected == TryFate::Committed {
                other.exec("commit").await;
            }
            let application = application.to_owned();
            rig.order(Order::Fate { number, backend, application, xid });
            let fate = rig.hear("fate", |news| match news {
                News::Fate { number: it, fate } if *it == number => Some(fate.clone()),
                _ => None,
            });
            assert_eq!(fate.await, expected);
        }
        rig.stop().await;
    }
}

#[tokio::test]
async fn a_second_flight_is_refused_while_the_first_one_is_there() {
    for version in versions() {
        let db = cluster(version.major).database("second").await;
        let rig = Rig::start_as(&db, "lockpit/run 00000a", script(&[])).await;
        let sampler = db.actor("lockpit/sampler 00000a").await;
        let refused = open(&db, "lockpit/run 00000b", script(&[])).await.expect_err("a refusal");
        let who = format!("pid {} (lockpit/run 00000a)", rig.backend.pid);
        assert!(refused.contains(&who), "{refused}");
        // A session that is left of a flight is no flight, and nothing is run beside it.
        drop(sampler);
        let control = db.actor("test/control").await;
        let gone = "select count(*) from pg_stat_activity where application_name like 'lockpit/sampler%'";
        wait_until("the sampler is gone", LONG, async || match control.value::<i64>(gone).await {
            0 => Ok(()),
            n => Err(n.to_string()),
        })
        .await;
        let (runner, orders, mut news, _place) =
            open(&db, "lockpit/run 00000b", script(&[&["select 1"]])).await.expect("a runner");
        let (_stopper, stop) = lockpit::pg::stop::channel();
        let task = tokio::spawn(runner.run(stop));
        orders.send(Order::Try(Box::new(in_transaction(1)))).expect("it listens");
        let mut told = Vec::new();
        while told.len() < 3 {
            told.push(tokio::time::timeout(LONG, news.recv()).await.expect("news").expect("news"));
        }
        let told = format!("{told:?}");
        assert!(told.contains("has left it behind") && told.contains("NotBegun"), "{told}");
        let pid = rig.backend.pid;
        rig.stop().await;
        is_gone(&control, pid).await;
        orders.send(Order::Try(Box::new(in_transaction(2)))).expect("it listens");
        let news = tokio::time::timeout(LONG, news.recv()).await.expect("news").expect("news");
        assert!(format!("{news:?}").contains("Locked"), "{news:?}");
        drop(orders);
        task.await.expect("it ends");
    }
}

#[tokio::test]
async fn weak_work_outlives_the_runner_and_strong_work_does_not() {
    for version in versions() {
        for crash in [true, false] {
            let db = cluster(version.major).database("outlived").await;
            let control = db.actor("test/control").await;
            control.exec("create table t (x int)").await;
            let blocker = db.actor("test/blocker").await;
            blocker.exec("begin; insert into t values (1)").await;
            for weak in [false, true] {
                let rig = Rig::start(&db, script(&[&["alter table t add column y int"]])).await;
                let cic = "create index concurrently i on t (x)".to_owned();
                let order = match weak {
                    true => Try { transaction: false, weak, sql: Some(cic), ..in_transaction(1) },
                    false => in_transaction(1),
                };
                rig.order(Order::Try(Box::new(order)));
                rig.is_at(&control, "wait_event_type = 'Lock'").await;
                let pid = rig.backend.pid;
                if crash {
                    rig.drop_dead();
                } else {
                    rig.stop().await;
                }
                if weak {
                    // It is there until its work is done, although nobody listens.
                    let there = format!("select count(*) from pg_stat_activity where pid = {pid}");
                    assert_eq!(control.value::<i64>(&there).await, 1);
                    blocker.exec("commit").await;
                }
                is_gone(&control, pid).await;
            }
            let valid = "select bool_and(indisvalid) from pg_index where indexrelid = 'i'::regclass";
            assert!(control.value::<bool>(valid).await);
            let columns = "select count(*) from information_schema.columns where table_name = 't'";
            assert_eq!(control.value::<i64>(columns).await, 1);
        }
    }
}
