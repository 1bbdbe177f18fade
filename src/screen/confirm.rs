//! Questions before an order that destroys something.
//!
//! Owns which orders are asked about and what is said: whom it names, what it costs, what it leaves behind. Gives no
//! order.

use super::shown::stale_ms;
use super::ui::{Confirm, Typed};
use super::views::plan::words;
use crate::engine::Cockpit;
use crate::engine::command::Command;
use crate::engine::derive::cancel::CancelWorks;
use crate::engine::derive::cost::StopCost;
use crate::engine::derive::words::plural;
use crate::engine::effect::Rung;
use crate::engine::guard::{Level, seconds};
use crate::engine::ids::{At, Attempt, Pid};
use crate::engine::plan::order::Way;
use crate::engine::settings::{IfLost, OnTrip};
use crate::engine::steps::{Stage, Will};

/// Whether `command` is asked about before it is given.
pub fn is_needed(command: &Command) -> bool {
    matches!(
        command,
        Command::Abort { .. }
            | Command::Stop { .. }
            | Command::Arm { .. }
            | Command::End { .. }
            | Command::Plan(Will::Abort | Will::Undo { .. } | Will::CleanUp { .. })
    )
}

/// The question before `command`. For a presenter, whose keys are watched and whose screen is shared, a word is
/// typed; where the database has a label that says PROD, the end of the pid.
pub fn ask(cockpit: &Cockpit, command: Command, presenter: bool, now_ms: u64, now: At) -> Confirm {
    let (title, lines) = match &command {
        Command::Abort { attempt } => (
            format!("ABORT the target, {}", identity(cockpit, attempt)),
            stop_lines(cockpit, attempt.backend.pid, None, now),
        ),
        Command::Stop { attempt, rung } => {
            let verb =
                if *rung == Rung::Cancel { "CANCEL the statement of" } else { "TERMINATE the session of" };
            (
                format!("{verb} {}", identity(cockpit, attempt)),
                stop_lines(cockpit, attempt.backend.pid, Some(*rung), now),
            )
        }
        Command::Arm { .. } => {
            let whom = cockpit.target().map(|target| identity(cockpit, &target.attempt));
            let title =
                whom.map_or_else(|| "ARM the guard".to_owned(), |whom| format!("ARM the guard on {whom}"));
            (title, arm_lines(cockpit))
        }
        Command::Plan(will) => plan(cockpit, will, now),
        other => (format!("{other}"), vec!["The flight ends; the migration itself goes on.".to_owned()]),
    };
    let mut lines = lines;
    if let Some(ms) = stale_ms(cockpit, now) {
        lines.push(format!("All this was so {} ago: nothing newer is known.", seconds(ms / 100 * 100)));
    }
    let typed = typed(cockpit, &command, presenter);
    Confirm { command, title, lines, typed, since_ms: now_ms }
}

/// What is said before a will is done.
fn plan(cockpit: &Cockpit, will: &Will, now: At) -> (String, Vec<String>) {
    let Some(steps) = cockpit.steps() else { return (will.to_string(), Vec::new()) };
    let flown = &steps.mission().plan;
    match will {
        Will::Abort if steps.way() == Some(Way::CleanUp) => {
            let mut lines = vec![format!("stop now: {}", words::stop_now(steps, cockpit).0)];
            lines.extend(words::runner_behind(steps, cockpit));
            lines.push("What it was to clean up is still there then.".to_owned());
            ("STOP the clean-up under way".to_owned(), lines)
        }
        Will::Abort => {
            let title = format!("ABORT the plan {}: {}", flown.name, words::at_hand(steps, now));
            let mut lines = vec![format!("stop now: {}", words::stop_now(steps, cockpit).0)];
            if let Some(behind) = words::runner_behind(steps, cockpit) {
                lines.push(behind);
            }
            let done = steps.states().iter().filter(|state| state.stage == Stage::Done).count() as u64;
            lines.push(match done {
                0 => "no step is done yet".to_owned(),
                done => format!("{} done and kept: an abort undoes nothing", plural(done, "step")),
            });
            lines.push("What is left behind is looked for, and its clean-up offered.".to_owned());
            lines.push("The plan is over then; lockpit run --resume goes on from here.".to_owned());
            (title, lines)
        }
        Will::Undo { step } => {
            let found = flown.steps.iter().find(|it| it.id == *step);
            let parts = found.map(|it| it.undo.as_slice()).unwrap_or_default();
            let said = parts.iter().flat_map(|part| &part.statements);
            let mut lines: Vec<String> = said.map(|it| format!("{};", it.said)).collect();
            lines.push("It takes its locks politely and under guard, as a step does.".to_owned());
            (format!("UNDO step {step}"), lines)
        }
        Will::CleanUp { number } => {
            let offer = (*number as usize).checked_sub(1).and_then(|place| steps.offers().get(place));
            let Some(offer) = offer else { return (will.to_string(), Vec::new()) };
            let mut lines = vec![offer.sql.clone()];
            if !offer.sentence.is_empty() {
                lines.push(offer.sentence.clone());
            }
            lines.push("It takes its locks politely and under guard, as a step does.".to_owned());
            (format!("CLEAN UP {number}: {}", offer.leftover.name), lines)
        }
        other => (other.to_string(), Vec::new()),
    }
}

