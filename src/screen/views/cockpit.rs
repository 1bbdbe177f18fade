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
use super::parts::{
    Entry, entry_lines, event_line, guardrail_line, is_notable, row_of, statement, tree_lines,
};
use crate::engine::derive::cost::{Severity, StopCost};
use crate::engine::derive::foresight::Foresight;
use crate::engine::derive::progress::{Doing, ProgressView};
use crate::engine::derive::replication::{ReplicationView, Verdict};
use crate::engine::derive::tree::{LockTree, Node};
use crate::engine::derive::words::plural;
use crate::engine::guard::seconds;
use crate::engine::ids::Pid;
use crate::engine::sample::State;
use crate::engine::settings::Selector;
use crate::engine::target::Target;
use crate::engine::timeline::{Event, Fate};
use crate::screen::shown::Shown;
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
    let target_height = shown.cockpit.target().map_or(5, |target| {
        u16::try_from(target_entries(target, shown).len() + 2).unwrap_or(u16::MAX).clamp(5, 8)
    });
    let [top, middle, brief, lower] = Layout::vertical([
        Constraint::Length(target_height.min(area.height / 2)),
        Constraint::Fill(1),
        Constraint::Length(2),
        Constraint::Length(if area.height >= 20 { rails } else { 2 }),
    ])
    .areas(area);
    target(frame, top, shown);
    let in_tree = locks(frame, middle, shown);
    let width = area.width.saturating_sub(2);
    let inside = |area: Rect| Rect { x: area.x + 1, width, ..area };
    let mut around = vec![replication(shown)];
    around.extend(activity(shown));
    pane::lines(frame, inside(brief), entry_lines(&around, width, brief.height, shown));
    pane::lines(frame, inside(lower), latest(usize::from(lower.height), width, shown));
    in_tree
}

fn target(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) {
    let title = match shown.cockpit.target() {
        Some(target) => {
            let role = shown.masked("role", &shown.cockpit.catalog().role(target.role));
            let who = format!("pid {} {}", target.pid(), shown.application(&target.application));
            shown.dated(&["target", &who, &format!("role {role}")])
        }
        None => shown.dated(&["target"]),
    };
    let inside = pane::pane(frame, area, &title, false, shown);
    let entries = match shown.cockpit.target() {
        Some(target) => target_entries(target, shown),
        None => no_target(shown),
    };
    pane::lines(frame, inside, entry_lines(&entries, inside.width, inside.height, shown));
}

/// What is under guard, the most important first.
fn target_entries(target: &Target, shown: &Shown<'_>) -> Vec<Entry> {
    let cockpit = shown.cockpit;
    let seen = shown.seen();
    let entry = |label: &str, text: String, meaning| Entry::new(label, text, shown.style(meaning), shown);
    let text = cockpit.catalog().text(target.text).map(|text| text.normalised.clone());
    let what = statement(cockpit.catalog().kind(target.text), text.as_deref(), shown);
    let mut entries = vec![entry("", what, Meaning::LockTarget), state_entry(target, shown)];
    if let Some(Err(why)) = &target.right {
        entries.push(entry("right", format!("lockpit may not stop it: {why}"), Meaning::Danger));
    }
    let victims = target.victims.len();
    let (behind, meaning) = if victims == 0 {
        ("nobody waits because of it".to_owned(), Meaning::Ok)
    } else {
        let oldest = cockpit.ages().oldest_ms(seen, target.victims.iter().copied());
        let oldest = oldest.map(|ms| format!(", oldest {}", tenths(ms))).unwrap_or_default();
        let clients = plural(victims as u64, "client");
        (format!("{clients} wait{oldest}; {}", lost(target.lost_us / 1_000)), Meaning::Danger)
    };
    entries.push(entry("behind it", behind, meaning));
    let foresight = Foresight::of(cockpit, shown.now);
    let meaning = match foresight {
        Foresight::Nothing(_) => Meaning::Warn,
        Foresight::Will(_) => Meaning::Text,
        Foresight::Now(_) => Meaning::Danger,
    };
    entries.push(entry("stopped?", foresight.sentence().to_owned(), meaning));
    if let Some(cost) = StopCost::of(cockpit, target.pid(), seen) {
        let meaning = match cost.severity {
            Severity::Nothing => Meaning::Ok,
            Severity::Work => Meaning::Text,
            _ => Meaning::Warn,
        };
        entries.push(entry("stop now", cost.sentence(), meaning));
        if !cost.clean_up.is_empty() {
            entries.push(entry("clean up", cost.clean_up.join(" "), Meaning::Text));
        }
    }
    entries.extend(progress_entry(target, shown));
    entries
}

