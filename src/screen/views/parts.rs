//! Lines that more than one screen shows: a row of the lock tree, a guardrail, an event.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::header::tenths;
use crate::engine::derive::cancel::CancelWorks;
use crate::engine::derive::lookup::LockWords;
use crate::engine::derive::tree::{Group, Node, One, Row as TreeRow};
use crate::engine::guard::{Level, RULES, Reading, Unit};
use crate::engine::history::{KEPT_MS, Signal};
use crate::engine::ids::{At, Pid};
use crate::engine::sample::State;
use crate::engine::scene::Part;
use crate::engine::timeline::{Event, Fate, StopResult};
use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;
use crate::screen::ui::Row;
use crate::screen::widgets::chart;

/// A line with words to the left, cut where they meet those to the right.
pub(super) fn two_sided(
    left: Vec<Span<'static>>,
    right: Vec<Span<'static>>,
    width: u16,
    shown: &Shown<'_>,
) -> Line<'static> {
    let right_width: usize = right.iter().map(|span| text::width(&span.content)).sum();
    let room = usize::from(width).saturating_sub(right_width + usize::from(right_width > 0));
    let mut used = 0;
    let mut spans = Vec::new();
    for span in left {
        let cut = text::truncate(&text::clean(&span.content), room.saturating_sub(used), shown.glyphs);
        used += text::width(&cut);
        spans.push(Span::styled(cut, span.style));
    }
    spans.push(Span::raw(" ".repeat(usize::from(width).saturating_sub(used + right_width))));
    spans.extend(right);
    Line::from(spans)
}

/// A fact with its label, which is wrapped where there is room and cut where there is none.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    label: Span<'static>,
    text: String,
    style: Style,
}

impl Entry {
    /// `text` behind a label.
    pub(super) fn new(label: &str, text: impl Into<String>, style: Style, shown: &Shown<'_>) -> Entry {
        let label = if label.is_empty() { String::new() } else { format!("{label:<9} ") };
        Entry { label: Span::styled(label, shown.style(Meaning::Muted)), text: text.into(), style }
    }

    /// `text` behind a word of its own style.
    pub(super) fn headed(word: &str, meaning: Meaning, text: impl Into<String>, shown: &Shown<'_>) -> Entry {
        let label = Span::styled(format!("{word} "), shown.style(meaning));
        Entry { label, text: text.into(), style: shown.style(Meaning::Text) }
    }

    fn wrapped(&self, width: u16) -> Vec<Line<'static>> {
        let indent = text::width(&self.label.content);
        let room = usize::from(width).saturating_sub(indent).max(1);
        let lines = text::wrap(&text::clean(&self.text), room).into_iter().enumerate();
        let lines = lines.map(|(number, line)| {
            let before = if number == 0 { self.label.clone() } else { Span::raw(" ".repeat(indent)) };
            Line::from(vec![before, Span::styled(line, self.style)])
        });
        lines.collect()
    }

    fn cut(&self, width: u16, shown: &Shown<'_>) -> Line<'static> {
        let spans = vec![self.label.clone(), Span::styled(self.text.clone(), self.style)];
        two_sided(spans, Vec::new(), width, shown)
    }
}

/// Facts in a given space: wrapped as long as all of them fit, the first ones first; else one line each.
pub(super) fn entry_lines(
    entries: &[Entry],
    width: u16,
    height: u16,
    shown: &Shown<'_>,
) -> Vec<Line<'static>> {
    let wrapped: Vec<Vec<Line<'static>>> = entries.iter().map(|entry| entry.wrapped(width)).collect();
    let mut spare = usize::from(height).saturating_sub(entries.len());
    let mut lines = Vec::new();
    for (entry, wrapped) in entries.iter().zip(wrapped) {
        let more = wrapped.len().saturating_sub(1);
        if more <= spare {
            spare -= more;
            lines.extend(wrapped);
        } else {
            lines.push(entry.cut(width, shown));
        }
    }
    lines
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

/// What the catalog calls a statement it knows nothing of.
const UNKNOWN: &str = "unknown statement";

