//! The locks behind a tree of waits, equal ones together.
//!
//! Owns which locks matter and how they are put into rows. Who waits for whom is the server's word; a lock is never
//! called a blocker for its mode.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::engine::derive::lookup::Lookup;
use crate::engine::derive::tree::{LockTree, Node};
use crate::engine::guard::seconds;
use crate::engine::ids::Pid;
use crate::engine::locks::{LockMode, LockObject};
use crate::engine::sample::Lock;
use crate::engine::waits::WaitGraph;
use crate::screen::shown::Shown;
use crate::screen::theme::Meaning;
use crate::screen::views::header::tenths;
use crate::screen::views::lines::plain;
use crate::screen::views::tree::row_of;
use crate::screen::widgets::pane;
use crate::screen::widgets::table::{Cell, Column, table};

/// Locks of equal kind together.
pub(super) struct Locks {
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
    /// Those of what is selected; without a selection, all on objects that somebody awaits.
    pub(super) fn of(tree: &LockTree, shown: &Shown<'_>) -> Locks {
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

    /// How many lines they would like, with their frame.
    pub(super) fn height(&self) -> u16 {
        u16::try_from(self.rows.len()).unwrap_or(u16::MAX).saturating_add(3).max(4)
    }

    /// Draws them.
    pub(super) fn draw(&self, frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) {
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
        // The last line says how many do not fit.
        let fit = if hidden > 0 { height.saturating_sub(1) } else { self.rows.len() };
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
        LockObject::Other { locktype, .. } => locktype.to_string(),
    }
}
