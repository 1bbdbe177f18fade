//! Guardrails: rules that read one signal each and say whether it is time to act.
//!
//! Owns the trait, the list of rules and their readings. Never acts: [`super::Cockpit`] weighs a trip
//! against the arming and hands it to the abort ladder.
//!
//! **To add a guardrail:** one file here with a type that implements [`Guardrail`] (its doc states the
//! danger, the signal, the default and what it cannot see), its limits in
//! [`Limits`], one field and two lines in [`Guardrails`], one in [`RULES`] and in [`super::overrides`]. A fact that it needs and [`Facts`] lacks is filled
//! in by the `Cockpit`.

pub mod blind;
pub mod queue_age;
pub mod queue_depth;

use serde::{Deserialize, Serialize};

use super::ids::{At, Pid};
use super::settings::{IfLost, Limits};

#[cfg(test)]
mod tests;

/// What guardrails may read.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Now.
    pub at: At,
    /// The work under guard, if there is any.
    pub target: Option<TargetFacts>,
    /// When the last full sample arrived. What it shows is as old as it is: a rule that counts time over its
    /// limit counts from sample to sample.
    pub last_sample: Option<At>,
    /// How often full samples are due, in milliseconds.
    pub sample_every_ms: u64,
    /// Active clients in quiet times; `None` until enough has been seen, or where states are masked.
    pub usual_active: Option<u32>,
    /// Until then the target is an attempt of our own that gives up by itself: queue rules say what they see, and leave
    /// it to its own time limit.
    pub spared_until: Option<At>,
    /// What becomes of a strong attempt when lockpit is blind.
    pub if_lost: IfLost,
    /// The limits in force.
    pub limits: Limits,
}

/// What guardrails may read of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetFacts {
    /// Its process id.
    pub pid: Pid,
    /// It holds or awaits a lock that conflicts with reads or writes.
    pub strong: bool,
    /// How many clients at ordinary work wait because of it.
    pub victims: u32,
    /// How long the longest of them had waited at the last sample, in milliseconds.
    pub oldest_victim_ms: Option<u64>,
}

/// How close a signal is to its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// It cannot be judged yet; the sentence says why.
    NotYet,
    /// Within limits.
    Ok,
    /// Over the limit, but not for long enough; or a harm that this rule does not act on.
    Warn,
    /// Over the limit for the hold time.
    Trip,
}

/// What a guardrail says about its signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// How close it is.
    pub level: Level,
    /// The signal, in the rule's own unit.
    pub value: Option<u64>,
    /// Its limit, in the same unit.
    pub limit: Option<u64>,
    /// The whole finding, for people.
    pub sentence: String,
}

impl Reading {
    /// A signal that cannot be judged yet.
    pub fn not_yet(why: &str) -> Reading {
        Reading { level: Level::NotYet, value: None, limit: None, sentence: why.to_owned() }
    }
}

/// A rule that reads one signal.
pub trait Guardrail {
    /// Its name in plans, on the command line and on screen.
    fn name(&self) -> &'static str;

    /// Judges the facts. Called after every input, in the order of time: what came in may be no sample.
    fn judge(&mut self, facts: &Facts) -> Reading;

    /// The next instant at which time alone changes the verdict on these facts, after `facts.at`. A rule that
    /// counts from sample to sample has none.
    fn next_deadline(&self, _facts: &Facts) -> Option<At> {
        None
    }

    /// Forgets what it held against the last target.
    fn reset(&mut self);
}

/// What a rule counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Sessions.
    Sessions,
    /// Milliseconds.
    Milliseconds,
}

/// Every rule by name, with the unit of its signal and its limit.
pub const RULES: [(&str, Unit); 3] =
    [("queue_depth", Unit::Sessions), ("queue_age", Unit::Milliseconds), ("blind", Unit::Milliseconds)];

/// All rules with their last readings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Guardrails {
    queue_depth: queue_depth::QueueDepth,
    queue_age: queue_age::QueueAge,
    blind: blind::Blind,
    readings: Vec<(String, Reading)>,
}

impl Guardrails {
    /// Every rule, strongest case first: when two trip at once the first one names the trip.
    fn each(&mut self) -> [&mut dyn Guardrail; 3] {
        [&mut self.queue_depth, &mut self.queue_age, &mut self.blind]
    }

    /// Judges the facts by every rule; returns those whose level has changed.
    pub fn judge(&mut self, facts: &Facts) -> Vec<(String, Reading)> {
        let readings: Vec<(String, Reading)> =
            self.each().into_iter().map(|rail| (rail.name().to_owned(), judged(rail, facts))).collect();
        let before = std::mem::replace(&mut self.readings, readings);
        let level_before = |name: &str| before.iter().find(|(n, _)| n == name).map(|(_, r)| r.level);
        self.readings.iter().filter(|(name, now)| level_before(name) != Some(now.level)).cloned().collect()
    }

    /// When time alone next changes the verdict of any rule on these facts.
    pub fn next_deadline(&self, facts: &Facts) -> Option<At> {
        let Guardrails { queue_depth, queue_age, blind, readings: _ } = self;
        let each: [&dyn Guardrail; 3] = [queue_depth, queue_age, blind];
        each.into_iter().filter_map(|rail| rail.next_deadline(facts)).min()
    }

    /// The last readings, by name.
    pub fn readings(&self) -> &[(String, Reading)] {
        &self.readings
    }

    /// Rules that say it is time to act.
    pub fn tripped(&self) -> impl Iterator<Item = &(String, Reading)> {
        self.readings.iter().filter(|(_, reading)| reading.level == Level::Trip)
    }

    /// Starts over for another target.
    pub fn reset(&mut self) {
        self.each().into_iter().for_each(Guardrail::reset);
    }
}

/// The names of rules that count who queues behind the target.
const QUEUE_RULES: [&str; 2] = ["queue_depth", "queue_age"];

/// What a rule says, and what of it counts while the target is spared.
fn judged(rail: &mut dyn Guardrail, facts: &Facts) -> Reading {
    let mut reading = rail.judge(facts);
    let left_ms = facts.spared_until.map_or(0, |until| until.ms_since(facts.at));
    if reading.level == Level::Trip && left_ms > 0 && QUEUE_RULES.contains(&rail.name()) {
        reading.level = Level::Warn;
        reading.sentence = format!("{}; its attempt gives up within {}", reading.sentence, seconds(left_ms));
    }
    reading
}

/// Counts how long a signal has been over its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hold {
    over_since: Option<At>,
}

impl Hold {
    /// Takes in one reading. The count starts when `over`, and starts again only after `calm`: a signal
    /// that flickers around its limit is one harm, not many short ones.
    pub fn update(&mut self, at: At, over: bool, calm: bool) -> Option<u64> {
        if over {
            self.over_since.get_or_insert(at);
        } else if calm {
            self.over_since = None;
        }
        self.over_since.filter(|_| over).map(|since| at.ms_since(since))
    }
}

/// A duration for people: `40 ms`, `0.35 s`, `12 s`, `2m06s`, `1h04m`.
pub fn seconds(ms: u64) -> String {
    match ms {
        0..=99 => format!("{ms} ms"),
        100..=9_999 => {
            let text = format!("{}.{:02}", ms / 1_000, ms % 1_000 / 10);
            format!("{} s", text.strip_suffix('0').unwrap_or(&text))
        }
        10_000..=59_999 => format!("{} s", ms / 1_000),
        60_000..=3_599_999 => format!("{}m{:02}s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{}h{:02}m", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}
