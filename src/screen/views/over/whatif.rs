//! What if: each thing that may be done about a wait, and what would follow.
//!
//! ```text
//!  ┏ what if ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
//!  ┃ STOP THE TARGET, pid 102 deploy                                 key a ┃
//!  ┃   frees   96 sessions go on, 96 of them victims                       ┃
//!  ┃   lost    nothing                                                     ┃
//!  ┃   leaves  nothing                                                     ┃
//!  ┃   cancel  works in this state                                         ┃
//!  ┃   next    its client may go on to its next statement                  ┃
//!  ┃ wait                                                                  ┃
//!  ┃   then    nothing moves until pid 101 ends its transaction            ┃
//!  ┃   slots   12 left; none in 40 s (estimate)                               ┃
//!  ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
//! ```
//!
//! It does nothing itself. In a low window the lines that matter least are left out.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::open;
use crate::engine::derive::cancel::CancelWorks;
use crate::engine::derive::cost::{Severity, StopCost};
use crate::engine::derive::whatif::{Act, Growth, WhatIf, what_if};
use crate::engine::guard::seconds;
use crate::engine::ids::{BackendId, Pid};
use crate::engine::sample::Backend;
use crate::screen::action::{Action, Available, Context, Seat, available};
use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;
use crate::screen::views::lines::{at_most, plain};
use crate::screen::views::parts::two_sided;
use crate::screen::widgets::pane::lines;

const WIDTH: u16 = 112;

/// A line of the popup, and how soon it is left out: the highest rank first.
struct Item {
    rank: u8,
    label: &'static str,
    words: String,
    meaning: Meaning,
    /// For a title: who does it, to the right.
    key: Option<(String, Meaning)>,
}

/// Draws the options around `backend`, or around the target.
pub(super) fn draw(frame: &mut Frame<'_>, body: Rect, backend: Option<BackendId>, shown: &Shown<'_>) {
    let cockpit = shown.cockpit;
    let here = |selected: &BackendId| {
        let row = cockpit.sample().and_then(|sample| sample.backend(selected.pid));
        selected.pid == Pid::PREPARED || row.is_some_and(|row| row.id() == *selected)
    };
    let selected = backend.filter(here);
    let options = what_if(cockpit, shown.history, selected.map(|backend| backend.pid), shown.seen());
    let mut items: Vec<Item> = Vec::new();
    if let Some(gone) = backend.filter(|_| selected.is_none()) {
        let words = match cockpit.sample() {
            None => "Nothing can be said: there is no sample yet.".to_owned(),
            Some(_) => format!("pid {} is gone, or idle now: nothing is said of it.", gone.pid),
        };
        items.push(Item { rank: 1, label: "", words, meaning: Meaning::Unknown, key: None });
    } else if options.is_empty() {
        let words = "Nothing can be said: there is no sample yet.".to_owned();
        items.push(Item { rank: 0, label: "", words, meaning: Meaning::Unknown, key: None });
    }
    for option in &options {
        items.extend(block(option, selected, shown));
    }
    let width = WIDTH.min(body.width);
    let inner = width.saturating_sub(4);
    let room = usize::from(body.height.saturating_sub(2));
    let content = fit(items, room, inner, shown);
    let height = u16::try_from(content.len()).unwrap_or(u16::MAX).saturating_add(2);
    let title = match shown.context().may_command() {
        Ok(()) => "what if · esc closes".to_owned(),
        Err(why) => format!("what if · {why} · esc closes"),
    };
    let title = text::truncate(&title, usize::from(width.saturating_sub(4)), shown.glyphs);
    let inside = open(frame, body, (width, height), &title, false, shown);
    let padded = Rect { x: inside.x + inside.width.min(1), width: inside.width.saturating_sub(2), ..inside };
    lines(frame, padded, content);
}

