//! What is told of literals where they are kept.

use super::*;

/// The form of a text with its literals put back.
fn whole(raw: &str) -> String {
    let text = digest(raw);
    put_back(&text.normalised, &literals::of(raw, false))
}

#[test]
fn a_digester_tells_literals_only_where_asked() {
    assert_eq!(patient().literals("select 'a'", false), Vec::new());
    let asked = patient().keeping_literals(true);
    assert_eq!(asked.literals("select 'a'", false), [Some("'a'".to_owned())]);
    assert_eq!(asked.literals("<insufficient privilege>", false), Vec::new());
}

#[test]
fn literals_find_their_places() {
    for (raw, expected) in [
        (
            "select 'a', 5 from t where b = E'\\'' and c = $1",
            "select 'a', 5 from t where b = E'\\'' and c = $4",
        ),
        ("select $2, a - -3, - - 4, $t$x$t$", "select $1, a - -3, 4, $t$x$t$"),
        ("insert into t values (1, f(2)), (3, f(4))", "insert into t values (1, f(2))"),
        ("select a in (1, 2), 'x'", "select a in (...), 'x'"),
        ("select \"$1\", a$1, 'x'", "select \"$1\", a$1, 'x'"),
        ("set a.b = word", "set a.b = word"),
    ] {
        assert_eq!(whole(raw), expected, "{raw}");
    }
}

#[test]
fn comments_are_not_kept_with_literals() {
    for raw in [
        "select 'a' /* Zq7 */, 'b' -- Zq7",
        "select 'a' -- Zq7\n  'b''' -- Zq7\n\t'c'",
        "select -/* Zq7 */ 5, 'c'",
        "select '\\', a /* ' Zq7 */, 'c'",
        "copy t from stdin; -- Zq7\nselect 'c'",
    ] {
        let kept = literals::of(raw, false);
        assert!(!format!("{kept:?}").contains("Zq7"), "{raw}: {kept:?}");
    }
    assert_eq!(whole("select 'a' -- x\n  'b'''"), "select 'a' 'b'''");
}

#[test]
fn what_is_cut_is_marked() {
    assert_eq!(literals::of("select 'abc", true), [Some("'abc…".to_owned())]);
    let long = format!("select '{}', 1", "ä".repeat(1_000));
    let kept = literals::of(&long, false);
    let first = kept[0].as_deref().unwrap();
    assert!(first.ends_with("ä…(cut: 1023 of 2002 bytes)"), "{first}");
    assert_eq!(kept[1].as_deref(), Some("1"));
    let many = format!("select {}", vec![format!("f('{}')", "x".repeat(900)); 20].join(", "));
    let kept = literals::of(&many, false);
    let bytes: usize = kept.iter().flatten().map(String::len).sum();
    assert!(bytes < 9_000 && kept.last().unwrap().as_deref().unwrap().contains("not kept"), "{bytes}");
}
