//! The cockpit: what must be understood in three seconds.
//!
//! ```text
//!  ┌ target, or plan ─────────────┐┌ locks ───────────────────────────┐      under 100 columns the panes
//!  │ what, its phase, its cost    ││ the tree: who really blocks,     │      stand one above the other, and
//!  ├ guard ───────────────────────┤│ what queues behind us            │      guard, replication and activity
//!  │ rules, margins, plots        ││                                  │      become one line each
//!  ├ replication · activity ──────┤│                                  │
//!  └──────────────────────────────┘└──────────────────────────────────┘
//!  ┌ timeline ────────────────────────────────────────────────────────┐
//! ```

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use super::events::{event_line, is_notable};
use super::parts::{Entry, entry_lines, guardrail_line};
use super::tree::{draw_tree, locks_title, row_of};
use super::{plan, target};
use crate::engine::Cockpit;
use crate::engine::derive::replication::{ReplicationView, Verdict};
use crate::engine::derive::tree::LockTree;
use crate::screen::shown::Shown;
use crate::screen::theme::Meaning;
use crate::screen::ui::Row;
use crate::screen::widgets::pane;

/// Panes that the arrows can move in: the tree, the timeline, the plan where there is one.
pub(super) fn panes(cockpit: &Cockpit) -> u8 {
    if cockpit.steps().is_some() { PLAN + 1 } else { PLAN }
}

/// The pane of the plan.
const PLAN: u8 = 2;
/// Narrower than this, the panes stand one above the other.
const WIDE: u16 = 100;
/// Lines of a plan, with its frame, before which others give way.
const LEAST_PLAN: u16 = 12;

/// Draws the cockpit; returns how many rows of the present pane fit.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) -> usize {
    if area.width < WIDE { narrow(frame, area, shown) } else { wide(frame, area, shown) }
}

/// The rows of a pane.
pub(super) fn rows(shown: &Shown<'_>, pane: u8) -> Vec<Row> {
    if pane == 0 {
        let tree = LockTree::of(shown.cockpit, shown.seen());
        return tree.rows.iter().filter_map(row_of).collect();
    }
    if pane == PLAN {
        return shown.cockpit.steps().map(plan::rows).unwrap_or_default();
    }
    super::timeline::numbered(shown)
        .filter(|(_, (_, event))| is_notable(event))
        .map(|(n, _)| Row::Event(n))
        .collect()
}

fn wide(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) -> usize {
    let events_height = (area.height / 4).clamp(5, 12);
    let [upper, lower] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(events_height)]).areas(area);
    let [left, right] = Layout::horizontal([Constraint::Percentage(47), Constraint::Fill(1)]).areas(upper);
    let rails = u16::try_from(shown.cockpit.brake().guardrails().readings().len()).unwrap_or(3).clamp(3, 12);
    // What a plan waits for and which keys lead on is not cut for what other screens tell as well.
    let is_tight = shown.cockpit.steps().is_some() && left.height < LEAST_PLAN + rails + 2 + 6;
    let around = if is_tight { 0 } else { 6 };
    let [top, middle, bottom] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(rails + 2), Constraint::Length(around)])
            .areas(left);
    let in_first = first(frame, top, shown);
    guard(frame, middle, shown);
    if !is_tight {
        surroundings(frame, bottom, shown);
    }
    let in_tree = locks(frame, right, shown);
    let in_events = events(frame, lower, shown);
    match shown.ui.pane().1 {
        0 => in_tree,
        PLAN => in_first,
        _ => in_events,
    }
}

fn narrow(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) -> usize {
    let rails = u16::try_from(shown.cockpit.brake().guardrails().readings().len()).unwrap_or(3).min(3);
    let lines = |count: usize| u16::try_from(count + 2).unwrap_or(u16::MAX);
    let foot = if area.height >= 20 { rails } else { 2 };
    let target_height = match (shown.cockpit.steps(), shown.cockpit.target()) {
        (Some(steps), _) => {
            // A queue is seen from its root to its end; where nobody waits, the plan has the room.
            let is_queue = !LockTree::of(shown.cockpit, shown.seen()).rows.is_empty();
            let tree = if is_queue { 6 } else { 3 };
            let most = area.height.saturating_sub(2 + foot + tree).max(5);
            lines(plan::wanted(steps, shown)).clamp(5, most)
        }
        (None, Some(target)) => lines(target::entries(target, shown).len()).clamp(5, 8).min(area.height / 2),
        (None, None) => 5.min(area.height / 2),
    };
    let [top, middle, brief, lower] = Layout::vertical([
        Constraint::Length(target_height),
        Constraint::Fill(1),
        Constraint::Length(2),
        Constraint::Length(foot),
    ])
    .areas(area);
    let in_first = first(frame, top, shown);
    let in_tree = locks(frame, middle, shown);
    let width = area.width.saturating_sub(2);
    let inside = |area: Rect| Rect { x: area.x + 1, width, ..area };
    let mut around = vec![replication(shown)];
    around.extend(activity(shown));
    pane::lines(frame, inside(brief), entry_lines(&around, width, brief.height, shown));
    pane::lines(frame, inside(lower), latest(usize::from(lower.height), width, shown));
    if shown.ui.pane().1 == PLAN { in_first } else { in_tree }
}

