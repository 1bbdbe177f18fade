//! False trips per thousand hours, and how much that figure is worth.

use std::cmp::Reverse;

use super::verdict::{Harm, LogVerdict, Total};
use super::words::{hours, rate_sentence};

/// A figure from fewer judged hours is weak.
const WEAK_BELOW_MS: u64 = 100 * 3_600_000;
/// How sure the upper bound is to hold.
const CONFIDENCE: f64 = 0.95;
const HOUR_MS: f64 = 3_600_000.0;

/// Says of a log whose time of its flight another one has too that it repeats it, so that no hour and no trip counts
/// twice. The one of which most was judged counts, and of equals the first.
pub(super) fn mark_repeats(logs: &mut [LogVerdict]) {
    let mut order: Vec<usize> =
        (0..logs.len()).filter(|&n| logs.get(n).is_some_and(|log| log.judged_ms > 0)).collect();
    order.sort_by_key(|&n| Reverse(logs.get(n).map(|log| log.judged_ms)));
    let mut counted: Vec<(String, u64, u64, String)> = Vec::new();
    for n in order {
        let Some(log) = logs.get_mut(n) else { continue };
        let Some(flight) = &log.flight else { continue };
        let same = |(other, from, to, _): &&(String, u64, u64, String)| {
            other == flight && log.from_ms < *to && *from < log.to_ms
        };
        match counted.iter().find(same) {
            Some((.., name)) => log.repeats = Some(name.clone()),
            None => counted.push((flight.clone(), log.from_ms, log.to_ms, log.log.clone())),
        }
    }
}

/// All logs together.
pub(super) fn total(logs: &[LogVerdict]) -> Total {
    let counted: Vec<_> = logs.iter().filter(|log| log.repeats.is_none()).collect();
    let number = |logs: usize| u32::try_from(logs).unwrap_or(u32::MAX);
    let trips: Vec<_> =
        counted.iter().flat_map(|log| &log.incidents).filter(|it| it.trip.is_some()).collect();
    let count = |harm| number(trips.iter().filter(|it| it.harm == Some(harm)).count());
    let (false_trips, undecided_trips) = (count(Harm::Resolved), count(Harm::Unknown));
    let judged_ms: u64 = counted.iter().map(|log| log.judged_ms).sum();
    let unreadable = logs.iter().filter(|log| log.error.is_some()).count();
    let per_1000_h = |events: f64| (judged_ms > 0).then(|| events * 1_000.0 / in_hours(judged_ms));
    let mut total = Total {
        logs: number(counted.iter().filter(|log| log.error.is_none()).count()),
        repeated: number(logs.len() - counted.len()),
        unreadable: number(unreadable),
        damaged: number(logs.iter().filter(|log| log.error.is_none() && log.is_damaged).count()),
        recorded_ms: counted.iter().map(|log| log.recorded_ms).sum(),
        judged_ms,
        trips: number(trips.len()),
        false_trips,
        undecided_trips,
        false_trips_per_1000_h: per_1000_h(false_trips.into()),
        false_trips_per_1000_h_at_most: per_1000_h(at_most(false_trips)),
        with_undecided_per_1000_h_at_most: per_1000_h(at_most(false_trips.saturating_add(undecided_trips))),
        is_weak: judged_ms < WEAK_BELOW_MS,
        sentence: String::new(),
    };
    total.sentence = rate_sentence(&total, &hours(judged_ms));
    total
}

#[expect(clippy::cast_precision_loss, reason = "hours for people; exact far beyond any recording")]
fn in_hours(ms: u64) -> f64 {
    ms as f64 / HOUR_MS
}

/// The upper bound on what is to be expected where `events` were seen, if they come independently of each other: the
/// mean at which so few are seen in one case of twenty. For none it is 3, the "rule of three".
fn at_most(events: u32) -> f64 {
    let (mut low, mut high) = (f64::from(events), 2.0 * f64::from(events) + 10.0);
    // Half a hundred halvings are more than the digits of the result.
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if seen_at_most(events, middle) > 1.0 - CONFIDENCE {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// How likely it is to see at most `events` where `mean` are to be expected (Poisson).
fn seen_at_most(events: u32, mean: f64) -> f64 {
    // In logarithms, so that many events do not overflow.
    let mut term = -mean;
    let mut sum = term.exp();
    for event in 1..=events {
        term += mean.ln() - f64::from(event).ln();
        sum += term.exp();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::at_most;

    #[test]
    fn the_bound_is_that_of_the_tables() {
        // One-sided 95 % limits of a Poisson mean.
        for (events, bound) in [(0, 2.996), (1, 4.744), (2, 6.296), (5, 10.513), (10, 16.962), (100, 118.08)]
        {
            assert!((at_most(events) - bound).abs() < 0.01, "{events}: {}", at_most(events));
        }
        assert!(at_most(5_000).is_finite() && at_most(5_000) > 5_000.0);
    }
}
