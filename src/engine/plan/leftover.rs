//! What interrupted work leaves, what it means, and the statement that cleans it up.

use super::facts::Leftover;
use crate::engine::steps::{Offer, Stage};

/// What is offered for something that is left.
pub fn offer(leftover: &Leftover) -> Offer {
    Offer {
        leftover: leftover.clone(),
        sentence: String::new(),
        sql: String::new(),
        hides_rows: false,
        stage: Stage::Ready,
    }
}
