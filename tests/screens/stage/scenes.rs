//! What happens in each recording.

use std::path::Path;

use lockpit::demo::server::ServerOptions;
use rustix::process::{Pid, Signal, kill_process};

use super::flight::Flight;
use super::shop::{ON_ORDERS, Shop};
use crate::recordings::Name;
use crate::support::{LONG, wait_until};

const ALTER: &str = "alter table orders add column delivery_note text not null default ''";

/// Flies the recording called `name`, into `log`.
pub(super) async fn fly(name: Name, major: u32, log: &Path) {
    match name {
        Name::Healthy => healthy(major, log).await,
        Name::Jam => jam(major, log, "dba").await,
        Name::Masked => jam(major, log, "watcher").await,
        Name::Tripped => tripped(major, log).await,
        Name::Cic => cic(major, log).await,
        Name::Blind => blind(major, log).await,
        Name::Lag => lag(major, log).await,
        Name::Prepared => prepared(major, log).await,
        Name::Deadlock => deadlock(major, log).await,
        Name::Plan => plan(major, log).await,
    }
}

/// Traffic, a standby, and nothing that anybody would have to look at.
async fn healthy(major: u32, log: &Path) {
    let shop = Shop::open(major, ServerOptions::default()).await;
    let _standby = shop.cluster.standby("standby-1").await;
    let traffic = shop.traffic().await;
    let flight = Flight::start(&shop, "dba", log, &[]).await;
    flight.sees(12_000).await;
    flight.land().await;
    traffic.stop().await;
}

/// A forgotten reader, an ALTER TABLE behind it, the shop behind that; nobody does anything about it.
async fn jam(major: u32, log: &Path, role: &str) {
    let shop = Shop::open(major, ServerOptions::default()).await;
    let traffic = shop.traffic().await;
    let flight = Flight::start(&shop, role, log, &[]).await;
    flight.sees(2_500).await;
    let reader = shop.old_reader().await;
    flight.sees(2_500).await;
    let deploy = shop.session("deploy", "deploy").await;
    let alter = deploy.spawn(ALTER);
    shop.queue_of(ON_ORDERS + 1).await;
    flight.sees(6_000).await;
    reader.exec("commit").await;
    alter.finish(LONG).await.expect("it goes through");
    flight.sees(2_500).await;
    flight.land().await;
    traffic.stop().await;
}

/// The same under guard.
async fn tripped(major: u32, log: &Path) {
    let shop = Shop::open(major, ServerOptions::default()).await;
    let traffic = shop.traffic().await;
    let args = ["--target", "app=deploy", "--arm", "--queue-depth", "20"];
    let flight = Flight::start(&shop, "dba", log, &args).await;
    flight.sees(2_500).await;
    let _reader = shop.old_reader().await;
    flight.sees(1_500).await;
    let deploy = shop.session("deploy", "deploy").await;
    let alter = deploy.spawn(ALTER);
    flight.line("the end of the stop", |line| line["final"] == true).await;
    alter.finish(LONG).await.expect_err("it was stopped");
    flight.sees(4_000).await;
    flight.land().await;
    traffic.stop().await;
}

/// An index is built without a lock, and waits for a transaction that was open before.
async fn cic(major: u32, log: &Path) {
    let shop = Shop::open(major, ServerOptions::default()).await;
    let traffic = shop.traffic().await;
    let flight = Flight::start(&shop, "dba", log, &[]).await;
    flight.sees(2_500).await;
    let reader = shop.old_reader().await;
    let deploy = shop.session("deploy", "deploy").await;
    let build = deploy.spawn("create index concurrently orders_by_status on orders (status, placed_at)");
    wait_until("the build waits", LONG, async || {
        let phases =
            shop.observer.rows("select phase, current_locker_pid from pg_stat_progress_create_index");
        let phases = phases.await;
        let waits = format!("waiting for old snapshots|{}", reader.pid());
        if phases.contains(&waits) { Ok(()) } else { Err(format!("{phases:?}")) }
    })
    .await;
    flight.sees(6_000).await;
    reader.exec("commit").await;
    build.finish(LONG).await.expect("it is built");
    flight.sees(2_000).await;
    flight.land().await;
    traffic.stop().await;
}

/// Armed, with work under guard, and then the server answers nothing for a while.
async fn blind(major: u32, log: &Path) {
    let shop = Shop::open(major, ServerOptions::default()).await;
    let traffic = shop.traffic().await;
    let args = ["--target", "app=deploy", "--arm", "--if-lost", "keep"];
    let limits = ["--queue-depth", "200", "--queue-age", "5m"];
    let flight = Flight::start(&shop, "dba", log, &[&args[..], &limits].concat()).await;
    flight.sees(2_500).await;
    let reader = shop.old_reader().await;
    let deploy = shop.session("deploy", "deploy").await;
    let alter = deploy.spawn(ALTER);
    flight.sees_waiting(ON_ORDERS).await;
    flight.sees(2_000).await;
    let sql =
        "select string_agg(pid::text, ',') from pg_stat_activity where application_name like 'lockpit/%'";
    let sessions: String = shop.observer.value(sql).await;
    let postmaster = shop.cluster.server().postmaster_pid().expect("a running server").to_string();
    let frozen = Frozen::all(sessions.split(',').chain([&*postmaster]));
    flight.line("it is blind", |line| line["type"] == "guard" && line["state"] == "blind").await;
    // Nothing is printed while nothing is seen: how long that is can only be waited for.
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    drop(frozen);
    flight.line("it sees again", |line| line["type"] == "gap").await;
    flight.sees(2_000).await;
    reader.exec("commit").await;
    alter.finish(LONG).await.expect("it goes through");
    flight.sees(2_000).await;
    flight.land().await;
    traffic.stop().await;
}

