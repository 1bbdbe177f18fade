//! The JSON lines of a headless flight: one object per line on standard output.
//!
//! Owns every type that is printed, and with them the schema (`assets/headless.schema.json`, generated from
//! here and numbered in the first line). Times are integer milliseconds since the flight began; `null` means
//! unknown, everywhere.

use schemars::JsonSchema;
use serde::Serialize;

/// Number of the schema, in the first line of every flight.
pub const SCHEMA: u32 = 1;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Line {
    /// When, in milliseconds since the flight began.
    pub at_ms: u64,
    /// What.
    #[serde(flatten)]
    pub body: Body,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Body {
    /// The first line: who flies where, and what cannot be seen.
    Flight(Flight),
    /// A full look at the database.
    Sample(Sample),
    /// Work came under guard, or left it.
    Target(Target),
    /// A step of the plan changed its stage.
    Step(Step),
    /// The guard, or one guardrail, changed its state.
    Guard(Guard),
    /// A guardrail says that it is time to act.
    Trip(Trip),
    /// A rung of the abort ladder is asked for.
    Intent(Intent),
    /// What became of a rung, or, with `final`, of the stop.
    Outcome(Outcome),
    /// Facts are missing.
    Gap(Gap),
    /// Anything else worth a line.
    Note(Note),
    /// In a replay: the engine would have asked for something else than it did.
    Drift(Drift),
    /// The last line.
    End(End),
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Flight {
    /// Number of the schema of these lines.
    pub schema: u32,
    /// Release of lockpit.
    pub lockpit: String,
    /// Version of its engine.
    pub engine: u32,
    /// Format of the log, when one is recorded.
    pub log_format: u32,
    /// Wall clock at the start, RFC 3339, UTC.
    pub began: String,
    /// Where: `user@host:port/database`.
    pub server: String,
    /// `server_version`.
    pub server_version: String,
    /// The cluster's identity, as decimal digits.
    pub system_identifier: Option<String>,
    /// It is a standby.
    pub in_recovery: bool,
    /// Role of the login.
    pub role: String,
    /// The login sees texts, states and start times of other roles.
    pub sees_all: bool,
    /// The login may signal backends of other ordinary roles.
    pub signals: bool,
    /// What this flight cannot see, and what would let it.
    pub not_seen: Vec<String>,
    /// Of a replay of a part of a flight: which part, for people.
    pub cut: Option<String>,
    /// Who flies.
    pub operator: Option<String>,
    /// What the database is, such as `PROD`.
    pub label: Option<String>,
    /// Whom it follows.
    pub target: String,
    /// `watching`, `shadow` or `armed`, as asked for.
    pub arming: String,
    /// `kept` or `redacted`: whether literals of statements are in the log and on screens. In these lines they never are.
    pub literals: String,
}

/// A full look at the database.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Sample {
    /// Active client backends, without lockpit's; `null` where states are hidden from this login.
    pub active: Option<u32>,
    /// Client backends in an open transaction that are idle; `null` where states are hidden.
    pub idle_in_transaction: Option<u32>,
    /// Client backends in all.
    pub clients: u32,
    /// Backends whose state and text are hidden from this login.
    pub masked: u32,
    /// Client backends that wait for a lock, without the target and without lockpit.
    pub waiting: u32,
    /// Clients at ordinary work that wait because of the target; `null` without a target.
    pub victims: Option<u32>,
    /// How long the longest of them has waited.
    pub oldest_victim_ms: Option<u64>,
    /// Time the target's victims have lost so far, in session-seconds; `null` without a target.
    pub lost_session_seconds: Option<f64>,
    /// The target.
    pub target_pid: Option<i32>,
    /// Backends that block others and do not wait themselves.
    pub roots: Vec<Node>,
    /// Waiting backends that others queue behind.
    pub heads: Vec<Node>,
    /// Who waits because of the target, equal statements together, most first.
    pub groups: Vec<Group>,
    /// Waiters for whom the server named no blocker.
    pub unresolved: u32,
    /// The server's own time inside the statement.
    pub cost_ms: u64,
    /// The same, in microseconds.
    pub cost_us: u64,
    /// From sending the statement to its last row.
    pub round_trip_ms: u64,
    /// How often samples are due.
    pub every_ms: u64,
    /// WAL senders and slots; `null` until they have been read once.
    pub replication: Option<Replication>,
    /// Commands that report progress.
    pub progress: Vec<Progress>,
}

/// A step of the plan changed its stage.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Step {
    /// Its name.
    pub id: String,
    /// `ready`, `forecast`, `acquiring`, `running`, `verifying`, `done`, `paused`, `stopped`, `failed`, `skipped`.
    pub state: String,
    /// Why; may be empty.
    pub reason: String,
    /// The attempt this is about, from 1; `null` where it is about none.
    pub attempt: Option<u32>,
}

/// One backend of the wait graph that others queue behind.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Node {
    /// Its process id; 0 for prepared transactions, which have none.
    pub pid: i32,
    /// The part it plays: `client`, `schema work`, `autovacuum`, `prepared transaction`, ...
    pub part: String,
    /// What its client calls itself, or the names of prepared transactions.
    pub application: String,
    /// PostgreSQL's word for its state, or why there is none.
    pub state: String,
    /// How long its transaction has been open; `null` where hidden.
    pub xact_age_ms: Option<u64>,
    /// What its statement is.
    pub kind: String,
    /// The strongest lock by which it blocks, or for which it waits.
    pub lock: Option<String>,
    /// How long it has waited; `null` for one that does not wait.
    pub waited_ms: Option<u64>,
    /// How many wait behind it, directly or not.
    pub behind: u32,
}

