//! The foot of every screen: the last message, the replay's bar, and the keys that matter here.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::header::{Part, clock, strip};
use crate::engine::derive::words::plural;
use crate::engine::guard::Level;
use crate::engine::steps::{Course, Steps};
use crate::screen::action::{self, Action, Available, Seat};
use crate::screen::playback::Playback;
use crate::screen::shown::{Origin, Shown};
use crate::screen::survey::MarkerKind;
use crate::screen::text;
use crate::screen::theme::Meaning;
use crate::screen::ui::{Loudness, Popup, Purpose, View};

/// Keys of the bar, the most wanted first.
const FLYING: [Action; 11] = [
    Action::Abort,
    Action::Arm,
    Action::Cancel,
    Action::Terminate,
    Action::WhatIf,
    Action::Details,
    Action::Mark,
    Action::Freeze,
    Action::CommandLine,
    Action::Help,
    Action::Quit,
];
/// The same while a plan is flown: what a question or a leftover asks for, and the brake, come first.
const PLANNED: [Action; 13] = [
    Action::OpenGate,
    Action::CleanUp,
    Action::Pause,
    Action::Abort,
    Action::Details,
    Action::Undo,
    Action::Terminate,
    Action::WhatIf,
    Action::Cancel,
    Action::Arm,
    Action::CommandLine,
    Action::Help,
    Action::Quit,
];
/// Keys that only stand there while they can be used.
const AT_TIMES: [Action; 3] = [Action::OpenGate, Action::CleanUp, Action::Undo];
/// Keys that a plan that is over has no use for.
const WHILE_FLYING: [Action; 2] = [Action::Pause, Action::Abort];
const REPLAYING: [Action; 11] = [
    Action::Freeze,
    Action::Left,
    Action::Right,
    Action::EventBack,
    Action::EventOn,
    Action::Slower,
    Action::Faster,
    Action::WhatIf,
    Action::Details,
    Action::Help,
    Action::Quit,
];

/// Keys that every bar has.
const ALWAYS: [Action; 2] = [Action::Help, Action::Quit];

/// Lines of the foot.
pub(super) fn height(shown: &Shown<'_>) -> u16 {
    if matches!(shown.origin, Origin::Replay(_)) { 4 } else { 3 }
}

/// Draws the foot.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) {
    let mut rows = area.rows();
    if let Origin::Replay(playback) = shown.origin
        && let Some(row) = rows.next()
    {
        replay(frame, row, playback, shown);
    }
    if let Some(row) = rows.next() {
        message(frame, row, shown);
    }
    if let Some(row) = rows.next() {
        keys(frame, row, shown);
    }
    if let Some(row) = rows.next() {
        screens(frame, row, shown);
    }
}

fn screens(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) {
    let full: usize = View::ALL.iter().map(|view| view.name().len() + 4).sum();
    let is_narrow = usize::from(area.width) < full + 1;
    let mut spans = vec![Span::raw(" ")];
    for (number, view) in View::ALL.into_iter().enumerate() {
        let here = view == shown.ui.view;
        let style = shown.style(if here { Meaning::Selection } else { Meaning::Muted });
        let (open, close) = if here { ("[", "]") } else { (" ", " ") };
        let name = if is_narrow && !here { &view.name()[..5.min(view.name().len())] } else { view.name() };
        spans.push(Span::styled(format!("{open}{} {name}{close}", number + 1), style));
    }
    frame.render_widget(Line::from(spans), area);
}

