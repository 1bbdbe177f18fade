//! The cockpit is gone, or the session, or the server: what ends, what runs on, and what a flight that goes on finds.

use std::fmt::Write as _;

use lockpit::clock::FlightClock;
use lockpit::demo::server::{ServerOptions, StopMode};

use crate::flown::{Landed, Plan, Run, nobody_left, on, step};
use crate::stops::{AT_GATE, ENDS, GATE, SLOW, TABLE};
use crate::support::{Actor, Cluster, Database, LONG, cluster, wait_until};

const SNAPSHOT: &str = "begin isolation level repeatable read; select count(*) from other";
const BIG: &str = "alter table t add constraint big check (slow(x) > 0) not valid";
const REWRITE: &str = "alter table t alter column x type bigint using slow(x::int)";
const INDEX: &str = "create index concurrently t_x on t (x)";
const WAITS: &str = "a.state = 'active' and a.wait_event_type = 'Lock'";

struct Stage {
    db: Database,
    control: Actor,
    holder: Actor,
}

async fn stage(db: Database, hold: &str) -> Stage {
    let control = db.actor("test/control").await;
    control.exec(SLOW).await;
    control.exec(TABLE).await;
    let holder = db.actor("test/holder").await;
    holder.exec(hold).await;
    Stage { db, control, holder }
}

/// How many backends still run statements of a plan.
async fn at_work(control: &Actor) -> i64 {
    let sql = "select count(*) from pg_stat_activity where application_name like 'lockpit/run %' \
               and datname = current_database() and state <> 'idle'";
    control.value(sql).await
}

/// Kills the flight; returns after how many milliseconds its statement was gone from the server.
async fn killed_and_gone(run: Run, control: &Actor) -> u64 {
    run.kill().await;
    let clock = FlightClock::start();
    wait_until("the strong statement is gone", LONG, async || match at_work(control).await {
        0 => Ok(()),
        n => Err(format!("{n} still at work")),
    })
    .await;
    let ms = clock.now().ms();
    nobody_left(control).await;
    ms
}

/// Kills the flight, and waits until nothing of it is left but the statement.
async fn killed_and_left(run: Run, control: &Actor) {
    run.kill().await;
    let others = "select application_name from pg_stat_activity where application_name like 'lockpit/%' \
                  and application_name not like 'lockpit/run %' and datname = current_database()";
    wait_until("its other sessions are gone", LONG, async || match control.rows(others).await {
        rows if rows.is_empty() => Ok(()),
        rows => Err(format!("{rows:?}")),
    })
    .await;
    assert_eq!(at_work(control).await, 1, "the weak statement runs on");
}

#[expect(clippy::print_stderr, reason = "a measurement")]
fn measured(what: &str, major: u32, ms: u64) {
    eprintln!("MEASURED {what}, PostgreSQL {major}: gone {ms} ms after the kill");
    assert!(ms < 5_000, "{what}, PostgreSQL {major}: {ms} ms");
}

#[tokio::test]
async fn killed_while_a_strong_statement_waits_in_the_queue() {
    for version in on(ENDS) {
        let db = cluster(version.major).database("queue").await;
        let stage = stage(db, "begin; select count(*) from t").await;
        let acquire = "acquire = { rungs = [\"30s\"], duty = 100 }\n";
        let plan = Plan::of(&format!("{}{acquire}", step("work", "alter table t add column y int")));
        let run = plan.fly(&stage.db, &[]);
        run.backend(&stage.control, WAITS).await;
        let ms = killed_and_gone(run, &stage.control).await;
        measured("an ALTER in the queue", version.major, ms);
        stage.holder.exec("commit").await;
        let column = "select count(*) from pg_attribute where attrelid = 't'::regclass and attname = 'y'";
        assert_eq!(stage.control.value::<i64>(column).await, 0, "nothing was done");
        let landed = plan.resume(&stage.db, &[]).end().await.exits(0);
        landed.says("rolled back");
        assert_eq!(stage.control.value::<i64>(column).await, 1);
    }
}

