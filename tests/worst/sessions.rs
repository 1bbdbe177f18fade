//! lockpit's own sessions are terminated, and every slot is taken.

use lockpit::demo::server::ServerOptions;
use tokio_postgres::Config;

use crate::flight::{Flight, on, own_backend, own_backends};
use crate::queue::{Queue, armed, stopped};
use crate::support::{Actor, Cluster, Database, LONG, cluster, wait_until};

/// A bound, not a benchmark: a stop over a session that must be opened again is still a matter of a second or so.
const STILL_QUICK_MS: u64 = 3_000;

#[tokio::test]
async fn terminated_sessions_are_opened_again() {
    let Some(version) = on(&[18]).next() else { return };
    let db = cluster(version.major).database("terminated").await;
    let observer = db.actor("test/observer").await;
    let flight = Flight::attach(&db.conninfo(), &[]).await;
    for kind in ["sampler", "control"] {
        let pid = own_backend(&observer, kind).await;
        observer.exec(&format!("select pg_terminate_backend({pid})")).await;
        let name = if kind == "control" { "control connection" } else { kind };
        flight.says("note", &format!("{name} is lost")).await;
        let up = flight.says("note", &format!("{name} is up again as pid")).await;
        let now = own_backend(&observer, kind).await;
        assert_ne!(now, pid);
        assert!(up["text"].as_str().is_some_and(|text| text.ends_with(&format!("pid {now}"))), "{up}");
        flight.sample_after(&up).await;
    }
    assert_eq!(flight.end().await.0, 0);
}

#[tokio::test]
async fn a_stop_works_though_the_control_session_was_terminated_before_the_jam() {
    for version in on(&[14, 18]) {
        let db = cluster(version.major).database("before").await;
        let queue = Queue::prepare(&db.config(), &db.name, 8).await;
        let flight = Flight::attach(&db.conninfo(), &armed(&db.name).each_ref().map(String::as_str)).await;
        terminate(&queue.observer, "control").await;
        let alter = queue.alter().await;
        let clients = queue.pile_up();
        drained(&flight).await;
        stopped(alter, clients).await;
        assert_eq!(flight.end().await.0, 4);
    }
}

#[tokio::test]
async fn a_stop_works_though_the_control_session_was_terminated_during_the_jam() {
    let Some(version) = on(&[15]).next() else { return };
    let db = cluster(version.major).database("during").await;
    let queue = Queue::prepare(&db.config(), &db.name, 8).await;
    let [arm, target, whom] = armed(&db.name);
    let args = [&*arm, &target, &whom, "--queue-depth", "1000", "--queue-age", "3s"];
    let flight = Flight::attach(&db.conninfo(), &args).await;
    let alter = queue.alter().await;
    let clients = queue.pile_up();
    flight.line("the victims", |line| line["victims"] == 8).await;
    terminate(&queue.observer, "control").await;
    drained(&flight).await;
    stopped(alter, clients).await;
    assert_eq!(flight.end().await.0, 4);
}

#[tokio::test]
async fn the_open_control_session_stops_though_every_slot_is_taken() {
    let Some(version) = on(&[18]).next() else { return };
    let crowd = Crowd::prepare(version.major).await;
    let alter = crowd.queue.alter().await;
    let mut fillers = Vec::new();
    while let Some(filler) = crowd.fill().await {
        fillers.push(filler);
    }
    let clients = crowd.queue.pile_up();
    drained(&crowd.flight).await;
    stopped(alter, clients).await;
    assert_eq!(crowd.flight.end().await.0, 4);
}

#[tokio::test]
async fn a_stop_that_cannot_be_sent_is_never_told_as_one_that_worked() {
    let Some(version) = on(&[18]).next() else { return };
    let crowd = Crowd::prepare(version.major).await;
    let alter = crowd.queue.alter().await;
    let mut fillers = Vec::new();
    // Whoever is quicker gets the slot that the control session leaves.
    wait_until("every slot is taken and the control session is gone", LONG, async || {
        while let Some(filler) = crowd.fill().await {
            fillers.push(filler);
        }
        match own_backends(&crowd.queue.observer, "control").await[..] {
            [] => Ok(()),
            ref control => {
                for pid in control {
                    crowd.queue.observer.exec(&format!("select pg_terminate_backend({pid}, 1000)")).await;
                }
                fillers.extend(crowd.fill().await);
                Err(format!("{control:?} of the control session"))
            }
        }
    })
    .await;
    let clients = crowd.queue.pile_up();
    let word = crowd.flight.last_word().await;
    assert_eq!(word["result"], "lost", "{word}");
    assert!(crowd.queue.is_waiting().await, "as is true: nobody stopped it");
    assert!(crowd.flight.said("outcome", "slots"), "the reason is told: {}", crowd.flight.stdout());
    assert!(word["drained_ms"].is_null() && word["gone_ms"].is_null(), "{word}");

    // With a slot there is a way again, and what still harms is stopped after all.
    drop(fillers);
    drained(&crowd.flight).await;
    stopped(alter, clients).await;
    assert_eq!(crowd.flight.end().await.0, 4);
}

/// Terminates lockpit's one backend of this kind, and waits for its end.
async fn terminate(observer: &Actor, kind: &str) {
    let pid = own_backend(observer, kind).await;
    observer.exec(&format!("select pg_terminate_backend({pid}, 10000)")).await;
}

/// Waits until a stop has done its work, soon enough after the trip it answers.
async fn drained(flight: &Flight) {
    let word = flight
        .line("a stop that drained the queue", |line| {
            line["type"] == "outcome" && line["final"] == true && line["result"] == "drained"
        })
        .await;
    assert!(word["drained_ms"].as_u64().is_some_and(|ms| ms < STILL_QUICK_MS), "{word}");
}

/// A small server on which an ordinary login flies, and slots that ordinary logins can take.
struct Crowd {
    queue: Queue,
    flight: Flight,
    filler: Config,
    // Last: it outlives its sessions.
    _cluster: Cluster,
}

impl Crowd {
    async fn prepare(major: u32) -> Crowd {
        let small = ServerOptions::default().set("max_connections", "24").set("max_wal_senders", "0");
        let cluster = Cluster::fresh(major, small.set("wal_level", "minimal"));
        let db = cluster.database("crowd").await;
        let admin = db.actor("test/admin").await;
        admin
            .exec(
                "create role pilot login; grant pg_monitor, pg_signal_backend to pilot; create role deployer login;
                 grant create on schema public to deployer",
            )
            .await;
        let filler = as_role(&db, "deployer");
        let mut queue = Queue::prepare(&filler, &db.name, 6).await;
        queue.observer = admin;
        let conninfo = db.conninfo().replace("user=postgres", "user=pilot");
        let flight = Flight::attach(&conninfo, &armed(&db.name).each_ref().map(String::as_str)).await;
        Crowd { queue, flight, filler, _cluster: cluster }
    }

    /// One more session, or none when every slot is taken.
    async fn fill(&self) -> Option<Actor> {
        Actor::try_connect(&self.filler, "filler").await.ok()
    }
}

fn as_role(db: &Database, role: &str) -> Config {
    let mut config = db.config();
    config.user(role);
    config
}
