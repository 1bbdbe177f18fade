//! Pictures of screens: as text, as an SVG, as an SVG that moves.
//!
//! Owns how a buffer of cells looks outside a terminal. Never draws a screen itself, and needs no font to be
//! there: runs of text are stretched to their columns, lines and blocks are shapes.

mod animation;
mod palette;
mod row;
mod shapes;

use ratatui::buffer::{Buffer, CellWidth};

pub use animation::animation;
pub use palette::Palette;

/// The screen's lines without the spaces at their ends.
pub fn text(buffer: &Buffer) -> String {
    let mut lines = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut line = String::new();
        let mut x = buffer.area.left();
        while let Some(cell) = buffer.cell((x, y)) {
            line.push_str(cell.symbol());
            x = x.saturating_add(cell.symbol().cell_width().max(1));
        }
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

/// The screen as one SVG file that needs nothing else. `title` says what it shows, to those who cannot see it
/// too.
pub fn svg(buffer: &Buffer, palette: &Palette, title: &str) -> String {
    let mut sheet = row::Sheet::default();
    let mut body = String::new();
    for (index, y) in (buffer.area.top()..buffer.area.bottom()).enumerate() {
        let row = row::draw(buffer, y, palette, &mut sheet);
        body.push_str(&row::placed(&row, index, ""));
    }
    row::document(buffer.area.width, buffer.area.height, palette, title, &sheet.rules(), &body)
}

#[cfg(test)]
mod tests;
