//! What was seen over the last ten minutes, for charts and rates.
//!
//! Owns bounded series, fed by [`History::observe`] after each input. It is no part of the engine's state: no
//! decision reads it, and it is not in a checkpoint. What was not known at a time is `None` there, and a time
//! without looks is a gap: neither is ever zero.

use std::collections::{BTreeMap, VecDeque};

use super::Cockpit;
use super::guard::Level;
use super::ids::{At, Pid};
use super::sample::DatabaseCounters;

mod tracks;

#[cfg(test)]
mod tests;

pub use tracks::{ProgressTrack, Replay, Standby};

/// How far back it goes, in milliseconds.
pub const KEPT_MS: u64 = 10 * 60 * 1_000;
/// Points nearer to each other than this are thinned to their lowest and highest, in milliseconds.
const BUCKET_MS: u64 = 500;
/// Buckets of one series.
const MOST_BUCKETS: usize = (KEPT_MS / BUCKET_MS) as usize;
/// Without a sample for this many intervals there is a gap.
const GAP_INTERVALS: u64 = 3;

/// What a series shows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// The value a guardrail reads, in its own unit; the name is the guardrail's.
    Guardrail(String),
    /// Victims of the target; unknown without one.
    Victims,
    /// Clients that wait for a lock, without the target and without lockpit.
    Waiting,
    /// The longest wait of any of them, in milliseconds.
    OldestWaitMs,
    /// Active clients; unknown where states are masked.
    Active,
    /// Client connections.
    Connections,
    /// The most bytes of WAL any standby has yet to replay.
    ReplayLagBytes,
    /// Commits of the connected database per second.
    CommitsPerS,
    /// Rollbacks of the connected database per second.
    RollbacksPerS,
    /// The server's own time in a sample, in microseconds.
    SampleCostUs,
}

/// What a guardrail last read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RailReading {
    /// As of when.
    pub at: At,
    /// How close it is.
    pub level: Level,
    /// The signal.
    pub value: Option<u64>,
    /// Its limit.
    pub limit: Option<u64>,
}

/// The last ten minutes.
#[derive(Debug, Clone, Default)]
pub struct History {
    series: BTreeMap<Signal, VecDeque<Bucket>>,
    rails: BTreeMap<String, RailReading>,
    samples: u64,
    sample_at: Option<At>,
    slow_at: Option<At>,
    last_point: Option<At>,
    /// Without a sample for this long there is a gap, at the pace last seen.
    gap_ms: u64,
    counters: Option<(At, DatabaseCounters)>,
    standbys: BTreeMap<String, Standby>,
    replays: BTreeMap<Pid, Replay>,
    progress: BTreeMap<Pid, ProgressTrack>,
}

/// Points that are near to each other: the lowest and the highest of them, in the order of time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bucket {
    number: u64,
    first: (At, Option<u64>),
    second: Option<(At, Option<u64>)>,
}

impl Bucket {
    /// Takes in one more point; all are known, or none is.
    fn add(&mut self, point: (At, Option<u64>)) {
        let all = [Some(self.first), self.second, Some(point)];
        let known = || all.iter().flatten().filter(|point| point.1.is_some());
        let lowest = known().min_by_key(|point| point.1);
        let highest = known().rev().max_by_key(|point| point.1);
        let (Some(&lowest), Some(&highest)) = (lowest, highest) else { return };
        (self.first, self.second) = match lowest.0.cmp(&highest.0) {
            _ if lowest.1 == highest.1 => (highest, None),
            std::cmp::Ordering::Greater => (highest, Some(lowest)),
            _ => (lowest, Some(highest)),
        };
    }
}

