//! When steps may start.
//!
//! Owns what windows and freezes together mean at a time. Times are microseconds since 1970 UTC, told from outside;
//! never knows days, hours or time zones.

use super::{Freeze, Plan, Window};

/// Whether a step may start at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening<'a> {
    /// It may.
    Open {
        /// Until then; without end where no window and no freeze says otherwise.
        until_utc_us: Option<i64>,
        /// The most rows a second a backfill may write.
        rate: Option<u64>,
    },
    /// No window is open.
    Closed {
        /// When the next one that no freeze covers opens; `None` when none is known.
        opens_utc_us: Option<i64>,
    },
    /// A freeze is on.
    Frozen {
        /// Which.
        freeze: &'a Freeze,
        /// When a step may start again; `None` when that is not known.
        opens_utc_us: Option<i64>,
    },
}

impl Plan {
    /// Whether a step may start at `utc_us`.
    pub fn opening(&self, utc_us: i64) -> Opening<'_> {
        opening(self.windows.as_deref(), &self.freezes, utc_us)
    }

    /// The first time from `utc_us` on at which a step may start; `None` when none is known.
    pub fn opens(&self, utc_us: i64) -> Option<i64> {
        opens(self.windows.as_deref(), &self.freezes, utc_us)
    }

    /// When work of `work_us` microseconds ends that begins at `utc_us` or later, and is done only while a step may
    /// start; `None` when the known windows have not so much time.
    pub fn ends(&self, utc_us: i64, work_us: i64) -> Option<i64> {
        let (mut at, mut rest) = (utc_us, work_us);
        loop {
            at = self.opens(at)?;
            let Opening::Open { until_utc_us, .. } = self.opening(at) else { return None };
            match until_utc_us {
                Some(until) if until - at < rest => (rest, at) = (rest - (until - at), until),
                _ => return at.checked_add(rest),
            }
        }
    }
}

fn opening<'a>(windows: Option<&[Window]>, freezes: &'a [Freeze], utc_us: i64) -> Opening<'a> {
    let later = || opens(windows, freezes, utc_us);
    if let Some(freeze) = freezes.iter().find(|it| (it.from_utc_us..it.to_utc_us).contains(&utc_us)) {
        return Opening::Frozen { freeze, opens_utc_us: later() };
    }
    let frozen = freezes.iter().map(|freeze| freeze.from_utc_us).filter(|from| *from > utc_us).min();
    let Some(windows) = windows else { return Opening::Open { until_utc_us: frozen, rate: None } };
    // Where windows overlap, the one that was opened last says how fast.
    let Some(window) = windows.iter().rev().find(|it| (it.from_utc_us..it.to_utc_us).contains(&utc_us))
    else {
        return Opening::Closed { opens_utc_us: later() };
    };
    let mut until = window.to_utc_us;
    for next in windows {
        if next.from_utc_us <= until && next.to_utc_us > until {
            until = next.to_utc_us;
        }
    }
    let until = frozen.map_or(until, |frozen| frozen.min(until));
    Opening::Open { until_utc_us: Some(until), rate: window.rate }
}

fn opens(windows: Option<&[Window]>, freezes: &[Freeze], utc_us: i64) -> Option<i64> {
    let mut at = utc_us;
    // Each turn passes a freeze or a window, and none of them twice.
    for _ in 0..=freezes.len() + windows.map_or(0, <[Window]>::len) {
        if let Some(windows) = windows {
            let window = windows.iter().filter(|it| it.to_utc_us > at).min_by_key(|it| it.from_utc_us)?;
            at = at.max(window.from_utc_us);
        }
        match freezes.iter().find(|it| (it.from_utc_us..it.to_utc_us).contains(&at)) {
            Some(freeze) => at = freeze.to_utc_us,
            None => return Some(at),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn window(from: i64, to: i64) -> Window {
        Window { from_utc_us: from * HOUR, to_utc_us: to * HOUR, rate: None }
    }

    fn freeze(from: i64, to: i64) -> Freeze {
        Freeze { name: "sale".to_owned(), from_utc_us: from * HOUR, to_utc_us: to * HOUR }
    }

    fn plan(windows: Option<Vec<Window>>, freezes: Vec<Freeze>) -> Plan {
        Plan { name: "p".to_owned(), windows, freezes, ..Plan::default() }
    }

    #[test]
    fn without_windows_only_a_freeze_closes() {
        let open = plan(None, Vec::new());
        assert_eq!(open.opening(5), Opening::Open { until_utc_us: None, rate: None });
        assert_eq!((open.opens(5), open.ends(5, 7)), (Some(5), Some(12)));
        let frozen = plan(None, vec![freeze(2, 4)]);
        assert_eq!(frozen.opening(0), Opening::Open { until_utc_us: Some(2 * HOUR), rate: None });
        assert_eq!(
            frozen.opening(3 * HOUR),
            Opening::Frozen { freeze: &freeze(2, 4), opens_utc_us: Some(4 * HOUR) }
        );
        assert_eq!(frozen.ends(HOUR, 3 * HOUR), Some(6 * HOUR));
    }

    #[test]
    fn work_is_done_while_windows_are_open_and_no_freeze_is_on() {
        let plan = plan(Some(vec![window(2, 4), window(26, 28), window(50, 52)]), vec![freeze(25, 27)]);
        assert_eq!(plan.opening(0), Opening::Closed { opens_utc_us: Some(2 * HOUR) });
        assert_eq!(plan.opening(3 * HOUR), Opening::Open { until_utc_us: Some(4 * HOUR), rate: None });
        assert_eq!(plan.opens(4 * HOUR), Some(27 * HOUR));
        let frozen = Opening::Frozen { freeze: &freeze(25, 27), opens_utc_us: Some(27 * HOUR) };
        assert_eq!(plan.opening(26 * HOUR), frozen);
        assert_eq!(plan.ends(0, 2 * HOUR), Some(4 * HOUR));
        assert_eq!(plan.ends(0, 3 * HOUR), Some(28 * HOUR));
        assert_eq!(plan.ends(0, 4 * HOUR), Some(51 * HOUR));
        assert_eq!((plan.ends(0, 6 * HOUR), plan.opens(52 * HOUR)), (None, None));
    }

    #[test]
    fn windows_that_touch_or_overlap_are_one_opening() {
        let mut windows = vec![window(0, 4), window(3, 8), window(8, 9), window(10, 11)];
        windows[1].rate = Some(5);
        let plan = plan(Some(windows), Vec::new());
        assert_eq!(plan.opening(0), Opening::Open { until_utc_us: Some(9 * HOUR), rate: None });
        assert_eq!(plan.opening(3 * HOUR), Opening::Open { until_utc_us: Some(9 * HOUR), rate: Some(5) });
    }
}
