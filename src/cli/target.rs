//! Words of options that several commands share: targets, durations, consents.

use crate::engine::ids::Pid;
use crate::engine::settings::{IfLost, OnTrip, Selector};
use crate::engine::target::Matcher;

/// `auto`, or `pid=N`, `app=REGEX`, `user=REGEX`, `table=NAME`, `query=REGEX`.
pub(super) fn selector(text: &str) -> Result<Selector, String> {
    let selector = match text.split_once('=') {
        None if text == "auto" => Selector::Auto,
        Some(("pid", pid)) => Selector::Pid(Pid(pid
            .parse()
            .ok()
            .filter(|pid| *pid > 0)
            .ok_or_else(|| format!("'{pid}' is not a process id"))?)),
        Some(("app", pattern)) => Selector::Application(pattern.to_owned()),
        Some(("user", pattern)) => Selector::User(pattern.to_owned()),
        Some(("table", name)) if !name.is_empty() => Selector::Table(name.to_owned()),
        Some(("query", pattern)) => Selector::Query(pattern.to_owned()),
        _ => {
            return Err("expected auto, pid=N, app=REGEX, user=REGEX, table=NAME or query=REGEX".to_owned());
        }
    };
    Matcher::new(selector.clone()).map_err(|error| error.to_string())?;
    Ok(selector)
}

/// `250ms`, `20s`, `5m`, `2h`, or several of these together; in milliseconds.
pub(super) fn duration_ms(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is no duration: write 250ms, 20s, 5m, 2h or 1h30m");
    let mut total_ms: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let unit_ms = match &rest[..letters] {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        rest = &rest[letters..];
        total_ms = number.checked_mul(unit_ms).and_then(|ms| total_ms.checked_add(ms)).ok_or_else(wrong)?;
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total_ms) }
}

/// `auto`, `cancel`, `terminate`, or `signal:PID`.
pub(super) fn on_trip(text: &str) -> Result<OnTrip, String> {
    match (text, text.strip_prefix("signal:")) {
        ("auto", _) => Ok(OnTrip::Auto),
        ("cancel", _) => Ok(OnTrip::Cancel),
        ("terminate", _) => Ok(OnTrip::Terminate),
        (_, Some(pid)) => match pid.parse() {
            Ok(pid) if pid > 1 => Ok(OnTrip::Signal(pid)),
            _ => Err(format!("'{pid}' is not the id of a process that could run a migration")),
        },
        _ => Err("expected auto, cancel, terminate or signal:PID".to_owned()),
    }
}

/// `keep` or `stop`.
pub(super) fn if_lost(text: &str) -> Result<IfLost, String> {
    match text {
        "keep" => Ok(IfLost::Keep),
        "stop" => Ok(IfLost::Stop),
        _ => Err("expected keep or stop".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_all_units() {
        for (text, ms) in
            [("250ms", 250), ("20s", 20_000), ("1h30m", 5_400_000), ("2d", 172_800_000), ("0s", 0)]
        {
            assert_eq!(duration_ms(text), Ok(ms), "{text}");
        }
        for text in ["", "20", "s", "5x", "-1s", "1.5s", "99999999999999999999s", "999999999999999999h"] {
            assert!(duration_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn selectors_are_checked_when_they_are_read() {
        assert_eq!(selector("auto"), Ok(Selector::Auto));
        assert_eq!(selector("pid=42"), Ok(Selector::Pid(Pid(42))));
        for text in ["pid=", "pid=-3", "app=(", "table=", "everything", "role=x"] {
            assert!(selector(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_signal_needs_a_process_that_could_run_a_migration() {
        assert_eq!(on_trip("signal:4242"), Ok(OnTrip::Signal(4242)));
        for text in ["signal:", "signal:0", "signal:1", "signal:x", "kill"] {
            assert!(on_trip(text).is_err(), "{text}");
        }
    }
}
