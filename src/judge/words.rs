//! A judgement in words: the table that `judge` prints, and its sentences.
//!
//! Owns how it is said. What comes from a log is made harmless before it reaches a terminal.

use std::fmt::Write;

use super::verdict::{By, Harm, Incident, Judgement, LimitValues, LogVerdict, Outcome, Total, Trip};
use crate::engine::guard::seconds;
use crate::screen::text::clean;

/// The most gaps of one log that are listed.
const MOST_GAPS: usize = 5;

/// From fewer judged hours nothing is said about a thousand.
const FIGURE_FROM_MS: u64 = 3_600_000;

/// A judgement for people.
pub fn table(judgement: &Judgement) -> String {
    let mut out = format!("limits in question  {}\n", limits(&judgement.limits));
    for log in &judgement.logs {
        let _ = write!(out, "\n{}", log_lines(log, judgement.keeps_overrides));
    }
    let _ = write!(out, "\n{}\n", judgement.total.sentence);
    out
}

/// Limits in one line.
pub fn limits(limits: &LimitValues) -> String {
    let depth =
        limits.queue_depth.map_or("half the usual active, 2 to 5".to_owned(), |depth| depth.to_string());
    format!(
        "queue_depth {depth} for {}, queue_age {}, blind {}",
        seconds(limits.queue_depth_hold_ms),
        seconds(limits.queue_age_ms),
        seconds(limits.blind_ms)
    )
}

fn log_lines(log: &LogVerdict, keeps_overrides: bool) -> String {
    let mut out = format!("{}\n", clean(&log.log));
    let mut line = |name: &str, text: &str| {
        let _ = writeln!(out, "  {name:<16}  {}", clean(text));
    };
    if let Some(error) = &log.error {
        line("NOT READ", error);
    }
    if let (Some(server), Some(arming)) = (&log.server, &log.arming) {
        let (recorded, judged) = (hours(log.recorded_ms), hours(log.judged_ms));
        line("flight", &format!("{server}, {arming}; {recorded} with facts, {judged} of them judged"));
    }
    if let Some(cut) = &log.cut {
        line("CUT", &format!("{cut}; judged from where it begins"));
    }
    if let Some(part) = log.part {
        line("part", &format!("part {part} of a recording that goes from file to file; judged by itself"));
    }
    if let Some(other) = &log.repeats {
        line("NOT COUNTED", &format!("{other} has this time of the same flight"));
    }
    if let Some(recorded) = &log.recorded_limits {
        line("recorded limits", &limits(recorded));
    }
    if !log.overrides.is_empty() {
        let what = if keeps_overrides { "kept, where the operator set them" } else { "left out" };
        line("overrides", &format!("{}: {what}", log.overrides.join("; ")));
    }
    if log.rejudged {
        line("engine", "another version of the engine flew: its stops are read from the log");
    }
    if log.drifted {
        line("DRIFT", "this engine decides differently from the same version that flew: see lockpit replay");
    }
    for incident in &log.incidents {
        line(word(incident.outcome), &format!("{}  {}", place(incident.at_ms), incident.sentence));
    }
    if log.incidents.is_empty() && log.error.is_none() && log.judged_ms == 0 {
        line("nothing judged", "there is no time with facts of which these limits could be judged");
    } else if log.incidents.is_empty() && log.error.is_none() {
        line(
            "no trip",
            "in what was judged, neither by these limits nor by the recorded ones, and nobody stopped a target",
        );
    }
    for gap in log.gaps.iter().take(MOST_GAPS) {
        let (from, to) = (place(gap.from_ms), place(gap.to_ms));
        line("gap", &format!("{from} to {to}: {}", gap.why));
    }
    if let Some(more) = log.gaps.len().checked_sub(MOST_GAPS).filter(|more| *more > 0) {
        line("gap", &format!("and {more} more: --format json lists them all"));
    }
    if let Some(parted) = &log.parted {
        line("not judged", &format!("from {} on: {}", place(parted.at_ms), parted.why));
    }
    if let Some(ending) = log.ending.as_deref().filter(|ending| *ending != "complete") {
        line("ending", ending);
    }
    out
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Earlier => "earlier",
        Outcome::Same => "same",
        Outcome::Later => "later",
        Outcome::OnlyNow => "would act",
        Outcome::NotBefore => "not before",
        Outcome::NotNow => "would not act",
    }
}

