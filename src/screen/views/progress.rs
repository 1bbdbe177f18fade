//! How far commands are: the target first, then whoever else reports progress.
//!
//! ```text
//!  ┌ progress · read 0.6 s ago, once a second ────────────────────────┐
//!  │ pid 102 deploy  TARGET  CREATE INDEX CONCURRENTLY on users       │
//!  │ ███████░░░░░ 61.0 %  working: building index: loading tuples     │
//!  │ amount    610 of 1000 tuples, 200 tuples/s                       │
//!  │ left      2.5 s of this phase (estimate)                         │
//!  │ waits for pid 101 report-job for 2.0 s; lockers 1 of 3 done      │
//!  │ phases    ✓ initializing  ► building index  ○ …                  │
//!  └──────────────────────────────────────────────────────────────────┘
//! ```
//!
//! An estimate is called one, and nothing is ever more than done.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::header::tenths;
use super::lines::{labelled, plain};
use super::parts::{statement, two_sided};
use crate::engine::derive::progress::{Doing, Elapsed, ProgressLine, ProgressView};
use crate::engine::derive::words::{bytes, count};
use crate::engine::ids::{BackendId, Pid};
use crate::engine::sample::Backend;
use crate::screen::shown::Shown;
use crate::screen::theme::Meaning;
use crate::screen::ui::Row;
use crate::screen::widgets::{first_line, pane};

mod phases;

/// Draws the commands; returns how many of them fit, about.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) -> usize {
    let view = ProgressView::of(shown.cockpit, shown.history, shown.seen());
    let title = match shown.cockpit.slow_at() {
        None => "progress · not read yet".to_owned(),
        Some(at) => format!("progress · read {} ago, once a second", tenths(shown.age_ms(at))),
    };
    let inside = pane::pane(frame, area, &title, true, shown);
    let width = inside.width.saturating_sub(2);
    let selected = shown.ui.selected_backend();
    let mut content: Vec<Line<'static>> = Vec::new();
    let mut at = None;
    let mut blocks = 0;
    let mut add = |pid: Pid, lines: Vec<Line<'static>>| {
        let is_selected = selected.is_some() && backend(pid, shown) == selected;
        if is_selected {
            at = Some(content.len());
        }
        blocks += 1;
        for (index, line) in lines.into_iter().enumerate() {
            let mark = if is_selected && index == 0 { shown.glyphs.select } else { " " };
            let mut spans = vec![Span::raw(mark)];
            spans.extend(line.spans);
            let line = Line::from(spans);
            let line = if is_selected && index == 0 {
                line.patch_style(shown.style(Meaning::Selection))
            } else {
                line
            };
            content.push(line);
        }
        content.push(Line::default());
    };
    if let Some(elapsed) = &view.target {
        add(elapsed.pid, elapsed_lines(elapsed, width, shown));
    }
    for line in &view.lines {
        let in_full = line.is_target || (selected.is_some() && backend(line.pid, shown) == selected);
        add(line.pid, command_lines(line, in_full, width, shown));
    }
    if blocks == 0 {
        content.extend(nothing(&view, shown));
    } else if view.lines.iter().all(|line| line.is_target) {
        let words = match view.age_ms {
            None => "Who else reports progress is not known yet.",
            Some(_) => "No other command reports progress.",
        };
        content.push(plain(format!(" {words}"), shown.style(Meaning::Muted)));
    }
    let first = first_line(at, content.len(), usize::from(inside.height));
    pane::lines(frame, inside, content.into_iter().skip(first));
    usize::from(inside.height / 4).max(1)
}

