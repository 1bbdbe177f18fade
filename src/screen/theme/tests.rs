use std::fs;

use ratatui::style::{Color, Modifier, Style};

use super::colour::{DIM_SHARE, Rgb, XTERM, contrast, distance, mix, resolve};
use super::{Background, ColourDepth, Meaning, Theme, file};

const DEPTHS: [ColourDepth; 3] = [ColourDepth::Ansi16, ColourDepth::Ansi256, ColourDepth::True];
/// What is drawn and not read.
const LINES: [Meaning; 4] = [Meaning::Border, Meaning::ProgressRest, Meaning::ProgressDone, Meaning::Spark];
/// What matters less: a contrast of 3 is enough.
const PALE: [Meaning; 5] =
    [Meaning::Muted, Meaning::LockBystander, Meaning::StateIdle, Meaning::Limit, Meaning::KeyOff];

fn load(name: &str, depth: ColourDepth) -> Theme {
    Theme::load(name, None, depth).unwrap_or_else(|error| panic!("{error}"))
}

/// Text and ground of `style` where it is drawn over `under`.
fn shown(theme: &Theme, style: Style, under: Style) -> (Rgb, Rgb) {
    let screen = theme.style(Meaning::Screen);
    let style = screen.patch(under).patch(style);
    let (text, ground) = (theme.default_text(), theme.default_ground());
    let mut fg = resolve(style.fg.unwrap_or_default(), &XTERM, text);
    let mut bg = resolve(style.bg.unwrap_or_default(), &XTERM, ground);
    if style.add_modifier.contains(Modifier::REVERSED) {
        (fg, bg) = (bg, fg);
    }
    if style.add_modifier.contains(Modifier::DIM) {
        fg = mix(fg, bg, DIM_SHARE);
    }
    (fg, bg)
}

#[test]
fn every_compiled_in_theme_loads_at_every_depth() {
    for name in Theme::names() {
        for depth in [ColourDepth::None, ColourDepth::Ansi16, ColourDepth::Ansi256, ColourDepth::True] {
            assert_eq!(load(name, depth).name(), name);
        }
    }
    assert_eq!(Theme::names().next(), Some(Theme::DEFAULT));
    assert_eq!(Theme::standard(ColourDepth::True), load(Theme::DEFAULT, ColourDepth::True));
}

#[test]
fn the_first_theme_of_a_family_names_every_meaning() {
    for name in ["dark", "night"] {
        let file = file::parse(super::compiled_in(name).expect("compiled in")).expect("parses");
        for meaning in Meaning::ALL {
            let named = file.styles.contains_key(meaning.scope());
            // The default leaves the ground to the terminal.
            assert_eq!(named, !(name == "dark" && meaning == Meaning::Screen), "{name}: {}", meaning.scope());
        }
    }
}

#[test]
fn meanings_index_their_styles_and_scopes_are_unique() {
    for (index, meaning) in Meaning::ALL.into_iter().enumerate() {
        assert_eq!(meaning as usize, index);
        let same = Meaning::ALL.into_iter().filter(|other| other.scope() == meaning.scope()).count();
        assert_eq!(same, 1, "{}", meaning.scope());
    }
}

#[test]
fn every_text_can_be_read_on_whatever_it_lies() {
    let mut poor = Vec::new();
    for (name, depth) in Theme::names().flat_map(|name| DEPTHS.map(|depth| (name, depth))) {
        let theme = load(name, depth);
        // A ground that is not known is both.
        let grounds =
            if name == "ansi16" { vec![Background::Dark, Background::Light] } else { vec![theme.background] };
        for background in grounds {
            let theme = Theme { background, ..theme.clone() };
            for meaning in Meaning::ALL.into_iter().filter(|meaning| !LINES.contains(meaning)) {
                let least = match (name, PALE.contains(&meaning)) {
                    ("high-contrast", _) if depth == ColourDepth::True => 7.0,
                    (_, true) => 3.0,
                    (_, false) => 4.5,
                };
                let lies_on = [Meaning::Screen, Meaning::Header, Meaning::Popup, Meaning::Text];
                for under in lies_on {
                    let (fg, bg) = shown(&theme, theme.style(meaning), theme.style(under));
                    let reached = contrast(fg, bg);
                    if reached < least {
                        poor.push(format!(
                            "{name} {depth:?} {background:?}: {} on {}: {reached:.2}, least {least}",
                            meaning.scope(),
                            under.scope()
                        ));
                    }
                }
                for over in [Meaning::Selection, Meaning::SelectionUnfocused] {
                    let (fg, bg) = shown(&theme, theme.style(over), theme.style(meaning));
                    let reached = contrast(fg, bg);
                    if reached < 3.0 {
                        poor.push(format!(
                            "{name} {depth:?} {background:?}: {} under {}: {reached:.2}",
                            meaning.scope(),
                            over.scope()
                        ));
                    }
                }
            }
        }
    }
    assert!(poor.is_empty(), "{} poor:\n{}", poor.len(), poor.join("\n"));
}

