use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;

use super::{clean, fit, fit_right, middle, truncate, width, wrap};
use crate::screen::glyphs::GlyphSet;

#[test]
fn what_steers_a_terminal_or_hides_is_shown() {
    for (raw, shown) in [
        ("plain", "plain"),
        ("a\u{1b}[31mb", "a\\u{1b}[31mb"),
        ("bell\u{7}", "bell\\u{7}"),
        ("\u{9b}2J", "\\u{9b}2J"),
        ("del\u{7f}", "del\\u{7f}"),
        ("two\r\nlines\tand\nmore", "two lines and more"),
        ("over\rwritten", "over\\u{d}written"),
        ("us\u{202e}resu", "us\\u{202e}resu"),
        ("a\u{200b}b\u{feff}", "a\\u{200b}b\\u{feff}"),
        ("line\u{2028}end", "line\\u{2028}end"),
        ("\u{2066}isolate\u{2069}", "\\u{2066}isolate\\u{2069}"),
        ("tag\u{e0041}", "tag\\u{e0041}"),
        ("heart\u{2764}\u{fe0f}", "heart\u{2764}\\u{fe0f}"),
        ("\u{301}alone", "\\u{301}alone"),
        ("e\u{301}", "e\u{301}"),
        ("on \u{301}space", "on \\u{301}space"),
        ("größe 表 名前", "größe 表 名前"),
    ] {
        assert_eq!(clean(raw), shown, "{raw:?}");
    }
}

#[test]
fn a_pile_of_marks_is_no_tower() {
    let tower: String = std::iter::once('z').chain(std::iter::repeat_n('\u{301}', 7)).collect();
    assert_eq!(clean(&tower), "z\u{301}\u{301}\u{301}\u{301}\\u{301}\\u{301}\\u{301}");
}

#[test]
fn a_text_that_is_clean_is_not_copied() {
    assert!(matches!(clean("select 1"), std::borrow::Cow::Borrowed(_)));
    assert!(matches!(clean("größe 表"), std::borrow::Cow::Borrowed(_)));
}

#[test]
fn texts_are_cut_where_graphemes_end() {
    let full = GlyphSet::Full.glyphs();
    for (text, columns, left, right, cut) in [
        ("users", 5, "users", "users", "users"),
        ("users", 7, "users  ", "  users", "users  "),
        ("users_email", 6, "users…", "users…", "use…il"),
        ("users", 1, "…", "…", "…"),
        ("users", 0, "", "", ""),
        ("表名前表", 5, "表名…", "表名…", "表…表"),
        ("表名前表", 4, "表… ", " 表… ".trim_end(), "表… "),
        ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…", "e\u{301}…", "e\u{301}…"),
    ] {
        assert_eq!(fit(text, columns, full), left, "{text} in {columns}");
        assert_eq!(fit_right(text, columns, full), right, "{text} in {columns}");
        assert_eq!(middle(text, columns, full), cut, "{text} in {columns}");
    }
    assert_eq!(fit("users_email", 6, GlyphSet::Ascii.glyphs()), "users~");
}

#[test]
fn lines_break_at_spaces_and_only_then_inside_words() {
    assert_eq!(wrap("alter table users add", 11), ["alter table", "users add"]);
    assert_eq!(wrap("a_very_long_name x", 6), ["a_very", "_long_", "name x"]);
    assert_eq!(wrap("one\n\ntwo", 9), ["one", "", "two"]);
    assert_eq!(wrap("idle 3.7 s; more", 9), ["idle", "3.7 s;", "more"], "a number keeps its unit");
    assert_eq!(wrap("表名前", 3), ["表", "名", "前"]);
    assert_eq!(wrap("a表b", 1), ["a", "?", "b"]);
    assert_eq!(wrap("any", 0), Vec::<String>::new());
    assert_eq!(wrap("", 4), [""]);
}

/// Texts that a server could send: any characters, and more of those that hurt than chance brings.
fn hostile() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => any::<char>(),
        4 => proptest::char::range(' ', '~'),
        2 => proptest::sample::select(vec![
            '表', '前', '\u{301}', '\u{200d}', '\u{202e}', '\u{fe0f}', '👩', '🚀', '🇩', '🇪', '\u{1f3fd}', 'ก',
            '\u{e33}', '\u{600}', 'ﾞ', 'ｶ', '한', '\u{1100}', '\u{1161}', '\u{11a8}', 'ل', 'ا', '\u{17d2}',
            '\u{1780}', '\n', '\t', '\r', '\u{1b}', '\u{0}', '\u{94d}', 'क', 'ष', '\u{a4f8}', '\u{a4fc}',
        ]),
    ];
    proptest::collection::vec(character, 0..40).prop_map(|characters| characters.into_iter().collect())
}

/// Columns that a buffer uses for `text`.
fn laid(text: &str) -> usize {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 2_000, 1));
    usize::from(buffer.set_stringn(0, 0, text, 2_000, Style::new()).0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cleaning_twice_is_cleaning_once(text in hostile()) {
        let once = clean(&text);
        prop_assert_eq!(clean(&once), once.clone());
        prop_assert!(!once.chars().any(char::is_control));
    }

    #[test]
    fn what_is_measured_is_what_a_buffer_holds(text in hostile()) {
        prop_assert_eq!(width(&text), laid(&clean(&text)));
    }

    #[test]
    fn what_is_fitted_is_exactly_as_wide_as_asked(text in hostile(), columns in 0_usize..60) {
        for set in GlyphSet::ALL {
            for fitted in [
                fit(&text, columns, set.glyphs()),
                fit_right(&text, columns, set.glyphs()),
                middle(&text, columns, set.glyphs()),
            ] {
                prop_assert_eq!(width(&fitted), columns, "{:?}", &fitted);
                prop_assert_eq!(laid(&fitted), columns, "{:?}", &fitted);
            }
        }
    }

    #[test]
    fn a_cut_never_splits_a_grapheme(text in hostile(), columns in 1_usize..60) {
        let cut = truncate(&text, columns, GlyphSet::Full.glyphs());
        let whole = clean(&text);
        let mut whole = whole.graphemes(true);
        for grapheme in cut.strip_suffix('…').unwrap_or(&cut).graphemes(true) {
            prop_assert_eq!(Some(grapheme), whole.next());
        }
    }

    #[test]
    fn lines_fit_and_lose_nothing_but_spaces(text in hostile(), columns in 2_usize..60) {
        let lines = wrap(&text, columns);
        for line in &lines {
            prop_assert!(width(line) <= columns, "{:?}", line);
        }
        let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
        // Each paragraph is cleaned by itself: what joins across a line's end does not there.
        let paragraphs: Vec<String> = text.split('\n').map(|part| clean(part).into_owned()).collect();
        let wide = paragraphs.iter().any(|part| part.graphemes(true).any(|g| width(g) > columns));
        // An odd `\r` is escaped anywhere but before a line's end, where both are one.
        if !wide && !text.contains('\r') {
            prop_assert_eq!(letters(&lines.concat()), letters(&paragraphs.concat()));
        }
    }
}
