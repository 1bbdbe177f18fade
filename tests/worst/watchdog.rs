//! The dead-man's switch: what becomes of a strong attempt when lockpit is gone.

use std::time::Duration;

use lockpit::clock::FlightClock;
use rustix::process::Signal;

use crate::flight::{Flight, Frozen, gone, no_backend_left, on, own_backend, stays};
use crate::queue::{PATIENT, Queue, armed, stopped};
use crate::support::{Database, LONG, cluster, wait_until};

/// An armed flight, and an ALTER TABLE in a queue that no limit reaches.
struct Guarded {
    db: Database,
    queue: Queue,
    flight: Flight,
}

impl Guarded {
    async fn new(major: u32, if_lost: &str) -> Guarded {
        let db = cluster(major).database("watchdog").await;
        let queue = Queue::prepare(&db.config(), &db.name, 0).await;
        let [arm, target, whom] = armed(&db.name);
        let args = [&[&*arm, &target, &whom, "--if-lost", if_lost][..], &PATIENT].concat();
        let flight = Flight::attach(&db.conninfo(), &args).await;
        Guarded { db, queue, flight }
    }

    async fn switch_is_set(&self, pid: i32) {
        self.flight.says("note", &format!("watchdog guards pid {pid}")).await;
        // lockpit says so as it sends the loop; from here on the server runs it.
        let sql = "select exists (select from pg_stat_activity where datname = current_database() \
                   and application_name like 'lockpit/watchdog%' and state = 'active')";
        wait_until("the loop runs", LONG, async || {
            if self.queue.observer.value::<bool>(sql).await { Ok(()) } else { Err("it does not".to_owned()) }
        })
        .await;
    }
}

#[expect(clippy::print_stderr, reason = "a measurement, for whoever reads the test's output")]
fn measured(major: u32, what: &str, clock: FlightClock) {
    eprintln!("PostgreSQL {major}: {what}: the strong lock was gone after {} ms", clock.now().ms());
}

#[tokio::test]
async fn a_stopped_lockpit_leaves_no_strong_lock() {
    for version in on(&[14, 15, 18]) {
        let Guarded { queue, flight, .. } = &Guarded::new(version.major, "stop").await;
        let alter = queue.alter().await;
        flight.says("note", &format!("watchdog guards pid {}", queue.ddl.pid())).await;
        let clock = FlightClock::start();
        flight.signal(Signal::STOP);
        stopped(alter, Vec::new()).await;
        measured(version.major, "SIGSTOP of lockpit", clock);
        flight.signal(Signal::CONT);
        let note = flight.says("note", "it acted").await;
        assert_eq!(note["warning"], true, "awake again, lockpit tells what was done: {note}");
        flight.sample_after(&note).await;
    }
}

#[tokio::test]
async fn a_killed_lockpit_leaves_no_strong_lock() {
    for version in on(&[14, 15, 18]) {
        let guarded = Guarded::new(version.major, "stop").await;
        let alter = guarded.queue.alter().await;
        guarded.switch_is_set(guarded.queue.ddl.pid()).await;
        let Guarded { queue, flight, .. } = guarded;
        let clock = FlightClock::start();
        flight.killed().await;
        stopped(alter, Vec::new()).await;
        measured(version.major, "kill -9 of lockpit", clock);
        no_backend_left(&queue.observer).await;
    }
}

#[tokio::test]
async fn a_living_lockpit_and_one_that_leaves_in_order_disturb_nobody() {
    let Some(version) = on(&[18]).next() else { return };
    let guarded = Guarded::new(version.major, "stop").await;
    let alter = guarded.queue.alter().await;
    guarded.switch_is_set(guarded.queue.ddl.pid()).await;
    stays("the ALTER waits on", Duration::from_secs(5), || !alter.is_finished()).await;

    let Guarded { queue, flight, .. } = guarded;
    let (exit, end) = flight.end().await;
    assert_eq!((exit, &end["trips"]), (0, &0.into()), "{end}");
    no_backend_left(&queue.observer).await;
    // Longer than the switch would need.
    stays("the ALTER waits on", Duration::from_secs(2), || !alter.is_finished()).await;
    queue.reader.exec("commit").await;
    alter.finish(LONG).await.expect("it was never disturbed");
}

