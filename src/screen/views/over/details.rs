//! Everything about one row, in sentences.
//!
//! ```text
//!  ┏ details · lines 1 to 20 of 34 · up and down scroll, esc closes ┓
//!  ┃ pid 29025 report-job · root blocker A, 97 wait behind it       ┃
//!  ┃ session     began 2026-03-02 22:10:01 UTC, 2m06s ago           ┃
//!  ┃ state       idle in transaction for 2m06s                      ┃
//!  ┃ locks                                                          ┃
//!  ┃   holds AccessShareLock on users                               ┃
//!  ┃ ..                                                             ┃
//!  ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
//! ```
//!
//! Owns the sheet of labelled facts; what is said of a backend is in [`backend`] and [`words`], of guardrails and
//! events in [`events`], of steps in [`steps`], of everything else in [`others`]. A row that is gone says so.

mod backend;
mod events;
mod others;
mod steps;
#[cfg(test)]
mod tests;
mod words;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::open;
use crate::engine::ids::{At, Pid, ServerTime};
use crate::engine::timeline::Event;
use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;
use crate::screen::ui::Row;
use crate::screen::widgets::pane;

const WIDTH: u16 = 110;
/// Columns of a label.
const LABEL: usize = 13;

/// Draws everything about `row`, scrolled by `scroll` lines; returns how far it can be.
pub(in crate::screen) fn draw(
    frame: &mut Frame<'_>,
    body: Rect,
    row: &Row,
    scroll: usize,
    shown: &Shown<'_>,
) -> usize {
    let room = usize::from(WIDTH.min(body.width)).saturating_sub(4);
    let content = content(row, room, shown);
    let height = usize::from(body.height).saturating_sub(2);
    let furthest = content.len().saturating_sub(height);
    let first = scroll.min(furthest);
    let dot = shown.glyphs.separator;
    let title = if content.len() > height {
        let last = first + height;
        format!(
            "details {dot} lines {} to {last} of {} {dot} up and down scroll, esc closes",
            first + 1,
            content.len()
        )
    } else {
        format!("details {dot} esc closes")
    };
    let wanted = u16::try_from(content.len() + 2).unwrap_or(u16::MAX);
    let inside = open(frame, body, (WIDTH, wanted), &title, false, shown);
    pane::lines(frame, inside, content.into_iter().skip(first));
    furthest
}

/// A row in one line, for the clipboard; its identity comes first.
pub(in crate::screen) fn line(shown: &Shown<'_>, row: &Row) -> String {
    let line = match row {
        Row::Backend(id) => words::line(*id, shown),
        other => others::line(other, shown),
    };
    text::clean(&line).into_owned()
}

fn content(row: &Row, room: usize, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let mut sheet = Sheet { lines: Vec::new(), room, shown };
    match row {
        Row::Backend(id) => backend::fill(&mut sheet, *id),
        other => others::fill(&mut sheet, other),
    }
    sheet.lines
}

/// Labelled facts, each in as many lines as it needs.
struct Sheet<'a> {
    lines: Vec<Line<'static>>,
    room: usize,
    shown: &'a Shown<'a>,
}

impl Sheet<'_> {
    /// What the sheet is about.
    fn heading(&mut self, words: &str) {
        self.wrapped("", 0, words, Meaning::Title);
    }

    /// A part of its own.
    fn section(&mut self, words: &str) {
        self.lines.push(Line::default());
        self.wrapped("", 0, words, Meaning::Title);
    }

    fn fact(&mut self, label: &str, words: impl AsRef<str>) {
        self.wrapped(label, LABEL, words.as_ref(), Meaning::Text);
    }

    fn loud(&mut self, label: &str, words: impl AsRef<str>, meaning: Meaning) {
        self.wrapped(label, LABEL, words.as_ref(), meaning);
    }

    /// A sentence across the sheet.
    fn sentence(&mut self, words: impl AsRef<str>, meaning: Meaning) {
        self.wrapped("", 2, words.as_ref(), meaning);
    }

    fn wrapped(&mut self, label: &str, indent: usize, words: &str, meaning: Meaning) {
        let shown = self.shown;
        let clean = text::clean(words);
        let parts = text::wrap(&clean, self.room.saturating_sub(indent).max(1));
        for (number, part) in parts.into_iter().enumerate() {
            let label = text::fit(if number == 0 { label } else { "" }, indent, shown.glyphs);
            self.lines.push(Line::from(vec![
                Span::raw(" "),
                Span::styled(label, shown.style(Meaning::Muted)),
                Span::styled(part, shown.style(meaning)),
            ]));
        }
    }
}

/// A reading of the server's clock, for people.
fn server_time(time: ServerTime) -> String {
    match jiff::Timestamp::from_microsecond(time.0) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S%.3f UTC").to_string(),
        Err(_) => format!("{} us since 1970", time.0),
    }
}

/// A moment of the flight, for people.
fn flight_time(at: At, shown: &Shown<'_>) -> String {
    let utc = shown.utc_us(at).map(|utc_us| server_time(ServerTime(utc_us)));
    let clock = crate::screen::views::header::clock(at.ms());
    match utc {
        Some(utc) => format!("{utc}, {clock} into the flight"),
        None => format!("{clock} into the flight"),
    }
}

/// The last event that names a process.
fn last_told(pid: Pid, shown: &Shown<'_>) -> Option<(At, String)> {
    let events = shown.cockpit.timeline().since(0);
    let (at, event) = events.filter(|(_, event)| pid_of(event) == Some(pid)).last()?;
    Some((*at, crate::screen::views::events::event(event).2))
}

fn pid_of(event: &Event) -> Option<Pid> {
    match event {
        Event::TargetFound(story) => Some(story.attempt.backend.pid),
        Event::TargetEnded { target, .. } => Some(target.attempt.backend.pid),
        Event::Trip { pid, .. } => Some(*pid),
        Event::Intent { attempt, .. } => Some(attempt.backend.pid),
        Event::Outcome(story) => Some(story.pid),
        _ => None,
    }
}
