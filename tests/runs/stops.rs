//! Statements that are stopped in each phase that can be held: what is left is named, the offered SQL cleans it up, and
//! the plan flies again.

use rustix::process::Signal;

use crate::flown::{Landed, Plan, on, step};
use crate::support::{Actor, Database, LONG, cluster, wait_until};

/// A function that waits wherever it is evaluated, while [`GATE`] is held.
pub(crate) const SLOW: &str = "create function slow(n int) returns int immutable language plpgsql as \
    'begin perform pg_catalog.pg_advisory_xact_lock_shared(42); return n; end';";
pub(crate) const GATE: &str = "select pg_advisory_lock(42)";
pub(crate) const TABLE: &str = "create table t (id int, x int not null); insert into t select g, g from generate_series(1, 50) g;\
    create table other (id int);";
pub(crate) const AT_GATE: &str = "a.wait_event = 'advisory'";

/// How a plan flies again.
#[derive(Clone, Copy, PartialEq)]
enum Again {
    /// Anew, once what was left is cleaned up.
    Anew,
    /// The clean-up has finished the work: the flight goes on, and finds it done.
    Found,
}

/// A statement, and where it is stopped.
struct Scene {
    name: &'static str,
    setup: &'static str,
    sql: &'static str,
    /// Statements of sessions that hold the phase, one session each.
    holders: &'static [&'static str],
    /// Where the statement is then.
    phase: &'static str,
    /// What is left, in words of the notes; nothing when empty.
    left: &'static [&'static str],
    again: Again,
}

async fn staged(scene: &Scene, db: &Database) -> (Actor, Vec<Actor>) {
    let control = db.actor("test/control").await;
    control.exec(SLOW).await;
    control.exec(TABLE).await;
    control.exec(scene.setup).await;
    let mut holders = Vec::new();
    for sql in scene.holders {
        let holder = db.actor("test/holder").await;
        holder.exec(sql).await;
        holders.push(holder);
    }
    (control, holders)
}

/// Stops it by `pg_cancel_backend`, cleans up, and flies again.
async fn stopped(scene: &Scene, majors: &[u32]) {
    for version in on(majors) {
        let db = cluster(version.major).database("stops").await;
        let (control, holders) = staged(scene, &db).await;
        let plan = Plan::of(&step("work", scene.sql));
        let run = plan.fly(&db, &[]);
        let pid = run.backend(&control, &format!("a.state = 'active' and {}", scene.phase)).await;
        control.exec(&format!("select pg_cancel_backend({pid})")).await;
        let landed = run.end().await.exits(6);
        drop(holders);
        again(scene, &db, &control, &plan, &landed).await;
    }
}

/// What is left is named; cleaned up by what was offered; the plan flies again.
async fn again(scene: &Scene, db: &Database, control: &Actor, plan: &Plan, landed: &Landed) {
    let clean_ups = landed.clean_ups();
    assert_eq!(clean_ups.len(), scene.left.len(), "{}: {}", scene.name, landed.told());
    for words in scene.left {
        assert!(landed.noted(words), "{}: {words}: {}", scene.name, landed.told());
    }
    for sql in &clean_ups {
        control.exec(sql).await;
    }
    let run = match scene.again {
        Again::Anew => plan.fly(db, &[]),
        Again::Found => plan.resume(db, &[]),
    };
    let landed = run.end().await;
    assert_eq!(landed.exit, 0, "{}: {}{}", scene.name, landed.told(), landed.stderr);
    assert!(landed.clean_ups().is_empty() || scene.again == Again::Found, "{}", landed.told());
    let left =
        "select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid where not i.indisvalid";
    assert_eq!(control.rows(left).await, Vec::<String>::new(), "{}", scene.name);
}

const ALL: &[u32] = &[14, 15, 16, 17, 18];
pub(crate) const ENDS: &[u32] = &[14, 18];

macro_rules! scenes {
    ($($name:ident $majors:ident { $($field:ident: $value:expr),* $(,)? })*) => {
        $(#[tokio::test]
        async fn $name() {
            let scene = Scene { name: stringify!($name), $($field: $value),* };
            stopped(&scene, $majors).await;
        })*
    };
}

