//! Which backends are worth reading.
//!
//! Owns the bound on the work of one reading, and the order in which backends get a place in it: the target and
//! its workers, those at the two ends of a wait, others in a wait, then the busiest of the rest. Who has no
//! place takes turns.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Cockpit;
use crate::engine::host::HostView;
use crate::engine::ids::{BackendId, Pid};
use crate::engine::sample::{Backend, Fact, Sample, State};
use crate::engine::target::Target;

/// Backends of the lock tree, the target and its workers among them.
const MOST_IN_TREE: usize = 100;
/// Backends that are neither.
const MOST_OTHERS: usize = 200;

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// These backends; each has a start time.
    pub backends: Vec<BackendId>,
    /// Others that are not idle: too many, or their start is hidden.
    pub left_out: u32,
}

/// What is to be read of the last sample, and who had the last turn; `after` is who had it before.
pub fn choose(cockpit: &Cockpit, after: Option<BackendId>) -> (Choice, Option<BackendId>) {
    let Some(sample) = cockpit.sample() else { return (Choice::default(), after) };
    let known: BTreeMap<Pid, &Backend> =
        sample.backends.iter().filter(|of| of.backend_start.is_some()).map(|of| (of.pid, of)).collect();
    let in_tree = tree(cockpit, sample);
    let mut backends: Vec<BackendId> =
        in_tree.iter().filter_map(|pid| known.get(pid)).map(|of| of.id()).take(MOST_IN_TREE).collect();
    let members: BTreeSet<Pid> = in_tree.into_iter().collect();
    let others: Vec<BackendId> = known
        .values()
        .filter(|of| of.state != State::Idle && !members.contains(&of.pid))
        .map(|of| of.id())
        .collect();
    let wanted =
        sample.backends.iter().filter(|of| of.state != State::Idle || members.contains(&of.pid)).count();
    let last = match cockpit.host() {
        Fact::Known(view) => Some(view),
        Fact::Missing(_) => None,
    };
    let (others, turn) = busiest(others, last.as_ref(), after);
    backends.extend(others);
    let left_out = u32::try_from(wanted.saturating_sub(backends.len())).unwrap_or(u32::MAX);
    (Choice { backends, left_out }, turn.or(after))
}

/// The target, its workers and everyone in a wait; each once, those who matter most first.
fn tree(cockpit: &Cockpit, sample: &Sample) -> Vec<Pid> {
    let graph = &cockpit.scene().graph;
    let target = cockpit.target().map(Target::pid);
    let workers = sample.backends.iter().filter(|of| target.is_some() && of.leader_pid == target);
    let blockers = graph.waiting().flat_map(|pid| graph.blockers_of(pid)).copied();
    let mut seen = BTreeSet::new();
    (target.into_iter())
        .chain(workers.map(|worker| worker.pid))
        .chain(graph.roots())
        .chain(graph.heads())
        .chain(blockers)
        .chain(graph.waiting())
        .filter(|pid| seen.insert(*pid))
        .collect()
}

/// Of these the ones that used a processor last, then those read once (their rate takes a second reading), then
/// the others in turn, by identity; and who of them had the last turn.
fn busiest(
    others: Vec<BackendId>,
    last: Option<&HostView<'_>>,
    after: Option<BackendId>,
) -> (Vec<BackendId>, Option<BackendId>) {
    let (mut busy, mut once, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for backend in others {
        let rates = last.and_then(|last| last.rates.backend(backend));
        match rates.and_then(|rates| rates.cpu_permille) {
            Some(used @ 1..) => busy.push((used, backend)),
            Some(0) => rest.push(backend),
            None if last.is_some_and(|last| last.facts.backend(backend).is_some()) => once.push(backend),
            None => rest.push(backend),
        }
    }
    busy.sort_unstable_by_key(|&(used, backend)| (Reverse(used), backend));
    rest.sort_unstable_by_key(|&backend| (Some(backend) <= after, backend));
    let mut chosen: Vec<BackendId> = busy.into_iter().map(|(_, backend)| backend).chain(once).collect();
    chosen.truncate(MOST_OTHERS);
    rest.truncate(MOST_OTHERS - chosen.len());
    let turn = rest.last().copied();
    chosen.extend(rest);
    (chosen, turn)
}
