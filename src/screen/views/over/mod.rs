//! What lies over a screen: help, details, what-if, questions.

mod help;
mod plan;
mod question;
mod whatif;

pub(super) mod details;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, Borders, Clear};

use crate::screen::shown::Shown;
use crate::screen::theme::Meaning;
use crate::screen::ui::Popup;

/// Draws what is open; returns how far it can be scrolled.
pub(super) fn draw(frame: &mut Frame<'_>, body: Rect, shown: &Shown<'_>) -> usize {
    match &shown.ui.popup {
        Some(Popup::Help(scroll)) => return help::draw(frame, body, *scroll, shown),
        Some(Popup::Details(row, scroll)) => return details::draw(frame, body, row, *scroll, shown),
        Some(Popup::WhatIf(backend)) => whatif::draw(frame, body, *backend, shown),
        Some(Popup::Confirm(asked)) => question::confirm(frame, body, asked, shown),
        Some(Popup::Hold { .. }) => plan::hold(frame, body, shown),
        Some(Popup::Gate(gate)) => plan::gate(frame, body, gate, shown),
        Some(Popup::Quit { .. }) => question::quit(frame, body, shown),
        // Typed at the foot.
        Some(Popup::Line(_)) | None => {}
    }
    0
}

/// A frame over the middle of `body`, of at most this size; returns what is inside.
fn open(
    frame: &mut Frame<'_>,
    body: Rect,
    size: (u16, u16),
    title: &str,
    danger: bool,
    shown: &Shown<'_>,
) -> Rect {
    let width = size.0.min(body.width);
    let height = size.1.min(body.height);
    let area =
        Rect { x: body.x + (body.width - width) / 2, y: body.y + (body.height - height) / 2, width, height };
    let meaning = if danger { Meaning::PopupDanger } else { Meaning::Popup };
    frame.render_widget(Clear, area);
    let block = Block::new()
        .borders(Borders::ALL)
        .border_set(shown.glyphs.border_focus)
        .border_style(shown.style(meaning))
        .title_top(format!(" {title} "));
    let inside = block.inner(area);
    frame.render_widget(block, area);
    inside
}
