//! Sparklines and plots of a history.
//!
//! What is not known is a gap with its own sign, never a zero.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::engine::ids::At;
use crate::screen::shown::Shown;
use crate::screen::theme::Meaning;

/// What one column of a plot shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// Before the first reading.
    Nothing,
    /// There were readings, and they did not know.
    Unknown,
    /// The highest of its time; where no reading fell into it, the last one before.
    Value(u64),
}

impl Column {
    /// The value, where there is one.
    pub fn value(self) -> Option<u64> {
        match self {
            Column::Value(value) => Some(value),
            Column::Nothing | Column::Unknown => None,
        }
    }
}

/// The columns of a plot from `from` to `to`.
pub fn columns(series: impl Iterator<Item = (At, Option<u64>)>, from: At, to: At, width: u16) -> Vec<Column> {
    let mut found: Vec<Option<(Column, Column)>> = vec![None; usize::from(width)];
    let span_us = to.us_since(from).max(1);
    let mut before = Column::Nothing;
    for (at, value) in series.take_while(|(at, _)| *at <= to) {
        let value = value.map_or(Column::Unknown, Column::Value);
        if at < from {
            before = value;
            continue;
        }
        let place = at.us_since(from).saturating_mul(u64::from(width).saturating_sub(1)) / span_us;
        let Some(cell) = usize::try_from(place).ok().and_then(|place| found.get_mut(place)) else {
            continue;
        };
        let highest = cell.map_or(value, |(highest, _)| highest.max(value));
        *cell = Some((highest, value));
    }
    // A reading holds until the next one.
    let fill = |cell: Option<(Column, Column)>| {
        let (highest, last) = cell.unwrap_or((before, before));
        before = last;
        highest
    };
    found.into_iter().map(fill).collect()
}

/// One line of signs, scaled so that `top` is the highest.
pub fn spark(columns: &[Column], top: u64, shown: &Shown<'_>) -> Span<'static> {
    let signs: String = columns
        .iter()
        .map(|column| match column {
            Column::Nothing => " ",
            Column::Unknown => shown.glyphs.separator,
            Column::Value(value) => shown.glyphs.spark(*value, top.max(1)),
        })
        .collect();
    Span::styled(signs, shown.style(Meaning::Spark))
}

/// A plot that fills `area`, with a line at `limit`.
pub fn plot(frame: &mut Frame<'_>, area: Rect, columns: &[Column], limit: Option<u64>, shown: &Shown<'_>) {
    let highest = columns.iter().filter_map(|column| column.value()).max().unwrap_or(0);
    let top = highest.max(limit.unwrap_or(0)).max(1);
    let height = u64::from(area.height.max(1));
    // The row, from the top, in which the limit lies.
    let limit_row = limit.map(|limit| u64::from(limit_row(limit, top, area.height)));
    for (from_top, row) in area.rows().enumerate() {
        let from_top = from_top as u64;
        let base = (height - 1 - from_top).saturating_mul(top);
        let is_limit = limit_row == Some(from_top);
        let spans: Vec<Span<'static>> = columns
            .iter()
            .map(|column| {
                let value = column.value();
                // In units of a row's height, times `top`.
                let filled = value.map(|value| value.saturating_mul(height).saturating_sub(base).min(top));
                match filled {
                    Some(filled) if filled > 0 => {
                        let over = limit.is_some_and(|limit| value.is_some_and(|value| value >= limit));
                        let meaning = if over { Meaning::Danger } else { Meaning::Spark };
                        Span::styled(shown.glyphs.spark(filled, top), shown.style(meaning))
                    }
                    _ if is_limit => Span::styled(shown.glyphs.dash, shown.style(Meaning::Limit)),
                    None if *column == Column::Unknown && from_top + 1 == height => {
                        Span::styled(shown.glyphs.unknown, shown.style(Meaning::Unknown))
                    }
                    _ => Span::raw(" "),
                }
            })
            .collect();
        frame.render_widget(Line::from(spans), row);
    }
}

/// The row of a plot of this height, from the top, in which `limit` lies where `top` is the highest value.
pub fn limit_row(limit: u64, top: u64, height: u16) -> u16 {
    let height = height.max(1);
    let from_foot = u128::from(limit) * u128::from(height) / u128::from(top.max(1));
    let from_foot = u16::try_from(from_foot).unwrap_or(u16::MAX).min(height - 1);
    height - 1 - from_foot
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_shows_the_highest_of_its_time_holds_it_and_says_where_nothing_is_known() {
        let series = [(0, Some(3)), (10, Some(9)), (60, None), (100, Some(4))];
        let series = series.into_iter().map(|(ms, value)| (At::from_ms(ms), value));
        let columns = columns(series, At::from_ms(0), At::from_ms(100), 5);
        let nine = Column::Value(9);
        assert_eq!(columns, [nine, nine, Column::Unknown, Column::Unknown, Column::Value(4)]);
    }

    #[test]
    fn the_limit_lies_within_the_plot() {
        assert_eq!((limit_row(5, 5, 4), limit_row(0, 5, 4), limit_row(5, 100, 4)), (0, 3, 3));
        assert_eq!((limit_row(9, 1, 0), limit_row(u64::MAX, 1, 3)), (0, 0));
    }
}
