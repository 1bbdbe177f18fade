//! A flight as a report tells it: facts only, no layout.
//!
//! Owns every type that a report is written from. They are printed as they are by `--format json`, and with
//! them goes the schema (`assets/report.schema.json`, generated from here and numbered in the first field).
//! Numbers are integers with their unit in the name; `null` means unknown, everywhere, and never zero. Times
//! are milliseconds since the flight began; a remark that was added afterwards may lie before it.

use schemars::JsonSchema;
use serde::Serialize;

use super::plan::{Signal, Unit};

mod flown;

pub use flown::{FlownPlan, FlownStep, Items, OfferedCleanUp, OpenedGate};

/// Number of the schema, in the first field of every report.
pub const SCHEMA: u32 = 1;

/// A whole flight.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Story {
    /// Number of the schema of this report.
    pub schema: u32,
    /// The release of lockpit that made this report.
    pub made_by: String,
    /// Name of the log's file.
    pub log: String,
    /// What the log is worth as evidence.
    pub integrity: Integrity,
    /// Who flew where, when and with what limits.
    pub flight: Flight,
    /// What it came to.
    pub totals: Totals,
    /// The plan that was flown; only in the reports of flights that flew one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<FlownPlan>,
    /// The work that came under guard, in order.
    pub targets: Vec<Target>,
    /// Guardrails that said it is time to act, in order.
    pub trips: Vec<Trip>,
    /// Guardrails that were over their limit while nobody let them decide: the first time for each target.
    pub over: Vec<Over>,
    /// Everything that was stopped, or was to be.
    pub stops: Vec<Stop>,
    /// The worst moment; `null` when nobody was ever seen to wait.
    pub worst: Option<Worst>,
    /// Who was hit.
    pub blast: Blast,
    /// What happened, in the order of time, with what was ordered and remarked.
    pub timeline: Vec<Entry>,
    /// Times of which facts are missing.
    pub gaps: Vec<Gap>,
    /// What this flight could not see, and what would let it.
    pub not_seen: Vec<String>,
    /// Figures that a reader may look for and that were not measured, with the reason.
    pub not_measured: Vec<NotMeasured>,
    /// Whether this release decides the same as the flight did.
    pub drift: Drift,
    /// The signals over the whole flight, thinned to their lowest and highest.
    pub course: Window,
    /// What is not in the lists because they were full.
    pub left_out: LeftOut,
}

/// What the log is worth as evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Integrity {
    /// The verdict, for people.
    pub sentence: String,
    /// Of a log that has a part of its flight only, a cut or one file of a recording that goes from file to file:
    /// which part, for people.
    pub excerpt: Option<String>,
    /// The three lines that prove, when they were kept elsewhere, that the log is unchanged.
    pub checkpoint: Option<[String; 3]>,
    /// The log is damaged or altered: what is told here is not the whole flight.
    pub is_altered: bool,
    /// The log stops without an end: the flight was cut off, or is still in the air.
    pub is_torn: bool,
}