#[tokio::test]
async fn killed_while_a_strong_statement_holds_its_lock() {
    for version in on(ENDS) {
        let stage = stage(cluster(version.major).database("rewrite").await, GATE).await;
        let plan = Plan::of(&step("work", REWRITE));
        let run = plan.fly(&stage.db, &[]);
        run.backend(&stage.control, AT_GATE).await;
        run.step_says("work", "running", "has its locks").await;
        let ms = killed_and_gone(run, &stage.control).await;
        measured("an ALTER that rewrites", version.major, ms);
        stage.holder.exec("select pg_advisory_unlock(42)").await;
        let landed = plan.resume(&stage.db, &[]).end().await.exits(0);
        landed.says("rolled back: it is tried again");
    }
}

/// Killed at `phase`; the statement runs on, is adopted, and is not begun twice.
async fn adopted(sql: &str, hold: &str, release: &str, phase: &str, check: &str) {
    for version in on(ENDS) {
        let stage = stage(cluster(version.major).database("weak").await, hold).await;
        stage.control.exec(BIG).await;
        let before = step("before", "create table made_once ()");
        let plan = Plan::of(&format!("{before}{}", step("work", sql)));
        let run = plan.fly(&stage.db, &[]);
        let pid = run.backend(&stage.control, phase).await;
        killed_and_left(run, &stage.control).await;
        let run = plan.resume(&stage.db, &[]);
        run.step_says("work", "running", &format!("adopted: it still runs on the server as pid {pid}")).await;
        stage.holder.exec(release).await;
        let landed = run.end().await.exits(0);
        assert_eq!((landed.count("before", "running"), landed.count("work", "done")), (0, 1));
        assert!(stage.control.value::<bool>(check).await, "{}", landed.told());
    }
}

#[tokio::test]
async fn killed_while_an_index_waits_for_a_snapshot() {
    let valid = "select indisvalid from pg_index where indexrelid = 't_x'::regclass";
    adopted(INDEX, SNAPSHOT, "commit", WAITS, valid).await;
}

#[tokio::test]
async fn killed_while_a_constraint_is_validated() {
    let valid = "select convalidated from pg_constraint where conname = 'big'";
    let sql = "alter table t validate constraint big";
    adopted(sql, GATE, "select pg_advisory_unlock(42)", AT_GATE, valid).await;
}

#[tokio::test]
async fn killed_while_an_index_is_built() {
    let valid = "select indisvalid from pg_index where indexrelid = 't_x'::regclass";
    let sql = "create index concurrently t_x on t (public.slow(x))";
    adopted(sql, GATE, "select pg_advisory_unlock(42)", AT_GATE, valid).await;
}

#[tokio::test]
async fn killed_again_before_it_had_gone_on() {
    let Some(version) = on(ENDS).last() else { return };
    let stage = stage(cluster(version.major).database("twice").await, "begin").await;
    let invariant = "[[invariant]]\nname = \"slow\"\nsql = \"select public.slow(1) = 1\"\n";
    let gate =
        "[[step]]\nid = \"open\"\ngate = { check = \"select count(*) = 1 from other\", every = \"100ms\" }\n";
    let before = step("before", "create table made_once ()");
    let plan = Plan::of(&format!("{invariant}{before}{gate}"));
    let run = plan.fly(&stage.db, &[]);
    run.step("open", "running").await;
    run.kill().await;
    nobody_left(&stage.control).await;
    stage.holder.exec(GATE).await;
    let run = plan.resume(&stage.db, &[]);
    run.backend(&stage.control, AT_GATE).await;
    run.kill().await;
    stage.holder.exec("select pg_advisory_unlock(42); commit").await;
    nobody_left(&stage.control).await;
    stage.control.exec("insert into other values (1)").await;
    let landed = plan.resume(&stage.db, &[]).end().await.exits(0);
    assert_eq!(landed.count("before", "running"), 0, "{}", landed.told());
}

