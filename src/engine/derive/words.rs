//! Amounts for people, and names and texts as PostgreSQL would read them back.
//!
//! Owns how numbers look: integers only, cut off rather than rounded, so that a figure never says more than was
//! measured. Owns the quoting of identifiers and literals; what is quoted here holds no control characters.

use crate::engine::guard::seconds;

#[cfg(test)]
mod tests;

/// An amount of bytes by powers of 1024, as `pg_size_pretty` counts: `512 B`, `9.7 MB`, `134 MB`.
pub fn bytes(amount: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if amount < 1_024 {
        return format!("{amount} B");
    }
    let mut unit = 0;
    let mut scale = 1_024_u64;
    while unit + 1 < UNITS.len() && amount / scale >= 1_024 {
        scale = scale.saturating_mul(1_024);
        unit += 1;
    }
    scaled(amount, scale, UNITS[unit])
}

/// A number for people: `9999`, `12 k`, `3.4 M`.
pub fn count(number: u64) -> String {
    match number {
        0..=9_999 => number.to_string(),
        10_000..=999_999 => format!("{} k", number / 1_000),
        1_000_000..=999_999_999 => scaled(number, 1_000_000, "M"),
        _ => scaled(number, 1_000_000_000, "G"),
    }
}

/// How long ago something was: `4.0 s ago`.
pub fn ago(ms: u64) -> String {
    format!("{} ago", seconds(ms))
}

/// A number with its noun: `1 session`, `3 sessions`.
pub fn plural(number: u64, noun: &str) -> String {
    let ending = match (number, noun.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{number} {noun}{ending}")
}

/// One decimal below ten, none above.
fn scaled(amount: u64, scale: u64, unit: &str) -> String {
    let whole = amount / scale;
    if whole >= 10 {
        return format!("{whole} {unit}");
    }
    let tenths = u128::from(amount % scale) * 10 / u128::from(scale);
    format!("{whole}.{tenths} {unit}")
}

/// An identifier, quoted where PostgreSQL's `quote_ident` quotes it. One with characters that a terminal must
/// not see is written as `U&"\000A"`.
pub fn quote_ident(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    if starts && name.chars().all(plain) && !is_keyword(name) {
        return name.to_owned();
    }
    if !name.chars().any(is_unseen) {
        return format!("\"{}\"", name.replace('"', "\"\""));
    }
    let mut quoted = String::from("U&\"");
    for c in name.chars() {
        match c {
            '"' => quoted.push_str("\"\""),
            '\\' => quoted.push_str("\\\\"),
            c if is_unseen(c) => quoted.push_str(&format!("\\{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A string constant that means the same whatever `standard_conforming_strings` is.
pub fn quote_literal(value: &str) -> String {
    let escapes = value.contains('\\') || value.chars().any(is_unseen);
    let mut quoted = String::from(if escapes { "E'" } else { "'" });
    for c in value.chars() {
        match c {
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str("\\\\"),
            c if is_unseen(c) => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// The parts of a name as it is written in a statement, folded as PostgreSQL folds them: `s."T"` is `s`, `T`.
/// `None` for what is no name.
pub fn name_parts(written: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = written.trim();
    loop {
        let (part, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_part(quoted)?,
            None => {
                let end = rest.find('.').unwrap_or(rest.len());
                let part = rest[..end].trim();
                let is_name =
                    part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii());
                if part.is_empty() || !is_name {
                    return None;
                }
                // PostgreSQL folds ASCII only, whatever the locale, in a multi-byte encoding.
                (part.to_ascii_lowercase(), &rest[end..])
            }
        };
        parts.push(part);
        let after = after.trim_start();
        if after.is_empty() {
            return Some(parts);
        }
        rest = after.strip_prefix('.')?.trim_start();
    }
}

/// A name of several parts, each quoted where it must be.
pub fn quote_name<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    parts.into_iter().map(quote_ident).collect::<Vec<_>>().join(".")
}

fn quoted_part(quoted: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c != '"' {
            part.push(c);
        } else if chars.next_if(|(_, next)| *next == '"').is_some() {
            part.push('"');
        } else {
            return (!part.is_empty()).then(|| (part, &quoted[at + 1..]));
        }
    }
    None
}

/// Characters that move a cursor, show nothing, or turn the direction of writing.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn is_keyword(name: &str) -> bool {
    KEYWORDS.split_ascii_whitespace().any(|keyword| keyword == name)
}

/// PostgreSQL's keywords that are not unreserved, of 14 to 18 together.
const KEYWORDS: &str = "all analyse analyze and any array as asc asymmetric authorization between bigint \
    binary bit boolean both case cast char character check coalesce collate collation column concurrently \
    constraint create cross current_catalog current_date current_role current_schema current_time \
    current_timestamp current_user dec decimal default deferrable desc distinct do else end except exists \
    extract false fetch float for foreign freeze from full grant greatest group grouping having ilike in \
    initially inner inout int integer intersect interval into is isnull join json json_array json_arrayagg \
    json_exists json_object json_objectagg json_query json_scalar json_serialize json_table json_value lateral \
    leading least left like limit localtime localtimestamp merge_action national natural nchar none normalize \
    not notnull null nullif numeric offset on only or order out outer overlaps overlay placing position \
    precision primary real references returning right row select session_user setof similar smallint some \
    substring symmetric system_user table tablesample then time timestamp to trailing treat trim true union \
    unique user using values varchar variadic verbose when where window with xmlattributes xmlconcat \
    xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable";
