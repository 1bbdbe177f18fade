//! Everything about a step of the plan.
//!
//! Owns which facts are told of a step, and in which order. A step that the plan does not have says so.

use super::{Sheet, flight_time};
use crate::engine::derive::words::plural;
use crate::engine::guard::seconds;
use crate::engine::plan::forecast::Forecast;
use crate::engine::plan::{CheckKind, Gate, Part, PlanStep, Work};
use crate::engine::steps::{Offer, Stage, StepState, Steps};
use crate::screen::shown::Shown;
use crate::screen::theme::Meaning;
use crate::screen::views::header::tenths;
use crate::screen::views::parts::statement;
use crate::screen::views::plan::words::{self, data, data_meaning, holder, stop_now, way_out};

/// The most items that are listed.
const MOST_ITEMS: usize = 500;

/// One line about a step.
pub(super) fn line(id: &str, shown: &Shown<'_>) -> String {
    let Some((steps, number, _, state)) = find(id, shown) else { return gone(id) };
    let reason = match state.reason.as_str() {
        "" => String::new(),
        reason => format!(": {}", shown.sentence(reason)),
    };
    format!("step {} of {}, {id}: {}{reason}", number + 1, steps.states().len(), state.stage.word())
}

/// Fills a sheet about a step.
pub(super) fn fill(sheet: &mut Sheet<'_>, id: &str) {
    let shown = sheet.shown;
    let Some((steps, number, step, state)) = find(id, shown) else {
        sheet.heading(&gone(id));
        return;
    };
    let phase = step.phase.map(|phase| format!(", {}", phase.word())).unwrap_or_default();
    sheet.heading(&format!("step {} of {}, {id}{phase}", number + 1, steps.states().len()));
    course(sheet, steps, step, state);
    let is_at_hand = steps.current() == Some(number);
    if is_at_hand && !steps.course().is_over() {
        let (text, meaning) = stop_now(steps, shown.cockpit);
        sheet.loud("stop now", text, meaning);
    }
    work(sheet, step);
    if let Some(told) = state.forecast.as_deref() {
        forecast(sheet, told);
    }
    holders(sheet, state);
    items(sheet, state);
    if !step.checks.is_empty() {
        sheet.section("checks after it");
        for check in &step.checks {
            let what = match &check.kind {
                CheckKind::Holds => "its query says yes".to_owned(),
                CheckKind::UsesIndex(index) => format!("the plan of its query uses {index}"),
                CheckKind::Filled { table, column } => format!("{table}.{column} has no null"),
            };
            sheet.fact(&check.name, what);
        }
    }
    sheet.section("undo");
    match step.undo.as_slice() {
        [] => sheet.sentence("The plan does not say how it is undone.", Meaning::Muted),
        parts => statements(sheet, parts),
    }
    let offers = steps.offers();
    if is_at_hand && !offers.is_empty() {
        left(sheet, offers);
    }
}

fn gone(id: &str) -> String {
    format!("the plan has no step {id}")
}

fn find<'a>(id: &str, shown: &Shown<'a>) -> Option<(&'a Steps, usize, &'a PlanStep, &'a StepState)> {
    let steps = shown.cockpit.steps()?;
    let number = steps.mission().plan.steps.iter().position(|step| step.id == id)?;
    Some((steps, number, steps.mission().plan.steps.get(number)?, steps.states().get(number)?))
}

/// Where it is, why, since when, and what must be before it.
fn course(sheet: &mut Sheet<'_>, steps: &Steps, step: &PlanStep, state: &StepState) {
    let shown = sheet.shown;
    let meaning = match state.stage {
        Stage::Failed => Meaning::Danger,
        Stage::Stopped | Stage::Paused => Meaning::Warn,
        Stage::Done => Meaning::Ok,
        _ => Meaning::Text,
    };
    let since = match state.stage {
        Stage::Ready => String::new(),
        _ => format!(" for {}", tenths(shown.age_ms(state.since))),
    };
    sheet.loud("stage", format!("{}{since}", state.stage.word()), meaning);
    if !state.reason.is_empty() {
        sheet.loud("why", shown.sentence(&state.reason), meaning);
    }
    if let Some(began) = state.began {
        sheet.fact("began", flight_time(began, shown));
        if let Some(ended) = state.ended {
            sheet.fact("took", seconds(ended.ms_since(began)));
        }
    }
    let name = |number: &u32| steps.mission().plan.steps.get(*number as usize).map(|it| it.id.as_str());
    let after: Vec<&str> = step.after.iter().filter_map(name).collect();
    if !after.is_empty() {
        sheet.fact("after", after.join(", "));
    }
    let looks = match state.looks {
        0 => String::new(),
        looks => format!(", then {} that did not pass", plural(u64::from(looks), "look")),
    };
    if state.attempts > 0 || state.looks > 0 {
        sheet.fact("tried", format!("{}{looks}", plural(u64::from(state.attempts), "attempt")));
    }
    if let Some(wait_ms) = state.lock_timeout_ms {
        sheet.fact("lock_timeout", format!("{} for the attempt at hand", seconds(wait_ms)));
    }
    if let Some(more) = state.dead_rows_more.filter(|more| *more > 0) {
        sheet.fact("dead rows", format!("{more} more than before"));
    }
}

