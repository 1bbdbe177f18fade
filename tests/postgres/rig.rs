//! The tests' own tools.

use std::time::Duration;

use lockpit::demo::server::ServerOptions;
use rustix::process::Signal;
use tokio::process::Command;
use tokio_postgres::error::SqlState;

use crate::support::{Cluster, LONG, Program, cluster, jam, jam_as, versions, wait_until};

#[tokio::test]
async fn every_version_runs_and_is_what_it_says() {
    assert!(!versions().is_empty(), "without any PostgreSQL nothing here is tested: run .ci/postgres");
    for version in versions() {
        let db = cluster(version.major).database("smoke").await;
        let actor = db.actor("smoke").await;
        let number: i32 = actor.value("select current_setting('server_version_num')::int").await;
        assert_eq!(u32::try_from(number).expect("positive") / 10_000, version.major);
        assert_eq!(actor.rows("select current_setting('application_name'), null").await, ["smoke|"]);
    }
}

#[tokio::test]
async fn a_jam_forms_and_dissolves_on_every_version() {
    for version in versions() {
        let db = cluster(version.major).database("jam").await;
        let jam = jam(&db, 7).await;
        assert_eq!(jam.waiting().await, (1, 7), "PostgreSQL {}", version.major);
        jam.dissolve().await;
    }
}

#[tokio::test]
async fn a_big_jam_ends_with_its_ddl() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("jam").await;
    let mut jam = jam_as(&db, "flyway", 200).await;
    assert_eq!(jam.ddl.pid(), jam.alter.pid());
    jam.ddl.cancel().await;
    let error = jam.alter.finish(LONG).await.expect_err("cancelled");
    assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED));
    for (_, victim) in jam.victims.drain(..) {
        victim.finish(LONG).await.expect("freed");
    }
}

#[tokio::test]
async fn a_killed_session_fails_its_statement_and_a_dropped_one_vanishes() {
    let Some(version) = versions().first() else { return };
    let db = cluster(version.major).database("kill").await;
    let (observer, killed, dropped) = (db.actor("o").await, db.actor("k").await, db.actor("d").await);
    let running = killed.spawn("select pg_sleep(600)");
    killed.kill().await;
    assert!(running.finish(LONG).await.is_err());
    let pid = dropped.pid();
    drop(dropped);
    wait_until("the dropped session is gone", LONG, async || {
        let left: i64 =
            observer.value(&format!("select count(*) from pg_stat_activity where pid = {pid}")).await;
        if left == 0 { Ok(()) } else { Err(format!("pid {pid} is there")) }
    })
    .await;
}

#[tokio::test]
async fn a_standby_streams_on_every_version() {
    for version in versions() {
        let primary = Cluster::fresh(version.major, ServerOptions::default());
        let standby = primary.standby("copy").await;
        let writer = primary.database_named("postgres").actor("writer").await;
        writer.exec("create table streamed as select 42 as id").await;
        let reader = standby.database_named("postgres").actor("reader").await;
        assert!(reader.value::<bool>("select pg_is_in_recovery()").await);
        wait_until("the table on the standby", LONG, async || {
            let seen = reader.rows("select to_regclass('streamed')").await;
            if seen == ["streamed"] { Ok(()) } else { Err(format!("{seen:?}")) }
        })
        .await;
        let states = writer.rows("select application_name, state from pg_stat_replication").await;
        assert_eq!(states, ["copy|streaming"], "PostgreSQL {}", version.major);
    }
}

fn shell(script: &str) -> Program {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    Program::start(command, |command| {
        command.env("GREETING", "hello");
    })
}

#[tokio::test]
async fn a_programs_lines_signals_and_exit_code_are_seen() {
    let mut program = shell(
        r#"trap 'echo "{\"type\":\"end\"}"; exit 5' TERM; echo "{\"type\":\"$GREETING\"}"; echo oops >&2
        while :; do sleep 0.01; done"#,
    );
    let first = program.line("the greeting", LONG, |line| line["type"] == "hello").await;
    assert_eq!(first, serde_json::json!({ "type": "hello" }));
    program.signal(Signal::TERM);
    assert_eq!(program.exit(LONG).await, 5);
    assert_eq!(program.lines().last(), Some(&serde_json::json!({ "type": "end" })));
    assert_eq!(program.stderr(), "oops");

    let mut killed = shell("exec sleep 600");
    killed.signal(Signal::KILL);
    assert_eq!(killed.exit(LONG).await, 128 + 9);
    assert_eq!(shell("exit 3").exit(Duration::from_secs(20)).await, 3);
}

#[tokio::test]
#[should_panic(expected = "not a JSON line")]
async fn a_line_that_is_not_json_fails_the_test() {
    let mut program = shell("echo plain");
    program.exit(LONG).await;
    program.lines();
}
