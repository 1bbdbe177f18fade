//! The colours of the terminal that a picture pretends to be.

use ratatui::style::Color;

use crate::screen::theme::colour::{Rgb, resolve};
use crate::screen::theme::{Background, Meaning, Theme};

/// What the terminal's own colours look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// Text without a colour.
    pub foreground: Rgb,
    /// Ground without a colour.
    pub background: Rgb,
    /// The sixteen, in ANSI's order.
    pub ansi: [Rgb; 16],
}

impl Palette {
    /// A dark terminal.
    pub const DARK: Self = Self {
        foreground: Rgb(0xd4, 0xd9, 0xe1),
        background: Rgb(0x12, 0x15, 0x1b),
        ansi: [
            Rgb(0x12, 0x15, 0x1b),
            Rgb(0xb8, 0x2a, 0x2a),
            Rgb(0x6c, 0xc0, 0x74),
            Rgb(0xe0, 0xb9, 0x54),
            Rgb(0x4a, 0x80, 0xe8),
            Rgb(0xb3, 0x78, 0xe0),
            Rgb(0x52, 0xb8, 0xc9),
            Rgb(0xd4, 0xd9, 0xe1),
            Rgb(0x7d, 0x87, 0x96),
            Rgb(0xff, 0x7b, 0x72),
            Rgb(0x94, 0xe0, 0x9b),
            Rgb(0xff, 0xd8, 0x7a),
            Rgb(0x82, 0xad, 0xff),
            Rgb(0xd0, 0xa4, 0xf7),
            Rgb(0x7f, 0xda, 0xec),
            Rgb(0xff, 0xff, 0xff),
        ],
    };

    /// A light terminal.
    pub const LIGHT: Self = Self {
        foreground: Rgb(0x1c, 0x24, 0x30),
        background: Rgb(0xff, 0xff, 0xff),
        ansi: [
            Rgb(0x1c, 0x24, 0x30),
            Rgb(0xb3, 0x16, 0x1b),
            Rgb(0x2e, 0x9b, 0x4c),
            Rgb(0xd9, 0x9a, 0x1c),
            Rgb(0x1c, 0x5f, 0xc4),
            Rgb(0x8a, 0x3f, 0xc4),
            Rgb(0x2a, 0x9d, 0xb5),
            Rgb(0xd8, 0xdd, 0xe5),
            Rgb(0x6b, 0x76, 0x88),
            Rgb(0xc8, 0x1e, 0x25),
            Rgb(0x14, 0x60, 0x2b),
            Rgb(0x74, 0x4c, 0x00),
            Rgb(0x0b, 0x4a, 0xa8),
            Rgb(0x6d, 0x2f, 0xa8),
            Rgb(0x0b, 0x55, 0x72),
            Rgb(0xff, 0xff, 0xff),
        ],
    };

    /// A terminal that suits the theme: dark or light, with the theme's ground where it has one.
    pub fn of(theme: &Theme) -> Self {
        let base = match theme.background() {
            Background::Dark => Self::DARK,
            Background::Light => Self::LIGHT,
        };
        let screen = theme.style(Meaning::Screen);
        let colour = |colour: Option<Color>, own| resolve(colour.unwrap_or_default(), &base.ansi, own);
        Self {
            foreground: colour(screen.fg, base.foreground),
            background: colour(screen.bg, base.background),
            ..base
        }
    }
}
