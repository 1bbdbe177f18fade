//! The input contract: what makes a replay equal the flight.
//!
//! 1. *The engine's inputs are exactly what the log stores.* An input that is not logged is never handled;
//!    an input that cannot be logged because the disk is slow or full is covered by a [`Gap`] and a
//!    checkpoint of the engine, and replay resumes from that checkpoint.
//! 2. *Time is an argument.* Every input carries the instant [`At`] at which it reached the flight.
//!    Deadlines are asked for by `Cockpit::next_deadline`, and reaching one is the input [`Input::Tick`].
//! 3. *Texts are digested at the edge*, once, before the engine sees them ([`Text`]): redaction and newer
//!    parsers change no decision.
//! 4. *Nothing else counts.* No clock, no randomness, no iteration order of a hash map, no environment.
//!    What was asked for on the command line is an input ([`Begin`]), and so is every command after it.
//! 5. *A command names identities* (a session by its pid and start, an attempt by its query start as well),
//!    never rows of a screen: whoever has changed since it was looked at is not hit. It says who gave it
//!    ([`Request::by`]), and lasts from the instant at which it reached the flight. Whether it is refused is
//!    decided by the engine from the inputs before it, so that a replay refuses the same.
//! 6. Inputs survive a round trip through the log unchanged: integers and strings only, no floats.
//!
//! Owns the shapes of inputs. Never what follows from them.

use serde::{Deserialize, Serialize};

use super::effect::Rung;
use super::host::HostFacts;
use super::ids::{At, BackendId, Oid, Pid, ServerTime, StopId};
use super::plan::Mission;
use super::plan::order::News;
use super::sample::{Fact, Sample, Watch};
use super::settings::Settings;
use super::text::Text;

pub use super::command::{ArmScope, Command, Request};

/// Something that happened, seen from the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// The first input of every flight.
    Begin(Box<Begin>),
    /// The sampler is connected, for the first time or again.
    Attached(Box<Attached>),
    /// A query text, before the first sample that refers to it.
    Text(Box<Text>),
    /// Names of objects, before the first sample that refers to them where that was possible.
    Names(Box<Names>),
    /// A full look.
    Sample(Box<Sample>),
    /// A cheap look.
    Watch(Watch),
    /// The server's machine and its processes, or why these cannot be read: told once per reason.
    Host(Box<Fact<HostFacts>>),
    /// A look that brought nothing.
    Missed(Missed),
    /// A connection of ours came or went.
    Link(Link),
    /// The deadline the engine asked for is reached.
    Tick,
    /// Somebody wants something.
    Command(Request),
    /// What became of an effect.
    Outcome(Outcome),
    /// Facts are missing from `from` until now.
    Gap(Gap),
}

/// What is known before the first connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// The release that flew.
    pub lockpit: String,
    /// The engine's own version: a log made by another one is re-judged, not compared.
    pub engine: u32,
    /// Wall clock when the flight began, microseconds since 1970 UTC.
    pub utc_us: i64,
    /// Seed of all jitter.
    pub seed: u64,
    /// Where the flight connects to, without secrets: `user@host:port/database`.
    pub server: String,
    /// Who flies.
    pub operator: Option<String>,
    /// What the database is, such as `PROD`.
    pub label: Option<String>,
    /// What was asked for.
    pub settings: Settings,
    /// The plan it flies, when it flies one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mission: Option<Box<Mission>>,
}

/// A server as it presented itself on connecting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// `server_version_num`.
    pub version_num: u32,
    /// `server_version`, for people.
    pub version: String,
    /// The cluster's identity.
    pub system_identifier: Fact<u64>,
    /// The timeline it is on.
    pub timeline: Fact<u32>,
    /// Whether it is a standby.
    pub in_recovery: bool,
    /// When the postmaster started.
    pub postmaster_start: ServerTime,
    /// The connected database.
    pub database: Oid,
    /// Its name.
    pub database_name: String,
    /// `max_connections`.
    pub max_connections: u32,
    /// What this login may see and stop.
    pub rights: Rights,
}

