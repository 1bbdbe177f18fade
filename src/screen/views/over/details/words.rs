//! Words on one backend that its sheet and its line for the clipboard share.
//!
//! What this login may not see is `hidden from this login`; a backend that is not in the sample is not described
//! from memory.

use super::{flight_time, last_told, server_time};
use crate::engine::catalog::TEXT_LOST;
use crate::engine::derive::lookup::Lookup;
use crate::engine::derive::words::plural;
use crate::engine::ids::{BackendId, Pid, ServerTime};
use crate::engine::sample::{Backend, State};
use crate::screen::shown::Shown;
use crate::screen::views::header::tenths;
use crate::screen::views::parts::statement;

/// Most processes that are named one by one.
const MOST_NAMED: usize = 12;

/// One line about `id`.
pub(super) fn line(id: BackendId, shown: &Shown<'_>) -> String {
    let Some(look) = Lookup::of(shown.cockpit) else {
        return format!("pid {}: there is no sample yet", id.pid);
    };
    let Some(backend) = look.backend(id.pid).filter(|backend| backend.id() == id) else {
        return gone(id, &look, shown).join(" ");
    };
    let catalog = shown.cockpit.catalog();
    let since = backend
        .backend_start
        .map_or("start hidden".to_owned(), |start| format!("session began {}", server_time(start)));
    let mut parts = vec![
        format!("pid {} ({since})", id.pid),
        shown.application(&backend.application),
        format!("role {}", shown.masked("role", &catalog.role(backend.role))),
    ];
    parts.extend(database(backend, shown).map(|name| format!("database {name}")));
    parts.push(match age(backend.state_change, &look, shown) {
        Some(age) => format!("{} for {age}", backend.state.name()),
        None => backend.state.name().to_owned(),
    });
    parts.extend(
        backend
            .xact_start
            .map(|start| format!("transaction open for {}", tenths(look.age_ms(shown.seen(), start)))),
    );
    let waited = shown.cockpit.ages().age_ms(shown.seen(), id.pid);
    if let (Some(waited_ms), Some(lock)) = (waited, look.awaited(id.pid)) {
        parts.push(format!("{} for {}", look.words(lock).sentence(), tenths(waited_ms)));
    }
    let behind = shown.cockpit.scene().graph.downstream(id.pid).len();
    if behind > 0 {
        parts.push(format!("{} behind it", plural(behind as u64, "session")));
    }
    format!("{}; statement: {}", parts.join(", "), words(backend, shown))
}

/// What can be said of a backend that is not in the sample.
pub(super) fn gone(id: BackendId, look: &Lookup<'_>, shown: &Shown<'_>) -> Vec<String> {
    let pid = id.pid;
    let mut sentences = vec![match look.backend(pid) {
        Some(other) => format!(
            "pid {pid} is gone: another session has that pid now, {}.",
            began(other.backend_start, other, look, shown)
        ),
        None => format!(
            "pid {pid} is gone, or idle: the sample of {} does not list it.",
            flight_time(shown.seen(), shown)
        ),
    }];
    sentences.extend(id.backend_start.map(|start| format!("Its session began {}.", server_time(start))));
    sentences.push(match last_told(pid, shown) {
        Some((at, what)) if !shown.ui.presenter => {
            format!(
                "pid {pid} was last told of at {}: {}.",
                flight_time(at, shown),
                what.trim_end_matches('.')
            )
        }
        Some((at, _)) => format!("pid {pid} was last told of at {}.", flight_time(at, shown)),
        None => "No event of this flight names it.".to_owned(),
    });
    sentences
}

/// The statement, or why there is none.
pub(super) fn words(backend: &Backend, shown: &Shown<'_>) -> String {
    let catalog = shown.cockpit.catalog();
    match catalog.text(backend.text) {
        Some(text) => statement(&text.kind, Some(&text.normalised), shown),
        None if catalog.is_lost(backend.text) => TEXT_LOST.to_owned(),
        None => hidden_or(backend, "not known"),
    }
}

pub(super) fn database(backend: &Backend, shown: &Shown<'_>) -> Option<String> {
    backend.database.map(|database| shown.masked("db", &shown.cockpit.catalog().database(database)))
}

pub(super) fn named(pids: &[Pid], look: &Lookup<'_>, shown: &Shown<'_>) -> String {
    let name = |pid: &Pid| match (*pid == Pid::PREPARED, look.backend(*pid)) {
        (true, _) => "a prepared transaction".to_owned(),
        (false, Some(backend)) => format!("{pid} {}", shown.application(&backend.application)),
        (false, None) => format!("{pid} (not in the activity)"),
    };
    let mut names: Vec<String> = pids.iter().take(MOST_NAMED).map(name).collect();
    if pids.len() > MOST_NAMED {
        names.push(format!("and {} more", pids.len() - MOST_NAMED));
    }
    names.join(", ")
}

pub(super) fn age(start: Option<ServerTime>, look: &Lookup<'_>, shown: &Shown<'_>) -> Option<String> {
    start.map(|start| tenths(look.age_ms(shown.seen(), start)))
}

pub(super) fn began(
    start: Option<ServerTime>,
    backend: &Backend,
    look: &Lookup<'_>,
    shown: &Shown<'_>,
) -> String {
    match start {
        Some(start) => {
            let ago = tenths(look.age_ms(shown.seen(), start));
            format!("began {}, {ago} ago", server_time(start))
        }
        None => format!("began at a time that is {}", hidden_or(backend, "not known")),
    }
}

pub(super) fn hidden_or(backend: &Backend, otherwise: &str) -> String {
    if backend.state == State::Masked { "hidden from this login".to_owned() } else { otherwise.to_owned() }
}
