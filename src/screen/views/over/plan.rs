//! Questions of a plan: what becomes of the statement under way, and a gate.
//!
//! Owns what is said before the answer: the cost of each way, and what a gate asks. Gives no order.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::open;
use super::question::{WIDTH, wrapped};
use crate::engine::steps::Glance;
use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;
use crate::screen::ui::Gate;
use crate::screen::views::header::tenths;
use crate::screen::views::plan::words::{at_hand, stop_now};
use crate::screen::widgets::pane::lines;

/// The plan is to be held while a statement is under way.
pub(super) fn hold(frame: &mut Frame<'_>, body: Rect, shown: &Shown<'_>) {
    let room = usize::from(WIDTH.min(body.width)).saturating_sub(4);
    let mut content = Vec::new();
    // What is asked about is the flight as it is now.
    let Some(steps) = shown.live.steps() else { return };
    content.extend(wrapped(&at_hand(steps, shown.now), room, Meaning::Title, shown));
    content.push(Line::default());
    let key = |key: &'static str, words: &'static str| {
        Line::from(vec![
            Span::raw("  "),
            Span::styled(key, shown.style(Meaning::Key)),
            Span::raw(format!("  {words}")),
        ])
    };
    // What an answer costs stands under its key.
    let under = |words: &str, meaning| {
        let lines = text::wrap(&text::clean(words), room.saturating_sub(3));
        lines
            .into_iter()
            .map(move |line| Line::from(vec![Span::raw("     "), Span::styled(line, shown.style(meaning))]))
    };
    if let glance @ Glance::Trying { .. } = steps.glance() {
        let (cost, meaning) = stop_now(steps, shown.live);
        content.push(key("c", "cancel this attempt, keep the step: it is begun again later"));
        content.extend(under(&cost, meaning));
        content.push(key("f", "let it finish, then hold: nothing is lost"));
        content.extend(under(&finishing(glance, shown), Meaning::Text));
    } else {
        let words = "It is through by now, or has given up: the plan can be held without any loss.";
        content.extend(wrapped(words, room, Meaning::Text, shown));
        content.push(key("f", "hold"));
    }
    content.push(key("esc", "go on flying"));
    let height = u16::try_from(content.len()).unwrap_or(u16::MAX).saturating_add(2);
    let inside = open(frame, body, (WIDTH, height), "pause: what becomes of the statement?", false, shown);
    lines(frame, inside, content);
}

/// How long finishing may take, as far as it is known.
fn finishing(glance: Glance, shown: &Shown<'_>) -> String {
    match glance {
        Glance::Trying { sent, wait_ms: Some(wait_ms), locked: None, .. } => {
            let left = wait_ms.saturating_sub(shown.age_ms(sent));
            format!("it has its locks within {}, or gives them up", tenths(left))
        }
        Glance::Trying { wait_ms: Some(_), .. } => {
            "it has its locks, and others wait until it is through".to_owned()
        }
        _ => "how long it takes is not known; reads and writes go on meanwhile".to_owned(),
    }
}

/// A gate that waits for a person.
pub(super) fn gate(frame: &mut Frame<'_>, body: Rect, gate: &Gate, shown: &Shown<'_>) {
    let room = usize::from(WIDTH.min(body.width)).saturating_sub(4);
    let question = shown.live.steps().and_then(|steps| steps.question());
    let mut content = Vec::new();
    match question.filter(|(step, _)| step.id == gate.step) {
        Some((_, question)) => content.extend(wrapped(question, room, Meaning::Title, shown)),
        None => {
            let words = format!("gate {} does not wait for a person any more", gate.step);
            content.extend(wrapped(&words, room, Meaning::Warn, shown));
        }
    }
    content.push(Line::default());
    let words = "Who opens it, on which machine and as which role, is in the log.";
    content.extend(wrapped(words, room, Meaning::Text, shown));
    if let Some(why) = &gate.refused {
        content.extend(wrapped(&format!("No: {why}."), room, Meaning::Danger, shown));
    }
    content.push(Line::default());
    let key = |key: &'static str| Span::styled(key, shown.style(Meaning::Key));
    let so_far = text::clean(&gate.so_far).into_owned();
    content.push(Line::from(vec![
        Span::raw(format!("  type {} to open it: ", gate.step)),
        Span::styled(format!("{so_far}_"), shown.style(Meaning::Input)),
        Span::raw("  then "),
        key("enter"),
    ]));
    content.push(Line::from(vec![Span::raw("  "), key("esc"), Span::raw(" leaves it closed")]));
    let height = u16::try_from(content.len()).unwrap_or(u16::MAX).saturating_add(2);
    let title = format!("gate {}", gate.step);
    let inside = open(frame, body, (WIDTH, height), &title, true, shown);
    lines(frame, inside, content);
}
