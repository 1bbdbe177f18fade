//! The lock tree, drawn.
//!
//! ```text
//!  ● A 29025 report-job  idle in transaction 2m06s          97 behind
//!    holds AccessShareLock on users; a cancel cannot end it
//!  └ ► B 30925 deploy TARGET ALTER TABLE …       96 behind  waits 0.3 s
//!    └ 96 x SELECT … FROM users                            oldest 0.2 s
//! ```

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::header::tenths;
use super::parts::{part_name, statement, two_sided};
use crate::engine::derive::cancel::CancelWorks;
use crate::engine::derive::lookup::LockWords;
use crate::engine::derive::tree::{Group, LockTree, Node, One, Row as TreeRow};
use crate::engine::derive::words::plural;
use crate::engine::ids::Pid;
use crate::engine::sample::State;
use crate::engine::scene::Part;
use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;
use crate::screen::ui::Row;
use crate::screen::widgets::{first_line, pane};

/// What the tree comes to.
pub(super) fn locks_title(tree: &LockTree, shown: &Shown<'_>) -> String {
    if shown.cockpit.sample().is_none() {
        return shown.title(&["locks", "not known yet"]);
    }
    if tree.rows.is_empty() {
        return shown.dated(&["locks", "nobody waits"]);
    }
    let roots = plural(u64::from(tree.roots), "root blocker");
    let waiting = match (tree.waiting, tree.victims) {
        (0, Some(_)) => "only the target waits".to_owned(),
        (waiting, _) => format!("{waiting} waiting"),
    };
    let lost_ms = tree.lost_session_ms.filter(|ms| *ms > 0);
    let lost = lost_ms.map(lost);
    let mut parts = vec!["locks", roots.as_str(), waiting.as_str()];
    parts.extend(lost.as_deref());
    shown.dated(&parts)
}

/// Draws the tree into `area`, around what is selected; returns how many rows fit.
pub(super) fn draw_tree(frame: &mut Frame<'_>, area: Rect, tree: &LockTree, shown: &Shown<'_>) -> usize {
    if tree.rows.is_empty() {
        let text =
            if shown.cockpit.sample().is_none() { "no sample yet" } else { "No session waits for a lock." };
        pane::lines(frame, area, [Line::from(Span::styled(text, shown.style(Meaning::Muted)))]);
        return usize::from(area.height);
    }
    let selected = shown.ui.selected().cloned();
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut at = None;
    // A thousand waiters collapse into few rows; what still is long is laid out only as far as it is near.
    for row in &tree.rows {
        let is_selected = selected.is_some() && row_of(row) == selected;
        if is_selected {
            at = Some(lines.len());
        }
        let width = area.width.saturating_sub(1);
        for line in tree_lines(row, width, area.height < 8, shown) {
            let mark = if is_selected { shown.glyphs.select } else { " " };
            let mut spans = vec![Span::raw(mark)];
            spans.extend(line.spans);
            let line = Line::from(spans);
            lines.push(if is_selected { line.patch_style(shown.style(Meaning::Selection)) } else { line });
        }
        let enough = usize::from(area.height) * 2;
        let found = selected.is_none() || at.is_some();
        if found && lines.len() > at.unwrap_or(0) + enough {
            break;
        }
    }
    let first = first_line(at, lines.len(), usize::from(area.height));
    let total = lines.len();
    pane::lines(frame, area, lines.into_iter().skip(first));
    let hidden = tree.rows.iter().filter(|row| matches!(row.node, Node::One(_))).count();
    if total > usize::from(area.height) && hidden > 0 {
        let last = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
        if first + usize::from(area.height) < total {
            let more = format!("{} more lines below", total - first - usize::from(area.height) + 1);
            frame.render_widget(ratatui::widgets::Clear, last);
            pane::lines(
                frame,
                last,
                [Line::from(Span::styled(format!(" {more}"), shown.style(Meaning::Muted)))],
            );
        }
    }
    usize::from(area.height)
}

