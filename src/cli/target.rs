//! Words of options that several commands share: targets, durations, consents.

pub(super) use crate::engine::duration::duration_ms;
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

/// `NAME=VALUE`.
pub(super) fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    if name.is_empty() {
        Err("expected NAME=VALUE".to_owned())
    } else {
        Ok((name.to_owned(), value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
