//! The wait graph in brief: roots, heads and collapsed victims.

use std::collections::BTreeMap;

use super::line::{Group, Node};
use crate::engine::Cockpit;
use crate::engine::ids::{At, Pid, TextId};
use crate::engine::sample::Sample;
use crate::engine::scene::Part;

/// The most roots or heads of one line.
const MOST_NODES: usize = 20;
/// The most groups of one line.
const MOST_GROUPS: usize = 20;

/// Roots, those with most behind them first.
pub(super) fn roots(cockpit: &Cockpit, at: At, sample: &Sample) -> Vec<Node> {
    nodes(cockpit, at, sample, cockpit.scene().graph.roots())
}

/// Queue heads, those with most behind them first.
pub(super) fn heads(cockpit: &Cockpit, at: At, sample: &Sample) -> Vec<Node> {
    nodes(cockpit, at, sample, cockpit.scene().graph.heads())
}

fn nodes(cockpit: &Cockpit, at: At, sample: &Sample, pids: impl Iterator<Item = Pid>) -> Vec<Node> {
    let mut nodes: Vec<Node> = pids.map(|pid| node(cockpit, at, sample, pid)).collect();
    nodes.sort_by_key(|node| (std::cmp::Reverse(node.behind), node.pid));
    nodes.truncate(MOST_NODES);
    nodes
}

fn node(cockpit: &Cockpit, at: At, sample: &Sample, pid: Pid) -> Node {
    let scene = cockpit.scene();
    let backend = sample.backend(pid);
    let part = scene.part(pid);
    let application = match part {
        Part::Prepared => prepared_names(sample),
        _ => backend.map(|backend| backend.application.clone()).unwrap_or_default(),
    };
    let xact_start = backend.and_then(|backend| backend.xact_start);
    Node {
        pid: pid.0,
        part: part_name(part).to_owned(),
        application,
        state: backend.map_or("not in the activity", |backend| backend.state.name()).to_owned(),
        xact_age_ms: xact_start.map(|start| sample.server_now.us_since(start) / 1_000),
        kind: cockpit.catalog().kind(backend.and_then(|backend| backend.text)).to_owned(),
        lock: lock(cockpit, sample, pid),
        waited_ms: cockpit.ages().age_ms(at, pid),
        behind: u32::try_from(scene.graph.downstream(pid).len()).unwrap_or(u32::MAX),
    }
}

/// The lock a waiter awaits; else the strongest one a root holds on what somebody awaits.
fn lock(cockpit: &Cockpit, sample: &Sample, pid: Pid) -> Option<String> {
    let of_pid = || sample.locks.iter().filter(|lock| lock.pid == pid);
    let is_awaited = |held: &&crate::engine::sample::Lock| {
        sample.locks.iter().any(|lock| !lock.granted && lock.object == held.object)
    };
    let awaited = of_pid().find(|lock| !lock.granted);
    let lock = awaited.or_else(|| of_pid().filter(is_awaited).max_by_key(|lock| lock.mode))?;
    let verb = if lock.granted { "holds" } else { "awaits" };
    let on = match lock.object.relation() {
        Some((database, relation)) => cockpit.catalog().relation(database, relation),
        None => object_name(&lock.object),
    };
    Some(format!("{verb} {} on {on}", lock.mode))
}

fn object_name(object: &crate::engine::locks::LockObject) -> String {
    use crate::engine::locks::LockObject;
    match object {
        LockObject::Relation { relation, .. } => relation.to_string(),
        LockObject::Part { relation, what, .. } => format!("{what} of {relation}"),
        LockObject::Transaction { xid } => format!("transaction {xid}"),
        LockObject::VirtualTransaction { id } => format!("virtual transaction {id}"),
        LockObject::Other { locktype, .. } => locktype.clone(),
    }
}

/// Names of the prepared transactions that hold something somebody awaits.
fn prepared_names(sample: &Sample) -> String {
    let blocks = |xid: u32| {
        sample
            .locks
            .iter()
            .filter(|lock| lock.prepared_xid == Some(xid))
            .any(|held| sample.locks.iter().any(|lock| !lock.granted && lock.object == held.object))
    };
    let names: Vec<&str> = sample.prepared.iter().filter(|p| blocks(p.xid)).map(|p| p.gid.as_str()).collect();
    names.join(", ")
}

/// The target's victims, equal statements together, most first.
pub(super) fn groups(cockpit: &Cockpit, at: At, sample: &Sample) -> Vec<Group> {
    let Some(target) = cockpit.target() else { return Vec::new() };
    let texts: BTreeMap<Pid, Option<TextId>> =
        sample.backends.iter().map(|backend| (backend.pid, backend.text)).collect();
    let mut groups: BTreeMap<Option<TextId>, (u32, Option<u64>)> = BTreeMap::new();
    for pid in &target.victims {
        let group = groups.entry(texts.get(pid).copied().flatten()).or_default();
        group.0 += 1;
        group.1 = group.1.max(cockpit.ages().age_ms(at, *pid));
    }
    let mut groups: Vec<Group> = groups
        .into_iter()
        .map(|(text, (count, oldest_ms))| Group {
            count,
            kind: cockpit.catalog().kind(text).to_owned(),
            text: cockpit.catalog().text(text).map(|text| text.normalised.clone()),
            oldest_ms,
        })
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups.truncate(MOST_GROUPS);
    groups
}

fn part_name(part: Part) -> &'static str {
    match part {
        Part::Client => "client",
        Part::SchemaWork => "schema work",
        Part::Lockpit => "lockpit",
        Part::Autovacuum => "autovacuum",
        Part::WalSender => "walsender",
        Part::Server => "server process",
        Part::Prepared => "prepared transaction",
        Part::Unknown => "unknown",
    }
}
