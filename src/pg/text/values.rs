//! Values that are no literals by their looks: words where a value stands, and data behind a COPY.
//!
//! Owns which words of a text are secret. Works on tokens, in one pass; never decides what a statement does.

use super::lexer::{Kind, Token};
use super::normalise::CUT;

/// Settings whose values are names: of schemas, roles, applications.
const NAMED: &[&str] = &["search_path", "role", "session_authorization", "application_name"];

/// Words of settings' values that mean the same everywhere.
#[rustfmt::skip]
const VOCABULARY: &[&str] = &[
    "on", "off", "true", "false", "yes", "no", "default", "none", "null", "from", "current", "local", "remote_write",
    "remote_apply", "origin", "replica", "serializable", "repeatable", "read", "committed", "uncommitted",
];

/// Objects with settings of their own: `ALTER ROLE .. SET name = value`.
const WITH_SETTINGS: &[&str] =
    &["SYSTEM", "ROLE", "USER", "GROUP", "DATABASE", "FUNCTION", "PROCEDURE", "ROUTINE"];

/// Objects with passwords.
const WITH_PASSWORDS: &[&str] = &["ROLE", "USER", "GROUP", "SERVER"];

/// Words between CREATE and the object.
const BETWEEN: &[&str] = &["OR", "REPLACE"];

/// Makes literals of words that stand for values, and leaves what may be data unread.
pub(super) fn hide<'a>(text: &'a str, mut tokens: Vec<Token<'a>>) -> Vec<Token<'a>> {
    let mut statement = Statement::default();
    let mut end = 0;
    for at in 0..tokens.len() {
        let token = tokens[at];
        if statement.is_copied && !token.is_blank() {
            tokens.truncate(at);
            tokens.push(Token { kind: Kind::Unread, text: &text[end..] });
            return tokens;
        }
        end += token.text.len();
        if token.is_blank() {
            continue;
        }
        if token.kind == Kind::Other && token.text == ";" {
            statement = Statement { is_copied: statement.takes_data(), ..Statement::default() };
        } else if statement.hides(&token) {
            tokens[at].kind = Kind::Literal;
        }
    }
    tokens
}

/// What has to be remembered of a statement up to some token.
#[derive(Debug, Default)]
struct Statement {
    verb: Verb,
    place: Place,
    /// The words before this one.
    before: Before,
    /// The statement before it reads from the client: this is data, or was meant to be.
    is_copied: bool,
    /// Passwords may follow the word PASSWORD.
    has_password: bool,
    /// Settings may follow the word SET.
    has_settings: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Verb {
    /// Nothing was read.
    #[default]
    None,
    Set,
    Copy,
    /// `CREATE` or `ALTER`, before the object.
    Define,
    /// The same, behind it.
    Defined,
    Other,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Anywhere,
    /// Behind SET, before the name of a setting.
    Setting,
    /// Behind the name, before its value.
    Name,
    /// The same, of a setting whose values are names.
    Named,
    /// At a value.
    Value,
    /// Behind a value, in a statement that may go on otherwise.
    AfterValue,
    /// At a password.
    Password,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Before {
    #[default]
    Else,
    From,
    FromStdin,
    Identified,
}

impl Statement {
    fn takes_data(&self) -> bool {
        self.verb == Verb::Copy && self.before == Before::FromStdin
    }

    /// Takes in a token that is not blank; true when it is a word and its place is a value's.
    fn hides(&mut self, token: &Token<'_>) -> bool {
        let is_any = |words: &[&str]| words.iter().any(|word| token.is(word));
        match self.verb {
            Verb::None => {
                self.verb = match () {
                    () if token.is("set") => Verb::Set,
                    () if token.is("copy") => Verb::Copy,
                    () if is_any(&["create", "alter"]) => Verb::Define,
                    () => Verb::Other,
                };
                if self.verb == Verb::Set {
                    self.place = Place::Setting;
                }
                return false;
            }
            Verb::Define if is_any(BETWEEN) => return false,
            Verb::Define => {
                self.verb = Verb::Defined;
                self.has_settings = is_any(WITH_SETTINGS);
                self.has_password = is_any(WITH_PASSWORDS);
                return false;
            }
            Verb::Copy => {
                self.before = match self.before {
                    Before::FromStdin => Before::FromStdin,
                    Before::From if token.is("stdin") => Before::FromStdin,
                    _ if token.is("from") => Before::From,
                    _ => Before::Else,
                };
                return false;
            }
            Verb::Other => return false,
            Verb::Set | Verb::Defined => {}
        }
        self.hides_value(token)
    }

    fn hides_value(&mut self, token: &Token<'_>) -> bool {
        let is_any = |words: &[&str]| words.iter().any(|word| token.is(word));
        let is_word = matches!(token.kind, Kind::Word | Kind::QuotedName);
        let begins_value = token.is("to") || (token.text == "=" && token.kind == Kind::Operator);
        let was_identified = std::mem::take(&mut self.before) == Before::Identified;
        match self.place {
            Place::Setting if is_any(&["session", "local"]) => {}
            Place::Setting => self.place = if is_any(NAMED) { Place::Named } else { Place::Name },
            // A statement that only sets: nothing but values follows.
            Place::Name if begins_value => self.place = Place::Value,
            Place::Named if begins_value => self.place = Place::Anywhere,
            Place::Named if token.text == "." => self.place = Place::Name,
            Place::Name | Place::Named if self.verb == Verb::Defined && token.text != "." && !is_word => {
                self.place = Place::Anywhere;
            }
            Place::Name | Place::Named => {}
            Place::Value => {
                if self.verb == Verb::Defined {
                    self.place = Place::AfterValue;
                }
                return is_word && token.text != CUT && !is_any(VOCABULARY);
            }
            Place::AfterValue if token.text == "," => self.place = Place::Value,
            Place::Password => {
                self.place = Place::Anywhere;
                return is_word && token.text != CUT && !token.is("null");
            }
            Place::Anywhere | Place::AfterValue => self.place = Place::Anywhere,
        }
        if self.verb == Verb::Defined && self.place == Place::Anywhere {
            if self.has_settings && token.is("set") {
                self.place = Place::Setting;
            } else if self.has_password && (token.is("password") || (was_identified && token.is("by"))) {
                self.place = Place::Password;
            } else if token.is("identified") {
                self.before = Before::Identified;
            } else if token.is("atomic") {
                self.has_settings = false;
            }
        }
        false
    }
}
