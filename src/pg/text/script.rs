//! SQL that is to be run, split into its statements.
//!
//! Owns where a statement of a complete text begins and ends, and what no server understands: psql's own commands and
//! variables, data behind a COPY, strings without an end. Unlike a digest it must be exact: what the grammar refuses is
//! refused here. A fault never repeats a literal. Never decides what may be run.

use std::ops::Range;
use std::thread;

use super::lexer::{self, Kind, Token};
use super::parser::PARSER_THREAD;
use super::{kind, normalise, tree};

/// Most tokens of one statement; see `parser` for what a token may cost on the stack.
const MAX_TOKENS: usize = 32_768;
/// The stack of the thread that parses; it is committed as it is touched.
const STACK_BYTES: usize = 256 * 1024 * 1024;

/// One statement of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where it stands in the text, without its semicolon.
    pub range: Range<usize>,
    /// Its text without literals and comments.
    pub said: String,
    /// PostgreSQL's name of the command.
    pub kind: String,
    /// The relations it names, as written.
    pub relations: Vec<String>,
}

/// Something that cannot be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The byte of the text where it is.
    pub at: usize,
    /// What is wrong and what to do, without literals.
    pub why: String,
}

/// The statements of `text`, and all that is wrong with it.
pub fn split(text: &str) -> (Vec<Piece>, Vec<Fault>) {
    let mut faults = Vec::new();
    let tokens = tokens(text, &mut faults);
    let statements = statements(&tokens);
    // A tree is parsed, read and dropped on a large stack: each of these descends.
    let parsed = thread::scope(|scope| {
        let builder = thread::Builder::new().name(PARSER_THREAD.to_owned()).stack_size(STACK_BYTES);
        let work = builder.spawn_scoped(scope, || statements.iter().map(|it| parse(text, it)).collect());
        work.map(|work| {
            work.join().unwrap_or_else(|_| vec![Err(fault(0, "the parser cannot read this SQL"))])
        })
    });
    let parsed: Vec<Result<Option<Piece>, Fault>> = parsed.unwrap_or_else(|error| {
        vec![Err(Fault { at: 0, why: format!("no thread could be started to parse this SQL: {error}") })]
    });
    let mut pieces = Vec::new();
    for parsed in parsed {
        match parsed {
            Ok(piece) => pieces.extend(piece),
            Err(fault) => faults.push(fault),
        }
    }
    faults.sort_by_key(|fault| fault.at);
    (pieces, faults)
}

/// Every part of a text that a lexer reads as one: where it stands, and how it may be written into.
pub fn parts(text: &str) -> Vec<(Range<usize>, Within)> {
    let mut parts: Vec<(Range<usize>, Within)> = Vec::new();
    let mut at = 0;
    while let Some(token) = lexer::first(&text[at..]) {
        let within = match token.kind {
            Kind::Comment | Kind::OpenComment => Within::Comment,
            Kind::Literal | Kind::OpenLiteral if token.text.starts_with('$') => Within::DollarQuote,
            Kind::Literal | Kind::OpenLiteral => Within::String,
            Kind::QuotedName => Within::QuotedName,
            _ => Within::Plain,
        };
        let end = at + token.text.len();
        match parts.last_mut() {
            Some((range, Within::Plain)) if within == Within::Plain => *range = range.start..end,
            _ => parts.push((at..end, within)),
        }
        at = end;
    }
    parts
}

/// What a place of a text is inside of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// Keywords, names, numbers, operators, space.
    Plain,
    /// A string in single quotes.
    String,
    /// A string in dollar quotes.
    DollarQuote,
    /// A name in double quotes.
    QuotedName,
    /// A comment.
    Comment,
}

fn fault(at: usize, why: &str) -> Fault {
    Fault { at, why: why.to_owned() }
}

/// A token and where it begins.
type Placed<'a> = (usize, Token<'a>);