#[tokio::test]
async fn two_flights_do_not_go_on_behind_one_log() {
    let Some(version) = on(ENDS).last() else { return };
    let stage = stage(cluster(version.major).database("behind").await, "begin").await;
    let gate =
        "gate = { check = \"select count(*) = 1 from other\", every = \"100ms\", limit = \"300ms\" }\n";
    let plan = Plan::of(&format!("[[step]]\nid = \"open\"\n{gate}"));
    let closed = plan.fly(&stage.db, &[]).end().await.exits(6);
    let first = plan.resume(&stage.db, &[]);
    first.step("open", "running").await;
    let second = plan.resume_from(&stage.db, &closed.log);
    second.end_somehow().await.exits(2).says("another flight goes on behind ");
    first.end().await.exits(6);
    let third = plan.resume_from(&stage.db, &closed.log);
    third.end_somehow().await.exits(2).says("is not where the plan was left: it was flown again in ");
    stage.control.exec("insert into other values (1)").await;
    plan.resume(&stage.db, &[]).end().await.exits(0);
}

#[tokio::test]
async fn a_failover_before_it_goes_on_is_told() {
    for version in on(ENDS) {
        let primary = Cluster::fresh(version.major, ServerOptions::default());
        let stage = stage(primary.database("failover").await, "begin").await;
        let gate = "gate = { check = \"select count(*) = 1 from other\", every = \"100ms\" }\n";
        let before = step("before", "create table made_once ()");
        let plan = Plan::of(&format!("{before}[[step]]\nid = \"open\"\n{gate}"));
        let run = plan.fly(&stage.db, &[]);
        run.step("open", "running").await;
        run.kill().await;
        let standby = primary.standby("test-standby").await;
        let there = standby.database_named(&stage.db.name);
        plan.resume(&there, &[]).end_somehow().await.exits(3).says("the server is a standby");
        let control = there.actor("test/control").await;
        assert!(control.value::<bool>("select pg_promote()").await);
        control.exec("insert into other values (1)").await;
        let landed = plan.resume(&there, &[]).end().await.exits(0);
        landed.says("the cluster was failed over since: its timeline is 2, it was 1");
        landed.says("done by the log is before");
    }
}

#[tokio::test]
async fn what_a_killed_flight_left_can_fail_before_it_goes_on() {
    for version in on(ENDS) {
        let stage = stage(cluster(version.major).database("failed").await, SNAPSHOT).await;
        let plan = Plan::of(&step("work", INDEX));
        let run = plan.fly(&stage.db, &[]);
        let pid = run.backend(&stage.control, WAITS).await;
        killed_and_left(run, &stage.control).await;
        stage.control.exec(&format!("select pg_cancel_backend({pid})")).await;
        nobody_left(&stage.control).await;
        let landed = plan.resume(&stage.db, &[]).end().await.exits(6);
        assert_eq!(landed.clean_ups(), ["DROP INDEX CONCURRENTLY public.t_x"], "{}", landed.told());
        stage.holder.exec("commit").await;
        stage.control.exec(&landed.clean_ups()[0]).await;
        plan.resume(&stage.db, &[]).end().await.exits(0);
    }
}

#[tokio::test]
async fn killed_at_the_second_item() {
    for version in on(ENDS) {
        let stage = stage(cluster(version.major).database("items").await, "begin").await;
        let mut sql = String::new();
        for n in 1..=4 {
            write!(sql, "create table e{n} (id int, x int);").expect("a String takes all");
        }
        stage.control.exec(&sql).await;
        stage.holder.exec("insert into e2 values (0, 0)").await;
        let items =
            "for_each = \"query: select relname from pg_class where relname ~ '^e[0-9]$' order by 1\"\n";
        let work = step(
            "work",
            "create index concurrently on ${item} (id);create index concurrently ${item}_x on ${item} (x);",
        );
        let work = work.replace("on ${item} (id)", "${item}_id on ${item} (id)");
        let plan = Plan::of(&format!("{work}{items}"));
        let run = plan.fly(&stage.db, &[]);
        run.backend(&stage.control, WAITS).await;
        killed_and_left(run, &stage.control).await;
        let run = plan.resume(&stage.db, &[]);
        run.step_says("work", "running", "adopted").await;
        stage.holder.exec("commit").await;
        run.end().await.exits(0).says("4 items");
        let valid = "select count(*) from pg_index i join pg_class c on c.oid = i.indexrelid \
                     where indisvalid and relname ~ '^e[0-9]_'";
        assert_eq!(stage.control.value::<i64>(valid).await, 8);
    }
}