/// A statement: its text, or its kind where the text is hidden or the screen is shared.
pub(super) fn statement(kind: &str, text: Option<&str>, shown: &Shown<'_>) -> String {
    match text {
        Some(text) if !shown.ui.presenter => text.to_owned(),
        Some(_) => kind.to_owned(),
        None if kind == UNKNOWN => "text unknown".to_owned(),
        None => format!("{kind} (text not known)"),
    }
}

/// The word for a part.
pub(super) fn part_name(part: Part) -> &'static str {
    match part {
        Part::Client => "client",
        Part::SchemaWork => "schema work",
        Part::Lockpit => "lockpit",
        Part::Autovacuum => "autovacuum",
        Part::WalSender => "walsender",
        Part::Server => "server process",
        Part::Prepared => "prepared transaction",
        Part::Unknown => "not in the activity",
    }
}

/// One guardrail in one line: level, value against limit, margin, plot.
pub(super) fn guardrail_line(name: &str, reading: &Reading, width: u16, shown: &Shown<'_>) -> Line<'static> {
    // A rule has judged what was seen; only that of blindness judges the seeing.
    let is_old = shown.stale_ms().is_some() && name != "blind";
    let (word, meaning) = if is_old { ("old", Meaning::Unknown) } else { level_word(reading.level) };
    // Blindness goes on while nothing is there to be judged.
    let value = match shown.stale_ms() {
        Some(stale_ms) if name == "blind" => reading.value.map(|value| value.max(stale_ms)),
        _ => reading.value,
    };
    let value = value.map_or("-".to_owned(), |value| in_unit(name, value));
    let limit = reading.limit.map_or("-".to_owned(), |limit| in_unit(name, limit));
    let left = vec![
        Span::styled(text::fit(name, 12, shown.glyphs), shown.style(Meaning::Text)),
        // What is underlined ends with its word.
        Span::raw(" "),
        Span::styled(word, shown.style(meaning)),
        Span::raw(" ".repeat(7_usize.saturating_sub(word.len()))),
        Span::styled(format!("{value:>7}"), shown.style(Meaning::Text)),
        Span::styled(format!(" / {limit:<7}"), shown.style(Meaning::Muted)),
    ];
    let room = width.saturating_sub(38).min(40);
    let columns = recent(&Signal::Guardrail(name.to_owned()), room, shown);
    let top =
        reading.limit.unwrap_or(1).max(columns.iter().filter_map(|column| column.value()).max().unwrap_or(0));
    two_sided(left, vec![chart::spark(&columns, top, shown)], width, shown)
}

/// The last minutes of a signal, in columns.
pub(super) fn recent(signal: &Signal, columns: u16, shown: &Shown<'_>) -> Vec<chart::Column> {
    const SHOWN_MS: u64 = 120_000;
    let span_ms = SHOWN_MS.min(KEPT_MS).min(shown.now.ms().max(1_000));
    let from = At(shown.now.0.saturating_sub(span_ms * 1_000));
    chart::columns(shown.history.series(signal), from, shown.now, columns)
}

/// The word for a level.
pub(super) fn level_word(level: Level) -> (&'static str, Meaning) {
    match level {
        Level::NotYet => ("not yet", Meaning::Unknown),
        Level::Ok => ("ok", Meaning::Ok),
        Level::Warn => ("WARN", Meaning::Warn),
        Level::Trip => ("TRIP", Meaning::Danger),
    }
}

/// A value in the unit of its rule.
pub(super) fn in_unit(guardrail: &str, value: u64) -> String {
    match RULES.iter().find(|(name, _)| *name == guardrail) {
        Some((_, Unit::Milliseconds)) => tenths(value),
        _ => value.to_string(),
    }
}

/// An event: what it is in one word, how loud, and its sentence.
pub(super) fn event(event: &Event) -> (&'static str, Meaning, String) {
    match event {
        Event::Attached => ("flight", Meaning::Text, "connected".to_owned()),
        Event::TargetFound(story) => {
            let lock = story.lock.as_ref().map_or(String::new(), |lock| {
                let verb = if lock.granted { "holds" } else { "awaits" };
                format!(", {verb} {} on {}", lock.mode, lock.relation)
            });
            let pid = story.attempt.backend.pid;
            ("target", Meaning::LockTarget, format!("pid {pid} {} {}{lock}", story.application, story.kind))
        }
        Event::TargetEnded { target, fate } => {
            let pid = target.attempt.backend.pid;
            let (word, meaning) = match fate {
                Fate::Done => ("done: its transaction committed", Meaning::Ok),
                Fate::Failed => ("failed: its transaction was rolled back", Meaning::Warn),
                Fate::Cancelled => ("stopped by lockpit", Meaning::Warn),
                Fate::Gone => ("gone: whether it committed is not known", Meaning::Unknown),
                Fate::Unknown => ("over: how it ended is not known", Meaning::Unknown),
            };
            ("target", meaning, format!("pid {pid} {} {word}", target.kind))
        }
        Event::Guard { state, sentence } => {
            let (word, meaning) = super::header::state_word(*state);
            ("guard", meaning, format!("{word}: {sentence}"))
        }
        Event::Guardrail { name, reading } => {
            let (word, meaning) = level_word(reading.level);
            ("rule", meaning, format!("{name} {word}: {}", reading.sentence))
        }
        Event::Trip { name, reading, acted, .. } => {
            let acted = if *acted { "" } else { " (not acted on)" };
            ("TRIP", Meaning::Danger, format!("{name}: {}{acted}", reading.sentence))
        }
        Event::Intent { sentence, .. } => ("stop", Meaning::Danger, sentence.clone()),
        Event::Outcome(story) => {
            let meaning = match story.result {
                StopResult::Drained | StopResult::AlreadyOver => Meaning::Ok,
                StopResult::Sent => Meaning::Text,
                StopResult::StillHolding | StopResult::Refused | StopResult::Lost => Meaning::Danger,
            };
            ("stop", meaning, story.sentence.clone())
        }
        Event::Gap { why, lost, .. } => {
            let lost = lost.map(|lost| format!(", {lost} lost")).unwrap_or_default();
            ("GAP", Meaning::Unknown, format!("{why}{lost}"))
        }
        Event::Note { warning, text } => {
            ("note", if *warning { Meaning::Warn } else { Meaning::Text }, text.clone())
        }
        Event::Commanded { by, said, refused } => {
            let by = by.as_deref().map(|by| format!("{by} ")).unwrap_or_default();
            match refused {
                None => ("order", Meaning::Marker, format!("{by}:{said}")),
                Some(why) => ("order", Meaning::Warn, format!("{by}:{said} refused: {why}")),
            }
        }
        Event::End { reason } => ("end", Meaning::Text, reason.clone()),
    }
}

/// An event in one line, with its time.
pub(super) fn event_line(at: At, what: &Event, width: u16, shown: &Shown<'_>) -> Line<'static> {
    let (word, meaning, sentence) = event(what);
    let sentence = shown.sentence(&sentence);
    let time = shown
        .utc_us(at)
        .and_then(|utc_us| jiff::Timestamp::from_microsecond(utc_us).ok())
        .map_or_else(|| super::header::clock(at.ms()), |at| at.strftime("%H:%M:%S").to_string());
    let left = vec![
        Span::styled(format!("{time} "), shown.style(Meaning::Muted)),
        Span::styled(word, shown.style(meaning)),
        Span::raw(" ".repeat(7_usize.saturating_sub(word.len()))),
        Span::styled(sentence, if meaning == Meaning::Danger { shown.style(meaning) } else { Style::new() }),
    ];
    two_sided(left, Vec::new(), width, shown)
}

/// Whether an event is worth a line where there are few.
pub(super) fn is_notable(event: &Event) -> bool {
    match event {
        Event::Guardrail { reading, .. } => reading.level >= Level::Warn,
        Event::Attached => false,
        _ => true,
    }
}
