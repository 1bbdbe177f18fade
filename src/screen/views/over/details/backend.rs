//! What is known of one backend.
//!
//! Owns the words; what a cancel does and what a stop costs is derived by the engine. What this login may not see is
//! said to be hidden, and a backend that is not in the sample is not described from memory.

use super::words::{age, began, database, gone, hidden_or, named, words};
use super::{Sheet, server_time};
use crate::engine::catalog::TEXT_LOST;
use crate::engine::derive::cancel::CancelWorks;
use crate::engine::derive::cost::{Severity, StopCost};
use crate::engine::derive::lookup::Lookup;
use crate::engine::derive::words::{bytes, plural};
use crate::engine::guard::seconds;
use crate::engine::ids::{BackendId, Pid};
use crate::engine::sample::{Backend, Fact, State};
use crate::literals::put_back;
use crate::screen::action::{Action, Available, Context, available, spec};
use crate::screen::theme::Meaning;
use crate::screen::views::header::tenths;
use crate::screen::views::parts::part_name;

/// Keys that act on a backend.
const KEYS: [Action; 4] = [Action::Cancel, Action::Terminate, Action::Follow, Action::WhatIf];

/// Fills a sheet about `id`.
pub(super) fn fill(sheet: &mut Sheet<'_>, id: BackendId) {
    let shown = sheet.shown;
    let Some(look) = Lookup::of(shown.cockpit) else {
        sheet.heading(&format!("pid {}", id.pid));
        sheet.sentence("Nothing is known of it yet: there is no sample.", Meaning::Unknown);
        return;
    };
    if id.pid == Pid::PREPARED {
        prepared(sheet, &look);
        return;
    }
    match look.backend(id.pid).filter(|backend| backend.id() == id) {
        Some(backend) => present(sheet, &look, backend),
        None => {
            sheet.heading(&format!("pid {}", id.pid));
            for sentence in gone(id, &look, shown) {
                sheet.sentence(sentence, Meaning::Warn);
            }
        }
    }
}

fn present(sheet: &mut Sheet<'_>, look: &Lookup<'_>, backend: &Backend) {
    let shown = sheet.shown;
    let cockpit = shown.cockpit;
    let pid = backend.pid;
    let behind = cockpit.scene().graph.downstream(pid).len();
    let is_target = cockpit.target().is_some_and(|target| target.pid() == pid);
    let mut heading = format!("pid {pid} {}", shown.application(&backend.application));
    if is_target {
        heading += ", the TARGET";
    }
    if behind > 0 {
        heading += &format!(", {} wait behind it", plural(behind as u64, "session"));
    }
    sheet.heading(&heading);
    who(sheet, look, backend);
    doing(sheet, look, backend);
    waits(sheet, look, backend);
    stopping(sheet, look, pid);
    keys(sheet, backend.id());
    on_host(sheet, backend.id());
    text(sheet, backend);
}

fn who(sheet: &mut Sheet<'_>, look: &Lookup<'_>, backend: &Backend) {
    let shown = sheet.shown;
    let catalog = shown.cockpit.catalog();
    let role = shown.masked("role", &catalog.role(backend.role));
    let role = if backend.role.is_none() { hidden_or(backend, "none") } else { role };
    let client = backend.client.as_ref().map(|client| shown.masked("client", client));
    let client = client.unwrap_or_else(|| hidden_or(backend, "none: it serves no client"));
    let database = database(backend, shown).unwrap_or_else(|| hidden_or(backend, "none"));
    sheet.fact("who", format!("role {role}, database {database}, client {client}"));
    sheet.fact("part", part_name(shown.cockpit.scene().part(backend.pid)));
    if let Some(leader) = backend.leader_pid {
        sheet.fact("", format!("works for pid {leader}, whose waits and locks it shares"));
    }
    sheet.fact("session", began(backend.backend_start, backend, look, shown));
}