/// What this login may see and stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// The role that logged in.
    pub role: Oid,
    /// Name of the role whose rights are in force: the same, unless the login takes on another one.
    pub role_name: String,
    /// It is a superuser.
    pub superuser: bool,
    /// It sees texts, states and start times of other roles (`pg_read_all_stats`).
    pub sees_all: bool,
    /// It may signal backends of other ordinary roles (`pg_signal_backend`).
    pub signals: bool,
}

/// Names of objects that the samples know by number.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Names {
    /// Relations of the connected database.
    pub relations: Vec<RelationName>,
    /// Roles of the cluster.
    pub roles: Vec<(Oid, String)>,
    /// Databases of the cluster.
    pub databases: Vec<(Oid, String)>,
}

/// What the catalog says of one relation of the connected database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelationName {
    /// Its number.
    pub relation: Oid,
    /// What was found; `None` when no committed row of `pg_class` has that number.
    pub found: Option<FoundRelation>,
}

/// A relation that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundRelation {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// `pg_class.relkind`.
    pub kind: char,
    /// Not a temporary relation of some session.
    pub permanent: bool,
}

/// A look that brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// Which look.
    pub sensor: Sensor,
    /// Why, in words for people.
    pub why: String,
    /// How long was waited for it, in milliseconds.
    pub waited_ms: u64,
}

/// The kinds of looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sensor {
    /// The full sample.
    Sample,
    /// The watch.
    Watch,
    /// The look-up of names; the sample it was for arrives without them.
    Names,
}

/// A connection of ours came or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Which one.
    pub conn: Conn,
    /// What became of it.
    pub state: LinkState,
}

/// Our connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Conn {
    /// Samples and watches.
    Sampler,
    /// Cancels and checks.
    Control,
    /// The dead-man's switch.
    Watchdog,
    /// The session that runs the plan.
    Runner,
}

/// The state of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkState {
    /// Connected, or found alive, as this backend. Said again every few seconds while it answers.
    Up {
        /// Its process id on the server.
        pid: Pid,
    },
    /// Gone.
    Lost {
        /// Why, in words for people.
        why: String,
    },
}

/// What became of an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Whether the target may be signalled by this login.
    Right {
        /// The backend asked about.
        backend: BackendId,
        /// `Ok`, or who could and how.
        allowed: Result<(), String>,
    },
    /// A rung of the abort ladder was carried out.
    Rung {
        /// Which stop.
        stop: StopId,
        /// Which rung of it.
        rung: Rung,
        /// What the server answered.
        answer: RungAnswer,
        /// When the request left.
        sent: At,
    },
    /// What is left after a rung.
    Aftermath {
        /// Which stop.
        stop: StopId,
        /// Whether the same backend still lives.
        alive: bool,
        /// Whether it still holds or awaits a lock that conflicts with reads or writes on a user relation.
        still_strong: bool,
        /// Its state, when it lives.
        state: Option<super::sample::State>,
        /// Whether it still runs the statement that was to be stopped.
        same_statement: bool,
        /// Victims at the trip that wait on.
        victims_waiting: u32,
    },
    /// How an attempt ended.
    Ended {
        /// Whose it was.
        backend: BackendId,
        /// Whether the session still lives.
        alive: bool,
        /// `committed`, `aborted`, `in progress`, or why it is not known.
        xact: Fact<String>,
    },
    /// What the runner answers.
    Run(Box<News>),
    /// What became of the dead-man's switch.
    Watchdog {
        /// The backend it guards, guarded, or was to guard; none when it was released.
        guards: Option<BackendId>,
        /// What became of it.
        news: WatchdogNews,
    },
}

/// What became of the dead-man's switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum WatchdogNews {
    /// It is set.
    Set,
    /// It is released.
    Released,
    /// It heard nothing of lockpit and has signalled the backend; the server's words.
    Acted(String),
    /// It could not be set or released, and why.
    Failed(String),
}

/// What the server answered to a rung.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RungAnswer {
    /// The signal was sent.
    Sent,
    /// Nobody fits the identity any more; nobody was signalled.
    NobodyFits,
    /// The login may not.
    Refused(String),
    /// The request did not get through.
    Failed(String),
}

/// An interval in which facts are missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// When it began.
    pub from: At,
    /// Why, in words for people.
    pub why: String,
    /// How many inputs were lost, where they were counted.
    pub lost: Option<u64>,
}
