//! Sparklines and plots of a history.
//!
//! What is not known is a gap with its own sign, never a zero.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::engine::ids::At;
use crate::screen::shown::Shown;
use crate::screen::theme::Meaning;

/// The values of one column of a plot: the highest of its time, or nothing known.
pub fn columns(
    series: impl Iterator<Item = (At, Option<u64>)>,
    from: At,
    to: At,
    width: u16,
) -> Vec<Option<u64>> {
    let mut columns: Vec<Option<u64>> = vec![None; usize::from(width)];
    let span_us = to.us_since(from).max(1);
    for (at, value) in series.filter(|(at, _)| *at >= from && *at <= to) {
        let place = at.us_since(from).saturating_mul(u64::from(width).saturating_sub(1)) / span_us;
        let Some(column) = usize::try_from(place).ok().and_then(|place| columns.get_mut(place)) else {
            continue;
        };
        *column = (*column).max(value);
    }
    columns
}

/// One line of signs, scaled so that `top` is the highest.
pub fn spark(columns: &[Option<u64>], top: u64, shown: &Shown<'_>) -> Span<'static> {
    let signs: String = columns
        .iter()
        .map(|value| value.map_or(shown.glyphs.unknown, |value| shown.glyphs.spark(value, top.max(1))))
        .collect();
    Span::styled(signs, shown.style(Meaning::Spark))
}

/// A plot that fills `area`, with a line at `limit`.
pub fn plot(
    frame: &mut Frame<'_>,
    area: Rect,
    columns: &[Option<u64>],
    limit: Option<u64>,
    shown: &Shown<'_>,
) {
    let highest = columns.iter().flatten().copied().max().unwrap_or(0);
    let top = highest.max(limit.unwrap_or(0)).max(1);
    let height = u64::from(area.height.max(1));
    // The row, from the top, in which the limit lies.
    let limit_row = limit.map(|limit| height - 1 - (limit.saturating_mul(height) / top).min(height - 1));
    for (from_top, row) in area.rows().enumerate() {
        let from_top = from_top as u64;
        let base = (height - 1 - from_top).saturating_mul(top);
        let is_limit = limit_row == Some(from_top);
        let spans: Vec<Span<'static>> = columns
            .iter()
            .map(|value| {
                // In units of a row's height, times `top`.
                let filled = value.map(|value| value.saturating_mul(height).saturating_sub(base).min(top));
                match filled {
                    Some(filled) if filled > 0 => {
                        let over = limit.is_some_and(|limit| value.is_some_and(|value| value >= limit));
                        let meaning = if over { Meaning::Danger } else { Meaning::Spark };
                        Span::styled(shown.glyphs.spark(filled, top), shown.style(meaning))
                    }
                    _ if is_limit => Span::styled(shown.glyphs.dash, shown.style(Meaning::Limit)),
                    None if from_top + 1 == height => {
                        Span::styled(shown.glyphs.unknown, shown.style(Meaning::Unknown))
                    }
                    _ => Span::raw(" "),
                }
            })
            .collect();
        frame.render_widget(Line::from(spans), row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_shows_the_highest_of_its_time_and_a_gap_where_nothing_is_known() {
        let series = [(0, Some(3)), (10, Some(9)), (60, None), (100, Some(4))];
        let series = series.into_iter().map(|(ms, value)| (At::from_ms(ms), value));
        let columns = columns(series, At::from_ms(0), At::from_ms(100), 5);
        assert_eq!(columns, [Some(9), None, None, None, Some(4)]);
    }
}