/// Whom a stop names.
fn identity(cockpit: &Cockpit, attempt: &Attempt) -> String {
    let pid = attempt.backend.pid;
    let backend = cockpit.sample().and_then(|sample| sample.backend(pid));
    let Some(backend) = backend.filter(|backend| backend.id() == attempt.backend) else {
        return format!("pid {pid}");
    };
    let kind = cockpit.catalog().kind(backend.text);
    let application =
        if backend.application.is_empty() { "(no application name)" } else { &backend.application };
    format!("pid {pid} {application}, role {}, {kind}", cockpit.catalog().role(backend.role))
}

fn stop_lines(cockpit: &Cockpit, pid: Pid, rung: Option<Rung>, now: At) -> Vec<String> {
    let Some(cost) = StopCost::of(cockpit, pid, now) else {
        return vec!["what stopping costs is not known: there is no sample".to_owned()];
    };
    let mut lines = vec![format!("lost: {}", cost.lost), format!("left behind: {}", cost.leaves)];
    if let (
        Some(Rung::Cancel) | None,
        CancelWorks::No(why) | CancelWorks::FreesOnly(why) | CancelWorks::Unknown(why),
    ) = (rung, &cost.cancel)
    {
        lines.push(format!("a cancel: {why}"));
    }
    lines.extend(cost.clean_up.iter().map(|step| format!("clean up: {step}")));
    let behind = cockpit.scene().graph.downstream(pid).len();
    lines.push(match behind {
        0 => "nobody waits behind it".to_owned(),
        1 => "1 session waits behind it".to_owned(),
        behind => format!("{behind} sessions wait behind it"),
    });
    let target = cockpit.target().filter(|target| target.pid() == pid);
    if let Some(Err(why)) = target.and_then(|target| target.right.as_ref()) {
        lines.push(format!("it may be refused: {why}"));
    }
    if rung.is_none() {
        let how = match cockpit.flight().map(|begin| begin.settings.on_trip).unwrap_or_default() {
            OnTrip::Auto => "cancelled, or terminated where a cancel would let its script run on",
            OnTrip::Cancel => "cancelled, never more",
            OnTrip::Terminate => "terminated",
            OnTrip::Signal(_) => "stopped by a signal to its runner",
        };
        lines.push(format!("It is {how}; its identity is checked on the server."));
    }
    lines
}

fn arm_lines(cockpit: &Cockpit) -> Vec<String> {
    let settings = cockpit.flight().map(|begin| begin.settings.clone()).unwrap_or_default();
    let readings = cockpit.brake().guardrails().readings();
    let over = readings.iter().find(|(_, reading)| reading.level == Level::Trip);
    let mut lines = Vec::new();
    // Who arms in the midst of a jam must not be surprised.
    if let Some((name, reading)) = over {
        lines.push(format!("It is stopped AT ONCE: {name} is over its limit now ({}).", reading.sentence));
    } else {
        lines.push("From now on a guardrail that trips stops this session by itself.".to_owned());
    }
    let how = match settings.on_trip {
        OnTrip::Auto => "cancelled, or terminated where a cancel would let its script run on",
        OnTrip::Cancel => "cancelled, never more",
        OnTrip::Terminate => "terminated",
        OnTrip::Signal(_) => "stopped by a signal to its runner",
    };
    lines.push(format!("It is then {how}."));
    lines.push("It reaches this session only, and ends with it or after 30 minutes.".to_owned());
    let if_lost = match settings.if_lost {
        IfLost::Keep => "When lockpit is lost, the migration goes on (--if-lost keep).",
        IfLost::Stop => "When lockpit is lost, a strong attempt is stopped (--if-lost stop).",
    };
    lines.push(if_lost.to_owned());
    lines
}

fn typed(cockpit: &Cockpit, command: &Command, presenter: bool) -> Option<Typed> {
    let of =
        |expected: String, what: &str| Some(Typed { expected, what: what.to_owned(), so_far: String::new() });
    let label = cockpit.flight().and_then(|begin| begin.label.clone()).unwrap_or_default();
    let is_prod = label.to_ascii_uppercase().contains("PROD");
    match command {
        Command::Stop { attempt, .. } if is_prod => {
            let pid = attempt.backend.pid.to_string();
            let last = pid.chars().rev().take(3).collect::<Vec<_>>().into_iter().rev().collect();
            of(last, "the last three digits of the pid")
        }
        Command::Abort { .. } | Command::Plan(Will::Abort) if presenter => {
            of("abort".to_owned(), "the word abort")
        }
        Command::Stop { .. } if presenter => of("stop".to_owned(), "the word stop"),
        _ => None,
    }
}
