//! PostgreSQL's lexical rules, for texts nobody vouches for.
//!
//! Owns where a literal, a comment or a name begins and ends. Its tokens cover the text without holes, in
//! linear time, whatever the text is. What is not closed is secret to its end, because the server cuts
//! texts anywhere. Never decides what a statement means.

use super::values;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// White space.
    Space,
    /// A closed comment of either style.
    Comment,
    /// A keyword or a name without quotes.
    Word,
    /// A name in quotes, `U&".."` included.
    QuotedName,
    /// A closed string of any style: `'..'`, `E'..'`, `U&'..'`, `B'..'`, `X'..'`, `N'..'`, `$tag$..$tag$`.
    Literal,
    /// A number, with whatever is glued to it.
    Number,
    /// `$1`.
    Param,
    /// A run of operator characters.
    Operator,
    /// `(` or `[`.
    Open,
    /// `)` or `]`.
    Close,
    /// `...`, which only digested texts contain.
    Dots,
    /// `::`, or any single character that is nothing else.
    Other,
    /// A string or a quoted name that does not end. Always the last token.
    OpenLiteral,
    /// Text that is not read, because it may be inside a literal, or is data. Always the last token.
    Unread,
    /// A comment that does not end. Always the last token.
    OpenComment,
}

/// A piece of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// The piece itself.
    pub text: &'a str,
}

impl Token<'_> {
    /// Whether it is this keyword, in any case.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Whether it separates tokens and means nothing by itself.
    pub(super) fn is_blank(&self) -> bool {
        matches!(self.kind, Kind::Space | Kind::Comment | Kind::OpenComment)
    }
}

/// The tokens of `text`; `truncated` says that it may end in the middle of one.
///
/// Whether `\'` ends a plain string depends on `standard_conforming_strings` of a session that cannot be
/// asked. Where the two readings differ, the only one that makes sense of the whole text is taken; if both
/// or neither do, nothing is read from there on.
///
/// Words that stand where a value does (`SET a.b = word`) come as literals, and what follows `COPY .. FROM
/// STDIN;` is not read: it may be the data.
pub(super) fn tokens(text: &str, truncated: bool) -> Vec<Token<'_>> {
    let read = |backslash| values::hide(text, Lexer { text, pos: 0, backslash }.collect());
    let standard = read(false);
    if !text.contains("\\'") {
        return standard;
    }
    let escaping = read(true);
    if standard == escaping {
        return standard;
    }
    match (makes_sense(&standard, truncated), makes_sense(&escaping, truncated)) {
        (true, false) => standard,
        (false, true) => escaping,
        (true, true) | (false, false) => unread_where_they_part(text, standard, &escaping),
    }
}

/// The token at the start of `rest`, which is not empty, where backslashes are ordinary characters.
pub(super) fn first(rest: &str) -> Option<Token<'_>> {
    Lexer { text: rest, pos: 0, backslash: false }.next()
}

/// Whether the server could have read the text this way: nothing left open, no stray backslash.
fn makes_sense(tokens: &[Token<'_>], truncated: bool) -> bool {
    tokens.iter().all(|token| match token.kind {
        Kind::OpenLiteral | Kind::OpenComment => truncated,
        Kind::Other => token.text != "\\",
        _ => true,
    })
}

/// What both readings agree on, and the rest of the text unread.
fn unread_where_they_part<'a>(
    text: &'a str,
    mut standard: Vec<Token<'a>>,
    escaping: &[Token<'a>],
) -> Vec<Token<'a>> {
    let agreed = standard.iter().zip(escaping).take_while(|(a, b)| a == b).count();
    standard.truncate(agreed);
    let end: usize = standard.iter().map(|token| token.text.len()).sum();
    standard.push(Token { kind: Kind::Unread, text: &text[end..] });
    standard
}

