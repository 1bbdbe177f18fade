//! What if: stop the target, stop the root, stop the selected one, or wait.
//!
//! Owns the simulation: one backend is taken out of the wait graph, and whoever has no blocker left goes on.
//! What lies behind those who go on still waits for them; it is counted apart and never called freed.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Cockpit;
use crate::engine::guard::seconds;
use crate::engine::history::{History, Signal};
use crate::engine::ids::{At, Pid};
use crate::engine::rungs::ends_on_error;
use crate::engine::scene::Part;
use crate::engine::target::attempt_of;

use super::cost::StopCost;
use super::lookup::Lookup;
use super::reach::Reach;
use super::words::plural;

#[cfg(test)]
mod tests;

/// Growth is read off this much of the past, in milliseconds.
const WINDOW_MS: u64 = 60_000;

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Stop the work under guard.
    StopTarget,
    /// Stop the root blocker ahead of it, or of the selected one.
    StopRoot,
    /// Stop the selected one.
    StopSelected,
    /// Wait.
    Wait,
}

/// One thing that may be done, and what would follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhatIf {
    /// What.
    pub act: Act,
    /// To whom; `None` for waiting.
    pub pid: Option<Pid>,
    /// The same for people: `stop the root, pid 29025 report-job`.
    pub title: String,
    /// Who would go on; `None` for waiting.
    pub freed: Option<Freed>,
    /// What is lost and left; `None` for waiting.
    pub cost: Option<StopCost>,
    /// What its client would do next; for waiting, whom it waits for.
    pub then: String,
    /// How the queue grows; only for waiting.
    pub growth: Option<Growth>,
}

/// Who would go on without one backend.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Freed {
    /// Victims of the target that would have no blocker left.
    pub victims: u32,
    /// Sessions that would have no blocker left, victims and others.
    pub sessions: u32,
    /// Those that wait for it directly now.
    pub waited_for_it: u32,
    /// Whom the rest of these would still wait for, with how many of them, most first.
    pub still_behind: Vec<(Pid, u32)>,
    /// Sessions further behind, which wait for others of these.
    pub further_behind: u32,
    /// The work under guard would get its lock.
    pub target_goes_on: bool,
    /// All of it for people.
    pub sentence: String,
}

/// How the queue grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// Waiting clients more per minute.
    pub waiting_per_minute: Option<i64>,
    /// Connections left below `max_connections`; some of these are reserved.
    pub slots_left: Option<u32>,
    /// Estimate of when none is left, in milliseconds, or why there is none.
    pub slots_out_ms: Result<u64, String>,
    /// All of it for people.
    pub sentence: String,
}

/// What may be done about the waits around `selected`, or around the target; empty before the first sample.
pub fn what_if(cockpit: &Cockpit, history: &History, selected: Option<Pid>, at: At) -> Vec<WhatIf> {
    let Some(look) = Lookup::of(cockpit) else { return Vec::new() };
    let target = cockpit.target().map(crate::engine::target::Target::pid);
    let root = target.or(selected).and_then(|pid| root_of(cockpit, pid));
    let mut acts: Vec<(Act, Pid)> = target.map(|pid| (Act::StopTarget, pid)).into_iter().collect();
    acts.extend(root.filter(|root| Some(*root) != target).map(|root| (Act::StopRoot, root)));
    if let Some(selected) = selected.filter(|pid| acts.iter().all(|(_, known)| known != pid)) {
        acts.push((Act::StopSelected, selected));
    }
    let mut options: Vec<WhatIf> = acts.into_iter().map(|(act, pid)| stop(&look, act, pid, at)).collect();
    options.push(wait(&look, history, target.or(selected), at));
    options
}

