//! One table of a plan's file, read by its keys.
//!
//! Owns how values are typed: what is not of the type a key takes is told with its place, and read as absent. Knows no
//! key by itself: those are in `keys`.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::faults::{Faults, hinted};
use super::keys::{REQUIRED, Table};
use crate::engine::duration::duration_ms;

/// A text of the file, and where it is.
#[derive(Debug, Clone)]
pub(super) struct Text {
    /// What it says.
    pub text: String,
    /// The byte of the file where its value begins.
    pub at: usize,
    /// The byte of the file where what it says begins, when it stands there as it is: without escapes.
    verbatim: Option<usize>,
}

impl Text {
    /// The whole text of a file.
    pub(super) fn file(text: &str) -> Text {
        Text { text: text.to_owned(), at: 0, verbatim: Some(0) }
    }

    fn of(file: &str, value: &Spanned<DeValue<'_>>) -> Option<Text> {
        let text = value.get_ref().as_str()?.to_owned();
        let span = value.span();
        let raw = file.get(span.clone()).unwrap_or_default();
        let mark = raw.len() - raw.trim_start_matches(if raw.starts_with('"') { '"' } else { '\'' }).len();
        let mark = mark.min(if raw.starts_with("\"\"\"") || raw.starts_with("'''") { 3 } else { 1 });
        let mut inside = span.start + mark;
        if mark == 3 {
            let rest = &file[inside..];
            inside += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
        }
        let verbatim = file.get(inside..).is_some_and(|rest| rest.starts_with(&text)).then_some(inside);
        Some(Text { text, at: span.start, verbatim })
    }

    /// What it says from a byte of it on.
    pub(super) fn from(&self, offset: usize) -> Text {
        Text {
            text: self.text[offset..].to_owned(),
            at: self.at,
            verbatim: self.verbatim.map(|inside| inside + offset),
        }
    }

    /// The byte of the file that is this byte of the text, as near as can be told.
    pub(super) fn byte(&self, offset: usize) -> usize {
        self.verbatim.map_or(self.at, |inside| inside + offset)
    }
}

/// A table of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section<'a> {
    /// Where it begins.
    pub at: usize,
    table: &'a DeTable<'a>,
    spec: &'static Table,
    faults: &'a Faults<'a>,
}