/// Reads one token after the other.
struct Lexer<'a> {
    text: &'a str,
    pos: usize,
    /// Backslash escapes in plain strings too (`standard_conforming_strings = off`).
    backslash: bool,
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = &self.text[self.pos..];
        let first = *rest.as_bytes().first()?;
        let (kind, len) = self.token(rest, first);
        self.pos += len;
        Some(Token { kind, text: &rest[..len] })
    }
}

impl Lexer<'_> {
    /// Kind and length of the token at the start of `rest`, which is not empty.
    fn token(&self, rest: &str, first: u8) -> (Kind, usize) {
        let bytes = rest.as_bytes();
        match first {
            byte if is_space(byte) => (Kind::Space, run(bytes, is_space)),
            b'-' if rest.starts_with("--") => (Kind::Comment, run(bytes, |b| !is_line_end(b))),
            b'/' if rest.starts_with("/*") => block_comment(bytes),
            b'\'' => literal(bytes, 1, self.backslash),
            b'"' => quoted_name(bytes, 1),
            b'$' => dollar(rest),
            b'0'..=b'9' => (Kind::Number, number(rest)),
            b'.' if bytes.get(1).is_some_and(u8::is_ascii_digit) => (Kind::Number, number(rest)),
            b'.' if rest.starts_with("...") => (Kind::Dots, 3),
            b':' if rest.starts_with("::") => (Kind::Other, 2),
            b'(' | b'[' => (Kind::Open, 1),
            b')' | b']' => (Kind::Close, 1),
            byte if is_operator(byte) => (Kind::Operator, operator(bytes)),
            _ => self.word(rest),
        }
    }

    /// A word, or the string or quoted name whose prefix it is; otherwise one character.
    fn word(&self, rest: &str) -> (Kind, usize) {
        let bytes = rest.as_bytes();
        let len = word_len(rest);
        match (&bytes[..len], bytes.get(len), bytes.get(len + 1)) {
            ([], ..) => (Kind::Other, rest.chars().next().map_or(1, char::len_utf8)),
            ([b'e' | b'E'], Some(b'\''), _) => literal(bytes, 2, true),
            ([b'n' | b'N'], Some(b'\''), _) => literal(bytes, 2, self.backslash),
            ([b'b' | b'B' | b'x' | b'X'], Some(b'\''), _) => literal(bytes, 2, false),
            ([b'u' | b'U'], Some(b'&'), Some(b'\'')) => literal(bytes, 3, false),
            ([b'u' | b'U'], Some(b'&'), Some(b'"')) => quoted_name(bytes, 3),
            _ => (Kind::Word, len),
        }
    }
}

/// How many of the first bytes satisfy `wanted`.
fn run(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|&byte| !wanted(byte)).unwrap_or(bytes.len())
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn is_operator(byte: u8) -> bool {
    b"+-*/<>=~!@#%^&|`?".contains(&byte)
}

/// Length of an operator. A comment ends it, and a sign at its end belongs to what follows, unless the
/// operator has a character that no standard operator has: `=-1` is two operators, `@-1` is one.
fn operator(bytes: &[u8]) -> usize {
    let run = run(bytes, is_operator);
    let len = bytes[..run].windows(2).position(|pair| pair == b"--" || pair == b"/*").unwrap_or(run);
    if bytes[..len].iter().any(|byte| b"~!@#%^&|`?".contains(byte)) {
        return len;
    }
    let signs = bytes[..len].iter().rev().take_while(|byte| matches!(byte, b'+' | b'-')).count();
    if signs < len { len - signs } else { 1 }
}

/// A nested comment. `bytes` starts with its opening.
fn block_comment(bytes: &[u8]) -> (Kind, usize) {
    let mut depth = 0_usize;
    let mut at = 0;
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return (Kind::Comment, at);
        }
    }
    (Kind::OpenComment, bytes.len())
}

