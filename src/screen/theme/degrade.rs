//! A theme with fewer colours than it was written for.
//!
//! Owns what a colour becomes where it cannot be shown. What could be read before can be read after: where the
//! nearest colour would vanish in its ground, the nearest that does not is taken. Never touches ANSI names,
//! which are the terminal's own.

use ratatui::style::{Color, Modifier, Style};

use super::colour::{ANSI, ColourDepth, Rgb, XTERM, contrast, distance, indexed, resolve};
use super::{Background, Meaning, Theme};

/// Contrast below which a text counts as vanished.
const READABLE: f64 = 4.5;

impl Theme {
    /// The same theme for a terminal of `depth`.
    pub(super) fn degraded(mut self, depth: ColourDepth) -> Self {
        let screen = self.style(Meaning::Screen);
        match depth {
            ColourDepth::True => {}
            ColourDepth::None => self.styles = self.styles.map(|style| colourless(style, screen)),
            ColourDepth::Ansi16 | ColourDepth::Ansi256 => {
                let choice = choice(depth);
                let grounds = [Meaning::Screen, Meaning::Header, Meaning::Popup].map(|meaning| {
                    let bg = self.style(meaning).bg.or(screen.bg).unwrap_or_default();
                    nearest(bg, &choice, |_| true)
                });
                self.styles = self.styles.map(|style| self.reduced(style, &grounds, &choice));
            }
        }
        self
    }

    /// One style; without a ground of its own it may lie on any of `grounds`.
    fn reduced(&self, style: Style, grounds: &[Color], choice: &[(Color, Rgb)]) -> Style {
        let mut reduced = style;
        reduced.bg = style.bg.map(|bg| nearest(bg, choice, |_| true));
        let own: Vec<Color> = reduced.bg.into_iter().collect();
        let under = if own.is_empty() { grounds } else { &own };
        let can_be_read = |rgb: Rgb| {
            let grounds = under.iter().map(|ground| resolve(*ground, &XTERM, self.default_ground()));
            grounds.into_iter().all(|ground| contrast(rgb, ground) >= READABLE)
        };
        reduced.fg = style.fg.map(|fg| {
            // What never needed to be read, such as a box, need not be now.
            let before = contrast(resolve(fg, &XTERM, self.default_text()), self.ground_of(style));
            nearest(fg, choice, |rgb| before < READABLE || can_be_read(rgb))
        });
        reduced
    }

    /// What lies under text of `style`.
    pub(super) fn ground_of(&self, style: Style) -> Rgb {
        let bg = style.bg.or(self.style(Meaning::Screen).bg).unwrap_or_default();
        resolve(bg, &XTERM, self.default_ground())
    }

    /// The terminal's own ground, as far as it is known.
    pub(super) fn default_ground(&self) -> Rgb {
        match self.background() {
            Background::Dark => XTERM[0],
            Background::Light => XTERM[15],
        }
    }

    /// The terminal's own text, as far as it is known.
    pub(super) fn default_text(&self) -> Rgb {
        match self.background() {
            Background::Dark => XTERM[7],
            Background::Light => XTERM[0],
        }
    }
}

/// Bold and its like stay; a ground that set something apart becomes reversed.
fn colourless(style: Style, screen: Style) -> Style {
    let mut modifier = style.add_modifier;
    if style.bg.is_some() && style.bg != screen.bg {
        modifier.insert(Modifier::REVERSED);
    }
    Style::new().add_modifier(modifier)
}

/// The colours there are. Of the 256, not the first sixteen: the terminal's palette may have changed these.
fn choice(depth: ColourDepth) -> Vec<(Color, Rgb)> {
    match depth {
        ColourDepth::Ansi16 => ANSI.into_iter().zip(XTERM).collect(),
        _ => (16..=255).map(|index| (Color::Indexed(index), indexed(index, &XTERM))).collect(),
    }
}

/// The colour nearest to `colour` that will do; a name stays.
fn nearest(colour: Color, choice: &[(Color, Rgb)], will_do: impl Fn(Rgb) -> bool) -> Color {
    let wanted = match colour {
        Color::Rgb(red, green, blue) => Rgb(red, green, blue),
        Color::Indexed(index) if choice.len() < 256 - 16 => indexed(index, &XTERM),
        named => return named,
    };
    choice
        .iter()
        .filter(|(_, rgb)| will_do(*rgb))
        .min_by(|(_, one), (_, other)| distance(*one, wanted).total_cmp(&distance(*other, wanted)))
        .map_or(Color::Reset, |(colour, _)| *colour)
}
