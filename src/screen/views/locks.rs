//! The lock tree in full, and the locks behind it.
//!
//! ```text
//!  ┌ locks · 1 root blocker · 96 waiting ───────────────┐
//!  │ ● A 101 report-job  idle in transaction 2m06s      │   from 150 columns on, the locks stand
//!  │ └ ► B 102 deploy TARGET ALTER TABLE …   waits 0.3 s│   to the right of the tree
//!  │     └ 96 x SELECT …                   oldest 0.2 s │
//!  └────────────────────────────────────────────────────┘
//!   A is the root blocker; B, the target, heads the queue
//!  ┌ locks on what is awaited ──────────────────────────┐
//!  │ object        mode              pids  for     says │
//!  └────────────────────────────────────────────────────┘
//! ```
//!
//! Who waits for whom is the server's word, never read off modes: a lock that merely conflicts blocks nobody here.

use std::collections::BTreeSet;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};

use super::lines::plain;
use super::tree::{draw_tree, locks_title, row_of};
use crate::engine::derive::tree::{LockTree, Node, Row as TreeRow};
use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;
use crate::screen::ui::Row;
use crate::screen::widgets::pane;

mod held;

use held::Locks;

/// From this width on, the locks stand beside the tree.
const WIDE: u16 = 150;
/// Letters that the legend names one by one.
const MOST_NAMED: usize = 4;

/// Draws the tree and the locks; returns how many lines of the tree fit.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) -> usize {
    let tree = LockTree::of(shown.cockpit, shown.seen());
    let locks = Locks::of(&tree, shown);
    let legend = legend(&tree);
    let wanted = locks.height();
    // What the tree needs, it gets; what it leaves is for the locks.
    let tree_lines: usize = tree.rows.iter().map(lines_of).sum::<usize>().max(1);
    let needed = u16::try_from(tree_lines).unwrap_or(u16::MAX).saturating_add(3);
    let left = area.height.saturating_sub(needed);
    let (upper, legend_area, lower) = if area.width >= WIDE {
        let [left, right] = Layout::horizontal([Constraint::Percentage(55), Constraint::Fill(1)]).areas(area);
        let [upper, line] =
            Layout::vertical([Constraint::Fill(1), Constraint::Length(u16::from(legend.is_some()))])
                .areas(left);
        (upper, line, right)
    } else {
        let [upper, line, lower] = Layout::vertical([
            Constraint::Fill(1),
            Constraint::Length(u16::from(legend.is_some())),
            Constraint::Length(wanted.min(left.max(area.height * 2 / 5))),
        ])
        .areas(area);
        (upper, line, lower)
    };
    let inside = pane::pane(frame, upper, &locks_title(&tree, shown), true, shown);
    let page = draw_tree(frame, inside, &tree, shown);
    if let Some(legend) = legend {
        let room = usize::from(legend_area.width).saturating_sub(2);
        let legend = text::truncate(&legend, room, shown.glyphs);
        pane::lines(frame, legend_area, [plain(format!(" {legend}"), shown.style(Meaning::Muted))]);
    }
    locks.draw(frame, lower, shown);
    page
}

/// How many lines a row of the tree has.
fn lines_of(row: &TreeRow) -> usize {
    match &row.node {
        Node::One(one) if one.behind > 0 || one.is_target => 2,
        _ => 1,
    }
}

/// What can be selected, in the order of the tree. A statement that waits in several places is one row.
pub(super) fn rows(shown: &Shown<'_>) -> Vec<Row> {
    let tree = LockTree::of(shown.cockpit, shown.seen());
    let mut seen = BTreeSet::new();
    tree.rows.iter().filter_map(row_of).filter(|row| seen.insert(row.clone())).collect()
}

/// What the letters stand for, in words.
fn legend(tree: &LockTree) -> Option<String> {
    let named: Vec<_> = tree
        .rows
        .iter()
        .filter_map(|row| match &row.node {
            Node::One(one) => one.letter.as_ref().map(|letter| (letter, one)),
            _ => None,
        })
        .collect();
    let name = |letter: &str, is_target: bool| {
        if is_target { format!("{letter}, the target,") } else { letter.to_owned() }
    };
    let (roots, queued): (Vec<_>, Vec<_>) = named.iter().partition(|(_, one)| one.waited_ms.is_none());
    let mut parts = Vec::new();
    match roots.as_slice() {
        [] => {}
        [(letter, one)] => parts.push(format!("{} is the root blocker", name(letter, one.is_target))),
        several => {
            let letters = several.iter().take(MOST_NAMED).map(|(letter, one)| name(letter, one.is_target));
            let more = several.len().saturating_sub(MOST_NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            parts.push(format!("{}{more} are root blockers", letters.collect::<Vec<_>>().join(", ")));
        }
    }
    // The first of those with most behind it is the head of the queue.
    let head = queued.iter().rev().max_by_key(|(_, one)| one.behind);
    if let Some((letter, one)) = head {
        parts.push(format!("{} heads the queue, {} behind it", name(letter, one.is_target), one.behind));
        let others: Vec<String> = queued
            .iter()
            .filter(|(other, _)| other != letter)
            .map(|(other, one)| name(other, one.is_target))
            .collect();
        if !others.is_empty() {
            let more = others.len().saturating_sub(MOST_NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let verb = if others.len() == 1 { "waits and blocks others" } else { "wait and block others" };
            let others: Vec<String> = others.into_iter().take(MOST_NAMED).collect();
            parts.push(format!("{}{more} {verb}", others.join(", ")));
        }
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}
