//! What may be read of the engine: by screens, JSON lines and reports.
//!
//! Owns the read-only side of [`Cockpit`]. Changes nothing.

use serde::{Deserialize, Serialize};

use super::Cockpit;
use super::ages::Ages;
use super::brake::Brake;
use super::catalog::Catalog;
use super::ids::At;
use super::input::{Attached, Begin, Conn, LinkState};
use super::pace::Pacer;
use super::sample::{Sample, SlowFacts};
use super::scene::Scene;
use super::target::Target;
use super::timeline::Timeline;

/// What the looks at the server came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Full samples.
    pub samples: u64,
    /// Looks that brought nothing.
    pub missed: u64,
    /// The server's own time in samples and watches, in microseconds.
    pub cost_us: u64,
}

impl Cockpit {
    /// What the flight was told at its start.
    pub fn flight(&self) -> Option<&Begin> {
        self.begin.as_ref()
    }

    /// The server, as it presented itself.
    pub fn server(&self) -> Option<&Attached> {
        self.attached.as_ref()
    }

    /// Names for numbers.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The last full sample, without what is read once a second.
    pub fn sample(&self) -> Option<&Sample> {
        self.sample.as_deref()
    }

    /// As of when the last full sample shows the server: when it was asked for. It stays when the sample itself
    /// was dropped because the server was restarted.
    pub fn sample_at(&self) -> Option<At> {
        self.sample_at
    }

    /// As of when [`Cockpit::slow`] shows the server; right after a checkpoint, as of the last sample.
    pub fn slow_at(&self) -> Option<At> {
        self.slow_at
    }

    /// The state of one of our connections, and since when it is so, which a checkpoint does not tell; `None`
    /// until it was heard of.
    pub fn link(&self, conn: Conn) -> Option<(&LinkState, Option<At>)> {
        Some((self.links.get(&conn)?, self.links_since.get(&conn).copied()))
    }

    /// Whether those who wait for each other do so for certain: they did in the sample before, too.
    pub fn deadlock_is_certain(&self) -> bool {
        self.deadlocks.is_certain()
    }

    /// What was last read of replication, progress and counters.
    pub fn slow(&self) -> Option<&SlowFacts> {
        self.slow.as_deref()
    }

    /// The last sample, understood.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// Ages of the waits.
    pub fn ages(&self) -> &Ages {
        &self.ages
    }

    /// The work under guard.
    pub fn target(&self) -> Option<&Target> {
        self.follow.target.as_ref()
    }

    /// The guard.
    pub fn brake(&self) -> &Brake {
        &self.brake
    }

    /// What happened.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// How often is looked.
    pub fn pacer(&self) -> &Pacer {
        &self.pacer
    }

    /// What the flight comes to so far: 4 when a guardrail acted, were it in vain, 8 when it was armed and may
    /// not stop its target, else 0. A stop whose target was over before it is not an act.
    pub fn exit_code(&self) -> u8 {
        let totals = self.brake.totals();
        match (totals.acted + totals.in_vain, totals.arming_refused) {
            (1.., _) => 4,
            (0, true) => 8,
            (0, false) => 0,
        }
    }

    /// What the looks at the server came to.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Whether the flight has ended.
    pub fn is_over(&self) -> bool {
        self.over
    }
}
