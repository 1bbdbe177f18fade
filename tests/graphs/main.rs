//! Thousands of random wait graphs, frozen on real servers, and compared with what the server itself says.
//!
//! A *case* is one team of sessions with tables, rows and advisory locks of its own, in which somebody waits.
//! Several teams share a scene, which is frozen and read as a whole; teams cannot wait for each other, and
//! that is checked. A team in which nobody waits is not counted.

#[path = "../support/mod.rs"]
mod support;

mod brute;
mod random;
mod scene;
mod truth;

use std::collections::BTreeSet;

use brute::Brute;
use lockpit::engine::catalog::Catalog;
use lockpit::engine::ids::Pid;
use lockpit::engine::sample::Sample;
use lockpit::engine::scene::Scene;
use lockpit::engine::waits::WaitGraph;
use random::Random;
use scene::{Frozen, Stage};
use support::{cluster, versions};
use truth::Truth;

/// Cases for each version.
const CASES: usize = 2_000;

/// What was seen among the cases, so that they cannot all be trivial.
#[derive(Debug, Default)]
struct Seen {
    cases: usize,
    scenes: usize,
    deadlocks: usize,
    chains: usize,
    several_roots: usize,
    victims: usize,
}

#[tokio::test]
async fn wait_graphs_are_the_servers_on_14() {
    on(14).await;
}

#[tokio::test]
async fn wait_graphs_are_the_servers_on_15() {
    on(15).await;
}

#[tokio::test]
async fn wait_graphs_are_the_servers_on_16() {
    on(16).await;
}

#[tokio::test]
async fn wait_graphs_are_the_servers_on_17() {
    on(17).await;
}

#[tokio::test]
async fn wait_graphs_are_the_servers_on_18() {
    on(18).await;
}

/// Plays scenes until there are enough cases. `LOCKPIT_GRAPH_SEED` plays the scene of one seed alone.
#[expect(clippy::print_stdout, reason = "how many cases of which kind there were belongs to the result")]
async fn on(major: u32) {
    if !versions().iter().any(|version| version.major == major) {
        return;
    }
    let db = cluster(major).database("graphs").await;
    let mut stage = Stage::set(&db).await;
    let catalog = catalog(&stage).await;
    let mut seen = Seen::default();
    let only: Option<u64> = std::env::var("LOCKPIT_GRAPH_SEED").ok().and_then(|seed| seed.parse().ok());
    let first_seed = u64::from(major) << 32;
    for seed in only.map_or(first_seed..u64::MAX, |seed| seed..seed + 1) {
        let frozen = stage.freeze(&mut Random::seeded(seed)).await;
        let sample = stage.sample().await;
        let truth = stage.truth().await;
        compare(&sample, &truth, &frozen, &catalog, &mut seen).unwrap_or_else(|why| {
            panic!("PostgreSQL {major}, LOCKPIT_GRAPH_SEED={seed}: {why}\n{frozen}\n{truth:#?}")
        });
        stage.release().await;
        seen.scenes += 1;
        if seen.cases >= CASES {
            break;
        }
    }
    println!("PostgreSQL {major}: {seen:?}");
    if only.is_none() {
        let enough = [seen.deadlocks, seen.chains, seen.several_roots, seen.victims];
        assert!(enough.iter().all(|&n| n >= CASES / 50), "hardly more than trivial graphs: {seen:?}");
    }
}

/// The names a flight would know, so that scenes know which relations are permanent.
async fn catalog(stage: &Stage) -> Catalog {
    let mut catalog = Catalog::default();
    catalog.attach(stage.database().await, "graphs");
    catalog
}

/// Compares everything lockpit concludes from `sample` with the server's own view and a second computation.
fn compare(
    sample: &Sample,
    truth: &Truth,
    frozen: &Frozen,
    catalog: &Catalog,
    seen: &mut Seen,
) -> Result<(), String> {
    let graph = WaitGraph::of(sample);
    let scene = Scene::of(sample, catalog);
    equal("the scene's graph", &scene.graph, &graph)?;
    equal("who waits", &graph.waiting().collect::<BTreeSet<_>>(), &truth.waiting())?;
    for (&waiter, blockers) in &truth.blockers {
        let own: BTreeSet<Pid> = graph.blockers_of(waiter).iter().copied().collect();
        equal(&format!("blockers of {waiter}"), &own, blockers)?;
    }
    let brute = Brute::of(truth);
    equal("roots", &graph.roots().collect(), &brute.roots())?;
    equal("heads", &graph.heads().collect(), &brute.heads())?;
    equal("cycles", &graph.cycles(), &brute.stuck())?;
    for pid in frozen.pids() {
        equal(
            &format!("waiters of {pid}"),
            &graph.waiters_of(pid).iter().copied().collect(),
            &brute.waiters(pid),
        )?;
        equal(&format!("downstream of {pid}"), &graph.downstream(pid), &brute.downstream(pid))?;
        equal(&format!("whether {pid} is strong"), &scene.is_strong(pid), &truth.strong.contains(&pid))?;
        equal(
            &format!("victims of {pid}"),
            &scene.victims_of(pid).into_iter().collect(),
            &brute.victims(pid),
        )?;
    }
    for team in frozen.teams() {
        let waiting: BTreeSet<Pid> = team.intersection(&truth.waiting()).copied().collect();
        if waiting.is_empty() {
            continue;
        }
        for &waiter in &waiting {
            let strangers = truth.blockers[&waiter].difference(team).count();
            equal(&format!("blockers of {waiter} outside its team"), &strangers, &0)?;
        }
        seen.cases += 1;
        seen.deadlocks += usize::from(!brute.stuck().is_disjoint(team));
        seen.chains += usize::from(waiting.iter().any(|&pid| brute.depth(pid) >= 3));
        seen.several_roots += usize::from(brute.roots().intersection(team).count() >= 2);
        seen.victims += usize::from(team.iter().any(|&pid| !brute.victims(pid).is_empty()));
    }
    Ok(())
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, ours: &T, theirs: &T) -> Result<(), String> {
    if ours == theirs { Ok(()) } else { Err(format!("{what}: lockpit says {ours:?}, it is {theirs:?}")) }
}