/// Time that clients have waited, in all. Tenths of it tell nothing once it is much.
pub(super) fn lost(ms: u64) -> String {
    let amount = if ms < 100_000 {
        format!("{}.{}", ms / 1_000, ms % 1_000 / 100)
    } else {
        super::activity::thousands(ms / 1_000)
    };
    format!("{amount} session-s lost")
}

/// The row of the tree, for selecting it.
pub(super) fn row_of(row: &TreeRow) -> Option<Row> {
    match &row.node {
        Node::One(one) => one.id.map(Row::Backend),
        Node::Group(group) => group.pids.first().map(|_| Row::Group(group.text.clone())),
        _ => None,
    }
}

/// The lines of one row of the tree: who, and what it holds or awaits; in brief, the latter for roots only.
pub(super) fn tree_lines(row: &TreeRow, width: u16, brief: bool, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let guides = guides(row, shown);
    let plain = shown.style(Meaning::Text);
    let muted = shown.style(Meaning::Muted);
    match &row.node {
        Node::One(one) => one_lines(row, one, guides, width, brief, shown),
        Node::Group(group) => vec![group_line(group, guides, width, shown)],
        Node::Elsewhere(elsewhere) => {
            let more =
                if elsewhere.more > 0 { format!(" and {} more", elsewhere.more) } else { String::new() };
            let text = format!("see {}{more}", elsewhere.see.join(", "));
            vec![two_sided(vec![guides, Span::styled(text, muted)], Vec::new(), width, shown)]
        }
        Node::Deadlock { members, certain } => {
            let (text, meaning) = if *certain {
                (format!("DEADLOCK: these {members} wait for each other"), Meaning::Danger)
            } else {
                (format!("{members} seem to wait for each other (one sample)"), Meaning::Warn)
            };
            vec![two_sided(vec![guides, Span::styled(text, shown.style(meaning))], Vec::new(), width, shown)]
        }
        Node::Unresolved { pids, oldest_ms } => {
            let text = format!("{} wait for somebody the server did not name", pids.len());
            let right = oldest(*oldest_ms).map(|text| Span::styled(text, plain)).into_iter().collect();
            vec![two_sided(
                vec![guides, Span::styled(text, shown.style(Meaning::Unknown))],
                right,
                width,
                shown,
            )]
        }
    }
}

fn guides(row: &TreeRow, shown: &Shown<'_>) -> Span<'static> {
    let glyphs = shown.glyphs;
    let mut text = String::new();
    for &goes_on in &row.guides {
        text += if goes_on { glyphs.pipe } else { " " };
        text += " ";
    }
    if row.depth > 0 {
        text += if row.last { glyphs.elbow } else { glyphs.tee };
        text += " ";
    }
    Span::styled(text, shown.style(Meaning::Muted))
}

fn one_lines(
    row: &TreeRow,
    one: &One,
    guides: Span<'static>,
    width: u16,
    brief: bool,
    shown: &Shown<'_>,
) -> Vec<Line<'static>> {
    let muted = shown.style(Meaning::Muted);
    let plain = shown.style(Meaning::Text);
    let is_root = row.depth == 0;
    let (sign, meaning) = if one.is_target {
        (shown.glyphs.head, Meaning::LockTarget)
    } else if is_root {
        (shown.glyphs.root, Meaning::LockRoot)
    } else if one.behind > 0 {
        (shown.glyphs.head, Meaning::LockHead)
    } else {
        (shown.glyphs.bullet, Meaning::LockVictim)
    };
    let style = shown.style(meaning);
    let indent = " ".repeat(text::width(&guides.content) + 2);
    let letter = one.letter.as_deref().map(|letter| format!("{letter} ")).unwrap_or_default();
    let who = if one.pid == Pid::PREPARED { "prepared".to_owned() } else { one.pid.to_string() };
    let mut left = vec![guides, Span::styled(format!("{sign} {letter}{who} "), style)];
    left.push(Span::styled(format!("{} ", shown.application(&one.application)), plain));
    if one.is_target {
        left.push(Span::styled("TARGET ", style));
    }
    left.push(match one.part {
        Part::Client | Part::SchemaWork if one.waited_ms.is_none() => state_span(one, shown),
        Part::Client | Part::SchemaWork => {
            Span::styled(statement(&one.kind, one.text.as_deref(), shown), plain)
        }
        part => Span::styled(part_name(part), muted),
    });
    let mut right = Vec::new();
    if one.behind > 0 {
        right.push(Span::styled(format!("{} behind", one.behind), shown.style(Meaning::LockHead)));
    }
    if let Some(waited_ms) = one.waited_ms {
        let gap = if right.is_empty() { "" } else { "  " };
        right.push(Span::styled(format!("{gap}waits {}", tenths(waited_ms)), plain));
    }
    let mut lines = vec![two_sided(left, right, width, shown)];
    if is_root || (!brief && (one.behind > 0 || one.is_target)) {
        lines.push(two_sided(
            vec![Span::raw(indent), Span::styled(holds_and_awaits(one), muted)],
            Vec::new(),
            width,
            shown,
        ));
    }
    lines
}

