//! Locks that are fought for, rights and disks that are missing, gates, programs and hooks on their bad days.

use std::os::unix::fs::{MetadataExt, chown};

use lockpit::demo::server::ServerOptions;
use serde_json::Value;

use crate::flown::{Plan, Run, on, step};
use crate::small_disk::SmallDisk;
use crate::stops::{AT_GATE, ENDS, GATE, SLOW, TABLE};
use crate::support::{Actor, Cluster, Database, LONG, cluster, wait_until};

async fn stage(major: u32, name: &str) -> (Database, Actor) {
    let db = cluster(major).database(name).await;
    let control = db.actor("test/control").await;
    control.exec(SLOW).await;
    control.exec(TABLE).await;
    (db, control)
}

async fn written(run: &Run, path: &std::path::Path, words: &str) -> String {
    wait_until(&format!("{} has {words}", path.display()), LONG, async || {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.contains(words) { Ok(text) } else { Err(format!("{text:?}; {}", run.told())) }
    })
    .await
}

#[tokio::test]
async fn a_table_whose_lock_is_taken_again_and_again_is_got_or_given_up() {
    for version in on(ENDS) {
        let (db, control) = stage(version.major, "fight").await;
        // Young whenever a look sees it, and there for longer than the first attempts wait.
        let fighter = db.actor("test/fighter").await;
        let fight = fighter.spawn(
            "do $$ begin for i in 1..100000 loop lock table t in access share mode; perform pg_sleep(0.4); commit; \
             end loop; end $$",
        );
        let sql = "alter table t add column y int";
        let acquire = "acquire = { rungs = [\"100ms\"], attempts = 1, duty = 100, look_every = \"10ms\" }\n";
        let plan = Plan::of(&format!("{}{acquire}", step("work", sql)));
        let landed = plan.fly(&db, &[]).end().await.exits(6);
        landed.says("attempt 1 did not get ");
        landed.says("no lock in 1 attempts");
        plan.rewrite(&step("work", sql));
        let landed = plan.fly(&db, &[]).end().await.exits(0);
        assert_eq!(landed.count("work", "done"), 1);
        fighter.cancel().await;
        fight.finish(LONG).await.expect_err("cancelled");
        control.exec("select y from t limit 1").await;
    }
}

#[tokio::test]
async fn a_holder_that_does_nothing_is_named() {
    for version in on(ENDS) {
        let (db, control) = stage(version.major, "idle").await;
        let holder = db.actor("report-job").await;
        holder.exec("begin; select count(*) from t").await;
        // A young one might be about to end: it is asked behind, for as long as it has lived.
        let old = format!(
            "select clock_timestamp() - xact_start > interval '600 ms' from pg_stat_activity where pid = {}",
            holder.pid()
        );
        wait_until("the holder is old", LONG, async || match control.value::<bool>(&old).await {
            true => Ok(()),
            false => Err("it is young".to_owned()),
        })
        .await;
        let acquire = "acquire = { within = \"2s\" }\n";
        let plan = Plan::of(&format!("{}{acquire}", step("work", "alter table t add column y int")));
        let landed = plan.fly(&db, &[]).end().await.exits(6);
        landed.says(&format!("pid {} report-job, idle in transaction for ", holder.pid()));
        landed.says("holds AccessShareLock on t");
        assert!(!landed.told().contains("attempt 1"), "nobody queued: {}", landed.told());
        holder.exec("commit").await;
        plan.resume(&db, &[]).end().await.exits(0);
        control.exec("select y from t limit 1").await;
    }
}