impl History {
    /// Takes in what the last input changed. Nothing happens unless a sample or slow facts have arrived, or
    /// samples have stayed away for so long that there is a gap. Time that goes back, as when a replay is
    /// rewound, starts it anew.
    pub fn observe(&mut self, at: At, cockpit: &Cockpit) {
        let rewound = self.last_point.is_some_and(|last| at < last)
            || self.samples > cockpit.tally().samples
            || (self.slow_at > cockpit.slow_at() && cockpit.slow_at().is_some());
        if rewound {
            *self = History::default();
        }
        let samples = cockpit.tally().samples;
        // The pace may change with the very sample that ends an interval of the old one.
        let now_ms = GAP_INTERVALS.saturating_mul(cockpit.pacer().sample_every_ms()).max(1_000);
        let gap_ms = std::mem::replace(&mut self.gap_ms, now_ms).max(now_ms);
        if samples != self.samples {
            self.samples = samples;
            self.sample(at, gap_ms, cockpit);
        } else if self.last_point.is_some_and(|last| at.ms_since(last) >= gap_ms) {
            self.gap(at, cockpit);
        }
        if cockpit.slow_at() != self.slow_at {
            self.slow_at = cockpit.slow_at();
            self.slow(cockpit);
        }
    }

    /// The points of a series, oldest first; `None` where the value was not known. Between two points that
    /// are both known the line may be drawn through.
    pub fn series(&self, signal: &Signal) -> impl Iterator<Item = (At, Option<u64>)> {
        let buckets = self.series.get(signal).into_iter().flatten();
        buckets.flat_map(|bucket| [Some(bucket.first), bucket.second].into_iter().flatten())
    }

    /// The last point of a series.
    pub fn last(&self, signal: &Signal) -> Option<(At, Option<u64>)> {
        let bucket = self.series.get(signal)?.back()?;
        Some(bucket.second.unwrap_or(bucket.first))
    }

    /// Guardrails with what they last read, by name.
    pub fn guardrails(&self) -> impl Iterator<Item = (&str, RailReading)> {
        self.rails.iter().map(|(name, reading)| (name.as_str(), *reading))
    }

    /// Standbys that were connected in the last ten minutes, by name.
    pub fn standbys(&self) -> impl Iterator<Item = (&str, Standby)> {
        self.standbys.iter().map(|(name, standby)| (name.as_str(), *standby))
    }

    /// Since when the position to which a WAL sender's standby has replayed stands still.
    pub fn replay(&self, sender: Pid) -> Option<Replay> {
        self.replays.get(&sender).copied()
    }

    /// How the progress of `pid` went.
    pub fn progress(&self, pid: Pid) -> Option<&ProgressTrack> {
        self.progress.get(&pid)
    }

    /// How much a signal grew in a minute, by its first and last known points within `window_ms` before
    /// `at`; `None` when these are less than two seconds apart, or the last one is older than the window.
    pub fn growth_per_minute(&self, signal: &Signal, at: At, window_ms: u64) -> Option<i64> {
        let mut recent =
            self.series(signal).filter(|(seen, value)| value.is_some() && at.ms_since(*seen) <= window_ms);
        let (from, first) = recent.next()?;
        let (until, last) = recent.last()?;
        let ms = i64::try_from(until.ms_since(from)).ok().filter(|ms| *ms >= 2_000)?;
        let grown = i64::try_from(last?).ok()?.saturating_sub(i64::try_from(first?).ok()?);
        Some(grown.saturating_mul(60_000) / ms)
    }

