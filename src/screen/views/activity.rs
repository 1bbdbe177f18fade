//! The activity: every session of the last sample, the most harmful first.
//!
//! ```text
//!  ┌ activity · 122 of 2,002 clients listed · sorted by harm · idle ones are not listed ──────────────┐
//!  │ 98 active · 4 idle in transaction · 1,880 idle · 96 wait for a lock                    3 of 122  │
//!  │ host cpu 12 % of 8 · load 0.4 · memory 3.2/24 GB free                                            │
//!  │     pid tree▼     application    state          wait event        trans   wait behind statement  │
//!  │   29025 A ROOT    report-job     idle in trans  Client/ClientRead 2m06s            97 last: se…  │
//!  │   30925 B TARGET  lockpit/run    active         Lock/relation     0.3 s  0.3 s     96 ALTER TA…  │
//!  └──────────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Order and filter are those of [`sessions`], the columns those of [`cells`]. A narrow table leaves columns out,
//! never the statement; what this login may not see says `hidden`.

mod cells;
mod sessions;
#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use self::sessions::Sessions;
use super::parts::two_sided;
use crate::engine::derive::words::{bytes, plural};
use crate::engine::guard::seconds;
use crate::engine::host::HostView;
use crate::engine::sample::Fact;
use crate::screen::shown::Shown;
use crate::screen::theme::Meaning;
use crate::screen::ui::{Row, Sort};
use crate::screen::widgets::pane;
use crate::screen::widgets::table::table;

/// A reading of the machine older than this is told to be old, in milliseconds.
const OLD_MS: u64 = 5_000;
/// From this width on there is room for what is less important.
const WIDE: u16 = 100;

/// Draws the sessions; returns how many rows fit.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) -> usize {
    let sessions = Sessions::of(shown);
    let inside = pane::pane(frame, area, &title(sessions.as_ref(), area.width, shown), true, shown);
    let Some(sessions) = sessions else {
        let line = Line::from(Span::styled("no sample yet", shown.style(Meaning::Unknown)));
        pane::lines(frame, inside, [line]);
        return usize::from(inside.height);
    };
    let selected = shown.ui.selected().and_then(|row| sessions.position(row));
    let mut head = vec![summary(&sessions, selected, inside.width, shown)];
    head.extend(hidden(&sessions, inside.width, shown));
    head.extend(host_line(inside.width, shown));
    let height = u16::try_from(head.len()).unwrap_or(u16::MAX);
    let [top, rest] = Layout::vertical([Constraint::Length(height), Constraint::Fill(1)]).areas(inside);
    pane::lines(frame, top, head);
    if sessions.order.is_empty() {
        let text = match shown.ui.filter() {
            Some(filter) => format!("None of {} has '{filter}'.", plural(sessions.listed as u64, "session")),
            None => "Every session is idle.".to_owned(),
        };
        let line = two_sided(
            vec![Span::styled(text, shown.style(Meaning::Muted))],
            Vec::new(),
            rest.width.saturating_sub(1),
            shown,
        );
        pane::lines(frame, Rect { x: rest.x + rest.width.min(1), ..rest }, [line]);
        return usize::from(rest.height.saturating_sub(1));
    }
    let columns = cells::columns(&sessions, shown);
    table(frame, rest, &columns, sessions.order.len(), selected, shown, |row| {
        sessions.at(row).map(|session| cells::cells(&session, &sessions, shown)).unwrap_or_default()
    })
}

/// The sessions, in the order in which they are drawn.
pub(super) fn rows(shown: &Shown<'_>) -> Vec<Row> {
    Sessions::of(shown).map(|sessions| sessions.rows().collect()).unwrap_or_default()
}

