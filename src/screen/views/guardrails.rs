//! The rules: what each reads, how far it is from acting, and what it has decided.
//!
//! ```text
//!  ┌ guardrails ────────────────────────────────────────────────────┐
//!  │ rule         level     value    limit margin            on trip│
//!  │ queue_depth  WARN         12       5  over by 7         stops  │
//!  │ armed     until 30m00s into the flight                         │
//!  │ means     cancels; terminates if a script would run on         │
//!  └────────────────────────────────────────────────────────────────┘
//!  ┌ queue_depth · WARN · last 2 minutes ───────────────────────────┐  the selected rule, or the
//!  │ 12 sessions queue behind pid 102; limit 5 for 100 ms           │  one that is nearest to acting
//!  │   12 ▁▂▃█                                                      │
//!  │    5 ───                                                       │
//!  │ 22:14:07 TRIP   queue_depth: …                                 │
//!  └────────────────────────────────────────────────────────────────┘
//! ```

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::events::event_line;
use super::header::tenths;
use super::lines::{at_most, cut_to, plain};
use super::parts::{in_unit, level_word, recent};
use crate::engine::guard::{Level, Reading, seconds};
use crate::engine::history::Signal;
use crate::engine::ids::At;
use crate::engine::settings::{Arming, IfLost, Limits, OnTrip};
use crate::engine::timeline::{Event, GuardState};
use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;
use crate::screen::ui::Row;
use crate::screen::widgets::table::{Cell, Column, table};
use crate::screen::widgets::{chart, pane};

const COLUMNS: [Column; 7] = [
    Column::words("rule", 11),
    Column::words("level", 7),
    Column::number("value", 8),
    Column::number("limit", 8),
    Column::words("held for", 8).dispensable(1),
    Column::words("on trip", 11),
    Column::words("margin", 0),
];
/// Columns of the scale beside a plot.
const SCALE: u16 = 8;

/// Draws the rules; returns how many fit.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) -> usize {
    let readings = shown.cockpit.brake().guardrails().readings();
    let inner_width = area.width.saturating_sub(4);
    let roomy = area.height >= 26;
    let consent = consent_lines(if roomy { 2 } else { 1 }, inner_width, shown);
    let listed = u16::try_from(readings.len()).unwrap_or(u16::MAX).max(1);
    let below = u16::try_from(consent.len()).unwrap_or(u16::MAX);
    let wanted = listed.saturating_add(below).saturating_add(3);
    let [upper, lower] = Layout::vertical([
        Constraint::Length(wanted.min(area.height.saturating_sub(6))),
        Constraint::Fill(1),
    ])
    .areas(area);
    let inside = pane::pane(frame, upper, "guardrails", true, shown);
    // In a low window the arming gives way before the rules do.
    let rows_height = inside.height.min(listed.saturating_add(1));
    let list = Rect { height: rows_height, ..inside };
    let page = if readings.is_empty() {
        let words = " No rule has judged yet: no sample has arrived.";
        pane::lines(frame, list, [plain(words, shown.style(Meaning::Unknown))]);
        usize::from(list.height)
    } else {
        table(frame, list, &COLUMNS, readings.len(), selected(shown), shown, |n| cells(&readings[n], shown))
    };
    let foot = Rect {
        x: inside.x + inside.width.min(1),
        y: inside.y + rows_height,
        width: inside.width.saturating_sub(2),
        height: inside.height - rows_height,
    };
    pane::lines(frame, foot, consent);
    // Without a selection, the rule that is nearest to acting; among equals the first.
    let nearest = readings.iter().enumerate().rev().max_by_key(|(_, (_, reading))| reading.level);
    let shown_rule = selected(shown).or(nearest.map(|(index, _)| index));
    if let Some((name, reading)) = shown_rule.and_then(|index| readings.get(index)) {
        rule(frame, lower, name, reading, shown);
    }
    page
}

