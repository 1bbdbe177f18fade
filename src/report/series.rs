//! Signals of a whole flight in bounded memory.
//!
//! Owns the thinning: a series holds at most [`MOST_BUCKETS`] buckets, and each of them the lowest and the
//! highest value in it and whether anything in it was unknown. A flight that lasts longer has wider buckets.
//! Never fills in what was not seen.

use std::collections::BTreeMap;

use super::plan::Signal;
use super::story::{LimitLine, Series, Window};
use crate::engine::history::{History, KEPT_MS};
use crate::engine::ids::At;

/// Buckets of one series: about one for each pixel of a wide plot.
const MOST_BUCKETS: usize = 800;
/// The width of a bucket at first, in milliseconds: that of the engine's history.
const FIRST_WIDTH_MS: u64 = 500;
/// The history is read this often, in milliseconds: well before it forgets.
const HARVEST_MS: u64 = KEPT_MS / 3;

/// All signals of a flight.
#[derive(Debug, Default)]
pub(super) struct Course {
    history: History,
    tracks: BTreeMap<Signal, Track>,
    harvested: Option<At>,
    last: At,
}

impl Course {
    /// Takes in what the engine has just handled.
    pub(super) fn observe(&mut self, at: At, cockpit: &crate::engine::Cockpit) {
        if self.harvested.is_none_or(|then| at.ms_since(then) >= HARVEST_MS) {
            self.harvest();
        }
        self.history.observe(at, cockpit);
        self.last = self.last.max(at);
    }

    /// What is between here and the next input is unknown: the log lacks it.
    pub(super) fn break_off(&mut self, at: At) {
        self.harvest();
        for track in self.tracks.values_mut() {
            track.push((at, None));
        }
    }

    /// The signals between two times, as fine as the history has them. These must lie in the last minutes.
    pub(super) fn window(&self, from: At, until: At, limits: Vec<LimitLine>) -> Window {
        let series = |signal: Signal| {
            let source = signal.source();
            let points = self.history.series(&source).filter(|(at, _)| (from..=until).contains(at));
            Series { signal, unit: signal.unit(), points: points.map(|(at, v)| (at.ms(), v)).collect() }
        };
        let series = Signal::ALL.into_iter().map(series).collect();
        masked(Window { from_ms: from.ms(), until_ms: until.ms(), series, limits })
    }

    /// The signals over the whole flight.
    pub(super) fn finish(mut self, limits: Vec<LimitLine>) -> Window {
        self.harvest();
        let mut tracks = self.tracks;
        let series = |signal: Signal| Series {
            signal,
            unit: signal.unit(),
            points: tracks.remove(&signal).map(|track| track.points()).unwrap_or_default(),
        };
        let series = Signal::ALL.into_iter().map(series).collect();
        masked(Window { from_ms: 0, until_ms: self.last.ms(), series, limits })
    }

    /// Moves what the history has into the tracks.
    fn harvest(&mut self) {
        let since = self.harvested.replace(self.last);
        for signal in Signal::ALL {
            let source = signal.source();
            let fresh = self.history.series(&source);
            let track = self.tracks.entry(signal).or_default();
            fresh.filter(|(at, _)| since.is_none_or(|since| *at > since)).for_each(|point| track.push(point));
        }
    }
}

/// When nothing was seen, in milliseconds: no sample cost, of which every sample has one.
pub(super) fn unseen(window: &Window) -> Vec<(u64, u64)> {
    let looks = window.series.iter().find(|series| series.signal == Signal::SampleCost);
    let mut spans = Vec::new();
    let mut since: Option<u64> = None;
    let mut known = window.from_ms;
    for (at, value) in looks.into_iter().flat_map(|looks| &looks.points) {
        if value.is_some() {
            spans.extend(since.take().map(|since| (since, *at)));
            known = *at;
        } else {
            since.get_or_insert(known);
        }
    }
    spans.extend(since.map(|since| (since, window.until_ms)));
    spans
}

