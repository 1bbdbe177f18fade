//! What `judge` says, as data: the types that `--format json` prints.
//!
//! Owns the shapes. Times are integer milliseconds since the flight began; `null` means unknown or not there.

use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::settings::Limits;

/// Number of the schema of these types.
pub const SCHEMA: u32 = 1;

/// The judgement of one or many logs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Judgement {
    /// Number of this schema.
    pub schema: u32,
    /// Release of lockpit that judged.
    pub lockpit: String,
    /// The limits in question.
    pub limits: LimitValues,
    /// Limits that operators changed in the air stay in force where they changed them.
    pub keeps_overrides: bool,
    /// A queue that drains within this after a trip, in milliseconds, would have done so without a stop.
    pub resolved_within_ms: u64,
    /// Each log, in the order given.
    pub logs: Vec<LogVerdict>,
    /// All of them together.
    pub total: Total,
}

/// Limits, with their units in the names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LimitValues {
    /// Victims; null: the smaller of 5 and half the usual active clients, at least 2.
    pub queue_depth: Option<u32>,
    /// For how long there must be so many, in milliseconds.
    pub queue_depth_hold_ms: u64,
    /// Age of the longest wait behind the target, in milliseconds.
    pub queue_age_ms: u64,
    /// Time without facts after which `blind` acts, in milliseconds.
    pub blind_ms: u64,
    /// Intervals without facts after which it is said.
    pub blind_intervals: u32,
    /// Never said before this, in milliseconds.
    pub blind_floor_ms: u64,
}

impl From<&Limits> for LimitValues {
    fn from(limits: &Limits) -> LimitValues {
        let Limits { queue_depth, queue_age, blind } = limits;
        LimitValues {
            queue_depth: queue_depth.limit,
            queue_depth_hold_ms: queue_depth.hold_ms,
            queue_age_ms: queue_age.limit_ms,
            blind_ms: blind.limit_ms,
            blind_intervals: blind.intervals,
            blind_floor_ms: blind.floor_ms,
        }
    }
}

/// One log.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LogVerdict {
    /// Its file.
    pub log: String,
    /// Why it could not be judged, or not to its end.
    pub error: Option<String>,
    /// What was flown: `user@host:port/database`.
    pub server: Option<String>,
    /// `watching`, `shadow` or `armed`, at the start of the flight.
    pub arming: Option<String>,
    /// The limits that were in force at the start of the flight.
    pub recorded_limits: Option<LimitValues>,
    /// The flight's identity, as in the checkpoint of its log.
    pub flight: Option<String>,
    /// Of a log that is a cut: which part of the flight it is, for people.
    pub cut: Option<String>,
    /// Of a recording that goes from file to file: which part, from 1.
    pub part: Option<u32>,
    /// Time of the flight at which the log begins, in milliseconds.
    pub from_ms: u64,
    /// Time of the flight at which it ends, as far as it could be read.
    pub to_ms: u64,
    /// Another log that was given has this time of the same flight: this one is not counted in the total.
    pub repeats: Option<String>,
    /// Limits that operators changed in the air, as they were typed.
    pub overrides: Vec<String>,
    /// Another engine version flew: what it decided is read from the log, what its limits would have decided is
    /// this engine's word.
    pub rejudged: bool,
    /// This engine decides differently from the same version that flew.
    pub drifted: bool,
    /// Time of the flight with facts, in milliseconds; gaps do not count.
    pub recorded_ms: u64,
    /// The part of it for which the limits in question could be judged.
    pub judged_ms: u64,
    /// What is missing.
    pub gaps: Vec<Missing>,
    /// How the log ends: `complete`, `torn` or `damaged`, with the place.
    pub ending: Option<String>,
    /// Something that was on disk is unreadable, or was altered.
    pub is_damaged: bool,
    /// From here on the recording does not apply.
    pub parted: Option<Parted>,
    /// What would have happened, or did.
    pub incidents: Vec<Incident>,
}

/// Something that a log lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Missing {
    /// Since when, in milliseconds.
    pub from_ms: u64,
    /// Until when.
    pub to_ms: u64,
    /// Why.
    pub why: String,
}

/// The recorded world and the one that is judged are no more the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Parted {
    /// Since when, in milliseconds.
    pub at_ms: u64,
    /// Why.
    pub why: String,
}