fn message(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) {
    if let Some(Popup::Line(line)) = &shown.ui.popup {
        let prompt = match line.purpose {
            Purpose::Command => ":",
            Purpose::Filter => "/",
            Purpose::Mark => "mark: ",
        };
        let room = usize::from(area.width).saturating_sub(prompt.len() + 2);
        // The end of a long line is what is being typed.
        let mut start = 0;
        while text::width(&line.text[start..line.cursor]) > room {
            start += line.text[start..].chars().next().map_or(1, char::len_utf8);
        }
        let visible = text::truncate(&text::clean(&line.text[start..]), room, shown.glyphs);
        let column = prompt.len() + text::width(&line.text[start..line.cursor]);
        let spans = [Span::styled(prompt, shown.style(Meaning::Key)), Span::raw(visible)];
        frame.render_widget(Line::from(spans.to_vec()), area);
        let column = u16::try_from(column).unwrap_or(u16::MAX).min(area.width.saturating_sub(1));
        frame.set_cursor_position((area.x + column, area.y));
        return;
    }
    if let Some(message) = &shown.ui.message {
        let meaning = match message.loudness {
            Loudness::Info => Meaning::Text,
            Loudness::Warning => Meaning::Warn,
        };
        strip(
            frame,
            area,
            vec![Part::new(0, message.text.as_str(), shown.style(meaning))],
            Vec::new(),
            shown,
        );
        return;
    }
    if let Some(filter) = shown.ui.filter() {
        let text = format!("only lines with '{filter}' (esc shows all)");
        strip(frame, area, vec![Part::new(0, text, shown.style(Meaning::Warn))], Vec::new(), shown);
        return;
    }
    if let Origin::Live(recording) = shown.origin
        && let Some(why) = &recording.failed
    {
        strip(frame, area, vec![Part::new(0, why.as_str(), shown.style(Meaning::Danger))], Vec::new(), shown);
        return;
    }
    let advice = match shown.seat {
        Seat::ReadOnly => Some("this screen only looks on: it was opened with --read-only".to_owned()),
        Seat::Observer => Some("this screen looks on: T takes the stick".to_owned()),
        Seat::Landed => Some(landed(shown)),
        _ => None,
    };
    let advice = advice.map(|text| (text, Meaning::Text));
    let advice = advice.or_else(|| alarm(shown).map(|text| (text, Meaning::Warn)));
    if let Some((advice, meaning)) = advice {
        strip(frame, area, vec![Part::new(0, advice, shown.style(meaning))], Vec::new(), shown);
    }
}

/// What to press when clients wait and nothing is going to help them.
fn alarm(shown: &Shown<'_>) -> Option<String> {
    let target = shown.cockpit.target()?;
    let is_over = shown.cockpit.brake().guardrails().readings().iter().any(|(_, it)| it.level >= Level::Warn);
    let may = shown.seat == Seat::Pilot && !shown.cockpit.is_guarding() && shown.stale_ms().is_none();
    if !may || !is_over || target.victims.is_empty() {
        return None;
    }
    let key = |action| shown.keymap.key(action);
    let clients = plural(target.victims.len() as u64, "client");
    Some(format!(
        "{clients} behind pid {}: {} aborts it, {} says what each way costs",
        target.pid(),
        key(Action::Abort),
        key(Action::WhatIf)
    ))
}

fn landed(shown: &Shown<'_>) -> String {
    let quit = shown.keymap.key(Action::Quit);
    match shown.origin {
        Origin::Live(recording) => match &recording.log {
            Some(log) => format!("The flight is over. {quit} leaves; see it again: lockpit replay {log}"),
            None => format!("The flight is over and was not recorded. {quit} leaves."),
        },
        _ => format!("The flight is over. {quit} leaves; its log stays."),
    }
}

fn keys(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) {
    let context = shown.context();
    let actions: &[Action] = match shown.seat {
        Seat::Replay => &REPLAYING,
        _ if shown.cockpit.steps().is_some() => &PLANNED,
        _ => &FLYING,
    };
    let mut spans = vec![Span::raw(" ")];
    let mut room = usize::from(area.width).saturating_sub(1);
    let cost = |action: Action| match shown.keymap.key(action) {
        key if key.is_empty() => 0,
        key => text::width(&key) + text::width(word(action, shown)) + 3,
    };
    let is_off = |action| {
        matches!(action::available(action, &context), Available::No(_)) && shown.seat != Seat::Replay
    };
    let is_over = shown.cockpit.steps().is_some_and(|steps| steps.course().is_over());
    // How to get help and how to get out is never left out.
    let mut kept: usize = ALWAYS.into_iter().map(cost).sum();
    for &action in actions {
        // Of the two, the one that can be taken.
        let action = match action {
            Action::Arm if shown.cockpit.is_guarding() => Action::Disarm,
            action => action,
        };
        let key = shown.keymap.key(action);
        if key.is_empty() {
            continue;
        }
        let words = word(action, shown);
        let needed = cost(action);
        if ALWAYS.contains(&action) {
            kept = kept.saturating_sub(needed);
        }
        let at_times = AT_TIMES.contains(&action) || (is_over && WHILE_FLYING.contains(&action));
        if needed + kept > room || (at_times && is_off(action)) {
            continue;
        }
        room -= needed;
        let (key_style, words_style) =
            if is_off(action) { (Meaning::KeyOff, Meaning::KeyOff) } else { (Meaning::Key, Meaning::Text) };
        spans.push(Span::styled(key, shown.style(key_style)));
        spans.push(Span::raw(" "));
        spans.push(Span::styled(words, shown.style(words_style)));
        spans.push(Span::raw("  "));
    }
    frame.render_widget(Line::from(spans), area);
}

