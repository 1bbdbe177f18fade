//! Digesting query texts: raw texts of `pg_stat_activity` become [`Text`]s, once each, before anyone else
//! sees them.
//!
//! Owns what of a text is kept, and its number in the flight. Lets no byte of a literal or comment through,
//! and takes texts as hostile: any text is answered, in bounded time and memory.
//!
//! The way of a text: `lexer` (with `values`) finds what is secret; `normalise` (with `form`) makes the form; `kind`
//! (with `commands`) names the statement by its words; `parser` (with `tree`) asks the grammar where that may
//! tell more; `seen` remembers; [`script`] splits what is to be run; `literals` says what a form left out, to a flight with `--keep-literals` only.
//!
//! # What is kept and what is not
//!
//! **Never kept**, in no log, line or screen of a flight without `--keep-literals`:
//!
//! - *literals* of every form: strings (`'..'`, `E'..'`, `U&'..'`, `B'..'`, `X'..'`, `N'..'`, over several lines),
//!   dollar quotes with all they hold (bodies of functions, `DO`), numbers of every base with what is glued to them.
//!   Passwords, connection strings, payloads of NOTIFY, names of files and texts of COMMENT are such literals;
//! - *words that stand for values*: of settings (`SET a.b = word`, `ALTER SYSTEM`, `ALTER ROLE .. SET`), except where
//!   they name something (`search_path`, `role`, `session_authorization`, `application_name`) or mean the same
//!   everywhere (`on`, `default`); of `PASSWORD word`, which the server refuses and shows all the same;
//! - *data* that was sent behind `COPY .. FROM STDIN;` as if it were SQL;
//! - *what a cut left open*: a string, dollar quote, name or comment without an end is secret to the end of the text,
//!   and so is a text from where two readings of a backslash part, if both are possible. Whether the server has cut a
//!   text is told by its length;
//! - *comments*, also with `--keep-literals`.
//!
//! **Kept**, because nobody could act on a jam without them: keywords; names of all kinds, in quotes or not
//! (relations, columns, roles, channels, savepoints, cursors, prepared statements; a value somebody has put into a
//! name, or in double quotes, is a name to PostgreSQL and to lockpit); `application_name`, role, address, database;
//! the `gid` of a prepared transaction, without which it cannot be ended; names of slots and standbys; phases and
//! figures of progress; the first line of what the server answers to lockpit's own statements, never its DETAIL, HINT
//! or CONTEXT, and never what it answers to others; what operators say: notes, commands, `--target`, `--label`.
//!
//! With `--keep-literals` the values are kept beside the samples ([`crate::literals`]), and nowhere else: the engine
//! decides the same without them. At most 1 KB of a value and 8 KB of a statement, marked where that cuts.
//!
//! Statements that only applications send are named by their words alone, and name no relations: at 1,000
//! distinct ORM queries of 900 characters a second a release build spends 1.4 % of a core on them (14 us
//! each; 0.4 us when the same text comes again; 17 us for a short ALTER TABLE with its parse, 240 us for a
//! table of 30 columns).

mod commands;
mod form;
mod kind;
mod lexer;
mod literals;
mod normalise;
mod parser;
pub mod script;
mod seen;
mod setting;
mod statement;
mod tree;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;

use regex::Regex;

pub use self::literals::put_back;
pub use self::parser::PARSER_THREAD;
use self::parser::Parser;
use self::seen::{Fingerprint, Fingerprints, Recent};
pub(in crate::pg) use self::setting::outlasts_its_transaction;
pub(crate) use self::statement::{statement, written};
use crate::engine::ids::TextId;
use crate::engine::text::{NamedBy, Text};

/// What [`Text::matched_by`] calls the pattern of `--target query=`.
pub const TARGET_PATTERN: &str = "target";

/// The normalised text that stands for all texts of a kind once a flight has too many.
pub const TOO_MANY: &str = "(not kept: too many distinct texts in this flight)";

/// Longest raw text that is read; PostgreSQL's own limit for `track_activity_query_size`.
const MAX_RAW_BYTES: usize = 1024 * 1024;