fn doing(sheet: &mut Sheet<'_>, look: &Lookup<'_>, backend: &Backend) {
    let shown = sheet.shown;
    let state = match age(backend.state_change, look, shown) {
        Some(age) => format!("{} for {age}", backend.state.name()),
        None => backend.state.name().to_owned(),
    };
    let meaning = match backend.state {
        State::Active | State::Fastpath => Meaning::StateActive,
        State::IdleInTransaction | State::IdleInTransactionAborted => Meaning::StateIdleInTransaction,
        State::Masked => Meaning::StateMasked,
        _ => Meaning::StateIdle,
    };
    sheet.loud("state", state, meaning);
    let event = match (&backend.wait_event, backend.state) {
        (Some(event), _) => event.to_string(),
        (None, State::Masked) => "hidden from this login".to_owned(),
        (None, _) => "none: it waits for nothing the server tells of".to_owned(),
    };
    sheet.fact("wait event", event);
    let xact = match (backend.xact_start, backend.backend_xid) {
        (Some(_), Some(xid)) => {
            format!(
                "{}; it has written, as transaction {xid}",
                began(backend.xact_start, backend, look, shown)
            )
        }
        (Some(_), None) => {
            format!("{}; it has written nothing yet", began(backend.xact_start, backend, look, shown))
        }
        (None, _) => hidden_or(backend, "none is open"),
    };
    sheet.fact("transaction", xact);
    sheet.fact("statement", began(backend.query_start, backend, look, shown));
    if let Some(progress) = look.progress(backend.pid) {
        let phase = progress.phase.as_deref().unwrap_or("phase not known");
        let amount = progress.done.map(|done| {
            let unit = progress.unit.as_deref().unwrap_or("parts");
            match progress.total {
                Some(total) => format!(", {done} of {total} {unit}"),
                None => format!(", {done} {unit}, of how many is not known"),
            }
        });
        sheet.fact("progress", format!("{}: {phase}{}", progress.command, amount.unwrap_or_default()));
    }
}

fn waits(sheet: &mut Sheet<'_>, look: &Lookup<'_>, backend: &Backend) {
    let shown = sheet.shown;
    let pid = backend.pid;
    let graph = &shown.cockpit.scene().graph;
    sheet.section("locks and waits");
    if let Some(waited_ms) = shown.cockpit.ages().age_ms(shown.seen(), pid) {
        sheet.loud("waits", format!("{} for a lock", tenths(waited_ms)), Meaning::Warn);
    }
    let blockers = graph.blockers_of(pid);
    if !blockers.is_empty() {
        sheet.fact("waits for", named(blockers, look, shown));
    } else if graph.is_waiting(pid) {
        sheet.loud("waits for", "somebody whom the server did not name", Meaning::Unknown);
    }
    let direct = graph.waiters_of(pid);
    if direct.is_empty() {
        sheet.fact("behind it", "nobody waits for it");
    } else {
        let all = graph.downstream(pid).len();
        let text = format!("{} directly, {all} in all: {}", direct.len(), named(direct, look, shown));
        sheet.loud("behind it", text, Meaning::LockHead);
    }
    let locks = look.locks(pid);
    for lock in locks {
        let since = lock.wait_start.filter(|_| !lock.granted);
        let since = since.map(|start| format!(", since {}", server_time(start))).unwrap_or_default();
        sheet.fact("lock", format!("{}{since}", look.words(lock).sentence()));
    }
    if locks.is_empty() {
        sheet.fact("lock", "none of those that are read");
    }
    let read = "Read are awaited locks, those on what somebody awaits, and strong ones on tables of users.";
    sheet.loud("", read, Meaning::Muted);
}

fn stopping(sheet: &mut Sheet<'_>, look: &Lookup<'_>, pid: Pid) {
    let cost = StopCost::with(look, pid, sheet.shown.seen());
    sheet.section("stopping it");
    let (cancel, meaning) = match &cost.cancel {
        CancelWorks::Yes => ("ends its statement".to_owned(), Meaning::Text),
        CancelWorks::No(why) => (format!("does nothing: {why}"), Meaning::Warn),
        CancelWorks::FreesOnly(why) => (format!("only frees who waits: {why}"), Meaning::Warn),
        CancelWorks::Unknown(why) => (format!("cannot be told: {why}"), Meaning::Unknown),
    };
    sheet.loud("a cancel", cancel, meaning);
    let meaning = match cost.severity {
        Severity::Nothing => Meaning::Ok,
        Severity::Work => Meaning::Text,
        Severity::Leftover | Severity::Committed => Meaning::Warn,
        Severity::Unknown => Meaning::Unknown,
    };
    sheet.loud("lost", cost.lost, meaning);
    sheet.loud("left behind", cost.leaves, meaning);
    for (number, step) in cost.clean_up.iter().enumerate() {
        sheet.fact(if number == 0 { "clean up" } else { "" }, step);
    }
}

fn keys(sheet: &mut Sheet<'_>, id: BackendId) {
    let shown = sheet.shown;
    let context = Context { selected: Some(id), ..shown.context() };
    sheet.section("keys");
    for action in KEYS {
        let spec = spec(action);
        let (words, meaning) = match available(action, &context) {
            Available::Yes => (spec.doc.to_owned(), Meaning::Text),
            Available::No(why) => (format!("{} Not now: {why}.", spec.doc), Meaning::KeyOff),
        };
        sheet.loud(&shown.keymap.key(action), words, meaning);
    }
}