/// Waiting or working, for what, for how long, and for whom.
fn state_entry(target: &Target, shown: &Shown<'_>) -> Entry {
    let cockpit = shown.cockpit;
    let seen = shown.seen();
    let lock = target.lock.map(|(database, relation, mode, _)| {
        format!("{mode} on {}", cockpit.catalog().relation(database, relation))
    });
    let tree = LockTree::of(cockpit, seen);
    let row = tree.row_of(target.pid()).and_then(|row| match &tree.rows[row].node {
        Node::One(one) => Some(one),
        _ => None,
    });
    let awaited = row.and_then(|one| one.awaits.as_ref()).map(|lock| format!("{} on {}", lock.mode, lock.on));
    match cockpit.ages().age_ms(seen, target.pid()) {
        Some(waited_ms) => {
            let lock = awaited.or(lock).unwrap_or_else(|| "a lock".to_owned());
            let blockers = cockpit.scene().graph.blockers_of(target.pid());
            let whom = match blockers {
                [] => "; the server named nobody it waits for".to_owned(),
                [one] => format!("; held up by {}", blocker(*one, &tree, shown)),
                [first, rest @ ..] => {
                    format!("; held up by {} and {} more", blocker(*first, &tree, shown), rest.len())
                }
            };
            Entry::headed("WAITING", Meaning::Warn, format!("{} for {lock}{whom}", tenths(waited_ms)), shown)
        }
        None => {
            let lock = lock.unwrap_or_else(|| "no lock of schema work".to_owned());
            let mild = if target.strong { "" } else { " (reads and writes go on)" };
            let word = if target.state == State::Active { "RUNNING" } else { target.state.name() };
            Entry::headed(word, Meaning::StateActive, format!("holds {lock}{mild}"), shown)
        }
    }
}

/// A blocker, by its letter in the tree.
fn blocker(pid: Pid, tree: &LockTree, shown: &Shown<'_>) -> String {
    let found = tree.row_of(pid).and_then(|row| match &tree.rows[row].node {
        Node::One(one) => Some(one),
        _ => None,
    });
    let Some(one) = found else { return format!("pid {pid}") };
    let letter = one.letter.as_deref().map(|letter| format!("{letter} ")).unwrap_or_default();
    let who = if pid == Pid::PREPARED { "prepared".to_owned() } else { format!("pid {pid}") };
    let age = one.xact_age_ms.map(|ms| format!(" {}", tenths(ms))).unwrap_or_default();
    format!("{letter}{who} {}, {}{age}", shown.application(&one.application), one.state_name())
}

fn progress_entry(target: &Target, shown: &Shown<'_>) -> Option<Entry> {
    let view = ProgressView::of(shown.cockpit, shown.history, shown.seen());
    let plain = shown.style(Meaning::Text);
    if let Some(line) = view.lines.iter().find(|line| line.pid == target.pid()) {
        let mut text = String::new();
        if let Some(permille) = line.permille {
            let bar = shown.glyphs.bar(u64::from(permille), 1_000, 12);
            text += &format!("{}{} {}.{} % ", bar.done, bar.rest, permille / 10, permille % 10);
        }
        if let Some(eta_ms) = line.eta_ms {
            text += &format!("{} left (estimate), ", seconds(eta_ms));
        }
        text += line.phase.as_deref().unwrap_or(line.doing.words());
        if let Some((pid, since_ms)) = line.locker {
            let since = since_ms.map(|ms| format!(" for {}", seconds(ms))).unwrap_or_default();
            text += &format!(", waits for pid {pid}{since}");
        }
        return Some(Entry::new("progress", text, plain, shown));
    }
    let elapsed = view.target?;
    // That it waits, for how long and for whom, is said above.
    if elapsed.doing == Doing::WaitsForLock {
        return None;
    }
    let ran = elapsed.ms.map(|ms| format!("{} since it was sent; ", seconds(ms))).unwrap_or_default();
    let text = format!("{}, {ran}{}", elapsed.doing.words(), elapsed.why);
    Some(Entry::new("progress", text, plain, shown))
}

/// Nothing is under guard: what the last target came to, and what is looked for.
fn no_target(shown: &Shown<'_>) -> Vec<Entry> {
    let cockpit = shown.cockpit;
    let told: Vec<&Event> = cockpit
        .timeline()
        .since(0)
        .map(|(_, event)| event)
        .filter(|event| match event {
            // What a stop came to is told by its outcome.
            Event::TargetEnded { fate, .. } => *fate != Fate::Cancelled,
            Event::Trip { .. } => true,
            Event::Outcome(story) => story.is_final,
            _ => false,
        })
        .collect();
    let last = told.iter().skip(told.len().saturating_sub(3)).map(|event| {
        let (word, meaning, sentence) = super::parts::event(event);
        Entry::new(word, shown.sentence(&sentence), shown.style(meaning), shown)
    });
    let advice = if cockpit.sample().is_none() {
        "no sample yet".to_owned()
    } else {
        let selector = cockpit.flight().map(|begin| begin.settings.target.clone()).unwrap_or_default();
        let whom = match selector {
            Selector::Auto => "no session".to_owned(),
            selector => format!("no session ({})", shown.masked("target", &selector.to_string())),
        };
        let verb = if shown.stale_ms().is_some() { "was" } else { "is" };
        format!("Nothing {verb} under guard: {whom} holds or awaits a lock of schema work on a user table.")
    };
    let advice = Entry::new("", advice, shown.style(Meaning::Muted), shown);
    // What has just happened comes before what does not.
    last.chain(std::iter::once(advice)).collect()
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

/// Time that clients have waited, in all. Tenths of it tell nothing once it is much.
fn lost(ms: u64) -> String {
    let amount = if ms < 100_000 {
        format!("{}.{}", ms / 1_000, ms % 1_000 / 100)
    } else {
        super::activity::thousands(ms / 1_000)
    };
    format!("{amount} session-s lost")
}

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
