//! Texts made safe for cells: nothing invisible, nothing that steers a terminal, exact widths.
//!
//! Owns what a text from outside looks like in a cell and how it is cut. Never decides what is shown.
//!
//! Widths are those of [`ratatui`]'s buffer, so that what is measured here is what lies there. Everything that
//! cuts or measures cleans first; nobody has to remember to.

use std::borrow::Cow;
use std::iter::repeat_n;

use ratatui::buffer::CellWidth;
use unicode_segmentation::UnicodeSegmentation;

use super::glyphs::Glyphs;

/// Marks over one letter beyond these are escaped: a pile of them is drawn over the neighbouring lines.
const MOST_MARKS: usize = 4;

/// `text` with everything invisible or steering made visible as `\u{..}`; line ends and tabs are a space.
///
/// What is made visible: control characters, direction marks, overrides and isolates, zero-width characters,
/// variation selectors, tags, marks without a letter. Cleaning twice changes nothing more.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let visible = escape_characters(text);
    match escape_graphemes(&visible) {
        Some(clean) => Cow::Owned(clean),
        None => visible,
    }
}

/// Columns that `text` takes once it is cleaned.
pub fn width(text: &str) -> usize {
    columns(&clean(text))
}

/// `text` in exactly `columns` columns: cut at the right with an ellipsis, or filled with spaces.
pub fn fit(text: &str, columns: usize, glyphs: &Glyphs) -> String {
    let mut fitted = truncate(text, columns, glyphs);
    pad(&mut fitted, columns);
    fitted
}

/// `text` in exactly `columns` columns, at the right edge: for numbers. What is too long is cut as by [`fit`].
pub fn fit_right(text: &str, columns: usize, glyphs: &Glyphs) -> String {
    let cut = truncate(text, columns, glyphs);
    let mut fitted = spaces(columns.saturating_sub(self::columns(&cut)));
    fitted.push_str(&cut);
    fitted
}

/// `text` in exactly `columns` columns, cut in the middle: for names whose end tells them apart.
pub fn middle(text: &str, columns: usize, glyphs: &Glyphs) -> String {
    let text = clean(text);
    if self::columns(&text) <= columns {
        return fit(&text, columns, glyphs);
    }
    let room = columns.saturating_sub(width(glyphs.ellipsis));
    let mut fitted = head(&text, room.div_ceil(2)).to_owned();
    if columns > room {
        fitted.push_str(glyphs.ellipsis);
    }
    let tail = tail(&text, columns.saturating_sub(self::columns(&fitted)));
    fitted.push_str(tail);
    pad(&mut fitted, columns);
    fitted
}

/// `text` in at most `columns` columns: cut at the right with an ellipsis, not filled.
pub fn truncate(text: &str, columns: usize, glyphs: &Glyphs) -> String {
    let text = clean(text);
    if self::columns(&text) <= columns {
        return text.into_owned();
    }
    let Some(room) = columns.checked_sub(width(glyphs.ellipsis)) else { return String::new() };
    let mut cut = head(&text, room).to_owned();
    cut.push_str(glyphs.ellipsis);
    cut
}

/// `text` in lines of at most `columns` columns: broken at its own line ends, at spaces, and inside words that
/// are longer than a line. A grapheme wider than a line is shown as `?`. No line when there is no column.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    if columns == 0 {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let paragraph = clean(paragraph.strip_suffix('\r').unwrap_or(paragraph));
        let mut line = String::new();
        let mut used = 0;
        for word in words(&paragraph) {
            let wide = self::columns(word);
            if used > 0 && used + 1 + wide <= columns {
                line.push(' ');
                used += 1;
            } else if used > 0 {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            for grapheme in word.graphemes(true) {
                let (grapheme, wide) = match usize::from(grapheme.cell_width()) {
                    wide if wide <= columns => (grapheme, wide),
                    _ => ("?", 1),
                };
                if used + wide > columns {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push_str(grapheme);
                used += wide;
            }
        }
        lines.push(line);
    }
    lines
}

/// The words of a line, where a number and its unit are one.
fn words(line: &str) -> impl Iterator<Item = &str> {
    const UNITS: [&str; 9] = ["s", "s;", "s,", "s:", "s)", "ms", "%", "kB", "MB"];
    let mut rest = line.trim_start_matches(' ');
    std::iter::from_fn(move || {
        let end = |text: &str| text.find(' ').unwrap_or(text.len());
        let mut cut = end(rest);
        if let Some(after) = rest[cut..].strip_prefix(' ')
            && rest[..cut].ends_with(|c: char| c.is_ascii_digit())
            && UNITS.contains(&&after[..end(after)])
        {
            cut += 1 + end(after);
        }
        let word = &rest[..cut];
        rest = rest[cut..].trim_start_matches(' ');
        (!word.is_empty()).then_some(word)
    })
}

/// Columns of a text that is clean.
fn columns(text: &str) -> usize {
    text.graphemes(true).map(|grapheme| usize::from(grapheme.cell_width())).sum()
}

/// The longest beginning of a clean text that fits.
fn head(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let end = text.grapheme_indices(true).find(|(_, grapheme)| {
        used += usize::from(grapheme.cell_width());
        used > columns
    });
    end.map_or(text, |(at, _)| &text[..at])
}

/// The longest end of a clean text that fits.
fn tail(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let mut start = text.len();
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += usize::from(grapheme.cell_width());
        if used > columns {
            break;
        }
        start = at;
    }
    &text[start..]
}

fn pad(text: &mut String, columns: usize) {
    let missing = columns.saturating_sub(self::columns(text));
    text.extend(repeat_n(' ', missing));
}

fn spaces(columns: usize) -> String {
    repeat_n(' ', columns).collect()
}

/// Each character that is never shown as it is, shown.
fn escape_characters(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut visible = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' | '\t' => visible.push(' '),
            unseen if is_unseen(unseen) => visible.extend(unseen.escape_unicode()),
            seen => visible.push(seen),
        }
    }
    Cow::Owned(visible)
}

/// Each grapheme that takes no column, and each mark too many or on a space, shown; nothing when there is none.
fn escape_graphemes(text: &str) -> Option<String> {
    let room = |grapheme: &str| match grapheme.cell_width() {
        0 => 0,
        _ if grapheme.starts_with(' ') => 1,
        _ => 1 + MOST_MARKS,
    };
    // What begins with a mark would join whatever is written before it.
    let joins = |grapheme: &str| [" ", grapheme].concat().graphemes(true).nth(1).is_none();
    let leads = text.graphemes(true).next().is_some_and(joins);
    let fits = |grapheme: &str| grapheme.chars().nth(room(grapheme)).is_none();
    if !leads && text.graphemes(true).all(fits) {
        return None;
    }
    let mut visible = String::with_capacity(text.len() + 16);
    for (index, grapheme) in text.graphemes(true).enumerate() {
        let leads = leads && index == 0;
        if fits(grapheme) && !leads {
            visible.push_str(grapheme);
            continue;
        }
        let kept = if leads { 0 } else { room(grapheme) };
        visible.extend(grapheme.chars().take(kept));
        visible.extend(grapheme.chars().skip(kept).flat_map(char::escape_unicode));
    }
    Some(visible)
}

/// Whether a character has no picture of its own, or moves others.
///
/// Selectors and joiners are among them although emoji use them: terminals disagree on their widths, and two
/// names that differ must not look the same.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests;
