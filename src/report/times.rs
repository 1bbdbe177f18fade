//! Times as a report writes them.
//!
//! Owns dates, times of day and their zones. Reads no clock: every time comes from the log or from a remark.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::story::Flight;
use crate::engine::guard::seconds;

/// `2026-11-20T22:14:07.123Z`; empty for a time that no calendar has.
pub(super) fn rfc3339(utc_us: i64) -> String {
    stamp(utc_us).map_or_else(String::new, |time| format!("{time:.3}"))
}

/// `2026-11-20 23:14:07 CET`.
pub(super) fn local(utc_us: i64, zone: &TimeZone) -> String {
    let time = stamp(utc_us).map(|time| time.to_zoned(zone.clone()));
    time.map_or_else(String::new, |time| time.strftime("%Y-%m-%d %H:%M:%S %Z").to_string())
}

/// `2026-11-20 22:14:07 UTC`.
pub(super) fn utc(utc_us: i64) -> String {
    stamp(utc_us).map_or_else(String::new, |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// The name of a zone: `Europe/Berlin`, or its offset.
pub(super) fn zone_name(zone: &TimeZone) -> String {
    match (zone.iana_name(), zone.to_fixed_offset()) {
        (Some(name), _) => name.to_owned(),
        (None, Ok(offset)) => format!("UTC{offset}"),
        (None, Err(_)) => "local time of this machine".to_owned(),
    }
}

/// Where in the world's time a flight was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    began_us: i64,
    /// The flight went over midnight, UTC: times of day alone would be ambiguous.
    has_dates: bool,
}

impl Clock {
    pub(super) fn of(flight: &Flight) -> Clock {
        let ended_us = at_us(flight.began_us, signed(flight.ended_ms));
        let day = |us: i64| us.div_euclid(86_400_000_000);
        Clock { began_us: flight.began_us, has_dates: day(flight.began_us) != day(ended_us) }
    }

    /// `22:14:07.123`, with the date in front when the flight went over midnight. UTC.
    pub(super) fn time(&self, at_ms: i64) -> String {
        let format = if self.has_dates { "%m-%d %H:%M:%S" } else { "%H:%M:%S" };
        let Some(time) = stamp(at_us(self.began_us, at_ms)) else { return String::new() };
        format!("{}.{:03}", time.strftime(format), time.subsec_millisecond())
    }

    /// Seconds since 1970 UTC, for an axis.
    #[expect(clippy::cast_precision_loss, reason = "an axis: exact to a microsecond for centuries")]
    pub(super) fn axis(&self, at_ms: u64) -> f64 {
        at_us(self.began_us, signed(at_ms)) as f64 / 1_000_000.0
    }
}

/// Time flown: `+4.29 s`, or before the beginning `-12 s`.
pub(super) fn flown(at_ms: i64) -> String {
    format!("{}{}", if at_ms < 0 { '-' } else { '+' }, seconds(at_ms.unsigned_abs()))
}

/// Session-time for people: `5.35 session-seconds`, `2m06s of session time`.
pub(super) fn session_time(ms: u64) -> String {
    match ms {
        0..60_000 => format!("{} session-seconds", seconds_number(ms)),
        _ => format!("{} session-seconds ({})", ms / 1_000, seconds(ms)),
    }
}

/// `5.35`, cut off rather than rounded.
pub(super) fn seconds_number(ms: u64) -> String {
    let text = format!("{}.{:02}", ms / 1_000, ms % 1_000 / 10);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(super) fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

fn at_us(began_us: i64, at_ms: i64) -> i64 {
    began_us.saturating_add(at_ms.saturating_mul(1_000))
}

fn stamp(utc_us: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(utc_us).ok()
}
