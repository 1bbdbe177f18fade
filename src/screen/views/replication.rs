//! Standbys and slots.
//!
//! ```text
//!  ┌ standbys · 2 connected · LAGGING · read 0.6 s ago, once a second ──────────┐
//!  │ name   verdict  state      sync   unsent unwritten unflushed behind  lag   │
//!  │ f2     LAGGING  streaming  async     0 B    67 MB     67 MB  134 MB  9.9 s │
//!  │ f2        134 MB / 9.9 s behind                                            │  the selected one, or the worst
//!  │ behind    ▁▂▃▅  the worst of all standbys, 2 minutes                       │
//!  ├ slots · 1 ─────────────────────────────────────────────────────────────────┤
//!  │ name   verdict  kind      active  keeps  wal_status                        │
//!  └────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! What the server does not tell is `?`, and the sentence says why; a standby that has vanished stays in the list.

use std::collections::BTreeMap;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use super::header::tenths;
use super::lines::{LABEL, at_most, labelled};
use super::parts::recent;
use crate::engine::derive::cancel::waits_for_standby;
use crate::engine::derive::replication::{ReplicationView, Reply, SenderLine, SlotLine, Vanished, Verdict};
use crate::engine::derive::words::{ago, bytes, plural};
use crate::engine::guard::seconds;
use crate::engine::history::Signal;
use crate::screen::shown::Shown;
use crate::screen::theme::Meaning;
use crate::screen::ui::{Row, View};
use crate::screen::widgets::table::{Cell, Column, table};
use crate::screen::widgets::{chart, pane};

/// Panes that the arrows can move in: standbys, slots.
pub(super) const PANES: u8 = 2;

const STANDBYS: [Column; 11] = [
    Column::words("name", 16),
    Column::words("verdict", 8),
    Column::words("state", 10).dispensable(2),
    Column::words("sync", 9).dispensable(1),
    Column::number("unsent", 8).dispensable(5),
    Column::number("unwritten", 9).dispensable(6),
    Column::number("unflushed", 9).dispensable(4),
    Column::number("behind", 8),
    Column::number("replay_lag", 10),
    Column::number("last reply", 11),
    Column::words("", 0).dispensable(3),
];
const SLOTS: [Column; 7] = [
    Column::words("name", 20),
    Column::words("verdict", 8),
    Column::words("kind", 8).dispensable(1),
    Column::words("active", 8),
    Column::number("keeps", 8),
    Column::words("wal_status", 10),
    Column::words("", 0).dispensable(2),
];

/// Draws both panes; returns how many rows of the present one fit.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) -> usize {
    let view = ReplicationView::of(shown.cockpit, shown.history, shown.seen());
    let slots_height = u16::try_from(view.slots.len()).unwrap_or(u16::MAX).clamp(1, area.height / 3);
    let [upper, lower] = Layout::vertical([
        Constraint::Fill(1),
        Constraint::Length(slots_height.saturating_add(4).min(area.height / 2)),
    ])
    .areas(area);
    let focus = shown.ui.pane().1;
    let in_standbys = standbys(frame, upper, &view, focus == 0, shown);
    let in_slots = slots(frame, lower, &view, focus == 1, shown);
    if focus == 0 { in_standbys } else { in_slots }
}

/// The rows of a pane.
pub(super) fn rows(shown: &Shown<'_>, pane: u8) -> Vec<Row> {
    let view = ReplicationView::of(shown.cockpit, shown.history, shown.seen());
    if pane == 0 {
        entries(&view).into_iter().map(|(key, _)| Row::Sender(key)).collect()
    } else {
        view.slots.iter().map(|slot| Row::Slot(slot.name.clone())).collect()
    }
}

