//! Large letters and digits, drawn of blocks.
//!
//! Owns their shapes: five rows of points each. Signs without a shape are drawn as `?`.

use crate::screen::glyphs::Glyphs;

/// Rows of points of a letter.
const ROWS: usize = 5;

/// How large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// Two columns and one line for a point.
    Double,
    /// One column and one line for a point.
    Single,
    /// One column for a point, two points in a line; where there are no half blocks as [`Size::Single`].
    Half,
}

impl Size {
    /// All of them, the largest first.
    pub(super) const ALL: [Size; 3] = [Size::Double, Size::Single, Size::Half];

    /// Lines that a letter takes.
    pub(super) fn height(self, glyphs: &Glyphs) -> usize {
        if self == Size::Half && has_halves(glyphs) { ROWS.div_ceil(2) } else { ROWS }
    }

    /// Whether words are drawn so, too; otherwise figures only.
    pub(super) fn has_words(self, glyphs: &Glyphs) -> bool {
        self != Size::Half || has_halves(glyphs)
    }

    /// Lines that a screen must have for two rows of letters and the words around them.
    pub(super) fn least_height(self, glyphs: &Glyphs) -> u16 {
        match self {
            Size::Double => 26,
            Size::Single => 22,
            Size::Half if has_halves(glyphs) => 15,
            Size::Half => 14,
        }
    }
}

/// Whether a set has half blocks: both code pages have, ASCII has not.
fn has_halves(glyphs: &Glyphs) -> bool {
    !glyphs.done.is_ascii()
}

/// Columns that `words` take.
pub(super) fn width(words: &str, size: Size) -> usize {
    let points: usize = words.chars().map(|c| shape(c)[0].len() + 1).sum();
    points.saturating_sub(1) * if size == Size::Double { 2 } else { 1 }
}

/// `words` in lines of blocks.
pub(super) fn lines(words: &str, size: Size, glyphs: &Glyphs) -> Vec<String> {
    let rows: Vec<Vec<bool>> = (0..ROWS)
        .map(|row| {
            let mut points = Vec::new();
            for (index, c) in words.chars().enumerate() {
                if index > 0 {
                    points.push(false);
                }
                points.extend(shape(c)[row].bytes().map(|point| point == b'#'));
            }
            points
        })
        .collect();
    if size == Size::Half && has_halves(glyphs) {
        return rows.chunks(2).map(|pair| halves(&pair[0], pair.get(1))).collect();
    }
    let columns = if size == Size::Double { 2 } else { 1 };
    rows.iter()
        .map(|row| row.iter().map(|&on| (if on { glyphs.done } else { " " }).repeat(columns)).collect())
        .collect()
}

/// Two rows of points in one line.
fn halves(upper: &[bool], lower: Option<&Vec<bool>>) -> String {
    let below = |column: usize| lower.is_some_and(|row| row.get(column).copied().unwrap_or(false));
    let sign = |(column, &above): (usize, &bool)| match (above, below(column)) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    };
    upper.iter().enumerate().map(sign).collect()
}

/// The points of a sign; the rows of one are equally long.
fn shape(c: char) -> [&'static str; ROWS] {
    match c {
        '0' => ["####", "#  #", "#  #", "#  #", "####"],
        '1' => [" ## ", "  # ", "  # ", "  # ", " ###"],
        '2' => ["####", "   #", "####", "#   ", "####"],
        '3' => ["####", "   #", " ###", "   #", "####"],
        '4' => ["#  #", "#  #", "####", "   #", "   #"],
        '5' => ["####", "#   ", "####", "   #", "####"],
        '6' => ["####", "#   ", "####", "#  #", "####"],
        '7' => ["####", "   #", "  # ", " #  ", " #  "],
        '8' => ["####", "#  #", "####", "#  #", "####"],
        '9' => ["####", "#  #", "####", "   #", "####"],
        '.' => [" ", " ", " ", " ", "#"],
        ',' => ["  ", "  ", "  ", " #", "# "],
        ':' => [" ", "#", " ", "#", " "],
        '-' => ["   ", "   ", "###", "   ", "   "],
        ' ' => ["  ", "  ", "  ", "  ", "  "],
        's' => ["    ", " ###", "##  ", "  ##", "### "],
        'A' => [" ## ", "#  #", "####", "#  #", "#  #"],
        'B' => ["### ", "#  #", "### ", "#  #", "### "],
        'C' => [" ###", "#   ", "#   ", "#   ", " ###"],
        'D' => ["### ", "#  #", "#  #", "#  #", "### "],
        'E' => ["####", "#   ", "### ", "#   ", "####"],
        'G' => [" ###", "#   ", "# ##", "#  #", " ###"],
        'H' => ["#  #", "#  #", "####", "#  #", "#  #"],
        'I' => ["###", " # ", " # ", " # ", "###"],
        'L' => ["#   ", "#   ", "#   ", "#   ", "####"],
        'M' => ["#   #", "## ##", "# # #", "#   #", "#   #"],
        'N' => ["#   #", "##  #", "# # #", "#  ##", "#   #"],
        'O' => [" ## ", "#  #", "#  #", "#  #", " ## "],
        'P' => ["### ", "#  #", "### ", "#   ", "#   "],
        'R' => ["### ", "#  #", "### ", "# # ", "#  #"],
        'S' => [" ###", "#   ", " ## ", "   #", "### "],
        'T' => ["#####", "  #  ", "  #  ", "  #  ", "  #  "],
        'W' => ["#   #", "#   #", "# # #", "## ##", "#   #"],
        _ => ["### ", "   #", " ## ", "    ", " #  "],
    }
}
