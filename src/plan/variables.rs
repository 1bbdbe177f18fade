//! Variables in SQL: `${name}`, `${name:ident}`, `${name:literal}`.
//!
//! Owns what a value may be where, so that none can become more than a word, a name or a string; and which of the
//! variables are there. `${item}` and `${item:literal}` are not touched: they stand for the item at hand. A fault names
//! the variable, never its value.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use toml::de::{DeTable, DeValue};

use super::faults::{Faults, hinted};
use super::section::Text;
use crate::pg::text::script::{Within, parts};

/// The name that stands for the item at hand.
pub(super) const ITEM: &str = "item";

/// What stands for a value that cannot be used, so that the rest is read all the same.
const STAND_IN: &str = "x";

/// The variables of a plan.
#[derive(Debug, Default)]
pub(super) struct Variables {
    /// Those that are declared, with their places and values.
    declared: BTreeMap<String, (Option<usize>, Option<String>)>,
    used: RefCell<BTreeSet<String>>,
}

/// SQL in which variables have their values.
#[derive(Debug, Clone)]
pub(super) struct Expanded {
    /// The SQL.
    pub sql: String,
    source: Text,
    /// Where a copied stretch begins: in the SQL, and in the source.
    marks: Vec<(usize, usize)>,
    /// It names the item at hand.
    pub names_item: bool,
}

impl Expanded {
    /// The byte of the file for a byte of the SQL.
    pub(super) fn byte(&self, offset: usize) -> usize {
        let mark = self.marks.iter().rev().find(|(out, _)| *out <= offset);
        let (out, source) = mark.copied().unwrap_or_default();
        self.source.byte(source + (offset - out))
    }
}