/// Waiters with the same statement.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Group {
    /// How many.
    pub count: u32,
    /// What their statement is.
    pub kind: String,
    /// Its text without literals; `null` where hidden.
    pub text: Option<String>,
    /// How long the longest of them has waited.
    pub oldest_ms: Option<u64>,
}

/// Replication, in brief. Lags are `null` where the server does not know.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Replication {
    /// WAL senders.
    pub senders: u32,
    /// The most bytes of WAL any of them has yet to replay; `null` where hidden, or without senders.
    pub replay_lag_bytes: Option<u64>,
    /// The longest `replay_lag` of any of them.
    pub replay_lag_ms: Option<u64>,
    /// Slots nobody streams from.
    pub inactive_slots: u32,
}

/// Progress of one command.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Progress {
    /// The backend.
    pub pid: i32,
    /// The command.
    pub command: String,
    /// The server's name of the phase.
    pub phase: Option<String>,
    /// Whom the phase waits for.
    pub locker_pid: Option<i32>,
    /// Done, in `unit`.
    pub done: Option<u64>,
    /// In all, in `unit`.
    pub total: Option<u64>,
    /// `blocks`, `tuples` or `bytes`.
    pub unit: Option<String>,
}

/// Work came under guard, or left it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Target {
    /// `found`, `done`, `failed`, `cancelled`, `gone` or `unknown`.
    pub state: String,
    /// Its process id.
    pub pid: i32,
    /// What its client calls itself.
    pub application: String,
    /// Its role.
    pub role: String,
    /// What its statement is.
    pub kind: String,
    /// Its text without literals; `null` where hidden.
    pub text: Option<String>,
    /// The relation of its strongest lock.
    pub relation: Option<String>,
    /// PostgreSQL's name of that lock's mode.
    pub mode: Option<String>,
    /// It holds that lock (true) or awaits it (false).
    pub granted: Option<bool>,
    /// It conflicts with reads or writes.
    pub strong: bool,
}

/// The guard, or one guardrail, changed its state.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Guard {
    /// The guardrail; `null` for the guard as a whole.
    pub guardrail: Option<String>,
    /// Of the guard: `watching`, `shadow`, `armed`, `tripped`, `blind`. Of a guardrail: `not_yet`, `ok`,
    /// `warn`, `trip`.
    pub state: String,
    /// What it reads, in its own unit.
    pub value: Option<u64>,
    /// Its limit, in the same unit.
    pub limit: Option<u64>,
    /// The finding, for people.
    pub sentence: String,
}

/// A guardrail says that it is time to act.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Trip {
    /// The guardrail.
    pub guardrail: String,
    /// What it read, in its own unit.
    pub value: Option<u64>,
    /// Its limit, in the same unit.
    pub limit: Option<u64>,
    /// The finding, for people.
    pub sentence: String,
    /// Whom it is about.
    pub pid: i32,
    /// Whether lockpit acts on it: false in shadow, and where it may not.
    pub acted: bool,
    /// 1 for the first attempt of an incident, 2 for its first retry, ...
    pub attempt: u32,
}

/// A rung of the abort ladder is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Intent {
    /// Number of the stop in this flight.
    pub stop: u32,
    /// `cancel`, `terminate` or `signal`.
    pub action: String,
    /// Whom it names; the identity is checked where it acts.
    pub pid: i32,
    /// Why, for people.
    pub sentence: String,
}

/// What became of a rung, or of a stop.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Outcome {
    /// Number of the stop in this flight.
    pub stop: u32,
    /// `cancel`, `terminate` or `signal`; of a stop, its last one; `null` when none was tried.
    pub action: Option<String>,
    /// Whom it named.
    pub pid: i32,
    /// `sent` (never final), `drained`, `already_over`, `still_holding`, `refused` or `lost`.
    pub result: String,
    /// Whether this is the last word on the stop.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// From the trip to the first request.
    pub sent_ms: Option<u64>,
    /// From the trip until the target's strong locks were gone.
    pub gone_ms: Option<u64>,
    /// From the trip until none of the victims waited any more.
    pub drained_ms: Option<u64>,
    /// Victims at the trip.
    pub victims: u32,
    /// Time the victims lost in all, in session-seconds.
    pub lost_session_seconds: f64,
    /// What people should know.
    pub sentence: String,
}

/// Facts are missing.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Gap {
    /// Since when, in milliseconds since the flight began.
    pub from_ms: u64,
    /// Why.
    pub why: String,
    /// How many looks or inputs were lost, where they were counted.
    pub lost: Option<u64>,
}

/// Anything else worth a line.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Note {
    /// It asks for attention.
    pub warning: bool,
    /// What, for people.
    pub text: String,
}

/// In a replay: the engine asked for something else than the log has.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Drift {
    /// What the log has.
    pub recorded: Vec<String>,
    /// What the engine asks for now.
    pub replayed: Vec<String>,
    /// The log was made by another engine version: this is a judgement anew rather than an error.
    pub rejudged: bool,
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct End {
    /// Why the flight ended.
    pub reason: String,
    /// The exit code of the flight.
    pub exit: u8,
    /// Full samples.
    pub samples: u64,
    /// Looks that brought nothing.
    pub missed: u64,
    /// Trips, acted on or not.
    pub trips: u32,
    /// Stops that ended something.
    pub stopped: u32,
    /// Time the victims of all targets lost, in session-seconds.
    pub lost_session_seconds: f64,
    /// The server's own time in lockpit's samples and watches.
    pub server_cost_ms: u64,
}

/// The schema of all lines, as JSON.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Line);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
    text.push('\n');
    text
}
