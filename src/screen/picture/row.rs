//! One row of cells as SVG, and the file around rows.
//!
//! Owns sizes and colours of cells. Rows are drawn by themselves, so that a picture that moves exchanges rows.

use std::collections::BTreeMap;
use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell, CellWidth};
use ratatui::style::Modifier;

use super::palette::Palette;
use super::shapes;
use crate::screen::theme::colour::{DIM_SHARE, Rgb, mix, resolve};

/// Width of a cell in tenths of a pixel: what the usual monospaced fonts have at this size.
const CELL_WIDTH: u32 = 84;
/// Height of a cell in tenths of a pixel.
const CELL_HEIGHT: u32 = 180;
/// Where letters stand, from the top of their cell, in tenths of a pixel.
const BASELINE: u32 = 134;
/// The thinnest line, in tenths of a pixel.
const LEAST: u32 = 12;
/// Around the screen, in tenths of a pixel.
const MARGIN: u32 = 120;
const FONT: &str = "ui-monospace,'Cascadia Mono','SF Mono',Menlo,'DejaVu Sans Mono',Consolas,monospace";

/// The looks of text in a picture, each named once.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    classes: BTreeMap<(Rgb, u16), usize>,
}

impl Sheet {
    /// The class of text of this colour and these modifiers.
    fn class(&mut self, colour: Rgb, modifier: Modifier) -> String {
        let form =
            modifier & (Modifier::BOLD | Modifier::ITALIC | Modifier::UNDERLINED | Modifier::CROSSED_OUT);
        let next = self.classes.len();
        let number = *self.classes.entry((colour, form.bits())).or_insert(next);
        format!("c{number}")
    }

    /// The rules of all classes.
    pub(super) fn rules(&self) -> String {
        let mut rules = String::new();
        for ((colour, form), number) in &self.classes {
            let form = Modifier::from_bits_truncate(*form);
            let mut rule = format!(".c{number}{{fill:{}", hex(*colour));
            for (modifier, word) in [
                (Modifier::BOLD, ";font-weight:700"),
                (Modifier::ITALIC, ";font-style:italic"),
                (Modifier::UNDERLINED, ";text-decoration:underline"),
                (Modifier::CROSSED_OUT, ";text-decoration:line-through"),
            ] {
                if form.contains(modifier) {
                    rule.push_str(word);
                }
            }
            rules.push_str(&rule);
            rules.push('}');
        }
        rules
    }
}

/// What is drawn in one cell.
struct Look<'a> {
    symbol: &'a str,
    columns: u16,
    fg: Rgb,
    bg: Rgb,
    modifier: Modifier,
}

fn look<'a>(cell: &'a Cell, palette: &Palette) -> Look<'a> {
    let mut fg = resolve(cell.fg, &palette.ansi, palette.foreground);
    let mut bg = resolve(cell.bg, &palette.ansi, palette.background);
    if cell.modifier.contains(Modifier::REVERSED) {
        (fg, bg) = (bg, fg);
    }
    if cell.modifier.contains(Modifier::DIM) {
        fg = mix(fg, bg, DIM_SHARE);
    }
    let symbol = if cell.modifier.contains(Modifier::HIDDEN) { " " } else { cell.symbol() };
    Look { symbol, columns: cell.symbol().cell_width().max(1), fg, bg, modifier: cell.modifier }
}

/// Row `y` of the buffer, as if it were the first.
pub(super) fn draw(buffer: &Buffer, y: u16, palette: &Palette, sheet: &mut Sheet) -> String {
    let mut looks = Vec::new();
    let mut x = 0;
    while x < buffer.area.width {
        let Some(cell) = buffer.cell((buffer.area.x.saturating_add(x), y)) else { break };
        let look = look(cell, palette);
        let columns = look.columns;
        looks.push((x, look));
        x = x.saturating_add(columns);
    }
    let mut row = String::new();
    grounds(&mut row, &looks, palette);
    drawn(&mut row, &looks);
    written(&mut row, &looks, sheet);
    row
}

