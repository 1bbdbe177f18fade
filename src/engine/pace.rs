//! How often to look.
//!
//! Owns the pace of samples and watch, within the budget of what they cost the server. Never slows down the
//! watch, and never slows down anything while there are victims.

use serde::{Deserialize, Serialize};

use super::effect::Effect;
use super::settings::Pace;

#[cfg(test)]
mod tests;

/// The sampler may use one part in this many of one core's time.
const BUDGET_DIVISOR: u64 = 50;
/// Stretched intervals are multiples of this, so that they do not flutter.
const STEP_MS: u64 = 250;

/// The reasons to look often.
#[derive(Debug, Clone, Copy, Default)]
pub struct Need {
    /// There is a target.
    pub target: bool,
    /// The target holds or awaits a strong lock and may yet be tripped on, or is being stopped.
    pub strong: bool,
    /// The guard decides (armed or shadow).
    pub decides: bool,
    /// A session is watched after a cancel.
    pub aftercare: bool,
    /// Somebody waits because of the target.
    pub victims: bool,
}

/// The pace in force.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pacer {
    limits: Pace,
    /// What the need alone asks for.
    wanted_ms: u64,
    sample_every_ms: u64,
    watch_every_ms: Option<u64>,
    cost_us: u64,
}

impl Pacer {
    /// A pacer that has not asked for anything yet.
    pub fn new(limits: Pace) -> Pacer {
        let quiet_ms = limits.quiet_ms;
        Pacer { limits, wanted_ms: quiet_ms, sample_every_ms: quiet_ms, watch_every_ms: None, cost_us: 0 }
    }

    /// How often full samples are due, in milliseconds.
    pub fn sample_every_ms(&self) -> u64 {
        self.sample_every_ms
    }

    /// How often the watch is due, in milliseconds.
    pub fn watch_every_ms(&self) -> Option<u64> {
        self.watch_every_ms
    }

    /// Whether samples are taken less often than wanted, because of their cost.
    pub fn is_stretched(&self) -> bool {
        self.sample_every_ms > self.wanted_ms
    }

    /// Takes in what a sample cost the server.
    pub fn observe_cost(&mut self, cost_us: u64) {
        // A slow average: one slow sample is no reason to look away.
        self.cost_us = if self.cost_us == 0 {
            cost_us
        } else {
            (self.cost_us.saturating_mul(7).saturating_add(cost_us)) / 8
        };
    }

    /// The pace for this need, if it differs from the one in force.
    pub fn adapt(&mut self, need: Need) -> Option<Effect> {
        let busy = need.target || need.decides || need.aftercare;
        let wanted_ms = if busy { self.limits.busy_ms } else { self.limits.quiet_ms };
        self.wanted_ms = wanted_ms;
        let sample_every_ms =
            if need.victims || need.aftercare { wanted_ms } else { wanted_ms.max(self.budget_ms()) };
        let watch_every_ms = if need.strong {
            Some(self.limits.watch_strong_ms)
        } else {
            need.decides.then_some(self.limits.watch_armed_ms)
        };
        if (sample_every_ms, watch_every_ms) == (self.sample_every_ms, self.watch_every_ms) {
            return None;
        }
        (self.sample_every_ms, self.watch_every_ms) = (sample_every_ms, watch_every_ms);
        Some(Effect::Pace { sample_every_ms, watch_every_ms })
    }

    /// The shortest interval that stays within the budget, in milliseconds.
    fn budget_ms(&self) -> u64 {
        (self.cost_us.saturating_mul(BUDGET_DIVISOR) / 1_000).div_ceil(STEP_MS) * STEP_MS
    }
}