/// One try of a migration on which somebody acted or would have.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Incident {
    /// When: the judged trip, else the recorded stop, else the trip by the recorded limits.
    pub at_ms: u64,
    /// Its process id.
    pub pid: i32,
    /// What its client calls itself.
    pub application: String,
    /// What the statement is.
    pub kind: String,
    /// Its strongest lock is on this relation.
    pub relation: Option<String>,
    /// How the limits in question compare with what was recorded.
    pub outcome: Outcome,
    /// The trip by the limits in question.
    pub trip: Option<Trip>,
    /// The trip by the limits of the flight, whether or not it was armed.
    pub recorded_limits: Option<Trip>,
    /// The stop that was recorded.
    pub recorded: Option<Act>,
    /// By how much the trip comes before the recorded flight decided to stop it.
    pub earlier_ms: Option<u64>,
    /// The most sessions that waited because of it at once.
    pub most_victims: u32,
    /// What its victims lost from the trip to the recorded stop, or to its end, in session-milliseconds: an upper
    /// bound, for a stop takes its time as well.
    pub spared_session_ms_at_most: Option<u64>,
    /// What became of the harm after the trip.
    pub harm: Option<Harm>,
    /// Why that is said.
    pub harm_why: Option<String>,
    /// From the trip until nobody waited because of it.
    pub resolved_after_ms: Option<u64>,
    /// All this for people.
    pub sentence: String,
}

/// How the limits in question compare with what was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// They trip before the recorded flight decided to stop it.
    Earlier,
    /// They trip at that very moment.
    Same,
    /// They trip after that decision, while the recorded flight still waited for the right to act on it.
    Later,
    /// They trip, and nobody stopped it in the recording.
    OnlyNow,
    /// They had not tripped when it was stopped in the recording; what would have come after is unknown.
    NotBefore,
    /// They do not trip, nobody stopped it, and the limits of the flight trip.
    NotNow,
}

/// A trip that was decided anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Trip {
    /// When.
    pub at_ms: u64,
    /// The rule.
    pub guardrail: String,
    /// Its signal, in the rule's own unit.
    pub value: Option<u64>,
    /// Its limit, in the same unit.
    pub limit: Option<u64>,
    /// Who waited because of the target.
    pub victims: u32,
    /// What the rule said.
    pub sentence: String,
}

/// A stop that was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Act {
    /// When it was asked for.
    pub at_ms: u64,
    /// By whom.
    pub by: By,
    /// Who waited because of the target.
    pub victims: u32,
}

/// Who stopped something in a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A guardrail.
    Guardrail {
        /// Which; null when another engine version flew.
        name: Option<String>,
    },
    /// A person.
    Operator {
        /// Who.
        name: Option<String>,
    },
    /// The dead-man's switch.
    Watchdog,
}

/// What became of the harm after a trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Harm {
    /// It resolved by itself soon: a false trip.
    Resolved,
    /// It went on.
    Lasted,
    /// The recording does not tell.
    Unknown,
}

/// All logs together.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Total {
    /// Logs that were read and count.
    pub logs: u32,
    /// Logs that were read and do not count: another one has the same time of the same flight.
    pub repeated: u32,
    /// Logs that could not be read.
    pub unreadable: u32,
    /// Logs that were read, of which something was damaged or altered.
    pub damaged: u32,
    /// Time with facts, in milliseconds.
    pub recorded_ms: u64,
    /// The part for which the limits in question could be judged.
    pub judged_ms: u64,
    /// Trips by the limits in question.
    pub trips: u32,
    /// Of these, false ones: the harm resolved by itself.
    pub false_trips: u32,
    /// Of these, those of which the recording does not tell.
    pub undecided_trips: u32,
    /// False trips per 1,000 judged hours; null when nothing was judged.
    pub false_trips_per_1000_h: Option<f64>,
    /// At 95 %, there are at most so many per 1,000 hours, if what is undecided is not false.
    pub false_trips_per_1000_h_at_most: Option<f64>,
    /// The same if all that is undecided is false.
    pub with_undecided_per_1000_h_at_most: Option<f64>,
    /// Fewer hours were judged than such a figure should rest on.
    pub is_weak: bool,
    /// All this for people.
    pub sentence: String,
}

/// The schema of a judgement, as JSON.
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(Judgement)).unwrap_or_default();
    text.push('\n');
    text
}
