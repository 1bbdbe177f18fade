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

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::cockpit::{draw_tree, locks_title};
use super::header::tenths;
use super::lines::plain;
use super::parts::row_of;
use crate::engine::derive::lookup::Lookup;
use crate::engine::derive::tree::{LockTree, Node, Row as TreeRow};
use crate::engine::guard::seconds;
use crate::engine::ids::Pid;
use crate::engine::locks::{LockMode, LockObject};
use crate::engine::sample::Lock;
use crate::engine::waits::WaitGraph;
use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;
use crate::screen::ui::Row;
use crate::screen::widgets::pane;
use crate::screen::widgets::table::{Cell, Column, table};

/// From this width on, the locks stand beside the tree.
const WIDE: u16 = 150;
/// Letters that the legend names one by one.
const MOST_NAMED: usize = 4;

/// Draws the tree and the locks; returns how many lines of the tree fit.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) -> usize {
    let tree = LockTree::of(shown.cockpit, shown.seen());
    let locks = Locks::of(&tree, shown);
    let legend = legend(&tree);
    let wanted = u16::try_from(locks.rows.len()).unwrap_or(u16::MAX).saturating_add(3).max(4);
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

/// Locks of equal kind together.
struct Locks {
    title: String,
    empty: &'static str,
    rows: Vec<LockRow>,
}

/// Locks of the same mode on the same object about which the server says the same.
struct LockRow {
    object: String,
    mode: LockMode,
    granted: bool,
    pids: BTreeSet<Pid>,
    age_ms: Option<u64>,
    says: Says,
}

impl Locks {
    fn of(tree: &LockTree, shown: &Shown<'_>) -> Locks {
        let selected = shown.ui.selected();
        let of_group: Option<(u32, Vec<Pid>)> = selected.and_then(|row| {
            let groups = tree.rows.iter().filter(|shown| row_of(shown).as_ref() == Some(row));
            let mut pids = Vec::new();
            for group in groups {
                if let Node::Group(group) = &group.node {
                    pids.extend(&group.pids);
                }
            }
            (!pids.is_empty()).then(|| (u32::try_from(pids.len()).unwrap_or(u32::MAX), pids))
        });
        let Some(look) = Lookup::of(shown.cockpit) else {
            return Locks {
                title: "locks on what is awaited".to_owned(),
                empty: "no sample yet",
                rows: Vec::new(),
            };
        };
        let one = shown.ui.selected_backend().map(|backend| backend.pid);
        let (title, empty, pids) = match (one, of_group) {
            (Some(pid), _) => (
                format!("locks of pid {pid} that matter here"),
                "None that was read: only locks that are awaited, on what is awaited, or of schema work are.",
                Some(vec![pid]),
            ),
            (None, Some((count, pids))) => {
                (format!("locks of these {count}"), "None that was read.", Some(pids))
            }
            (None, None) => ("locks on what is awaited".to_owned(), "Nothing is awaited.", None),
        };
        Locks { title, empty, rows: lock_rows(&look, pids.as_deref(), shown) }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) {
        const COLUMNS: [Column; 6] = [
            Column::words("object", 24),
            Column::words("mode", 24),
            Column::words("", 7),
            Column::number("pid", 9),
            Column::number("for", 11),
            Column::words("the server says", 0).dispensable(1),
        ];
        let inside = pane::pane(frame, area, &self.title, false, shown);
        if self.rows.is_empty() {
            pane::lines(frame, inside, [plain(format!(" {}", self.empty), shown.style(Meaning::Muted))]);
            return;
        }
        let mut columns = COLUMNS;
        // Names of modes are long: in a narrow window without the word that all of them end in.
        let short = inside.width < 104;
        if short {
            let widths = [15, 20, 7, 7, 10, 0];
            for (column, width) in columns.iter_mut().zip(widths) {
                column.width = width;
            }
            columns[5].title = "server says";
        }
        let height = usize::from(inside.height.saturating_sub(1));
        let hidden = self.rows.len().saturating_sub(height);
        let fit = if hidden > 0 { self.rows.len() - hidden - 1 } else { self.rows.len() };
        let fit = fit.min(self.rows.len());
        table(frame, inside, &columns, fit, None, shown, |n| self.rows[n].cells(short, shown));
        if hidden > 0 && inside.height > 1 {
            let last = Rect { y: inside.bottom() - 1, height: 1, ..inside };
            let more = format!(" {} more kinds of locks", self.rows.len() - fit);
            pane::lines(frame, last, [Line::from(Span::styled(more, shown.style(Meaning::Muted)))]);
        }
    }
}

