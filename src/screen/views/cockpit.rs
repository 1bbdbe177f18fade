//! The cockpit: what must be understood in three seconds.
//!
//! ```text
//!  ┌ target ──────────────────────┐┌ locks ───────────────────────────┐      under 100 columns the panes
//!  │ what, its phase, its cost    ││ the tree: who really blocks,     │      stand one above the other, and
//!  ├ guard ───────────────────────┤│ what queues behind us            │      guard, replication and activity
//!  │ rules, margins, plots        ││                                  │      become one line each
//!  ├ replication · activity ──────┤│                                  │
//!  └──────────────────────────────┘└──────────────────────────────────┘
//!  ┌ timeline ────────────────────────────────────────────────────────┐
//! ```

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::header::tenths;
use super::parts::{event_line, guardrail_line, is_notable, row_of, statement, tree_lines, two_sided};
use crate::engine::derive::cost::{Severity, StopCost};
use crate::engine::derive::foresight::Foresight;
use crate::engine::derive::progress::{Doing, ProgressView};
use crate::engine::derive::replication::{ReplicationView, Verdict};
use crate::engine::derive::tree::{LockTree, Node};
use crate::engine::derive::words::plural;
use crate::engine::guard::seconds;
use crate::engine::target::Target;
use crate::engine::timeline::Event;
use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;
use crate::screen::ui::Row;
use crate::screen::widgets::{first_line, pane};

/// Panes that the arrows can move in: the tree, the timeline.
pub(super) const PANES: u8 = 2;
/// Narrower than this, the panes stand one above the other.
const WIDE: u16 = 100;

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
    let [top, middle, bottom] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(rails + 2), Constraint::Length(6)])
            .areas(left);
    target(frame, top, shown);
    guard(frame, middle, shown);
    surroundings(frame, bottom, shown);
    let in_tree = locks(frame, right, shown);
    let in_events = events(frame, lower, shown);
    if shown.ui.pane().1 == 0 { in_tree } else { in_events }
}

fn narrow(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) -> usize {
    let rails = u16::try_from(shown.cockpit.brake().guardrails().readings().len()).unwrap_or(3).min(3);
    let target_height = if shown.cockpit.target().is_some() { 8 } else { 5 };
    let [top, middle, brief, lower] = Layout::vertical([
        Constraint::Length(target_height.min(area.height / 2)),
        Constraint::Fill(1),
        Constraint::Length(if area.height >= 18 { 2 } else { 1 }),
        Constraint::Length(if area.height >= 20 { rails } else { 2 }),
    ])
    .areas(area);
    target(frame, top, shown);
    let in_tree = locks(frame, middle, shown);
    let width = area.width.saturating_sub(2);
    let inside = |area: Rect| Rect { x: area.x + 1, width, ..area };
    pane::lines(frame, inside(brief), [replication_line(width, shown), activity_line(width, shown)]);
    pane::lines(frame, inside(lower), latest(usize::from(lower.height), width, shown));
    in_tree
}

fn target(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) {
    let title = match shown.cockpit.target() {
        Some(target) if shown.ui.presenter => format!("target · pid {}", target.pid()),
        Some(target) => {
            let role = shown.cockpit.catalog().role(target.role);
            format!("target · pid {} {} · role {role}", target.pid(), target.application)
        }
        None => "target".to_owned(),
    };
    let inside = pane::pane(frame, area, &title, false, shown);
    let content = match shown.cockpit.target() {
        Some(target) => target_lines(target, inside.width, shown),
        None => no_target(inside.width, shown),
    };
    pane::lines(frame, inside, content);
}

/// What is under guard, the most important line first.
fn target_lines(target: &Target, width: u16, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let cockpit = shown.cockpit;
    let plain = shown.style(Meaning::Text);
    let line = |label: &str, text: String, style| {
        let label = Span::styled(format!("{label:<9} "), shown.style(Meaning::Muted));
        two_sided(vec![label, Span::styled(text, style)], Vec::new(), width, shown)
    };
    let text = cockpit.catalog().text(target.text).map(|text| text.normalised.clone());
    let what = statement(cockpit.catalog().kind(target.text), text.as_deref(), shown);
    let mut lines =
        vec![two_sided(vec![Span::styled(what, shown.style(Meaning::LockTarget))], Vec::new(), width, shown)];
    lines.push(state_line(target, width, shown));
    lines.extend(progress_line(target, width, shown));
    let seen = shown.seen();
    let victims = target.victims.len();
    let behind = if victims == 0 {
        "nobody waits because of it".to_owned()
    } else {
        let oldest = cockpit.ages().oldest_ms(seen, target.victims.iter().copied());
        let oldest = oldest.map(|ms| format!(", oldest {}", tenths(ms))).unwrap_or_default();
        format!(
            "{} wait{oldest}; {}.{} session-s lost",
            plural(victims as u64, "client"),
            target.lost_us / 1_000_000,
            target.lost_us % 1_000_000 / 100_000
        )
    };
    lines.push(line(
        "behind it",
        behind,
        shown.style(if victims > 0 { Meaning::Danger } else { Meaning::Ok }),
    ));
    let foresight = Foresight::of(cockpit, shown.now);
    let meaning = match foresight {
        Foresight::Nothing(_) => Meaning::Warn,
        Foresight::Will(_) => Meaning::Text,
        Foresight::Now(_) => Meaning::Danger,
    };
    lines.push(line("stopped?", foresight.sentence().to_owned(), shown.style(meaning)));
    if let Some(cost) = StopCost::of(cockpit, target.pid(), seen) {
        let meaning = match cost.severity {
            Severity::Nothing => Meaning::Ok,
            Severity::Work => Meaning::Text,
            _ => Meaning::Warn,
        };
        lines.push(line("stop now", cost.sentence(), shown.style(meaning)));
        lines.extend(cost.clean_up.iter().map(|step| line("", step.clone(), plain)));
    }
    if let Some(Err(why)) = &target.right {
        lines.insert(
            2,
            line("right", format!("lockpit may not stop it: {why}"), shown.style(Meaning::Danger)),
        );
    }
    lines
}