/// The tokens that mean something to a server; what means something to psql only is a fault and left out.
fn tokens<'a>(text: &'a str, faults: &mut Vec<Fault>) -> Vec<Placed<'a>> {
    let mut tokens: Vec<Placed<'a>> = Vec::new();
    let (mut at, mut start, mut subscripts) = (0, 0, 0_usize);
    while let Some(token) = lexer::first(&text[at..]) {
        let next = at + token.text.len();
        match (token.kind, token.text) {
            (Kind::OpenLiteral, _) => {
                faults.push(fault(at, "the string or quoted name that begins here has no end"))
            }
            (Kind::OpenComment, _) => faults.push(fault(at, "the comment that begins here has no end")),
            (Kind::Other, "\\") => {
                let line = text[at..].lines().next().unwrap_or_default();
                faults.push(Fault { at, why: meta_command(line) });
                at += line.len();
                continue;
            }
            (Kind::Other, ":") if subscripts == 0 => {
                if let Some(why) = variable(&text[next..]) {
                    faults.push(Fault { at, why });
                    // Without its colon it reads as a name or a string.
                    at = next;
                    continue;
                }
            }
            (Kind::Open, "[") => subscripts += 1,
            (Kind::Close, "]") => subscripts = subscripts.saturating_sub(1),
            (Kind::Other, ";") => {
                if takes_data(&tokens[start..]) {
                    let why = "COPY .. FROM STDIN has its data in the file, which only psql reads: \
                               use INSERT, or COPY from a file of the server";
                    faults.push(fault(tokens[start].0, why));
                    tokens.truncate(start);
                    at = end_of_data(text, next);
                    continue;
                }
                start = tokens.len() + 1;
                subscripts = 0;
            }
            _ => {}
        }
        if !token.is_blank() {
            tokens.push((at, token));
        }
        at = next;
    }
    tokens
}

fn meta_command(line: &str) -> String {
    let word: String =
        line.chars().skip(1).take_while(|c| c.is_ascii_alphabetic() || *c == '.').take(20).collect();
    let instead = match word.as_str() {
        "i" | "ir" | "include" | "include_relative" => "put that file's statements here",
        "copy" => "use INSERT, or COPY from a file of the server",
        "set" | "gset" | "unset" | "prompt" => "declare a variable under [vars], and write ${name}",
        "g" | "gexec" | "gx" => "end the statement with a semicolon; for a statement per row use for_each",
        "c" | "connect" => "a plan flies in one database: name it in the connection string",
        "if" | "elif" | "else" | "endif" => "write two plans, or a DO block",
        _ => "take it out: lockpit sends SQL only",
    };
    format!("\\{word} is a command of psql, not SQL: {instead}")
}

/// What is wrong with a colon, given what follows it.
fn variable(rest: &str) -> Option<String> {
    let token = lexer::first(rest)?;
    match token.kind {
        Kind::Word | Kind::QuotedName | Kind::Literal => Some(
            "a colon before a word is a variable of psql: declare it under [vars], and write ${name}"
                .to_owned(),
        ),
        _ => None,
    }
}

