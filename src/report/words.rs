//! What every format says in the same words.
//!
//! Owns sentences and amounts; knows nothing of how they are set.

use super::plan::{Signal, Unit};
use super::story::{FlownPlan, FlownStep, Kind, Node, Series, Stop, Story, Target, Trip};
use super::times::session_time;
use crate::engine::derive::words::{bytes, count, plural};
use crate::engine::guard::{self, seconds};

/// What stands where nothing is known.
pub(super) const UNKNOWN: &str = "not known";

impl From<guard::Unit> for Unit {
    fn from(unit: guard::Unit) -> Unit {
        match unit {
            guard::Unit::Sessions => Unit::Sessions,
            guard::Unit::Milliseconds => Unit::Milliseconds,
        }
    }
}

/// An amount with its unit.
pub(super) fn amount(unit: Unit, value: u64) -> String {
    match unit {
        Unit::Sessions => plural(value, "session"),
        Unit::Milliseconds => seconds(value),
        Unit::Microseconds if value < 1_000 => format!("{value} us"),
        Unit::Microseconds => seconds(value / 1_000),
        Unit::Bytes => bytes(value),
        Unit::PerSecond => format!("{}/s", count(value)),
    }
}

/// As much of a plan's digest as people compare.
pub(super) fn digest(plan: &FlownPlan) -> &str {
    plan.digest.get(..12).unwrap_or(&plan.digest)
}

/// How long a step took.
pub(super) fn took(step: &FlownStep) -> String {
    match (step.began_ms, step.ended_ms) {
        (Some(began_ms), Some(ended_ms)) => seconds(ended_ms.saturating_sub(began_ms)),
        (Some(_), None) => "not over".to_owned(),
        (None, _) => "-".to_owned(),
    }
}

/// Why a step is where it is, where that says more than how long it took.
pub(super) fn reason(step: &FlownStep) -> Option<&str> {
    let is_said = step.reason.is_empty() || (step.stage == "done" && step.reason == took(step));
    (!is_said).then_some(step.reason.as_str())
}

/// How many of a step's items are done, where it has any.
pub(super) fn items(step: &FlownStep) -> String {
    step.items.map_or_else(String::new, |items| format!(", {} of {} items", items.done, items.all))
}

/// Whom a step waited for longest, and for how long.
pub(super) fn waited(step: &FlownStep) -> Option<String> {
    let who = step.waited_for.as_ref()?;
    Some(format!("{who}: {}", maybe_ms(step.waited_ms)))
}

/// What became of a clean-up.
pub(super) fn clean_up(stage: &str) -> &str {
    match stage {
        "ready" => "not done in this flight",
        stage => stage,
    }
}

/// An amount, or that it is not known.
pub(super) fn maybe(unit: Option<Unit>, value: Option<u64>) -> String {
    match (unit, value) {
        (_, None) => UNKNOWN.to_owned(),
        (Some(unit), Some(value)) => amount(unit, value),
        (None, Some(value)) => value.to_string(),
    }
}

/// Milliseconds, or that they are not known.
pub(super) fn maybe_ms(ms: Option<u64>) -> String {
    maybe(Some(Unit::Milliseconds), ms)
}

/// What a signal is called.
pub(super) fn signal(signal: Signal) -> &'static str {
    match signal {
        Signal::Victims => "victims of the target",
        Signal::Waiting => "all clients that wait",
        Signal::OldestVictim => "longest wait of a victim",
        Signal::OldestWait => "longest wait of any client",
        Signal::Active => "active sessions",
        Signal::Connections => "client connections",
        Signal::Commits => "commits",
        Signal::Rollbacks => "rollbacks",
        Signal::ReplayLag => "WAL not yet replayed by the standby furthest behind",
        Signal::SampleCost => "server time of one sample",
    }
}

/// The lowest and the highest value of a series; `None` when it was never known.
pub(super) fn extent(series: &Series) -> Option<(u64, u64)> {
    let known = || series.points.iter().filter_map(|(_, value)| *value);
    Some((known().min()?, known().max()?))
}

/// The word for a kind of entry.
pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Flight => "flight",
        Kind::Target => "target",
        Kind::Guard => "guard",
        Kind::Step => "step",
        Kind::Trip => "TRIP",
        Kind::Stop => "stop",
        Kind::Command => "order",
        Kind::Warning => "warning",
        Kind::Note => "note",
        Kind::Gap => "gap",
        Kind::Drift => "drift",
        Kind::Remark => "remark",
    }
}