fn on_host(sheet: &mut Sheet<'_>, id: BackendId) {
    let shown = sheet.shown;
    sheet.section("its process");
    let view = match shown.cockpit.host() {
        Fact::Known(view) => view,
        Fact::Missing(why) => {
            sheet.sentence(format!("Not known: {why}."), Meaning::Unknown);
            return;
        }
    };
    let Some(process) = view.facts.backend(id) else {
        let why = if id.backend_start.is_none() {
            "its start is hidden from this login, so that its process cannot be told from another"
        } else {
            "it was not read"
        };
        sheet.sentence(format!("Not known: {why}."), Meaning::Unknown);
        return;
    };
    let rates = view.rates.backend(id);
    let unknown = || "not known".to_owned();
    let per_s = |rate: Option<u64>| rate.map_or_else(unknown, |rate| format!("{}/s", bytes(rate)));
    let cpu = rates.and_then(|rates| rates.cpu_permille);
    let cpu = cpu.map_or_else(unknown, |cpu| format!("{}.{} % of one processor", cpu / 10, cpu % 10));
    sheet.fact("cpu", cpu);
    sheet.fact("memory", format!("{}, shared buffers it has touched included", bytes(process.rss_bytes)));
    let (read, written) = (rates.and_then(|rates| rates.read_bps), rates.and_then(|rates| rates.write_bps));
    sheet.fact("disks", format!("reads {}, writes {}", per_s(read), per_s(written)));
}

fn text(sheet: &mut Sheet<'_>, backend: &Backend) {
    let shown = sheet.shown;
    let is_last =
        matches!(backend.state, State::Idle | State::IdleInTransaction | State::IdleInTransactionAborted);
    let Some(text) = shown.cockpit.catalog().text(backend.text) else {
        sheet.section("statement");
        let why = match shown.cockpit.catalog().is_lost(backend.text) {
            true => format!("{TEXT_LOST}: it was recorded, and cannot be read any more"),
            false => hidden_or(backend, "not known: the server tells none"),
        };
        sheet.sentence(why, Meaning::Unknown);
        return;
    };
    let mut about = vec![text.kind.clone()];
    match text.statements {
        0 => about.push("how many statements it has could not be told".to_owned()),
        1 => {}
        more => about.push(format!("{more} statements in one text; which one runs is not known")),
    }
    if text.truncated {
        about.push("CUT: the text goes on".to_owned());
    }
    let keeps = shown.cockpit.flight().is_some_and(|begin| begin.settings.keep_literals);
    if !shown.ui.presenter && !keeps {
        about.push("literals are not kept".to_owned());
    }
    let when = if is_last { "its last statement" } else { "statement" };
    sheet.section(&format!("{when}: {}", about.join("; ")));
    sheet.sentence(words(backend, shown), Meaning::Text);
    if keeps {
        with_literals(sheet, backend, &text.normalised);
    }
}

/// The statement with what was kept of its literals.
fn with_literals(sheet: &mut Sheet<'_>, backend: &Backend, normalised: &str) {
    sheet.section("with its literals, which this flight keeps; comments and collapsed lists are left out");
    if sheet.shown.ui.presenter {
        sheet.sentence("Hidden on a shared screen.", Meaning::Unknown);
        return;
    }
    match sheet.shown.literals.of(backend) {
        Some(kept) => sheet.sentence(put_back(normalised, &kept.values), Meaning::Warn),
        None => sheet.sentence("Not known here: they were recorded before what was read.", Meaning::Unknown),
    }
}

fn prepared(sheet: &mut Sheet<'_>, look: &Lookup<'_>) {
    let shown = sheet.shown;
    sheet.heading("prepared transactions");
    sheet.sentence("They have no process: nobody can cancel them, and no session holds them.", Meaning::Text);
    for xact in look.blocking_prepared() {
        let catalog = shown.cockpit.catalog();
        sheet.fact(
            "prepared",
            format!(
                "{} {} ago, role {}, database {}, transaction {}",
                shown.masked("gid", &xact.gid),
                seconds(look.age_ms(shown.seen(), xact.prepared)),
                shown.masked("role", &catalog.role(Some(xact.owner))),
                shown.masked("db", &catalog.database(xact.database)),
                xact.xid
            ),
        );
    }
    stopping(sheet, look, Pid::PREPARED);
}