/// Who flew where, when and with what limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Flight {
    /// Number of the flight, in hexadecimal digits.
    pub id: String,
    /// The release that flew.
    pub lockpit: String,
    /// Version of its engine.
    pub engine: u32,
    /// Who flew.
    pub operator: Option<String>,
    /// What the database is, such as `PROD`.
    pub label: Option<String>,
    /// Where: `user@host:port/database`.
    pub server: String,
    /// `server_version`; `null` when the server was never reached.
    pub server_version: Option<String>,
    /// The cluster's identity, as decimal digits.
    pub system_identifier: Option<String>,
    /// The name of the database.
    pub database: Option<String>,
    /// It was a standby.
    pub in_recovery: Option<bool>,
    /// Role of the login.
    pub role: Option<String>,
    /// The login saw texts, states and start times of other roles.
    pub sees_all: Option<bool>,
    /// The login could signal backends of other ordinary roles.
    pub signals: Option<bool>,
    /// Wall clock at the beginning, in microseconds since 1970 UTC. Every other time is this one and the time
    /// flown since.
    pub began_us: i64,
    /// The same, RFC 3339, UTC.
    pub began_utc: String,
    /// The same where the report was made.
    pub began_local: String,
    /// The last thing in the log.
    pub ended_ms: u64,
    /// The same, RFC 3339, UTC.
    pub ended_utc: String,
    /// The same where the report was made.
    pub ended_local: String,
    /// Name of the time zone where the report was made.
    pub zone: String,
    /// Why the flight ended; `null` when the log does not have its end.
    pub reason: Option<String>,
    /// The exit code of the flight, as far as the log goes; it may have become another one where `reason` is `null`.
    pub exit: u8,
    /// `watching`, `shadow` or `armed`, as asked for at the start.
    pub arming: String,
    /// What was asked for at the start, as it is written on the command line.
    pub settings: Vec<Setting>,
    /// The guardrails' limits at the start.
    pub limits: Vec<Limit>,
}

/// One setting of the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value, for people.
    pub value: String,
}

/// The limit of one guardrail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Limit {
    /// The guardrail.
    pub guardrail: String,
    /// Its limit, in `unit`; `null` when it follows what is usual.
    pub limit: Option<u64>,
    /// What it counts in.
    pub unit: Unit,
    /// The whole rule, for people.
    pub sentence: String,
}

/// What a flight came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Totals {
    /// It all in one sentence.
    pub sentence: String,
    /// Full samples.
    pub samples: u64,
    /// Looks that brought nothing.
    pub missed: u64,
    /// Trips, acted on or not.
    pub trips: u32,
    /// Stops that ended something.
    pub stopped: u32,
    /// Stops that did not.
    pub not_stopped: u32,
    /// Time the victims of all targets lost, in session-milliseconds.
    pub lost_session_ms: u64,
    /// The server's own time in lockpit's samples and watches, in microseconds.
    pub server_cost_us: u64,
}

/// Work that came under guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Target {
    /// When it was found.
    pub found_ms: u64,
    /// When it was known to be over; `null` when that is not in the log.
    pub ended_ms: Option<u64>,
    /// `done`, `failed`, `cancelled`, `gone`, `unknown`, or `not followed any more`; `null` when it went on to
    /// the end of the log.
    pub fate: Option<String>,
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
    /// Its strongest lock on a user relation, in words: `awaits AccessExclusiveLock on orders`.
    pub lock: Option<String>,
    /// It conflicts with reads or writes.
    pub strong: bool,
    /// The most victims it had at once.
    pub most_victims: u32,
    /// The longest wait of any of them, in milliseconds; `null` when nobody waited, or the wait has no age.
    pub oldest_victim_ms: Option<u64>,
    /// Time its victims lost, in session-milliseconds, as far as samples show.
    pub lost_session_ms: u64,
}

/// A guardrail said that it is time to act.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Trip {
    /// When.
    pub at_ms: u64,
    /// The guardrail.
    pub guardrail: String,
    /// What it read, in `unit`.
    pub value: Option<u64>,
    /// Its limit, in `unit`.
    pub limit: Option<u64>,
    /// What it counts in; `null` for a rule this release does not know.
    pub unit: Option<Unit>,
    /// The finding, for people.
    pub sentence: String,
    /// Whom it is about.
    pub pid: i32,
    /// Whether lockpit acted on it: false in shadow, and where it might not.
    pub acted: bool,
    /// 1 for the first attempt of an incident, 2 for its first retry, ...
    pub attempt: u32,
    /// Number of the stop that followed at once, if one did.
    pub stop: Option<u32>,
    /// The signals around it; `null` when the report had enough plots already.
    pub window: Option<Window>,
}

/// A guardrail was over its limit while nobody let it decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Over {
    /// When.
    pub at_ms: u64,
    /// The guardrail.
    pub guardrail: String,
    /// What it read, in its own unit.
    pub value: Option<u64>,
    /// Its limit, in the same unit.
    pub limit: Option<u64>,
    /// The finding, for people.
    pub sentence: String,
}

