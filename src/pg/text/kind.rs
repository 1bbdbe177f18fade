//! The name of a statement, for people and for the rules that need to know what they look at.
//!
//! Owns the vocabulary, which is closed: whatever the text, a kind is made of words of this module (or of
//! the parser's node names), so no byte of a text can hide in one.
//!
//! A kind is PostgreSQL's command words in upper case, without what changes neither the command nor its
//! locks (`OR REPLACE`, `TEMP`, `UNIQUE`, `IF EXISTS`), followed by what does: `CREATE INDEX
//! CONCURRENTLY` (also for a unique one), `DROP INDEX CONCURRENTLY`, `REINDEX CONCURRENTLY` (of whatever),
//! `REFRESH MATERIALIZED VIEW CONCURRENTLY`, `VACUUM FULL`, `EXPLAIN ANALYZE` (it runs the statement),
//! `CREATE TABLE AS`, `CREATE TABLE PARTITION OF`, `SELECT INTO`, `ALTER TABLE ATTACH PARTITION`, `ALTER
//! TABLE DETACH PARTITION [CONCURRENTLY | FINALIZE]`, and `ALTER TABLE VALIDATE CONSTRAINT` where that is
//! all the ALTER does. Synonyms have one name: `END` is `COMMIT`, `START TRANSACTION` is `BEGIN`, `VALUES`
//! and `TABLE t` are `SELECT`. `WITH` is named by its main statement.

use super::commands::{APPLICATION, COMMANDS, MODIFIERS, OBJECTS};
use super::lexer::{Kind, Token};

/// The kind of a text that cannot be named.
pub(super) const UNKNOWN: &str = "unknown";

/// What can be said about a text without a grammar. Made from tokens that mean something.
#[derive(Debug)]
pub(super) struct Outline<'t, 'a> {
    /// The first statement that is not empty.
    pub first: &'t [Token<'a>],
    /// Statements that are not empty; 0 when that could not be told.
    pub statements: u32,
    /// Every statement is one that applications send and that changes no schema.
    pub application: bool,
}

/// Finds the statements of a text.
pub(super) fn outline<'t, 'a>(bare: &'t [Token<'a>]) -> Outline<'t, 'a> {
    let mut first: &[Token<'_>] = &[];
    let (mut statements, mut application) = (0_u32, true);
    let (mut start, mut depth) = (0, 0_i64);
    let mut countable = bare.last().is_none_or(|last| !matches!(last.kind, Kind::OpenLiteral | Kind::Unread));
    for (at, token) in bare.iter().enumerate() {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth -= 1,
            // The body of a function has statements of its own, up to an END that only a grammar can tell.
            Kind::Word if token.is("atomic") && at > 0 && bare[at - 1].is("begin") => countable = false,
            _ => {}
        }
        countable &= depth >= 0;
        let ends = depth == 0 && token.text == ";";
        let last = at + 1 == bare.len();
        if ends || last {
            let statement = &bare[start..if ends { at } else { at + 1 }];
            start = at + 1;
            if !statement.is_empty() {
                first = if statements == 0 { statement } else { first };
                statements = statements.saturating_add(1);
                application &= is_application(statement);
            }
        }
    }
    Outline { first, statements: if countable && depth == 0 { statements } else { 0 }, application }
}