impl<'a> Section<'a> {
    /// A table of this kind. Keys that are not known and keys that are missing are told here.
    pub(super) fn new(
        table: &'a DeTable<'a>,
        at: usize,
        spec: &'static Table,
        faults: &'a Faults<'a>,
    ) -> Section<'a> {
        let head = spec.head;
        for (key, _) in table {
            let name = key.get_ref().as_ref();
            if spec.keys.iter().all(|known| known.name != name) {
                let known: Vec<&str> = spec.names().collect();
                let why = format!("unknown key `{name}` in {head}: there are {}", known.join(", "));
                faults.at(key.span().start, hinted(why, name, known));
            }
        }
        let section = Section { at, table, spec, faults };
        for key in spec.keys.iter().filter(|key| key.default == REQUIRED) {
            if section.value(key.name).is_none() {
                faults.at(at, format!("{head} has no `{}`: {}", key.name, key.meaning));
            }
        }
        section
    }

    fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        debug_assert!(self.spec.names().any(|name| name == key), "{key} is in the table of keys");
        self.table.iter().find(|(name, _)| name.get_ref().as_ref() == key).map(|(_, value)| value)
    }

    fn wrong<T>(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) -> Option<T> {
        let kind = value.get_ref().type_str();
        self.faults.at(value.span().start, format!("`{key}` is {wanted}; here it is of type {kind}"));
        None
    }

    /// Whether the key is there, and where its value begins.
    pub(super) fn place(&self, key: &str) -> Option<usize> {
        self.value(key).map(|value| value.span().start)
    }

    /// A text, which is not empty.
    pub(super) fn text(&self, key: &str) -> Option<Text> {
        let value = self.value(key)?;
        let Some(text) = Text::of(self.faults.text(), value) else {
            return self.wrong(key, value, "a text in quotes");
        };
        if text.text.trim().is_empty() {
            self.faults.at(text.at, format!("`{key}` is empty"));
            return None;
        }
        Some(text)
    }

    /// A date or a time, as TOML or as a text.
    pub(super) fn moment(&self, key: &str) -> Option<Text> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Datetime(moment) => {
                Some(Text { text: moment.to_string(), at: value.span().start, verbatim: None })
            }
            _ => self.text(key),
        }
    }

    /// A duration, in milliseconds.
    pub(super) fn duration(&self, key: &str) -> Option<u64> {
        self.as_duration(key, self.value(key)?)
    }

    fn as_duration(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<u64> {
        let Some(text) = value.get_ref().as_str() else {
            return self.wrong(key, value, "a duration in quotes, such as \"500ms\" or \"2h\"");
        };
        match duration_ms(text) {
            Ok(0) => {
                self.faults.at(value.span().start, format!("`{key}` is no time at all: leave it out"));
                None
            }
            Ok(ms) => Some(ms),
            Err(why) => {
                self.faults.at(value.span().start, format!("`{key}`: {why}"));
                None
            }
        }
    }

    /// Durations, at least one, in milliseconds.
    pub(super) fn durations(&self, key: &str) -> Option<Vec<u64>> {
        let value = self.value(key)?;
        match value.get_ref().as_array() {
            Some(list) if !list.is_empty() => {
                Some(list.iter().filter_map(|value| self.as_duration(key, value)).collect())
            }
            _ => self.wrong(key, value, "a list of durations, such as [\"100ms\", \"250ms\"]"),
        }
    }

    /// A whole number from `least` to `most`.
    pub(super) fn number(&self, key: &str, least: u64, most: u64) -> Option<u64> {
        let value = self.value(key)?;
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok())
            .filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.faults.at(value.span().start, format!("`{key}` is a whole number from {least} to {most}"));
        }
        number
    }

    /// True or false.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        let value = self.value(key)?;
        value.get_ref().as_bool().or_else(|| self.wrong(key, value, "true or false, without quotes"))
    }

    /// Texts, at least one.
    pub(super) fn texts(&self, key: &str) -> Option<Vec<Text>> {
        let value = self.value(key)?;
        let texts = value.get_ref().as_array().and_then(|list| {
            list.iter().map(|value| Text::of(self.faults.text(), value)).collect::<Option<Vec<_>>>()
        });
        match texts {
            Some(texts) if !texts.is_empty() => Some(texts),
            _ => self.wrong(key, value, "a list of texts, such as [\"one\", \"two\"]"),
        }
    }

    /// Whether the key's value is a table.
    pub(super) fn is_table(&self, key: &str) -> bool {
        self.value(key).is_some_and(|value| value.get_ref().is_table())
    }

    /// A table whose keys are no keys of a plan.
    pub(super) fn free_table(&self, key: &str) -> Option<&'a DeTable<'a>> {
        let value = self.value(key)?;
        value.get_ref().as_table().or_else(|| self.wrong(key, value, "a table"))
    }

    /// A table within this one.
    pub(super) fn section(&self, key: &str, spec: &'static Table) -> Option<Section<'a>> {
        let value = self.value(key)?;
        let Some(table) = value.get_ref().as_table() else {
            let example = spec.keys.first().map_or("", |key| key.name);
            return self.wrong(key, value, &format!("a table, such as {{ {example} = .. }}"));
        };
        Some(Section::new(table, value.span().start, spec, self.faults))
    }

    /// The tables of a list.
    pub(super) fn sections(&self, key: &str, spec: &'static Table) -> Vec<Section<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            let wanted = format!("a list of tables: write [[{key}]], or {key} = [{{ .. }}]");
            self.wrong::<()>(key, value, &wanted);
            return Vec::new();
        };
        if list.is_empty() {
            self.faults.at(value.span().start, format!("`{key}` is an empty list: leave it out, or fill it"));
        }
        let tables = list.iter().filter_map(|value| match value.get_ref().as_table() {
            Some(table) => Some(Section::new(table, value.span().start, spec, self.faults)),
            None => self.wrong(key, value, "a list of tables"),
        });
        tables.collect()
    }
}