/// What the server writes where it has no text to show.
const NOT_A_TEXT: &[&str] =
    &["<insufficient privilege>", "<command string not enabled>", "<backend information not available>"];

/// What the texts of autovacuum's workers begin with.
const AUTOVACUUM: &str = "autovacuum: ";

/// What autovacuum adds when it cannot be cancelled by a lock request.
const WRAPAROUND: &str = "(to prevent wraparound)";

/// Why texts cannot be digested.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    /// The pattern of `--target query=` is no regular expression.
    #[error("--target query={pattern} is not a regular expression: {source}")]
    Pattern {
        /// The pattern as given.
        pattern: String,
        /// What is wrong with it.
        source: regex::Error,
    },
    /// The thread that parses cannot be started.
    #[error(
        "cannot start the thread that parses statements: {0}; is the limit on threads or memory too low?"
    )]
    Thread(#[from] io::Error),
}

/// How much a flight keeps.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Distinct texts of all kinds.
    texts: usize,
    /// Distinct texts that applications send; the rest is there for schema work that comes late.
    application_texts: usize,
    /// Raw texts of a generation whose ids are remembered.
    recent: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { texts: 50_000, application_texts: 40_000, recent: 32_768 }
    }
}

/// Digests the texts of one flight and numbers them.
///
/// Its memory is bounded by some 10 MB, however long the flight and however distinct its texts: raw texts
/// and digests are remembered by fingerprint only. After 50,000 distinct digests (40,000 of statements that
/// applications send) new ones of a kind share one that says [`TOO_MANY`].
#[derive(Debug)]
pub struct Digester {
    target: Option<Regex>,
    parser: Parser,
    limits: Limits,
    fingerprints: Fingerprints,
    /// Ids of recent raw texts.
    recent: Recent,
    /// Ids of all digests.
    ids: BTreeMap<Fingerprint, TextId>,
    keeps_literals: bool,
}

impl Digester {
    /// A digester for a new flight. `target` is the pattern of `--target query=`, which is matched against
    /// raw texts.
    ///
    /// # Errors
    /// When the pattern is no regular expression, and when the thread that parses cannot be started.
    pub fn new(target: Option<&str>) -> Result<Digester, DigestError> {
        Digester::with_limits(target, Limits::default())
    }

    fn with_limits(target: Option<&str>, limits: Limits) -> Result<Digester, DigestError> {
        let compile = |pattern: &str| {
            Regex::new(pattern).map_err(|source| DigestError::Pattern { pattern: pattern.to_owned(), source })
        };
        Ok(Digester {
            target: target.map(compile).transpose()?,
            parser: Parser::start()?,
            limits,
            fingerprints: Fingerprints::default(),
            recent: Recent::new(limits.recent),
            ids: BTreeMap::new(),
            keeps_literals: false,
        })
    }

    /// The same digester, which also tells literals where `keep` says so.
    pub fn keeping_literals(self, keep: bool) -> Digester {
        Digester { keeps_literals: keep, ..self }
    }

    /// Whether literals are told.
    pub fn keeps_literals(&self) -> bool {
        self.keeps_literals
    }

    /// What `$1`, `$2`, .. in the form of `raw` stand for, as written; `None` for one that is not known. Empty unless
    /// this digester keeps literals.
    pub fn literals(&self, raw: &str, truncated: bool) -> Vec<Option<String>> {
        if self.keeps_literals { literals::of(raw, truncated) } else { Vec::new() }
    }

    /// The number of a text in this flight, and its digest the first time that number is given.
    ///
    /// `truncated` says that the server or the sampler cut the text. May wait 50 ms for the parser, once per
    /// new text that may be schema work; never more.
    pub fn digest(&mut self, raw: &str, truncated: bool) -> (TextId, Option<Text>) {
        let fingerprint = self.fingerprints.of(&(raw, truncated));
        if let Some(id) = self.recent.get(fingerprint) {
            return (id, None);
        }
        let (id, text) = self.number(raw, truncated);
        self.recent.insert(fingerprint, id);
        (id, text)
    }