impl LockRow {
    fn cells(&self, short: bool, shown: &Shown<'_>) -> Vec<Cell> {
        let plain = shown.style(Meaning::Text);
        let name = self.mode.name();
        let mode = if short { name.strip_suffix("Lock").unwrap_or(name) } else { name };
        let (word, meaning) =
            if self.granted { ("granted", Meaning::Ok) } else { ("awaited", Meaning::Warn) };
        let pids = match (self.pids.len(), self.pids.first()) {
            (1, Some(&Pid::PREPARED)) => "prepared".to_owned(),
            (1, Some(pid)) => pid.to_string(),
            (several, _) if short => format!("{several} x"),
            (several, _) => format!("{several} pids"),
        };
        let age = match (self.age_ms, self.granted) {
            (Some(ms), false) => tenths(ms),
            // When a lock was granted the server does not tell; not before its transaction began.
            (Some(ms), true) => format!("xact {}", seconds(ms / 1_000 * 1_000)),
            (None, _) => shown.glyphs.unknown.to_owned(),
        };
        vec![
            Cell::new(self.object.clone(), plain),
            Cell::new(mode, plain),
            Cell::new(word, shown.style(meaning)),
            Cell::new(pids, plain),
            Cell::new(age, plain),
            Cell::new(self.says.words(short), shown.style(Meaning::Muted)),
        ]
    }
}

/// Locks of `pids`, or without these all on objects that somebody awaits: most awaited objects first, on each the
/// granted ones first.
fn lock_rows(look: &Lookup<'_>, pids: Option<&[Pid]>, shown: &Shown<'_>) -> Vec<LockRow> {
    let sample = look.sample();
    let seen = shown.seen();
    let leaders = sample.leaders();
    let mut waiters: BTreeMap<&LockObject, u32> = BTreeMap::new();
    for lock in sample.locks.iter().filter(|lock| !lock.granted) {
        *waiters.entry(&lock.object).or_default() += 1;
    }
    let wanted: Option<BTreeSet<Pid>> = pids.map(|pids| pids.iter().copied().collect());
    let mut groups: BTreeMap<(&LockObject, bool, Reverse<LockMode>, Says), LockRow> = BTreeMap::new();
    for lock in &sample.locks {
        let pid = leaders.get(&lock.pid).copied().unwrap_or(lock.pid);
        let matters = match &wanted {
            Some(wanted) => wanted.contains(&pid),
            None => waiters.contains_key(&lock.object),
        };
        if !matters {
            continue;
        }
        let says = Says::of(lock, pid, &shown.cockpit.scene().graph);
        let age_ms = if lock.granted {
            let start = look.backend(pid).and_then(|backend| backend.xact_start);
            start.map(|start| look.age_ms(seen, start))
        } else {
            shown.cockpit.ages().age_ms(seen, pid)
        };
        let key = (&lock.object, !lock.granted, Reverse(lock.mode), says);
        let row = groups.entry(key).or_insert_with(|| LockRow {
            object: object_name(&lock.object, shown),
            mode: lock.mode,
            granted: lock.granted,
            pids: BTreeSet::new(),
            age_ms: None,
            says,
        });
        row.pids.insert(pid);
        row.age_ms = row.age_ms.max(age_ms);
    }
    let mut rows: Vec<_> = groups.into_iter().collect();
    rows.sort_by_key(|((object, ..), _)| Reverse(waiters.get(object).copied().unwrap_or(0)));
    rows.into_iter().map(|(_, row)| row).collect()
}

/// What the server says of the session that has a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    /// So many wait for it.
    WaitedFor(usize),
    /// It waits for this one and so many more.
    WaitsFor(Pid, usize),
    /// It waits, and nobody was named.
    Nobody,
}

impl Says {
    fn of(lock: &Lock, pid: Pid, graph: &WaitGraph) -> Says {
        match (lock.granted, graph.blockers_of(pid)) {
            (true, _) => Says::WaitedFor(graph.waiters_of(pid).len()),
            (false, []) => Says::Nobody,
            (false, [first, rest @ ..]) => Says::WaitsFor(*first, rest.len()),
        }
    }

    fn words(self, short: bool) -> String {
        let verb = if short { "for" } else { "waits for" };
        match self {
            Says::WaitedFor(0) => if short { "nobody waits" } else { "nobody waits for it" }.to_owned(),
            Says::WaitedFor(1) => if short { "1 waits" } else { "1 waits for it" }.to_owned(),
            Says::WaitedFor(many) => format!("{many} wait{}", if short { "" } else { " for it" }),
            Says::WaitsFor(Pid::PREPARED, 0) => format!("{verb} a prepared transaction"),
            Says::WaitsFor(Pid::PREPARED, more) => format!("{verb} a prepared transaction, {more} more"),
            Says::WaitsFor(pid, 0) => format!("{verb} {pid}"),
            Says::WaitsFor(pid, more) if short => format!("{verb} {pid} +{more}"),
            Says::WaitsFor(pid, more) => format!("{verb} {pid} and {more} more"),
            Says::Nobody => if short { "named nobody" } else { "named nobody it waits for" }.to_owned(),
        }
    }
}

/// What a lock is on, with its schema.
fn object_name(object: &LockObject, shown: &Shown<'_>) -> String {
    let catalog = shown.cockpit.catalog();
    let relation = |database, relation| {
        catalog.qualified(database, relation).unwrap_or_else(|| catalog.relation(database, relation))
    };
    match object {
        LockObject::Relation { database, relation: oid } => relation(*database, *oid),
        LockObject::Part { database, relation: oid, what } => {
            format!("{what} of {}", relation(*database, *oid))
        }
        LockObject::Transaction { xid } => format!("transaction {xid}"),
        LockObject::VirtualTransaction { id } => format!("virtual transaction {id}"),
        LockObject::Other { locktype, .. } => locktype.clone(),
    }
}
