//! The form of a text: what is left when literals, comments and the accidents of layout are gone.
//!
//! Owns what survives of a text. Texts that differ only in literals have one form, so that identical
//! victims collapse:
//!
//! - strings, numbers and parameters become `$1`, `$2`, .. in their order, with their signs;
//! - a list of constants after `IN`, `ARRAY` or `VALUES` becomes `(...)`, however long it is;
//! - a row of `VALUES` that has the form of the first one is dropped;
//! - comments and white space become one space.
//!
//! The form of a form is that form. Never keeps a byte of a literal or comment.

use std::fmt::Write;

use super::form::{Form, Item, ItemKind};
use super::lexer::{Kind, Token};
use crate::engine::text::Text;

/// Stands at the end of a form that was cut.
pub(super) const CUT: &str = "…";

/// The form of a text, at most [`Text::MAX_CHARS`] characters, safe to show on a terminal.
pub(super) fn normalise(tokens: &[Token<'_>]) -> String {
    render(&items(tokens)).0
}

/// What `$1`, `$2`, .. of the form stand for, in order.
pub(super) fn constants<'a>(tokens: &[Token<'a>]) -> Vec<Item<'a>> {
    let items = items(tokens);
    let (_, shown) = render(&items);
    items.into_iter().filter(|item| item.kind == ItemKind::Constant).take(shown).collect()
}

fn items<'a>(tokens: &[Token<'a>]) -> Vec<Item<'a>> {
    let was_cut = tokens.last().is_some_and(|last| last.kind == Kind::Word && last.text == CUT);
    Form::of(tokens, !was_cut)
}

/// Writes the items, numbers the constants, and cuts between two items; with how many constants it shows.
fn render(items: &[Item<'_>]) -> (String, usize) {
    let mut out = String::new();
    let mut chars = 0;
    let mut constants = 0;
    // The longest beginning that leaves room for the mark of a cut, and its constants.
    let mut fits = (0, 0);
    let mut before = None;
    for item in items {
        let start = out.len();
        if !out.is_empty() && (item.gap || clings(before, item)) {
            out.push(' ');
        }
        if item.kind == ItemKind::Constant {
            constants += 1;
            write!(out, "${constants}").expect("a String takes everything");
        } else {
            push_visible(&mut out, item.text, Text::MAX_CHARS);
        }
        before = Some(item);
        chars += out[start..].chars().count();
        if chars > Text::MAX_CHARS {
            out.truncate(fits.0);
            out.push_str(if out.is_empty() { "" } else { " " });
            out.push_str(CUT);
            return (out, fits.1);
        }
        if chars + 2 <= Text::MAX_CHARS {
            fits = (out.len(), constants);
        }
    }
    (out, constants)
}

/// Whether a constant and its neighbour would read as one token without space between them.
fn clings(before: Option<&Item<'_>>, item: &Item<'_>) -> bool {
    let Some(before) = before else { return false };
    match (before.kind, item.kind) {
        (ItemKind::Constant | ItemKind::Word, ItemKind::Constant) | (ItemKind::Constant, ItemKind::Word) => {
            true
        }
        (ItemKind::Other, ItemKind::Constant) => before.text == "$",
        (ItemKind::Constant, ItemKind::Other) => item.text == "$",
        _ => false,
    }
}

/// Appends `text` with everything invisible or deceptive as `\u{..}`, and stops some way after
/// `max_chars`.
pub(super) fn push_visible(out: &mut String, text: &str, max_chars: usize) {
    for c in text.chars().take(max_chars.saturating_add(1)) {
        if is_visible(c) {
            out.push(c);
        } else {
            write!(out, "\\u{{{:x}}}", u32::from(c)).expect("a String takes everything");
        }
    }
}

/// Whether a character shows as itself: no control, no space but the plain one, nothing of no width and
/// nothing that reorders its neighbours.
fn is_visible(c: char) -> bool {
    match c {
        ' ' => true,
        // soft hyphen; Arabic letter mark; Hangul fillers; Khmer inherent vowels; Mongolian selectors
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' => false,
        '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{ffa0}' => false,
        // zero width, direction marks, embeddings, isolates, invisible operators
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => false,
        // variation selectors, byte order mark, interlinear marks
        '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' => false,
        // shorthand and musical format controls, tags and further selectors
        '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => false,
        _ => !c.is_control() && !c.is_whitespace(),
    }
}