/// The rules, in their order.
pub(super) fn rows(shown: &Shown<'_>) -> Vec<Row> {
    let readings = shown.cockpit.brake().guardrails().readings();
    readings.iter().map(|(name, _)| Row::Guardrail(name.clone())).collect()
}

fn selected(shown: &Shown<'_>) -> Option<usize> {
    let Some(Row::Guardrail(name)) = shown.ui.selected() else { return None };
    shown.cockpit.brake().guardrails().readings().iter().position(|(known, _)| known == name)
}

/// The limits in force.
fn limits(shown: &Shown<'_>) -> Option<Limits> {
    shown.cockpit.flight()?;
    Some(shown.cockpit.overrides().over(shown.cockpit.limits_asked_for(), shown.now))
}

fn cells((name, reading): &(String, Reading), shown: &Shown<'_>) -> Vec<Cell> {
    let text = shown.style(Meaning::Text);
    let old_ms = stale_ms(name, shown);
    let (word, meaning) =
        if old_ms.is_some() { ("old", Meaning::Unknown) } else { level_word(reading.level) };
    let unknown = || Cell::new(shown.glyphs.unknown, shown.style(Meaning::Unknown));
    let amount =
        |amount: Option<u64>| amount.map_or_else(unknown, |amount| Cell::new(in_unit(name, amount), text));
    let (acts, acts_meaning) = on_trip_word(name, shown);
    let margin_meaning =
        if old_ms.is_some() || reading.level >= Level::Warn { meaning } else { Meaning::Text };
    let margin = match old_ms {
        Some(ms) => format!("facts {} old", tenths(ms)),
        None => margin(name, reading),
    };
    vec![
        Cell::new(name.clone(), text),
        Cell::new(word, shown.style(meaning)),
        amount(reading.value),
        amount(reading.limit),
        Cell::new(hold(name, shown), text),
        Cell::new(acts, shown.style(acts_meaning)),
        Cell::new(margin, shown.style(margin_meaning)),
    ]
}

/// How old the facts are that a rule has judged, once the guard is blind. The rule of blindness needs none.
fn stale_ms(name: &str, shown: &Shown<'_>) -> Option<u64> {
    let is_blind = matches!(shown.cockpit.brake().state(), Some((GuardState::Blind, _)));
    let seen = shown.cockpit.sample_at().filter(|_| is_blind && name != "blind")?;
    Some(shown.age_ms(seen))
}

/// For how long the limit must be passed.
fn hold(name: &str, shown: &Shown<'_>) -> String {
    match name {
        "queue_depth" => limits(shown).map_or("?".to_owned(), |limits| seconds(limits.queue_depth.hold_ms)),
        _ => "at once".to_owned(),
    }
}

/// How far a rule is from its limit, in words.
fn margin(name: &str, reading: &Reading) -> String {
    let (Some(value), Some(limit)) = (reading.value, reading.limit) else {
        return reading.sentence.clone();
    };
    let noun = |amount: u64| match (name, amount) {
        ("queue_depth", 1) => " session",
        ("queue_depth", _) => " sessions",
        _ => "",
    };
    let gap = value.abs_diff(limit);
    let amount = format!("{}{}", in_unit(name, gap), noun(gap));
    match value.cmp(&limit) {
        std::cmp::Ordering::Less => format!("{amount} left"),
        std::cmp::Ordering::Equal => "at its limit".to_owned(),
        std::cmp::Ordering::Greater => format!("over by {}", in_unit(name, gap)),
    }
}

/// What a trip of this rule leads to now.
fn on_trip_word(name: &str, shown: &Shown<'_>) -> (&'static str, Meaning) {
    let consent = shown.cockpit.brake().consent();
    let if_lost = shown.cockpit.flight().map(|begin| begin.settings.if_lost);
    let keeps = name == "blind" && if_lost != Some(IfLost::Stop);
    match (consent.acts(shown.now), consent.decides(shown.now)) {
        _ if keeps => ("only told", Meaning::Muted),
        (true, _) => ("STOPS it", Meaning::GuardArmed),
        (false, true) => ("only logged", Meaning::GuardShadow),
        (false, false) => ("only told", Meaning::GuardWatching),
    }
}