/// The plan that is flown, or what is under guard.
fn first(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) -> usize {
    match shown.cockpit.steps() {
        Some(steps) => plan::draw(frame, area, steps, shown.ui.pane().1 == PLAN, shown),
        None => {
            target::draw(frame, area, shown);
            1
        }
    }
}

fn guard(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) {
    let inside =
        pane::pane(frame, area, &shown.title(&["guardrails", "value / limit", "2 minutes"]), false, shown);
    let readings = shown.cockpit.brake().guardrails().readings();
    pane::lines(
        frame,
        inside,
        readings.iter().map(|(name, reading)| guardrail_line(name, reading, inside.width, shown)),
    );
}

fn surroundings(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) {
    let inside = pane::pane(frame, area, &shown.dated(&["replication, activity"]), false, shown);
    let mut entries = vec![replication(shown)];
    entries.extend(activity(shown));
    let mut content = entry_lines(&entries, inside.width, inside.height.saturating_sub(1), shown);
    content.extend(super::activity::host_line(inside.width, shown));
    pane::lines(frame, inside, content);
}

fn replication(shown: &Shown<'_>) -> Entry {
    let view = ReplicationView::of(shown.cockpit, shown.history, shown.seen());
    let is_there = !view.senders.is_empty() || !view.slots.is_empty() || !view.vanished.is_empty();
    let (word, meaning) = match view.verdict {
        Verdict::Healthy if !is_there => ("replication none:", Meaning::Muted),
        Verdict::Healthy => ("replication healthy:", Meaning::Ok),
        Verdict::Lagging => ("replication LAGGING:", Meaning::Warn),
        Verdict::Stalled => ("replication STALLED:", Meaning::Danger),
        Verdict::Unknown => ("replication unknown:", Meaning::Unknown),
    };
    Entry::headed(word, meaning, view.summary, shown)
}

/// Sessions by what they do, and what is not known of them.
fn activity(shown: &Shown<'_>) -> Vec<Entry> {
    let Some(sample) = shown.cockpit.sample() else {
        return vec![Entry::headed("activity", Meaning::Muted, "not known yet", shown)];
    };
    let counts = sample.counts;
    let tree = LockTree::of(shown.cockpit, shown.seen());
    let known = |count: u32| if counts.masked == 0 { count.to_string() } else { "?".to_owned() };
    let most = shown.cockpit.server().map(|server| format!(" of {}", server.max_connections));
    let text = format!(
        "{}{} clients: {} active, {} idle in transaction, {} wait for a lock",
        counts.total,
        most.unwrap_or_default(),
        known(counts.active),
        known(counts.idle_in_transaction),
        tree.waiting
    );
    let mut entries = vec![Entry::headed("activity", Meaning::Muted, text, shown)];
    if counts.masked > 0 {
        let text = format!("states of {} backends are hidden from this login", counts.masked);
        entries.push(Entry::headed("?", Meaning::Unknown, text, shown));
    }
    entries
}

fn locks(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) -> usize {
    let tree = LockTree::of(shown.cockpit, shown.seen());
    let title = locks_title(&tree, shown);
    let focused = shown.ui.pane().1 == 0;
    let inside = pane::pane(frame, area, &title, focused, shown);
    draw_tree(frame, inside, &tree, shown)
}

fn events(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) -> usize {
    let focused = shown.ui.pane().1 == 1;
    let inside = pane::pane(frame, area, "timeline", focused, shown);
    pane::lines(frame, inside, latest(usize::from(inside.height), inside.width, shown));
    usize::from(inside.height)
}

/// The last events that are worth a line, the newest at the foot.
fn latest(count: usize, width: u16, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let notable: Vec<_> = shown.cockpit.timeline().since(0).filter(|(_, event)| is_notable(event)).collect();
    let first = notable.len().saturating_sub(count);
    notable[first..].iter().map(|(at, event)| event_line(*at, event, width, shown)).collect()
}
