//! The plan, in a pane: every step in a line, and the step at hand opened.
//!
//! ```text
//!  ┌ users-email-verified · step 2 of 7 · flying ─────────────────────────┐
//!  │ ✓ 1 expand   add-column                   done              0.0 s    │
//!  │ ► 2 expand   set-not-null                 acquiring  try 1  0.3 s    │
//!  │   ALTER TABLE users ALTER COLUMN ..                                  │
//!  │   locks     AccessExclusiveLock on users                             │
//!  │   waits     0.3 s of 0.5 s; pid 29025 report-job, idle in ..         │
//!  │   stop now  nothing lost, nothing left behind                        │
//!  │ ○ 3 migrate  app-v2 (gate)                ready                      │
//!  └──────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Owns what is seen where there is little room: what is held or left behind first, then the step at hand, then its
//! neighbours. The words are in [`standing`], [`at_hand`] and [`words`].

mod at_hand;
mod standing;
#[cfg(test)]
mod tests;
pub(in crate::screen) mod words;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::header::tenths;
use super::parts::two_sided;
use crate::engine::plan::{PlanStep, Work};
use crate::engine::steps::{Course, Ending, Stage, StepState, Steps};
use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;
use crate::screen::ui::Row;
use crate::screen::widgets::{first_line, pane};

/// Columns before what is said of the step at hand.
const INDENT: u16 = 2;
/// Lines of the step at hand that its neighbours never push out.
const LEAST_OPEN: usize = 4;

/// The steps, in order.
pub(super) fn rows(steps: &Steps) -> Vec<Row> {
    steps.mission().plan.steps.iter().map(|step| Row::Step(step.id.clone())).collect()
}

/// Lines that it would fill, without its frame: as if every fact took two of them.
pub(super) fn wanted(steps: &Steps, shown: &Shown<'_>) -> usize {
    let facts = standing::loud(steps, shown).len() + at_hand::entries(steps, shown).len();
    2 * facts + steps.states().len()
}

/// Draws the plan; returns how many lines fit.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    steps: &Steps,
    focused: bool,
    shown: &Shown<'_>,
) -> usize {
    let inside = pane::pane(frame, area, &title(steps, shown), focused, shown);
    let (width, height) = (inside.width, usize::from(inside.height));
    let loud = standing::loud(steps, shown);
    let most = (height * 2 / 3).max(loud.len().min(height));
    let mut pinned = at_hand::lay_out(&loud, width.saturating_sub(1), most, shown);
    pinned.truncate(height);
    let selected = shown.ui.selected().filter(|_| focused);
    let place = selected.and_then(|row| rows(steps).iter().position(|one| one == row));
    let here = steps.current();
    let left = height.saturating_sub(pinned.len());
    let listed = match place.filter(|place| Some(*place) != here) {
        Some(place) => around(steps, place, here, left, width, shown),
        None => opened(steps, here, place.is_some(), left, width, shown),
    };
    let pinned = pinned.into_iter().map(|line| marked(line, " "));
    pane::lines(frame, inside, pinned.chain(listed));
    height
}

fn title(steps: &Steps, shown: &Shown<'_>) -> String {
    let plan = &steps.mission().plan;
    let place = match steps.current() {
        Some(number) => format!("step {} of {}", number + 1, plan.steps.len()),
        None => format!("{} steps", plan.steps.len()),
    };
    let course = match steps.course() {
        Course::Flying if steps.holds_after().is_some() => "HELD AFTER THIS",
        Course::Preparing | Course::Flying => steps.course().word(),
        Course::Held { .. } => "HELD",
        Course::Halted { .. } => "HALTED",
        Course::Over { ending: Ending::Complete, .. } => "COMPLETE",
        Course::Over { ending: Ending::Aborted, .. } => "OVER: ABORTED",
        Course::Over { .. } => "OVER: NOT COMPLETE",
    };
    // The name gives way: which step, and whether it goes on, is never cut.
    let name = text::truncate(&plan.name, 24, shown.glyphs);
    shown.title(&[&name, &place, course])
}

/// The step at hand with what is said of it, and as many of its neighbours as there is room for.
fn opened(
    steps: &Steps,
    here: Option<usize>,
    is_selected: bool,
    height: usize,
    width: u16,
    shown: &Shown<'_>,
) -> Vec<Line<'static>> {
    let all = steps.states().len();
    let Some(here) = here else {
        // All are behind: the last ones are seen.
        let lines = (0..all).map(|number| step_line(steps, number, false, width, shown));
        return lines.skip(all.saturating_sub(height)).collect();
    };
    let neighbours = usize::from(here > 0) + usize::from(here + 1 < all);
    let most = height.saturating_sub(1);
    let budget = most.saturating_sub(neighbours).max(LEAST_OPEN.min(most));
    let room = width.saturating_sub(1 + INDENT);
    let open = at_hand::lay_out(&at_hand::entries(steps, shown), room, budget, shown);
    let rest = most.saturating_sub(open.len());
    let above = here.min(rest.saturating_sub((all - here - 1).min(rest / 2)));
    let below = (all - here - 1).min(rest - above);
    let mut lines: Vec<Line<'static>> =
        (here - above..here).map(|number| step_line(steps, number, false, width, shown)).collect();
    lines.push(step_line(steps, here, is_selected, width, shown));
    let indent = " ".repeat(usize::from(INDENT) + 1);
    lines.extend(open.into_iter().map(|line| marked(line, &indent)));
    lines.extend((here + 1..=here + below).map(|number| step_line(steps, number, false, width, shown)));
    lines
}

