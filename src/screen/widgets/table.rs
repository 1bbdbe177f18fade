//! A table of fixed columns.
//!
//! Numbers stand to the right and do not jump; the last column takes what is left. What does not fit ends in an
//! ellipsis. The line that is selected is marked by a sign as well as by its style.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::first_line;
use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its heading.
    pub title: &'static str,
    /// Its width; 0 for what is left.
    pub width: u16,
    /// To the right, as numbers stand.
    pub right: bool,
    /// Left out, the highest first, when the table is too narrow.
    pub dispensable: u8,
    /// A sign after its heading, of one column: what the table is sorted by.
    pub mark: &'static str,
}

impl Column {
    /// A column for words.
    pub const fn words(title: &'static str, width: u16) -> Column {
        Column { title, width, right: false, dispensable: 0, mark: "" }
    }

    /// A column for numbers.
    pub const fn number(title: &'static str, width: u16) -> Column {
        Column { title, width, right: true, dispensable: 0, mark: "" }
    }

    /// The same, left out when the table is too narrow: the highest first.
    #[must_use]
    pub const fn dispensable(self, order: u8) -> Column {
        Column { dispensable: order, ..self }
    }

    /// The same with a sign after its heading; it is never left out.
    #[must_use]
    pub const fn marked(self, mark: &'static str) -> Column {
        Column { mark, dispensable: 0, ..self }
    }
}

/// A cell.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// What it says; cleaned and cut when it is drawn.
    pub text: String,
    /// How.
    pub style: Style,
}

impl Cell {
    /// A cell.
    pub fn new(text: impl Into<String>, style: Style) -> Cell {
        Cell { text: text.into(), style }
    }
}

/// Draws headings and rows; returns how many rows fit. `cells(n)` is asked only for the rows that are shown, and
/// gives one cell for each of `columns`.
pub fn table(
    frame: &mut Frame<'_>,
    area: Rect,
    columns: &[Column],
    rows: usize,
    selected: Option<usize>,
    shown: &Shown<'_>,
    mut cells: impl FnMut(usize) -> Vec<Cell>,
) -> usize {
    let kept = fitting(columns, area.width);
    let mut lines = area.rows();
    let Some(head) = lines.next() else { return 0 };
    let heading = kept.iter().map(|&(index, width)| {
        let column = columns[index];
        let meaning = if column.mark.is_empty() { Meaning::Muted } else { Meaning::Column };
        let title = format!("{}{}", column.title, column.mark);
        Span::styled(in_column(column, &title, width, shown), shown.style(meaning))
    });
    let mut spans = vec![Span::raw(" ")];
    spans.extend(separated(heading));
    frame.render_widget(Line::from(spans), head);
    let height = usize::from(area.height.saturating_sub(1));
    let first = first_line(selected, rows, height);
    for (row, line) in (first..rows).zip(lines) {
        let is_selected = selected == Some(row);
        let cells = cells(row);
        let mark = if is_selected { shown.glyphs.select } else { " " };
        let mut spans = vec![Span::raw(mark)];
        spans.extend(separated(kept.iter().filter_map(|&(index, width)| {
            let cell = cells.get(index)?;
            Some(Span::styled(in_column(columns[index], &cell.text, width, shown), cell.style))
        })));
        let style = if is_selected { shown.style(Meaning::Selection) } else { Style::new() };
        // The style of the selection lies over those of the cells.
        let spans: Vec<Span<'_>> =
            spans.into_iter().map(|span| if is_selected { span.patch_style(style) } else { span }).collect();
        frame.render_widget(Line::from(spans).style(style), line);
    }
    height
}

/// Which columns fit, with their widths.
fn fitting(columns: &[Column], width: u16) -> Vec<(usize, u16)> {
    const LEAST_REST: u16 = 12;
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    loop {
        let needed: u16 = kept.iter().map(|&index| columns[index].width.max(1) + 1).sum();
        let has_rest = kept.iter().any(|&index| columns[index].width == 0);
        let least = needed + if has_rest { LEAST_REST } else { 0 };
        let worst = kept.iter().copied().filter(|&index| columns[index].dispensable > 0);
        let worst = worst.max_by_key(|&index| columns[index].dispensable);
        match worst {
            Some(worst) if least > width => kept.retain(|&index| index != worst),
            _ => break,
        }
    }
    let fixed: u16 = kept.iter().map(|&index| columns[index].width + 1).sum();
    let rest = width.saturating_sub(fixed);
    kept.into_iter()
        .map(|index| (index, if columns[index].width == 0 { rest } else { columns[index].width }))
        .collect()
}

fn in_column(column: Column, content: &str, width: u16, shown: &Shown<'_>) -> String {
    let content = text::clean(content);
    let columns = usize::from(width);
    if column.right {
        text::fit_right(&content, columns, shown.glyphs)
    } else {
        text::fit(&content, columns, shown.glyphs)
    }
}

fn separated<'a>(spans: impl Iterator<Item = Span<'a>>) -> Vec<Span<'a>> {
    let mut separated = Vec::new();
    for (index, span) in spans.enumerate() {
        if index > 0 {
            separated.push(Span::raw(" "));
        }
        separated.push(span);
    }
    separated
}