impl Variables {
    /// Those declared in `[vars]`, with the values of the command line over the defaults.
    pub(super) fn of(
        vars: Option<&DeTable<'_>>,
        given: &[(String, String)],
        faults: &Faults<'_>,
    ) -> Variables {
        let mut declared = BTreeMap::new();
        for (name, value) in vars.into_iter().flatten() {
            let at = name.span().start;
            let name = name.get_ref().as_ref();
            if !is_name(name) || name == ITEM {
                faults.at(
                    at,
                    format!("`{name}` cannot be a variable: use letters, digits and _, and not `{ITEM}`"),
                );
                continue;
            }
            let default = match value.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
                DeValue::Table(table) if table.is_empty() => None,
                _ => {
                    let why = format!("`{name}` is a text or a whole number, its default; or {{}} for none");
                    faults.at(value.span().start, why);
                    continue;
                }
            };
            declared.insert(name.to_owned(), (Some(at), default));
        }
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for (name, value) in given {
            if !seen.insert(name) {
                faults.beside(format!("--set {name}: it is given twice"));
            }
            let known: Vec<&str> = declared.keys().map(String::as_str).collect();
            if known.contains(&name.as_str()) {
                declared.entry(name.clone()).and_modify(|(_, known)| *known = Some(value.clone()));
            } else {
                let why = match known.len() {
                    0 => format!("--set {name}: the plan has no variables under [vars]"),
                    _ => format!("--set {name}: the plan has no such variable; it has {}", known.join(", ")),
                };
                faults.beside(hinted(why, name, known));
            }
        }
        for (name, (at, value)) in &declared {
            if let (Some(at), None) = (at, value) {
                faults.at(*at, format!("the variable `{name}` has no value: give it by --set {name}=.."));
            }
        }
        Variables { declared, used: RefCell::default() }
    }

    /// Those given on the command line, for a file that cannot declare any.
    pub(super) fn given(given: &[(String, String)]) -> Variables {
        let declared = given.iter().map(|(name, value)| (name.clone(), (None, Some(value.clone()))));
        Variables { declared: declared.collect(), used: RefCell::default() }
    }

    /// `source` with their values.
    pub(super) fn expand(&self, source: &Text, faults: &Faults<'_>) -> Expanded {
        let text = &source.text;
        let mut expanded =
            Expanded { sql: String::new(), source: source.clone(), marks: Vec::new(), names_item: false };
        let mut copied = 0;
        for (range, within) in parts(text) {
            if within == Within::Comment {
                continue;
            }
            let delimiter = match within {
                Within::DollarQuote => text[range.start + 1..].find('$').map_or(1, |end| end + 2),
                _ => 0,
            };
            let mut at = range.start + delimiter;
            while let Some(begin) = text[at..range.end].find("${").map(|found| at + found) {
                at = begin + 2;
                let Some(end) = text[at..range.end].find('}').map(|found| at + found) else { break };
                let (name, how) = text[at..end].split_once(':').unwrap_or((&text[at..end], ""));
                if !is_name(name) {
                    continue;
                }
                at = end + 1;
                expanded.names_item |= name == ITEM;
                if name == ITEM && (how == "literal" && within == Within::Plain || how.is_empty()) {
                    continue;
                }
                let value = self.value(name, how, within).unwrap_or_else(|why| {
                    faults.at(source.byte(begin), why);
                    STAND_IN.to_owned()
                });
                expanded.marks.push((expanded.sql.len(), copied));
                expanded.sql += &text[copied..begin];
                expanded.marks.push((expanded.sql.len(), begin));
                expanded.sql += &value;
                copied = at;
            }
        }
        expanded.marks.push((expanded.sql.len(), copied));
        expanded.sql += &text[copied..];
        expanded
    }

    /// The value of a variable as it is to stand in the SQL.
    fn value(&self, name: &str, how: &str, within: Within) -> Result<String, String> {
        let written = if how.is_empty() { format!("${{{name}}}") } else { format!("${{{name}:{how}}}") };
        if name == ITEM {
            return Err(format!(
                "{written}: write ${{item}} for a name, or ${{item:literal}} for a string, outside of quotes"
            ));
        }
        let Some((_, value)) = self.declared.get(name) else {
            let known = self.declared.keys().map(String::as_str);
            return Err(hinted(format!("{written}: no such variable; declare it under [vars]"), name, known));
        };
        self.used.borrow_mut().insert(name.to_owned());
        // That it has none is told where it is declared.
        let Some(value) = value else { return Ok(STAND_IN.to_owned()) };
        if value.contains('\0') {
            return Err(format!("{written}: its value has a zero byte"));
        }
        let quoted = match how {
            "" if is_plain(value) => return Ok(value.clone()),
            "" => {
                return Err(format!(
                    "{written}: its value is neither a number nor a plain word; write ${{{name}:ident}} for a name, \
                     ${{{name}:literal}} for a string"
                ));
            }
            "ident" => format!("\"{}\"", value.replace('"', "\"\"")),
            "literal" => literal(value),
            _ => {
                return Err(format!(
                    "{written}: write ${{{name}}}, ${{{name}:ident}} or ${{{name}:literal}}"
                ));
            }
        };
        match within {
            Within::Plain => Ok(quoted),
            Within::DollarQuote if !value.contains('$') => Ok(quoted),
            Within::DollarQuote => {
                Err(format!("{written}: its value has a dollar sign, which can end the quotes around it"))
            }
            _ => Err(format!("{written} stands in quotes, and brings its own: write it outside of them")),
        }
    }

    /// Tells of variables that nothing uses.
    pub(super) fn judge_use(&self, faults: &Faults<'_>) {
        let used = self.used.borrow();
        for (name, (at, _)) in self.declared.iter().filter(|(name, _)| !used.contains(*name)) {
            match at {
                Some(at) => faults.at(*at, format!("the variable `{name}` is used nowhere: take it out")),
                None => faults.beside(format!("--set {name}: no ${{{name}}} is in the file")),
            }
        }
    }

    /// SHA-256 of a plan's text and their values, in hexadecimal.
    pub(super) fn digest(&self, text: &str) -> String {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        add(text.as_bytes());
        for (name, (_, value)) in &self.declared {
            add(name.as_bytes());
            add(value.as_deref().unwrap_or_default().as_bytes());
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A string of SQL, whatever `standard_conforming_strings` says.
pub(super) fn literal(value: &str) -> String {
    let quoted = value.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

/// Whether a text can be the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether a value is one word or one number, whatever stands around it.
fn is_plain(value: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_name(value)
        || is_number(value)
        || value.split_once('.').is_some_and(|(whole, rest)| is_number(whole) && is_number(rest))
}
