//! Query texts as the engine sees them: digested once at the edge, never raw.
//!
//! Owns what a digest says. Never sees a literal, a comment or the raw text.

use serde::{Deserialize, Serialize};

use super::ids::TextId;

/// A query text without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Its number in this flight.
    pub id: TextId,
    /// The text with literals replaced by `$n`, comments removed, white space folded; control characters
    /// shown as escapes; at most [`Text::MAX_CHARS`] characters.
    pub normalised: String,
    /// What the statement is: `ALTER TABLE`, `CREATE INDEX CONCURRENTLY`, `SELECT`. Several statements in
    /// one text are named by the first, and `statements` says so.
    pub kind: String,
    /// Statements in the text; 0 when that could not be told.
    pub statements: u32,
    /// Relations the statement names, as written there.
    pub relations: Vec<String>,
    /// The server or the sampler cut the text.
    pub truncated: bool,
    /// How `kind` was found.
    pub named_by: NamedBy,
    /// Patterns on the raw text that matched it, by name; `target` is the one of `--target query=`.
    pub matched_by: Vec<String>,
}

impl Text {
    /// Longest normalised text that is kept.
    pub const MAX_CHARS: usize = 2_000;
}

/// How the kind of a statement was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NamedBy {
    /// By a parser of PostgreSQL's grammar.
    Parser,
    /// By its leading keywords: the parser refused it, or it was too long or too deep to be parsed.
    Keywords,
    /// Not at all: this login may not see it, or it is empty.
    Nothing,
}