/// Whether a statement reads its data from what follows it.
fn takes_data(statement: &[Placed<'_>]) -> bool {
    statement.first().is_some_and(|(_, first)| first.is("copy"))
        && statement.windows(2).any(|pair| pair[0].1.is("from") && pair[1].1.is("stdin"))
}

/// Where data ends that begins at `at`: behind its last line, or at once when it has none.
fn end_of_data(text: &str, at: usize) -> usize {
    text[at..].find("\n\\.").map_or(at, |end| at + end + 3)
}

/// The tokens of each statement that is not empty. A semicolon in brackets, or in the body of a function, ends none.
fn statements<'t, 'a>(tokens: &'t [Placed<'a>]) -> Vec<&'t [Placed<'a>]> {
    let mut statements = Vec::new();
    let (mut start, mut depth, mut bodies) = (0, 0_usize, 0_usize);
    for (at, (_, token)) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            Kind::Word if token.is("atomic") && at > start && tokens[at - 1].1.is("begin") => bodies += 1,
            Kind::Word if bodies > 0 && token.is("case") => bodies += 1,
            Kind::Word if bodies > 0 && token.is("end") => bodies -= 1,
            Kind::Other if token.text == ";" && depth == 0 && bodies == 0 => {
                statements.push(&tokens[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    statements.push(&tokens[start..]);
    statements.retain(|statement| !statement.is_empty());
    statements
}

/// What the grammar says about one statement.
fn parse(text: &str, statement: &[Placed<'_>]) -> Result<Option<Piece>, Fault> {
    let (Some((start, _)), Some((last, end))) = (statement.first(), statement.last()) else {
        return Ok(None);
    };
    let range = *start..last + end.text.len();
    if end.kind == Kind::OpenLiteral {
        return Ok(None);
    }
    if statement.len() > MAX_TOKENS {
        let why = format!(
            "this statement has {} words and signs: at most {MAX_TOKENS} can be read",
            statement.len()
        );
        return Err(Fault { at: range.start, why });
    }
    let masked = mask(range.clone(), statement);
    let parsed = tree::strict(&masked).map_err(|(at, why)| Fault {
        at: range.start + at.min(masked.trim_end().len().saturating_sub(1)),
        why: format!("this is no SQL that can be read: {}", plain(&why)),
    })?;
    let Some(parsed) = parsed else { return Ok(None) };
    if parsed.statements > 1 {
        return Err(fault(
            range.start,
            "these are several statements to the parser: end each with a semicolon",
        ));
    }
    let tokens: Vec<Token<'_>> = statement.iter().map(|(_, token)| *token).collect();
    let said = normalise::normalise(&lexer::tokens(&text[range.clone()], false));
    Ok(Some(Piece { said, kind: kind::refine(&parsed.command, &tokens), relations: parsed.relations, range }))
}

/// What the parser says, with signs and keywords in place of the names it has for them.
fn plain(why: &str) -> String {
    const SIGNS: [(&str, &str); 7] = [
        ("L_PAREN", "`(`"),
        ("R_PAREN", "`)`"),
        ("IDENT", "a name"),
        ("L_BRACK", "`[`"),
        ("R_BRACK", "`]`"),
        ("SEMICOLON", "`;`"),
        ("COMMA", "`,`"),
    ];
    SIGNS.iter().fold(why.replace("_KW", ""), |why, (name, sign)| why.replace(name, sign))
}

/// The statement without what its strings and comments hold, in which everything stands where it stood.
fn mask(range: Range<usize>, statement: &[Placed<'_>]) -> String {
    let mut masked = String::with_capacity(range.len());
    for (at, token) in statement {
        let gap = at - range.start - masked.len();
        masked.extend(std::iter::repeat_n(' ', gap));
        match token.kind {
            Kind::Literal | Kind::OpenLiteral => {
                masked.push('\'');
                masked.extend(std::iter::repeat_n(' ', token.text.len().saturating_sub(2)));
                masked.push('\'');
            }
            _ => masked.push_str(token.text),
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<String> {
        let (pieces, faults) = split(text);
        assert_eq!(faults, [], "{text}");
        pieces.into_iter().map(|piece| piece.kind).collect()
    }

    fn said(text: &str) -> Vec<(usize, String)> {
        split(text).1.into_iter().map(|fault| (fault.at, fault.why)).collect()
    }

    #[test]
    fn statements_end_where_the_server_ends_them() {
        let text = "-- first; a comment\nalter table t add c text default 'a;b';\n;\n\
                    create function f() returns int begin atomic select case when true then 1 end; select 2; end;\n\
                    do $x$ begin perform 1; end $x$; select a[1:n] from t -- the end";
        assert_eq!(kinds(text), ["ALTER TABLE", "CREATE FUNCTION", "DO", "SELECT"]);
        let (pieces, _) = split(text);
        assert_eq!(&text[pieces[0].range.clone()], "alter table t add c text default 'a;b'");
        assert_eq!(pieces[0].said, "alter table t add c text default $1");
        assert_eq!(pieces[0].relations, ["t"]);
        assert_eq!(kinds("create rule r as on insert to t do (select 1; select 2)"), ["CREATE RULE"]);
        assert_eq!(kinds("  ; -- nothing\n"), [""; 0]);
    }

    #[test]
    fn what_psql_alone_understands_is_a_fault_with_its_place() {
        let text = "select 1;\n\\i other.sql\nselect :name, :'x', x::int;\n\\copy t from 'it''s\nselect 2;\n";
        let faults = said(text);
        assert_eq!(faults.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [10, 30, 37, 51]);
        assert!(faults[0].1.starts_with("\\i is a command of psql, not SQL: put that file's"), "{faults:?}");
        assert!(faults[1].1.contains("${name}"), "{faults:?}");
        let text = "copy t from stdin;\n1\tit's\n\\.\nselect 1;";
        assert!(said(text)[0].1.starts_with("COPY .. FROM STDIN has its data"), "{:?}", said(text));
        assert_eq!((said(text).len(), split(text).0.len()), (1, 1));
    }

    #[test]
    fn what_cannot_be_read_is_a_fault_and_repeats_no_literal() {
        let text = "select 1; alter table t add column; select 'secret";
        let faults = said(text);
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].0 >= 10 && faults[0].0 < 35 && faults[0].1.contains("no SQL"), "{faults:?}");
        assert_eq!(faults[1].0, 43);
        assert!(!format!("{faults:?}").contains("secret"));
    }

    #[test]
    fn a_deep_text_is_read_or_refused_and_never_overflows() {
        let deep = |depth: usize| format!("select {}1{}", "(".repeat(depth), ")".repeat(depth));
        assert_eq!(kinds(&deep(2_000)).len(), 1);
        assert!(said(&deep(20_000))[0].1.contains("at most"));
    }
}
