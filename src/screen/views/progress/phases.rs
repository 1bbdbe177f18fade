//! The phases a command goes through, in PostgreSQL's words.
//!
//! Owns the lists for 14 to 18 of commands whose phases come once and in order. Of others only the present phase is
//! shown.

use ratatui::text::{Line, Span};

use crate::engine::phases::CREATE_INDEX;
use crate::screen::shown::Shown;
use crate::screen::text;
use crate::screen::theme::Meaning;
use crate::screen::views::lines::LABEL;

const PLAIN: &[&str] = &["initializing", "building index"];
/// Without the last two, in which REINDEX swaps and drops.
const CONCURRENTLY: &[&str] = CREATE_INDEX.split_at(8).0;

/// The phases of `command`; empty where they do not come once and in order.
fn of(command: &str) -> &'static [&'static str] {
    match command {
        "CREATE INDEX" | "REINDEX" => PLAIN,
        "CREATE INDEX CONCURRENTLY" => CONCURRENTLY,
        "REINDEX CONCURRENTLY" => &CREATE_INDEX,
        _ => &[],
    }
}

/// The phases in a list: those behind it, the present one, those to come.
pub(super) fn lines(command: &str, phase: Option<&str>, width: u16, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let (phases, glyphs) = (of(command), shown.glyphs);
    let Some(present) = phase.and_then(|phase| phases.iter().position(|known| phase.starts_with(known)))
    else {
        return Vec::new();
    };
    let room = usize::from(width).saturating_sub(LABEL);
    let mut lines: Vec<Vec<Span<'static>>> = Vec::new();
    let mut used = 0;
    for (index, phase) in phases.iter().enumerate() {
        let (sign, meaning) = match index.cmp(&present) {
            std::cmp::Ordering::Less => (glyphs.check, Meaning::Muted),
            std::cmp::Ordering::Equal => (glyphs.head, Meaning::ProgressDone),
            std::cmp::Ordering::Greater => (glyphs.pending, Meaning::Muted),
        };
        let words = text::truncate(&format!("{sign} {phase}"), room, glyphs);
        let wide = text::width(&words);
        if lines.is_empty() || used + 3 + wide > room {
            let label = if lines.is_empty() { "phases" } else { "" };
            let label = text::fit(label, LABEL.min(usize::from(width)), glyphs);
            lines.push(vec![Span::styled(label, shown.style(Meaning::Muted))]);
            used = 0;
        } else if let Some(line) = lines.last_mut() {
            line.push(Span::raw("   "));
            used += 3;
        }
        used += wide;
        if let Some(line) = lines.last_mut() {
            line.push(Span::styled(words, shown.style(meaning)));
        }
    }
    lines.into_iter().map(Line::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_is_found_by_what_it_begins_with_in_each_list() {
        for list in [PLAIN, CONCURRENTLY, &CREATE_INDEX] {
            for phase in list {
                let found: Vec<_> = list.iter().filter(|known| phase.starts_with(**known)).collect();
                assert_eq!(found, [phase]);
            }
        }
        assert!(of("VACUUM").is_empty());
    }
}