/// Whether applications send such a statement and it changes no schema.
fn is_application(statement: &[Token<'_>]) -> bool {
    let verb = statement.iter().find(|token| token.kind != Kind::Open);
    verb.is_some_and(|verb| APPLICATION.iter().any(|word| verb.is(word)))
}

/// The name of a statement by its words; `None` when it begins with no command.
pub(super) fn by_keywords(statement: &[Token<'_>]) -> Option<String> {
    let brackets = statement.iter().take_while(|token| token.kind == Kind::Open).count();
    let statement = &statement[brackets..];
    let first = statement.first()?;
    if first.is("with") {
        return main_verb(statement).map(|verb| refine(verb, statement));
    }
    let base = match ["CREATE", "ALTER", "DROP"].iter().find(|verb| first.is(verb)) {
        Some(verb) => {
            let rest = &statement[1..];
            let modifiers =
                rest.iter().take_while(|token| MODIFIERS.iter().any(|word| token.is(word))).count();
            let after = |skipped: usize| longest(OBJECTS.iter().copied(), &rest[skipped..]);
            // DEFAULT is a modifier of a conversion and the first word of DEFAULT PRIVILEGES.
            let object = after(0).or_else(|| after(modifiers))?;
            format!("{verb} {object}")
        }
        None => {
            let words = longest(COMMANDS.iter().map(|(words, _)| *words), statement)?;
            let (_, name) = COMMANDS.iter().find(|(command, _)| *command == words)?;
            (*name).to_owned()
        }
    };
    Some(refine(&base, statement))
}

/// The longest of `commands` with which the tokens begin.
fn longest<'c>(commands: impl Iterator<Item = &'c str>, tokens: &[Token<'_>]) -> Option<&'c str> {
    let begins = |command: &&str| {
        let mut tokens = tokens.iter();
        command.split(' ').all(|word| tokens.next().is_some_and(|token| token.is(word)))
    };
    commands.filter(begins).max_by_key(|command| command.len())
}

/// The verb of a statement that begins with WITH: the first one outside of brackets that is not the name
/// of a common table expression.
fn main_verb(statement: &[Token<'_>]) -> Option<&'static str> {
    const VERBS: &[(&str, &str)] = &[
        ("select", "SELECT"),
        ("insert", "INSERT"),
        ("update", "UPDATE"),
        ("delete", "DELETE"),
        ("merge", "MERGE"),
        ("values", "SELECT"),
        ("table", "SELECT"),
    ];
    let mut before: Option<&Token<'_>> = None;
    for token in outside_brackets(statement) {
        let may_be_name = before.is_none_or(|b| b.is("with") || b.is("recursive") || b.text == ",");
        if let Some((_, name)) = VERBS.iter().find(|(verb, _)| !may_be_name && token.is(verb)) {
            return Some(name);
        }
        before = Some(token);
    }
    None
}

/// Adds to a command's name what changes its locks. `statement` is the whole statement.
pub(super) fn refine(base: &str, statement: &[Token<'_>]) -> String {
    let has = |words: &[&str]| has(statement, words);
    let second = |word: &str| statement.get(1).is_some_and(|token| token.is(word));
    let addition = match base {
        "CREATE INDEX" | "DROP INDEX" if has(&["index", "concurrently"]) => " CONCURRENTLY",
        "REFRESH MATERIALIZED VIEW" if has(&["view", "concurrently"]) => " CONCURRENTLY",
        "REINDEX" | "REPACK" if has(&["concurrently"]) || option(statement, "concurrently") => {
            " CONCURRENTLY"
        }
        "VACUUM" if second("full") || option(statement, "full") => " FULL",
        "EXPLAIN" if second("analyze") || second("analyse") => " ANALYZE",
        "EXPLAIN" if option(statement, "analyze") || option(statement, "analyse") => " ANALYZE",
        "CREATE TABLE" if has(&["partition", "of"]) => " PARTITION OF",
        "CREATE TABLE" if has(&["as"]) => " AS",
        "SELECT" if has(&["into"]) => " INTO",
        "ALTER TABLE" if has(&["attach", "partition"]) => " ATTACH PARTITION",
        "ALTER TABLE" if has(&["detach", "partition"]) => match statement.last() {
            Some(last) if last.is("concurrently") => " DETACH PARTITION CONCURRENTLY",
            Some(last) if last.is("finalize") => " DETACH PARTITION FINALIZE",
            _ => " DETACH PARTITION",
        },
        "ALTER TABLE" if has(&["validate", "constraint"]) && is_one_action(statement) => {
            " VALIDATE CONSTRAINT"
        }
        _ => "",
    };
    format!("{base}{addition}")
}

/// The tokens of a statement that are in no bracket.
fn outside_brackets<'t, 'a>(statement: &'t [Token<'a>]) -> impl Iterator<Item = &'t Token<'a>> {
    let mut depth = 0_u32;
    statement.iter().filter(move |token| {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && token.kind != Kind::Close
    })
}

/// Whether these words follow one another outside of brackets.
fn has(statement: &[Token<'_>], words: &[&str]) -> bool {
    let mut found = 0;
    outside_brackets(statement).any(|token| {
        found = match words.get(found) {
            Some(word) if token.is(word) => found + 1,
            _ => usize::from(token.is(words[0])),
        };
        found == words.len()
    })
}

/// Whether an ALTER has a single action.
fn is_one_action(statement: &[Token<'_>]) -> bool {
    !outside_brackets(statement).any(|token| token.text == ",")
}

/// Whether the option is on in the list `(..)` right after the command's word.
fn option(statement: &[Token<'_>], name: &str) -> bool {
    let Some(Token { kind: Kind::Open, .. }) = statement.get(1) else { return false };
    let mut list = statement[2..].iter().take_while(|token| token.kind != Kind::Close);
    list.any(|token| token.is(name))
        && !list.next().is_some_and(|value| {
            ["off", "false", "0"].contains(&value.text.trim_matches('\'').to_lowercase().as_str())
        })
}
