//! What each screen shows.
//!
//! Owns the layout of a frame: head, body, foot, and what lies over them. A view reads [`Shown`] and draws; it
//! changes nothing.
//!
//! **To add a screen:** a file here with `draw` and `rows`, a variant of [`View`], one arm in [`draw`] and [`rows`]
//! (in [`panes`] too, when it has several), and an action with its key in [`super::action`] and its arm in
//! [`super::update::act`]. A new kind of [`Row`] needs its line and details in `over::details`.

mod activity;
mod bar;
mod cockpit;
mod events;
mod guardrails;
mod header;
mod lines;
mod locks;
mod over;
mod parts;
pub(super) mod plan;
#[cfg(test)]
pub(crate) mod planned;
mod presenter;
mod progress;
mod replication;
#[cfg(test)]
mod stage;
mod target;
#[cfg(test)]
pub(in crate::screen) mod testing;
#[cfg(test)]
mod tests;
mod timeline;
mod tree;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Clear;

use super::shown::Shown;
use super::ui::{Row, View};
use crate::engine::Cockpit;
pub(super) use header::clock;

/// Between parts of a sentence or title.
const DOT: &str = "·";
/// The smallest screen that says what must be known.
pub const LEAST: (u16, u16) = (60, 16);

/// What came of drawing a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// Rows of the present pane that fit on a page.
    pub page: usize,
    /// How far what is open can be scrolled, in lines.
    pub furthest: usize,
    /// There was room for what lies over the screen: a question can be read.
    pub is_readable: bool,
}

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, shown: &Shown<'_>) -> Drawn {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(frame, area);
        return Drawn { page: 1, furthest: 0, is_readable: false };
    }
    let [head, body, foot] = Layout::vertical([
        Constraint::Length(header::HEIGHT),
        Constraint::Fill(1),
        Constraint::Length(bar::height(shown)),
    ])
    .areas(area);
    header::draw(frame, head, shown);
    let page = match shown.ui.view {
        View::Cockpit if shown.ui.presenter => presenter::draw(frame, body, shown),
        View::Cockpit => cockpit::draw(frame, body, shown),
        View::Activity => activity::draw(frame, body, shown),
        View::Locks => locks::draw(frame, body, shown),
        View::Replication => replication::draw(frame, body, shown),
        View::Progress => progress::draw(frame, body, shown),
        View::Guardrails => guardrails::draw(frame, body, shown),
        View::Timeline => timeline::draw(frame, body, shown),
    };
    bar::draw(frame, foot, shown);
    let furthest = over::draw(frame, body, shown);
    let dot = shown.glyphs.separator;
    if dot != DOT {
        // Sentences are written with the dot; terminals without it get their own sign.
        for cell in frame.buffer_mut().content.iter_mut().filter(|cell| cell.symbol() == DOT) {
            cell.set_symbol(dot);
        }
    }
    Drawn { page, furthest, is_readable: true }
}

/// Panes of a screen that the arrows can move in.
pub fn panes(view: View, cockpit: &Cockpit) -> u8 {
    match view {
        View::Cockpit => cockpit::panes(cockpit),
        View::Replication => replication::PANES,
        _ => 1,
    }
}

/// The rows of the present pane, in order.
pub fn rows(shown: &Shown<'_>) -> Vec<Row> {
    let (view, pane) = shown.ui.pane();
    match view {
        View::Cockpit => cockpit::rows(shown, pane),
        View::Activity => activity::rows(shown),
        View::Locks => locks::rows(shown),
        View::Replication => replication::rows(shown, pane),
        View::Progress => progress::rows(shown),
        View::Guardrails => guardrails::rows(shown),
        View::Timeline => timeline::rows(shown),
    }
}

/// A row as one line of text, for the clipboard.
pub fn line(shown: &Shown<'_>, row: &Row) -> String {
    over::details::line(shown, row)
}

fn too_small(frame: &mut Frame<'_>, area: Rect) {
    frame.render_widget(Clear, area);
    let (width, height) = LEAST;
    let lines = [
        format!("lockpit needs {width}x{height},"),
        format!("this is {}x{}.", area.width, area.height),
        "The guard runs on.".to_owned(),
        "Make the window larger,".to_owned(),
        "or use --headless.".to_owned(),
    ];
    for (line, row) in lines.into_iter().zip(area.rows()) {
        frame.render_widget(Line::from(line), row);
    }
}
