//! What the operator asked for: whom to follow, what may be stopped and when, the limits.
//!
//! Owns every setting a decision depends on, and the one table of defaults. Settings are inputs, so that
//! a replay decides by what was in force.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::Pid;

/// Everything the engine was told at the start of the flight.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Settings {
    /// Whom to follow.
    pub target: Selector,
    /// Whether to stop it.
    pub arming: Arming,
    /// By what means.
    pub on_trip: OnTrip,
    /// What becomes of a strong attempt when lockpit is blind, hung or gone.
    pub if_lost: IfLost,
    /// Never stop anything, whatever else is asked.
    pub read_only: bool,
    /// When the arming ends by itself, in milliseconds of the flight; the default is
    /// [`Settings::ARMING_MS`].
    pub armed_until_ms: Option<u64>,
    /// When the flight ends by itself, in milliseconds of the flight.
    pub ends_ms: Option<u64>,
    /// The guardrails' limits.
    pub limits: Limits,
    /// How often to look.
    pub pace: Pace,
    /// Literals of statements are kept beside the samples; no decision depends on them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_literals: bool,
}

impl Settings {
    /// Moves what is to happen at a time of the flight by `ms` milliseconds: for who was asked for a time from now on
    /// in a flight that began long ago.
    pub fn shift(&mut self, ms: u64) {
        let until_ms = self.armed_until_ms.unwrap_or(Settings::ARMING_MS);
        self.armed_until_ms = Some(until_ms.saturating_add(ms));
        self.ends_ms = self.ends_ms.map(|ends_ms| ends_ms.saturating_add(ms));
    }

    /// How long an arming lasts unless something else is said.
    pub const ARMING_MS: u64 = 30 * 60 * 1_000;
    /// How long a rung of the abort ladder has before the next one.
    pub const GRACE_MS: u64 = 1_000;

    /// The same flight, judged anew by other limits: from its beginning to its end every trip is decided, and
    /// nothing is acted on.
    #[must_use]
    pub fn judged_by(&self, limits: Limits) -> Settings {
        let arming = Arming::Shadow;
        Settings { arming, read_only: false, armed_until_ms: Some(u64::MAX), limits, ..self.clone() }
    }
}

/// Which backend is the target.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Selector {
    /// The candidate with the most victims, else the oldest.
    #[default]
    Auto,
    /// One backend by process id.
    Pid(Pid),
    /// Backends whose `application_name` matches.
    Application(String),
    /// Backends whose role's name matches.
    User(String),
    /// Backends that hold or await a lock on this table: `name` or `schema.name`.
    Table(String),
    /// Backends whose text matches; decided at the edge, where the raw text is.
    Query(String),
}

impl fmt::Display for Selector {
    /// As it is written on the command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::Auto => f.write_str("auto"),
            Selector::Pid(pid) => write!(f, "pid={pid}"),
            Selector::Application(pattern) => write!(f, "app={pattern}"),
            Selector::User(pattern) => write!(f, "user={pattern}"),
            Selector::Table(name) => write!(f, "table={name}"),
            Selector::Query(pattern) => write!(f, "query={pattern}"),
        }
    }
}

/// What the guard may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Arming {
    /// Look only.
    #[default]
    Watching,
    /// Decide and log, but do not act.
    Shadow,
    /// Decide and act.
    Armed,
}

/// How a foreign migration is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum OnTrip {
    /// Terminate where a cancel would let a script run on, cancel otherwise.
    #[default]
    Auto,
    /// Cancel the statement, never more.
    Cancel,
    /// Terminate the session.
    Terminate,
    /// End the runner's process on this machine, then terminate the session.
    Signal(u32),
}

impl fmt::Display for OnTrip {
    /// As it is written on the command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OnTrip::Auto => f.write_str("auto"),
            OnTrip::Cancel => f.write_str("cancel"),
            OnTrip::Terminate => f.write_str("terminate"),
            OnTrip::Signal(pid) => write!(f, "signal:{pid}"),
        }
    }
}

impl fmt::Display for IfLost {
    /// As it is written on the command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IfLost::Keep => "keep",
            IfLost::Stop => "stop",
        })
    }
}

/// What becomes of a strong attempt when lockpit can no longer see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum IfLost {
    /// It goes on.
    #[default]
    Keep,
    /// It is stopped.
    Stop,
}

/// The limits of all guardrails. One table: code, documentation and help read it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Victims behind the target.
    pub queue_depth: QueueDepthLimit,
    /// Age of the longest wait behind the target.
    pub queue_age: QueueAgeLimit,
    /// No usable facts.
    pub blind: BlindLimit,
}

/// Limits of `queue_depth`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueDepthLimit {
    /// Trips at this many victims. `None`: the smaller of 5 and half the usual active clients, at least 2.
    pub limit: Option<u32>,
    /// For how long, in milliseconds.
    pub hold_ms: u64,
}

impl Default for QueueDepthLimit {
    fn default() -> Self {
        QueueDepthLimit { limit: None, hold_ms: 100 }
    }
}

/// Limits of `queue_age`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueAgeLimit {
    /// Trips when the longest victim has waited this long, in milliseconds.
    pub limit_ms: u64,
}

impl Default for QueueAgeLimit {
    fn default() -> Self {
        QueueAgeLimit { limit_ms: 1_000 }
    }
}

/// Limits of `blind`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlindLimit {
    /// Blind after this many sampling intervals without facts, but not before `floor_ms`.
    pub intervals: u32,
    /// Never blind before this, in milliseconds without facts.
    pub floor_ms: u64,
    /// Trips after this long without facts, in milliseconds.
    pub limit_ms: u64,
}

impl Default for BlindLimit {
    fn default() -> Self {
        BlindLimit { intervals: 3, floor_ms: 750, limit_ms: 2_000 }
    }
}

/// How often the sampler looks, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// Full samples with a target, or while armed.
    pub busy_ms: u64,
    /// Full samples otherwise.
    pub quiet_ms: u64,
    /// The watch while armed.
    pub watch_armed_ms: u64,
    /// The watch while the target holds or awaits a strong lock, or a stop is under way.
    pub watch_strong_ms: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Pace { busy_ms: 250, quiet_ms: 2_000, watch_armed_ms: 100, watch_strong_ms: 50 }
    }
}