/// Waiting or working, for what, for how long, and for whom.
fn state_line(target: &Target, width: u16, shown: &Shown<'_>) -> Line<'static> {
    let cockpit = shown.cockpit;
    let seen = shown.seen();
    let lock = target.lock.map(|(database, relation, mode, _)| {
        format!("{mode} on {}", cockpit.catalog().relation(database, relation))
    });
    let lock = lock.unwrap_or_else(|| "a lock".to_owned());
    let waits = cockpit.ages().age_ms(seen, target.pid());
    let (word, meaning, rest) = match waits {
        Some(waited_ms) => {
            let graph = &cockpit.scene().graph;
            let blockers = graph.blockers_of(target.pid());
            let whom = match blockers {
                [] => "; the server named nobody it waits for".to_owned(),
                [one] => format!(", held up by pid {one}"),
                [first, rest @ ..] => format!(", held up by pid {first} and {} more", rest.len()),
            };
            ("WAITING", Meaning::Warn, format!("{} for {lock}{whom}", tenths(waited_ms)))
        }
        None => {
            let held = if target.strong { "holds" } else { "holds (reads and writes go on)" };
            (target.state.name(), Meaning::StateActive, format!("{held} {lock}"))
        }
    };
    let left = vec![
        Span::styled(format!("{word} "), shown.style(meaning)),
        Span::styled(rest, shown.style(Meaning::Text)),
    ];
    two_sided(left, Vec::new(), width, shown)
}

fn progress_line(target: &Target, width: u16, shown: &Shown<'_>) -> Option<Line<'static>> {
    let view = ProgressView::of(shown.cockpit, shown.history, shown.seen());
    let label = Span::styled("progress  ", shown.style(Meaning::Muted));
    if let Some(line) = view.lines.iter().find(|line| line.pid == target.pid()) {
        let mut spans = vec![label];
        if let Some(permille) = line.permille {
            let bar = shown.glyphs.bar(u64::from(permille), 1_000, 12);
            spans.push(Span::styled(bar.done, shown.style(Meaning::ProgressDone)));
            spans.push(Span::styled(bar.rest, shown.style(Meaning::ProgressRest)));
            spans.push(Span::raw(format!(" {}.{} % ", permille / 10, permille % 10)));
        }
        let phase = line.phase.clone().unwrap_or_else(|| line.doing.words().to_owned());
        let locker = line.locker.map(|(pid, since_ms)| {
            let since = since_ms.map(|ms| format!(" for {}", seconds(ms))).unwrap_or_default();
            format!(", waits for pid {pid}{since}")
        });
        let eta = line.eta_ms.map(|ms| format!(", {} left (estimate)", seconds(ms)));
        spans.push(Span::styled(
            format!("{phase}{}{}", locker.unwrap_or_default(), eta.unwrap_or_default()),
            shown.style(Meaning::Text),
        ));
        return Some(two_sided(spans, Vec::new(), width, shown));
    }
    let elapsed = view.target?;
    let ran = elapsed.ms.map(|ms| format!("{} so far; ", seconds(ms))).unwrap_or_default();
    let text = match elapsed.doing {
        Doing::WaitsForLock => format!("none yet: it has not begun; {ran}{}", elapsed.why),
        _ => format!("{}; {ran}{}", elapsed.doing.words(), elapsed.why),
    };
    Some(two_sided(vec![label, Span::styled(text, shown.style(Meaning::Text))], Vec::new(), width, shown))
}

/// Nothing is under guard: what is looked for, and what the last target came to.
fn no_target(width: u16, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let cockpit = shown.cockpit;
    let muted = shown.style(Meaning::Muted);
    let mut texts = Vec::new();
    let last: Vec<&Event> = cockpit
        .timeline()
        .since(0)
        .map(|(_, event)| event)
        .filter(|event| match event {
            Event::TargetEnded { .. } | Event::Trip { .. } => true,
            Event::Outcome(story) => story.is_final,
            _ => false,
        })
        .collect();
    let room = usize::from(width);
    for event in last.iter().rev().take(3).rev() {
        let (_, meaning, sentence) = super::parts::event(event);
        texts.extend(
            text::wrap(&text::clean(&sentence), room).into_iter().map(|line| (line, shown.style(meaning))),
        );
    }
    let advice = if cockpit.sample().is_none() {
        "no sample yet"
    } else {
        "Nothing is under guard: no session holds or awaits a lock of schema work on a user table."
    };
    texts.extend(text::wrap(advice, room).into_iter().map(|line| (line, muted)));
    texts.into_iter().map(|(text, style)| Line::from(Span::styled(text, style))).collect()
}

fn guard(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) {
    let inside = pane::pane(frame, area, "guardrails · value of limit · 2 minutes", false, shown);
    let readings = shown.cockpit.brake().guardrails().readings();
    pane::lines(
        frame,
        inside,
        readings.iter().map(|(name, reading)| guardrail_line(name, reading, inside.width, shown)),
    );
}

fn surroundings(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) {
    let inside = pane::pane(frame, area, "replication, activity", false, shown);
    let mut content = vec![replication_line(inside.width, shown)];
    content.extend(activity_lines(inside.width, shown));
    pane::lines(frame, inside, content);
}

fn replication_line(width: u16, shown: &Shown<'_>) -> Line<'static> {
    let view = ReplicationView::of(shown.cockpit, shown.history, shown.seen());
    let (word, meaning) = match view.verdict {
        Verdict::Healthy => ("healthy", Meaning::Ok),
        Verdict::Lagging => ("LAGGING", Meaning::Warn),
        Verdict::Stalled => ("STALLED", Meaning::Danger),
        Verdict::Unknown => ("unknown", Meaning::Unknown),
    };
    let left = vec![
        Span::styled("replication ", shown.style(Meaning::Muted)),
        Span::styled(format!("{word}: "), shown.style(meaning)),
        Span::styled(view.summary, shown.style(Meaning::Text)),
    ];
    two_sided(left, Vec::new(), width, shown)
}

fn activity_line(width: u16, shown: &Shown<'_>) -> Line<'static> {
    activity_lines(width, shown).into_iter().next().unwrap_or_default()
}

fn activity_lines(width: u16, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let label = Span::styled("activity    ", shown.style(Meaning::Muted));
    let Some(sample) = shown.cockpit.sample() else {
        let unknown = Span::styled("not known yet", shown.style(Meaning::Unknown));
        return vec![two_sided(vec![label, unknown], Vec::new(), width, shown)];
    };
    let counts = sample.counts;
    let tree = LockTree::of(shown.cockpit, shown.seen());
    let known = |count: u32| if counts.masked == 0 { count.to_string() } else { "?".to_owned() };
    let most =
        shown.cockpit.server().map(|server| format!(" of {}", server.max_connections)).unwrap_or_default();
    let text = format!(
        "{} clients{most}: {} active, {} idle in transaction, {} waiting for a lock",
        counts.total,
        known(counts.active),
        known(counts.idle_in_transaction),
        tree.waiting
    );
    let mut lines = vec![two_sided(
        vec![label, Span::styled(text, shown.style(Meaning::Text))],
        Vec::new(),
        width,
        shown,
    )];
    if counts.masked > 0 {
        let text = format!("            state of {} backends hidden from this login", counts.masked);
        lines.push(two_sided(
            vec![Span::styled(text, shown.style(Meaning::Unknown))],
            Vec::new(),
            width,
            shown,
        ));
    }
    lines.extend(super::activity::host_line(width, shown));
    lines
}

fn locks(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) -> usize {
    let tree = LockTree::of(shown.cockpit, shown.seen());
    let title = locks_title(&tree, shown);
    let focused = shown.ui.pane().1 == 0;
    let inside = pane::pane(frame, area, &title, focused, shown);
    draw_tree(frame, inside, &tree, shown)
}

/// What the tree comes to.
pub(super) fn locks_title(tree: &LockTree, shown: &Shown<'_>) -> String {
    if shown.cockpit.sample().is_none() {
        return "locks · not known yet".to_owned();
    }
    if tree.rows.is_empty() {
        return "locks · nobody waits".to_owned();
    }
    let roots = plural(u64::from(tree.roots), "root blocker");
    let lost =
        tree.lost_session_ms.map(|ms| format!(" · {}.{} session-s lost", ms / 1_000, ms % 1_000 / 100));
    format!("locks · {roots} · {} waiting{}", tree.waiting, lost.unwrap_or_default())
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
        for line in tree_lines(row, width, shown) {
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
