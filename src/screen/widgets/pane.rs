//! A frame with a title.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders};

use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;

/// Draws a frame with `title` and returns what is inside. `focused` frames have the arrows.
pub fn pane(frame: &mut Frame<'_>, area: Rect, title: &str, focused: bool, shown: &Shown<'_>) -> Rect {
    let (border, set) = if focused {
        (Meaning::BorderFocus, shown.glyphs.border_focus)
    } else {
        (Meaning::Border, shown.glyphs.border)
    };
    let room = usize::from(area.width.saturating_sub(4));
    let title = text::truncate(title, room, shown.glyphs);
    let title = Line::from(vec![
        Span::styled(" ", shown.style(border)),
        Span::styled(title, shown.style(Meaning::Title)),
        Span::styled(" ", shown.style(border)),
    ]);
    let block =
        Block::new().borders(Borders::ALL).border_set(set).border_style(shown.style(border)).title_top(title);
    let inside = block.inner(area);
    frame.render_widget(block, area);
    inside
}

/// Draws lines from the top of `area`, as many as fit.
pub fn lines(frame: &mut Frame<'_>, area: Rect, lines: impl IntoIterator<Item = Line<'static>>) {
    for (line, row) in lines.into_iter().zip(area.rows()) {
        frame.render_widget(line, row);
    }
}
