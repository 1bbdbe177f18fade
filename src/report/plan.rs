//! Which signals a report follows, and how many of everything it keeps.
//!
//! Owns the table of signals with their names and units, and the bounds that keep a report of any flight small.

use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::history;

/// The most entries of the timeline.
pub(super) const MOST_ENTRIES: usize = 2_000;
/// The most targets, trips, stops and gaps, each.
pub(super) const MOST_EACH: usize = 300;
/// The most trips with plots of their own.
pub(super) const MOST_WINDOWS: usize = 12;
/// The most rows of a lock tree.
pub(super) const MOST_ROWS: usize = 120;
/// The most victims that are told apart.
pub(super) const MOST_SESSIONS: usize = 100_000;
/// The most applications that are named.
pub(super) const MOST_APPLICATIONS: usize = 100;
/// How much is shown before a trip, in milliseconds.
pub(super) const BEFORE_MS: u64 = 15_000;
/// How much is shown after it, in milliseconds.
pub(super) const AFTER_MS: u64 = 30_000;

/// In what a figure is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Sessions.
    Sessions,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Bytes.
    Bytes,
    /// Transactions per second.
    PerSecond,
}

/// What a series shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Clients at ordinary work that wait because of the target; unknown without one.
    Victims,
    /// Clients that wait for a lock, without the target and without lockpit.
    Waiting,
    /// The longest wait behind the target, as the guardrail reads it; unknown without one.
    OldestVictim,
    /// The longest wait of any client.
    OldestWait,
    /// Active clients; unknown where states are masked.
    Active,
    /// Client connections.
    Connections,
    /// Commits of the connected database per second.
    Commits,
    /// Rollbacks of the connected database per second.
    Rollbacks,
    /// The most bytes of WAL any standby had yet to replay.
    ReplayLag,
    /// The server's own time in a sample.
    SampleCost,
}

impl Signal {
    /// Every signal, in the order in which they are told.
    pub const ALL: [Signal; 10] = [
        Signal::Victims,
        Signal::Waiting,
        Signal::OldestVictim,
        Signal::OldestWait,
        Signal::Active,
        Signal::Connections,
        Signal::Commits,
        Signal::Rollbacks,
        Signal::ReplayLag,
        Signal::SampleCost,
    ];

    /// In what it is measured.
    pub fn unit(self) -> Unit {
        match self {
            Signal::Victims | Signal::Waiting | Signal::Active | Signal::Connections => Unit::Sessions,
            Signal::OldestVictim | Signal::OldestWait => Unit::Milliseconds,
            Signal::Commits | Signal::Rollbacks => Unit::PerSecond,
            Signal::ReplayLag => Unit::Bytes,
            Signal::SampleCost => Unit::Microseconds,
        }
    }

    /// Where the engine's history keeps it.
    pub(super) fn source(self) -> history::Signal {
        match self {
            Signal::Victims => history::Signal::Victims,
            Signal::Waiting => history::Signal::Waiting,
            Signal::OldestVictim => history::Signal::Guardrail("queue_age".to_owned()),
            Signal::OldestWait => history::Signal::OldestWaitMs,
            Signal::Active => history::Signal::Active,
            Signal::Connections => history::Signal::Connections,
            Signal::Commits => history::Signal::CommitsPerS,
            Signal::Rollbacks => history::Signal::RollbacksPerS,
            Signal::ReplayLag => history::Signal::ReplayLagBytes,
            Signal::SampleCost => history::Signal::SampleCostUs,
        }
    }
}