fn work(sheet: &mut Sheet<'_>, step: &PlanStep) {
    match &step.work {
        Work::Sql { parts, for_each } => {
            let each = for_each.as_ref().map(|items| format!(", for each of {items}")).unwrap_or_default();
            sheet.section(&format!("statements{each}"));
            statements(sheet, parts);
            let acquire = &step.acquire;
            let rungs: Vec<String> = acquire.rungs_ms.iter().map(|ms| seconds(*ms)).collect();
            sheet.section("strong locks");
            sheet.fact("attempts", format!("wait {}", rungs.join(", then ")));
            let within = seconds(acquire.within_ms);
            sheet.fact("limits", format!("{} in {within}", plural(acquire.attempts.into(), "attempt")));
            if let Some(limit_ms) = step.statement_timeout_ms {
                sheet.fact("statements", format!("run for {} at most", seconds(limit_ms)));
            }
        }
        Work::Gate(it) => gate(sheet, it),
        Work::Program { program, limit_ms } => {
            sheet.section("program");
            sheet.fact("program", program);
            sheet.fact("limit", seconds(*limit_ms));
        }
        Work::Backfill { table } => {
            sheet.section("backfill");
            sheet.fact("table", table);
        }
    }
}

fn gate(sheet: &mut Sheet<'_>, gate: &Gate) {
    sheet.section("gate");
    if let Some(ask) = &gate.ask {
        sheet.fact("asks", ask);
    }
    if let Some(check) = &gate.check {
        let query = statement("SELECT", Some(check), sheet.shown);
        sheet.fact("query", format!("{query} (every {})", seconds(gate.every_ms)));
    }
    if let Some(soak_ms) = gate.soak_ms {
        sheet.fact("soak", format!("{} without a trip", seconds(soak_ms)));
    }
    let limit = gate.limit_ms.map_or_else(|| "stays closed for as long as it takes".to_owned(), seconds);
    sheet.fact("limit", limit);
}

/// Statements by part, with the lines on which they begin in the plan's file.
fn statements(sheet: &mut Sheet<'_>, parts: &[Part]) {
    let shown = sheet.shown;
    for (part, number) in parts.iter().zip(1..) {
        let how = match part.transaction {
            true => "in one transaction",
            false => "outside a transaction",
        };
        sheet.sentence(format!("part {number} of {}, {how}", parts.len()), Meaning::Muted);
        for it in &part.statements {
            let text = statement(&it.form.kind, Some(&it.said), shown);
            sheet.fact(&format!("  line {}", it.line), text);
        }
    }
}

fn forecast(sheet: &mut Sheet<'_>, forecast: &Forecast) {
    sheet.section("forecast");
    if forecast.locks.is_empty() && forecast.unknown.is_empty() {
        sheet.fact("locks", "none on what is there already");
    }
    for lock in &forecast.locks {
        sheet.fact("locks", words::lock(lock));
    }
    if !forecast.first.is_empty() {
        let first: Vec<String> =
            forecast.first.iter().map(|lock| format!("{} ({})", lock.name, lock.mode)).collect();
        sheet.fact("taken first", first.join(", "));
    }
    if let Some(data) = data(forecast) {
        sheet.loud("data", data, data_meaning(forecast));
    }
    for unknown in &forecast.unknown {
        sheet.loud("not known", unknown, Meaning::Unknown);
    }
    sheet.fact("stop loses", &forecast.stop_loses);
    sheet.fact("stop leaves", &forecast.stop_leaves);
}

fn holders(sheet: &mut Sheet<'_>, state: &StepState) {
    let shown = sheet.shown;
    let Some((at, look)) = state.look.as_deref() else { return };
    sheet.section(&format!("who holds what it needs, {} ago", tenths(shown.age_ms(*at))));
    if look.holders.is_empty() {
        sheet.sentence("Nobody.", Meaning::Ok);
    }
    for one in &look.holders {
        let (who, holds) = holder(one, look, state.forecast.as_deref(), shown);
        sheet.sentence(format!("{who}, {holds}"), Meaning::Warn);
        sheet.sentence(format!("  {}", way_out(one, shown)), Meaning::Muted);
    }
    let more = (look.in_all as usize).saturating_sub(look.holders.len());
    if more > 0 {
        sheet.sentence(format!("and {more} more"), Meaning::Warn);
    }
    if look.queued > 0 {
        let text = format!("{} in the queue already", plural(u64::from(look.queued), "session"));
        sheet.sentence(text, Meaning::Warn);
    }
}

fn items(sheet: &mut Sheet<'_>, state: &StepState) {
    if state.items.is_empty() {
        return;
    }
    let done = state.items.iter().filter(|item| item.stage.is_behind()).count();
    sheet.section(&format!("items: {done} of {} are behind", state.items.len()));
    for item in state.items.iter().take(MOST_ITEMS) {
        let reason = match item.reason.as_str() {
            "" => String::new(),
            reason => format!(": {}", sheet.shown.sentence(reason)),
        };
        sheet.fact(item.stage.word(), format!("{}{reason}", item.name));
    }
    if let more @ 1.. = state.items.len().saturating_sub(MOST_ITEMS) {
        sheet.sentence(format!("and {more} more"), Meaning::Muted);
    }
}

fn left(sheet: &mut Sheet<'_>, offers: &[Offer]) {
    sheet.section("left behind");
    for (offer, number) in offers.iter().zip(1..) {
        let meaning = if offer.hides_rows { Meaning::Danger } else { Meaning::Warn };
        let hides = if offer.hides_rows { "ROWS ARE HIDDEN: " } else { "" };
        let sentence = match offer.sentence.as_str() {
            "" => offer.leftover.name.as_str(),
            sentence => sentence,
        };
        sheet.sentence(format!("{hides}{sentence}"), meaning);
        sheet.fact(&format!("  cleanup {number}"), &offer.sql);
        if offer.stage != Stage::Ready {
            sheet.fact("", offer.stage.word());
        }
    }
}
