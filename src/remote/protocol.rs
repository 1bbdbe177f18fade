//! What is said on a flight's socket: JSON objects, one per line.
//!
//! The flight speaks first, with a [`Greeting`]. Then each line of the client is one [`Request`], and each gets
//! one [`Reply`]; after `watch`, [`Reply::Stick`] and [`Reply::Ended`] come unasked as well. A line the flight
//! does not understand gets an `error`, and the connection is closed.
//!
//! Owns the shapes. Never what follows from them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::engine::command::Command;
use crate::engine::steps::Stage;

/// The protocol this release speaks.
pub const PROTOCOL: u32 = 1;
/// The longest line, in bytes, its end included.
pub const MAX_LINE_BYTES: usize = 64 * 1_024;

/// The flight's first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// The release that flies.
    pub lockpit: String,
    /// The protocol it speaks.
    pub protocol: u32,
    /// The flight's name: that of its socket.
    pub flight: String,
    /// Its log; `null` when it is not recorded.
    pub log: Option<PathBuf>,
    /// The machine's monotonic clock when the flight began, in microseconds.
    pub clock_zero_us: i64,
    /// The database.
    pub database: String,
    /// Where it is: `user@host:port/database`.
    pub server: String,
    /// What the database is, such as `PROD`.
    pub label: Option<String>,
    /// Who commands.
    pub stick: Option<Holder>,
}

/// Who commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The operator's name.
    pub operator: String,
    /// Since when: wall clock, RFC 3339, UTC.
    pub since: String,
}

/// A client's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Who speaks.
    Hello {
        /// The operator's name; without one, the account's.
        #[serde(default)]
        operator: Option<String>,
        /// The client stays, as a screen does: it is listed as joined, and its first command gets it the stick.
        #[serde(default)]
        joins: bool,
    },
    /// How the flight is doing.
    Status {},
    /// A command, as one would type it.
    Say {
        /// The command.
        text: String,
        /// Take the stick before, if somebody else has it.
        #[serde(default)]
        take: bool,
    },
    /// A command that names whom it means: what was looked at when its key was pressed.
    Order {
        /// The command.
        command: Command,
        /// Take the stick before, if somebody else has it.
        #[serde(default)]
        take: bool,
    },
    /// What the client's screen shows, for the log.
    Shown {
        /// The screen, and what lies over it.
        what: String,
    },
    /// Take the stick.
    Take {},
    /// Give the stick back.
    Release {},
    /// Tell when the stick moves and when the flight ends.
    Watch {},
}

/// A line of the flight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It is done: the input is logged, and the engine has handled it.
    Ok {
        /// What came of it, for people.
        text: String,
    },
    /// It was not done.
    Refused {
        /// Why.
        reason: String,
    },
    /// How the flight is doing.
    Status(Box<Status>),
    /// The line was not understood; the connection is closed.
    Error {
        /// Why.
        reason: String,
    },
    /// Unasked: who commands from now on.
    Stick {
        /// Who; `null` when nobody does.
        holder: Option<Holder>,
    },
    /// Unasked, and the last line: the flight is over and its log closed.
    Ended {
        /// The flight's exit code.
        exit: u8,
    },
}

/// How a flight is doing. `null` means unknown, or that there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// When, in milliseconds since the flight began.
    pub at_ms: u64,
    /// The flight's name.
    pub flight: String,
    /// Where: `user@host:port/database`.
    pub server: String,
    /// Its log.
    pub log: Option<PathBuf>,
    /// Age of the last full sample; `null` before the first.
    pub sample_age_ms: Option<u64>,
    /// `watching`, `shadow`, `armed`, `tripped` or `blind`; `null` before anything was seen.
    pub guard: Option<String>,
    /// Why, for people.
    pub sentence: Option<String>,
    /// The work under guard.
    pub target: Option<TargetStatus>,
    /// Clients at ordinary work that wait because of the target; `null` without a target, or while blind.
    pub victims: Option<u32>,
    /// The stop under way.
    pub stop: Option<StopStatus>,
    /// The plan that is flown.
    #[serde(default)]
    pub plan: Option<PlanStatus>,
    /// The exit code the flight would have if it ended now.
    pub exit: u8,
    /// Who commands.
    pub stick: Option<Holder>,
    /// Operators who have joined.
    pub joined: Vec<String>,
}

/// The work under guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// Its process id.
    pub pid: i32,
    /// What its client calls itself.
    pub application: String,
    /// Its role.
    pub role: String,
    /// What its statement is.
    pub kind: String,
    /// The relation of its strongest lock.
    pub relation: Option<String>,
    /// PostgreSQL's name of that lock's mode.
    pub mode: Option<String>,
    /// It holds that lock (true) or awaits it (false).
    pub granted: Option<bool>,
    /// It conflicts with reads or writes.
    pub strong: bool,
}

/// Where a plan is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStatus {
    /// Its name.
    pub name: String,
    /// `preparing`, `flying`, `held`, `halted` or `over`.
    pub course: String,
    /// Why, for people; `null` while it goes on.
    pub why: Option<String>,
    /// How many steps it has.
    pub steps: usize,
    /// The step at hand; `null` once all are behind.
    pub step: Option<StepStatus>,
    /// The question of a gate that waits for a person.
    pub asks: Option<String>,
    /// What is left behind and can be cleaned up: the command, and its statement.
    pub left: Vec<String>,
}

/// Where the step at hand is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepStatus {
    /// Its number, from 1.
    pub number: usize,
    /// Its name.
    pub id: String,
    /// Its stage: `ready`, `forecast`, `acquiring`, `running`, `verifying`, `paused`, `stopped` or `failed`.
    pub stage: Stage,
    /// Why, for people; may be empty.
    pub reason: String,
    /// Attempts so far, of the part at hand.
    pub attempts: u32,
}

/// A stop under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopStatus {
    /// Its number in this flight.
    pub stop: u32,
    /// Whom it names.
    pub pid: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_on_the_socket_are_these() {
        let read = |line: &str| serde_json::from_str::<Request>(line);
        assert_eq!(read(r#"{"status":{}}"#).ok(), Some(Request::Status {}));
        let say = Request::Say { text: "mark x".to_owned(), take: false };
        assert_eq!(read(r#"{"say":{"text":"mark x"}}"#).ok(), Some(say));
        assert_eq!(read(r#"{"hello":{}}"#).ok(), Some(Request::Hello { operator: None, joins: false }));
        for garbage in ["", "{}", "status", r#"{"fly":{}}"#, r#"{"say":{}}"#, r#"{"take":{"by":"x"}}"#] {
            assert!(read(garbage).is_err(), "{garbage}");
        }
        let refused = Reply::Refused { reason: "no".to_owned() };
        assert_eq!(serde_json::to_string(&refused).ok().as_deref(), Some(r#"{"refused":{"reason":"no"}}"#));
    }
}
