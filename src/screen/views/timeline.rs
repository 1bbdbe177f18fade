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

/// Events with their number in the flight, oldest first.
pub(super) fn numbered<'a>(
    shown: &Shown<'a>,
) -> impl Iterator<Item = (u64, &'a (crate::engine::ids::At, crate::engine::timeline::Event))> {
    let timeline = shown.cockpit.timeline();
    let kept = timeline.since(0).count() as u64;
    (timeline.total() - kept..).zip(timeline.since(0))
}
