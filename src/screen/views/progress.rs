//! STUB.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::screen::shown::Shown;
use crate::screen::ui::Row;

pub(super) fn draw(_frame: &mut Frame<'_>, area: Rect, _shown: &Shown<'_>) -> usize {
    usize::from(area.height)
}

pub(super) fn rows(_shown: &Shown<'_>) -> Vec<Row> {
    Vec::new()
}
