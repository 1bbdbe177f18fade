//! The head of every screen: where, who, since when, how fresh, how safe.
//!
//! ```text
//!  lockpit ▸ dba@db1:5432/shop  PG 16.4 primary  PROD  alice  22:14:07 UTC            ● REC 12:41
//!  ARMED  until 30m00s into the flight                                                 FROZEN 4 s
//!  sample 0.2 s old, 4.1 ms · watch 50 ms · cancel path ok 4 s ago · not seen: standby reads
//! ```

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::engine::derive::unseen::Unseen;
use crate::engine::guard::seconds;
use crate::engine::ids::At;
use crate::engine::input::{Conn, LinkState};
use crate::engine::settings::{OnTrip, Selector};
use crate::engine::timeline::GuardState;
use crate::screen::shown::{Origin, Shown};
use crate::screen::text;
use crate::screen::theme::Meaning;

/// Lines of the head.
pub(super) const HEIGHT: u16 = 3;

/// Draws the head.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) {
    let [first, second, third] = rows(area);
    strip(frame, first, where_and_who(shown), recording(shown), shown);
    strip(frame, second, guard(shown), display(shown), shown);
    strip(frame, third, freshness(shown), Vec::new(), shown);
}

fn rows(area: Rect) -> [Rect; 3] {
    let row = |n: u16| Rect {
        y: area.y + n.min(area.height.saturating_sub(1)),
        height: area.height.min(1),
        ..area
    };
    [row(0), row(1), row(2)]
}

/// A part of a line: the higher its rank, the sooner it is left out.
pub(super) struct Part {
    pub(super) rank: u8,
    pub(super) text: String,
    pub(super) style: Style,
}

impl Part {
    pub(super) fn new(rank: u8, text: impl Into<String>, style: Style) -> Part {
        Part { rank, text: text.into(), style }
    }
}

/// Draws parts to the left and to the right; what does not fit is left out whole, the last part is cut.
pub(super) fn strip(
    frame: &mut Frame<'_>,
    area: Rect,
    mut left: Vec<Part>,
    mut right: Vec<Part>,
    shown: &Shown<'_>,
) {
    const GAP: usize = 2;
    let width = usize::from(area.width).saturating_sub(2);
    let needed = |parts: &[Part]| parts.iter().map(|part| text::width(&part.text) + GAP).sum::<usize>();
    while needed(&left) + needed(&right) > width + GAP {
        let worst = left.iter().chain(&right).map(|part| part.rank).max().unwrap_or(0);
        if worst == 0 {
            break;
        }
        let mut dropped = false;
        for side in [&mut right, &mut left] {
            if !dropped && let Some(index) = side.iter().rposition(|part| part.rank == worst) {
                side.remove(index);
                dropped = true;
            }
        }
    }
    let room = width.saturating_sub(needed(&right));
    let mut spans = vec![Span::raw(" ")];
    let mut used = 0;
    for (index, part) in left.into_iter().enumerate() {
        if index > 0 {
            spans.push(Span::raw("  "));
            used += GAP;
        }
        let cut = text::truncate(&text::clean(&part.text), room.saturating_sub(used), shown.glyphs);
        used += text::width(&cut);
        spans.push(Span::styled(cut, part.style));
    }
    let right_width = needed(&right).saturating_sub(GAP);
    spans.push(Span::raw(" ".repeat(width.saturating_sub(used + right_width))));
    for (index, part) in right.into_iter().enumerate() {
        if index > 0 {
            spans.push(Span::raw("  "));
        }
        spans.push(Span::styled(text::clean(&part.text).into_owned(), part.style));
    }
    frame.render_widget(Line::from(spans), area);
}

fn where_and_who(shown: &Shown<'_>) -> Vec<Part> {
    let plain = shown.style(Meaning::Text);
    let muted = shown.style(Meaning::Muted);
    let begin = shown.cockpit.flight();
    let mut parts = vec![Part::new(5, "lockpit", shown.style(Meaning::Title))];
    let server = begin.map_or_else(|| "connecting".to_owned(), |begin| shown.masked("server", &begin.server));
    parts.push(Part::new(0, server, plain));
    if let Some(server) = shown.cockpit.server() {
        let role = if server.in_recovery { "standby" } else { "primary" };
        let version = server.version.split_whitespace().next().unwrap_or_default();
        parts.push(Part::new(3, format!("PG {version} {role}"), muted));
    }
    if let Some(label) = begin.and_then(|begin| begin.label.as_deref()) {
        parts.push(Part::new(0, format!(" {label} "), shown.style(Meaning::HeaderLabel)));
    }
    if let Some(operator) = begin.and_then(|begin| begin.operator.as_deref()) {
        parts.push(Part::new(4, shown.masked("operator", operator), muted));
    }
    if let Some(utc) = utc(shown) {
        parts.push(Part::new(1, utc, plain));
    }
    parts
}

