//! Texts of a sample: digested, and where that is wanted, with their literals.
//!
//! Owns which statements are new since the last sample. Keeps no raw text and no literal.

use std::collections::BTreeMap;

use super::rows::RawText;
use crate::engine::ids::{BackendId, ServerTime, TextId};
use crate::engine::sample::Backend;
use crate::engine::text::Text;
use crate::literals::Kept;
use crate::pg::text::Digester;

/// Whose statement a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Statement {
    backend: BackendId,
    query_start: Option<ServerTime>,
}

impl Statement {
    pub(super) fn of(backend: &Backend) -> Statement {
        Statement { backend: backend.id(), query_start: backend.query_start }
    }
}

/// What became of the texts of a sample.
#[derive(Debug, Default)]
pub(super) struct Digested {
    /// The number of each text.
    pub(super) ids: Vec<Option<TextId>>,
    /// Those the flight does not know yet.
    pub(super) new: Vec<Text>,
    /// Literals of statements that were not in the last sample; empty unless literals are kept.
    pub(super) literals: Vec<Kept>,
}

/// The texts of a flight.
#[derive(Debug)]
pub(super) struct Texts {
    digester: Digester,
    /// What was run in the last sample, by process id; empty unless literals are kept.
    last: BTreeMap<i32, (Statement, TextId)>,
}

impl Texts {
    pub(super) fn new(digester: Digester) -> Texts {
        Texts { digester, last: BTreeMap::new() }
    }

    /// Numbers the texts of a sample; the statement of `texts[i]` is `whose[i]`.
    pub(super) fn digest(&mut self, whose: &[Statement], texts: &[Option<RawText>]) -> Digested {
        let mut digested = Digested::default();
        let mut now = BTreeMap::new();
        for (statement, raw) in whose.iter().zip(texts) {
            let Some(raw) = raw else {
                digested.ids.push(None);
                continue;
            };
            let (text, new) = self.digester.digest(&raw.text, raw.cut);
            digested.ids.push(Some(text));
            digested.new.extend(new);
            if !self.digester.keeps_literals() {
                continue;
            }
            let pid = statement.backend.pid;
            if self.last.get(&pid.0) != Some(&(*statement, text)) {
                digested.literals.push(Kept {
                    pid,
                    backend_start: statement.backend.backend_start,
                    query_start: statement.query_start,
                    text,
                    values: self.digester.literals(&raw.text, raw.cut),
                });
            }
            now.insert(pid.0, (*statement, text));
        }
        self.last = now;
        digested
    }
}
