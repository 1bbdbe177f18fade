use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::{Block, Widget};

use super::{Palette, animation, svg, text};
use crate::screen::glyphs::GlyphSet;
use crate::screen::theme::{ColourDepth, Meaning, Theme};

/// A screen with everything a picture must get right.
fn scene(theme: &Theme, set: GlyphSet) -> Buffer {
    let glyphs = set.glyphs();
    let mut buffer = Buffer::empty(Rect::new(0, 0, 84, 18));
    let area = buffer.area;
    buffer.set_style(area, theme.style(Meaning::Screen));
    buffer.set_style(Rect::new(0, 0, 84, 1), theme.style(Meaning::Header));
    buffer.set_string(1, 0, "lockpit  shop@db1:5432  PG 16.4", Style::new());
    buffer.set_string(34, 0, " PROD ", theme.style(Meaning::HeaderLabel));
    for (x, word, meaning) in [
        (42, " ARMED ", Meaning::GuardArmed),
        (50, " TRIPPED ", Meaning::GuardTripped),
        (60, " BLIND ", Meaning::GuardBlind),
        (68, "WATCHING", Meaning::GuardWatching),
        (77, "SHADOW", Meaning::GuardShadow),
    ] {
        buffer.set_string(x, 0, word, theme.style(meaning));
    }
    let boxes = [(Rect::new(0, 1, 42, 11), true), (Rect::new(42, 1, 42, 11), false)];
    for (area, focus) in boxes {
        let (frame, meaning) = match focus {
            true => (glyphs.border_focus, Meaning::BorderFocus),
            false => (glyphs.border, Meaning::Border),
        };
        Block::bordered()
            .border_set(frame)
            .border_style(theme.style(meaning))
            .title_style(theme.style(Meaning::Title))
            .title(" locks ")
            .render(area, &mut buffer);
    }
    let tree = [
        (format!("{} A 29025 report-job", glyphs.root), Meaning::LockRoot),
        (format!("{}{} B 30925 ALTER TABLE users", glyphs.elbow, glyphs.head), Meaning::LockTarget),
        (format!(" {}{} 96 x SELECT <&\"表名\">", glyphs.tee, glyphs.dash), Meaning::LockVictim),
        (format!(" {}", glyphs.pipe), Meaning::Border),
        (format!(" {}{} autovacuum: VACUUM", glyphs.elbow, glyphs.dash), Meaning::LockBystander),
        ("unknown: not allowed to see".to_owned(), Meaning::Unknown),
        ("selected row".to_owned(), Meaning::Text),
        ("rested row".to_owned(), Meaning::Text),
    ];
    for (y, (line, meaning)) in (2..).zip(tree) {
        buffer.set_string(2, y, line, theme.style(meaning));
    }
    buffer.set_style(Rect::new(1, 8, 40, 1), theme.style(Meaning::Selection));
    buffer.set_style(Rect::new(1, 9, 40, 1), theme.style(Meaning::SelectionUnfocused));
    buffer.set_string(44, 2, "pid    state          waits", theme.style(Meaning::Column));
    for (y, (word, meaning)) in (3..).zip([
        ("active", Meaning::StateActive),
        ("idle", Meaning::StateIdle),
        ("idle in transaction", Meaning::StateIdleInTransaction),
        ("danger", Meaning::Danger),
        ("warn", Meaning::Warn),
        ("ok", Meaning::Ok),
    ]) {
        buffer.set_string(44, y, "30925", theme.style(Meaning::Muted));
        buffer.set_string(51, y, word, theme.style(meaning));
    }
    let sparks: String = (0..30_u64).map(|x| glyphs.spark(x * x % 17, 16)).collect();
    buffer.set_string(44, 9, sparks, theme.style(Meaning::Spark));
    let bar = glyphs.bar(41, 100, 30);
    buffer.set_string(44, 10, &bar.done, theme.style(Meaning::ProgressDone));
    let (x, y) = (44 + u16::try_from(bar.done.chars().count()).expect("few"), 10);
    buffer.set_string(x, y, &bar.rest, theme.style(Meaning::ProgressRest));
    for (y, words) in
        [(13, "─│┌┬┐├┼┤└┴┘ ═║╔╗╚╝ ━┃┏┳┓┣╋┫┗┻┛ ░▒▓█▀▄▌▐ ▁▂▃▄▅▆▇"), (14, "┌─┐ ╔═╗ ┏━┓"), (15, "└─┘ ╚═╝ ┗━┛")]
    {
        buffer.set_string(2, y, words, theme.style(Meaning::Text));
    }
    buffer.set_string(20, 15, "link", theme.style(Meaning::Link));
    buffer.set_string(26, 15, "FROZEN", theme.style(Meaning::Frozen));
    buffer.set_string(34, 15, "REPLAY", theme.style(Meaning::Replay));
    buffer.set_string(42, 15, "match", theme.style(Meaning::Match));
    buffer.set_string(50, 15, "a", theme.style(Meaning::Key));
    buffer.set_string(52, 15, "off", theme.style(Meaning::KeyOff));
    buffer
}

