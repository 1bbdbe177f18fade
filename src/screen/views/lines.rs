//! Lines with a label before them, wrapped under it.
//!
//! Owns the hanging indent. Cleans what it is given.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;

/// Columns of a label with the space behind it.
pub(super) const LABEL: usize = 10;

/// `words` behind `label`, in as many lines as they need.
pub(super) fn labelled(
    label: &str,
    words: &str,
    style: Style,
    width: u16,
    shown: &Shown<'_>,
) -> Vec<Line<'static>> {
    at_most(usize::MAX, label, words, style, width, shown)
}

/// The same in at most `most` lines; what is left out ends in an ellipsis.
pub(super) fn at_most(
    most: usize,
    label: &str,
    words: &str,
    style: Style,
    width: u16,
    shown: &Shown<'_>,
) -> Vec<Line<'static>> {
    let room = usize::from(width).saturating_sub(LABEL);
    let lines = cut_to(most, words, room, shown);
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    lines
        .into_iter()
        .zip(labels)
        .map(|(line, label)| {
            let label = text::fit(label, LABEL.min(usize::from(width)), shown.glyphs);
            Line::from(vec![Span::styled(label, shown.style(Meaning::Muted)), Span::styled(line, style)])
        })
        .collect()
}

/// `words` in at most `most` lines of `columns`; what is left out ends in an ellipsis.
pub(super) fn cut_to(most: usize, words: &str, columns: usize, shown: &Shown<'_>) -> Vec<String> {
    let clean = text::clean(words);
    let mut lines = text::wrap(&clean, columns);
    if lines.len() > most {
        let rest = lines.split_off(most.saturating_sub(1)).join(" ");
        lines.truncate(most.saturating_sub(1));
        if most > 0 {
            lines.push(text::truncate(&rest, columns, shown.glyphs));
        }
    }
    lines
}

/// A line that stands alone.
pub(super) fn plain(words: impl Into<String>, style: Style) -> Line<'static> {
    let words = words.into();
    Line::from(Span::styled(text::clean(&words).into_owned(), style))
}
