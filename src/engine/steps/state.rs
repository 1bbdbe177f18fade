//! Where a plan is: the course of the whole, the stage of each step, what is left to be cleaned up.
//!
//! Owns the shapes that screens, lines and reports read. Never changes anything.

use serde::{Deserialize, Serialize};

use crate::engine::derive::words::quote_name;
use crate::engine::ids::At;
use crate::engine::plan::facts::{Leftover, Look};
use crate::engine::plan::forecast::Forecast;

/// Where a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Its turn has not come.
    #[default]
    Ready,
    /// The catalog is being asked what it will need.
    Forecast,
    /// It waits for its locks, or looks whether it may ask for them.
    Acquiring,
    /// It runs; a gate waits.
    Running,
    /// It is through, and is being checked.
    Verifying,
    /// It is through, and all that was to be there is.
    Done,
    /// It is held, and goes on when told.
    Paused,
    /// It was stopped.
    Stopped,
    /// It did not work.
    Failed,
    /// It is not flown, by an operator's will or because it was done before.
    Skipped,
}

impl Stage {
    /// The plan goes on behind it.
    pub fn is_behind(self) -> bool {
        matches!(self, Stage::Done | Stage::Skipped)
    }

    /// The word for it, as screens and lines have it.
    pub fn word(self) -> &'static str {
        match self {
            Stage::Ready => "ready",
            Stage::Forecast => "forecast",
            Stage::Acquiring => "acquiring",
            Stage::Running => "running",
            Stage::Verifying => "verifying",
            Stage::Done => "done",
            Stage::Paused => "paused",
            Stage::Stopped => "stopped",
            Stage::Failed => "failed",
            Stage::Skipped => "skipped",
        }
    }
}

/// What becomes of the plan as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Course {
    /// Before the first step: who flies here, what an earlier part left, what holds.
    #[default]
    Preparing,
    /// Step after step.
    Flying,
    /// Held by an operator or a guardrail; goes on when told.
    Held {
        /// Why, for people.
        why: String,
    },
    /// Something did not work, or was stopped: it waits for a person to say how it goes on.
    Halted {
        /// What it would end with, were it left like this.
        ending: Ending,
        /// Why, for people.
        why: String,
    },
    /// Over.
    Over {
        /// How.
        ending: Ending,
        /// In words.
        why: String,
    },
}

impl Course {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Course::Preparing => "preparing",
            Course::Flying => "flying",
            Course::Held { .. } => "held",
            Course::Halted { .. } => "halted",
            Course::Over { .. } => "over",
        }
    }

    /// It is over.
    pub fn is_over(&self) -> bool {
        matches!(self, Course::Over { .. })
    }
}

/// How a plan ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// Every step is done or skipped.
    Complete,
    /// An operator aborted it.
    Aborted,
    /// A guardrail stopped it.
    Tripped,
    /// A step failed.
    Failed,
    /// The server was lost.
    Lost,
}

impl Ending {
    /// How it ended, as it follows "the plan".
    pub fn words(self) -> &'static str {
        match self {
            Ending::Complete => "is complete",
            Ending::Aborted => "was aborted",
            Ending::Tripped => "was stopped by a guardrail",
            Ending::Failed => "has failed",
            Ending::Lost => "was lost",
        }
    }
}

/// Where one step is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StepState {
    /// Its stage.
    pub stage: Stage,
    /// Why, for people; may be empty.
    pub reason: String,
    /// Since when it is in this stage.
    pub since: At,
    /// When it was begun.
    pub began: Option<At>,
    /// When it was over.
    pub ended: Option<At>,
    /// Attempts so far, of the part at hand.
    pub attempts: u32,
    /// Looks that did not pass since the last attempt.
    pub looks: u32,
    /// Its items, when it has any.
    pub items: Vec<ItemState>,
    /// The item at hand.
    pub item: u32,
    /// The part at hand.
    pub part: u32,
    /// The statement at hand, once the part runs.
    pub statement: u32,
    /// What the part at hand will need.
    pub forecast: Option<Box<Forecast>>,
    /// Who holds what it needs, when it was last looked.
    pub look: Option<Box<(At, Look)>>,
    /// How many more dead rows its relations have than before.
    pub dead_rows_more: Option<u64>,
    /// Who opened it, of a gate that asks a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<Opened>,
    /// How long the attempt at hand waits for its locks at most, in milliseconds.
    pub lock_timeout_ms: Option<u64>,
    /// All that the part at hand is to leave was there before its first attempt: that it is there proves nothing.
    #[serde(default)]
    pub there_before: bool,
}

/// Who opened a gate, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// When.
    pub at: At,
    /// Who, for people: the operator with the account, the host and the role, or that it was approved in advance.
    pub by: String,
}

/// Where one item of a step is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemState {
    /// Its name, as it stands in SQL.
    pub name: String,
    /// Its stage.
    pub stage: Stage,
    /// Why, for people; may be empty.
    pub reason: String,
}

/// Something that is left, and how to clean it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// What is left.
    pub leftover: Leftover,
    /// What it means, for people.
    pub sentence: String,
    /// The statement that cleans it up.
    pub sql: String,
    /// Rows are not seen because of it: this cannot wait.
    pub hides_rows: bool,
    /// Where the clean-up is; [`Stage::Ready`] while it is only offered.
    pub stage: Stage,
}

impl Offer {
    /// The table that the leftover belongs to, quoted.
    pub fn table(&self) -> String {
        quote_name([self.leftover.schema.as_str(), self.leftover.table.as_str()])
    }

    /// What is left, quoted.
    pub fn object(&self) -> String {
        let schema = self.leftover.object_schema.as_deref().unwrap_or(&self.leftover.schema);
        quote_name([schema, self.leftover.name.as_str()])
    }
}