/// The root blocker up the chain of `pid` with most behind it; `None` when `pid` does not wait.
pub fn root_of(cockpit: &Cockpit, pid: Pid) -> Option<Pid> {
    let graph = &cockpit.scene().graph;
    let mut seen = BTreeSet::from([pid]);
    let mut open = vec![pid];
    let mut roots = Vec::new();
    while let Some(next) = open.pop() {
        if next != pid && !graph.is_waiting(next) {
            roots.push(next);
        }
        open.extend(graph.blockers_of(next).iter().copied().filter(|&blocker| seen.insert(blocker)));
    }
    let reach = Reach::of(graph);
    roots.into_iter().min_by_key(|&root| (std::cmp::Reverse(reach.behind(root)), root))
}

/// Who would go on without `pid`.
pub fn without(cockpit: &Cockpit, pid: Pid) -> Freed {
    let graph = &cockpit.scene().graph;
    let target = cockpit.target();
    let victims: BTreeSet<Pid> =
        target.map(|target| target.victims.iter().copied().collect()).unwrap_or_default();
    let direct = graph.waiters_of(pid);
    let mut freed = BTreeSet::new();
    let mut still: BTreeMap<Pid, u32> = BTreeMap::new();
    for &waiter in direct {
        let others = graph.blockers_of(waiter).iter().filter(|blocker| **blocker != pid);
        let mut blocked = false;
        for &other in others {
            *still.entry(other).or_default() += 1;
            blocked = true;
        }
        if !blocked {
            freed.insert(waiter);
        }
    }
    let mut still_behind: Vec<(Pid, u32)> = still.into_iter().collect();
    still_behind.sort_by_key(|(pid, count)| (std::cmp::Reverse(*count), *pid));
    let downstream = graph.downstream(pid);
    let mut answer = Freed {
        victims: short(freed.intersection(&victims).count()),
        sessions: short(freed.len()),
        waited_for_it: short(direct.len()),
        still_behind,
        further_behind: short(downstream.len().saturating_sub(direct.len())),
        target_goes_on: target.is_some_and(|target| freed.contains(&target.pid())),
        sentence: String::new(),
    };
    answer.sentence = freed_words(&answer, pid);
    answer
}

fn freed_words(freed: &Freed, pid: Pid) -> String {
    if freed.waited_for_it == 0 {
        return format!("nobody waits for pid {pid}");
    }
    let verb = |count: u32, one: &'static str, more: &'static str| if count == 1 { one } else { more };
    let go_on = verb(freed.sessions, "goes on", "go on");
    let mut words = format!("{} {go_on}", plural(freed.sessions.into(), "session"));
    if freed.victims > 0 {
        words += &format!(", {} of them victims", freed.victims);
    }
    if freed.target_goes_on {
        words += ", the target among them";
    }
    let rest = freed.waited_for_it - freed.sessions;
    if rest > 0 {
        let whom: Vec<String> =
            freed.still_behind.iter().take(3).map(|(pid, count)| format!("{count} for pid {pid}")).collect();
        words += &format!("; {rest} more would wait on: {}", whom.join(", "));
    }
    if freed.further_behind > 0 {
        let wait = verb(freed.further_behind, "waits", "wait");
        words += &format!("; {} further behind {wait} for those", freed.further_behind);
    }
    words
}

fn stop(look: &Lookup<'_>, act: Act, pid: Pid, at: At) -> WhatIf {
    let what = match act {
        Act::StopTarget => "stop the target",
        Act::StopRoot => "stop the root",
        Act::StopSelected => "stop the selected one",
        Act::Wait => "wait",
    };
    let who = match look.cockpit().scene().part(pid) {
        Part::Prepared => "a prepared transaction".to_owned(),
        _ => match look.backend(pid) {
            Some(backend) if !backend.application.is_empty() => format!("pid {pid} {}", backend.application),
            _ => format!("pid {pid}"),
        },
    };
    WhatIf {
        act,
        pid: Some(pid),
        title: format!("{what}, {who}"),
        freed: Some(without(look.cockpit(), pid)),
        cost: Some(StopCost::with(look, pid, at)),
        then: client_next(look, pid),
        growth: None,
    }
}

