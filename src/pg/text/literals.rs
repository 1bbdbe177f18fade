//! What the constants of a form stand for, where somebody chose to keep that.
//!
//! Owns how much of a value is kept and how that is marked, and the way back into the form. Keeps no comment, and
//! nothing of what the lexer left unread.

use super::form::Item;
use super::lexer::{self, Kind};
use super::normalise;
use super::{MAX_RAW_BYTES, NOT_A_TEXT};

/// Longest value that is kept, in bytes.
const MAX_VALUE_BYTES: usize = 1_024;
/// Most that is kept of the values of one text, in bytes.
const MAX_TEXT_BYTES: usize = 8 * 1_024;
/// Stands for a value when the others have used up the room.
const NO_ROOM: &str = "…(not kept: too much in one statement)";

/// What `$1`, `$2`, .. in the form of `raw` stand for, as they were written; `None` where that is not known: for
/// parameters, and where the text could not be read. Lists that the form collapses are left out.
pub(super) fn of(raw: &str, truncated: bool) -> Vec<Option<String>> {
    if NOT_A_TEXT.contains(&raw) {
        return Vec::new();
    }
    let start = &raw[..raw.floor_char_boundary(MAX_RAW_BYTES)];
    let tokens = lexer::tokens(start, truncated || start.len() < raw.len());
    let is_open = tokens.last().is_some_and(|last| last.kind == Kind::OpenLiteral);
    let mut room = MAX_TEXT_BYTES;
    let mut values: Vec<_> =
        normalise::constants(&tokens).iter().map(|constant| value(constant, &mut room)).collect();
    // Only the last token of a text can be open.
    if is_open && let Some(Some(last)) = values.last_mut() {
        last.push('…');
    }
    values
}

/// A form with its values in the place of `$1`, `$2`, ..
pub fn put_back(form: &str, values: &[Option<String>]) -> String {
    let mut out = String::new();
    let mut values = values.iter();
    for token in lexer::tokens(form, false) {
        let value = if token.kind == Kind::Param { values.next() } else { None };
        out.push_str(value.and_then(Option::as_deref).unwrap_or(token.text));
    }
    out
}

/// What is kept of one value, at most `room` bytes of it.
fn value(constant: &Item<'_>, room: &mut usize) -> Option<String> {
    if constant.text.is_empty() {
        return None;
    }
    let mut value = if constant.minus { "-".to_owned() } else { String::new() };
    value.push_str(&without_comments(constant.text));
    let bytes = value.len();
    let kept = value.floor_char_boundary(MAX_VALUE_BYTES.min(*room));
    *room -= kept;
    if kept == 0 {
        return Some(NO_ROOM.to_owned());
    }
    if kept < bytes {
        value.truncate(kept);
        value.push_str(&format!("…(cut: {kept} of {bytes} bytes)"));
    }
    Some(value)
}

/// A string that goes on on further lines, without what stands between its parts.
fn without_comments(text: &str) -> String {
    let quoted = text.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '&');
    if !quoted.starts_with('\'') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = String::new();
    let (mut from, mut at) = (0, text.len() - quoted.len() + 1);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"''") {
            at += 2;
            continue;
        }
        at += 1;
        if bytes[at - 1] == b'\''
            && let Some(skip) = lexer::continuation(&bytes[at..])
        {
            out.push_str(&text[from..at]);
            out.push_str(" '");
            at += skip;
            from = at;
        }
    }
    out.push_str(&text[from..]);
    out
}
