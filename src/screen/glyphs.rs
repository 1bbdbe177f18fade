//! The signs screens are drawn with, in three sets.
//!
//! Owns which signs exist and which set a terminal gets. Never decides where one is drawn. Every sign is one
//! column wide; there is no Braille and no emoji in any set.

use std::fmt;
use std::str::FromStr;

use ratatui::symbols::border;

/// Which signs a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GlyphSet {
    /// What fonts of today have. Lines, blocks and bullets are of ambiguous width in East Asian locales:
    /// a terminal that draws these wide wants `ascii`.
    Full,
    /// What both WGL4 and code page 437 have: the Linux console, old fonts.
    Wgl4,
    /// Letters only.
    Ascii,
}

impl GlyphSet {
    /// Every set.
    pub const ALL: [Self; 3] = [Self::Full, Self::Wgl4, Self::Ascii];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Wgl4 => "wgl4",
            Self::Ascii => "ascii",
        }
    }

    /// The signs.
    pub const fn glyphs(self) -> &'static Glyphs {
        match self {
            Self::Full => &FULL,
            Self::Wgl4 => &WGL4,
            Self::Ascii => &ASCII,
        }
    }

    /// The set that was asked for; otherwise the one that the terminal of these variables shows: `ascii`
    /// unless the locale is UTF-8, `wgl4` on the Linux console, else `full`.
    pub fn choose(requested: Option<Self>, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        if let Some(requested) = requested {
            return requested;
        }
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        let utf8 = locale.contains("utf-8") || locale.contains("utf8");
        match variable("TERM").as_deref() {
            _ if !utf8 => Self::Ascii,
            Some("dumb") => Self::Ascii,
            Some("linux") => Self::Wgl4,
            _ => Self::Full,
        }
    }
}

impl fmt::Display for GlyphSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for GlyphSet {
    type Err = UnknownGlyphSet;

    fn from_str(name: &str) -> Result<Self, UnknownGlyphSet> {
        Self::ALL.into_iter().find(|set| set.name() == name).ok_or_else(|| UnknownGlyphSet(name.to_owned()))
    }
}

/// A name that no set of signs has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no glyph set is called {0:?}; there are full, wgl4 and ascii")]
pub struct UnknownGlyphSet(String);

/// The signs of one set, each one column wide.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Glyphs {
    /// A root blocker.
    pub root: &'static str,
    /// A queue head.
    pub head: &'static str,
    /// The row at hand.
    pub select: &'static str,
    /// An item of a list.
    pub bullet: &'static str,
    /// A step that is still to come.
    pub pending: &'static str,
    /// Tree: a branch goes on below.
    pub pipe: &'static str,
    /// Tree: a branch with sisters below.
    pub tee: &'static str,
    /// Tree: the last branch.
    pub elbow: &'static str,
    /// Tree: towards the item; also a rule.
    pub dash: &'static str,
    /// Boxes.
    pub border: border::Set<'static>,
    /// Boxes that have the focus.
    pub border_focus: border::Set<'static>,
    /// Sparkline levels, from nothing to most. Heights in `full`, shades in `wgl4`, letters in `ascii`.
    pub sparks: &'static [&'static str],
    /// A value that is not known, in a sparkline or a cell.
    pub unknown: &'static str,
    /// Progress: a column that is done.
    pub done: &'static str,
    /// Progress: parts of a column, from little to much.
    pub parts: &'static [&'static str],
    /// Progress: a column that is not done.
    pub rest: &'static str,
    /// Recording.
    pub record: &'static str,
    /// What was left out of a text.
    pub ellipsis: &'static str,
    /// Done, well.
    pub check: &'static str,
    /// Failed.
    pub cross: &'static str,
    /// Playing.
    pub play: &'static str,
    /// Paused.
    pub pause: &'static str,
    /// A marker in the timeline.
    pub marker: &'static str,
    /// More; also sorted ascending.
    pub up: &'static str,
    /// Less; also sorted descending.
    pub down: &'static str,
    /// Between parts of a line.
    pub separator: &'static str,
}

/// What a progress bar is made of: two texts that together are as wide as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// The part that is done.
    pub done: String,
    /// The part that is not.
    pub rest: String,
}

impl Glyphs {
    /// The level of `value` where `top` is the highest. Something is never drawn as nothing, and less than
    /// the top never as the top while there are levels between.
    pub fn spark(&self, value: u64, top: u64) -> &'static str {
        let most = self.sparks.len().saturating_sub(1);
        let level = match (value, top) {
            (0, _) => 0,
            (value, top) if value >= top => most,
            (value, top) => {
                let scaled = u128::from(value) * most as u128 / u128::from(top);
                usize::try_from(scaled).unwrap_or(most).max(1)
            }
        };
        self.sparks.get(level).copied().unwrap_or(" ")
    }

    /// A bar of `columns` columns for `part` of `whole`. It is full only when all is done.
    pub fn bar(&self, part: u64, whole: u64, columns: u16) -> Bar {
        let steps = self.parts.len() as u128 + 1;
        let all = u128::from(columns) * steps;
        let filled = match whole {
            0 => 0,
            _ => u128::from(part.min(whole)) * all / u128::from(whole),
        };
        let full = usize::try_from(filled / steps).unwrap_or(usize::MAX).min(usize::from(columns));
        let mut done = self.done.repeat(full);
        let mut left = usize::from(columns) - full;
        let part = usize::try_from(filled % steps).unwrap_or(0).checked_sub(1);
        if let Some(part) = part.and_then(|part| self.parts.get(part)) {
            done.push_str(part);
            left = left.saturating_sub(1);
        }
        Bar { done, rest: self.rest.repeat(left) }
    }
}

const FULL: Glyphs = Glyphs {
    root: "●",
    head: "►",
    select: "▌",
    bullet: "•",
    pending: "○",
    pipe: "│",
    tee: "├",
    elbow: "└",
    dash: "─",
    border: border::PLAIN,
    border_focus: border::THICK,
    sparks: &[" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    unknown: "?",
    done: "█",
    parts: &["▏", "▎", "▍", "▌", "▋", "▊", "▉"],
    rest: "░",
    record: "●",
    ellipsis: "…",
    check: "✓",
    cross: "✗",
    play: "►",
    pause: "‖",
    marker: "◆",
    up: "▲",
    down: "▼",
    separator: "·",
};

const WGL4: Glyphs = Glyphs {
    root: "■",
    head: "►",
    bullet: "•",
    pending: "○",
    border_focus: border::DOUBLE,
    sparks: &[" ", "░", "▒", "▓", "█"],
    parts: &["▌"],
    record: "•",
    ellipsis: "~",
    check: "√",
    cross: "x",
    pause: "║",
    marker: "◘",
    ..FULL
};

const ASCII: Glyphs = Glyphs {
    root: "*",
    head: ">",
    select: ">",
    bullet: "*",
    pending: ".",
    pipe: "|",
    tee: "|",
    elbow: "`",
    dash: "-",
    border: ASCII_BORDER,
    border_focus: border::Set { horizontal_top: "=", horizontal_bottom: "=", ..ASCII_BORDER },
    sparks: &[" ", ".", ":", "-", "=", "+", "*", "#"],
    unknown: "?",
    done: "#",
    parts: &[],
    rest: ".",
    record: "*",
    ellipsis: "~",
    check: "+",
    cross: "x",
    play: ">",
    pause: "=",
    marker: "!",
    up: "^",
    down: "v",
    separator: "-",
};

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

#[cfg(test)]
mod tests;