/// One stop, from the trip or the key press to its last word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Stop {
    /// Its number in this flight.
    pub number: u32,
    /// When it began.
    pub at_ms: u64,
    /// Whom it names.
    pub pid: i32,
    /// Who asked for it: `guardrail`, `operator`, or `lockpit` when it goes on with a stop it began before.
    pub cause: String,
    /// The operator.
    pub by: Option<String>,
    /// The rungs of the abort ladder, in order.
    pub rungs: Vec<Rung>,
    /// `drained`, `already_over`, `still_holding`, `refused` or `lost`; `null` when the log does not have it.
    pub result: Option<String>,
    /// What people should know: the last word.
    pub sentence: Option<String>,
    /// From its beginning to the first request, in milliseconds.
    pub sent_ms: Option<u64>,
    /// From its beginning until the target's strong locks were gone, in milliseconds.
    pub gone_ms: Option<u64>,
    /// From its beginning until none of the victims waited any more, in milliseconds.
    pub drained_ms: Option<u64>,
    /// Victims at its beginning.
    pub victims: Option<u32>,
    /// Time the victims lost in all, in session-milliseconds.
    pub lost_session_ms: Option<u64>,
    /// What it would cost, judged from the last sample before it.
    pub cost: Option<Cost>,
}

/// One rung of the abort ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rung {
    /// When it was asked for.
    pub at_ms: u64,
    /// `cancel`, `terminate` or `signal`.
    pub action: String,
    /// Why this rung, for people.
    pub sentence: String,
    /// When the server's answer came.
    pub answered_ms: Option<u64>,
    /// The answer, for people.
    pub answer: Option<String>,
}

/// What a stop loses and leaves behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cost {
    /// Which work is lost.
    pub lost: String,
    /// What is left behind.
    pub leaves: String,
    /// What to do about it, in order.
    pub clean_up: Vec<CleanUp>,
}

/// One step of a clean-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CleanUp {
    /// The step.
    pub text: String,
    /// It is a statement to be run as it stands; otherwise words. A name in `<..>` is not known.
    pub is_sql: bool,
}

/// The sample with the most victims, or without a target the one with the most waiting clients.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Worst {
    /// When.
    pub at_ms: u64,
    /// Clients at ordinary work that waited because of the target; `null` without a target.
    pub victims: Option<u32>,
    /// Clients that waited for a lock, without the target.
    pub waiting: u32,
    /// The longest wait of these, in milliseconds.
    pub oldest_ms: Option<u64>,
    /// Waiters for whom the server named no blocker.
    pub unresolved: u32,
    /// Who waited for whom, from top to bottom.
    pub tree: Vec<Node>,
    /// Rows of the tree that are not here.
    pub tree_left_out: u32,
    /// The signals around it; `null` when a trip's show them.
    pub window: Option<Window>,
}

/// One row of the lock tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Node {
    /// How deep it stands: 0 for one that blocks and does not wait.
    pub depth: u32,
    /// `backend`, `prepared`, `group`, `elsewhere`, `deadlock` or `unresolved`.
    pub what: String,
    /// Its letter, when it blocks somebody.
    pub letter: Option<String>,
    /// Its process id; `null` for what has none or is several.
    pub pid: Option<i32>,
    /// How many it stands for.
    pub count: u32,
    /// It is the work under guard.
    pub is_target: bool,
    /// What its client calls itself; the gids of prepared transactions.
    pub application: String,
    /// Its role.
    pub role: String,
    /// What it was doing, and since when: `idle in transaction, open for 2m06s`.
    pub state: String,
    /// What its statement is.
    pub kind: String,
    /// Its text without literals; `null` where hidden.
    pub text: Option<String>,
    /// How long it, or the longest of them, had waited, in milliseconds; `null` for one that did not wait.
    pub waited_ms: Option<u64>,
    /// The lock it awaited, in words.
    pub awaits: Option<String>,
    /// The strongest lock it held on what somebody awaited, in words.
    pub holds: Option<String>,
    /// How many waited behind it, directly or not.
    pub behind: u32,
    /// What else is to be said of it.
    pub remarks: Vec<String>,
    /// Statements that end it, where it is a prepared transaction.
    pub rollback: Vec<String>,
}

