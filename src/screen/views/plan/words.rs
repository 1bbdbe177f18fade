//! What is known of a step, in sentences.
//!
//! Owns the words for locks, data, holders and the cost of stopping; a pane and a sheet of details say the same.

use crate::engine::Cockpit;
use crate::engine::derive::cost::{Severity, StopCost};
use crate::engine::derive::tree::{LockTree, Node, rollback_prepared};
use crate::engine::derive::words::{bytes, plural};
use crate::engine::ids::{At, Pid};
use crate::engine::plan::facts::{Holder, Look};
use crate::engine::plan::forecast::{DataKind, DataWork, Forecast, LockNeed};
use crate::engine::sample::{BackendKind, State};
use crate::engine::steps::acquire::age_ms;
use crate::engine::steps::{Glance, Steps};
use crate::engine::target::Target;
use crate::screen::action::Action;
use crate::screen::shown::Shown;
use crate::screen::theme::Meaning;
use crate::screen::views::header::tenths;

/// The most locks that are told in one sentence.
const MOST_LOCKS: usize = 4;

/// The target, where it is the session that runs the plan.
pub(in crate::screen) fn own_target<'a>(steps: &Steps, shown: &Shown<'a>) -> Option<&'a Target> {
    let runner = steps.runner()?;
    shown.cockpit.target().filter(|target| target.attempt.backend == runner)
}

/// The locks that will be taken, strongest first.
pub(in crate::screen) fn locks(forecast: &Forecast) -> String {
    if forecast.locks.is_empty() {
        return match forecast.unknown.is_empty() {
            true => "none on what is there already".to_owned(),
            false => "not known".to_owned(),
        };
    }
    let mut all: Vec<String> = forecast.locks.iter().take(MOST_LOCKS).map(lock).collect();
    if let more @ 1.. = forecast.locks.len().saturating_sub(MOST_LOCKS) {
        all.push(format!("and {more} more"));
    }
    all.join(", ")
}

/// One of them.
pub(in crate::screen) fn lock(need: &LockNeed) -> String {
    let why = need.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    let perhaps = if need.sure { "" } else { "perhaps " };
    format!("{perhaps}{} on {}{why}", need.mode, need.name)
}