    fn sample(&mut self, at: At, gap_ms: u64, cockpit: &Cockpit) {
        let before = self.sample_at.replace(at);
        if let Some(before) = before.filter(|before| at.ms_since(*before) >= gap_ms) {
            // The times in between were not seen: a line must not run through them.
            let gap = At(before.0.saturating_add(1));
            if self.last_point <= Some(before) {
                self.unknown(gap);
            }
        }
        let target = cockpit.target();
        let pid = target.map(super::target::Target::pid);
        let waiting: Vec<Pid> = cockpit.scene().waiting_clients().filter(|w| Some(*w) != pid).collect();
        // Nobody waits, or somebody does whose wait has no age.
        let oldest_ms =
            if waiting.is_empty() { Some(0) } else { cockpit.ages().oldest_ms(at, waiting.iter().copied()) };
        let sample = cockpit.sample();
        let counts = sample.map(|sample| sample.counts);
        let seen = |value: usize| sample.and(u64::try_from(value).ok());
        self.push(at, Signal::Victims, target.and_then(|target| u64::try_from(target.victims.len()).ok()));
        self.push(at, Signal::Waiting, seen(waiting.len()));
        self.push(at, Signal::OldestWaitMs, sample.and(oldest_ms));
        let active = counts.filter(|counts| counts.masked == 0).map(|counts| counts.active.into());
        self.push(at, Signal::Active, active);
        self.push(at, Signal::Connections, counts.map(|counts| counts.total.into()));
        self.push(at, Signal::SampleCostUs, sample.map(|sample| sample.cost_us));
        self.rails(at, cockpit);
        self.last_point = Some(at);
    }

    /// Guardrails judge without samples, too: that of blindness does nothing else.
    fn rails(&mut self, at: At, cockpit: &Cockpit) {
        for (name, reading) in cockpit.brake().guardrails().readings() {
            self.push(at, Signal::Guardrail(name.clone()), reading.value);
            let reading =
                RailReading { at, level: reading.level, value: reading.value, limit: reading.limit };
            self.rails.insert(name.clone(), reading);
        }
    }

    fn gap(&mut self, at: At, cockpit: &Cockpit) {
        self.unknown(at);
        self.rails(at, cockpit);
        self.last_point = Some(at);
    }

    /// No signal that samples bring is known at `at`.
    fn unknown(&mut self, at: At) {
        let signals: Vec<Signal> = self.series.keys().cloned().collect();
        for signal in signals.into_iter().filter(|signal| !matches!(signal, Signal::Guardrail(_))) {
            self.push(at, signal, None);
        }
    }

    fn slow(&mut self, cockpit: &Cockpit) {
        let (Some(at), Some(slow)) = (cockpit.slow_at(), cockpit.slow()) else {
            // Another server, or this one restarted: its counters begin anew.
            self.counters = None;
            self.progress.clear();
            self.replays.clear();
            return;
        };
        let behind = |replayed: Option<u64>| Some(slow.wal_lsn?.saturating_sub(replayed?));
        let lag = slow.senders.iter().filter_map(|sender| behind(sender.replay_lsn)).max();
        self.push(at, Signal::ReplayLagBytes, lag);
        let before = self.counters.replace((at, slow.counters));
        let rate = |count: fn(&DatabaseCounters) -> u64| {
            let (since, then) = before.as_ref()?;
            let us = Some(at.us_since(*since)).filter(|us| *us > 0)?;
            // Counters that go back were reset.
            let more = count(&slow.counters).checked_sub(count(then))?;
            Some(more.saturating_mul(1_000_000) / us)
        };
        self.push(at, Signal::CommitsPerS, rate(|counters| counters.xact_commit));
        self.push(at, Signal::RollbacksPerS, rate(|counters| counters.xact_rollback));
        tracks::standbys(&mut self.standbys, at, slow);
        tracks::replays(&mut self.replays, at, slow);
        tracks::progress(&mut self.progress, at, slow);
    }

    fn push(&mut self, at: At, signal: Signal, value: Option<u64>) {
        let buckets = self.series.entry(signal).or_default();
        let number = at.ms() / BUCKET_MS;
        match buckets.back_mut() {
            Some(last) if last.number >= number && value.is_some() == last.first.1.is_some() => {
                last.add((at, value));
            }
            // What is unknown shares no bucket with what is known: a gap stays a gap.
            _ => buckets.push_back(Bucket { number, first: (at, value), second: None }),
        }
        let oldest = number.saturating_sub(KEPT_MS / BUCKET_MS);
        while buckets.len() > MOST_BUCKETS || buckets.front().is_some_and(|first| first.number < oldest) {
            buckets.pop_front();
        }
    }
}
