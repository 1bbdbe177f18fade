//! Lines that more than one screen shows: a row of the lock tree, a guardrail, an event.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::header::tenths;
use crate::engine::guard::{Level, RULES, Reading, Unit};
use crate::engine::history::{KEPT_MS, Signal};
use crate::engine::ids::At;
use crate::engine::scene::Part;
use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;
use crate::screen::widgets::chart;

/// A line with words to the left, cut where they meet those to the right.
pub(super) fn two_sided(
    left: Vec<Span<'static>>,
    right: Vec<Span<'static>>,
    width: u16,
    shown: &Shown<'_>,
) -> Line<'static> {
    let right_width: usize = right.iter().map(|span| text::width(&span.content)).sum();
    let room = usize::from(width).saturating_sub(right_width + usize::from(right_width > 0));
    let mut used = 0;
    let mut spans = Vec::new();
    for span in left {
        let cut = text::truncate(&text::clean(&span.content), room.saturating_sub(used), shown.glyphs);
        used += text::width(&cut);
        spans.push(Span::styled(cut, span.style));
    }
    spans.push(Span::raw(" ".repeat(usize::from(width).saturating_sub(used + right_width))));
    spans.extend(right);
    Line::from(spans)
}

/// A fact with its label, which is wrapped where there is room and cut where there is none.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    label: Span<'static>,
    text: String,
    style: Style,
}

impl Entry {
    /// `text` behind a label.
    pub(super) fn new(label: &str, text: impl Into<String>, style: Style, shown: &Shown<'_>) -> Entry {
        let label = if label.is_empty() { String::new() } else { format!("{label:<9} ") };
        Entry { label: Span::styled(label, shown.style(Meaning::Muted)), text: text.into(), style }
    }

    /// `text` behind a word of its own style.
    pub(super) fn headed(word: &str, meaning: Meaning, text: impl Into<String>, shown: &Shown<'_>) -> Entry {
        let label = Span::styled(format!("{word} "), shown.style(meaning));
        Entry { label, text: text.into(), style: shown.style(Meaning::Text) }
    }

    /// `text` behind a word, all of it in the word's style.
    pub(super) fn loud(word: &str, meaning: Meaning, text: impl Into<String>, shown: &Shown<'_>) -> Entry {
        Entry { style: shown.style(meaning), ..Entry::headed(word, meaning, text, shown) }
    }

    /// In as many lines as it needs.
    pub(super) fn wrapped(&self, width: u16) -> Vec<Line<'static>> {
        let indent = text::width(&self.label.content);
        let room = usize::from(width).saturating_sub(indent).max(1);
        let lines = text::wrap(&text::clean(&self.text), room).into_iter().enumerate();
        let lines = lines.map(|(number, line)| {
            let before = if number == 0 { self.label.clone() } else { Span::raw(" ".repeat(indent)) };
            Line::from(vec![before, Span::styled(line, self.style)])
        });
        lines.collect()
    }

    /// In one line.
    pub(super) fn cut(&self, width: u16, shown: &Shown<'_>) -> Line<'static> {
        let spans = vec![self.label.clone(), Span::styled(self.text.clone(), self.style)];
        two_sided(spans, Vec::new(), width, shown)
    }
}

/// Facts in a given space: wrapped as long as all of them fit, the first ones first; else one line each.
pub(super) fn entry_lines(
    entries: &[Entry],
    width: u16,
    height: u16,
    shown: &Shown<'_>,
) -> Vec<Line<'static>> {
    let wrapped: Vec<Vec<Line<'static>>> = entries.iter().map(|entry| entry.wrapped(width)).collect();
    let mut spare = usize::from(height).saturating_sub(entries.len());
    let mut lines = Vec::new();
    for (entry, wrapped) in entries.iter().zip(wrapped) {
        let more = wrapped.len().saturating_sub(1);
        if more <= spare {
            spare -= more;
            lines.extend(wrapped);
        } else {
            lines.push(entry.cut(width, shown));
        }
    }
    lines
}

/// What the catalog calls a statement it knows nothing of.
const UNKNOWN: &str = "unknown statement";

/// A statement: its text, or its kind where the text is hidden or the screen is shared.
pub(super) fn statement(kind: &str, text: Option<&str>, shown: &Shown<'_>) -> String {
    match text {
        Some(text) if !shown.ui.presenter => text.to_owned(),
        Some(_) => kind.to_owned(),
        None if kind == UNKNOWN => "text unknown".to_owned(),
        None => format!("{kind} (text not known)"),
    }
}

/// The word for a part.
pub(super) fn part_name(part: Part) -> &'static str {
    match part {
        Part::Unknown => "not in the activity",
        part => part.name(),
    }
}

/// One guardrail in one line: level, value against limit, margin, plot.
pub(super) fn guardrail_line(name: &str, reading: &Reading, width: u16, shown: &Shown<'_>) -> Line<'static> {
    // A rule has judged what was seen; only that of blindness judges the seeing.
    let is_old = shown.stale_ms().is_some() && name != "blind";
    let (word, meaning) = if is_old { ("old", Meaning::Unknown) } else { level_word(reading.level) };
    // Blindness goes on while nothing is there to be judged.
    let value = match shown.stale_ms() {
        Some(stale_ms) if name == "blind" => reading.value.map(|value| value.max(stale_ms)),
        _ => reading.value,
    };
    let value = value.map_or("-".to_owned(), |value| in_unit(name, value));
    let limit = reading.limit.map_or("-".to_owned(), |limit| in_unit(name, limit));
    let left = vec![
        Span::styled(text::fit(name, 12, shown.glyphs), shown.style(Meaning::Text)),
        // What is underlined ends with its word.
        Span::raw(" "),
        Span::styled(word, shown.style(meaning)),
        Span::raw(" ".repeat(7_usize.saturating_sub(word.len()))),
        Span::styled(format!("{value:>7}"), shown.style(Meaning::Text)),
        Span::styled(format!(" / {limit:<7}"), shown.style(Meaning::Muted)),
    ];
    let room = width.saturating_sub(38).min(40);
    let columns = recent(&Signal::Guardrail(name.to_owned()), room, shown);
    let top =
        reading.limit.unwrap_or(1).max(columns.iter().filter_map(|column| column.value()).max().unwrap_or(0));
    two_sided(left, vec![chart::spark(&columns, top, shown)], width, shown)
}

/// The last minutes of a signal, in columns.
pub(super) fn recent(signal: &Signal, columns: u16, shown: &Shown<'_>) -> Vec<chart::Column> {
    const SHOWN_MS: u64 = 120_000;
    let span_ms = SHOWN_MS.min(KEPT_MS).min(shown.now.ms().max(1_000));
    let from = At(shown.now.0.saturating_sub(span_ms * 1_000));
    chart::columns(shown.history.series(signal), from, shown.now, columns)
}

/// The word for a level.
pub(super) fn level_word(level: Level) -> (&'static str, Meaning) {
    match level {
        Level::NotYet => ("not yet", Meaning::Unknown),
        Level::Ok => ("ok", Meaning::Ok),
        Level::Warn => ("WARN", Meaning::Warn),
        Level::Trip => ("TRIP", Meaning::Danger),
    }
}

/// A value in the unit of its rule.
pub(super) fn in_unit(guardrail: &str, value: u64) -> String {
    match RULES.iter().find(|(name, _)| *name == guardrail) {
        Some((_, Unit::Milliseconds)) => tenths(value),
        _ => value.to_string(),
    }
}
