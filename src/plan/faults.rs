//! What is wrong with a plan, and where.
//!
//! Owns the sentence `file:line:column: what`. Everything that is wrong is collected before anything is said, so that
//! a plan is corrected once.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use super::PlanError;
use crate::engine::near::is_near;

/// What is wrong with one file, so far.
#[derive(Debug)]
pub(super) struct Faults<'a> {
    path: &'a Path,
    text: &'a str,
    /// Where its lines begin.
    lines: Vec<usize>,
    found: RefCell<BTreeSet<(Option<usize>, String)>>,
}

impl<'a> Faults<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str) -> Faults<'a> {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Faults { path, text, lines, found: RefCell::default() }
    }

    /// The file's text.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Something is wrong at a byte of the file.
    pub(super) fn at(&self, byte: usize, why: impl Into<String>) {
        self.found.borrow_mut().insert((Some(byte), why.into()));
    }

    /// Something is wrong with what was given beside the file.
    pub(super) fn beside(&self, why: impl Into<String>) {
        self.found.borrow_mut().insert((None, why.into()));
    }

    /// The line of a byte of the file, from 1.
    pub(super) fn line(&self, byte: usize) -> u32 {
        u32::try_from(self.place(byte).0).unwrap_or(u32::MAX)
    }

    /// Line and column of a byte of the file, both from 1; columns are characters.
    fn place(&self, byte: usize) -> (usize, usize) {
        let byte = self.text.floor_char_boundary(byte);
        let line = self.lines.partition_point(|begin| *begin <= byte);
        let begin = self.lines[line.saturating_sub(1)];
        (line, self.text[begin..byte].chars().count() + 1)
    }

    /// `value`, if nothing is wrong.
    pub(super) fn judge<T>(self, value: Option<T>) -> Result<T, PlanError> {
        let path = self.path.display();
        let mut said: Vec<String> = Vec::new();
        for (byte, why) in &*self.found.borrow() {
            said.push(match byte.map(|byte| self.place(byte)) {
                Some((line, column)) => format!("{path}:{line}:{column}: {why}"),
                None => format!("{path}: {why}"),
            });
        }
        match value {
            Some(value) if said.is_empty() => Ok(value),
            _ if said.is_empty() => Err(PlanError(vec![format!("{path}: this plan cannot be read")])),
            _ => Err(PlanError(said)),
        }
    }
}

/// `why`, and the word that was probably meant.
pub(super) fn hinted<'k>(mut why: String, word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    if let Some(near) = known.into_iter().find(|known| is_near(word, known)) {
        why.push_str(&format!("; did you mean `{near}`?"));
    }
    why
}
