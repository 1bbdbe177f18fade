//! Whatever a file holds, it is a plan or it is told what is wrong with it.

use proptest::prelude::*;

use crate::small::{example, read_text};

/// Pieces that open something, end something, or stand where nothing like them belongs.
const PIECES: [&str; 20] = [
    "'",
    "\"",
    "'''",
    "\"\"\"",
    "$$",
    "${",
    "${item}",
    "${a:literal}",
    "}",
    "/*",
    "--",
    "\\",
    ";",
    "begin atomic ",
    "copy t from stdin;",
    "[[",
    "]",
    "=",
    "\u{20ac}",
    "\0",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_broken_plan_is_told_and_never_crashes(
        name in prop::sample::select(vec!["users-email-verified.toml", "plain.sql", "psql.sql", "wrong.toml"]),
        breaks in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(PIECES.to_vec()), 0_usize..40), 1..4),
    ) {
        let mut text = std::fs::read_to_string(example(name)).expect("an example");
        for (at, piece, gone) in breaks {
            let from = text.floor_char_boundary(at.index(text.len() + 1));
            let to = text.ceil_char_boundary((from + gone).min(text.len()));
            text.replace_range(from..to, piece);
        }
        let file = if name.ends_with("sql") { "a.sql" } else { "a.toml" };
        if let Err(why) = read_text(file, &text, &[("old_app", "v1")]) {
            prop_assert!(!why.is_empty() && why.lines().all(|line| line.starts_with(file)), "{why}");
        }
    }
}
