//! Moments of a flight, as people name them.
//!
//! Owns the three ways. Never reads a clock: a day is the flight's.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::engine::duration::duration_ms;
use crate::engine::ids::At;

/// A moment of a flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// So long after the flight began.
    After(At),
    /// The first time after the flight's beginning when clocks in UTC show this.
    TimeOfDay(Time),
    /// A date.
    Date(Timestamp),
}

impl Moment {
    /// `+12m30s`, `22:14:07` or `2026-11-20T22:14:07Z`.
    pub(super) fn parse(text: &str) -> Result<Moment, String> {
        if let Some(after) = text.strip_prefix('+') {
            return duration_ms(after).map(|ms| Moment::After(At::from_ms(ms)));
        }
        if let Ok(date) = text.parse() {
            return Ok(Moment::Date(date));
        }
        let is_time = text.contains(':') && !text.contains(['T', 't', ' ', '-']);
        text.parse().ok().filter(|_| is_time).map(Moment::TimeOfDay).ok_or_else(|| {
            format!("'{text}' is no moment: write +12m30s since the flight began, 22:14:07 in UTC, or 2026-11-20T22:14:07Z")
        })
    }

    /// When that is in a flight that began at `began_us`, microseconds since 1970 UTC; `None` before it began.
    pub(super) fn in_flight(self, began_us: i64) -> Option<At> {
        let after = |moment: Timestamp| u64::try_from(moment.as_microsecond().saturating_sub(began_us)).ok();
        match self {
            Moment::After(at) => Some(at),
            Moment::Date(date) => after(date).map(At),
            Moment::TimeOfDay(time) => {
                let began = Timestamp::from_microsecond(began_us).ok()?.to_zoned(TimeZone::UTC);
                let same_day = began.date().to_datetime(time);
                // A flight shown as 22:14:07 begins some part of a second later.
                let is_later =
                    time < began.time() && time != began.time().with().subsec_nanosecond(0).build().ok()?;
                let day = if is_later { began.date().tomorrow().ok()?.to_datetime(time) } else { same_day };
                let moment = day.to_zoned(TimeZone::UTC).ok()?.timestamp();
                Some(At(after(moment).unwrap_or(0)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-20T22:14:07.25Z.
    const BEGAN_US: i64 = 1_795_212_847_250_000;

    fn ms(text: &str) -> Option<u64> {
        Moment::parse(text).expect(text).in_flight(BEGAN_US).map(At::ms)
    }

    #[test]
    fn moments_are_read_in_three_ways() {
        for (text, expected) in [
            ("+12m30s", Some(750_000)),
            ("+0s", Some(0)),
            ("22:14:08", Some(750)),
            ("22:14:07", Some(0)),
            ("22:14", Some(86_392_750)),
            ("22:15", Some(52_750)),
            ("00:00:00", Some(6_352_750)),
            ("2026-11-20T22:14:08Z", Some(750)),
            ("2026-11-20T23:14:08.25+01:00", Some(1_000)),
            ("2026-11-20T22:00:00Z", None),
        ] {
            assert_eq!(ms(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_says_how_they_are_written() {
        for text in ["", "12m", "+", "+5", "25:00:00", "22", "tomorrow", "2026-11-20", "2026-11-20T22:14:07"]
        {
            let error = Moment::parse(text).expect_err(text);
            assert!(error.contains("write"), "{error}");
        }
    }
}
