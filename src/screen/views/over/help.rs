//! Help: every action with its keys, and why it cannot be taken now.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::open;
use crate::engine::command::Command;
use crate::screen::action::{Available, SPECS, available};
use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;
use crate::screen::typed;
use crate::screen::widgets::pane::lines;

/// Draws the help, scrolled by `scroll` lines; returns how far it can be.
pub(super) fn draw(frame: &mut Frame<'_>, body: Rect, scroll: usize, shown: &Shown<'_>) -> usize {
    let inside = open(frame, body, (110, body.height), "help: up and down scroll, esc closes", false, shown);
    let content = content(usize::from(inside.width), shown);
    let furthest = content.len().saturating_sub(usize::from(inside.height));
    lines(frame, inside, content.into_iter().skip(scroll.min(furthest)));
    furthest
}

fn content(width: usize, shown: &Shown<'_>) -> Vec<Line<'static>> {
    const KEYS: usize = 16;
    const NAME: usize = 12;
    let context = shown.context();
    let mut content = Vec::new();
    let mut group = None;
    for spec in SPECS {
        let keys: Vec<String> = shown.keymap.keys(spec.action).map(|key| key.to_string()).collect();
        if keys.is_empty() {
            continue;
        }
        if group.replace(spec.group) != Some(spec.group) {
            if !content.is_empty() {
                content.push(Line::default());
            }
            content.push(Line::from(Span::styled(
                format!(" {}", spec.group.title()),
                shown.style(Meaning::Title),
            )));
        }
        let room = width.saturating_sub(KEYS + NAME + 4);
        let (doc, meaning) = match available(spec.action, &context) {
            Available::Yes => (spec.doc.to_owned(), Meaning::Text),
            Available::No(why) => (format!("{} Not now: {why}.", spec.doc), Meaning::Muted),
        };
        for (number, part) in text::wrap(&text::clean(&doc), room).into_iter().enumerate() {
            let (keys, name) = if number == 0 { (keys.join(" "), spec.name) } else { (String::new(), "") };
            content.push(Line::from(vec![
                Span::raw("  "),
                Span::styled(text::fit(&keys, KEYS, shown.glyphs), shown.style(Meaning::Key)),
                Span::styled(text::fit(name, NAME, shown.glyphs), shown.style(Meaning::Muted)),
                Span::raw(" "),
                Span::styled(part, shown.style(meaning)),
            ]));
        }
    }
    content.push(Line::default());
    content.push(Line::from(Span::styled(" Typed after :", shown.style(Meaning::Title))));
    let orders = Command::WORDS.map(|(word, rest)| (format!("{word} {rest}"), ""));
    let others = typed::WORDS.map(|(words, doc)| (words.to_owned(), doc));
    for (words, doc) in orders.into_iter().chain(others) {
        content.push(Line::from(vec![
            Span::raw("  "),
            Span::styled(
                text::fit(&words, (KEYS + NAME).max(text::width(&words)), shown.glyphs),
                shown.style(Meaning::Key),
            ),
            Span::raw(" "),
            Span::styled(doc.to_owned(), shown.style(Meaning::Text)),
        ]));
    }
    content
}
