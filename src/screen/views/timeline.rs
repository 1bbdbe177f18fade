//! Everything that happened, the newest at the foot.
//!
//! ```text
//!  ┌ timeline · 12 events · UTC, time of flight · follows the newest ───┐
//!  │ 22:14:07  00:05.173  TRIP   queue_depth: 12 sessions queue …       │
//!  │▌22:14:07  00:05.181  stop   cancel pid 102: …                      │  what is selected is shown
//!  │                              in full                               │  in full
//!  └────────────────────────────────────────────────────────────────────┘
//! ```

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::events::event;
use super::header::clock;
use super::lines::{cut_to, plain};
use crate::engine::derive::words::plural;
use crate::engine::ids::At;
use crate::engine::timeline::Event;
use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;
use crate::screen::ui::{Row, View};
use crate::screen::widgets::{first_line, pane};

/// Columns before the sentence: two times and the word.
const HEAD: usize = 28;
/// Most lines of the sentence that is selected.
const MOST_LINES: usize = 12;

/// Draws the events; returns how many fit.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) -> usize {
    let listed = listed(shown);
    let selected = shown.ui.selected();
    let place = listed.iter().position(|(number, _)| selected == Some(&Row::Event(*number)));
    let inside = pane::pane(frame, area, &title(listed.len(), place.is_some(), shown), true, shown);
    let height = usize::from(inside.height);
    if listed.is_empty() {
        let words = match filter(shown) {
            Some(filter) => format!(" No event contains \"{filter}\"."),
            None => " Nothing has happened yet.".to_owned(),
        };
        pane::lines(frame, inside, [plain(words, shown.style(Meaning::Muted))]);
        return height;
    }
    let width = inside.width;
    let full = place.map(|place| event_lines(listed[place].1, MOST_LINES.min(height), true, width, shown));
    // One line for each event, and those of the selected one.
    let extra = full.as_ref().map_or(0, |lines| lines.len().saturating_sub(1));
    let first = match place {
        // All lines of the selected one are seen.
        Some(place) => first_line(Some(place + extra), listed.len() + extra, height).min(place),
        None => listed.len().saturating_sub(height),
    };
    let mut lines: Vec<Line<'static>> = Vec::with_capacity(height);
    for (index, (_, what)) in listed.iter().enumerate().skip(first).take(height) {
        match &full {
            Some(full) if place == Some(index) => lines.extend(full.iter().cloned()),
            _ => lines.extend(event_lines(what, 1, false, width, shown)),
        }
    }
    pane::lines(frame, inside, lines);
    height
}

/// The events that are shown, oldest first.
pub(super) fn rows(shown: &Shown<'_>) -> Vec<Row> {
    listed(shown).into_iter().map(|(number, _)| Row::Event(number)).collect()
}

/// Events with their number in the flight, oldest first.
pub(super) fn numbered<'a>(shown: &Shown<'a>) -> impl Iterator<Item = (u64, &'a (At, Event))> {
    let timeline = shown.cockpit.timeline();
    let kept = timeline.since(0).count() as u64;
    (timeline.total() - kept..).zip(timeline.since(0))
}

/// The filter of this screen, whichever is shown.
fn filter<'a>(shown: &Shown<'a>) -> Option<&'a str> {
    let filter = shown.ui.filters.get(&View::Timeline).map(String::as_str);
    filter.filter(|filter| !filter.is_empty())
}

/// What the filter lets through: it looks at the word and the sentence, upper and lower case alike.
fn listed<'a>(shown: &Shown<'a>) -> Vec<(u64, &'a (At, Event))> {
    let wanted = filter(shown).map(str::to_lowercase);
    numbered(shown)
        .filter(|(_, (_, what))| {
            let Some(wanted) = &wanted else { return true };
            let (word, _, sentence) = event(what);
            format!("{word} {sentence}").to_lowercase().contains(wanted.as_str())
        })
        .collect()
}

fn title(listed: usize, is_selected: bool, shown: &Shown<'_>) -> String {
    let total = shown.cockpit.timeline().total();
    let kept = shown.cockpit.timeline().since(0).count();
    let mut parts = vec!["timeline".to_owned()];
    parts.push(match filter(shown) {
        Some(filter) => format!("{listed} of {} contain \"{filter}\"", plural(kept as u64, "event")),
        None => plural(kept as u64, "event"),
    });
    let lost = total.saturating_sub(kept as u64);
    if lost > 0 {
        parts.push(format!("{lost} earlier ones are in the log only"));
    }
    parts.push("UTC, time of flight".to_owned());
    parts.push(if is_selected { "esc follows the newest" } else { "follows the newest" }.to_owned());
    parts.join(" · ")
}

/// An event in at most `most` lines.
fn event_lines(
    (at, what): &(At, Event),
    most: usize,
    is_selected: bool,
    width: u16,
    shown: &Shown<'_>,
) -> Vec<Line<'static>> {
    let (word, meaning, sentence) = event(what);
    let utc = shown.utc_us(*at).and_then(|utc_us| jiff::Timestamp::from_microsecond(utc_us).ok());
    let utc = utc.map_or_else(|| "  :  :  ".to_owned(), |at| at.strftime("%H:%M:%S").to_string());
    let flight = format!("{}.{:03}", clock(at.ms()), at.ms() % 1_000);
    let room = usize::from(width).saturating_sub(HEAD + 1);
    let sentence_style = if meaning == Meaning::Danger { shown.style(meaning) } else { Style::new() };
    let sentences = cut_to(most.max(1), &sentence, room, shown);
    let mark = if is_selected { shown.glyphs.select } else { " " };
    let mut lines = Vec::new();
    for (index, sentence) in sentences.into_iter().enumerate() {
        let line = if index == 0 {
            Line::from(vec![
                Span::raw(mark),
                Span::styled(format!("{utc} {flight:>11} "), shown.style(Meaning::Muted)),
                Span::styled(text::fit(word, 6, shown.glyphs), shown.style(meaning)),
                Span::raw(" "),
                Span::styled(sentence, sentence_style),
            ])
        } else {
            Line::from(vec![Span::raw(" ".repeat(HEAD + 1)), Span::styled(sentence, sentence_style)])
        };
        let style = shown.style(Meaning::Selection);
        lines.push(if is_selected { line.patch_style(style) } else { line });
    }
    lines
}