/// The server's machine in one line, or why nothing is known of it.
pub(super) fn host_line(width: u16, shown: &Shown<'_>) -> Option<Line<'static>> {
    shown.cockpit.sample()?;
    let (text, meaning) = match shown.cockpit.host() {
        Fact::Known(view) => (host_words(&view, shown), Meaning::Text),
        Fact::Missing(why) => (format!("not known: {why}"), Meaning::Unknown),
    };
    let label = Span::styled("host ", shown.style(Meaning::Muted));
    Some(two_sided(vec![label, Span::styled(text, shown.style(meaning))], Vec::new(), width, shown))
}

fn host_words(view: &HostView<'_>, shown: &Shown<'_>) -> String {
    let machine = &view.facts.machine;
    let mut parts = vec![match view.rates.cpu_permille {
        Some(permille) => format!("cpu {} % of {}", permille / 10, machine.cpus),
        None => format!("cpu not known yet, {}", machine.cpus),
    }];
    if let Some([load, ..]) = machine.load_milli {
        parts.push(format!("load {}.{}", load / 1_000, load % 1_000 / 100));
    }
    parts.push(match machine.memory {
        Some(memory) => {
            let (free, total) = (bytes(memory.available_bytes), bytes(memory.total_bytes));
            // One unit is enough where both have the same.
            let same =
                free.split_once(' ').zip(total.split_once(' ')).filter(|(free, total)| free.1 == total.1);
            format!("memory {}/{total} free", same.map_or(free.as_str(), |(free, _)| free.0))
        }
        None => "memory not known".to_owned(),
    });
    if view.facts.unread > 0 {
        parts.push(format!("{} not read", plural(u64::from(view.facts.unread), "process")));
    }
    let age_ms = shown.age_ms(view.facts.taken_at);
    if age_ms >= OLD_MS {
        parts.push(format!("read {} ago", seconds(age_ms)));
    }
    parts.join(&format!(" {} ", shown.glyphs.separator))
}

fn title(sessions: Option<&Sessions<'_>>, width: u16, shown: &Shown<'_>) -> String {
    let dot = shown.glyphs.separator;
    let Some(sessions) = sessions else { return format!("activity {dot} not known yet") };
    let total = thousands(u64::from(sessions.sample.counts.total));
    let others = match sessions.listed - sessions.clients {
        0 => String::new(),
        others => format!(", {others} others"),
    };
    let listed = format!("{} of {total} clients listed{others}", thousands(sessions.clients as u64));
    let found = shown.ui.filter().map(|filter| {
        let (found, listed) = (thousands(sessions.order.len() as u64), thousands(sessions.listed as u64));
        format!(" {dot} {found} of {listed} have '{filter}'")
    });
    let reversed = if shown.ui.reversed { ", reversed" } else { "" };
    let sorted = match shown.ui.sort {
        Sort::Cpu if sessions.host.known().is_none() => format!("harm: cpu is not known{reversed}"),
        sort => format!("{}{reversed}", sort.name()),
    };
    let found = found.unwrap_or_default();
    // The summary says it, too.
    let idle = if width >= WIDE { format!(" {dot} idle ones are not listed") } else { String::new() };
    format!("activity {dot} {listed}{found} {dot} sorted by {sorted}{idle}")
}

/// How many do what, and which of them is selected.
fn summary(sessions: &Sessions<'_>, selected: Option<usize>, width: u16, shown: &Shown<'_>) -> Line<'static> {
    let counts = sessions.sample.counts;
    let dot = format!(" {} ", shown.glyphs.separator);
    let known = |count: u32| match counts.masked {
        0 => thousands(u64::from(count)),
        // Those that are hidden may be among them.
        _ => format!("{} or more", thousands(u64::from(count))),
    };
    let waiting = sessions.waiting;
    let mut parts = vec![
        format!("{} active", known(counts.active)),
        format!("{} idle in transaction", known(counts.idle_in_transaction)),
        format!("{} idle, not listed", known(counts.idle)),
    ];
    let place = parts.len() - 1;
    parts.insert(place, format!("{} wait for a lock", thousands(u64::from(waiting))));
    if let Some(server) = shown.cockpit.server().filter(|_| width >= WIDE) {
        parts.push(format!("max_connections {}", thousands(u64::from(server.max_connections))));
    }
    let own = sessions.own;
    if own > 0 {
        parts.push(format!("{own} of lockpit's own last"));
    }
    let plain = shown.style(Meaning::Text);
    let mut spans = Vec::new();
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            spans.push(Span::styled(dot.clone(), shown.style(Meaning::Muted)));
        }
        let loud = index == place && waiting > 0;
        spans.push(Span::styled(part, if loud { shown.style(Meaning::Warn) } else { plain }));
    }
    let right = selected.map(|at| {
        let text = format!("{} of {}", thousands(at as u64 + 1), thousands(sessions.order.len() as u64));
        Span::styled(text, shown.style(Meaning::Muted))
    });
    two_sided(spans, right.into_iter().collect(), width, shown)
}

/// What of the sessions this login does not see.
fn hidden(sessions: &Sessions<'_>, width: u16, shown: &Shown<'_>) -> Option<Line<'static>> {
    let masked = sessions.sample.counts.masked;
    (masked > 0).then(|| {
        let text = format!(
            "state and text of {} hidden from this login; of these, only who waits or is waited for is listed",
            plural(u64::from(masked), "session")
        );
        two_sided(vec![Span::styled(text, shown.style(Meaning::Unknown))], Vec::new(), width, shown)
    })
}

/// A number with its thousands apart: `2,002`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