#[tokio::test]
async fn a_deadlock_s_victim_is_counted_and_tried_again() {
    for version in on(ENDS) {
        let (db, control) = stage(version.major, "deadlock").await;
        let gate = db.actor("test/gate").await;
        gate.exec(GATE).await;
        let sql = "update t set x = x + 1 where id = 1; update t set x = slow(x) where id = 3; \
                   update t set x = x + 1 where id = 2;";
        // A function may do anything: its waits have the time limit of a strong attempt.
        let acquire = "acquire = { rungs = [\"25s\"], duty = 100 }\n";
        let plan = Plan::of(&format!("{}{acquire}", step("work", sql)));
        let run = plan.fly(&db, &[]);
        run.backend(&control, AT_GATE).await;
        let other = db.actor("test/other").await;
        other.exec("set deadlock_timeout = '1h'; begin; update t set x = x where id = 2").await;
        let crossed = other.spawn("update t set x = x where id = 1");
        let waits = format!("select count(*) from pg_locks where pid = {} and not granted", other.pid());
        wait_until("the other waits for the plan", LONG, async || match control.value::<i64>(&waits).await {
            0 => Err(format!("{} {}", crossed.is_finished(), run.told())),
            _ => Ok(()),
        })
        .await;
        drop(gate);
        run.step_says("work", "acquiring", "attempt 1 was a deadlock's victim").await;
        crossed.finish(LONG).await.expect("it was not the victim");
        other.exec("commit").await;
        run.end().await.exits(0);
        let sum: i64 = control.value("select sum(x) from t where id in (1, 2)").await;
        assert_eq!(sum, 5, "once");
    }
}

