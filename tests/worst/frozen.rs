//! Processes of the server that are stopped, so that nothing answers and nothing is closed.

use std::time::Duration;

use lockpit::demo::server::ServerOptions;
use serde_json::Value;

use crate::flight::{Flight, Frozen, gone, on, own_backend, own_backends, stays};
use crate::queue::{PATIENT, Queue, armed, stopped};
use crate::support::{Actor, Cluster, cluster};

#[tokio::test]
async fn a_frozen_sampler_is_replaced_and_the_guard_still_trips() {
    for version in on(&[14, 18]) {
        let db = cluster(version.major).database("frozen").await;
        let queue = Queue::prepare(&db.config(), &db.name, 8).await;
        let flight = Flight::attach(&db.conninfo(), &armed(&db.name).each_ref().map(String::as_str)).await;
        let sampler = own_backend(&queue.observer, "sampler").await;

        let frozen = Frozen::idle_backend(&queue.observer, sampler).await;
        let census = Census::begin(db.actor("test/census").await);
        let alter = queue.alter().await;
        let clients = queue.pile_up();

        let missed = flight.says("gap", "no answer; its session is given up").await;
        flight.says("note", "sampler is up again as pid").await;
        flight.sample_after(&missed).await;
        let word = flight.last_word().await;
        assert_eq!(word["result"], "drained", "PostgreSQL {}: {word}", version.major);
        stopped(alter, clients).await;

        assert!(own_backends(&queue.observer, "sampler").await.contains(&sampler), "it is still frozen");
        drop(frozen);
        gone(&queue.observer, sampler).await;
        assert_eq!(census.most().await, 2, "the frozen sampler and the one in its place, never more");
        assert_eq!(flight.end().await.0, 4);
    }
}

/// Without postmaster nobody can connect: a lost sampler stays lost.
async fn without_new_sessions(cluster: &Cluster, queue: &Queue) -> Frozen {
    let sampler = own_backend(&queue.observer, "sampler").await;
    let postmaster = cluster.server().postmaster_pid().expect("it runs").cast_signed();
    let frozen = Frozen::process(postmaster);
    queue.observer.exec(&format!("select pg_terminate_backend({sampler})")).await;
    frozen
}

#[tokio::test]
async fn a_blind_guard_stops_a_strong_target_that_was_not_to_be_kept() {
    for version in on(&[15]) {
        let cluster = Cluster::fresh(version.major, ServerOptions::default());
        let db = cluster.database("blind").await;
        let queue = Queue::prepare(&db.config(), &db.name, 0).await;
        let [arm, target, whom] = armed(&db.name);
        let args = [&[&*arm, &target, &whom, "--if-lost", "stop"][..], &PATIENT].concat();
        let flight = Flight::attach(&db.conninfo(), &args).await;
        let alter = queue.alter().await;
        flight.says("note", "watchdog guards pid").await;

        let frozen = without_new_sessions(&cluster, &queue).await;
        flight.line("the guard is blind", |line| line["type"] == "guard" && line["state"] == "blind").await;
        let trip = flight.line("the trip", |line| line["type"] == "trip").await;
        assert_eq!((&trip["guardrail"], &trip["acted"]), (&"blind".into(), &true.into()), "{trip}");
        let word = flight.last_word().await;
        assert_eq!(word["result"], "drained", "{word}");
        stopped(alter, Vec::new()).await;
        assert!(
            !flight.said("note", "it acted"),
            "the watchdog hears the control session: {}",
            flight.stdout()
        );

        drop(frozen);
        let up = flight.says("note", "sampler is up again").await;
        flight.sample_after(&up).await;
        assert_eq!(flight.end().await.0, 4);
    }
}

#[tokio::test]
async fn a_blind_guard_leaves_a_weak_target_and_one_that_is_to_be_kept() {
    let Some(version) = on(&[15]).next() else { return };
    let index = "create index concurrently queued_note on queued (note)";
    for (if_lost, ddl) in [("stop", index), ("keep", "alter table queued add column added int")] {
        let cluster = Cluster::fresh(version.major, ServerOptions::default());
        let db = cluster.database("blind").await;
        let queue = Queue::prepare(&db.config(), &db.name, 0).await;
        // Its old snapshot is what an index waits for.
        queue.reader.exec("commit; begin isolation level repeatable read; select count(*) from queued").await;
        let [arm, target, whom] = armed(&db.name);
        let args = [&[&*arm, &target, &whom, "--if-lost", if_lost][..], &PATIENT].concat();
        let flight = Flight::attach(&db.conninfo(), &args).await;
        let running = queue.ddl.spawn(ddl);
        flight.line("the target", |line| line["type"] == "target" && line["state"] == "found").await;

        let frozen = without_new_sessions(&cluster, &queue).await;
        flight.line("the guard is blind", is_blind).await;
        // The limit is 2 s: twice that must pass without anybody being stopped.
        stays("nobody is stopped", Duration::from_secs(4), || flight.lines("trip").is_empty()).await;
        assert!(!running.is_finished(), "{ddl} goes on");

        drop(frozen);
        let up = flight.says("note", "sampler is up again").await;
        flight.sample_after(&up).await;
        queue.reader.exec("commit").await;
        running.finish(crate::support::LONG).await.expect("it was never disturbed");
        let (exit, end) = flight.end().await;
        assert_eq!((exit, &end["trips"]), (0, &0.into()), "{end}");
    }
}

fn is_blind(line: &Value) -> bool {
    line["type"] == "guard" && line["guardrail"].is_null() && line["state"] == "blind"
}

/// Counts the sampler's backends until it is asked.
struct Census {
    task: tokio::task::JoinHandle<()>,
    most: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Census {
    fn begin(observer: Actor) -> Census {
        let most = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = std::sync::Arc::clone(&most);
        let task = tokio::spawn(async move {
            loop {
                let now = own_backends(&observer, "sampler").await.len();
                counted.fetch_max(now, std::sync::atomic::Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        Census { task, most }
    }

    /// The most there were at one time.
    async fn most(self) -> usize {
        self.task.abort();
        let ended = self.task.await;
        assert!(ended.is_err_and(|ended| ended.is_cancelled()), "it counted until now");
        self.most.load(std::sync::atomic::Ordering::Relaxed)
    }
}
