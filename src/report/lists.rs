//! Lists that end somewhere.

/// A list that keeps its first entries and counts the others.
#[derive(Debug)]
pub(super) struct Bounded<T> {
    pub(super) kept: Vec<T>,
    pub(super) left_out: u64,
    most: usize,
}

impl<T> Bounded<T> {
    pub(super) fn new(most: usize) -> Bounded<T> {
        Bounded { kept: Vec::new(), left_out: 0, most }
    }

    /// Adds `one`, or counts it; true when it was kept.
    pub(super) fn push(&mut self, one: T) -> bool {
        let fits = self.kept.len() < self.most;
        if fits {
            self.kept.push(one);
        } else {
            self.left_out += 1;
        }
        fits
    }
}