fn utc(shown: &Shown<'_>) -> Option<String> {
    let at = jiff::Timestamp::from_microsecond(shown.utc_us(shown.now)?).ok()?;
    Some(at.strftime("%H:%M:%S UTC").to_string())
}

fn recording(shown: &Shown<'_>) -> Vec<Part> {
    let glyphs = shown.glyphs;
    let since = clock(shown.now.ms());
    match shown.origin {
        Origin::Live(recording) if recording.failed.is_some() => {
            vec![Part::new(0, format!(" RECORDING FAILS {since} "), shown.style(Meaning::Danger))]
        }
        Origin::Live(recording) if recording.log.is_some() => {
            vec![Part::new(0, format!("{} REC {since}", glyphs.record), shown.style(Meaning::Ok))]
        }
        Origin::Live(_) => vec![Part::new(0, format!("NOT RECORDED {since}"), shown.style(Meaning::Warn))],
        Origin::Joined(_) => {
            let stick = shown.cockpit.stick();
            let stick = stick.map_or("nobody has the stick".to_owned(), |stick| format!("stick: {stick}"));
            vec![
                Part::new(2, stick, shown.style(Meaning::Muted)),
                Part::new(0, format!("JOINED {since}"), shown.style(Meaning::Warn)),
            ]
        }
        Origin::Replay(playback) => {
            let end = playback.findings().end_words();
            vec![Part::new(0, format!("REPLAY {since} of {end}"), shown.style(Meaning::Replay))]
        }
    }
}

fn guard(shown: &Shown<'_>) -> Vec<Part> {
    let plain = shown.style(Meaning::Text);
    let muted = shown.style(Meaning::Muted);
    if shown.has_died() {
        let text =
            "its log stops without an end: nobody guards any more, and all below is as it was last seen";
        return vec![
            Part::new(0, " THE FLIGHT DIED ", shown.style(Meaning::Danger)),
            Part::new(0, text, plain),
        ];
    }
    let Some((state, sentence)) = shown.cockpit.brake().state() else {
        return vec![Part::new(0, " CONNECTING ", shown.style(Meaning::Unknown))];
    };
    let (word, meaning) = state_word(*state);
    let consent = shown.cockpit.brake().consent();
    let sentence = match state {
        GuardState::Armed => format!("until {}", minute(shown, consent.until())),
        _ => sentence.clone(),
    };
    let mut parts =
        vec![Part::new(0, format!(" {word} "), shown.style(meaning)), Part::new(0, sentence, plain)];
    let Some(settings) = shown.cockpit.flight().map(|begin| &begin.settings) else { return parts };
    let selector = || match &settings.target {
        Selector::Auto => settings.target.to_string(),
        selector => shown.masked("target", &selector.to_string()),
    };
    if matches!(state, GuardState::Armed | GuardState::Tripped | GuardState::Shadow) {
        let whom = consent.only().map_or_else(selector, |backend| format!("pid {}", backend.pid));
        let may = match consent.on_trip() {
            OnTrip::Auto => format!("may stop {whom}: cancel or terminate"),
            OnTrip::Cancel => format!("may stop {whom}: cancel only"),
            OnTrip::Terminate => format!("may stop {whom}: terminate"),
            OnTrip::Signal(pid) => format!("may stop {whom}: signal to process {pid}"),
        };
        parts.push(Part::new(1, may, plain));
        parts.push(Part::new(3, format!("if lost: {}", settings.if_lost), muted));
    } else {
        // A consent that is over says nothing of whom is followed now.
        parts.push(Part::new(2, format!("follows {}", selector()), muted));
    }
    if settings.read_only {
        parts.push(Part::new(1, "READ-ONLY", shown.style(Meaning::Warn)));
    }
    parts
}

/// A moment, to the minute: `22:32 UTC`.
pub(super) fn minute(shown: &Shown<'_>, at: At) -> String {
    let at = shown.utc_us(at).and_then(|utc_us| jiff::Timestamp::from_microsecond(utc_us).ok());
    at.map_or_else(|| "the end of the flight".to_owned(), |at| at.strftime("%H:%M UTC").to_string())
}

