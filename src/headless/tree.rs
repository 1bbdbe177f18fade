//! The wait graph in brief: roots, heads and collapsed victims.

use super::line::{Group, Node};
use crate::engine::derive::lookup::{LockWords, Lookup, grouped};
use crate::engine::ids::{At, Pid};
use crate::engine::scene::Part;

/// The most roots or heads of one line.
const MOST_NODES: usize = 20;
/// The most groups of one line.
const MOST_GROUPS: usize = 20;

/// Roots, those with most behind them first.
pub(super) fn roots(look: &Lookup<'_>, at: At) -> Vec<Node> {
    nodes(look, at, look.cockpit().scene().graph.roots())
}

/// Queue heads, those with most behind them first.
pub(super) fn heads(look: &Lookup<'_>, at: At) -> Vec<Node> {
    nodes(look, at, look.cockpit().scene().graph.heads())
}

fn nodes(look: &Lookup<'_>, at: At, pids: impl Iterator<Item = Pid>) -> Vec<Node> {
    let mut nodes: Vec<Node> = pids.map(|pid| node(look, at, pid)).collect();
    nodes.sort_by_key(|node| (std::cmp::Reverse(node.behind), node.pid));
    nodes.truncate(MOST_NODES);
    nodes
}

fn node(look: &Lookup<'_>, at: At, pid: Pid) -> Node {
    let (cockpit, sample) = (look.cockpit(), look.sample());
    let scene = cockpit.scene();
    let backend = look.backend(pid);
    let part = scene.part(pid);
    let application = match part {
        Part::Prepared => prepared_names(look),
        _ => backend.map(|backend| backend.application.to_string()).unwrap_or_default(),
    };
    let xact_start = backend.and_then(|backend| backend.xact_start);
    Node {
        pid: pid.0,
        part: part.name().to_owned(),
        application,
        state: backend.map_or("not in the activity", |backend| backend.state.name()).to_owned(),
        xact_age_ms: xact_start.map(|start| sample.server_now.us_since(start) / 1_000),
        kind: cockpit.catalog().kind(backend.and_then(|backend| backend.text)).to_owned(),
        lock: look.lock(pid).as_ref().map(LockWords::sentence),
        waited_ms: cockpit.ages().age_ms(at, pid),
        behind: u32::try_from(scene.graph.downstream(pid).len()).unwrap_or(u32::MAX),
    }
}

/// Names of the prepared transactions that hold something somebody awaits.
fn prepared_names(look: &Lookup<'_>) -> String {
    let names: Vec<&str> = look.blocking_prepared().iter().map(|prepared| prepared.gid.as_str()).collect();
    names.join(", ")
}

/// The target's victims, equal statements together, most first.
pub(super) fn groups(look: &Lookup<'_>, at: At) -> Vec<Group> {
    let cockpit = look.cockpit();
    let Some(target) = cockpit.target() else { return Vec::new() };
    let text = |pid: Pid| look.backend(pid).and_then(|backend| backend.text);
    let groups = grouped(target.victims.iter().copied(), text, |pid| cockpit.ages().age_ms(at, pid));
    groups
        .into_iter()
        .take(MOST_GROUPS)
        .map(|(text, pids, oldest_ms)| Group {
            count: u32::try_from(pids.len()).unwrap_or(u32::MAX),
            kind: cockpit.catalog().kind(text).to_owned(),
            text: cockpit.catalog().text(text).map(|text| text.normalised.clone()),
            oldest_ms,
        })
        .collect()
}
