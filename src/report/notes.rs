//! Remarks that people add after a flight, with the times at which things happened.
//!
//! Owns the format of the file that `--notes` names, and where its remarks stand in the flight:
//!
//! ```text
//! # blank lines and lines that begin with # are skipped
//! 22:14:07 the shop's dashboard goes red
//! 22:14Z   a time of day is UTC; Z, +01:00 and the like say otherwise
//! 2026-11-20T23:15:00+01:00 the first customer calls
//! +12m30s  so long after the beginning of the flight
//!          a line that is indented goes on with the remark above
//! ```
//!
//! A time of day is that within the flight, or else the one nearest to it. Reads no clock.

use jiff::civil::Time;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};

use super::story::{Entry, Kind, Story};
use super::times::signed;
use crate::engine::duration::duration_ms;
use crate::engine::guard::seconds;

/// The longest text of a file of remarks, in bytes.
pub const MOST_BYTES: u64 = 1 << 20;
/// Flights from this long on have some times of day twice, in milliseconds.
const DAY_MS: u64 = 86_400_000;
/// Remarks this long before or after a flight may be meant for another one, in milliseconds.
const FAR_MS: i64 = 30 * 60_000;

/// A remark with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// When.
    pub when: When,
    /// What.
    pub text: String,
    /// The line of the file on which it begins, from 1.
    pub line: usize,
}

/// A time as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// A time of day, at this offset from UTC.
    OfDay(Time, Offset),
    /// An instant.
    At(Timestamp),
    /// Milliseconds since the flight began.
    Flown(u64),
}

/// A line that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct NoteError {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it, and what would be right.
    pub why: String,
}

/// The remarks in the text of a file.
///
/// # Errors
/// The first line that is no remark.
pub fn parse(text: &str) -> Result<Vec<Note>, NoteError> {
    let mut notes: Vec<Note> = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, whole) in text.lines().enumerate() {
        let line = index + 1;
        let wrong = |why: String| NoteError { line, why };
        let content = whole.trim();
        if content.is_empty() || whole.starts_with('#') {
            continue;
        }
        if whole.starts_with([' ', '\t']) {
            let Some(last) = notes.last_mut() else {
                return Err(wrong(
                    "it is indented, and there is no remark above that it could go on with".to_owned(),
                ));
            };
            last.text.push(' ');
            last.text.push_str(content);
            continue;
        }
        let (time, said) = content.split_once([' ', '\t']).unwrap_or((content, ""));
        let when = when(time).map_err(wrong)?;
        if said.trim().is_empty() {
            return Err(wrong(format!("there is a time, '{time}', and no remark behind it")));
        }
        notes.push(Note { when, text: said.trim().to_owned(), line });
    }
    Ok(notes)
}

/// Puts the remarks onto the timeline of a story. What is far outside the flight is there too, and is said: a wrong
/// date or zone looks like that.
///
/// # Errors
/// A time of day is ambiguous, because the flight is longer than a day.
pub fn add(story: &mut Story, notes: Vec<Note>) -> Result<Vec<String>, NoteError> {
    let mut outside = Vec::new();
    for note in notes {
        let at_ms = place(story, &note)?;
        let late_ms = at_ms.saturating_sub(signed(story.flight.ended_ms));
        let far = match (at_ms.saturating_neg() > FAR_MS, late_ms > FAR_MS) {
            (true, _) => Some((at_ms.unsigned_abs(), "before the flight began")),
            (_, true) => Some((late_ms.unsigned_abs(), "after the log ends")),
            _ => None,
        };
        if let Some((ms, side)) = far {
            let line = note.line;
            outside.push(format!(
                "line {line}: its time is {} {side}: are its date and its zone right? (a time of day is UTC)",
                seconds(ms)
            ));
        }
        story.timeline.push(Entry { at_ms, kind: Kind::Remark, by: None, text: note.text });
    }
    story.timeline.sort_by_key(|entry| entry.at_ms);
    Ok(outside)
}

/// Milliseconds since the beginning of the flight; negative before it.
fn place(story: &Story, note: &Note) -> Result<i64, NoteError> {
    let (began_us, ended_ms) = (story.flight.began_us, story.flight.ended_ms);
    let since = |us: i64| us.saturating_sub(began_us).div_euclid(1_000);
    match note.when {
        When::Flown(ms) => Ok(signed(ms)),
        When::At(instant) => Ok(since(instant.as_microsecond())),
        When::OfDay(..) if ended_ms >= DAY_MS => Err(NoteError {
            line: note.line,
            why: "the flight is longer than a day: write the date too, as in 2026-11-20T22:14:07Z".to_owned(),
        }),
        When::OfDay(time, offset) => {
            let zone = TimeZone::fixed(offset);
            let began = Timestamp::from_microsecond(began_us).unwrap_or_default().to_zoned(zone.clone());
            let of_day = |days: i64| {
                let date = began.date().checked_add(days.days()).ok()?;
                let instant = date.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp();
                Some(since(instant.as_microsecond()))
            };
            let outside = |at_ms: i64| match at_ms {
                ..0 => at_ms.unsigned_abs(),
                0.. => at_ms.unsigned_abs().saturating_sub(ended_ms),
            };
            let nearest = [-1, 0, 1, 2].into_iter().filter_map(of_day).min_by_key(|&at_ms| outside(at_ms));
            nearest.ok_or_else(|| NoteError { line: note.line, why: "no calendar has this time".to_owned() })
        }
    }
}

/// A time at the beginning of a line.
fn when(word: &str) -> Result<When, String> {
    let wrong = || {
        format!(
            "'{word}' is no time: write 22:14:07 (UTC), 22:14:07+01:00, 2026-11-20T22:14:07Z, or +12m30s since the \
             beginning of the flight"
        )
    };
    if let Some(flown) = word.strip_prefix('+') {
        return duration_ms(flown).map(When::Flown).map_err(|_| wrong());
    }
    if word.contains('T') {
        return word.parse().map(When::At).map_err(|_| wrong());
    }
    let zone_at = word.find(['Z', 'z', '+', '-']).unwrap_or(word.len());
    let (clock, zone) = word.split_at(zone_at);
    // "22" would be read as an hour.
    let time = clock.contains(':').then(|| clock.parse::<Time>().ok()).flatten().ok_or_else(wrong)?;
    offset(zone).map(|offset| When::OfDay(time, offset)).ok_or_else(wrong)
}

/// `Z`, `+01:00`, `+0100`, `+01`, or nothing.
fn offset(zone: &str) -> Option<Offset> {
    if matches!(zone, "" | "Z" | "z") {
        return Some(Offset::UTC);
    }
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits = digits.replacen(':', "", 1);
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits.get(..2)?.parse().ok()?;
    let minutes: i32 =
        digits.get(2..).filter(|rest| !rest.is_empty()).map_or(Some(0), |rest| rest.parse().ok())?;
    (minutes < 60).then(|| Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()).flatten()
}
