use super::*;

#[test]
fn amounts_keep_one_unit_and_are_cut_off() {
    for (amount, words) in [
        (0, "0 B"),
        (1_023, "1023 B"),
        (1_024, "1.0 kB"),
        (140_509_184, "134 MB"),
        (2_254_857_830, "2.0 GB"),
        (2_254_857_831, "2.1 GB"),
        (u64::MAX, "15 EB"),
    ] {
        assert_eq!(bytes(amount), words);
    }
    for (number, words) in
        [(9_999, "9999"), (12_900, "12 k"), (3_490_000, "3.4 M"), (u64::MAX, "18446744073 G")]
    {
        assert_eq!(count(number), words);
    }
    assert_eq!(
        (plural(1, "session"), plural(0, "session")),
        ("1 session".to_owned(), "0 sessions".to_owned())
    );
    assert_eq!(ago(4_000), "4.0 s ago");
}

#[test]
fn identifiers_are_quoted_as_the_server_quotes_them() {
    for (name, quoted) in [
        ("users", "users"),
        ("users_2", "users_2"),
        ("Users", "\"Users\""),
        ("2users", "\"2users\""),
        ("order", "\"order\""),
        ("a\"b", "\"a\"\"b\""),
        ("", "\"\""),
        ("größe", "\"größe\""),
        ("a\nb\\", "U&\"a\\000Ab\\\\\""),
        ("a\u{202e}b", "U&\"a\\202Eb\""),
    ] {
        assert_eq!(quote_ident(name), quoted);
    }
}

#[test]
fn literals_are_quoted_so_that_nothing_escapes() {
    for (value, quoted) in [
        ("gid-1", "'gid-1'"),
        ("o'brien", "'o''brien'"),
        ("a\\'b", "E'a\\\\''b'"),
        ("a\u{1b}[2J", "E'a\\u001B[2J'"),
    ] {
        assert_eq!(quote_literal(value), quoted);
    }
}

#[test]
fn written_names_are_folded_and_what_is_no_name_is_none() {
    let parts = |written| name_parts(written).map(|parts| parts.join("|"));
    assert_eq!(parts("Public.Users").as_deref(), Some("public|users"));
    assert_eq!(parts("\"Order Lines\"").as_deref(), Some("Order Lines"));
    assert_eq!(parts("s.\"a\"\"b.c\"").as_deref(), Some("s|a\"b.c"));
    for no_name in ["", ".", "a.", "a b", "\"open", "a;drop table b", "\"\""] {
        assert_eq!(parts(no_name), None, "{no_name}");
    }
    assert_eq!(quote_name(["s", "Order Lines"]), "s.\"Order Lines\"");
}