#[tokio::test]
async fn killed_at_a_gate() {
    for version in on(ENDS) {
        let stage = stage(cluster(version.major).database("gate").await, "begin").await;
        let gate = "[[step]]\nid = \"open\"\ngate = { check = \"select count(*) = 1 from other\", every = \"100ms\" }\n";
        let before = step("before", "create table made_once ()");
        let after = step("after", "create table made_then ()");
        let plan = Plan::of(&format!("{before}{gate}{after}"));
        let run = plan.fly(&stage.db, &[]);
        run.step("open", "running").await;
        run.kill().await;
        nobody_left(&stage.control).await;
        let run = plan.resume(&stage.db, &[]);
        run.step("open", "running").await;
        stage.control.exec("insert into other values (1)").await;
        let landed = run.end().await.exits(0);
        assert_eq!(landed.count("after", "done"), 1);
    }
}

#[tokio::test]
async fn killed_while_a_program_runs() {
    for version in on(ENDS) {
        let stage = stage(cluster(version.major).database("program").await, "begin").await;
        let plan = Plan::of("");
        let (ran, go) = (plan.beside("ran"), plan.beside("go"));
        let shell =
            format!("echo ran >> {}; while ! test -e {}; do sleep 0.05; done", ran.display(), go.display());
        plan.rewrite(&format!("[[step]]\nid = \"flip\"\ncommand = {{ shell = '''{shell}''' }}\n"));
        let run = plan.fly(&stage.db, &[]);
        wait_until("the program runs", LONG, async || if ran.exists() { Ok(()) } else { Err(run.told()) })
            .await;
        run.kill().await;
        std::fs::write(&go, "").expect("a file");
        nobody_left(&stage.control).await;
        let landed = plan.resume(&stage.db, &[]).end().await.exits(0);
        landed.says("whether it had ended is not known");
        let times = std::fs::read_to_string(&ran).expect("it ran");
        assert_eq!(times.lines().count(), 2, "{}", landed.told());
    }
}

/// The plan's session is terminated at `phase`.
async fn terminated(stage: &Stage, plan: &Plan, phase: &str, release: &str) -> Landed {
    let run = plan.fly(&stage.db, &[]);
    let pid = run.backend(&stage.control, phase).await;
    stage.control.exec(&format!("select pg_terminate_backend({pid})")).await;
    run.step_says("work", "running", "its session was lost").await;
    stage.holder.exec(release).await;
    run.end().await
}

#[tokio::test]
async fn a_transaction_whose_session_is_terminated_is_rolled_back_and_flown_again() {
    for version in on(ENDS) {
        for sql in [REWRITE, "alter table t validate constraint big"] {
            let stage = stage(cluster(version.major).database("terminated").await, GATE).await;
            if sql != REWRITE {
                stage.control.exec(BIG).await;
            }
            let plan = Plan::of(&step("work", sql));
            let landed = terminated(&stage, &plan, AT_GATE, "select pg_advisory_unlock(42)").await.exits(0);
            landed.says("rolled back: it is tried again");
        }
    }
}

#[tokio::test]
async fn a_session_that_is_terminated_again_and_again_is_given_up() {
    let Some(version) = on(ENDS).last() else { return };
    let stage = stage(cluster(version.major).database("again").await, GATE).await;
    let plan = Plan::of(&step("work", REWRITE));
    let run = plan.fly(&stage.db, &[]);
    let mut pids = Vec::new();
    for _ in 0..3 {
        let known = pids.iter().map(|pid| format!(" and a.pid <> {pid}")).collect::<String>();
        let pid = run.backend(&stage.control, &format!("{AT_GATE}{known}")).await;
        stage.control.exec(&format!("select pg_terminate_backend({pid})")).await;
        pids.push(pid);
    }
    run.end().await.exits(6).says("its session was lost 3 times");
}