/// A login that takes on another role sees its own sessions under its own name, or not at all: neither may
/// pass for a lockpit that is gone.
#[tokio::test]
async fn a_login_with_another_role_disturbs_nobody() {
    let Some(version) = on(&[18]).next() else { return };
    let db = cluster(version.major).database("watchdog_role").await;
    let admin = db.actor("test/admin").await;
    let [login, role, owner] = ["login", "role", "owner"].map(|kind| format!("{}_{kind}", db.name));
    let roles = format!(
        "create role {owner} login; create role {role}; create role {login} login in role {role}; \
         alter role {login} set role = {role}; grant {owner} to {role}; grant create on schema public to {owner}"
    );
    admin.exec(&roles).await;
    let conninfo = db.conninfo().replace("user=postgres", &format!("user={login}"));
    let mut as_owner = db.config();
    as_owner.user(&owner);
    let queue = Queue::prepare(&as_owner, &db.name, 0).await;
    let [arm, target, whom] = armed(&db.name);
    let args = [&[&*arm, &target, &whom, "--if-lost", "stop"][..], &PATIENT].concat();
    for note in ["does not see the activity", "guards pid"] {
        let flight = Flight::attach(&conninfo, &args).await;
        let alter = queue.alter().await;
        flight.says("note", note).await;
        stays("the ALTER waits on", Duration::from_secs(3), || !alter.is_finished()).await;
        flight.end().await;
        queue.ddl.cancel().await;
        alter.finish(LONG).await.expect_err("cancelled by its own client");
        admin.exec(&format!("grant pg_read_all_stats to {role}")).await;
    }
}

#[tokio::test]
async fn the_switch_follows_the_target() {
    let Some(version) = on(&[15]).next() else { return };
    let guarded = Guarded::new(version.major, "stop").await;
    let first = guarded.queue.alter().await;
    guarded.switch_is_set(guarded.queue.ddl.pid()).await;
    guarded.queue.ddl.cancel().await;
    first.finish(LONG).await.expect_err("cancelled by its own client");
    guarded.flight.says("note", "watchdog released").await;

    let other = guarded.db.actor(&guarded.db.name).await;
    let second = guarded.queue.alter_by(&other).await;
    guarded.switch_is_set(other.pid()).await;
    guarded.queue.ddl.exec("select 'the first session is not hit'").await;
    let Guarded { queue, flight, .. } = guarded;
    flight.killed().await;
    stopped(second, Vec::new()).await;
    queue.ddl.exec("select 'the first session is not hit'").await;
}

#[tokio::test]
async fn a_frozen_sampler_is_not_a_dead_lockpit() {
    let Some(version) = on(&[18]).next() else { return };
    let guarded = Guarded::new(version.major, "stop").await;
    let alter = guarded.queue.alter().await;
    guarded.switch_is_set(guarded.queue.ddl.pid()).await;
    let sampler = own_backend(&guarded.queue.observer, "sampler").await;
    let frozen = Frozen::idle_backend(&guarded.queue.observer, sampler).await;

    // lockpit itself has either found facts again or, after 2 s without, stopped the target; the switch has not.
    let flight = &guarded.flight;
    let settled = flight
        .line("facts again, or a stop by lockpit", |line| {
            line["type"] == "outcome" && line["final"] == true
                || line["text"].as_str().is_some_and(|text| text.starts_with("sampler is up again"))
        })
        .await;
    flight.sample_after(&settled).await;
    assert!(!flight.said("note", "it acted"), "{}", flight.stdout());
    if flight.lines("trip").is_empty() {
        assert!(!alter.is_finished(), "nobody stopped it");
    } else {
        assert_eq!(flight.lines("trip")[0]["guardrail"], "blind");
        stopped(alter, Vec::new()).await;
    }
    drop(frozen);
    gone(&guarded.queue.observer, sampler).await;
}

#[tokio::test]
async fn by_default_a_foreign_migration_outlives_lockpit() {
    let Some(version) = on(&[18]).next() else { return };
    let Guarded { queue, flight, .. } = Guarded::new(version.major, "keep").await;
    let alter = queue.alter().await;
    flight.line("the target", |line| line["type"] == "target" && line["state"] == "found").await;
    flight.killed().await;
    no_backend_left(&queue.observer).await;
    // Longer than a dead-man's switch would need.
    stays("the ALTER waits on", Duration::from_secs(2), || !alter.is_finished()).await;
    assert!(queue.is_waiting().await);
    queue.reader.exec("commit").await;
    alter.finish(LONG).await.expect("it was never disturbed");
}
