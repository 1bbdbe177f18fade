//! A flight of screens as one SVG that moves without a script.
//!
//! Owns when which row is seen. Rows that stay are drawn once. Whoever asked for less motion, and a viewer that
//! knows no animations, sees the last frame.

use std::collections::BTreeMap;
use std::fmt::Write;

use ratatui::buffer::Buffer;

use super::palette::Palette;
use super::row;

/// How long the last frame stays before the first one returns, in milliseconds.
const LAST_MS: u64 = 3_000;

/// The frames as an SVG that plays in a loop. Each is shown from its time on, in milliseconds; the first time is
/// the beginning. Frames should be of one size; the picture is as large as the largest.
pub fn animation(frames: &[(u64, Buffer)], palette: &Palette, title: &str) -> String {
    let mut frames: Vec<&(u64, Buffer)> = frames.iter().collect();
    frames.sort_by_key(|(at_ms, _)| *at_ms);
    frames.dedup_by(|next, shown| next.1 == shown.1);
    let start_ms = frames.first().map_or(0, |(at_ms, _)| *at_ms);
    let end_ms = frames.last().map_or(0, |(at_ms, _)| at_ms - start_ms + LAST_MS);
    let columns = frames.iter().map(|(_, frame)| frame.area.width).max().unwrap_or(0);
    let rows = frames.iter().map(|(_, frame)| frame.area.height).max().unwrap_or(0);

    let mut sheet = row::Sheet::default();
    let mut spans = Spans::default();
    let mut body = String::new();
    for index in 0..rows {
        // Each look of this row, in the order of its first appearance, with the frames that have it.
        let mut looks: Vec<(String, Vec<bool>)> = Vec::new();
        for (number, (_, frame)) in frames.iter().enumerate() {
            let drawn = match index < frame.area.height {
                true => row::draw(frame, frame.area.y.saturating_add(index), palette, &mut sheet),
                false => String::new(),
            };
            match looks.iter_mut().find(|(known, _)| *known == drawn) {
                Some((_, seen)) => seen[number] = true,
                None => {
                    let mut seen = vec![false; frames.len()];
                    seen[number] = true;
                    looks.push((drawn, seen));
                }
            }
        }
        for (drawn, seen) in looks {
            let class = spans.class(seen);
            body.push_str(&row::placed(&drawn, usize::from(index), &class));
        }
    }
    let times: Vec<u64> = frames.iter().map(|(at_ms, _)| at_ms - start_ms).collect();
    let rules = sheet.rules() + &spans.rules(&times, end_ms);
    row::document(columns, rows, palette, title, &rules, &body)
}

/// When things are seen: which frames, each pattern named once.
#[derive(Default)]
struct Spans {
    classes: BTreeMap<Vec<bool>, usize>,
}

impl Spans {
    /// The class of what is seen in these frames; nothing for what always is.
    fn class(&mut self, seen: Vec<bool>) -> String {
        if seen.iter().all(|seen| *seen) {
            return String::new();
        }
        let next = self.classes.len();
        format!("k{}", self.classes.entry(seen).or_insert(next))
    }

    /// The rules of all classes. Between two steps nothing changes; without animations the last frame holds.
    fn rules(&self, times: &[u64], end_ms: u64) -> String {
        let mut rules = String::new();
        for (seen, number) in &self.classes {
            let word = |seen: bool| if seen { "visible" } else { "hidden" };
            let last = word(seen.last().copied().unwrap_or(true));
            let _ = write!(rules, ".k{number}{{visibility:{last};");
            let _ = write!(rules, "animation:k{number} {}s step-end infinite}}", thousandths(end_ms));
            let _ = write!(rules, "@keyframes k{number}{{");
            let mut before = None;
            for (at_ms, seen) in times.iter().zip(seen) {
                if before != Some(*seen) {
                    // In thousandths of a percent, or frames that are near each other would swap.
                    let share = u128::from(*at_ms) * 100_000 / u128::from(end_ms.max(1));
                    let share = thousandths(u64::try_from(share).unwrap_or(100_000));
                    let _ = write!(rules, "{share}%{{visibility:{}}}", word(*seen));
                }
                before = Some(*seen);
            }
            let _ = write!(rules, "to{{visibility:{last}}}}}");
        }
        if !rules.is_empty() {
            rules.push_str("@media(prefers-reduced-motion:reduce){g{animation:none!important}}");
        }
        rules
    }
}

/// Thousandths as a decimal number.
fn thousandths(thousandths: u64) -> String {
    let text = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
