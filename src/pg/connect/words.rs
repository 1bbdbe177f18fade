//! Keyword strings: `host=db1 user='o''clock'`.
//!
//! Owns their grammar. Never judges a keyword, and never repeats a value in an error, because a password
//! with a space in it ends up anywhere.

use super::error::ConninfoError;

/// Splits a keyword string into its settings, in order.
///
/// # Errors
/// [`ConninfoError::Syntax`] for a word without `=`, an open quote or a NUL.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, ConninfoError> {
    let mut settings: Vec<(String, String)> = Vec::new();
    let mut chars = text.char_indices().peekable();
    let white = |c: char| c.is_ascii_whitespace() || c == '\x0b';
    if let Some(at) = text.find('\0') {
        return Err(syntax(at, "a NUL character"));
    }
    loop {
        while chars.next_if(|&(_, c)| white(c)).is_some() {}
        let Some(&(start, _)) = chars.peek() else { return Ok(settings) };

        let mut name = String::new();
        while let Some((_, c)) = chars.next_if(|&(_, c)| c != '=' && !white(c)) {
            name.push(c);
        }
        while chars.next_if(|&(_, c)| white(c)).is_some() {}
        if chars.next_if(|&(_, c)| c == '=').is_none() {
            return Err(syntax(start, "a word without \"=\"; a value with spaces is written in 'quotes'"));
        }
        if name.is_empty() {
            return Err(syntax(start, "a \"=\" without a keyword before it"));
        }
        let after_password = settings.last().is_some_and(|(name, _)| name == "password");
        if after_password && super::keywords::find(&name).is_none() {
            return Err(syntax(
                start,
                "a word after the password that is no keyword; a password with spaces is written in 'quotes'",
            ));
        }
        while chars.next_if(|&(_, c)| white(c)).is_some() {}

        let mut value = String::new();
        let quoted_at = chars.next_if(|&(_, c)| c == '\'').map(|(at, _)| at);
        loop {
            match chars.next() {
                Some((_, '\\')) => value.extend(chars.next().map(|(_, c)| c)),
                Some((_, '\'')) if quoted_at.is_some() => break,
                Some((_, c)) if quoted_at.is_none() && white(c) => break,
                Some((_, c)) => value.push(c),
                None => match quoted_at {
                    Some(at) => return Err(syntax(at, "a quote that is never closed")),
                    None => break,
                },
            }
        }
        settings.push((name, value));
    }
}

fn syntax(at: usize, what: &'static str) -> ConninfoError {
    ConninfoError::Syntax { what, at: at + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_libpq_reads_them() {
        let cases: [(&str, &[(&str, &str)]); 9] = [
            ("", &[]),
            ("  \n\t ", &[]),
            ("host=db1 port=5433", &[("host", "db1"), ("port", "5433")]),
            ("host = db1\n port= 5433", &[("host", "db1"), ("port", "5433")]),
            (r"user='o\'clock' dbname='a b'", &[("user", "o'clock"), ("dbname", "a b")]),
            (r"password=a\ b\\c", &[("password", r"a b\c")]),
            ("host='' user=x", &[("host", ""), ("user", "x")]),
            ("host= ", &[("host", "")]),
            ("password=it's=fine", &[("password", "it's=fine")]),
        ];
        for (text, expected) in cases {
            let parsed = parse(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
            let parsed: Vec<(&str, &str)> = parsed.iter().map(|(k, v)| (&**k, &**v)).collect();
            assert_eq!(parsed, expected, "{text:?}");
        }
    }

    #[test]
    fn malformed_strings_are_refused_with_the_place_and_without_the_text() {
        let cases = [
            ("host", 1),
            ("host=a hunter2", 8),
            ("password=a hunter2=x", 12),
            ("=hunter2", 1),
            ("password='hunter2", 10),
            ("a=b\0hunter2", 4),
        ];
        for (text, place) in cases {
            match parse(text) {
                Err(ConninfoError::Syntax { at, what }) => {
                    assert_eq!(at, place, "{text:?}");
                    assert!(!what.contains("hunter2"));
                }
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }
}
