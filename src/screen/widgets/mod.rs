//! Parts that several screens are made of.
//!
//! Owns frames, tables, bars and plots, and how they fit into their place. Knows nothing of the flight.

pub mod chart;
pub mod pane;
pub mod table;

/// The first of `len` lines to show in `height` so that `selected` is among them and, where there is room, in the
/// middle. Depends on nothing that was shown before.
pub fn first_line(selected: Option<usize>, len: usize, height: usize) -> usize {
    let last_start = len.saturating_sub(height);
    selected.map_or(0, |selected| selected.saturating_sub(height / 2)).min(last_start)
}

#[cfg(test)]
mod tests {
    use super::first_line;

    #[test]
    fn the_selected_line_is_always_among_those_shown() {
        for len in 0..40 {
            for height in 1..20 {
                for selected in 0..len {
                    let first = first_line(Some(selected), len, height);
                    assert!((first..first + height).contains(&selected), "{len} {height} {selected}");
                    assert!(first + height <= len.max(height));
                }
            }
        }
    }
}
