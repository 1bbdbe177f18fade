//! How many clients are active when nothing is wrong.
//!
//! Owns a short memory of quiet samples. What is masked is not counted as calm: then there is no figure.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::sample::Counts;

#[cfg(test)]
mod tests;

/// Active clients in the last quiet samples.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QuietActivity {
    active: VecDeque<u32>,
}

impl QuietActivity {
    const KEPT: usize = 60;
    const ENOUGH: usize = 4;

    /// Takes in a sample in which nobody waited.
    pub fn observe(&mut self, counts: &Counts) {
        if counts.masked > 0 {
            self.active.clear();
            return;
        }
        if self.active.len() == Self::KEPT {
            self.active.pop_front();
        }
        self.active.push_back(counts.active);
    }

    /// The median; `None` until enough samples were quiet.
    pub fn median(&self) -> Option<u32> {
        let mut sorted: Vec<u32> = self.active.iter().copied().collect();
        sorted.sort_unstable();
        (sorted.len() >= Self::ENOUGH).then(|| sorted[sorted.len() / 2])
    }
}
