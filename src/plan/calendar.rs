//! Windows and freezes: days and hours of a time zone, told as intervals of UTC.
//!
//! Owns their reading. Windows are told for [`DAYS_AHEAD`] days; the engine knows no calendar.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::Context;
use super::section::{Section, Text};
use crate::engine::plan::{Freeze, Window};

/// For how many days windows are told ahead.
pub(super) const DAYS_AHEAD: i32 = 60;
/// Minutes of a day.
const DAY: u32 = 24 * 60;
/// The days as they are written, Monday first.
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// The time zone that a table names.
pub(super) fn zone(section: &Section<'_>, context: &Context<'_>) -> Option<TimeZone> {
    let Some(name) = section.text("tz") else {
        return section.place("tz").is_none().then_some(TimeZone::UTC);
    };
    match TimeZone::get(&name.text) {
        Ok(zone) => Some(zone),
        Err(_) => {
            let why = format!(
                "the time zone `{}` is not known on this machine: write a name such as Europe/Berlin, or UTC",
                name.text
            );
            context.faults.at(name.at, why);
            None
        }
    }
}

/// The intervals of a window that are not over, from `utc_us` on.
pub(super) fn windows(section: &Section<'_>, context: &Context<'_>, utc_us: i64) -> Vec<Window> {
    let read = |key, default: &str, read: fn(&str) -> Option<_>, wanted| match section.text(key) {
        Some(text) => read(&text.text).or_else(|| {
            context.faults.at(text.at, format!("`{key}` is {wanted}"));
            None
        }),
        None => read(default),
    };
    let days = read(
        "days",
        "daily",
        |text| days(text).map(Read::Days),
        "days such as `mon-fri`, `sat,sun` or `daily`",
    );
    let hours = read(
        "hours",
        "00:00-24:00",
        |text| hours(text).map(Read::Hours),
        "from and to, such as `22:00-06:00`",
    );
    let rate = section.number("rate", 1, 1_000_000_000);
    let (Some(zone), Some(Read::Days(days)), Some(Read::Hours((from, to)))) =
        (zone(section, context), days, hours)
    else {
        return Vec::new();
    };
    let Ok(now) = Timestamp::from_microsecond(utc_us) else { return Vec::new() };
    let today = now.to_zoned(zone.clone()).date();
    let dates = (-1..=DAYS_AHEAD).filter_map(|day| today.checked_add(day.days()).ok());
    let on = dates.filter(|date| days.contains(&date.weekday()));
    let told = on.filter_map(|date| {
        let window =
            Window { from_utc_us: instant(date, from, &zone)?, to_utc_us: instant(date, to, &zone)?, rate };
        (window.to_utc_us > utc_us && window.from_utc_us < window.to_utc_us).then_some(window)
    });
    told.collect()
}

/// What a text of a window says.
enum Read {
    Days(Vec<Weekday>),
    Hours((u32, u32)),
}

/// `mon-fri`, `sat,sun`, `fri-mon`, `daily`.
fn days(text: &str) -> Option<Vec<Weekday>> {
    let number = |name: &str| DAYS.iter().position(|(known, _)| *known == name.trim().to_lowercase());
    if text.trim().eq_ignore_ascii_case("daily") {
        return Some(DAYS.iter().map(|(_, day)| *day).collect());
    }
    let mut days = Vec::new();
    for piece in text.split(',') {
        let (first, last) = piece.split_once('-').unwrap_or((piece, piece));
        let (first, last) = (number(first)?, number(last)?);
        let many = (last + DAYS.len() - first) % DAYS.len();
        days.extend((0..=many).map(|more| DAYS[(first + more) % DAYS.len()].1));
    }
    Some(days)
}

/// From and to, in minutes since the day began; what ends on the next day has more than a day's minutes.
fn hours(text: &str) -> Option<(u32, u32)> {
    let minutes = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let is_number = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let (hour, minute): (u32, u32) = (is_number(hour) && is_number(minute))
            .then(|| Some((hour.parse().ok()?, minute.parse().ok()?)))??;
        (minute < 60 && hour * 60 + minute <= DAY).then_some(hour * 60 + minute)
    };
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minutes(from)?, minutes(to)?);
    match from < DAY && from != to {
        true if to < from => Some((from, to + DAY)),
        true => Some((from, to)),
        false => None,
    }
}

