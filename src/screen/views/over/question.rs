//! Questions: an order that waits for its second key, and leaving.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::open;
use crate::engine::command::Command;
use crate::engine::effect::Rung;
use crate::engine::steps::{Glance, Steps, Will};
use crate::engine::timeline::GuardState;
use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;
use crate::screen::ui::Confirm;
use crate::screen::views::header::{minute, state_word};
use crate::screen::widgets::pane::lines;

pub(super) const WIDTH: u16 = 84;

/// An order that waits to be confirmed.
pub(super) fn confirm(frame: &mut Frame<'_>, body: Rect, asked: &Confirm, shown: &Shown<'_>) {
    let width = WIDTH.min(body.width);
    let room = usize::from(width).saturating_sub(4);
    let mut content = wrapped(&shown.sentence(&asked.title), room, Meaning::Title, shown);
    content.push(Line::default());
    for line in &asked.lines {
        content.extend(wrapped(&shown.sentence(line), room, Meaning::Text, shown));
    }
    content.push(Line::default());
    let key = |key: &'static str| Span::styled(key, shown.style(Meaning::Key));
    content.push(match &asked.typed {
        None => Line::from(vec![
            Span::raw("  "),
            key("y"),
            Span::raw(format!(" {}    ", verb(&asked.command))),
            key("esc"),
            Span::raw(" leaves it alone"),
        ]),
        Some(typed) => Line::from(vec![
            Span::raw(format!("  type {}: ", typed.what)),
            Span::styled(format!("{}_", typed.so_far), shown.style(Meaning::Key)),
            Span::raw("  then "),
            key("enter"),
            Span::raw("    "),
            key("esc"),
            Span::raw(" leaves it alone"),
        ]),
    });
    let height = u16::try_from(content.len()).unwrap_or(u16::MAX).saturating_add(2);
    let inside = open(frame, body, (width, height), "are you sure?", true, shown);
    // In a low window the answer matters more than the last line of the cost.
    let excess = content.len().saturating_sub(usize::from(inside.height));
    if excess > 0 {
        let end = content.len().saturating_sub(2);
        content.drain(end.saturating_sub(excess)..end);
    }
    lines(frame, inside, content);
}

/// What the key does.
fn verb(command: &Command) -> &'static str {
    match command {
        Command::Abort { .. } => "aborts it",
        Command::Stop { rung: Rung::Cancel, .. } => "cancels it",
        Command::Stop { rung: Rung::Terminate, .. } => "terminates it",
        Command::Arm { .. } => "arms it",
        Command::Plan(Will::Abort) => "aborts the plan",
        Command::Plan(Will::Undo { .. }) => "undoes it",
        Command::Plan(Will::CleanUp { .. }) => "runs it",
        _ => "does it",
    }
}

/// Leaving: what becomes of the flight?
pub(super) fn quit(frame: &mut Frame<'_>, body: Rect, shown: &Shown<'_>) {
    // What is left is the flight as it is now, whatever moment a frozen display shows.
    let target = shown.live.target();
    let guard = match shown.live.brake().state() {
        Some((GuardState::Armed, _)) => {
            format!("ARMED until {}", minute(shown, shown.live.brake().consent().until()))
        }
        Some((state, sentence)) => format!("{}: {sentence}", state_word(*state).0),
        None => "not known yet".to_owned(),
    };
    let key = |key: &'static str, words: String| {
        Line::from(vec![
            Span::raw("  "),
            Span::styled(key, shown.style(Meaning::Key)),
            Span::raw(format!("  {words}")),
        ])
    };
    let room = usize::from(WIDTH.min(body.width)).saturating_sub(4);
    let mut content = Vec::new();
    let flown = shown.live.steps().filter(|steps| !steps.course().is_over());
    let under = match target {
        _ if flown.is_some() => format!("A plan is in the air ({guard}). What becomes of the flight?"),
        Some(target) => format!("pid {} is under guard ({guard}). What becomes of the flight?", target.pid()),
        None => format!("The guard: {guard}. What becomes of the flight?"),
    };
    content.extend(wrapped(&under, room, Meaning::Text, shown));
    content.push(Line::default());
    let end = match flown {
        Some(steps) => ending(steps),
        None => "end it: nothing is guarded any more; the migration goes on".to_owned(),
    };
    let room = room.saturating_sub(3);
    for (number, line) in text::wrap(&end, room).into_iter().enumerate() {
        content.push(if number == 0 { key("e", line) } else { key(" ", line) });
    }
    if shown.may_detach {
        content.push(key("d", "detach: it flies on without a screen; lockpit join comes back".to_owned()));
    }
    if flown.is_some() {
        content.push(key("a", "abort the plan first".to_owned()));
    } else if target.is_some() {
        content.push(key("a", "abort the target first".to_owned()));
    }
    content.push(key("esc", "stay".to_owned()));
    let height = u16::try_from(content.len()).unwrap_or(u16::MAX).saturating_add(2);
    let inside = open(frame, body, (WIDTH, height), "leave", false, shown);
    lines(frame, inside, content);
}

/// What ending the flight does to a plan in the air.
fn ending(steps: &Steps) -> String {
    let what = match steps.glance() {
        Glance::Trying { wait_ms: Some(_), .. } => "its attempt holds up reads or writes and is stopped",
        Glance::Trying { wait_ms: None, .. } => "its statement goes on without a guard",
        Glance::Program { .. } => "its program is ended",
        _ => "no statement is under way",
    };
    format!("end it: {what}; lockpit run --resume goes on from here")
}

pub(super) fn wrapped(line: &str, room: usize, meaning: Meaning, shown: &Shown<'_>) -> Vec<Line<'static>> {
    text::wrap(&text::clean(line), room)
        .into_iter()
        .map(|line| Line::from(vec![Span::raw("  "), Span::styled(line, shown.style(meaning))]))
        .collect()
}