/// Who may be stopped, until when and by what means; limits that were changed in the air.
fn consent_lines(most: usize, width: u16, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let cockpit = shown.cockpit;
    let consent = cockpit.brake().consent();
    let text = shown.style(Meaning::Text);
    let mut lines = Vec::new();
    let Some(begin) = cockpit.flight() else {
        let words = "not known: the flight has not begun";
        return at_most(1, "armed", words, shown.style(Meaning::Unknown), width, shown);
    };
    let over = consent.why_over(shown.now).map(|why| format!("; over: {why}")).unwrap_or_default();
    let scope = match consent.only() {
        Some(only) => format!("pid {} only", only.pid),
        None => begin.settings.target.to_string(),
    };
    let until = match cockpit.flight().and_then(|_| shown.utc_us(consent.until())) {
        Some(utc_us) if over.is_empty() => {
            format!(" until {} UTC, {} into the flight", utc_of(utc_us), seconds(consent.until().ms()))
        }
        _ => String::new(),
    };
    let (words, meaning) = match consent.arming() {
        Arming::Watching => ("no: nothing is stopped by itself".to_owned(), Meaning::GuardWatching),
        Arming::Shadow => {
            (format!("SHADOW{until}: trips are logged, nothing is stopped{over}"), Meaning::GuardShadow)
        }
        Arming::Armed if over.is_empty() => (format!("ARMED for {scope}{until}"), Meaning::GuardArmed),
        Arming::Armed => (format!("no longer, was for {scope}{over}"), Meaning::Warn),
    };
    lines.extend(at_most(most, "armed", &words, shown.style(meaning), width, shown));
    let if_lost = match begin.settings.if_lost {
        IfLost::Stop => "if lost: it is stopped",
        IfLost::Keep => "if lost: goes on",
    };
    let means = format!("{}; {if_lost}", means(consent.on_trip()));
    lines.extend(at_most(most, "means", &means, text, width, shown));
    let (right, meaning) = match cockpit.target().map(|target| (&target.right, target.pid())) {
        None => ("asked once something is under guard".to_owned(), Meaning::Muted),
        Some((None, _)) if !cockpit.is_guarding() => {
            ("asked once the guard is armed".to_owned(), Meaning::Muted)
        }
        Some((None, pid)) => {
            (format!("whether lockpit may stop pid {pid} is not known yet"), Meaning::Unknown)
        }
        Some((Some(Ok(())), pid)) => (format!("lockpit may stop pid {pid}"), Meaning::Ok),
        Some((Some(Err(why)), pid)) => (format!("lockpit may NOT stop pid {pid}: {why}"), Meaning::Danger),
    };
    lines.extend(at_most(most, "right", &right, shown.style(meaning), width, shown));
    let overrides: Vec<String> = cockpit
        .overrides()
        .iter()
        .map(|one| {
            let until = match one.until {
                Some(until) => format!("for {} more", seconds(until.ms_since(shown.now) / 1_000 * 1_000)),
                None => "to the end of the flight".to_owned(),
            };
            format!("{} {} {until}", one.guardrail, in_unit(&one.guardrail, one.limit))
        })
        .collect();
    if !overrides.is_empty() {
        let words = overrides.join("; ");
        lines.extend(at_most(most, "changed", &words, shown.style(Meaning::Warn), width, shown));
    }
    lines
}

fn utc_of(utc_us: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(utc_us);
    at.map_or_else(|_| "?".to_owned(), |at| at.strftime("%H:%M").to_string())
}

fn means(on_trip: OnTrip) -> String {
    match on_trip {
        OnTrip::Auto => "cancels; terminates if a script would run on".to_owned(),
        OnTrip::Cancel => "cancels the statement, never more".to_owned(),
        OnTrip::Terminate => "terminates the session".to_owned(),
        OnTrip::Signal(pid) => format!("ends process {pid} on this machine, then terminates the session"),
    }
}

