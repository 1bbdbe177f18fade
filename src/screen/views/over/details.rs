//! STUB.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::screen::shown::Shown;
use crate::screen::ui::Row;

pub(in crate::screen) fn draw(
    _frame: &mut Frame<'_>,
    _body: Rect,
    _row: &Row,
    _scroll: usize,
    _shown: &Shown<'_>,
) {
}

pub(in crate::screen) fn line(_shown: &Shown<'_>, row: &Row) -> String {
    format!("{row:?}")
}