#[tokio::test]
async fn what_yields_to_nobody_ends_the_trying() {
    for version in on(ENDS) {
        let options =
            ServerOptions::default().set("autovacuum_naptime", "1s").set("max_prepared_transactions", "5");
        let cluster = Cluster::fresh(version.major, options);
        let db = cluster.database("stubborn").await;
        let control = db.actor("test/control").await;
        control.exec("create table p (id int); create table t (id int) with (fillfactor = 10, autovacuum_enabled = off)").await;
        control.exec("insert into t select g from generate_series(1, 20000) g").await;

        let preparer = db.actor("test/preparer").await;
        preparer.exec("begin; insert into p values (1); prepare transaction 'order-66'").await;
        let acquire = "acquire = { within = \"2s\" }\n";
        let plan = Plan::of(&format!("{}{acquire}", step("work", "alter table p add column y int")));
        let landed = plan.fly(&db, &[]).end().await.exits(6);
        landed.says("prepared transaction 'order-66' holds RowExclusiveLock on p");
        preparer.exec("rollback prepared 'order-66'").await;
        plan.fly(&db, &[]).end().await.exits(0);

        control
            .exec(
                "alter table t set (autovacuum_freeze_max_age = 100000, autovacuum_vacuum_cost_delay = 100, \
                 autovacuum_vacuum_cost_limit = 1)",
            )
            .await;
        let sql =
            "do $$ begin for i in 1..101000 loop perform pg_current_xact_id(); commit; end loop; end $$";
        control.exec(sql).await;
        let vacuum = "select pid from pg_stat_activity where backend_type = 'autovacuum worker' \
                      and query like '%public.t (to prevent wraparound)'";
        let pid = wait_until("an autovacuum against wraparound", LONG, async || {
            control.rows(vacuum).await.first().cloned().ok_or("none".to_owned())
        })
        .await;
        let plan = Plan::of(&step("work", "alter table t add column y int"));
        let landed = plan.fly(&db, &[]).end().await.exits(6);
        landed.says(&format!("autovacuum (pid {pid}) of t prevents wraparound and yields to nobody"));
    }
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_before_anything_is_asked_of_the_table() {
    for version in on(ENDS) {
        let (db, control) = stage(version.major, "rights").await;
        let login = format!("deployer_{}", db.name);
        control.exec(&format!("create role {login} login; grant all on t to {login}")).await;
        let conninfo = format!("{} user={login}", db.conninfo());
        for sql in
            ["alter table t add column y int", "create index concurrently t_x on t (x)", "drop table t"]
        {
            let plan = Plan::of(&step("work", sql));
            let landed = plan.fly_at(&db, &conninfo, &[]).end().await.exits(6);
            landed.says("needs the owner of public.t, and this login is not");
        }
        let plan = Plan::of(&step("work", "create extension pageinspect"));
        plan.fly_at(&db, &conninfo, &[]).end().await.exits(6);
        control.exec(&format!("alter table t owner to {login}")).await;
        let plan = Plan::of(&step("work", "alter table t add column y int"));
        plan.fly_at(&db, &conninfo, &[]).end().await.exits(0);
    }
}

#[tokio::test]
async fn a_step_that_fails_undoes_its_transaction_and_ends_the_plan() {
    for version in on(ENDS) {
        let (db, control) = stage(version.major, "fails").await;
        let first = step("first", "alter table t add column y int; select 1 / (count(*) - 50) from t;");
        let plan = Plan::of(&format!("{first}{}", step("second", "create table never ()")));
        let landed = plan.fly(&db, &[]).end().await.exits(6);
        landed.says("statement 2: division by zero (SQLSTATE 22012)");
        assert_eq!(landed.count("second", "forecast"), 0);
        let column = "select count(*) from pg_attribute where attrelid = 't'::regclass and attname = 'y'";
        assert_eq!(control.value::<i64>(column).await, 0);
        control.exec("insert into t values (51, 51)").await;
        plan.resume(&db, &[]).end().await.exits(0);
    }
}

#[tokio::test]
async fn an_object_of_others_is_never_taken_for_a_step_that_failed_over_it() {
    for version in on(ENDS) {
        let (db, control) = stage(version.major, "others").await;
        control.exec("alter table t add column y int").await;
        let plan = Plan::of(&step("work", "alter table t add column y int; update t set y = 1;"));
        plan.fly(&db, &[]).end().await.exits(6).says("already exists");
        plan.resume(&db, &[]).end().await.exits(6).says("already exists");
    }
}

#[tokio::test]
async fn an_invariant_that_does_not_hold_ends_the_plan_before_and_after() {
    for version in on(ENDS) {
        let (db, control) = stage(version.major, "invariant").await;
        let invariant = "[[invariant]]\nname = \"fifty\"\nsql = \"select count(*) = 50 from t\"\n";
        let plan = Plan::of(&format!("{invariant}{}", step("work", "insert into t values (0, 0)")));
        control.exec("delete from t where id = 50").await;
        let landed = plan.fly(&db, &[]).end().await.exits(6);
        landed.says("invariant fifty, before the first step");
        assert_eq!(landed.count("work", "forecast"), 0);
        control.exec("insert into t values (50, 50)").await;
        let landed = plan.fly(&db, &[]).end().await.exits(6);
        landed.says("invariant fifty, after ");
        assert_eq!(landed.count("work", "done"), 1);
    }
}

#[tokio::test]
async fn gates_ask_soak_and_stay_closed() {
    let Some(version) = on(ENDS).last() else { return };
    let (db, control) = stage(version.major, "gates").await;
    let gate = |what: &str| format!("[[step]]\nid = \"open\"\ngate = {{ {what} }}\n");
    let plan = Plan::of(&gate("ask = \"Is v2 on all hosts?\""));
    plan.fly(&db, &[]).end_somehow().await.exits(2).says("add --approve open");
    plan.fly(&db, &["--approve", "other"]).end_somehow().await.exits(2).says("the plan has no step 'other'");
    plan.fly(&db, &["--approve", "open"]).end().await.exits(0).says("approved on the command line");

    let check = "check = \"select count(*) from other\", every = \"50ms\"";
    plan.rewrite(&gate(&format!("{check}, limit = \"500ms\"")));
    plan.fly(&db, &[]).end().await.exits(6).says("closed for 0.5 s: waits for its query, which says 0");
    plan.rewrite(&gate(&format!("{check}, soak = \"1s\"")));
    let run = plan.fly(&db, &[]);
    run.step_says("open", "running", "which says 0").await;
    control.exec("insert into other values (1)").await;
    let soaks = run.step_says("open", "running", "soaks for 1.0 s").await;
    let landed = run.end().await.exits(0);
    let done = landed.lines.iter().find(|line| line["type"] == "step" && line["state"] == "done");
    let at = |line: &Value| line["at_ms"].as_u64().expect("a time");
    assert!(at(done.expect("done")) >= at(&soaks) + 1_000, "{}", landed.told());
    // A query that fails says so, and is asked again.
    plan.rewrite(&gate("check = \"select count(*) from not_yet\", every = \"50ms\""));
    let run = plan.fly(&db, &[]);
    run.step_says("open", "running", "not_yet").await;
    control.exec("create table not_yet as select 1").await;
    run.end().await.exits(0);
}

#[tokio::test]
async fn programs_that_fail_or_hang_fail_their_step() {
    let Some(version) = on(ENDS).last() else { return };
    let (db, _control) = stage(version.major, "programs").await;
    let program = |what: &str| format!("[[step]]\nid = \"flip\"\ncommand = {{ {what} }}\n");
    let plan = Plan::of(&program("shell = \"echo out; echo err >&2; exit 3\""));
    let landed = plan.fly(&db, &[]).end().await.exits(6);
    for words in ["its program ended with 3", "out", "err"] {
        landed.says(words);
    }
    plan.rewrite(&program("run = [\"/does/not/exist\"]"));
    plan.fly(&db, &[]).end().await.exits(6).says("/does/not/exist");
    // It and what it has started are ended.
    let pid = plan.beside("pid");
    plan.rewrite(&program(&format!(
        "shell = \"trap '' TERM; sleep 1000 & echo $! > {}; wait; sleep 1000\", timeout = \"300ms\"",
        pid.display()
    )));
    let landed = plan.fly(&db, &[]).end().await.exits(6);
    landed.says("it runs for longer than its 0.3 s: it is ended");
    let pid = std::fs::read_to_string(&pid).expect("it ran");
    let process = format!("/proc/{}/stat", pid.trim());
    wait_until("what it has started is gone", LONG, async || match std::fs::read_to_string(&process) {
        Ok(stat) if !stat.contains(") Z ") => Err(stat),
        _ => Ok(()),
    })
    .await;
    plan.rewrite(&program("run = [\"echo\", \"$HOME; rm -rf *\"]"));
    plan.fly(&db, &[]).end().await.exits(0).says("$HOME; rm -rf *");
}

#[tokio::test]
async fn hooks_are_told_and_never_hold_anything_up() {
    let Some(version) = on(ENDS).last() else { return };
    let (db, _control) = stage(version.major, "hooks").await;
    let plan = Plan::of("");
    let told = plan.beside("told");
    let hooks = format!(
        "[[hook]]\non = [\"started\", \"done\", \"finished\"]\nshell = \"cat >> {}; echo >> {}\"\n\
         [[hook]]\non = [\"started\"]\nshell = \"exit 7\"\n\
         [[hook]]\non = [\"started\"]\nshell = \"sleep 1000\"\ntimeout = \"1s\"\n",
        told.display(),
        told.display()
    );
    let gate = "[[step]]\nid = \"wait\"\ngate = { soak = \"3s\" }\n";
    plan.rewrite(&format!("{hooks}{}{gate}", step("work", "create table h ()")));
    let run = plan.fly(&db, &[]);
    let done = run.step("work", "done").await;
    assert!(done["at_ms"].as_u64().is_some_and(|ms| ms < 1_000), "no hook is waited for: {done}");
    let text = written(&run, &told, "done").await;
    run.note("7").await;
    let hung = run.note("hook sh (started): ").await;
    assert!(hung["text"].as_str().is_some_and(|text| !text.is_empty()), "{hung}");
    let landed = run.end().await.exits(0);
    for line in text.lines().filter(|line| !line.is_empty()) {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(event.is_object(), "{event}");
    }
    assert!(landed.noted("it ran longer than 1000 ms, and was ended"), "{}", landed.told());
    let all = std::fs::read_to_string(&told).expect("told");
    assert!(all.contains("finished"), "{all}");
}

#[tokio::test]
async fn an_index_that_fills_the_disk_fails_and_is_cleaned_up() {
    for version in on(ENDS) {
        let Some(disk) = SmallDisk::mount(4_096) else { return };
        let cluster = Cluster::fresh(version.major, ServerOptions::default());
        let space = disk.path().join("space");
        std::fs::create_dir(&space).expect("a folder");
        let owner = std::fs::metadata(cluster.server().data_dir()).expect("its folder").uid();
        chown(&space, Some(owner), None).expect("its owner");
        let db = cluster.database("full").await;
        let control = db.actor("test/control").await;
        control.exec(&format!("create tablespace small location '{}'", space.display())).await;
        control.exec("create table t as select g as id, repeat(md5(g::text), 8) as x from generate_series(1, 40000) g").await;
        let plan = Plan::of(&step("work", "create index concurrently t_x on t (x) tablespace small"));
        let landed = plan.fly(&db, &[]).end().await.exits(6);
        landed.says("No space left on device");
        assert_eq!(landed.clean_ups(), ["DROP INDEX CONCURRENTLY public.t_x"], "{}", landed.told());
        control.exec(&landed.clean_ups()[0]).await;
        disk.remount("size=64m");
        plan.resume(&db, &[]).end().await.exits(0);
        control.exec("drop table t").await;
        control.exec("drop tablespace small").await;
    }
}