/// The words of an action here.
fn word(action: Action, shown: &Shown<'_>) -> &'static str {
    match (action, shown.origin) {
        (Action::Freeze, Origin::Replay(playback)) => {
            if playback.is_playing() {
                "pause"
            } else {
                "play"
            }
        }
        (Action::Left, Origin::Replay(_)) => "back",
        (Action::Right, Origin::Replay(_)) => "on",
        (Action::Pause, _) if shown.cockpit.steps().is_some_and(is_held) => "resume",
        (Action::Freeze, _) if shown.frozen_ms.is_some() => "thaw",
        _ => action::spec(action).short,
    }
}

fn is_held(steps: &Steps) -> bool {
    matches!(steps.course(), Course::Held { .. } | Course::Halted { .. })
}

/// ` ▶ 2x  00:12 ────│──▼──────│──── 03:40`
fn replay(frame: &mut Frame<'_>, area: Rect, playback: &Playback, shown: &Shown<'_>) {
    let glyphs = shown.glyphs;
    let sign = if playback.is_playing() { glyphs.play } else { glyphs.pause };
    let speed = playback.speed_percent();
    let speed = if speed.is_multiple_of(100) {
        format!("{}x", speed / 100)
    } else {
        format!("{}.{:02}x", speed / 100, speed % 100)
    };
    let left = format!(" {sign} {speed:<5} {} ", clock(playback.now().ms()));
    let findings = playback.findings();
    let right = format!(" {} ", findings.end_words());
    let unknown = findings.words().map(|words| format!(" {words} ")).unwrap_or_default();
    let words_width = text::width(&left) + text::width(&right) + text::width(&unknown);
    let width = usize::from(area.width).saturating_sub(words_width).max(1);
    let end_us = findings.end().max(playback.now()).0.max(1);
    let place =
        |us: u64| usize::try_from(us.saturating_mul(width as u64 - 1) / end_us).unwrap_or(0).min(width - 1);
    let mut cells: Vec<(&str, Meaning)> = vec![(glyphs.dash, Meaning::Muted); width];
    let mut kinds: Vec<Option<MarkerKind>> = vec![None; width];
    if let Some(to) = findings.marked_to() {
        cells[place(to.0)..].fill((glyphs.unknown, Meaning::Unknown));
    }
    for marker in findings.markers() {
        let cell = place(marker.at.0);
        kinds[cell] = kinds[cell].max(Some(marker.kind));
    }
    for (cell, kind) in cells.iter_mut().zip(kinds) {
        if let Some(kind) = kind {
            *cell = sign_of(kind, shown);
        }
    }
    cells[place(playback.now().0)] = (glyphs.down, Meaning::Replay);
    let mut spans = vec![Span::styled(left, shown.style(Meaning::Replay))];
    spans
        .extend(cells.into_iter().map(|(sign, meaning)| Span::styled(sign.to_owned(), shown.style(meaning))));
    spans.push(Span::styled(right, shown.style(Meaning::Muted)));
    spans.push(Span::styled(unknown, shown.style(Meaning::Unknown)));
    frame.render_widget(Line::from(spans), area);
}

fn sign_of<'a>(kind: MarkerKind, shown: &Shown<'a>) -> (&'a str, Meaning) {
    match kind {
        MarkerKind::Trip => ("!", Meaning::Danger),
        MarkerKind::Gap => (shown.glyphs.unknown, Meaning::Unknown),
        MarkerKind::Drift => ("#", Meaning::Danger),
        MarkerKind::Target => (shown.glyphs.head, Meaning::LockTarget),
        MarkerKind::Note | MarkerKind::Step | MarkerKind::Guard | MarkerKind::End => {
            (shown.glyphs.marker, Meaning::Marker)
        }
    }
}