/// The commands, in the order they are drawn.
pub(super) fn rows(shown: &Shown<'_>) -> Vec<Row> {
    let view = ProgressView::of(shown.cockpit, shown.history, shown.seen());
    let silent = view.target.iter().map(|elapsed| elapsed.pid);
    let pids = silent.chain(view.lines.iter().map(|line| line.pid));
    let mut rows: Vec<Row> = Vec::new();
    for row in pids.filter_map(|pid| backend(pid, shown)).map(Row::Backend) {
        // A command in two progress views is one backend.
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows
}

/// The backend of `pid`, as far as the last sample or the target knows it.
fn backend(pid: Pid, shown: &Shown<'_>) -> Option<BackendId> {
    let cockpit = shown.cockpit;
    let seen = cockpit.sample().and_then(|sample| sample.backend(pid)).map(Backend::id);
    let target = cockpit.target().filter(|target| target.pid() == pid);
    seen.or(target.map(|target| target.attempt.backend))
}

fn application(pid: Pid, shown: &Shown<'_>) -> String {
    let backend = shown.cockpit.sample().and_then(|sample| sample.backend(pid));
    backend.map_or("not in the last sample".to_owned(), |backend| shown.application(&backend.application))
}

/// Nobody reports progress.
fn nothing(view: &ProgressView, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let (words, meaning) = match view.age_ms {
        None => ("Not known: progress has not been read yet.", Meaning::Unknown),
        Some(_) => ("Nothing is under guard, and no command reports progress.", Meaning::Muted),
    };
    let hint = "Commands that do: CREATE INDEX, REINDEX, VACUUM, ANALYZE, CLUSTER, COPY, base backups.";
    vec![
        plain(format!(" {words}"), shown.style(meaning)),
        plain(format!(" {hint}"), shown.style(Meaning::Muted)),
    ]
}

fn head(
    pid: Pid,
    what: String,
    is_target: bool,
    right: String,
    width: u16,
    shown: &Shown<'_>,
) -> Line<'static> {
    let text = shown.style(Meaning::Text);
    let target = shown.style(Meaning::LockTarget);
    let mut left = vec![Span::styled(format!("pid {pid} {}  ", application(pid, shown)), text)];
    if is_target {
        left.push(Span::styled("TARGET  ", target));
    }
    left.push(Span::styled(what, if is_target { target } else { text }));
    let right = if right.is_empty() { Vec::new() } else { vec![Span::styled(right, text)] };
    two_sided(left, right, width, shown)
}

fn statement_of(pid: Pid, shown: &Shown<'_>) -> Option<String> {
    let catalog = shown.cockpit.catalog();
    let backend = shown.cockpit.sample()?.backend(pid)?;
    let text = catalog.text(backend.text).map(|text| text.normalised.as_str());
    Some(statement(catalog.kind(backend.text), text, shown))
}

/// The target, which reports no progress.
fn elapsed_lines(elapsed: &Elapsed, width: u16, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let text = shown.style(Meaning::Text);
    let what = statement_of(elapsed.pid, shown).unwrap_or_else(|| "statement not known".to_owned());
    let mut lines = vec![head(elapsed.pid, what, true, String::new(), width, shown)];
    let waits = shown.cockpit.ages().age_ms(shown.seen(), elapsed.pid);
    let (doing, meaning) = match (elapsed.doing, waits) {
        (Doing::WaitsForLock, Some(ms)) => (
            format!(
                "waiting for a lock for {}: it has not begun{}",
                tenths(ms),
                blockers(elapsed.pid, shown)
            ),
            Meaning::Warn,
        ),
        (doing, _) => (doing.words().to_owned(), meaning_of(doing)),
    };
    lines.extend(labelled("does", &doing, shown.style(meaning), width, shown));
    let ran = elapsed.ms.map_or_else(
        || "not known: its start is hidden from this login".to_owned(),
        |ms| format!("{} since its statement began", tenths(ms)),
    );
    lines.extend(labelled("elapsed", &ran, text, width, shown));
    let why = format!("none: {}", elapsed.why);
    lines.extend(labelled("progress", &why, shown.style(Meaning::Unknown), width, shown));
    lines
}

/// Whom a backend that waits for a lock waits for, by the server's word.
fn blockers(pid: Pid, shown: &Shown<'_>) -> String {
    match shown.cockpit.scene().graph.blockers_of(pid) {
        [] => "; the server named nobody it waits for".to_owned(),
        [first, rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            format!("; held up by pid {first} {}{more}", application(*first, shown))
        }
    }
}

fn meaning_of(doing: Doing) -> Meaning {
    match doing {
        Doing::WaitsForLock | Doing::WaitsForStandby => Meaning::Warn,
        Doing::Works => Meaning::StateActive,
        Doing::WaitsForClient => Meaning::StateIdle,
        Doing::Unknown => Meaning::Unknown,
    }
}