fn small(words: &str, style: Style) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(3, 5, 12, 2));
    buffer.set_string(3, 5, words, style);
    buffer.set_string(3, 6, "└─ rest", Style::new());
    buffer
}

#[test]
fn text_is_the_lines_without_the_spaces_at_their_ends() {
    assert_eq!(text(&small("a 表 b", Style::new())), "a 表 b\n└─ rest\n");
}

#[test]
fn texts_are_escaped_and_runs_have_their_place_and_length() {
    let picture =
        svg(&small("a<b  \"&c\"", Style::new().fg(Color::Rgb(1, 2, 3))), &Palette::DARK, "<t> & \u{1b}");
    assert!(picture.contains("<title>&lt;t&gt; &amp; \\u{1b}</title>"), "{picture}");
    assert!(picture.contains("x=\"0\" y=\"13.4\" textLength=\"25.2\">a&lt;b</text>"), "{picture}");
    assert!(
        picture.contains("x=\"42\" y=\"13.4\" textLength=\"33.6\">&quot;&amp;c&quot;</text>"),
        "{picture}"
    );
    assert!(picture.contains("fill:#010203"), "{picture}");
}

#[test]
fn lines_are_shapes_and_not_text() {
    let picture = svg(&small("x", Style::new()), &Palette::DARK, "t");
    assert!(
        !picture.contains('─') && !picture.contains('└') && picture.contains(">rest</text>"),
        "{picture}"
    );
}

#[test]
fn reversed_swaps_and_hidden_hides() {
    let reversed = svg(&small("x", Style::new().add_modifier(Modifier::REVERSED)), &Palette::DARK, "t");
    assert!(reversed.contains("<path fill=\"#d4d9e1\" d=\"M0 0h8.4v18h-8.4z\"/>"), "{reversed}");
    assert!(reversed.contains("fill:#12151b"), "{reversed}");
    let hidden = svg(&small("secret", Style::new().add_modifier(Modifier::HIDDEN)), &Palette::DARK, "t");
    assert!(!hidden.contains("secret"), "{hidden}");
}

#[test]
fn rows_that_stay_are_drawn_once_and_those_that_return_are_not_repeated() {
    let [one, two] = ["one", "two"].map(|words| small(words, Style::new()));
    let frames = [(500, one.clone()), (1_500, two.clone()), (1_700, two), (2_500, one)];
    let picture = animation(&frames, &Palette::DARK, "t");
    for (words, times) in
        [(">rest<", 1), (">one<", 1), (">two<", 1), ("@keyframes", 2), ("reduced-motion", 1)]
    {
        assert_eq!(picture.matches(words).count(), times, "{words}: {picture}");
    }
    // The last frame holds for three seconds: five in all.
    assert!(picture.contains("animation:k0 5s step-end infinite"), "{picture}");
    assert!(
        picture.contains("0%{visibility:visible}20%{visibility:hidden}40%{visibility:visible}to"),
        "{picture}"
    );
    assert!(
        picture.contains("0%{visibility:hidden}20%{visibility:visible}40%{visibility:hidden}to"),
        "{picture}"
    );
}

#[test]
fn a_picture_that_does_not_change_does_not_move() {
    let frame = small("one", Style::new());
    let picture = animation(&[(0, frame.clone()), (900, frame)], &Palette::DARK, "t");
    assert!(!picture.contains("animation"), "{picture}");
    assert!(animation(&[], &Palette::DARK, "t").ends_with("</svg>\n"));
}

#[test]
fn every_theme_and_set_makes_a_picture() {
    for name in Theme::names() {
        let theme = Theme::load(name, None, ColourDepth::True).expect("loads");
        for set in GlyphSet::ALL {
            let picture = svg(&scene(&theme, set), &Palette::of(&theme), name);
            assert!(picture.len() < 40_000, "{name} {set}: {}", picture.len());
            // To look at them: the folder to write to.
            if let Ok(folder) = std::env::var("LOCKPIT_PICTURES") {
                std::fs::write(format!("{folder}/{name}-{set}.svg"), picture).expect("written");
            }
        }
    }
}