/// The word for a state of the guard, and how it is shown.
pub(super) fn state_word(state: GuardState) -> (&'static str, Meaning) {
    match state {
        GuardState::Watching => ("WATCHING", Meaning::GuardWatching),
        GuardState::Shadow => ("SHADOW", Meaning::GuardShadow),
        GuardState::Armed => ("ARMED", Meaning::GuardArmed),
        GuardState::Tripped => ("TRIPPED", Meaning::GuardTripped),
        GuardState::Blind => ("BLIND", Meaning::GuardBlind),
    }
}

fn display(shown: &Shown<'_>) -> Vec<Part> {
    let mut parts = Vec::new();
    if let Some(frozen_ms) = shown.frozen_ms {
        let text = format!(" DISPLAY FROZEN {} ", seconds(frozen_ms / 1_000 * 1_000));
        parts.push(Part::new(0, text, shown.style(Meaning::Frozen)));
    }
    if shown.ui.presenter {
        parts.push(Part::new(1, " PRESENTER: names masked ", shown.style(Meaning::Presenter)));
    }
    if shown.cockpit.flight().is_some_and(|begin| begin.settings.keep_literals) {
        parts.push(Part::new(0, " LITERALS KEPT ", shown.style(Meaning::Warn)));
    }
    if let Origin::Replay(playback) = shown.origin
        && let Some(excerpt) = playback.excerpt()
    {
        parts.push(Part::new(0, format!(" {excerpt} "), shown.style(Meaning::Replay)));
    }
    if shown.cockpit.is_over() {
        parts.push(Part::new(0, " FLIGHT OVER ", shown.style(Meaning::Frozen)));
    }
    parts
}

fn freshness(shown: &Shown<'_>) -> Vec<Part> {
    let muted = shown.style(Meaning::Muted);
    let cockpit = shown.cockpit;
    let mut parts = Vec::new();
    match (cockpit.sample(), cockpit.sample_at()) {
        (Some(sample), Some(at)) => {
            let age_ms = shown.age_ms(at);
            let every_ms = cockpit.pacer().sample_every_ms();
            let style = shown.style(if shown.stale_ms().is_some() { Meaning::Danger } else { Meaning::Text });
            parts.push(Part::new(0, format!("sample {} old", tenths(age_ms)), style));
            let cost = format!(
                "costs {}.{} ms every {}",
                sample.cost_us / 1_000,
                sample.cost_us % 1_000 / 100,
                seconds(every_ms)
            );
            parts.push(Part::new(3, cost, muted));
        }
        _ => parts.push(Part::new(0, "no sample yet", shown.style(Meaning::Unknown))),
    }
    if let Some(watch_ms) = cockpit.pacer().watch_every_ms() {
        parts.push(Part::new(4, format!("watch {watch_ms} ms"), muted));
    }
    parts.push(match cockpit.link(Conn::Control) {
        Some((LinkState::Up { .. }, heard)) => {
            Part::new(2, format!("cancel path ok {} ago", tenths_or_seconds(shown.age_ms(heard))), muted)
        }
        Some((LinkState::Lost { why }, _)) => {
            Part::new(0, format!("CANCEL PATH LOST: {why}"), shown.style(Meaning::Danger))
        }
        None => Part::new(2, "cancel path not known", shown.style(Meaning::Unknown)),
    });
    let unseen = Unseen::of(cockpit);
    if !unseen.is_empty() {
        let list: Vec<&str> = unseen.iter().map(|unseen| unseen.short.as_str()).collect();
        let loud = unseen.iter().any(|unseen| !unseen.always);
        let style = shown.style(if loud { Meaning::Warn } else { Meaning::Muted });
        parts.push(Part::new(0, format!("not seen: {}", list.join(", ")), style));
    }
    parts
}

/// A place in time: `12:41`, `1:02:03`.
pub(in crate::screen) fn clock(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

/// An age that does not jump: tenths of a second up to ten, then whole seconds.
pub(super) fn tenths(ms: u64) -> String {
    if ms < 10_000 { format!("{}.{} s", ms / 1_000, ms % 1_000 / 100) } else { seconds(ms) }
}

fn tenths_or_seconds(ms: u64) -> String {
    if ms < 10_000 { format!("{} s", ms / 1_000) } else { seconds(ms) }
}