/// All in lines, around the step that is selected and is not the one at hand.
fn around(
    steps: &Steps,
    place: usize,
    here: Option<usize>,
    height: usize,
    width: u16,
    shown: &Shown<'_>,
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut at = 0;
    for number in 0..steps.states().len() {
        if number == place {
            at = lines.len();
        }
        lines.push(step_line(steps, number, number == place, width, shown));
        if Some(number) == here {
            let entries = at_hand::entries(steps, shown);
            let open = at_hand::lay_out(&entries, width.saturating_sub(1 + INDENT), entries.len(), shown);
            let indent = " ".repeat(usize::from(INDENT) + 1);
            lines.extend(open.into_iter().map(|line| marked(line, &indent)));
        }
    }
    let first = first_line(Some(at), lines.len(), height);
    lines.into_iter().skip(first).collect()
}

/// One step in a line: its sign, number, phase and name; its stage, attempt and time.
fn step_line(
    steps: &Steps,
    number: usize,
    is_selected: bool,
    width: u16,
    shown: &Shown<'_>,
) -> Line<'static> {
    let all = steps.states().len();
    let (Some(step), Some(state)) = (steps.mission().plan.steps.get(number), steps.states().get(number))
    else {
        return Line::default();
    };
    let (sign, meaning) = sign(state.stage, shown);
    let phase = step.phase.map_or("", |phase| phase.word());
    let digits = all.to_string().len();
    let kind = match &step.work {
        Work::Sql { .. } => "",
        Work::Gate(_) => " (gate)",
        Work::Program { .. } => " (program)",
        Work::Backfill { .. } => " (backfill)",
    };
    let plain = if Some(number) == steps.current() { Meaning::LockTarget } else { Meaning::Text };
    let left = vec![
        Span::styled(sign.to_owned(), shown.style(meaning)),
        Span::raw(format!(" {:>digits$} ", number + 1)),
        Span::styled(format!("{phase:<8} "), shown.style(Meaning::Muted)),
        Span::styled(step.id.clone(), shown.style(plain)),
        Span::styled(kind, shown.style(Meaning::Muted)),
    ];
    let time = time_ms(state, shown).map(tenths).unwrap_or_default();
    let right = vec![
        Span::styled(often(step, state), shown.style(Meaning::Muted)),
        Span::styled(format!(" {:<9}", state.stage.word()), shown.style(meaning)),
        Span::styled(format!(" {time:>7}"), shown.style(Meaning::Text)),
    ];
    let line = two_sided(left, right, width.saturating_sub(1), shown);
    if !is_selected {
        return marked(line, " ");
    }
    marked(line, shown.glyphs.select).patch_style(shown.style(Meaning::Selection))
}

/// How many of its items are done, and which attempt it is.
fn often(step: &PlanStep, state: &StepState) -> String {
    let mut words = Vec::new();
    if !state.items.is_empty() && !state.stage.is_behind() {
        let done = state.items.iter().filter(|item| item.stage.is_behind()).count();
        words.push(format!("{done}/{}", state.items.len()));
    }
    let is_sql = matches!(step.work, Work::Sql { .. });
    if is_sql && state.attempts > 0 && !state.stage.is_behind() {
        words.push(format!("try {}", state.attempts));
    }
    words.join(" ")
}

/// How long it took, or has taken so far, in milliseconds.
fn time_ms(state: &StepState, shown: &Shown<'_>) -> Option<u64> {
    let began = state.began?;
    let until = match state.stage {
        Stage::Failed | Stage::Stopped | Stage::Skipped => Some(state.since),
        _ => state.ended,
    };
    Some(until.unwrap_or(shown.now).ms_since(began))
}

fn sign(stage: Stage, shown: &Shown<'_>) -> (&'static str, Meaning) {
    let glyphs = shown.glyphs;
    match stage {
        Stage::Ready => (glyphs.pending, Meaning::Muted),
        Stage::Forecast | Stage::Acquiring | Stage::Verifying => (glyphs.head, Meaning::Warn),
        Stage::Running => (glyphs.head, Meaning::StateActive),
        Stage::Done => (glyphs.check, Meaning::Ok),
        Stage::Paused => (glyphs.pause, Meaning::Warn),
        Stage::Stopped => (glyphs.cross, Meaning::Warn),
        Stage::Failed => (glyphs.cross, Meaning::Danger),
        Stage::Skipped => (glyphs.dash, Meaning::Muted),
    }
}

fn marked(line: Line<'static>, mark: &str) -> Line<'static> {
    let mut spans = vec![Span::raw(mark.to_owned())];
    spans.extend(line.spans);
    Line::from(spans)
}
