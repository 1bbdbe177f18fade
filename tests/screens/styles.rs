//! Screens in danger, as styles: what is loud, and that it is nowhere else.

use std::fmt::Write;

use lockpit::screen::ui::Ui;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use crate::recordings::Name;
use crate::render::{Look, at_moment, render};

/// For each row the runs of cells with one style, but for the plain ones: `red+bold@1-9`, columns from 0.
fn runs(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in buffer.area.rows().map(|row| row.y) {
        let styles: Vec<String> =
            buffer.area.columns().filter_map(|column| buffer.cell((column.x, y))).map(style).collect();
        let mut line = String::new();
        let mut from = 0;
        for run in styles.chunk_by(|one, next| one == next) {
            let to = from + run.len() - 1;
            if !run[0].is_empty() {
                let _ = write!(line, " {}@{from}-{to}", run[0]);
            }
            from = to + 1;
        }
        let _ = writeln!(text, "{y:2}{line}");
    }
    text
}

/// A style in a word; nothing for the terminal's own.
fn style(cell: &Cell) -> String {
    let mut parts = Vec::new();
    if cell.fg != Color::Reset {
        parts.push(cell.fg.to_string().to_lowercase());
    }
    if cell.bg != Color::Reset {
        parts.push(format!("on-{}", cell.bg.to_string().to_lowercase()));
    }
    parts.extend(
        Modifier::all()
            .iter_names()
            .filter(|(_, one)| cell.modifier.contains(*one))
            .map(|(name, _)| name.to_lowercase()),
    );
    parts.join("+")
}

#[test]
fn a_trip_and_blindness_are_loud() {
    for name in [Name::Tripped, Name::Blind] {
        for size in [(80, 24), (120, 40)] {
            let styles = runs(&render(&at_moment(name), Look::live(size), &Ui::default()));
            let snapshot = format!("{}-cockpit-styles-{}x{}", name.as_str(), size.0, size.1);
            insta::with_settings!({ snapshot_path => "../snapshots/screens", prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(snapshot, styles);
            });
        }
    }
}
