//! Relations of other databases are numbers: the same number names another table here.

use crate::flight::{Flight, on};
use crate::queue::Queue;
use crate::support::cluster;

#[tokio::test]
async fn a_lock_in_another_database_never_gets_a_name_of_this_one() {
    let Some(version) = on(&[15]).next() else { return };
    let there = cluster(version.major).database("there").await;
    there.actor("test/setup").await.exec("create table decoy (id int)").await;
    // A copy has the same numbers; its table gets another name.
    let here = format!("{}_copy", there.name);
    let admin = cluster(version.major).database_named("postgres").actor("test/admin").await;
    crate::support::wait_until("the template has no sessions", crate::support::LONG, async || {
        admin
            .try_exec(&format!("create database {here} template {}", there.name))
            .await
            .map_err(|e| format!("{e:?}"))
    })
    .await;
    let here = cluster(version.major).database_named(&here);
    let local = here.actor("test/setup").await;
    local.exec("alter table decoy rename to innocent").await;
    let oid: String = local.value("select oid::text from pg_class where relname = 'innocent'").await;

    let remote = there.actor("test/observer").await;
    assert_eq!(remote.value::<String>("select 'decoy'::regclass::oid::text").await, oid);
    let reader = there.actor("report-job").await;
    reader.exec("begin; select count(*) from decoy").await;
    let ddl = there.actor(&there.name).await;
    let alter = ddl.spawn("alter table decoy add column added int");
    let client = there.actor("app").await;

    let flight = Flight::attach(&here.conninfo(), &["--target", &format!("pid={}", ddl.pid())]).await;
    let found = flight.line("the target", |line| line["type"] == "target" && line["state"] == "found").await;
    let read = client.spawn("select count(*) from decoy");
    let number = format!("{}.{oid}", there.name);
    assert_eq!(found["relation"], *number, "{found}");
    let sample = flight
        .line("the queue in a sample", |line| {
            line["heads"].as_array().is_some_and(|heads| !heads.is_empty()) && line["target_pid"] == ddl.pid()
        })
        .await;
    let lock =
        sample["heads"].as_array().and_then(|heads| heads.iter().find(|head| head["pid"] == ddl.pid()));
    let expected = format!("awaits AccessExclusiveLock on {number}");
    assert_eq!(lock.map(|head| &head["lock"]), Some(&expected.into()), "{sample}");
    for name in ["innocent", "decoy"] {
        // Its own text names the table it locks; nothing else does.
        let lines = flight.stdout();
        let wrong: Vec<&str> = lines
            .lines()
            .filter(|line| {
                line.contains(name) && !line.contains(" table decoy") && !line.contains("from decoy")
            })
            .collect();
        assert!(wrong.is_empty(), "{name} in {wrong:?}");
    }
    reader.exec("commit").await;
    alter.finish(crate::support::LONG).await.expect("it goes through");
    read.finish(crate::support::LONG).await.expect("the client reads on");
    assert_eq!(flight.end().await.0, 0);
}

#[tokio::test]
async fn a_table_that_is_not_committed_is_not_called_anything() {
    let Some(version) = on(&[18]).next() else { return };
    let db = cluster(version.major).database("uncommitted").await;
    let queue = Queue::prepare(&db.config(), &db.name, 0).await;
    let alter = queue.alter().await;
    let maker = db.actor("maker").await;
    maker.exec("begin; create table unseen (id int primary key)").await;
    let flight = Flight::attach(&db.conninfo(), &["--target", &format!("app={}", db.name)]).await;
    let found = flight.line("the target", |line| line["type"] == "target" && line["state"] == "found").await;
    assert_eq!(found["relation"], "queued");
    assert!(!flight.stdout().contains("unseen\""), "{}", flight.stdout());
    queue.reader.exec("commit").await;
    alter.finish(crate::support::LONG).await.expect("it goes through");
    assert_eq!(flight.end().await.0, 0);
}