/// Who was hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Blast {
    /// Different sessions that ever waited because of a target; `null` when there were too many to tell apart.
    pub sessions: Option<u32>,
    /// The most at once.
    pub most_victims: u32,
    /// When that was.
    pub most_at_ms: Option<u64>,
    /// The longest wait behind a target, in milliseconds.
    pub oldest_ms: Option<u64>,
    /// Time the victims of all targets lost, in session-milliseconds.
    pub lost_session_ms: u64,
    /// Whose sessions these were, most first.
    pub applications: Vec<Hit>,
    /// On which relations targets held or awaited their strongest locks.
    pub relations: Vec<String>,
}

/// Sessions of one application that were hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Hit {
    /// What it calls itself.
    pub application: String,
    /// Different sessions.
    pub sessions: u32,
}

/// What kind of entry a timeline has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The flight began or ended.
    Flight,
    /// Work came under guard, or left it.
    Target,
    /// A step of the plan changed its stage.
    Step,
    /// The guard changed its state, or a guardrail its level.
    Guard,
    /// A guardrail tripped.
    Trip,
    /// A rung of a stop, or what became of it.
    Stop,
    /// An operator ordered something.
    Command,
    /// Something that asks for attention.
    Warning,
    /// Anything else.
    Note,
    /// Facts are missing.
    Gap,
    /// The replay decided something else than the flight.
    Drift,
    /// A remark that was added after the flight.
    Remark,
}

/// One entry of the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Entry {
    /// When.
    pub at_ms: i64,
    /// What kind.
    pub kind: Kind,
    /// Who; `null` when it was nobody in particular.
    pub by: Option<String>,
    /// What, for people.
    pub text: String,
}

/// Facts are missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Gap {
    /// Since when.
    pub from_ms: u64,
    /// Until when.
    pub until_ms: u64,
    /// Why.
    pub why: String,
    /// How many looks or inputs were lost, where they were counted.
    pub lost: Option<u64>,
}

/// A figure that was not measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NotMeasured {
    /// Which.
    pub what: String,
    /// Why.
    pub why: String,
}

/// Whether this release decides the same as the flight did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Drift {
    /// How often it decided something else.
    pub differences: u64,
    /// The log was made by another engine version: differences are a judgement anew.
    pub rejudged: bool,
    /// For people.
    pub sentence: String,
}

/// Signals over some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Window {
    /// From when.
    pub from_ms: u64,
    /// Until when.
    pub until_ms: u64,
    /// The signals. One without any known point was not measured in this time.
    pub series: Vec<Series>,
    /// The guardrails' limits that were in force, in their own units.
    pub limits: Vec<LimitLine>,
}

/// A limit to be drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LimitLine {
    /// The guardrail.
    pub guardrail: String,
    /// Its limit.
    pub limit: u64,
}

/// One signal over some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Series {
    /// Which.
    pub signal: Signal,
    /// In what it is measured.
    pub unit: Unit,
    /// Milliseconds of the flight and value, oldest first; `null` where the value was not known. Between two
    /// known points a line may be drawn; through a `null` it must not.
    pub points: Vec<(u64, Option<u64>)>,
}

/// What is not in the lists because they were full.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LeftOut {
    /// Entries of the timeline.
    pub entries: u64,
    /// Targets.
    pub targets: u64,
    /// Trips.
    pub trips: u64,
    /// Stops.
    pub stops: u64,
    /// Gaps.
    pub gaps: u64,
}

/// The schema of a report in JSON, as JSON.
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(Story)).unwrap_or_default();
    text.push('\n');
    text
}