/// What the client of a stopped backend does next, as far as that is known.
fn client_next(look: &Lookup<'_>, pid: Pid) -> String {
    match look.cockpit().scene().part(pid) {
        Part::Prepared => return "its transaction manager finds it gone".to_owned(),
        Part::Autovacuum => return "autovacuum comes back to the table by itself".to_owned(),
        Part::WalSender => return "its standby connects again".to_owned(),
        Part::Lockpit => return "it is lockpit's own".to_owned(),
        Part::Server | Part::Unknown => return "not known".to_owned(),
        Part::Client | Part::SchemaWork => {}
    }
    let Some(backend) = look.backend(pid) else { return "not known".to_owned() };
    let client = backend.application.as_str();
    if ends_on_error(client) {
        return format!("{client} ends its run when a statement fails");
    }
    if client == "psql" {
        return "after a cancel psql goes on to its next statement, unless ON_ERROR_STOP is set; after a \
                terminate it ends"
            .to_owned();
    }
    if backend.query_start.is_none() {
        return "not known: its start times are hidden from this login".to_owned();
    }
    if attempt_of(backend).in_explicit_transaction() {
        return "its transaction fails as a whole; whether its client tries again is not known".to_owned();
    }
    "not known: its client may go on to its next statement, or try again".to_owned()
}

fn wait(look: &Lookup<'_>, history: &History, around: Option<Pid>, at: At) -> WhatIf {
    let root = around.and_then(|pid| root_of(look.cockpit(), pid));
    let then = match root {
        Some(Pid::PREPARED) => "nothing moves until the prepared transaction ends".to_owned(),
        Some(root) => {
            let age = look.backend(root).and_then(|backend| backend.xact_start);
            let age = age.map_or_else(
                || "for a time that is not known".to_owned(),
                |start| format!("for {}", seconds(look.age_ms(at, start))),
            );
            format!("nothing moves until pid {root} ends its transaction, open {age}")
        }
        None => match around {
            Some(pid) if !look.cockpit().scene().graph.waiters_of(pid).is_empty() => {
                format!("those behind it wait until pid {pid} is done")
            }
            _ => "nothing is in the way".to_owned(),
        },
    };
    let growth = Some(growth(look, history, at));
    WhatIf { act: Act::Wait, pid: None, title: "wait".to_owned(), freed: None, cost: None, then, growth }
}

fn growth(look: &Lookup<'_>, history: &History, at: At) -> Growth {
    let waiting_per_minute = history.growth_per_minute(&Signal::Waiting, at, WINDOW_MS);
    let connections = look.sample().counts.total;
    let slots_left = look.cockpit().server().map(|server| server.max_connections.saturating_sub(connections));
    let per_minute = history.growth_per_minute(&Signal::Connections, at, WINDOW_MS);
    let slots_out_ms = match (slots_left, per_minute) {
        (Some(0), _) => Ok(0),
        (None, _) => Err("not known: max_connections has not been read".to_owned()),
        (_, None) => Err("not known: not enough samples to tell how fast connections grow".to_owned()),
        (Some(_), Some(..=0)) => Err("connections do not grow".to_owned()),
        (Some(left), Some(rate)) => Ok(u64::from(left) * 60_000 / rate.unsigned_abs().max(1)),
    };
    let queue = match waiting_per_minute {
        None => "growth of the queue: not known".to_owned(),
        Some(rate @ 1..) => format!("the queue grows by {rate} a minute"),
        Some(0) => "the queue does not grow".to_owned(),
        Some(rate) => format!("the queue shrinks by {} a minute", rate.unsigned_abs()),
    };
    let slots = match &slots_out_ms {
        Ok(ms) => format!("connection slots run out in {} (estimate)", seconds(*ms)),
        Err(why) => format!("connection slots: {why}"),
    };
    Growth { waiting_per_minute, slots_left, slots_out_ms, sentence: format!("{queue}; {slots}") }
}

fn short(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