/// Lays the items out in at most `room` lines: first in up to three lines each, then in one, then without those
/// that matter least.
fn fit(mut items: Vec<Item>, room: usize, width: u16, shown: &Shown<'_>) -> Vec<Line<'static>> {
    for most in [3, 2, 1] {
        let laid = lay(&items, most, width, shown);
        if laid.len() <= room {
            return laid;
        }
    }
    while items.len() > room {
        let worst = items.iter().map(|item| item.rank).max().unwrap_or(0);
        let Some(index) = items.iter().rposition(|item| item.rank == worst) else { break };
        items.remove(index);
    }
    lay(&items, 1, width, shown)
}

fn lay(items: &[Item], most: usize, width: u16, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let mut laid = Vec::new();
    for item in items {
        let style = shown.style(item.meaning);
        match &item.key {
            Some((key, meaning)) => {
                // The reason why not may be long; the title comes first.
                let room = usize::from(width).saturating_sub(text::width(&item.words) + 2);
                let key = text::truncate(key, room, shown.glyphs);
                laid.push(two_sided(
                    vec![Span::styled(item.words.clone(), style)],
                    vec![Span::styled(key, shown.style(*meaning))],
                    width,
                    shown,
                ));
            }
            None if item.label.is_empty() => {
                laid.push(plain(text::truncate(&item.words, usize::from(width), shown.glyphs), style));
            }
            None => {
                laid.extend(at_most(most, &format!("  {}", item.label), &item.words, style, width, shown));
            }
        }
    }
    laid
}

/// One option.
fn block(option: &WhatIf, selected: Option<BackendId>, shown: &Shown<'_>) -> Vec<Item> {
    let item = |rank, label, words: String, meaning| Item { rank, label, words, meaning, key: None };
    let title = Item {
        rank: 0,
        label: "",
        words: title(option, shown),
        meaning: Meaning::Title,
        key: Some(key(option, selected, shown)),
    };
    let mut items = vec![title];
    if let Some(freed) = &option.freed {
        let meaning = if freed.sessions > 0 { Meaning::Ok } else { Meaning::Warn };
        items.push(item(1, "frees", freed.sentence.clone(), meaning));
    }
    if let Some(cost) = &option.cost {
        items.extend(cost_items(cost));
    }
    let label = if option.act == Act::Wait { "then" } else { "next" };
    let rank = if option.act == Act::Wait { 1 } else { 4 };
    items.push(item(rank, label, option.then.clone(), Meaning::Text));
    if let Some(growth) = &option.growth {
        items.push(slots(growth));
        let queue = match growth.waiting_per_minute {
            None => "how fast it grows is not known".to_owned(),
            Some(rate @ 1..) => format!("grows by {rate} a minute"),
            Some(0) => "does not grow".to_owned(),
            Some(rate) => format!("shrinks by {} a minute", rate.unsigned_abs()),
        };
        items.push(item(5, "queue", queue, Meaning::Text));
    }
    items
}

/// When connections run out, or why that is not known.
fn slots(growth: &Growth) -> Item {
    let left = growth.slots_left.map_or(String::new(), |left| format!("{left} left; "));
    let (words, meaning) = match &growth.slots_out_ms {
        Ok(ms) => (format!("{left}none in {} (estimate)", seconds(*ms)), Meaning::Danger),
        Err(why) => (format!("{left}{why}"), Meaning::Text),
    };
    Item { rank: 1, label: "slots", words, meaning, key: None }
}

fn cost_items(cost: &StopCost) -> Vec<Item> {
    let item = |rank, label, words: String, meaning| Item { rank, label, words, meaning, key: None };
    let meaning = match cost.severity {
        Severity::Nothing => Meaning::Ok,
        Severity::Work => Meaning::Text,
        Severity::Leftover | Severity::Committed => Meaning::Warn,
        Severity::Unknown => Meaning::Unknown,
    };
    let leaves = if cost.clean_up.is_empty() {
        cost.leaves.clone()
    } else {
        format!("{}; clean up: {}", cost.leaves, cost.clean_up.join(" "))
    };
    let (cancel, cancel_meaning) = match &cost.cancel {
        CancelWorks::Yes => ("works in this state".to_owned(), Meaning::Ok),
        CancelWorks::No(why) => (format!("does not work: {why}"), Meaning::Warn),
        CancelWorks::FreesOnly(why) => (format!("only frees: {why}"), Meaning::Warn),
        CancelWorks::Unknown(why) => (format!("not known: {why}"), Meaning::Unknown),
    };
    vec![
        item(2, "lost", cost.lost.clone(), meaning),
        item(3, "leaves", leaves, meaning),
        item(3, "cancel", cancel, cancel_meaning),
    ]
}

/// The option by name; the client masked for a shared screen.
fn title(option: &WhatIf, shown: &Shown<'_>) -> String {
    let what = match option.act {
        Act::StopTarget => "STOP THE TARGET",
        Act::StopRoot => "STOP THE ROOT",
        Act::StopSelected => "STOP THE SELECTED ONE",
        Act::Wait => return "WAIT".to_owned(),
    };
    match option.pid {
        Some(Pid::PREPARED) => format!("{what}, a prepared transaction"),
        Some(pid) => {
            let backend = shown.cockpit.sample().and_then(|sample| sample.backend(pid));
            let who = backend.map(|backend| shown.application(&backend.application)).unwrap_or_default();
            format!("{what}, pid {pid} {who}")
        }
        None => what.to_owned(),
    }
}

/// Which key does it, or why none does.
fn key(option: &WhatIf, selected: Option<BackendId>, shown: &Shown<'_>) -> (String, Meaning) {
    let Some(pid) = option.pid else { return (String::new(), Meaning::Muted) };
    let id = shown.cockpit.sample().and_then(|sample| sample.backend(pid)).map(Backend::id);
    let id = id.or((pid == Pid::PREPARED).then_some(BackendId { pid, backend_start: None }));
    // Who may command is said in the frame; here it is about the rest.
    let context = Context { seat: Seat::Pilot, is_hidden: false, ..shown.context() };
    let (action, context) = if option.act == Act::StopTarget {
        (Action::Abort, context)
    } else {
        let cancels = matches!(
            option.cost.as_ref().map(|cost| &cost.cancel),
            Some(CancelWorks::Yes | CancelWorks::FreesOnly(_))
        );
        let action = if cancels { Action::Cancel } else { Action::Terminate };
        (action, Context { selected: id, ..context })
    };
    match available(action, &context) {
        Available::No(why) => (format!("not from here: {why}"), Meaning::KeyOff),
        Available::Yes => {
            let key = shown.keymap.key(action);
            let key = if key.is_empty() { "no key is bound to it".to_owned() } else { format!("key {key}") };
            let is_selected = option.act == Act::StopTarget || (selected.is_some() && selected == id);
            let first = if is_selected { String::new() } else { format!("select pid {pid}, then ") };
            let may = shown.context().may_command().is_ok();
            (format!("{first}{key}"), if may { Meaning::Key } else { Meaning::KeyOff })
        }
    }
}