/// What became of a target.
pub(super) fn fate(target: &Target) -> &str {
    match target.fate.as_deref() {
        None => "went on to the end of the log",
        Some("done") => "done: committed",
        Some("failed") => "failed: rolled back, not by lockpit",
        Some("cancelled") => "cancelled by lockpit",
        Some("gone") => "session gone; commit not known",
        Some("unknown") => "over; success not known",
        Some(other) => other,
    }
}

/// What became of a stop.
pub(super) fn result(stop: &Stop) -> &str {
    match stop.result.as_deref() {
        None => "its end is not in the log",
        Some("drained") => "stopped; the queue drained",
        Some("already_over") => "was over before; nobody was hit",
        Some("still_holding") => "STILL HELD its locks",
        Some("refused") => "refused; nobody was hit",
        Some("lost") => "LOST: no path to the server",
        Some(other) => other,
    }
}

/// Who asked for a stop.
pub(super) fn cause(stop: &Stop) -> String {
    match (stop.cause.as_str(), stop.by.as_deref()) {
        ("operator", Some(by)) => format!("operator {by}"),
        ("lockpit", _) => "lockpit, going on with an earlier stop".to_owned(),
        (cause, _) => cause.to_owned(),
    }
}

/// Whether lockpit acted on a trip.
pub(super) fn acted(trip: &Trip) -> &'static str {
    if trip.acted { "lockpit acted" } else { "lockpit did not act" }
}

/// How long a flight was flown; of a log that has a part of it, where in the flight that ends.
pub(super) fn flown_for(story: &Story) -> String {
    let ended = seconds(story.flight.ended_ms);
    match &story.integrity.excerpt {
        Some(_) => format!("a part of the flight, until {ended} into it"),
        None => format!("flown for {ended}"),
    }
}

/// Where a flight flew: `PROD, dba@host:port/db`.
pub(super) fn place(story: &Story) -> String {
    match &story.flight.label {
        Some(label) => format!("{label}, {}", story.flight.server),
        None => story.flight.server.clone(),
    }
}

/// Yes, no, or not known.
pub(super) fn yes_no(fact: Option<bool>) -> &'static str {
    match fact {
        None => UNKNOWN,
        Some(true) => "yes",
        Some(false) => "no",
    }
}

/// The blast radius in one sentence.
pub(super) fn blast(story: &Story) -> String {
    let blast = &story.blast;
    if blast.most_victims == 0 {
        return "No session was seen to wait behind the work under guard.".to_owned();
    }
    let sessions = blast.sessions.map_or_else(
        || "More sessions than can be told apart".to_owned(),
        |sessions| plural(sessions.into(), "different session"),
    );
    let oldest = blast.oldest_ms.map_or_else(
        || "how long the longest waited is not known".to_owned(),
        |ms| format!("the longest for {}", seconds(ms)),
    );
    format!(
        "{sessions} waited behind the work under guard, {} at once at most, {oldest}; {} were lost. Between two \
         samples nobody looks: the true figures may be higher.",
        blast.most_victims,
        session_time(blast.lost_session_ms)
    )
}

/// Who a row of the lock tree is: `pid 29025 report-job`.
pub(super) fn who(node: &Node) -> String {
    let mut words = match (node.what.as_str(), node.pid) {
        ("prepared", _) => "prepared transaction".to_owned(),
        ("group", _) => plural(node.count.into(), "session"),
        ("unresolved", _) => format!("{} without a named blocker", plural(node.count.into(), "waiter")),
        ("deadlock", _) => "deadlock".to_owned(),
        ("elsewhere", _) => "others".to_owned(),
        (_, Some(pid)) => format!("pid {pid}"),
        (_, None) => "a backend".to_owned(),
    };
    if !node.application.is_empty() {
        words.push_str(&format!(" {}", node.application));
    }
    if !node.role.is_empty() && node.role != node.application {
        words.push_str(&format!(" as {}", node.role));
    }
    words
}

/// What a row of the lock tree does: locks, waits, state.
pub(super) fn does(node: &Node) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(waited) = node.waited_ms {
        let verb = if node.count > 1 { "the longest waited" } else { "waited" };
        parts.push(format!("{verb} {}", seconds(waited)));
    }
    parts.extend(node.awaits.clone());
    parts.extend(node.holds.clone());
    if !node.state.is_empty() {
        parts.push(node.state.clone());
    }
    if node.behind > 0 {
        parts.push(format!("{} behind it", node.behind));
    }
    parts.extend(node.remarks.iter().cloned());
    parts
}