/// One rule at large.
fn rule(frame: &mut Frame<'_>, area: Rect, name: &str, reading: &Reading, shown: &Shown<'_>) {
    let (word, meaning) =
        if stale_ms(name, shown).is_some() { ("old", Meaning::Unknown) } else { level_word(reading.level) };
    let limit = reading.limit.map_or(String::new(), |limit| format!(" · limit {}", in_unit(name, limit)));
    let span = seconds(shown.now.ms().clamp(1_000, 120_000) / 1_000 * 1_000);
    let title = format!("{name} · {word}{limit} · last {span}");
    let inside = pane::pane(frame, area, &title, false, shown);
    let width = inside.width.saturating_sub(2);
    let padded = Rect { x: inside.x + inside.width.min(1), width, ..inside };
    let sentence: Vec<Line<'static>> = cut_to(2, &reading.sentence, usize::from(width), shown)
        .into_iter()
        .map(|line| Line::from(Span::styled(line, shown.style(meaning))))
        .collect();
    let decisions = decisions(name, width, shown);
    let sentence_height = u16::try_from(sentence.len()).unwrap_or(0).min(padded.height);
    let rest = padded.height - sentence_height;
    // The plot has more than half of what is left.
    let decided = u16::try_from(decisions.len()).unwrap_or(u16::MAX).min(rest * 2 / 5);
    let [top, middle, foot] = Layout::vertical([
        Constraint::Length(sentence_height),
        Constraint::Fill(1),
        Constraint::Length(decided),
    ])
    .areas(padded);
    pane::lines(frame, top, sentence);
    plot(frame, middle, name, reading, shown);
    let first = decisions.len().saturating_sub(usize::from(decided));
    pane::lines(frame, foot, decisions.into_iter().skip(first));
}

/// The plot with its scale.
fn plot(frame: &mut Frame<'_>, area: Rect, name: &str, reading: &Reading, shown: &Shown<'_>) {
    if area.width <= SCALE + 2 || area.height == 0 {
        return;
    }
    let [scale, field] = Layout::horizontal([Constraint::Length(SCALE), Constraint::Fill(1)]).areas(area);
    let columns = recent(&Signal::Guardrail(name.to_owned()), field.width, shown);
    let highest = columns.iter().filter_map(|column| column.value()).max().unwrap_or(0);
    let top = highest.max(reading.limit.unwrap_or(0)).max(1);
    let muted = shown.style(Meaning::Muted);
    let put = |frame: &mut Frame<'_>, row: u16, value: u64, style| {
        let words = text::fit_right(&in_unit(name, value), usize::from(SCALE) - 1, shown.glyphs);
        let line = Rect { y: scale.y + row.min(scale.height - 1), height: 1, ..scale };
        frame.render_widget(Line::from(Span::styled(words, style)), line);
    };
    if area.height >= 3 {
        put(frame, area.height - 1, 0, muted);
    }
    put(frame, 0, top, muted);
    if let Some(limit) = reading.limit {
        let row = chart::limit_row(limit, top, area.height);
        put(frame, row, limit, shown.style(Meaning::Limit));
    }
    chart::plot(frame, field, &columns, reading.limit, shown);
}

/// What a rule has decided, oldest first.
fn decisions(name: &str, width: u16, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let is_about = |event: &Event| match event {
        Event::Trip { name: rule, .. } => rule == name,
        Event::Guardrail { name: rule, reading } => rule == name && reading.level >= Level::Warn,
        _ => false,
    };
    let events: Vec<&(At, Event)> =
        shown.cockpit.timeline().since(0).filter(|(_, event)| is_about(event)).collect();
    if events.is_empty() {
        return vec![plain("no warning and no trip so far", shown.style(Meaning::Muted))];
    }
    // More than fit in any window are not laid out.
    let first = events.len().saturating_sub(100);
    events[first..].iter().map(|(at, event)| event_line(*at, event, width, shown)).collect()
}
