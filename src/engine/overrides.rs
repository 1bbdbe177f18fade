//! Limits that an operator changed in the air.
//!
//! Owns what was changed and until when. The limits of the start are never lost: an override that ends, or is
//! replaced, leaves nothing behind.

use serde::{Deserialize, Serialize};

use super::duration::duration_text;
use super::guard::{RULES, Unit};
use super::ids::At;
use super::settings::Limits;

/// Longer than this without facts is never acceptable: `blind` cannot be turned off.
pub const MOST_BLIND_MS: u64 = 60_000;

/// The overrides in force, one for each rule at most.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Overrides(Vec<Override>);

/// A limit in place of that of the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// The rule.
    pub guardrail: String,
    /// Its limit, in its own unit.
    pub limit: u64,
    /// When the limit of the start is back; never when `None`.
    pub until: Option<At>,
}

impl Overrides {
    /// What is in force.
    pub fn iter(&self) -> impl Iterator<Item = &Override> {
        self.0.iter()
    }

    /// Puts a limit in place of that of the start, or of the override before.
    pub fn set(&mut self, new: Override) {
        self.0.retain(|old| old.guardrail != new.guardrail);
        self.0.push(new);
    }

    /// These limits with what is in force at `at`.
    #[must_use]
    pub fn over(&self, mut limits: Limits, at: At) -> Limits {
        for Override { guardrail, limit, .. } in self.0.iter().filter(|one| !one.is_over(at)) {
            match guardrail.as_str() {
                "queue_depth" => limits.queue_depth.limit = Some(u32::try_from(*limit).unwrap_or(u32::MAX)),
                "queue_age" => limits.queue_age.limit_ms = *limit,
                "blind" => limits.blind.limit_ms = *limit,
                _ => {}
            }
        }
        limits
    }

    /// Ends those whose time is over; a sentence for each.
    pub fn expire(&mut self, at: At, start: &Limits) -> Vec<String> {
        let over = self.0.iter().filter(|one| one.is_over(at));
        let told = over
            .map(|one| {
                let name = &one.guardrail;
                let back =
                    limit_of(name, start).map_or("its default".to_owned(), |limit| in_unit(name, limit));
                format!("limit {name} is {back} again: {} was for a time", in_unit(name, one.limit))
            })
            .collect();
        self.0.retain(|one| !one.is_over(at));
        told
    }

    /// When the next of them ends, after `at`.
    pub fn next_deadline(&self, at: At) -> Option<At> {
        self.0.iter().filter_map(|one| one.until).filter(|&until| until > at).min()
    }
}

impl Override {
    fn is_over(&self, at: At) -> bool {
        self.until.is_some_and(|until| at >= until)
    }
}

/// Whether this limit can be set for this rule.
///
/// # Errors
/// Why it cannot, in words for people.
pub fn check(guardrail: &str, limit: u64) -> Result<(), String> {
    let Some((_, unit)) = RULES.iter().find(|(name, _)| *name == guardrail) else {
        let names = RULES.map(|(name, _)| name).join(", ");
        return Err(format!("there is no guardrail '{guardrail}': there are {names}"));
    };
    match (guardrail, unit, limit) {
        (_, _, 0) => Err(format!("a limit of 0 for {guardrail} would trip on nothing")),
        ("blind", _, MOST_BLIND_MS..) if limit > MOST_BLIND_MS => {
            Err(format!("blind cannot be turned off: its limit is at most {}", duration_text(MOST_BLIND_MS)))
        }
        (_, Unit::Sessions, _) if u32::try_from(limit).is_err() => {
            Err(format!("{limit} is more sessions than any server has"))
        }
        _ => Ok(()),
    }
}

/// The limit of a rule as people write it.
pub fn in_unit(guardrail: &str, limit: u64) -> String {
    match RULES.iter().find(|(name, _)| *name == guardrail) {
        Some((_, Unit::Milliseconds)) => duration_text(limit),
        _ => limit.to_string(),
    }
}

fn limit_of(guardrail: &str, limits: &Limits) -> Option<u64> {
    match guardrail {
        "queue_depth" => limits.queue_depth.limit.map(u64::from),
        "queue_age" => Some(limits.queue_age.limit_ms),
        "blind" => Some(limits.blind.limit_ms),
        _ => None,
    }
}