/// What somebody without green cones sees (Viénot, Brettel and Mollon's projection, on linear light).
fn without_green(Rgb(red, green, blue): Rgb) -> Rgb {
    let light = |c: u8| (f64::from(c) / 255.0).powf(2.2);
    let byte = |l: f64| (l.clamp(0.0, 1.0).powf(1.0 / 2.2) * 255.0).round() as u8;
    let [red, green, blue] = [red, green, blue].map(light);
    let both = byte(0.292_75 * red + 0.707_25 * green);
    Rgb(both, both, byte(-0.022_34 * red + 0.022_34 * green + blue))
}

#[test]
fn well_and_ill_are_apart_without_green_cones() {
    let apart = |name: &str| {
        let theme = load(name, ColourDepth::True);
        let seen = |meaning| without_green(shown(&theme, theme.style(meaning), Style::new()).0);
        let [ok, warn, danger] = [Meaning::Ok, Meaning::Warn, Meaning::Danger].map(seen);
        distance(ok, warn).min(distance(ok, danger)).min(distance(warn, danger))
    };
    assert!(apart("colour-blind") >= 15.0, "{:.1}", apart("colour-blind"));
    // The measure can fail: red and green of the other themes are near.
    assert!(apart("night") < 15.0, "{:.1}", apart("night"));
}

#[test]
fn without_colours_what_has_no_word_differs_by_its_form() {
    for name in Theme::names() {
        let theme = load(name, ColourDepth::None);
        for meaning in Meaning::ALL {
            let style = theme.style(meaning);
            assert_eq!((style.fg, style.bg), (None, None), "{name}: {}", meaning.scope());
        }
        for (one, other) in [
            (Meaning::Selection, Meaning::Text),
            (Meaning::SelectionUnfocused, Meaning::Text),
            (Meaning::Selection, Meaning::SelectionUnfocused),
            (Meaning::BorderFocus, Meaning::Border),
            (Meaning::Key, Meaning::KeyOff),
            (Meaning::HeaderLabel, Meaning::Header),
            (Meaning::Danger, Meaning::Text),
            (Meaning::Warn, Meaning::Text),
            (Meaning::Danger, Meaning::Warn),
            (Meaning::Match, Meaning::Text),
            (Meaning::GuardTripped, Meaning::GuardWatching),
            (Meaning::LockRoot, Meaning::LockBystander),
        ] {
            let differ = theme.style(one) != theme.style(other);
            assert!(differ, "{name}: {} and {} look the same", one.scope(), other.scope());
        }
    }
}

#[test]
fn black_is_never_bold_where_the_terminal_has_its_own_colours() {
    for name in Theme::names() {
        let theme = load(name, ColourDepth::True);
        for meaning in Meaning::ALL {
            let style = theme.style(meaning);
            let bold = style.add_modifier.contains(Modifier::BOLD);
            assert!(!(bold && style.fg == Some(Color::Black)), "{name}: {}", meaning.scope());
        }
    }
}

#[test]
fn fewer_colours_are_of_the_depth_asked_for() {
    for name in Theme::names() {
        let (sixteen, more) = (load(name, ColourDepth::Ansi16), load(name, ColourDepth::Ansi256));
        for meaning in Meaning::ALL {
            let style = sixteen.style(meaning);
            for colour in [style.fg, style.bg].into_iter().flatten() {
                assert!(!matches!(colour, Color::Rgb(..) | Color::Indexed(_)), "{name}: {colour}");
            }
            let style = more.style(meaning);
            for colour in [style.fg, style.bg].into_iter().flatten() {
                assert!(!matches!(colour, Color::Rgb(..)), "{name}: {colour}");
            }
        }
    }
}