/// A standby that receives and does not apply, and a slot that nobody reads.
async fn lag(major: u32, log: &Path) {
    let shop = Shop::open(major, ServerOptions::default()).await;
    let standby = shop.cluster.standby("standby-1").await;
    shop.observer.exec("select pg_create_physical_replication_slot('old_standby', true)").await;
    let traffic = shop.traffic().await;
    let flight = Flight::start(&shop, "dba", log, &[]).await;
    flight.sees(3_000).await;
    standby.database_named("postgres").actor("test/stage").await.exec("select pg_wal_replay_pause()").await;
    let deploy = shop.session("deploy", "deploy").await;
    let backfill =
        deploy.spawn("update orders set status = 'archived' where placed_at < now() - interval '20 days'");
    flight.sees(9_000).await;
    backfill.finish(LONG).await.expect("it is done");
    flight.land().await;
    traffic.stop().await;
}

/// A transaction that was prepared and forgotten: there is no session that could be stopped.
async fn prepared(major: u32, log: &Path) {
    let options = ServerOptions::default().set("max_prepared_transactions", "5");
    let shop = Shop::open(major, options).await;
    let payment = shop.session("shop", "payment").await;
    payment.exec("begin").await;
    payment.exec("update orders set status = 'paid' where id = 11999").await;
    payment.exec("prepare transaction 'payment-4711'").await;
    let traffic = shop.traffic().await;
    let flight = Flight::start(&shop, "dba", log, &[]).await;
    flight.sees(2_500).await;
    let deploy = shop.session("deploy", "deploy").await;
    let alter = deploy.spawn(ALTER);
    flight.sees_waiting(ON_ORDERS).await;
    flight.sees(4_000).await;
    payment.exec("commit prepared 'payment-4711'").await;
    alter.finish(LONG).await.expect("it goes through");
    flight.sees(2_000).await;
    flight.land().await;
    traffic.stop().await;
}

/// Two that wait for each other, until the server ends it.
async fn deadlock(major: u32, log: &Path) {
    let shop = Shop::open(major, ServerOptions::default().set("deadlock_timeout", "6s")).await;
    let flight = Flight::start(&shop, "dba", log, &[]).await;
    let checkout = shop.session("shop", "checkout").await;
    let warehouse = shop.session("shop", "warehouse").await;
    checkout.exec("begin").await;
    warehouse.exec("begin").await;
    checkout.exec("update orders set status = 'paid' where id = 1").await;
    warehouse.exec("update products set stock = stock - 1 where id = 7").await;
    let first = checkout.spawn("update products set stock = stock - 1 where id = 7");
    shop.queue_of(1).await;
    let second = warehouse.spawn("update orders set status = 'shipped' where id = 1");
    flight.sees_waiting(2).await;
    let first = first.finish(LONG).await;
    let second = second.finish(LONG).await;
    assert!(first.is_err() != second.is_err(), "the server ends one of them");
    flight.sees(1_500).await;
    flight.land().await;
}

/// What is flown in [`plan`]; its last index cannot be unique.
const PLAN: &str = r#"
[plan]
name = "orders-delivery"
version = "2026.11.21"
owner = "logistics"

[[step]]
id = "note"
phase = "expand"
sql = "alter table orders add column delivery_note text"
undo = "alter table orders drop column delivery_note"

[[step]]
id = "by-status"
phase = "expand"
sql = "create index concurrently orders_by_status on orders (status, placed_at)"

[[step]]
id = "release"
phase = "migrate"
gate = { ask = "Is the release that writes delivery notes on all hosts?" }

[[step]]
id = "one-each"
phase = "contract"
sql = "create unique index concurrently orders_one_each on orders (customer_id, status)"
"#;

/// A plan that waits for a forgotten reader, has its gate opened in advance, and fails at its last step.
async fn plan(major: u32, log: &Path) {
    let shop = Shop::open(major, ServerOptions::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("plan.toml");
    std::fs::write(&file, PLAN).expect("written");
    let reader = shop.old_reader().await;
    wait_until("the reader is old", LONG, async || {
        let sql = format!(
            "select clock_timestamp() - xact_start > '1 s' from pg_stat_activity where pid = {}",
            reader.pid()
        );
        if shop.observer.value::<bool>(&sql).await { Ok(()) } else { Err("it is young".to_owned()) }
    })
    .await;
    let flight = Flight::fly(&shop, &file, log, &["--approve", "release"]).await;
    let is_late = |line: &serde_json::Value| line["id"] == "note" && line["state"] == "acquiring";
    flight.line("the step waits", is_late).await;
    flight.sees(1_000).await;
    reader.exec("commit").await;
    assert_eq!(flight.ends().await, 6, "its last step fails");
}

/// Processes of this test's server, stopped; dropped, they go on.
struct Frozen(Vec<Pid>);

impl Frozen {
    fn all<'a>(pids: impl Iterator<Item = &'a str>) -> Frozen {
        let pids = pids.filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect();
        let frozen = Frozen(pids);
        for pid in &frozen.0 {
            kill_process(*pid, Signal::STOP).expect("a signal to a process of this test's server");
        }
        frozen
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for pid in &self.0 {
            // It may be gone by now.
            let _ = kill_process(*pid, Signal::CONT);
        }
    }
}
