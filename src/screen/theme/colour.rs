//! Colours as numbers: what ANSI names look like, how far two colours are apart, what can be read.
//!
//! Owns the arithmetic of colours. Never decides which colour means what.

use ratatui::style::Color;

/// A colour on a screen, 0 to 255 each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// How many colours a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColourDepth {
    /// None: bold, dim, underlined and reversed tell things apart.
    None,
    /// The sixteen of the terminal's own palette.
    Ansi16,
    /// The 256 of xterm.
    Ansi256,
    /// Any.
    True,
}

impl ColourDepth {
    /// The depth of the terminal with these variables. `NO_COLOR`, when it is not empty, and a dumb terminal
    /// mean none.
    pub fn choose(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        match set("COLORTERM").as_deref() {
            _ if set("NO_COLOR").is_some() || term == "dumb" => Self::None,
            Some("truecolor" | "24bit") => Self::True,
            _ if term.ends_with("-direct") => Self::True,
            _ if term.contains("256color") => Self::Ansi256,
            _ => Self::Ansi16,
        }
    }
}

/// The sixteen ANSI colours in their order, by the names that theme files use.
pub const ANSI_NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// The sixteen ANSI colours in their order.
pub const ANSI: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// What xterm shows for the sixteen when nobody changed them.
pub const XTERM: [Rgb; 16] = [
    Rgb(0, 0, 0),
    Rgb(205, 0, 0),
    Rgb(0, 205, 0),
    Rgb(205, 205, 0),
    Rgb(0, 0, 238),
    Rgb(205, 0, 205),
    Rgb(0, 205, 205),
    Rgb(229, 229, 229),
    Rgb(127, 127, 127),
    Rgb(255, 0, 0),
    Rgb(0, 255, 0),
    Rgb(255, 255, 0),
    Rgb(92, 92, 255),
    Rgb(255, 0, 255),
    Rgb(0, 255, 255),
    Rgb(255, 255, 255),
];

/// The colour of number `index` among xterm's 256; the first sixteen are `ansi`.
pub fn indexed(index: u8, ansi: &[Rgb; 16]) -> Rgb {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    match index {
        0..16 => ansi[usize::from(index)],
        16..232 => {
            let cube = usize::from(index - 16);
            Rgb(STEPS[cube / 36], STEPS[cube / 6 % 6], STEPS[cube % 6])
        }
        232.. => {
            let grey = 8 + 10 * (index - 232);
            Rgb(grey, grey, grey)
        }
    }
}

/// What `colour` looks like where the sixteen are `ansi`; `default` is the terminal's own.
pub fn resolve(colour: Color, ansi: &[Rgb; 16], default: Rgb) -> Rgb {
    match colour {
        Color::Reset => default,
        Color::Rgb(red, green, blue) => Rgb(red, green, blue),
        Color::Indexed(index) => indexed(index, ansi),
        named => ANSI.iter().position(|known| *known == named).map_or(default, |at| ansi[at]),
    }
}

/// Light that a colour gives off, 0 to 1, as WCAG defines it.
pub fn luminance(Rgb(red, green, blue): Rgb) -> f64 {
    let [red, green, blue] = [red, green, blue].map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// How well two colours can be told apart as text and ground: 1 to 21, as WCAG defines it.
pub fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// `over` mixed into `under`, `share` of a hundred.
pub fn mix(over: Rgb, under: Rgb, share: u16) -> Rgb {
    let mixed = |over: u8, under: u8| {
        let sum = u16::from(over) * share.min(100) + u16::from(under) * (100 - share.min(100));
        u8::try_from(sum / 100).unwrap_or(u8::MAX)
    };
    Rgb(mixed(over.0, under.0), mixed(over.1, under.1), mixed(over.2, under.2))
}

/// Of a dim text's colour, how much is left; the rest is its ground.
pub const DIM_SHARE: u16 = 60;

/// How far two colours are apart to the eye: the distance in Oklab, times a hundred. Black and white are 100
/// apart, two colours that need a second look less than 10.
pub fn distance(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (oklab(one), oklab(other));
    let squares = one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
    squares.sqrt() * 100.0
}

/// A component as light.
fn linear(component: u8) -> f64 {
    let value = f64::from(component) / 255.0;
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

fn oklab(Rgb(red, green, blue): Rgb) -> [f64; 3] {
    let [red, green, blue] = [red, green, blue].map(linear);
    let long = (0.412_221_470_8 * red + 0.536_332_536_3 * green + 0.051_445_992_9 * blue).cbrt();
    let middle = (0.211_903_498_2 * red + 0.680_699_545_1 * green + 0.107_396_956_6 * blue).cbrt();
    let short = (0.088_302_461_9 * red + 0.281_718_837_6 * green + 0.629_978_700_5 * blue).cbrt();
    [
        0.210_454_255_3 * long + 0.793_617_785 * middle - 0.004_072_046_8 * short,
        1.977_998_495_1 * long - 2.428_592_205 * middle + 0.450_593_709_9 * short,
        0.025_904_037_1 * long + 0.782_771_766_2 * middle - 0.808_675_766 * short,
    ]
}

#[cfg(test)]
mod tests {
    use super::{ANSI, ColourDepth, Rgb, XTERM, contrast, distance, indexed, resolve};

    #[test]
    fn contrast_and_distance_are_what_their_definitions_say() {
        let (black, white) = (Rgb(0, 0, 0), Rgb(255, 255, 255));
        assert!((contrast(black, white) - 21.0).abs() < 0.01);
        assert!((contrast(white, white) - 1.0).abs() < 0.01);
        assert!((contrast(Rgb(0x76, 0x76, 0x76), white) - 4.54).abs() < 0.01);
        assert!((distance(black, white) - 100.0).abs() < 0.1);
        assert!(distance(Rgb(200, 10, 10), Rgb(205, 12, 10)) < 3.0);
    }

    #[test]
    fn numbers_are_the_colours_of_xterm() {
        assert_eq!(indexed(9, &XTERM), Rgb(255, 0, 0));
        assert_eq!(indexed(16, &XTERM), Rgb(0, 0, 0));
        assert_eq!(indexed(208, &XTERM), Rgb(255, 135, 0));
        assert_eq!(indexed(231, &XTERM), Rgb(255, 255, 255));
        assert_eq!(indexed(232, &XTERM), Rgb(8, 8, 8));
        assert_eq!(indexed(255, &XTERM), Rgb(238, 238, 238));
        for (colour, rgb) in ANSI.into_iter().zip(XTERM) {
            assert_eq!(resolve(colour, &XTERM, Rgb(1, 2, 3)), rgb);
        }
    }

    #[test]
    fn the_variables_tell_the_depth() {
        let choose = |variables: &[(&str, &str)]| {
            ColourDepth::choose(&|name| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(choose(&[("TERM", "xterm")]), ColourDepth::Ansi16);
        assert_eq!(choose(&[("TERM", "xterm-256color")]), ColourDepth::Ansi256);
        assert_eq!(choose(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), ColourDepth::True);
        assert_eq!(choose(&[("COLORTERM", "24bit"), ("NO_COLOR", "1")]), ColourDepth::None);
        assert_eq!(choose(&[("TERM", "xterm"), ("NO_COLOR", "")]), ColourDepth::Ansi16);
        assert_eq!(choose(&[("TERM", "dumb"), ("COLORTERM", "truecolor")]), ColourDepth::None);
        assert_eq!(choose(&[]), ColourDepth::Ansi16);
    }
}