/// A string whose content starts at `at`, with its continuations on further lines.
fn literal(bytes: &[u8], mut at: usize, backslash: bool) -> (Kind, usize) {
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'\\' if backslash => at += 1,
            b'\'' if bytes.get(at) == Some(&b'\'') => at += 1,
            b'\'' => match continuation(&bytes[at..]) {
                Some(skip) => at += skip,
                None => return (Kind::Literal, at),
            },
            _ => {}
        }
    }
    (Kind::OpenLiteral, bytes.len())
}

/// Bytes up to and including the quote that goes on with the string on another line. Comments with two dashes
/// may stand between; `after_quote` begins behind the quote before them.
pub(super) fn continuation(after_quote: &[u8]) -> Option<usize> {
    let (mut at, mut new_line) = (0, false);
    loop {
        let space = run(&after_quote[at..], is_space);
        new_line |= after_quote[at..at + space].iter().any(|byte| is_line_end(*byte));
        at += space;
        if !after_quote[at..].starts_with(b"--") {
            break;
        }
        at += run(&after_quote[at..], |byte| !is_line_end(byte));
    }
    (new_line && after_quote.get(at) == Some(&b'\'')).then_some(at + 1)
}

/// A quoted name whose content starts at `at`.
fn quoted_name(bytes: &[u8], mut at: usize) -> (Kind, usize) {
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte == b'"' {
            if bytes.get(at) != Some(&b'"') {
                return (Kind::QuotedName, at);
            }
            at += 1;
        }
    }
    (Kind::OpenLiteral, bytes.len())
}

/// What a dollar sign begins: a parameter, a dollar quote, or nothing.
fn dollar(rest: &str) -> (Kind, usize) {
    let bytes = rest.as_bytes();
    let digits = run(&bytes[1..], |byte| byte.is_ascii_digit());
    if digits > 0 {
        return (Kind::Param, 1 + digits);
    }
    let tag = 1 + run(&bytes[1..], |byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80);
    if bytes.get(tag) != Some(&b'$') {
        return (Kind::Other, 1);
    }
    let (delimiter, body) = rest.split_at(tag + 1);
    match body.find(delimiter) {
        Some(end) => (Kind::Literal, delimiter.len() + end + delimiter.len()),
        None => (Kind::OpenLiteral, rest.len()),
    }
}

/// Length of a number. What is glued to it (`12ab`) belongs to it: the server either refuses that or takes
/// it for an alias, and it may be a part of a value somebody forgot to quote.
fn number(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut len = run(bytes, |byte| byte.is_ascii_digit() || byte == b'_');
    if bytes.get(len) == Some(&b'.') && bytes.get(len + 1) != Some(&b'.') {
        len += 1;
    }
    loop {
        len += word_len(&rest[len..]);
        let exponent = len > 1 && matches!(bytes[len - 1], b'e' | b'E');
        let signed = matches!(bytes.get(len), Some(b'+' | b'-'));
        if exponent && signed && bytes.get(len + 1).is_some_and(u8::is_ascii_digit) {
            len += 1;
        } else {
            return len;
        }
    }
}

/// Length of the word at the start of `rest`; 0 when there is none.
///
/// A control character and its visible escape `\u{..}` count as letters, so that a text and its digest have
/// the same words.
fn word_len(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut len = 0;
    while let Some(&byte) = bytes.get(len) {
        match byte {
            b'$' if len == 0 => break,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'$' | 0x80.. => len += 1,
            b'\\' => match escape_len(&bytes[len..]) {
                Some(escape) => len += escape,
                None => break,
            },
            control if control.is_ascii_control() && !is_space(control) => len += 1,
            _ => break,
        }
    }
    len
}

/// Length of a visible escape such as `\u{200b}` at the start of `bytes`.
fn escape_len(bytes: &[u8]) -> Option<usize> {
    let digits = run(bytes.strip_prefix(br"\u{")?, |byte| byte.is_ascii_hexdigit());
    (matches!(digits, 1..=6) && bytes.get(3 + digits) == Some(&b'}')).then_some(4 + digits)
}