/// A theme called `mine` with these files beside it.
fn with_files(files: &[(&str, &str)]) -> Result<Theme, String> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(format!("{name}.toml")), text).expect("written");
    }
    Theme::load(files[0].0, Some(folder.path()), ColourDepth::True)
        .map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

#[test]
fn a_file_of_ones_own_extends_and_overrides() {
    let theme =
        with_files(&[("mine", "inherits = \"night\"\n[palette]\nred = 208\n[styles]\nok = \"#010203\"")]);
    let theme = theme.expect("loads");
    let night = load("night", ColourDepth::True);
    assert_eq!(theme.style(Meaning::Ok).fg, Some(Color::Rgb(1, 2, 3)));
    assert_eq!(theme.style(Meaning::Danger).fg, Some(Color::Indexed(208)));
    assert_eq!(theme.style(Meaning::Warn), night.style(Meaning::Warn));

    let theme =
        with_files(&[("dark", "inherits = \"dark\"\n[styles]\nok = \"bright-blue\"")]).expect("loads");
    assert_eq!(theme.style(Meaning::Ok).fg, Some(Color::LightBlue));
    assert_eq!(theme.style(Meaning::Warn), load("dark", ColourDepth::True).style(Meaning::Warn));
}

#[test]
fn a_meaning_without_a_style_takes_its_parents() {
    let text = "[styles]\ntext = 7\nguard = \"red\"\n\"guard.armed\" = { fg = \"green\", bold = true }";
    let theme = with_files(&[("mine", text)]).expect("loads");
    assert_eq!(theme.style(Meaning::GuardArmed), Style::new().fg(Color::Green).add_modifier(Modifier::BOLD));
    assert_eq!(theme.style(Meaning::GuardBlind), Style::new().fg(Color::Red));
    assert_eq!(theme.style(Meaning::LockRoot), Style::new().fg(Color::Gray));
    assert_eq!(theme.style(Meaning::Screen), Style::new());
}

#[test]
fn what_has_no_meaning_is_refused_with_what_was_probably_meant() {
    for (text, said) in [
        (
            "[styles]\n\"guard.amred\" = 1",
            "mine.toml: styles: nothing is called `guard.amred` (did you mean `guard.armed`?)",
        ),
        ("[styles]\nzebra = 1", "mine.toml: styles: nothing is called `zebra`"),
        ("[style]\nok = 1", "mine.toml: unknown key `style` (did you mean `styles`?)"),
        ("[styles]\nok = \"gren\"", "styles: `ok`: no colour is called `gren` (did you mean `green`?)"),
        ("[palette]\nred = \"#12345\"", "palette: `red` is no colour: \"#12345\"; a colour is \"#rrggbb\""),
        ("[palette]\nx = \"yelow\"", "palette: `x` is no colour: \"yelow\" (did you mean `yellow`?)"),
        ("[styles]\nok = 256", "styles: `ok` has no such colour: 256"),
        ("[styles]\nok = { fg = 1, blod = true }", "`ok` has no attribute `blod` (did you mean `bold`?)"),
        ("[styles]\nok = { bold = 1 }", "styles: `bold` of `ok` is true or false, not 1"),
        ("[styles]\nguard.armed = \"red\"", "styles: write \"guard.armed\" in quotes"),
        ("background = \"grey\"", "`background` is \"dark\" or \"light\", not \"grey\""),
        ("inherits = 3", "`inherits` must be a text in quotes"),
        ("styles = 3", "`styles` must be a table"),
        (
            "inherits = \"nigth\"",
            "no theme is called \"nigth\" (did you mean `night`?); there are dark, light",
        ),
        ("inherits = \"../x\"", "no theme is called \"../x\"; there are"),
        ("[styles", "mine.toml: TOML parse error at line 1"),
    ] {
        let refused = with_files(&[("mine", text)]).expect_err(text);
        assert!(refused.contains(said), "{text}: {refused}");
    }
}

#[test]
fn themes_that_inherit_each_other_are_refused() {
    let refused = with_files(&[("a", "inherits = \"b\""), ("b", "inherits = \"a\"")]).expect_err("a circle");
    assert_eq!(refused, "themes inherit each other in a circle: a.toml -> b.toml -> a.toml");
    let refused = with_files(&[("a", "inherits = \"a\"")]).expect_err("a circle");
    assert_eq!(refused, "themes inherit each other in a circle: a.toml -> a.toml");
}
