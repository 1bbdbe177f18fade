//! Single things followed over time: standbys, what they replay, commands that report progress.
//!
//! Owns how these are told apart and when they are forgotten. Draws no conclusions.

use std::collections::{BTreeMap, VecDeque};

use super::KEPT_MS;
use crate::engine::ids::{At, Pid};
use crate::engine::sample::{Progress, SlowFacts};

/// Points of progress that are kept: one a second for a minute.
const MOST_POINTS: usize = 60;

/// Standbys of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standby {
    /// When one was last connected.
    pub last_seen: At,
    /// When as many as `most` were last connected.
    pub last_full: At,
    /// How many of this name were connected at once, at most.
    pub most: u32,
    /// How many are connected.
    pub now: u32,
}

/// Where a standby's replay stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replay {
    /// The position, in bytes.
    pub lsn: u64,
    /// Since when it is there.
    pub since: At,
}

/// Progress of one command within its present phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressTrack {
    command: String,
    phase: Option<String>,
    total: Option<u64>,
    /// When the phase was first seen.
    pub phase_since: At,
    /// Whom the phase waits for, and since when it was seen to.
    pub locker: Option<(Pid, At)>,
    points: VecDeque<(At, u64)>,
}

impl ProgressTrack {
    /// How much was done per second in the last minute of this phase, in thousandths; `None` without two
    /// points at least a second apart.
    pub fn rate_milli_per_s(&self) -> Option<u64> {
        let (&(from, first), &(until, last)) = (self.points.front()?, self.points.back()?);
        let ms = Some(until.ms_since(from)).filter(|ms| *ms >= 1_000)?;
        u64::try_from(u128::from(last.checked_sub(first)?) * 1_000_000 / u128::from(ms)).ok()
    }

    fn new(at: At, progress: &Progress) -> ProgressTrack {
        ProgressTrack {
            command: progress.command.clone(),
            phase: progress.phase.clone(),
            total: progress.total,
            phase_since: at,
            locker: None,
            points: VecDeque::new(),
        }
    }

    fn is_about(&self, progress: &Progress) -> bool {
        let goes_on =
            self.points.back().is_none_or(|(_, last)| progress.done.is_some_and(|now| now >= *last));
        self.command == progress.command
            && self.phase == progress.phase
            && self.total == progress.total
            && goes_on
    }

    fn observe(&mut self, at: At, progress: &Progress) {
        let known = self.locker.filter(|(pid, _)| Some(*pid) == progress.locker_pid);
        self.locker = known.or(progress.locker_pid.map(|pid| (pid, at)));
        if let Some(done) = progress.done {
            if self.points.len() == MOST_POINTS {
                self.points.pop_front();
            }
            self.points.push_back((at, done));
        }
    }
}

pub(super) fn standbys(known: &mut BTreeMap<String, Standby>, at: At, slow: &SlowFacts) {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    // A base backup that ends is no standby that is lost.
    for sender in slow.senders.iter().filter(|sender| sender.state.as_deref() != Some("backup")) {
        *counts.entry(&sender.application).or_default() += 1;
    }
    for standby in known.values_mut() {
        standby.now = 0;
    }
    for (name, now) in counts {
        let standby =
            known.entry(name.to_owned()).or_insert(Standby { last_seen: at, last_full: at, most: now, now });
        standby.now = now;
        standby.last_seen = at;
        if now >= standby.most {
            (standby.most, standby.last_full) = (now, at);
        }
        if at.ms_since(standby.last_full) > KEPT_MS {
            (standby.most, standby.last_full) = (now, at);
        }
    }
    known.retain(|_, standby| at.ms_since(standby.last_seen) <= KEPT_MS);
}

pub(super) fn replays(known: &mut BTreeMap<Pid, Replay>, at: At, slow: &SlowFacts) {
    let now = slow.senders.iter().filter_map(|sender| Some((sender.pid, sender.replay_lsn?)));
    *known = now
        .map(|(pid, lsn)| {
            let still = known.get(&pid).copied().filter(|replay| replay.lsn == lsn);
            (pid, still.unwrap_or(Replay { lsn, since: at }))
        })
        .collect();
}

pub(super) fn progress(known: &mut BTreeMap<Pid, ProgressTrack>, at: At, slow: &SlowFacts) {
    let mut before = std::mem::take(known);
    for progress in &slow.progress {
        let track = before.remove(&progress.pid).filter(|track| track.is_about(progress));
        let mut track = track.unwrap_or_else(|| ProgressTrack::new(at, progress));
        track.observe(at, progress);
        known.insert(progress.pid, track);
    }
}