/// The grounds, one rectangle for each run of one colour.
fn grounds(row: &mut String, looks: &[(u16, Look<'_>)], palette: &Palette) {
    for run in looks.chunk_by(|(_, one), (_, other)| one.bg == other.bg) {
        let [(x, first), ..] = run else { continue };
        if first.bg != palette.background {
            let columns: u16 = run.iter().map(|(_, look)| look.columns).sum();
            let (x, width, height) = (across(*x), across(columns), tenths(CELL_HEIGHT));
            let fill = hex(first.bg);
            let _ = write!(row, "<path fill=\"{fill}\" d=\"M{x} 0h{width}v{height}h-{width}z\"/>");
        }
    }
}

/// Lines and blocks, one path for each colour; neighbours that touch are one shape.
fn drawn(row: &mut String, looks: &[(u16, Look<'_>)]) {
    let mut paths: BTreeMap<Rgb, Vec<[u32; 4]>> = BTreeMap::new();
    for (x, look) in looks {
        let Some((parts, share)) = shapes::parts(look.symbol) else { continue };
        let shapes = paths.entry(mix(look.fg, look.bg, u16::from(share))).or_default();
        for [left, top, right, bottom] in parts {
            let units = u32::from(shapes::UNITS);
            let x_of = |unit: u8| u32::from(*x) * CELL_WIDTH + u32::from(unit) * CELL_WIDTH / units;
            let y_of = |unit: u8| u32::from(unit) * CELL_HEIGHT / units;
            let part = [x_of(left), y_of(top), x_of(right), y_of(bottom)];
            let touching =
                |known: &&mut [u32; 4]| (known[1], known[2], known[3]) == (part[1], part[0], part[3]);
            match shapes.iter_mut().rev().take(4).find(touching) {
                Some(known) => known[2] = part[2],
                None => shapes.push(part),
            }
        }
    }
    for (colour, shapes) in paths {
        let _ = write!(row, "<path fill=\"{}\" d=\"", hex(colour));
        for [left, top, right, bottom] in shapes {
            // Thinner than a pixel, a line with crisp edges may fall between two and be drawn by none.
            let (width, height) = ((right - left).max(LEAST), (bottom - top).max(LEAST));
            let (x, y, width, height) = (tenths(left), tenths(top), tenths(width), tenths(height));
            let _ = write!(row, "M{x} {y}h{width}v{height}h-{width}z");
        }
        row.push_str("\"/>");
    }
}

/// Letters: one text for each run of one look, stretched to its columns. Two spaces end a run, unless they are
/// underlined.
fn written(row: &mut String, looks: &[(u16, Look<'_>)], sheet: &mut Sheet) {
    let marked = Modifier::UNDERLINED | Modifier::CROSSED_OUT;
    let is_letter = |look: &Look<'_>| shapes::parts(look.symbol).is_none();
    let same = |(_, one): &(u16, Look<'_>), (_, other): &(u16, Look<'_>)| {
        let both_blank = one.symbol == " " && other.symbol == " " && !one.modifier.intersects(marked);
        let look = (one.fg, one.modifier, one.columns) == (other.fg, other.modifier, other.columns);
        look && is_letter(one) && is_letter(other) && !both_blank
    };
    for run in looks.chunk_by(same) {
        let run = match run {
            [(_, first), ..] if first.modifier.intersects(marked) => run,
            _ => trimmed(run),
        };
        let [(x, first), ..] = run else { continue };
        if !is_letter(first) {
            continue;
        }
        let columns: u16 = run.iter().map(|(_, look)| look.columns).sum();
        let class = sheet.class(first.fg, first.modifier);
        let (x, baseline, length) = (across(*x), tenths(BASELINE), across(columns));
        let _ = write!(row, "<text class=\"{class}\" x=\"{x}\" y=\"{baseline}\" textLength=\"{length}\">");
        for (_, look) in run {
            escape(row, look.symbol);
        }
        row.push_str("</text>");
    }
}

fn trimmed<'a, 'b>(mut run: &'a [(u16, Look<'b>)]) -> &'a [(u16, Look<'b>)] {
    while let [(_, first), rest @ ..] = run
        && first.symbol == " "
    {
        run = rest;
    }
    while let [rest @ .., (_, last)] = run
        && last.symbol == " "
    {
        run = rest;
    }
    run
}

/// A drawn row in its place; `class` may be empty.
pub(super) fn placed(row: &str, index: usize, class: &str) -> String {
    if row.is_empty() {
        return String::new();
    }
    let down = tenths(u32::try_from(index).unwrap_or(u32::MAX).saturating_mul(CELL_HEIGHT));
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!("<g{class} transform=\"translate(0 {down})\">{row}</g>\n")
}

/// The file around the rows.
pub(super) fn document(
    columns: u16,
    rows: u16,
    palette: &Palette,
    title: &str,
    rules: &str,
    body: &str,
) -> String {
    let width = tenths(u32::from(columns) * CELL_WIDTH + 2 * MARGIN);
    let height = tenths(u32::from(rows) * CELL_HEIGHT + 2 * MARGIN);
    let (margin, ground) = (tenths(MARGIN), hex(palette.background));
    let mut name = String::new();
    escape(&mut name, &crate::screen::text::clean(title));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xml:space=\"preserve\" role=\"img\" aria-label=\"{name}\" width=\"{width}\" \
         height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n<title>{name}</title>\n\
         <style>text{{font:14px {FONT};white-space:pre}}path{{shape-rendering:crispEdges}}{rules}</style>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{ground}\"/>\n\
         <g transform=\"translate({margin} {margin})\">\n{body}</g>\n</svg>\n"
    )
}

/// `text` as XML; what XML cannot hold is a replacement character.
fn escape(xml: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => xml.push('\u{fffd}'),
            control if control.is_control() => xml.push('\u{fffd}'),
            other => xml.push(other),
        }
    }
}

fn across(columns: u16) -> String {
    tenths(u32::from(columns) * CELL_WIDTH)
}

/// Tenths of a pixel in pixels, as short as can be.
fn tenths(tenths: u32) -> String {
    match tenths % 10 {
        0 => (tenths / 10).to_string(),
        rest => format!("{}.{rest}", tenths / 10),
    }
}

fn hex(Rgb(red, green, blue): Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}
