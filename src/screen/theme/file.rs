//! A theme file, read and checked.
//!
//! Owns the format: `inherits`, `background`, `[palette]` and `[styles]`. Whatever it does not know is an error
//! that says what was probably meant. Never decides what a meaning without a style looks like.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier};
use toml::{Table, Value};

use super::colour::{ANSI, ANSI_NAMES};
use super::meaning::Meaning;

/// Whether the ground is dark or light, where a theme leaves it to the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    /// Light text on a dark ground.
    Dark,
    /// Dark text on a light ground.
    Light,
}

/// One file as it stands, before it inherits.
#[derive(Debug, Clone, Default)]
pub(super) struct File {
    pub(super) inherits: Option<String>,
    pub(super) background: Option<Background>,
    pub(super) palette: BTreeMap<String, Color>,
    pub(super) styles: BTreeMap<String, RawStyle>,
}

/// A style whose colours are still words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct RawStyle {
    pub(super) fg: Option<RawColour>,
    pub(super) bg: Option<RawColour>,
    pub(super) modifier: Modifier,
}

/// A colour: one that is known, or a name of the palette, which a heir may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RawColour {
    Plain(Color),
    Named(String),
}

const MODIFIERS: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
];

/// The file of `text`.
///
/// # Errors
///
/// The first thing in it that has no meaning, as a sentence.
pub(super) fn parse(text: &str) -> Result<File, String> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let mut file = File::default();
    for (key, value) in table {
        match (key.as_str(), value) {
            ("inherits", Value::String(name)) => file.inherits = Some(name),
            ("background", Value::String(name)) => file.background = Some(background(&name)?),
            ("palette", Value::Table(table)) => {
                for (name, value) in table {
                    let colour = literal(&value).ok_or_else(|| {
                        let names = ANSI_NAMES.into_iter().chain(["default"]);
                        let hint = value.as_str().and_then(|word| hint(word, names)).unwrap_or_default();
                        format!("palette: `{name}` is no colour: {}{hint}; {COLOURS}", told(&value))
                    })?;
                    file.palette.insert(name, colour);
                }
            }
            ("styles", Value::Table(table)) => {
                for (scope, value) in table {
                    if !Meaning::is_scope(&scope) {
                        let hint = hint(&scope, Meaning::scopes()).unwrap_or_default();
                        return Err(format!("styles: nothing is called `{scope}`{hint}"));
                    }
                    let style = style(&scope, &value)?;
                    file.styles.insert(scope, style);
                }
            }
            ("inherits" | "background", _) => return Err(format!("`{key}` must be a text in quotes")),
            ("palette" | "styles", _) => return Err(format!("`{key}` must be a table")),
            (key, _) => {
                let hint = hint(key, ["inherits", "background", "palette", "styles"]).unwrap_or_default();
                return Err(format!("unknown key `{key}`{hint}"));
            }
        }
    }
    Ok(file)
}

/// The colour of a name of the palette or of ANSI, as a sentence when there is none.
pub(super) fn look_up(name: &str, palette: &BTreeMap<String, Color>) -> Result<Color, String> {
    if let Some(colour) = palette.get(name) {
        return Ok(*colour);
    }
    if let Some(colour) = named(name) {
        return Ok(colour);
    }
    let known = palette.keys().map(String::as_str).chain(ANSI_NAMES).chain(["default"]);
    let hint = hint(name, known).unwrap_or_default();
    Err(format!("no colour is called `{name}`{hint}; {COLOURS}, or a name of [palette]"))
}

/// ` (did you mean ..?)` with the known word nearest to `word`, when one is near.
pub(super) fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let far = 1 + word.chars().count() / 4;
    let near = known.into_iter().map(|known| (slips(word, known), known)).min()?;
    (near.0 <= far).then(|| format!(" (did you mean `{}`?)", near.1))
}

const COLOURS: &str = "a colour is \"#rrggbb\", an ANSI name such as \"red\" or \"bright-red\", or 0 to 255";

fn background(name: &str) -> Result<Background, String> {
    match name {
        "dark" => Ok(Background::Dark),
        "light" => Ok(Background::Light),
        other => Err(format!("`background` is \"dark\" or \"light\", not {other:?}")),
    }
}

fn style(scope: &str, value: &Value) -> Result<RawStyle, String> {
    let Value::Table(table) = value else {
        return Ok(RawStyle { fg: Some(colour(scope, value)?), ..RawStyle::default() });
    };
    let mut style = RawStyle::default();
    for (key, value) in table {
        match key.as_str() {
            "fg" => style.fg = Some(colour(scope, value)?),
            "bg" => style.bg = Some(colour(scope, value)?),
            word => {
                let Some((_, modifier)) = MODIFIERS.into_iter().find(|(name, _)| *name == word) else {
                    let dotted = format!("{scope}.{word}");
                    if Meaning::is_scope(&dotted) {
                        return Err(format!("styles: write \"{dotted}\" in quotes"));
                    }
                    let known = ["fg", "bg"].into_iter().chain(MODIFIERS.into_iter().map(|(name, _)| name));
                    let hint = hint(word, known).unwrap_or_default();
                    return Err(format!("styles: `{scope}` has no attribute `{word}`{hint}"));
                };
                match value {
                    Value::Boolean(on) => style.modifier.set(modifier, *on),
                    other => {
                        return Err(format!(
                            "styles: `{word}` of `{scope}` is true or false, not {}",
                            told(other)
                        ));
                    }
                }
            }
        }
    }
    Ok(style)
}

fn colour(scope: &str, value: &Value) -> Result<RawColour, String> {
    match (literal(value), value) {
        // Even ANSI names: a palette may have its own red.
        (_, Value::String(name)) if !name.starts_with('#') => Ok(RawColour::Named(name.clone())),
        (Some(colour), _) => Ok(RawColour::Plain(colour)),
        (None, other) => Err(format!("styles: `{scope}` has no such colour: {}; {COLOURS}", told(other))),
    }
}

/// A colour that needs no palette.
fn literal(value: &Value) -> Option<Color> {
    match value {
        Value::Integer(index) => {
            let index = u8::try_from(*index).ok()?;
            Some(ANSI.get(usize::from(index)).copied().unwrap_or(Color::Indexed(index)))
        }
        Value::String(word) => match word.strip_prefix('#') {
            Some(digits) if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
                Some(Color::Rgb(red, green, blue))
            }
            Some(_) => None,
            None => named(word),
        },
        _ => None,
    }
}

fn named(word: &str) -> Option<Color> {
    match ANSI_NAMES.iter().position(|name| *name == word) {
        Some(at) => Some(ANSI[at]),
        None => (word == "default").then_some(Color::Reset),
    }
}

/// A value in a sentence.
fn told(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(on) => on.to_string(),
        other => format!("a value of type {}", other.type_str()),
    }
}

/// Letters to insert, leave out or replace, and neighbours to swap, that make one word the other.
fn slips(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let same = usize::from(one[i - 1] != other[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + same);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}