    /// Digests a text and numbers the digest.
    fn number(&mut self, raw: &str, truncated: bool) -> (TextId, Option<Text>) {
        let (raw, truncated) = match raw.get(..raw.floor_char_boundary(MAX_RAW_BYTES)) {
            Some(start) if start.len() < raw.len() => (start, true),
            _ => (raw, truncated),
        };
        let (mut text, application) = describe(&mut self.parser, raw, truncated);
        if self.target.as_ref().is_some_and(|target| target.is_match(raw)) {
            text.matched_by.push(TARGET_PATTERN.to_owned());
        }
        let limit = if application { self.limits.application_texts } else { self.limits.texts };
        let mut fingerprint = self.fingerprint(&text);
        if self.ids.len() >= limit && !self.ids.contains_key(&fingerprint) {
            text.normalised = TOO_MANY.to_owned();
            text.statements = 0;
            text.relations.clear();
            fingerprint = self.fingerprint(&text);
        }
        if let Some(id) = self.ids.get(&fingerprint) {
            return (*id, None);
        }
        text.id = TextId(u32::try_from(self.ids.len()).expect("the limits keep texts far below 2^32"));
        self.ids.insert(fingerprint, text.id);
        (text.id, Some(text))
    }

    /// What makes a digest distinct: everything people can see of it, but not by which means it was named.
    fn fingerprint(&self, text: &Text) -> Fingerprint {
        self.fingerprints.of(&(&text.normalised, &text.kind, text.truncated, &text.matched_by))
    }
}

/// Digests a text that has no number yet; true when applications send such statements.
fn describe(parser: &mut Parser, raw: &str, truncated: bool) -> (Text, bool) {
    let mut text = Text {
        id: TextId(0),
        normalised: raw.to_owned(),
        kind: kind::UNKNOWN.to_owned(),
        statements: 0,
        relations: Vec::new(),
        truncated,
        named_by: NamedBy::Nothing,
        matched_by: Vec::new(),
    };
    if NOT_A_TEXT.contains(&raw) {
        return (text, true);
    }
    let tokens = lexer::tokens(raw, truncated);
    text.normalised = normalise::normalise(&tokens);
    if raw.starts_with(AUTOVACUUM) {
        describe_autovacuum(&mut text, raw);
        return (text, true);
    }
    let bare: Vec<_> = tokens.iter().filter(|token| !token.is_blank()).copied().collect();
    let outline = kind::outline(&bare);
    if bare.is_empty() {
        return (text, true);
    }
    text.statements = if truncated { 0 } else { outline.statements };
    if !truncated
        && !outline.application
        && let Some(parsed) = parser.parse(&tokens)
    {
        text.named_by = NamedBy::Parser;
        text.kind = kind::refine(&parsed.command, outline.first);
        text.statements = parsed.statements;
        text.relations = parsed.relations;
    } else if let Some(kind) = kind::by_keywords(outline.first) {
        text.named_by = NamedBy::Keywords;
        text.kind = kind;
    }
    (text, outline.application)
}

/// Names a text that an autovacuum worker made. It is no SQL, and names in it have no quotes.
fn describe_autovacuum(text: &mut Text, raw: &str) {
    let work = &raw[AUTOVACUUM.len()..];
    if let Some(kind) = ["VACUUM", "ANALYZE", "BRIN summarize"].iter().find(|kind| work.starts_with(**kind)) {
        text.kind = format!("{AUTOVACUUM}{kind}");
        text.named_by = NamedBy::Keywords;
        text.statements = 1;
    }
    // A quote in a table's name hides what follows it.
    let room = text.normalised.chars().count() + WRAPAROUND.len() < Text::MAX_CHARS;
    if room && raw.ends_with(WRAPAROUND) && !text.normalised.ends_with(WRAPAROUND) {
        text.normalised.push(' ');
        text.normalised.push_str(WRAPAROUND);
    }
}