scenes! {
    an_index_that_waits_for_writers ALL {
        setup: "",
        sql: "create index concurrently t_x on t (x)",
        holders: &["begin; insert into t values (0, 0)"],
        phase: "exists (select from pg_stat_progress_create_index p where p.pid = a.pid \
                and p.phase = 'waiting for writers before build')",
        left: &["public.t_x on public.t is INVALID"],
        again: Again::Anew,
    }
    an_index_that_is_being_built ENDS {
        setup: "",
        sql: "create index concurrently t_x on t (public.slow(x))",
        holders: &[GATE],
        phase: AT_GATE,
        left: &["public.t_x on public.t is INVALID"],
        again: Again::Anew,
    }
    an_index_that_waits_for_snapshots ALL {
        setup: "",
        sql: "create index concurrently t_x on t (x)",
        holders: &["begin isolation level repeatable read; select count(*) from other"],
        phase: "exists (select from pg_stat_progress_create_index p where p.pid = a.pid \
                and p.phase = 'waiting for old snapshots')",
        left: &["public.t_x on public.t is INVALID"],
        again: Again::Anew,
    }
    a_plain_index ENDS {
        setup: "",
        sql: "create index t_x on t (public.slow(x))",
        holders: &[GATE],
        phase: AT_GATE,
        left: &[],
        again: Again::Anew,
    }
    an_index_that_is_dropped ALL {
        setup: "create index t_x on t (x)",
        sql: "drop index concurrently if exists t_x",
        holders: &["begin; select count(*) from t"],
        phase: "a.wait_event_type = 'Lock'",
        left: &["public.t_x on public.t is INVALID"],
        again: Again::Anew,
    }
    an_index_whose_drop_is_finished_by_the_clean_up ENDS {
        setup: "create index t_x on t (x)",
        sql: "drop index concurrently t_x",
        holders: &["begin; select count(*) from t"],
        phase: "a.wait_event_type = 'Lock'",
        left: &["public.t_x on public.t is INVALID"],
        again: Again::Found,
    }
    a_reindex_before_the_swap ALL {
        setup: "create index t_x on t (x)",
        sql: "reindex index concurrently t_x",
        holders: &["begin; insert into t values (0, 0)"],
        phase: "exists (select from pg_stat_progress_create_index p where p.pid = a.pid \
                and p.phase = 'waiting for writers before build')",
        left: &["t_x_ccnew is what an interrupted REINDEX"],
        again: Again::Anew,
    }
    a_reindex_of_a_table_while_it_builds ENDS {
        setup: "create index t_x on t (public.slow(x)); create index t_id on t (id)",
        sql: "reindex table concurrently t",
        holders: &[GATE],
        phase: AT_GATE,
        left: &["t_x_ccnew is what an interrupted REINDEX", "t_id_ccnew is what an interrupted REINDEX"],
        again: Again::Anew,
    }
    a_reindex_after_the_swap ALL {
        setup: "create index t_x on t (x)",
        sql: "reindex index concurrently t_x",
        holders: &["begin; select count(*) from t"],
        phase: "exists (select from pg_stat_progress_create_index p where p.pid = a.pid \
                and p.phase = 'waiting for readers before marking dead')",
        left: &["t_x_ccold is what REINDEX CONCURRENTLY replaced"],
        again: Again::Anew,
    }
    a_validation ENDS {
        setup: "alter table t add constraint big check (slow(x) > 0) not valid",
        sql: "alter table t validate constraint big",
        holders: &[GATE],
        phase: AT_GATE,
        left: &["constraint big of public.t is NOT VALID"],
        again: Again::Anew,
    }
    a_rewrite ENDS {
        setup: "",
        sql: "alter table t alter column x type bigint using slow(x)",
        holders: &[GATE],
        phase: AT_GATE,
        left: &[],
        again: Again::Anew,
    }
    an_attach ENDS {
        setup: "create table p (id int, x int not null) partition by range (slow(x)); \
                create table p1 (id int, x int not null); insert into p1 select g, g from generate_series(1, 50) g",
        sql: "alter table p attach partition p1 for values from (0) to (100)",
        holders: &[GATE],
        phase: AT_GATE,
        left: &[],
        again: Again::Anew,
    }
    a_detach_whose_second_phase_waits ALL {
        setup: "create table p (id int) partition by range (id); \
                create table p1 partition of p for values from (0) to (100); insert into p values (1)",
        sql: "alter table p detach partition p1 concurrently",
        holders: &["begin; select count(*) from p"],
        phase: "a.wait_event_type = 'Lock'",
        left: &["ROWS ARE HIDDEN: left behind: public.p1 is pending detach from public.p:"],
        again: Again::Found,
    }
    a_materialized_view_that_is_refreshed ENDS {
        setup: "create materialized view m as select slow(id) as id from t; create unique index on m (id)",
        sql: "refresh materialized view concurrently m",
        holders: &[GATE],
        phase: AT_GATE,
        left: &[],
        again: Again::Anew,
    }
}