/// What is done to the data; none when nothing is.
pub(in crate::screen) fn data(forecast: &Forecast) -> Option<String> {
    let one = |work: &DataWork| {
        let size = bytes(work.bytes);
        let name = &work.name;
        let what = match work.kind {
            DataKind::Scan => format!("reads all of {name} ({size})"),
            DataKind::Rewrite => format!("writes all of {name} anew ({size})"),
            DataKind::Build => format!("builds an index over {name} ({size})"),
            DataKind::Unknown => format!("whether it reads or writes {name} ({size}) is not known"),
        };
        format!("{what} under {}", work.under)
    };
    let all: Vec<String> = forecast.data.iter().map(one).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// How bad the work on data is.
pub(in crate::screen) fn data_meaning(forecast: &Forecast) -> Meaning {
    let is_heavy =
        |work: &DataWork| matches!(work.kind, DataKind::Rewrite | DataKind::Unknown) && forecast.strong;
    if forecast.data.iter().any(is_heavy) { Meaning::Warn } else { Meaning::Text }
}

/// One holder: who it is with what it does since when, and what it holds.
pub(in crate::screen) fn holder(
    holder: &Holder,
    look: &Look,
    forecast: Option<&Forecast>,
    shown: &Shown<'_>,
) -> (String, String) {
    let lock = forecast.and_then(|it| it.locks.iter().find(|lock| lock.relation == holder.relation));
    let relation = lock.map_or_else(|| format!("relation {}", holder.relation), |lock| lock.name.clone());
    let holds = format!("holds {} on {relation}", holder.mode);
    if let Some(gid) = &holder.gid {
        return (format!("prepared transaction '{}'", shown.masked("gid", gid)), holds);
    }
    let pid = holder.backend.pid;
    let since = age_ms(look, holder).map_or_else(|| "since when is hidden".to_owned(), tenths);
    if holder.kind == BackendKind::Autovacuum {
        let far = holder.progress.filter(|(_, all)| *all > 0);
        let far = far.map(|(done, all)| format!(", {} % through", done.saturating_mul(100) / all));
        let yields = match holder.wraparound {
            true => ", prevents wraparound and yields to nobody",
            false => ", yields once it is waited for",
        };
        return (format!("autovacuum pid {pid}{}{yields}", far.unwrap_or_default()), holds);
    }
    let letter = letter(pid, shown).map(|letter| format!("{letter} ")).unwrap_or_default();
    let application = shown.application(&holder.application);
    (format!("{letter}pid {pid} {application}, {} {since}", holder.state.name()), holds)
}

/// Its letter in the lock tree, where it has one.
fn letter(pid: Pid, shown: &Shown<'_>) -> Option<String> {
    let tree = LockTree::of(shown.cockpit, shown.seen());
    match &tree.rows.get(tree.row_of(pid)?)?.node {
        Node::One(one) => one.letter.clone(),
        _ => None,
    }
}

/// What a person can do about a holder. It is never done by itself.
pub(in crate::screen) fn way_out(holder: &Holder, shown: &Shown<'_>) -> String {
    let pid = holder.backend.pid;
    let key = |action| shown.keymap.key(action);
    if let Some(gid) = &holder.gid {
        return format!("ask its transaction manager, or {}", rollback_prepared(gid));
    }
    let (cancel, terminate) = (key(Action::Cancel), key(Action::Terminate));
    let context = shown.context();
    let is_meant = context.selected.or_else(|| context.in_the_way()) == Some(holder.backend);
    let select = if is_meant { String::new() } else { format!("select pid {pid}: ") };
    match (holder.kind, holder.state) {
        (BackendKind::Autovacuum, _) if holder.wraparound => "let it finish".to_owned(),
        (BackendKind::Autovacuum, _) => format!("{select}{cancel} cancels its round"),
        (_, State::Active | State::Fastpath) => {
            format!("{select}{cancel} cancels its statement, {terminate} ends its session")
        }
        _ => format!("{select}{terminate} ends its session; a cancel does nothing to it"),
    }
}

/// What stopping the plan now would lose and leave.
pub(in crate::screen) fn stop_now(steps: &Steps, cockpit: &Cockpit) -> (String, Meaning) {
    let state = steps.at_hand();
    let (text, meaning) = match steps.glance() {
        Glance::Trying { sent, .. } => live(steps, sent, cockpit)
            .or_else(|| state.and_then(|state| state.forecast.as_deref()).map(foreseen))
            .unwrap_or_else(|| ("not known: it has no forecast".to_owned(), Meaning::Unknown)),
        Glance::Lost => {
            let text =
                "its session was lost: what of it still runs on the server is stopped where it can be seen";
            (text.to_owned(), Meaning::Unknown)
        }
        Glance::Program { .. } => ("its program is ended; what it has done stays".to_owned(), Meaning::Warn),
        _ => ("nothing lost: no statement is under way".to_owned(), Meaning::Ok),
    };
    let stays = state.and_then(|state| {
        let items = state.items.iter().filter(|item| item.stage.is_behind()).count();
        let parts = state.part;
        match (items, parts) {
            (0, 0) => None,
            (0, parts) => Some(plural(u64::from(parts), "part")),
            (items, _) => Some(plural(items as u64, "item")),
        }
    });
    match stays {
        Some(stays) => (format!("{text}; {stays} of it done and kept"), meaning),
        None => (text, meaning),
    }
}

/// By what the session is seen to do, where it has been seen since the attempt was sent.
fn live(steps: &Steps, sent: At, cockpit: &Cockpit) -> Option<(String, Meaning)> {
    let (runner, seen) = (steps.runner()?, cockpit.sample_at()?);
    let backend = cockpit.sample()?.backend(runner.pid).filter(|backend| backend.id() == runner)?;
    if seen < sent || matches!(backend.state, State::Idle) {
        return None;
    }
    let cost = StopCost::of(cockpit, runner.pid, seen)?;
    // The session of the plan rolls back as a whole: what is foreseen says more than its statement of the moment.
    let holds = matches!(steps.glance(), Glance::Trying { locked: Some(_), .. });
    let rolls_back = holds && steps.part().is_some_and(|part| part.transaction);
    if rolls_back && cost.severity != Severity::Committed {
        return None;
    }
    let meaning = match cost.severity {
        Severity::Nothing => Meaning::Ok,
        Severity::Work => Meaning::Text,
        Severity::Unknown => return None,
        Severity::Leftover | Severity::Committed => Meaning::Warn,
    };
    Some((cost.sentence(), meaning))
}

/// By what was foreseen.
fn foreseen(forecast: &Forecast) -> (String, Meaning) {
    let (loses, leaves) = (&forecast.stop_loses, &forecast.stop_leaves);
    if loses == "nothing" && leaves == "nothing" {
        return ("nothing lost, nothing left behind".to_owned(), Meaning::Ok);
    }
    if loses == leaves {
        return (loses.clone(), Meaning::Unknown);
    }
    let meaning = if leaves == "nothing" { Meaning::Text } else { Meaning::Warn };
    (format!("lost: {loses}; left behind: {leaves}"), meaning)
}

/// The step at hand in one line: `step 2 of 7, set-not-null: acquiring, attempt 3`.
pub(in crate::screen) fn at_hand(steps: &Steps, now: At) -> String {
    let plan = &steps.mission().plan;
    let Some(number) = steps.current() else { return format!("plan {}", plan.name) };
    let (Some(step), Some(state)) = (plan.steps.get(number), steps.states().get(number)) else {
        return format!("plan {}", plan.name);
    };
    let attempt = if state.attempts > 0 { format!(", attempt {}", state.attempts) } else { String::new() };
    let since = tenths(now.ms_since(state.since));
    let (at, all) = (number + 1, plan.steps.len());
    format!("step {at} of {all}, {}: {} for {since}{attempt}", step.id, state.stage.word())
}

/// How many wait behind the session that runs the plan, where it is seen at work.
pub(in crate::screen) fn runner_behind(steps: &Steps, cockpit: &Cockpit) -> Option<String> {
    let runner = steps.runner()?;
    cockpit.sample()?.backend(runner.pid).filter(|backend| backend.id() == runner)?;
    Some(match cockpit.scene().graph.downstream(runner.pid).len() {
        0 => "nobody waits behind it".to_owned(),
        1 => "1 session waits behind it".to_owned(),
        behind => format!("{behind} sessions wait behind it"),
    })
}