/// What an incident comes to, in one sentence.
pub(super) fn sentence(incident: &Incident) -> String {
    let mut text = format!("pid {}", incident.pid);
    if !incident.application.is_empty() {
        let _ = write!(text, " ({})", incident.application);
    }
    let by = incident.recorded.as_ref().map(|act| actor(&act.by)).unwrap_or_default();
    let stopped_ms = incident.recorded.as_ref().map_or(0, |act| act.at_ms);
    let ahead = seconds(incident.earlier_ms.unwrap_or(0));
    match (incident.outcome, &incident.trip) {
        (Outcome::Earlier, Some(trip)) => {
            let at_stop = incident.recorded.as_ref().map_or(0, |act| act.victims);
            let _ = write!(
                text,
                ": would have acted {ahead} before {by} did: {}; {} waited then, {at_stop} at the recorded stop",
                reason(trip),
                trip.victims
            );
            spared(&mut text, incident);
        }
        (Outcome::Same, Some(trip)) => {
            let _ = write!(text, ": would have decided as {by} did, at the same moment: {}", reason(trip));
        }
        (Outcome::Later, Some(trip)) => {
            let late =
                incident.recorded_limits.as_ref().map_or(0, |own| trip.at_ms.saturating_sub(own.at_ms));
            let _ = write!(
                text,
                ": would have decided {} after the recorded limits did: {}; from the recorded stop on the \
                 recording no longer applies",
                seconds(late),
                reason(trip)
            );
        }
        (Outcome::OnlyNow, Some(trip)) => {
            let _ = write!(
                text,
                ": would have acted: {}; nobody stopped it in the recording; {} waited then, at most {}",
                reason(trip),
                trip.victims,
                incident.most_victims
            );
            spared(&mut text, incident);
        }
        (Outcome::NotBefore, _) => {
            let _ = write!(
                text,
                ": would not have acted before {by} stopped it at {}; what would have come after is unknown",
                place(stopped_ms)
            );
        }
        _ => {
            let _ = write!(
                text,
                ": would not have acted; nobody stopped it in the recording, and at most {} waited",
                incident.most_victims
            );
        }
    }
    if let Some(own) = incident.recorded_limits.as_ref().filter(|_| incident.recorded.is_none()) {
        let _ = write!(text, "; the recorded limits trip at {} on {}", place(own.at_ms), own.guardrail);
    }
    if let Some(harm) = incident.harm {
        let what = match harm {
            Harm::Resolved => "false trip: the harm resolved by itself",
            Harm::Lasted => "the harm lasted",
            Harm::Unknown => "undecided whether it was a false trip",
        };
        let _ = write!(text, "; {what}");
        if let Some(ms) = incident.resolved_after_ms.filter(|_| harm != Harm::Unknown) {
            let _ = write!(text, ", the queue was gone {} after the trip", seconds(ms));
        }
        if let Some(why) = &incident.harm_why {
            let _ = write!(text, " ({why})");
        }
    }
    text
}

fn reason(trip: &Trip) -> String {
    format!("{}, {}", trip.guardrail, trip.sentence)
}

fn spared(text: &mut String, incident: &Incident) {
    if let Some(ms) = incident.spared_session_ms_at_most {
        let _ = write!(text, "; spares at most {}.{:02} session-seconds", ms / 1_000, ms % 1_000 / 10);
    }
}

fn actor(by: &By) -> String {
    match by {
        By::Guardrail { name: Some(name) } => format!("the recorded {name}"),
        By::Guardrail { name: None } => "the recorded guardrail".to_owned(),
        By::Operator { name: Some(name) } => format!("the operator {name}"),
        By::Operator { name: None } => "the operator".to_owned(),
        By::Watchdog => "the dead-man's switch".to_owned(),
    }
}

/// What the false trips come to.
pub(super) fn rate_sentence(total: &Total, judged: &str) -> String {
    let Some(rate) = total.false_trips_per_1000_h else {
        return "nothing could be judged: there is no figure for false trips".to_owned() + &unread(total);
    };
    if total.judged_ms < FIGURE_FROM_MS {
        return format!(
            "false trips: {} of {} in {judged}, {} undecided; far too little for a figure per 1,000 h",
            total.false_trips,
            trips(total.trips),
            total.undecided_trips
        ) + &unread(total);
    }
    let bound = |bound: Option<f64>| bound.map_or(String::new(), figure);
    let mut text = format!(
        "false trips: {} in {judged} = {} per 1,000 h; at 95 % at most {} per 1,000 h",
        total.false_trips,
        figure(rate),
        bound(total.false_trips_per_1000_h_at_most)
    );
    if total.undecided_trips > 0 {
        let _ = write!(
            text,
            ", or {} if the {} undecided are false too",
            bound(total.with_undecided_per_1000_h_at_most),
            total.undecided_trips
        );
    }
    let _ = write!(text, "; {} in all", trips(total.trips));
    if total.is_weak {
        text.push_str("; a weak figure: fewer than 100 h were judged");
    }
    text + &unread(total)
}

/// What is not in the figure.
fn unread(total: &Total) -> String {
    let logs = |logs: u32| format!("{logs} log{}", if logs == 1 { "" } else { "s" });
    let mut text = String::new();
    if total.unreadable > 0 {
        let _ = write!(text, "; {} could not be read", logs(total.unreadable));
    }
    if total.damaged > 0 {
        let _ = write!(text, "; {} damaged or altered, and judged in part", logs(total.damaged));
    }
    if total.repeated > 0 {
        let _ = write!(text, "; {} not counted: the same time of the same flight", logs(total.repeated));
    }
    text
}

fn trips(count: u32) -> String {
    format!("{count} trip{}", if count == 1 { "" } else { "s" })
}

/// As many digits as people compare.
fn figure(value: f64) -> String {
    if value >= 10.0 || value == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

/// Hours for people: `3.2 h`, or a smaller unit for what is less than one.
pub(super) fn hours(ms: u64) -> String {
    match ms {
        0..3_600_000 => seconds(ms),
        _ => format!("{}.{} h", ms / 3_600_000, ms % 3_600_000 / 360_000),
    }
}

/// A place in a flight, to a hundredth of a second: `1m03.25s`.
fn place(ms: u64) -> String {
    let (minutes, rest) = (ms / 60_000, ms % 60_000);
    match minutes {
        0 => format!("{}.{:02}s", rest / 1_000, rest % 1_000 / 10),
        1..60 => format!("{minutes}m{:02}.{:02}s", rest / 1_000, rest % 1_000 / 10),
        _ => format!("{}h{:02}m{:02}.{:02}s", minutes / 60, minutes % 60, rest / 1_000, rest % 1_000 / 10),
    }
}
