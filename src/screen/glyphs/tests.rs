use ratatui::symbols::border;
use unicode_width::UnicodeWidthStr;

use super::{GlyphSet, Glyphs};

/// Characters beyond ASCII that WGL4 and code page 437 share, of those that may stand on a screen.
const WGL4_AND_CP437: &str = "─│┌┐└┘├┤┬┴┼═║╒╓╔╕╖╗╘╙╚╛╜╝╞╟╠╡╢╣╤╥╦╧╨╩╪╫╬▀▄█▌▐░▒▓■▬▲►▼◄○•◘◙√≈≡±≤≥∞·°«»↑↓←→";

fn all(glyphs: &Glyphs) -> Vec<&'static str> {
    let frame = |set: border::Set<'static>| {
        [
            set.top_left,
            set.top_right,
            set.bottom_left,
            set.bottom_right,
            set.vertical_left,
            set.vertical_right,
            set.horizontal_top,
            set.horizontal_bottom,
        ]
    };
    let Glyphs { root, head, bullet, pending, pipe, tee, elbow, dash, border, border_focus, .. } = *glyphs;
    let Glyphs { sparks, unknown, done, parts, rest, record, ellipsis, check, cross, .. } = *glyphs;
    let Glyphs { play, pause, marker, up, down, separator, .. } = *glyphs;
    let mut all = vec![root, head, bullet, pending, pipe, tee, elbow, dash, unknown, done, rest, record];
    all.extend([ellipsis, check, cross, play, pause, marker, up, down, separator]);
    all.extend(sparks.iter().chain(parts));
    all.extend(frame(border).into_iter().chain(frame(border_focus)));
    all
}

#[test]
fn every_sign_is_one_character_of_one_column() {
    for set in GlyphSet::ALL {
        for sign in all(set.glyphs()) {
            assert_eq!((sign.chars().count(), sign.width()), (1, 1), "{sign} of {set}");
        }
    }
}

#[test]
fn no_set_has_braille_or_emoji() {
    // Emoji that fonts and terminals may draw wide although they have a text form.
    let emoji = "▶◀⏺⏸⏹✔✖⚠ℹ↔↕♥♦♣♠☑☹☺♀♂‼⬛⬜◼◻▪▫★⭐";
    for set in GlyphSet::ALL {
        for sign in all(set.glyphs()) {
            let code = sign.chars().next().map_or(0, u32::from);
            assert!(!(0x2800..0x2900).contains(&code) && code < 0x1_f000, "{sign} of {set}");
            assert!(!emoji.contains(sign), "{sign} of {set}");
        }
    }
}

#[test]
fn each_set_keeps_to_its_characters() {
    for sign in all(GlyphSet::Wgl4.glyphs()) {
        assert!(sign.is_ascii() || WGL4_AND_CP437.contains(sign), "{sign}");
    }
    for sign in all(GlyphSet::Ascii.glyphs()) {
        assert!(sign.is_ascii(), "{sign}");
    }
}

#[test]
fn levels_keep_something_from_looking_like_nothing() {
    for set in GlyphSet::ALL {
        let glyphs = set.glyphs();
        let most = glyphs.sparks.len() - 1;
        assert_eq!(glyphs.spark(0, 0), " ");
        assert_eq!(glyphs.spark(0, u64::MAX), " ");
        assert_eq!(glyphs.spark(1, u64::MAX), glyphs.sparks[1]);
        assert_eq!(glyphs.spark(u64::MAX - 1, u64::MAX), glyphs.sparks[most - 1]);
        assert_eq!(glyphs.spark(u64::MAX, u64::MAX), glyphs.sparks[most]);
        assert_eq!(glyphs.spark(9, 3), glyphs.sparks[most]);
    }
}

#[test]
fn a_bar_is_as_wide_as_asked_and_full_only_when_done() {
    for set in GlyphSet::ALL {
        let glyphs = set.glyphs();
        for columns in [0, 1, 7, 80] {
            for (part, whole) in [(0, 0), (0, 9), (1, 9), (8, 9), (9, 9), (12, 9), (u64::MAX - 1, u64::MAX)] {
                let bar = glyphs.bar(part, whole, columns);
                assert_eq!(bar.done.width() + bar.rest.width(), usize::from(columns), "{bar:?}");
                let full = bar.done == glyphs.done.repeat(usize::from(columns));
                assert_eq!(full, columns == 0 || (part >= whole && whole > 0), "{part} of {whole}: {bar:?}");
            }
        }
    }
    assert_eq!(GlyphSet::Full.glyphs().bar(1, 4, 2).done, "▌");
    assert_eq!(GlyphSet::Ascii.glyphs().bar(1, 2, 4).done, "##");
}

#[test]
fn the_locale_and_the_terminal_choose_the_set() {
    let choose = |variables: &[(&str, &str)]| {
        GlyphSet::choose(None, &|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    };
    assert_eq!(choose(&[]), GlyphSet::Ascii);
    assert_eq!(choose(&[("LANG", "C")]), GlyphSet::Ascii);
    assert_eq!(choose(&[("LANG", "de_DE.UTF-8")]), GlyphSet::Full);
    assert_eq!(choose(&[("LANG", "de_DE.utf8"), ("LC_ALL", "")]), GlyphSet::Full);
    assert_eq!(choose(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")]), GlyphSet::Ascii);
    assert_eq!(choose(&[("LANG", "C"), ("LC_CTYPE", "C.UTF-8")]), GlyphSet::Full);
    assert_eq!(choose(&[("LANG", "C.UTF-8"), ("TERM", "linux")]), GlyphSet::Wgl4);
    assert_eq!(choose(&[("LANG", "C"), ("TERM", "linux")]), GlyphSet::Ascii);
    assert_eq!(choose(&[("LANG", "C.UTF-8"), ("TERM", "dumb")]), GlyphSet::Ascii);
    assert_eq!(GlyphSet::choose(Some(GlyphSet::Full), &|_| None), GlyphSet::Full);
}

#[test]
fn names_are_read_as_they_are_written() {
    for set in GlyphSet::ALL {
        assert_eq!(set.to_string().parse(), Ok(set));
    }
    let refused = "unicode".parse::<GlyphSet>().expect_err("no such set");
    assert_eq!(refused.to_string(), "no glyph set is called \"unicode\"; there are full, wgl4 and ascii");
}
