//! Lines typed after `:`.
//!
//! Owns the words that concern the display and the replay; the words for the flight are the engine's own, so that
//! the log, scripts and screens say the same.

use super::action::{self, Action, Context, Seat};
use super::update::{Order, Play};
use crate::engine::command::Command;
use crate::engine::duration::duration_ms;
use crate::engine::ids::At;

/// The words that concern the display and the replay, with what they do.
pub const WORDS: [(&str, &str); 5] = [
    ("theme NAME", "Another theme."),
    ("glyphs full|wgl4|ascii", "Other signs."),
    ("speed 2x", "Play at this speed."),
    ("1:30, 90s", "In a replay: go to this time of the flight."),
    ("quit", "Leave."),
];

/// What a line means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// The same as a key.
    Action(Action),
    /// For the display or the replay.
    Order(Order),
    /// For the flight.
    Command(Command),
}

/// Reads a line.
///
/// # Errors
/// What is wrong with it.
pub fn read(text: &str, context: &Context<'_>) -> Result<Typed, String> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    match word {
        "theme" if !rest.is_empty() => return Ok(Typed::Order(Order::Theme(rest.to_owned()))),
        "glyphs" if !rest.is_empty() => return Ok(Typed::Order(Order::Glyphs(rest.to_owned()))),
        "speed" => {
            if context.seat != Seat::Replay {
                return Err("speed: this is no replay".to_owned());
            }
            return speed_percent(rest).map(|percent| Typed::Order(Order::Play(Play::SetSpeed(percent))));
        }
        "q" | "quit" if rest.is_empty() => return Ok(Typed::Action(Action::Quit)),
        _ => {}
    }
    if context.seat == Seat::Replay
        && let Some(at) = place(text)
    {
        return Ok(Typed::Order(Order::Play(Play::Go(at))));
    }
    let selected = context.attempt().ok();
    match Command::parse(text, context.cockpit, selected.as_ref()) {
        Ok(command) => Ok(Typed::Command(command)),
        // What is a key's name only.
        Err(why) => match action::by_name(word).filter(|_| rest.is_empty()) {
            Some(action) if is_for_display(action) => Ok(Typed::Action(action)),
            _ => Err(why),
        },
    }
}

/// A place in a replay: `90s`, `1m30s`, `1:30`, `1:02:03`, or bare seconds.
fn place(text: &str) -> Option<At> {
    if let Ok(ms) = duration_ms(text) {
        return Some(At::from_ms(ms));
    }
    let mut seconds: u64 = 0;
    for part in text.split(':') {
        seconds = seconds.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    Some(At::from_ms(seconds.checked_mul(1_000)?))
}

/// A speed, `2`, `0.5x` or `10x`, in per cent.
///
/// # Errors
/// It is none.
pub fn speed_percent(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is no speed: write 0.5, 2 or 10x");
    let number = text.trim_end_matches('x');
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let is_number = part.chars().all(|c| c.is_ascii_digit()) && !number.ends_with('.');
    let part = format!("{part:0<2}");
    let part: u64 =
        part.get(..2).filter(|_| is_number).and_then(|digits| digits.parse().ok()).ok_or_else(wrong)?;
    whole.checked_mul(100).and_then(|percent| percent.checked_add(part)).ok_or_else(wrong)
}

fn is_for_display(action: Action) -> bool {
    !matches!(action::spec(action).group, action::Group::Moving)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_durations_and_as_clock_times() {
        for (text, ms) in [("90s", 90_000), ("1:30", 90_000), ("1:02:03", 3_723_000), ("7", 7_000)] {
            assert_eq!(place(text), Some(At::from_ms(ms)), "{text}");
        }
        for text in ["", "x", "1:", "1:x", "99999999999999999999"] {
            assert_eq!(place(text), None, "{text}");
        }
    }

    #[test]
    fn speeds_are_read_in_per_cent() {
        for (text, percent) in [("2", 200), ("0.5x", 50), ("10x", 1_000), ("0.25", 25)] {
            assert_eq!(speed_percent(text), Ok(percent), "{text}");
        }
        for text in ["", "x", "fast", "-1", "1.x"] {
            assert!(speed_percent(text).is_err(), "{text}");
        }
    }
}
