//! What may be read of the engine: by screens, JSON lines and reports.
//!
//! Owns the read-only side of [`Cockpit`]. Changes nothing.

use serde::{Deserialize, Serialize};

use super::Cockpit;
use super::ages::Ages;
use super::brake::Brake;
use super::catalog::Catalog;
use super::host::HostView;
use super::ids::{At, BackendId};
use super::input::{Attached, Begin, Conn, LinkState};
use super::overrides::Overrides;
use super::pace::Pacer;
use super::sample::{Fact, Sample, SlowFacts};
use super::scene::Scene;
use super::steps::Steps;
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

    /// As of when [`Cockpit::slow`] shows the server.
    pub fn slow_at(&self) -> Option<At> {
        self.slow_at
    }

    /// The state of one of our connections, and when it was last heard of; `None` before that.
    pub fn link(&self, conn: Conn) -> Option<(&LinkState, At)> {
        self.links.get(&conn).zip(self.links_heard.get(&conn).copied())
    }

    /// Whether somebody counts on this flight: it acts on trips, or a stop is under way.
    pub fn is_guarding(&self) -> bool {
        self.brake.stop().is_some() || self.brake.consent().acts(self.last_seen)
    }

    /// Whether those who wait for each other do so for certain: they did in the sample before, too.
    pub fn deadlock_is_certain(&self) -> bool {
        self.deadlocks.is_certain()
    }

    /// What was last read of replication, progress and counters.
    pub fn slow(&self) -> Option<&SlowFacts> {
        self.slow.as_deref()
    }

    /// The last reading of the server's machine with its rates, or why there is none.
    pub fn host(&self) -> Fact<HostView<'_>> {
        let view = self.host.view();
        let pid = match self.links.get(&Conn::Sampler) {
            Some(LinkState::Up { pid }) => *pid,
            _ if view.known().is_some() => return Fact::Missing("no session of the sampler".to_owned()),
            _ => return view,
        };
        match view {
            Fact::Known(view) if view.facts.sampler.pid != pid => {
                Fact::Missing("not read since the sampler has reconnected".to_owned())
            }
            view => view,
        }
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

    /// The plan it flies, when it flies one.
    pub fn steps(&self) -> Option<&Steps> {
        self.steps.as_deref()
    }

    /// Who may command; nobody in particular when `None`.
    pub fn stick(&self) -> Option<&str> {
        self.stick.as_deref()
    }

    /// Limits that were changed in the air.
    pub fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// Whom the operator wants followed, whatever the selector says.
    pub fn wanted(&self) -> Option<BackendId> {
        self.follow.wanted()
    }

    /// What the flight comes to so far. With a plan: what the plan came to. Else 4 when a guardrail acted, were it in vain, 5 when the operator stopped
    /// the work under guard, 8 when it was armed and may not stop its target, else 0. When both acted, whoever
    /// came first has the word. A stop whose target was over before it is not an act, and neither is an
    /// operator's whose target committed all the same.
    pub fn exit_code(&self) -> u8 {
        if let Some(code) = self.plan_exit_code() {
            return code;
        }
        let totals = self.brake.totals();
        match (totals.acted + totals.in_vain, totals.aborted, totals.arming_refused) {
            (1.., 0, _) => 4,
            (1.., 1.., _) => {
                if totals.guardrail_first {
                    4
                } else {
                    5
                }
            }
            (0, 1.., _) => 5,
            (0, 0, true) => 8,
            (0, 0, false) => 0,
        }
    }

    /// What the looks at the server came to.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// When it was last told anything.
    pub fn last_seen(&self) -> At {
        self.last_seen
    }

    /// Whether the flight has ended.
    pub fn is_over(&self) -> bool {
        self.over
    }
}
