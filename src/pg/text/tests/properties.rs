//! What holds for every text.

use proptest::prelude::*;

use super::*;

/// Pieces of which texts are made that come close to being SQL.
fn piece() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        " ",
        "\n",
        "'",
        "''",
        "\"",
        "$",
        "$$",
        "$a$",
        "\\",
        "\\'",
        "--",
        "/*",
        "*/",
        "(",
        ")",
        "[",
        "]",
        ",",
        ";",
        ".",
        "...",
        "::",
        ":",
        "-",
        "+",
        "=",
        "e'",
        "E'\\'",
        "u&'",
        "U&\"",
        "b'",
        "x'",
        "n'",
        "0x",
        "1",
        "1.",
        ".5",
        "1e5",
        "1e+",
        "$1",
        "$12",
        "in",
        "IN (",
        "in (1,",
        "array[",
        "values",
        "VALUES (",
        "), (",
        "(1, f(2)),",
        "null",
        "default",
        "select ",
        "alter table ",
        "create index ",
        "begin atomic ",
        "autovacuum: VACUUM ",
        "a",
        "größe",
        "🐘",
        "…",
        " …",
        "\u{0}",
        "\u{7}",
        "\u{7f}",
        "\u{85}",
        "\u{200b}",
        "\u{202e}",
        "\u{2028}",
        "\\u{7}",
        "\\u{",
        "\t",
        "\r",
        "\u{b}",
        "\u{a0}",
        "{",
        "}",
        "#",
        "@",
        "`",
        "_",
        "int",
        "set ",
        " to ",
        " = ",
        "alter role ",
        "password ",
        "copy t from stdin;",
    ]);
    prop_oneof![8 => fixed.prop_map(str::to_owned), 1 => any::<String>()]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..60).prop_map(|pieces| pieces.concat())
}

/// Ways to hide the canary `Zq7`.
const SECRETS: &[&str] =
    &["'Zq7'", "'''Zq7'", "E'Zq7\\'Zq7'", "$z$Zq7$z$", "/*Zq7*/", "--Zq7\n", "'Zq7", "/*/**/Zq7", "1Zq7"];

/// A text in which no string and no comment is open at the end.
fn closed_text() -> impl Strategy<Value = String> {
    let closed = prop::sample::select(vec![
        "select ",
        "'a'",
        "''",
        "e'\\''",
        "\"b\"",
        "$$'$$",
        "$x$ $$ $x$",
        "/* ' */",
        "-- '\n",
        "u&\"c\"",
        "(",
        ")",
        ",",
        ";",
        "in (",
        "values (",
        "1",
        "1e5",
        "$1",
        "a",
        "e",
        "u&",
        "::",
        ".",
        "- ",
        "\u{7}",
        "\u{200b}",
        "array[",
        "b''",
    ]);
    prop::collection::vec(closed, 0..30).prop_map(|pieces| pieces.join(" "))
}

fn form(raw: &str, truncated: bool) -> String {
    normalise::normalise(&lexer::tokens(raw, truncated))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn tokens_cover_the_text(raw in text(), truncated: bool) {
        let tokens = lexer::tokens(&raw, truncated);
        prop_assert!(tokens.iter().all(|token| !token.text.is_empty()));
        prop_assert_eq!(tokens.iter().map(|token| token.text).collect::<String>(), raw);
    }

    #[test]
    fn the_form_of_a_form_is_that_form(raw in text(), repeat in 1..60_usize, truncated: bool, again: bool) {
        let once = form(&raw.repeat(repeat), truncated);
        prop_assert!(once.chars().count() <= Text::MAX_CHARS);
        prop_assert_eq!(form(&once, again), once);
    }

    #[test]
    fn a_form_shows_as_it_is(raw in text()) {
        let hidden = |c: char| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c);
        let form = form(&raw, false);
        prop_assert!(!form.chars().any(hidden), "{}", form);
    }

    #[test]
    fn any_text_is_answered(raw in text(), truncated: bool) {
        thread_local!(static SHARED: std::cell::RefCell<Parser> = std::cell::RefCell::new(Parser::start().unwrap().patient()));
        SHARED.with_borrow_mut(|parser| describe(parser, &raw, truncated));
    }

    #[test]
    fn canaries_die(before in closed_text(), after in text(), shape in 0..SECRETS.len(), truncated: bool) {
        // A backslash after the secret may change how the whole text has to be read; `hostile` has those.
        let after = after.replace('\\', "");
        let form = form(&format!("{before} {} {after}", SECRETS[shape]), truncated);
        prop_assert!(!form.contains("Zq7"), "{}", form);
    }
}
