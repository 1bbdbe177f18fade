//! Figures of this machine beside real servers on it: a backend at work shows, and another process never does.

use lockpit::clock::FlightClock;
use lockpit::engine::host::{HostFacts, HostRates};
use lockpit::engine::ids::{BackendId, Pid, ServerTime};
use lockpit::engine::sample::Fact;
use lockpit::host::{Choice, read};
use lockpit::pg::sampler::Own;
use lockpit::replay::Replay;
use rustix::process::Signal;

use crate::support::{Actor, LONG, Program, cluster, versions, wait_until};

async fn identity(of: &Actor, observer: &Actor) -> BackendId {
    let sql = format!(
        "select (extract(epoch from backend_start) * 1000000)::int8 from pg_stat_activity where pid = {}",
        of.pid()
    );
    BackendId { pid: Pid(of.pid()), backend_start: Some(ServerTime(observer.value(&sql).await)) }
}

fn facts(own: BackendId, of: &[BackendId], clock: &FlightClock) -> Result<HostFacts, String> {
    let choice = Choice { backends: of.to_vec(), left_out: 0 };
    match read(&Own { backend: own, peer: None }, &choice, clock) {
        Fact::Known(facts) => Ok(facts),
        Fact::Missing(why) => Err(why),
    }
}

#[tokio::test]
async fn a_backend_that_burns_a_processor_shows_and_an_idle_one_does_not() {
    for version in [versions().first(), versions().last()].into_iter().flatten() {
        let db = cluster(version.major).database("burning").await;
        let (observer, burner, idle) =
            (db.actor("observer").await, db.actor("burner").await, db.actor("idle").await);
        let own = identity(&observer, &observer).await;
        let (burning, idling) = (identity(&burner, &observer).await, identity(&idle, &observer).await);
        let clock = FlightClock::start();
        let first = facts(own, &[burning, idling], &clock).expect("the server is here");
        assert_eq!((first.backends.len(), first.unread), (2, 0));
        assert!(first.backends.iter().all(|process| process.rss_bytes > 1_000_000), "{first:?}");
        assert!(first.machine.memory.is_some() && first.machine.load_milli.is_some(), "{first:?}");
        let running = burner.spawn("do 'begin loop end loop; end'");
        let rates = wait_until("a busy backend", LONG, async || {
            let now = facts(own, &[burning, idling], &clock)?;
            let rates = HostRates::between(&first, &now);
            match rates.backend(burning).and_then(|rates| rates.cpu_permille) {
                Some(1..) if rates.cpu_permille > Some(0) => Ok(rates),
                _ => Err(format!("{rates:?}")),
            }
        })
        .await;
        burner.cancel().await;
        running.finish(LONG).await.expect_err("it was cancelled");
        let burnt = rates.backend(burning).and_then(|rates| rates.cpu_permille);
        let idled = rates.backend(idling).and_then(|rates| rates.cpu_permille);
        assert!(idled.is_some() && idled < burnt, "{rates:?}");
    }
}

#[tokio::test]
async fn a_process_that_is_not_known_to_be_the_backend_is_never_shown() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("elsewhere").await;
    let (observer, other) = (db.actor("observer").await, db.actor("other").await);
    let own = identity(&observer, &observer).await;
    let clock = FlightClock::start();
    let moved = |of: BackendId, s: i64| {
        let start = of.backend_start.expect("a start").0 + s * 1_000_000;
        BackendId { backend_start: Some(ServerTime(start)), ..of }
    };

    // Another session of the same pid: a container, a tunnel.
    for s in [-60, -4, 4, 60] {
        let why = facts(moved(own, s), &[], &clock).expect_err("another start");
        assert!(why.contains("began at another time"), "{why}");
    }
    let here = i32::try_from(std::process::id()).expect("a pid");
    let why = facts(BackendId { pid: Pid(here), ..own }, &[], &clock).expect_err("not PostgreSQL");
    assert!(why.contains("another program"), "{why}");
    for nobody in [0, -1, i32::MAX] {
        let why = facts(BackendId { pid: Pid(nobody), ..own }, &[], &clock).expect_err("nobody");
        assert!(why.contains("no process here"), "{why}");
    }
    let hidden = BackendId { backend_start: None, ..own };
    assert!(facts(hidden, &[], &clock).expect_err("unknown start").starts_with("not allowed"));

    // The server is here, and of the backends asked for one is who it was.
    let other = identity(&other, &observer).await;
    let wanted = [moved(other, 30), BackendId { pid: Pid(here), ..other }, hidden, other];
    let seen = facts(own, &wanted, &clock).expect("the server is here");
    let shown: Vec<BackendId> = seen.backends.iter().map(|process| process.backend).collect();
    assert_eq!((shown, seen.unread), (vec![other], 3));
}

#[tokio::test]
async fn a_recorded_flight_shows_the_figures_it_had() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("recorded").await;
    let burner = db.actor("burner").await;
    let running = burner.spawn("do 'begin loop end loop; end'");
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("of.flight");
    let path = log.to_str().expect("a path");
    let mut program = Program::lockpit(["attach", &db.conninfo(), "--headless", "--record", path]);
    // What is on disk while the flight is in the air: two readings with a rate between them.
    let rates = wait_until("a rate in the log", LONG, async || {
        let mut replay = Replay::open(&log).map_err(|error| error.to_string())?;
        let mut seen = Err("no step".to_owned());
        while replay.step().map_err(|error| error.to_string())?.is_some() {
            let Fact::Known(view) = replay.cockpit().host() else { continue };
            let mut of = view.rates.backends.iter();
            seen = match of.find(|rates| rates.backend.pid == Pid(burner.pid())) {
                Some(rates) if rates.cpu_permille > Some(0) => return Ok(*rates),
                _ => Err(format!("{view:?}")),
            };
        }
        seen
    })
    .await;
    assert!(rates.backend.backend_start.is_some());
    program.signal(Signal::INT);
    assert_eq!(program.exit(LONG).await, 0, "{}", program.stderr());
    burner.cancel().await;
    running.finish(LONG).await.expect_err("it was cancelled");
}