/// When it is so many minutes after `date` began in a zone, microseconds since 1970 UTC.
fn instant(date: Date, minutes: u32, zone: &TimeZone) -> Option<i64> {
    let date = date.checked_add(i64::from(minutes / DAY).days()).ok()?;
    let time =
        Time::new(i8::try_from(minutes % DAY / 60).ok()?, i8::try_from(minutes % 60).ok()?, 0, 0).ok()?;
    moment(date.to_datetime(time), zone)
}

fn moment(civil: DateTime, zone: &TimeZone) -> Option<i64> {
    Some(zone.to_ambiguous_timestamp(civil).compatible().ok()?.as_microsecond())
}

/// A freeze.
pub(super) fn freeze(section: &Section<'_>, context: &Context<'_>) -> Option<Freeze> {
    let zone = zone(section, context);
    let name = section.text("name");
    let (from, to) = (section.moment("from"), section.moment("to"));
    let zone = zone?;
    let read = |key, text: Option<Text>, is_end| {
        let text = text?;
        let read = date_or_time(&text.text, is_end, &zone);
        if read.is_none() {
            let why = format!("`{key}` is a date or a time, such as 2026-12-20 or 2026-12-20T18:00");
            context.faults.at(text.at, why);
        }
        Some((text.at, read?))
    };
    let (from, to) = (read("from", from, false), read("to", to, true));
    let ((_, from_utc_us), (at, to_utc_us)) = (from?, to?);
    if to_utc_us <= from_utc_us {
        context.faults.at(at, "the freeze ends before it begins");
        return None;
    }
    Some(Freeze { name: name?.text, from_utc_us, to_utc_us })
}

/// `2026-12-20`, `2026-12-20T18:00`, `2026-12-20 18:00:00`, `2026-12-20T18:00:00Z`; microseconds since 1970 UTC. A
/// date that is an end counts whole.
fn date_or_time(text: &str, is_end: bool, zone: &TimeZone) -> Option<i64> {
    let text = text.trim();
    if text.len() == 10 {
        let date: Date = text.parse().ok()?;
        return instant(date, if is_end { DAY } else { 0 }, zone);
    }
    if let Ok(exact) = text.parse::<Timestamp>() {
        return Some(exact.as_microsecond());
    }
    moment(text.parse().ok()?, zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_hours_are_read_as_people_write_them() {
        let names = |text| {
            days(text).map(|days| days.iter().map(|day| day.to_monday_one_offset()).collect::<Vec<_>>())
        };
        assert_eq!(names("mon-fri"), Some(vec![1, 2, 3, 4, 5]));
        assert_eq!(names("Fri-Mon"), Some(vec![5, 6, 7, 1]));
        assert_eq!(names("sat, sun"), Some(vec![6, 7]));
        assert_eq!(names("daily").map(|days| days.len()), Some(7));
        for wrong in ["", "monday", "mon-", "mon-fri-sun", "mon;tue"] {
            assert_eq!(days(wrong), None, "{wrong}");
        }
        assert_eq!(hours("22:00-06:00"), Some((1_320, 1_800)));
        assert_eq!(hours("00:00-24:00"), Some((0, 1_440)));
        for wrong in
            ["", "22-06", "22:00", "24:00-25:00", "10:00-10:00", "1:00-2:00", "10:60-11:00", "+1:00-02:00"]
        {
            assert_eq!(hours(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_night_is_told_in_utc_on_both_sides_of_a_change_of_clocks() {
        let zone = TimeZone::get("Europe/Berlin").expect("the zone");
        let utc = |text: &str| text.parse::<Timestamp>().expect("a time").as_microsecond();
        let date = |text: &str| text.parse::<Date>().expect("a date");
        assert_eq!(instant(date("2026-07-01"), 22 * 60, &zone), Some(utc("2026-07-01T20:00Z")));
        assert_eq!(instant(date("2026-10-24"), 30 * 60, &zone), Some(utc("2026-10-25T05:00Z")));
        assert_eq!(date_or_time("2026-12-24", true, &zone), Some(utc("2026-12-24T23:00Z")));
        assert_eq!(date_or_time("2026-12-24 18:00", true, &zone), Some(utc("2026-12-24T17:00Z")));
        assert_eq!(date_or_time("2026-12-24T18:00:00Z", true, &zone), Some(utc("2026-12-24T18:00Z")));
        assert_eq!(date_or_time("tomorrow!!", false, &zone), None);
    }
}
