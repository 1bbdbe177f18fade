//! What an operator can want of a plan.
//!
//! Owns the shapes and their canonical text. Whether it would be refused says [`Steps::may`](super::Steps::may).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something an operator wants of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Will {
    /// Hold the plan.
    Pause {
        /// What becomes of the statement under way.
        how: PauseHow,
    },
    /// Go on: from a pause, or with a step that failed or was stopped, which is tried again.
    Resume,
    /// Stop the attempt under way, and the plan with it.
    Abort,
    /// Leave out a step that has not run, or did not work; or one item of it.
    Skip {
        /// Its name.
        step: String,
        /// The item, as it stands in SQL; the whole step when `None`.
        item: Option<String>,
    },
    /// Undo a step that is done, failed or was stopped.
    Undo {
        /// Its name.
        step: String,
    },
    /// Open a gate.
    Answer {
        /// What was typed: it must be the step's name.
        typed: String,
        /// Who it was: `user@host` of the system.
        person: String,
    },
    /// Run a clean-up that was offered.
    CleanUp {
        /// Which, from 1.
        number: u32,
    },
}

/// What becomes of the statement under way when a plan is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PauseHow {
    /// It is cancelled; its step is tried again later.
    Cancel,
    /// It may finish; then nothing more is begun.
    Finish,
}

impl fmt::Display for Will {
    /// As it is typed behind a colon and told on the timeline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Will::Pause { how: PauseHow::Cancel } => f.write_str("pause now"),
            Will::Pause { how: PauseHow::Finish } => f.write_str("pause after"),
            Will::Resume => f.write_str("resume"),
            Will::Abort => f.write_str("abort plan"),
            Will::Skip { step, item: None } => write!(f, "skip {step}"),
            Will::Skip { step, item: Some(item) } => write!(f, "skip {step} {item}"),
            Will::Undo { step } => write!(f, "undo {step}"),
            Will::Answer { typed, .. } => write!(f, "answer {typed}"),
            Will::CleanUp { number } => write!(f, "cleanup {number}"),
        }
    }
}
