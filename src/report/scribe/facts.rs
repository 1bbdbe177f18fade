//! Who flew where, when and with what limits.

use jiff::tz::TimeZone;

use crate::engine::Cockpit;
use crate::engine::derive::unseen::Unseen;
use crate::engine::effect::Effect;
use crate::engine::guard::seconds;
use crate::engine::ids::At;
use crate::engine::input::Begin;
use crate::engine::settings::{Arming, Settings};
use crate::engine::timeline::{Fate, GuardState};
use crate::log::Head;
use crate::replay::Drift;
use crate::report::plan::Unit;
use crate::report::story::{Flight, Limit, Setting};
use crate::report::times;

/// The flight, as far as the log at `head` goes.
pub(super) fn flight(
    cockpit: &Cockpit,
    head: &Head,
    ended: At,
    reason: Option<String>,
    zone: &TimeZone,
) -> Flight {
    let begin = cockpit.flight();
    let server = cockpit.server();
    let rights = server.map(|server| &server.rights);
    let settings = begin.map(|begin| begin.settings.clone()).unwrap_or_default();
    let began_us = begin.map_or(head.utc_us, |begin| begin.utc_us);
    let ended_us = began_us.saturating_add(i64::try_from(ended.0).unwrap_or(i64::MAX));
    Flight {
        id: head.flight.iter().map(|byte| format!("{byte:02x}")).collect(),
        lockpit: begin.map(|begin| begin.lockpit.clone()).unwrap_or_default(),
        engine: begin.map_or(0, |begin| begin.engine),
        operator: begin.and_then(|begin| begin.operator.clone()),
        label: begin.and_then(|begin| begin.label.clone()),
        server: begin.map(|begin| begin.server.clone()).unwrap_or_default(),
        server_version: server.map(|server| server.version.clone()),
        system_identifier: server
            .and_then(|server| server.system_identifier.known().map(ToString::to_string)),
        database: server.map(|server| server.database_name.clone()),
        in_recovery: server.map(|server| server.in_recovery),
        role: rights.map(|rights| rights.role_name.clone()),
        sees_all: rights.map(|rights| rights.sees_all),
        signals: rights.map(|rights| rights.signals),
        began_us,
        began_utc: times::rfc3339(began_us),
        began_local: times::local(began_us, zone),
        ended_ms: ended.ms(),
        ended_utc: times::rfc3339(ended_us),
        ended_local: times::local(ended_us, zone),
        zone: times::zone_name(zone),
        reason,
        exit: cockpit.exit_code(),
        arming: match settings.arming {
            Arming::Watching => "watching",
            Arming::Shadow => "shadow",
            Arming::Armed => "armed",
        }
        .to_owned(),
        limits: limits(&settings),
        settings: begin.map(asked).unwrap_or_default(),
    }
}

/// What was asked for at the start.
fn asked(begin: &Begin) -> Vec<Setting> {
    let settings = &begin.settings;
    let mut all = vec![
        ("target", settings.target.to_string()),
        ("on trip", settings.on_trip.to_string()),
        ("if lost", settings.if_lost.to_string()),
        ("read only", if settings.read_only { "yes: never stop anything" } else { "no" }.to_owned()),
    ];
    if let Some(until) = settings.armed_until_ms {
        let until = match until {
            u64::MAX => "the end of the flight".to_owned(),
            until => format!("{} into the flight", seconds(until)),
        };
        all.push(("armed until", until));
    }
    if let Some(ends) = settings.ends_ms {
        all.push(("ends", format!("{} into the flight", seconds(ends))));
    }
    let pace = &settings.pace;
    all.push((
        "samples",
        format!(
            "every {} with a target or armed, else every {}",
            seconds(pace.busy_ms),
            seconds(pace.quiet_ms)
        ),
    ));
    all.into_iter().map(|(name, value)| Setting { name: name.to_owned(), value }).collect()
}

fn limits(settings: &Settings) -> Vec<Limit> {
    let limits = &settings.limits;
    let depth = limits.queue_depth.limit;
    let victims = depth.map_or_else(
        || "the smaller of 5 and half the usual active clients, at least 2,".to_owned(),
        |limit| limit.to_string(),
    );
    vec![
        Limit {
            guardrail: "queue_depth".to_owned(),
            limit: depth.map(u64::from),
            unit: Unit::Sessions,
            sentence: format!("trips at {victims} victims for {}", seconds(limits.queue_depth.hold_ms)),
        },
        Limit {
            guardrail: "queue_age".to_owned(),
            limit: Some(limits.queue_age.limit_ms),
            unit: Unit::Milliseconds,
            sentence: format!("trips when a victim has waited {}", seconds(limits.queue_age.limit_ms)),
        },
        Limit {
            guardrail: "blind".to_owned(),
            limit: Some(limits.blind.limit_ms),
            unit: Unit::Milliseconds,
            sentence: format!("trips after {} without facts", seconds(limits.blind.limit_ms)),
        },
    ]
}

/// What this flight could not see.
pub(super) fn not_seen(cockpit: &Cockpit) -> Vec<String> {
    if cockpit.server().is_none() {
        return vec!["anything: the server was never reached".to_owned()];
    }
    Unseen::of(cockpit).into_iter().map(|unseen| unseen.sentence).collect()
}

/// A difference between what was decided and what is decided now.
pub(super) fn drift(drift: &Drift) -> String {
    let words = |effects: &[Effect]| match effects {
        [] => "nothing".to_owned(),
        effects => effects.iter().map(|effect| format!("{effect:?}")).collect::<Vec<_>>().join(", "),
    };
    format!(
        "the flight asked for {}; this release asks for {}",
        words(&drift.recorded),
        words(&drift.replayed)
    )
}

pub(super) fn fate_name(fate: Fate) -> &'static str {
    match fate {
        Fate::Done => "done",
        Fate::Failed => "failed",
        Fate::Cancelled => "cancelled",
        Fate::Gone => "gone",
        Fate::Unknown => "unknown",
    }
}

/// What became of a target, for people.
pub(super) fn fate_words(name: &str) -> &'static str {
    match name {
        "done" => "done, its transaction committed",
        "failed" => "failed, its transaction was rolled back, and not by lockpit",
        "cancelled" => "cancelled by lockpit",
        "gone" => "its session is gone; whether it committed is not known",
        _ => "over; whether it succeeded is not known",
    }
}

pub(super) fn state_name(state: GuardState) -> &'static str {
    match state {
        GuardState::Watching => "watching",
        GuardState::Shadow => "shadow",
        GuardState::Armed => "armed",
        GuardState::Tripped => "tripped",
        GuardState::Blind => "blind",
    }
}