fn command_lines(line: &ProgressLine, in_full: bool, width: u16, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let text = shown.style(Meaning::Text);
    let on = line.relation.as_ref().map_or(String::new(), |relation| format!(" on {relation}"));
    let mut lines =
        vec![head(line.pid, format!("{}{on}", line.command), line.is_target, String::new(), width, shown)];
    lines.push(bar(line, width, shown));
    let exceeded = is_exceeded(line);
    let amount = amount_words(line);
    let left = match line.eta_ms {
        Some(ms) => format!("{} of this phase (estimate)", tenths(ms)),
        None if exceeded => "not known: the server's estimate of the total is exceeded".to_owned(),
        None if line.total.is_none() => "not known: the server tells no total for this phase".to_owned(),
        None if line.locker.is_some() => "not known: it goes on when those it waits for are done".to_owned(),
        None if line.rate_milli_per_s == Some(0) => "not known: nothing was done lately".to_owned(),
        None => "not known: the rate takes two looks at least a second apart".to_owned(),
    };
    if in_full {
        lines.extend(labelled("amount", &amount, text, width, shown));
        lines.extend(labelled("left", &left, text, width, shown));
    } else {
        lines.extend(labelled("amount", &format!("{amount}; left: {left}"), text, width, shown));
    }
    if let Some(words) = locker_words(line, shown) {
        lines.extend(labelled("waits for", &words, shown.style(Meaning::Warn), width, shown));
    }
    // What is said of an exceeded estimate stands in the line of the bar already.
    if let Some(note) = line.note.as_ref().filter(|_| !exceeded) {
        lines.extend(labelled("note", note, shown.style(Meaning::Unknown), width, shown));
    }
    if in_full {
        lines.extend(phases::lines(&line.command, line.phase.as_deref(), width, shown));
    }
    lines
}

fn is_exceeded(line: &ProgressLine) -> bool {
    line.done.zip(line.total).is_some_and(|(done, total)| done > total)
}

/// The bar, what it is at, and its phase.
fn bar(line: &ProgressLine, width: u16, shown: &Shown<'_>) -> Line<'static> {
    let mut spans = Vec::new();
    if let Some(permille) = line.permille {
        let bar = shown.glyphs.bar(u64::from(permille), 1_000, (width / 4).clamp(8, 40));
        spans.push(Span::styled(bar.done, shown.style(Meaning::ProgressDone)));
        spans.push(Span::styled(bar.rest, shown.style(Meaning::ProgressRest)));
        if is_exceeded(line) {
            spans.push(Span::styled(" estimate exceeded  ", shown.style(Meaning::Warn)));
        } else {
            let per_cent = format!(" {:>3}.{} %  ", permille / 10, permille % 10);
            spans.push(Span::styled(per_cent, shown.style(Meaning::Text)));
        }
    }
    spans.push(Span::styled(line.doing.words().to_owned(), shown.style(meaning_of(line.doing))));
    let phase = line.phase.as_deref().unwrap_or("phase not known");
    spans.push(Span::styled(format!("  {phase}"), shown.style(Meaning::Text)));
    two_sided(spans, Vec::new(), width, shown)
}

/// `610 of 1000 tuples, 200 tuples/s`.
fn amount_words(line: &ProgressLine) -> String {
    let unit = line.unit.as_deref().unwrap_or("units");
    let number = |number: u64| if unit == "bytes" { bytes(number) } else { count(number) };
    let noun = if unit == "bytes" { String::new() } else { format!(" {unit}") };
    let mut words = match (line.done, line.total) {
        (Some(done), Some(total)) => format!("{} of {}{noun}", number(done), number(total)),
        (Some(done), None) => format!("{}{noun} done, the total is not known", number(done)),
        (None, Some(total)) => format!("? of {}{noun}", number(total)),
        (None, None) => "the server tells none in this phase".to_owned(),
    };
    // A phase that waits for others moves nothing: the amount is that of the phase before.
    if let Some(milli) = line.rate_milli_per_s.filter(|_| line.locker.is_none()) {
        let rate = if milli > 0 && milli < 10_000 {
            format!("{}.{}", milli / 1_000, milli % 1_000 / 100)
        } else {
            number(milli / 1_000)
        };
        let rate = if unit == "bytes" { number(milli / 1_000) } else { rate };
        words += &format!(", {rate}{noun}/s lately");
    }
    words
}

fn locker_words(line: &ProgressLine, shown: &Shown<'_>) -> Option<String> {
    let mut parts = Vec::new();
    if let Some((pid, since_ms)) = line.locker {
        let since = since_ms.map_or("since when is not known".to_owned(), |ms| format!("for {}", tenths(ms)));
        parts.push(format!("pid {pid} {}, {since}", application(pid, shown)));
    }
    if let Some((done, total)) = line.lockers {
        parts.push(format!("lockers: {done} of {total} done"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}