fn state_span(one: &One, shown: &Shown<'_>) -> Span<'static> {
    let age = one.xact_age_ms.map(|ms| format!(" {}", tenths(ms))).unwrap_or_default();
    let meaning = match one.state {
        Some(State::Active | State::Fastpath) => Meaning::StateActive,
        Some(State::IdleInTransaction | State::IdleInTransactionAborted) => Meaning::StateIdleInTransaction,
        Some(State::Masked) | None => Meaning::StateMasked,
        _ => Meaning::StateIdle,
    };
    let last = match one.state {
        Some(State::Active) => format!("  {}", one.kind),
        _ => String::new(),
    };
    Span::styled(format!("{}{age}{last}", one.state_name()), shown.style(meaning))
}

fn holds_and_awaits(one: &One) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(one.awaits.iter().map(LockWords::sentence));
    parts.extend(one.holds.iter().map(LockWords::sentence));
    if one.behind > 0 && one.waited_ms.is_none() {
        match &one.cancel {
            CancelWorks::Yes => parts.push("a cancel ends it".to_owned()),
            CancelWorks::No(_) => parts.push("a cancel cannot end it".to_owned()),
            CancelWorks::FreesOnly(why) | CancelWorks::Unknown(why) => parts.push(why.clone()),
        }
    }
    if !one.also.is_empty() || one.also_more > 0 {
        let more = if one.also_more > 0 { format!(" and {} more", one.also_more) } else { String::new() };
        parts.push(format!("also waits for {}{more}", one.also.join(", ")));
    }
    parts.extend(one.rollback.iter().cloned());
    if one.unresolved {
        parts.push("the server named nobody it waits for".to_owned());
    }
    parts.join("; ")
}

fn group_line(group: &Group, guides: Span<'static>, width: u16, shown: &Shown<'_>) -> Line<'static> {
    let count = Span::styled(format!("{:>2} x ", group.count()), shown.style(Meaning::LockVictim));
    let what = Span::styled(statement(&group.kind, group.text.as_deref(), shown), shown.style(Meaning::Text));
    let also =
        if group.also.is_empty() { String::new() } else { format!("  also {}", group.also.join(", ")) };
    let right = oldest(group.oldest_ms).map(|text| Span::styled(text, shown.style(Meaning::Text)));
    let lock = match (&group.text, &group.awaits) {
        (None, Some(lock)) => format!(", {}", lock.sentence()),
        _ => String::new(),
    };
    let left = vec![guides, count, what, Span::styled(lock + &also, shown.style(Meaning::Muted))];
    two_sided(left, right.into_iter().collect(), width, shown)
}

fn oldest(ms: Option<u64>) -> Option<String> {
    ms.map(|ms| format!("oldest {}", tenths(ms)))
}