#[tokio::test]
async fn a_unique_index_over_duplicates() {
    for version in on(ALL) {
        let db = cluster(version.major).database("unique").await;
        let control = db.actor("test/control").await;
        control.exec(TABLE).await;
        control.exec("insert into t values (51, 7)").await;
        let plan = Plan::of(&step("work", "create unique index concurrently if not exists t_x on t (x)"));
        let landed = plan.fly(&db, &[]).end().await.exits(6);
        landed.says("could not create unique index");
        let clean_ups = landed.clean_ups();
        assert_eq!(clean_ups, ["DROP INDEX CONCURRENTLY public.t_x"], "{}", landed.told());
        // What IF NOT EXISTS would take for done is not done.
        control.exec("delete from t where id = 51").await;
        for landed in [plan.fly(&db, &[]).end().await, plan.resume(&db, &[]).end().await] {
            let landed = landed.exits(6);
            landed.says("IF NOT EXISTS would take it for done");
            assert_eq!(landed.clean_ups(), clean_ups, "{}", landed.told());
        }
        control.exec(&clean_ups[0]).await;
        plan.resume(&db, &[]).end().await.exits(0);
        let valid = "select indisvalid from pg_index where indexrelid = 't_x'::regclass";
        assert!(control.value::<bool>(valid).await);
    }
}

#[tokio::test]
async fn batches_that_are_done_stay_done() {
    for version in on(ENDS) {
        let db = cluster(version.major).database("batches").await;
        let control = db.actor("test/control").await;
        control.exec(SLOW).await;
        control.exec(TABLE).await;
        control.exec("alter table t add n int not null default 0").await;
        let holder = db.actor("test/holder").await;
        holder.exec(GATE).await;
        let batches = "update t set n = n + 1 where id <= 20; \
                       update t set n = n + slow(1) where id between 21 and 40; \
                       update t set n = n + 1 where id > 40;";
        let plan = Plan::of(&format!("{}transaction = false\n", step("fill", batches)));
        let run = plan.fly(&db, &[]);
        let pid = run.backend(&control, AT_GATE).await;
        control.exec(&format!("select pg_cancel_backend({pid})")).await;
        let landed = run.end().await.exits(6);
        assert_eq!(landed.clean_ups(), Vec::<String>::new());
        let done = "select count(*) filter (where n = 1) || ' of ' || count(*) from t";
        assert_eq!(control.value::<String>(done).await, "20 of 50");
        drop(holder);
        plan.resume(&db, &[]).end().await.exits(0);
        assert_eq!(control.value::<String>(done).await, "50 of 50", "each once");
    }
}

/// A scene whose flight is told to end by a signal while the statement runs.
async fn interrupted(scene: &Scene, signal: Signal) -> (Actor, Database, Plan, Landed, Vec<Actor>) {
    let version = on(ENDS).last().expect("a server");
    let db = cluster(version.major).database("interrupted").await;
    let (control, holders) = staged(scene, &db).await;
    let plan = Plan::of(&step("work", scene.sql));
    let run = plan.fly(&db, &[]);
    run.backend(&control, &format!("a.state = 'active' and {}", scene.phase)).await;
    run.program.signal(signal);
    let landed = run.end_somehow().await;
    (control, db, plan, landed, holders)
}

#[tokio::test]
async fn a_flight_that_is_told_to_end_takes_a_strong_statement_with_it() {
    for signal in [Signal::TERM, Signal::INT] {
        let scene = Scene {
            name: "rewrite",
            setup: "",
            sql: "alter table t alter column x type bigint using slow(x)",
            holders: &[GATE],
            phase: AT_GATE,
            left: &[],
            again: Again::Anew,
        };
        let (control, db, plan, landed, holders) = interrupted(&scene, signal).await;
        crate::flown::nobody_left(&control).await;
        let landed = landed.exits(5);
        drop(holders);
        again(&scene, &db, &control, &plan, &landed).await;
    }
}

#[tokio::test]
async fn a_flight_that_is_told_to_end_leaves_a_weak_statement_which_is_adopted() {
    for signal in [Signal::TERM, Signal::INT] {
        let scene = Scene {
            name: "index",
            setup: "",
            sql: "create index concurrently t_x on t (x)",
            holders: &["begin; insert into t values (0, 0)"],
            phase: "a.wait_event_type = 'Lock'",
            left: &[],
            again: Again::Anew,
        };
        let (control, db, plan, landed, holders) = interrupted(&scene, signal).await;
        assert_eq!(landed.clean_ups(), Vec::<String>::new(), "{}", landed.told());
        let builds = "select count(*) from pg_stat_activity where application_name like 'lockpit/run %' \
                      and datname = current_database() and state = 'active'";
        assert_eq!(control.value::<i64>(builds).await, 1, "{}", landed.told());
        let run = plan.resume(&db, &[]);
        run.step_says("work", "running", "adopted: it still runs").await;
        drop(holders);
        let landed = run.end().await.exits(0);
        assert_eq!(landed.count("work", "done"), 1);
        let valid = "select indisvalid from pg_index where indexrelid = 't_x'::regclass";
        assert!(control.value::<bool>(valid).await);
        wait_until("no other session", LONG, async || match control.value::<i64>(builds).await {
            0 => Ok(()),
            n => Err(n.to_string()),
        })
        .await;
    }
}