/// A standby that is connected, or was.
#[derive(Debug, Clone, Copy)]
pub(super) enum Standby<'a> {
    /// It is gone.
    Vanished(&'a Vanished),
    /// It is connected.
    Connected(&'a SenderLine),
}

/// Standbys, the worst first, each with what tells it from the others: its name, or, where several bear one, its
/// name with the pid of its WAL sender.
pub(super) fn entries(view: &ReplicationView) -> Vec<(String, Standby<'_>)> {
    let mut bearers: BTreeMap<&str, u32> = BTreeMap::new();
    let names =
        view.senders.iter().map(|sender| &sender.name).chain(view.vanished.iter().map(|gone| &gone.name));
    for name in names {
        *bearers.entry(name).or_default() += 1;
    }
    let alone = |name: &str| bearers.get(name).is_some_and(|count| *count == 1);
    let vanished = view.vanished.iter().map(|gone| {
        let key = if alone(&gone.name) { gone.name.clone() } else { format!("{} (vanished)", gone.name) };
        (key, Standby::Vanished(gone))
    });
    let connected = view.senders.iter().map(|sender| {
        let name = &sender.name;
        let key = if alone(name) { name.clone() } else { format!("{name} (pid {})", sender.pid) };
        (key, Standby::Connected(sender))
    });
    vanished.chain(connected).collect()
}

fn standbys(
    frame: &mut Frame<'_>,
    area: Rect,
    view: &ReplicationView,
    focused: bool,
    shown: &Shown<'_>,
) -> usize {
    let entries = entries(view);
    let (word, _) = word(view.verdict);
    let title = match shown.cockpit.slow_at() {
        None => "standbys · not read yet".to_owned(),
        Some(at) => {
            let read = format!("read {} ago, once a second", tenths(shown.age_ms(at)));
            if entries.is_empty() && view.slots.is_empty() {
                format!("standbys · {read}")
            } else {
                format!("standbys · {} connected · {word} · {read}", view.senders.len())
            }
        }
    };
    let inside = pane::pane(frame, area, &title, focused, shown);
    let width = inside.width.saturating_sub(2);
    let padded = Rect { x: inside.x + inside.width.min(1), width, ..inside };
    if entries.is_empty() {
        pane::lines(frame, padded, nobody(view, width, shown));
        return usize::from(inside.height);
    }
    let selected = shown.ui.selections.get(&(View::Replication, 0)).map(|selection| &selection.row);
    let selected = entries.iter().position(|(key, _)| selected == Some(&Row::Sender(key.clone())));
    let detail = details(&entries, selected, width, shown);
    // The list keeps at least its heading and two rows.
    let least = inside.height.min(3);
    let below = u16::try_from(detail.len()).unwrap_or(u16::MAX).min(inside.height - least);
    let listed = inside.height - below;
    let rows = Rect { height: listed, ..inside };
    let fit = table(frame, rows, &STANDBYS, entries.len(), selected, shown, |n| cells(&entries[n], shown));
    let foot = Rect { y: inside.y + listed, height: below, ..padded };
    pane::lines(frame, foot, detail);
    fit
}

fn word(verdict: Verdict) -> (&'static str, Meaning) {
    match verdict {
        Verdict::Healthy => ("healthy", Meaning::Ok),
        Verdict::Lagging => ("LAGGING", Meaning::Warn),
        Verdict::Stalled => ("STALLED", Meaning::Danger),
        Verdict::Unknown => ("unknown", Meaning::Unknown),
    }
}

/// No standby: what that means.
fn nobody(view: &ReplicationView, width: u16, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let muted = shown.style(Meaning::Muted);
    let full = |words: &str, style| {
        let lines = crate::screen::text::wrap(words, usize::from(width));
        lines.into_iter().map(move |line| super::lines::plain(line, style)).collect::<Vec<_>>()
    };
    let Some(_) = view.age_ms else {
        return full(&view.summary, shown.style(Meaning::Unknown));
    };
    let mut lines = full("No standby is connected.", shown.style(Meaning::Text));
    lines.extend(waiting_for_standby(width, shown));
    lines.extend(full(
        "Nobody replays the WAL of this server now. If synchronous_standby_names names a standby, commits wait until it \
         is back; lockpit does not read that setting, but shows whoever waits.",
        muted,
    ));
    lines
}

/// Who is committed and waits for a synchronous standby.
fn waiting_for_standby(width: u16, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let Some(sample) = shown.cockpit.sample() else { return Vec::new() };
    let waiting = sample.backends.iter().filter(|backend| waits_for_standby(backend)).count() as u64;
    if waiting == 0 {
        return Vec::new();
    }
    let verb = if waiting == 1 { "waits" } else { "wait" };
    let words = format!(
        "{} {verb} for a synchronous standby (IPC/SyncRep): committed here, not confirmed there",
        plural(waiting, "session")
    );
    labelled("SYNC", &words, shown.style(Meaning::Danger), width, shown)
}

/// What there is to say of one standby, and how far the worst is behind over time.
fn details(
    entries: &[(String, Standby<'_>)],
    selected: Option<usize>,
    width: u16,
    shown: &Shown<'_>,
) -> Vec<Line<'static>> {
    // Without a selection it is about the worst, which comes first.
    let Some((key, standby)) = entries.get(selected.unwrap_or(0)) else { return Vec::new() };
    let label = if selected.is_some() { "selected" } else { "worst" };
    let name = shown.masked("standby", key);
    let (sentence, meaning) = match standby {
        Standby::Vanished(gone) => (gone_words(gone, shown), Meaning::Danger),
        Standby::Connected(sender) => {
            let lag = match (sender.behind_bytes, sender.replay_lag_ms) {
                (Some(_), None) => "; replay_lag: the server measured none lately, which is not zero",
                _ => "",
            };
            (format!("{}{lag}", sender.sentence), word(sender.verdict).1)
        }
    };
    let mut lines = at_most(3, label, &format!("{name}: {sentence}"), shown.style(meaning), width, shown);
    lines.extend(waiting_for_standby(width, shown));
    let room = width.saturating_sub(u16::try_from(LABEL).unwrap_or(0) + 34).min(60);
    if room > 0 {
        let columns = recent(&Signal::ReplayLagBytes, room, shown);
        if columns.iter().any(|column| column.value().is_some()) {
            let top = columns.iter().filter_map(|column| column.value()).max().unwrap_or(0);
            let mut plot = labelled("behind", " ", shown.style(Meaning::Text), width, shown);
            for line in &mut plot {
                line.spans.truncate(1);
                line.spans.push(chart::spark(&columns, top, shown));
                let words = format!(" worst of all, at most {}", bytes(top));
                line.spans.push(ratatui::text::Span::styled(words, shown.style(Meaning::Muted)));
            }
            lines.extend(plot.into_iter().take(1));
        }
    }
    lines
}

fn gone_words(gone: &Vanished, shown: &Shown<'_>) -> String {
    let seen = ago(shown.age_ms(gone.last_seen));
    match gone.missing {
        1 => format!("not connected any more, last seen {seen}"),
        many => format!("{many} of this name are not connected any more, last seen {seen}"),
    }
}

fn cells((key, standby): &(String, Standby<'_>), shown: &Shown<'_>) -> Vec<Cell> {
    let plain = shown.style(Meaning::Text);
    let unknown = || Cell::new(shown.glyphs.unknown, shown.style(Meaning::Unknown));
    let name = Cell::new(shown.masked("standby", key), plain);
    let sender = match standby {
        Standby::Vanished(gone) => {
            let mut cells = vec![name, Cell::new("VANISHED", shown.style(Meaning::Danger))];
            cells.extend(std::iter::repeat_with(|| Cell::new("-", shown.style(Meaning::Muted))).take(7));
            let seen = format!("{} ago", seconds(shown.age_ms(gone.last_seen) / 1_000 * 1_000));
            cells.push(Cell::new(seen, plain));
            cells.push(Cell::new(gone_words(gone, shown), plain));
            return cells;
        }
        Standby::Connected(sender) => sender,
    };
    let (word, meaning) = word(sender.verdict);
    let words = |words: &Option<String>| words.clone().map_or_else(unknown, |words| Cell::new(words, plain));
    let amount = |amount: Option<u64>| amount.map_or_else(unknown, |amount| Cell::new(bytes(amount), plain));
    let lag = match (sender.replay_lag_ms, sender.behind_bytes) {
        (Some(ms), _) => Cell::new(tenths(ms), plain),
        (None, Some(_)) => Cell::new("none", shown.style(Meaning::Muted)),
        (None, None) => unknown(),
    };
    let reply = match sender.reply {
        Reply::Ago(ms) => Cell::new(format!("{} ago", seconds(ms / 1_000 * 1_000)), plain),
        Reply::ClockSkew(_) => Cell::new("clock skew", shown.style(Meaning::Warn)),
        Reply::Unknown => unknown(),
    };
    vec![
        name,
        Cell::new(word, shown.style(meaning)),
        words(&sender.state),
        words(&sender.sync_state),
        amount(sender.unsent_bytes),
        amount(sender.unwritten_bytes),
        amount(sender.unflushed_bytes),
        amount(sender.behind_bytes),
        lag,
        reply,
        Cell::new(sender.sentence.clone(), shown.style(Meaning::Muted)),
    ]
}

fn slots(
    frame: &mut Frame<'_>,
    area: Rect,
    view: &ReplicationView,
    focused: bool,
    shown: &Shown<'_>,
) -> usize {
    let title = match view.age_ms {
        None => "slots · not read yet".to_owned(),
        Some(_) => format!("slots · {}", view.slots.len()),
    };
    let inside = pane::pane(frame, area, &title, focused, shown);
    let width = inside.width.saturating_sub(2);
    let padded = Rect { x: inside.x + inside.width.min(1), width, ..inside };
    if view.slots.is_empty() {
        let words = match view.age_ms {
            None => "not known: replication has not been read yet",
            Some(_) => "There is no replication slot: none keeps WAL.",
        };
        pane::lines(frame, padded, [super::lines::plain(words, shown.style(Meaning::Muted))]);
        return usize::from(inside.height);
    }
    let selected = shown.ui.selections.get(&(View::Replication, 1)).map(|selection| &selection.row);
    let selected = view.slots.iter().position(|slot| selected == Some(&Row::Slot(slot.name.clone())));
    let slot = &view.slots[selected.unwrap_or(0)];
    let words = format!("{}: {}", shown.masked("slot", &slot.name), slot.sentence);
    let detail = at_most(
        1,
        if selected.is_some() { "selected" } else { "worst" },
        &words,
        shown.style(word(slot.verdict).1),
        width,
        shown,
    );
    let below = u16::try_from(detail.len()).unwrap_or(0).min(inside.height.saturating_sub(2));
    let listed = inside.height - below;
    let rows = Rect { height: listed, ..inside };
    let fit =
        table(frame, rows, &SLOTS, view.slots.len(), selected, shown, |n| slot_cells(&view.slots[n], shown));
    pane::lines(frame, Rect { y: inside.y + listed, height: below, ..padded }, detail);
    fit
}

fn slot_cells(slot: &SlotLine, shown: &Shown<'_>) -> Vec<Cell> {
    let plain = shown.style(Meaning::Text);
    let unknown = || Cell::new(shown.glyphs.unknown, shown.style(Meaning::Unknown));
    let (word, meaning) = word(slot.verdict);
    let keeps = match slot.retained_bytes {
        Some(kept) => Cell::new(bytes(kept), plain),
        None => unknown(),
    };
    let active = if slot.active {
        Cell::new("active", plain)
    } else {
        Cell::new("INACTIVE", shown.style(Meaning::Warn))
    };
    vec![
        Cell::new(shown.masked("slot", &slot.name), plain),
        Cell::new(word, shown.style(meaning)),
        Cell::new(if slot.logical { "logical" } else { "physical" }, plain),
        active,
        keeps,
        slot.wal_status.clone().map_or_else(unknown, |status| Cell::new(status, plain)),
        Cell::new(slot.sentence.clone(), shown.style(Meaning::Muted)),
    ]
}
