//! One transaction that locks every partition of a large table.

use lockpit::demo::server::ServerOptions;

use crate::flight::{Flight, on};
use crate::support::{Cluster, LONG, wait_until};

const PARTITIONS: usize = 800;
/// Samples whose intervals are looked at.
const WINDOW: usize = 12;

#[tokio::test]
async fn hundreds_of_locks_are_sampled_and_slow_the_pace_only_while_nobody_waits() {
    let Some(version) = on(&[18]).next() else { return };
    // A server of its own: waiters of other tests would be looked at too.
    let cluster = Cluster::fresh(version.major, ServerOptions::default());
    let db = cluster.database("partitions").await;
    let ddl = db.actor(&db.name).await;
    ddl.exec(&format!(
        "create table events (id int, at int) partition by list (at);
         do $$ begin for i in 1..{PARTITIONS} loop
             execute format('create table events_%s partition of events for values in (%s)', i, i);
         end loop; end $$"
    ))
    .await;
    ddl.exec("begin; lock table events in access exclusive mode").await;
    let held: i64 = ddl.value("select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'relation' and mode = 'AccessExclusiveLock'").await;
    assert_eq!(held, 801, "the table and its partitions");

    let whom = format!("app={}", db.name);
    let flight = Flight::attach(&db.conninfo(), &["--target", &whom, "--interval", "50ms"]).await;
    flight.line("the target", |line| line["type"] == "target" && line["state"] == "found").await;
    let alone = intervals(&flight, |line| line["victims"] == 0).await;

    let client = db.actor("app").await;
    let waits = client.spawn("select count(*) from events");
    let crowded = intervals(&flight, |line| line["victims"] == 1).await;

    // Not times, but their order: at this pace any look is over its budget of 2 % of a core.
    assert!(alone > 2 * crowded, "{alone} ms between samples without victims, {crowded} ms with one");

    ddl.exec("rollback").await;
    waits.finish(LONG).await.expect("the client reads on");
    let (exit, end) = flight.end().await;
    assert_eq!((exit, &end["missed"]), (0, &0.into()), "{end}");
}

/// The median interval between consecutive samples of a kind, in milliseconds, once enough are there.
async fn intervals(flight: &Flight, kind: impl Fn(&serde_json::Value) -> bool) -> u64 {
    let of_kind = || -> Vec<u64> {
        flight
            .lines("sample")
            .iter()
            .filter(|line| kind(line))
            .filter_map(|line| line["at_ms"].as_u64())
            .collect()
    };
    wait_until("enough samples", LONG, async || match of_kind().len() {
        n if n > WINDOW => Ok(()),
        n => Err(format!("{n} samples")),
    })
    .await;
    median(of_kind().windows(2).map(|pair| pair[1] - pair[0]).collect())
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values[values.len() / 2]
}