/// Guardrails are judged without samples too, and then say again what they last read: while nothing was seen,
/// that is no fact.
fn masked(mut window: Window) -> Window {
    let spans = unseen(&window);
    let is_unseen = |at: u64| spans.iter().any(|(from, until)| *from < at && at < *until);
    for series in window.series.iter_mut().filter(|series| series.signal == Signal::OldestVictim) {
        for (at, value) in &mut series.points {
            *value = value.filter(|_| !is_unseen(*at));
        }
    }
    window
}

/// One signal of a whole flight.
#[derive(Debug)]
struct Track {
    width_ms: u64,
    buckets: Vec<Bucket>,
}

impl Default for Track {
    fn default() -> Track {
        Track { width_ms: FIRST_WIDTH_MS, buckets: Vec::new() }
    }
}

/// Points that are near to each other.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    number: u64,
    lowest: Option<(At, u64)>,
    highest: Option<(At, u64)>,
    unknown: Option<At>,
}

impl Track {
    fn push(&mut self, (at, value): (At, Option<u64>)) {
        let known = value.map(|value| (at, value));
        let unknown = if value.is_none() { Some(at) } else { None };
        let bucket = Bucket { number: at.ms() / self.width_ms, lowest: known, highest: known, unknown };
        match self.buckets.last_mut() {
            Some(last) if last.number >= bucket.number => last.join(bucket),
            _ => self.buckets.push(bucket),
        }
        while self.buckets.len() > MOST_BUCKETS {
            self.widen();
        }
    }

    /// Buckets twice as wide.
    fn widen(&mut self) {
        self.width_ms = self.width_ms.saturating_mul(2);
        let narrow = std::mem::take(&mut self.buckets);
        for bucket in narrow {
            let bucket = Bucket { number: bucket.number / 2, ..bucket };
            match self.buckets.last_mut() {
                Some(last) if last.number == bucket.number => last.join(bucket),
                _ => self.buckets.push(bucket),
            }
        }
    }

    fn points(&self) -> Vec<(u64, Option<u64>)> {
        let mut points = Vec::with_capacity(self.buckets.len() * 2);
        for bucket in &self.buckets {
            let mut of_bucket: Vec<(At, Option<u64>)> = [bucket.lowest, bucket.highest]
                .into_iter()
                .flatten()
                .map(|(at, value)| (at, Some(value)))
                .chain(bucket.unknown.map(|at| (at, None)))
                .collect();
            of_bucket.sort();
            of_bucket.dedup();
            points.extend(of_bucket.into_iter().map(|(at, value)| (at.ms(), value)));
        }
        points
    }
}

impl Bucket {
    /// Takes in a later one.
    fn join(&mut self, later: Bucket) {
        let both = |a: Option<(At, u64)>, b: Option<(At, u64)>| [a, b].into_iter().flatten();
        self.lowest = both(self.lowest, later.lowest).min_by_key(|(_, value)| *value);
        self.highest = both(self.highest, later.highest).max_by_key(|(_, value)| *value);
        self.unknown = self.unknown.or(later.unknown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(points: impl IntoIterator<Item = (u64, Option<u64>)>) -> Track {
        let mut track = Track::default();
        points.into_iter().for_each(|(ms, value)| track.push((At::from_ms(ms), value)));
        track
    }

    #[test]
    fn a_long_flight_stays_small_and_keeps_its_extremes() {
        // 12 hours at 2 Hz; one sample is high, one is low.
        let value = |n: u64| match n {
            40_000 => 977,
            60_000 => 0,
            _ => 10,
        };
        let track = track((0..86_400).map(|n| (n * 500, Some(value(n)))));
        assert!(track.buckets.len() <= MOST_BUCKETS);
        let points = track.points();
        assert!(points.len() <= 2 * MOST_BUCKETS);
        assert!(points.contains(&(40_000 * 500, Some(977))));
        assert!(points.contains(&(60_000 * 500, Some(0))));
        assert!(points.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    }

    #[test]
    fn what_was_unknown_for_a_moment_stays_unknown() {
        let points = (0..86_400_u64).map(|n| (n * 500, (n != 30_001).then_some(5)));
        let points = track(points).points();
        let broken: Vec<u64> =
            points.iter().filter(|(_, value)| value.is_none()).map(|(at, _)| *at).collect();
        assert_eq!(broken, [30_001 * 500]);
    }
}