#[tokio::test]
async fn an_index_whose_session_is_terminated_is_named_and_cleaned_up() {
    for version in on(ENDS) {
        let stage = stage(cluster(version.major).database("terminated").await, SNAPSHOT).await;
        let plan = Plan::of(&step("work", INDEX));
        let landed = terminated(&stage, &plan, WAITS, "commit").await.exits(6);
        assert_eq!(landed.clean_ups(), ["DROP INDEX CONCURRENTLY public.t_x"], "{}", landed.told());
        stage.control.exec(&landed.clean_ups()[0]).await;
        plan.resume(&stage.db, &[]).end().await.exits(0);
    }
}

#[tokio::test]
async fn a_reindex_whose_session_is_terminated_is_not_taken_for_done() {
    for version in on(ENDS) {
        let stage = stage(cluster(version.major).database("terminated").await, "begin").await;
        stage.control.exec("create index t_x on t (x)").await;
        stage.holder.exec("insert into t values (0, 0)").await;
        let plan = Plan::of(&step("work", "reindex index concurrently t_x"));
        let landed = terminated(&stage, &plan, WAITS, "commit").await.exits(6);
        assert_eq!(landed.clean_ups(), ["DROP INDEX CONCURRENTLY public.t_x_ccnew"], "{}", landed.told());
        stage.control.exec(&landed.clean_ups()[0]).await;
        let node = "select pg_relation_filenode('t_x')::int8";
        let before: i64 = stage.control.value(node).await;
        plan.resume(&stage.db, &[]).end().await.exits(0);
        assert_ne!(stage.control.value::<i64>(node).await, before, "it was rebuilt");
    }
}

#[tokio::test]
async fn the_server_is_restarted_while_a_step_runs() {
    for version in on(ENDS) {
        for mode in [StopMode::Fast, StopMode::Immediate] {
            let mut cluster = Cluster::fresh(version.major, ServerOptions::default());
            for (sql, hold, phase, exit) in [(REWRITE, GATE, AT_GATE, 0), (INDEX, SNAPSHOT, WAITS, 6)] {
                let stage = stage(cluster.database("restart").await, hold).await;
                let plan = Plan::of(&step("work", sql));
                let run = plan.fly(&stage.db, &[]);
                run.backend(&stage.control, phase).await;
                let Stage { db, control, holder } = stage;
                drop((control, holder));
                cluster.server_mut().stop(mode).expect("it stops");
                run.step_says("work", "running", "its session was lost").await;
                cluster.server_mut().restart().expect("it starts again");
                let landed = run.end().await.exits(exit);
                if exit == 6 {
                    assert_eq!(
                        landed.clean_ups(),
                        ["DROP INDEX CONCURRENTLY public.t_x"],
                        "{}",
                        landed.told()
                    );
                    db.actor("test/control").await.exec(&landed.clean_ups()[0]).await;
                    plan.resume(&db, &[]).end().await.exits(0);
                }
            }
        }
    }
}

#[tokio::test]
async fn what_a_flight_does_not_go_on_with() {
    let versions: Vec<_> = on(ENDS).collect();
    let [first, .., last] = versions.as_slice() else { return };
    let stage = stage(cluster(last.major).database("refused").await, GATE).await;
    let text = step("work", REWRITE);
    let plan = Plan::of(&text);
    let run = plan.fly(&stage.db, &[]);
    run.backend(&stage.control, AT_GATE).await;

    // A second flight of any plan over the same database.
    let other = Plan::of(&step("other", "create table o ()"));
    let refused = other.fly(&stage.db, &[]).end_somehow().await.exits(3);
    refused.says("another flight is under way in this database: pid ");

    killed_and_gone(run, &stage.control).await;
    plan.rewrite(&text.replace("bigint", "numeric"));
    plan.resume(&stage.db, &[]).end_somehow().await.exits(2).says("is the log of another text of the plan");
    plan.rewrite(&text);
    let elsewhere = cluster(first.major).database("refused").await;
    let refused = plan.resume(&elsewhere, &[]).end_somehow().await.exits(2);
    refused.says("this is another cluster than the one the flight began on");
    stage.holder.exec("select pg_advisory_unlock(42)").await;
    plan.resume(&stage.db, &[]).end().await.exits(0);
}
