//! `blind`: no usable facts about the target.
//!
//! *Danger.* A strong lock is in flight and nobody sees whom it hurts: the link is lost, the server does
//! not answer, this machine slept.
//! *Signal.* Time since the last full sample.
//! *Default.* Blind after three sampling intervals, but not before 750 ms; acts after 2 s, on a strong
//! target under `--if-lost stop` only. Anything else is said loudly and goes on: hours of harmless work
//! are not thrown away for a lost packet.
//! *Cannot see.* Anything: that is its point.

use serde::{Deserialize, Serialize};

use super::{Facts, Guardrail, Level, Reading, seconds};
use crate::engine::ids::At;
use crate::engine::settings::{BlindLimit, IfLost};

/// The rule keeps nothing: the time of the last sample is a fact.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Blind {}

impl Guardrail for Blind {
    fn name(&self) -> &'static str {
        "blind"
    }

    fn judge(&mut self, facts: &Facts) -> Reading {
        let Some(last) = facts.last_sample else {
            return Reading::not_yet("no sample yet");
        };
        let rule = &facts.limits.blind;
        let acts = facts.target.is_some_and(|target| target.strong) && facts.if_lost == IfLost::Stop;
        let (blind_ms, limit_ms) = thresholds(rule, facts.sample_every_ms);
        let without_ms = facts.at.ms_since(last);
        let level = match without_ms {
            ms if ms >= limit_ms && acts => Level::Trip,
            ms if ms >= blind_ms => Level::Warn,
            _ => Level::Ok,
        };
        let sentence = match level {
            Level::Ok | Level::NotYet => format!("last sample {} old", seconds(without_ms)),
            Level::Warn | Level::Trip => {
                format!("blind: no facts for {}; limit {}", seconds(without_ms), seconds(limit_ms))
            }
        };
        Reading { level, value: Some(without_ms), limit: Some(limit_ms), sentence }
    }

    fn next_deadline(&self, facts: &Facts) -> Option<At> {
        let last = facts.last_sample?;
        let (blind_ms, limit_ms) = thresholds(&facts.limits.blind, facts.sample_every_ms);
        [last.plus_ms(blind_ms), last.plus_ms(limit_ms)].into_iter().find(|&due| due > facts.at)
    }

    fn reset(&mut self) {}
}

/// For how long facts have been missing, in milliseconds, once the guard is blind.
pub fn blindness(facts: &Facts) -> Option<u64> {
    let (blind_ms, _) = thresholds(&facts.limits.blind, facts.sample_every_ms);
    Some(facts.at.ms_since(facts.last_sample?)).filter(|&without_ms| without_ms >= blind_ms)
}

/// When the guard is blind and when it acts, in milliseconds without facts.
fn thresholds(rule: &BlindLimit, sample_every_ms: u64) -> (u64, u64) {
    let blind_ms = rule.floor_ms.max(u64::from(rule.intervals).saturating_mul(sample_every_ms));
    (blind_ms, rule.limit_ms.max(blind_ms))
}
