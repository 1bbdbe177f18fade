//! From the engine to lines.

use super::line::{
    Body, End, Flight, Gap, Guard, Intent, Line, Note, Outcome, Progress, Replication, SCHEMA, Sample, Step,
    Target, Trip,
};
use super::tree;
use crate::engine::Cockpit;
use crate::engine::derive::lookup::Lookup;
use crate::engine::derive::unseen::Unseen;
use crate::engine::effect::Rung;
use crate::engine::guard::{Level, Reading};
use crate::engine::ids::At;
use crate::engine::sample::SlowFacts;
use crate::engine::settings::Arming;
use crate::engine::target::Target as TargetWork;
use crate::engine::timeline::{Event, Fate, GuardState, OutcomeStory, StopResult, TargetStory};
use crate::log::MAJOR;

/// Tells a flight, one input at a time.
#[derive(Debug, Default)]
pub struct Narrator {
    told: u64,
}

impl Narrator {
    /// A narrator who has told everything up to where `cockpit` is.
    pub fn resume(cockpit: &Cockpit) -> Narrator {
        Narrator { told: cockpit.timeline().total() }
    }

    /// The first line of a flight, said again.
    pub fn flight(at: At, cockpit: &Cockpit) -> Line {
        Line { at_ms: at.ms(), body: Body::Flight(flight(cockpit)) }
    }

    /// The lines that follow from the input the engine has just handled; `was_sample` if it was a sample.
    pub fn tell(&mut self, at: At, cockpit: &Cockpit, was_sample: bool) -> Vec<Line> {
        let timeline = cockpit.timeline();
        let mut lines: Vec<Line> = timeline
            .since(self.told)
            .map(|(at, event)| Line { at_ms: at.ms(), body: body(cockpit, event) })
            .collect();
        self.told = timeline.total();
        if was_sample && let Some(sample) = sample(at, cockpit) {
            // The sample goes before what was concluded from it.
            lines.insert(0, Line { at_ms: at.ms(), body: Body::Sample(sample) });
        }
        lines
    }
}

fn body(cockpit: &Cockpit, event: &Event) -> Body {
    match event {
        Event::Attached => Body::Flight(flight(cockpit)),
        Event::TargetFound(story) => Body::Target(target("found", story)),
        Event::TargetEnded { target: story, fate } => Body::Target(target(fate_name(*fate), story)),
        Event::Guard { state, sentence } => Body::Guard(Guard {
            guardrail: None,
            state: state_name(*state).to_owned(),
            value: None,
            limit: None,
            sentence: sentence.clone(),
        }),
        Event::Guardrail { name, reading } => Body::Guard(guardrail(name, reading)),
        Event::Commanded { by, said, refused } => {
            Body::Note(commanded(by.as_deref(), said, refused.as_deref()))
        }
        Event::Step { id, stage, reason, attempt } => Body::Step(Step {
            id: id.clone(),
            state: stage.word().to_owned(),
            reason: reason.clone(),
            attempt: Some(*attempt).filter(|attempt| *attempt > 0),
        }),
        Event::Trip { name, reading, pid, acted, attempt } => Body::Trip(Trip {
            guardrail: name.clone(),
            value: reading.value,
            limit: reading.limit,
            sentence: reading.sentence.clone(),
            pid: pid.0,
            acted: *acted,
            attempt: *attempt,
        }),
        Event::Intent { stop, rung, attempt, sentence } => Body::Intent(Intent {
            stop: stop.0,
            action: action(*rung).to_owned(),
            pid: attempt.backend.pid.0,
            sentence: sentence.clone(),
        }),
        Event::Outcome(story) => Body::Outcome(outcome(story)),
        Event::Gap { from, why, lost } => {
            Body::Gap(Gap { from_ms: from.ms(), why: why.clone(), lost: *lost })
        }
        Event::Note { warning, text } => Body::Note(Note { warning: *warning, text: text.clone() }),
        Event::End { reason } => Body::End(end(cockpit, reason)),
    }
}

fn commanded(by: Option<&str>, said: &str, refused: Option<&str>) -> Note {
    let by = by.unwrap_or("lockpit");
    match refused {
        None => Note { warning: false, text: format!("{by}: {said}") },
        Some(why) => Note { warning: true, text: format!("{by}: {said}: refused: {why}") },
    }
}

fn end(cockpit: &Cockpit, reason: &str) -> End {
    let totals = cockpit.brake().totals();
    let open_us = cockpit.target().map_or(0, |target| target.lost_us);
    End {
        reason: reason.to_owned(),
        exit: cockpit.exit_code(),
        samples: cockpit.tally().samples,
        missed: cockpit.tally().missed,
        trips: totals.trips,
        stopped: totals.stopped,
        lost_session_seconds: seconds(totals.lost_session_ms + open_us / 1_000),
        server_cost_ms: cockpit.tally().cost_us / 1_000,
    }
}

fn sample(at: At, cockpit: &Cockpit) -> Option<Sample> {
    let look = Lookup::of(cockpit)?;
    let sample = look.sample();
    let scene = cockpit.scene();
    let target = cockpit.target();
    let target_pid = target.map(TargetWork::pid);
    let visible = |count: u32| (sample.counts.masked == 0).then_some(count);
    let waiting = scene.waiting_clients().filter(|&pid| Some(pid) != target_pid).count();
    Some(Sample {
        active: visible(sample.counts.active),
        idle_in_transaction: visible(sample.counts.idle_in_transaction),
        clients: sample.counts.total,
        masked: sample.counts.masked,
        waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
        victims: target.map(|target| u32::try_from(target.victims.len()).unwrap_or(u32::MAX)),
        oldest_victim_ms: target
            .and_then(|target| cockpit.ages().oldest_ms(at, target.victims.iter().copied())),
        lost_session_seconds: target.map(|target| seconds(target.lost_us / 1_000)),
        target_pid: target_pid.map(|pid| pid.0),
        roots: tree::roots(&look, at),
        heads: tree::heads(&look, at),
        groups: tree::groups(&look, at),
        unresolved: u32::try_from(scene.graph.unresolved().count()).unwrap_or(u32::MAX),
        cost_ms: sample.cost_us / 1_000,
        cost_us: sample.cost_us,
        round_trip_ms: sample.round_trip_us / 1_000,
        every_ms: cockpit.pacer().sample_every_ms(),
        replication: cockpit.slow().map(replication),
        progress: cockpit.slow().map(progress).unwrap_or_default(),
    })
}

fn flight(cockpit: &Cockpit) -> Flight {
    let begin = cockpit.flight();
    let server = cockpit.server();
    let rights = server.map(|server| &server.rights);
    let settings = begin.map(|begin| begin.settings.clone()).unwrap_or_default();
    Flight {
        schema: SCHEMA,
        lockpit: begin.map(|begin| begin.lockpit.clone()).unwrap_or_default(),
        engine: begin.map_or(0, |begin| begin.engine),
        log_format: u32::from(MAJOR),
        began: begin.map(|begin| rfc3339(begin.utc_us)).unwrap_or_default(),
        server: begin.map(|begin| begin.server.clone()).unwrap_or_default(),
        server_version: server.map(|server| server.version.clone()).unwrap_or_default(),
        system_identifier: server
            .and_then(|server| server.system_identifier.known().map(ToString::to_string)),
        in_recovery: server.is_some_and(|server| server.in_recovery),
        role: rights.map(|rights| rights.role_name.clone()).unwrap_or_default(),
        sees_all: rights.is_some_and(|rights| rights.sees_all),
        signals: rights.is_some_and(|rights| rights.signals),
        not_seen: Unseen::of(cockpit).into_iter().map(|unseen| unseen.sentence).collect(),
        // Only who reads a log knows.
        cut: None,
        operator: begin.and_then(|begin| begin.operator.clone()),
        label: begin.and_then(|begin| begin.label.clone()),
        target: settings.target.to_string(),
        literals: crate::literals::word(settings.keep_literals).to_owned(),
        arming: match settings.arming {
            Arming::Watching => "watching",
            Arming::Shadow => "shadow",
            Arming::Armed => "armed",
        }
        .to_owned(),
    }
}

/// What this flight cannot see, and what would let it.
fn replication(slow: &SlowFacts) -> Replication {
    let behind = |replayed: Option<u64>| Some(slow.wal_lsn?.saturating_sub(replayed?));
    Replication {
        senders: u32::try_from(slow.senders.len()).unwrap_or(u32::MAX),
        replay_lag_bytes: slow.senders.iter().filter_map(|sender| behind(sender.replay_lsn)).max(),
        replay_lag_ms: slow
            .senders
            .iter()
            .filter_map(|sender| sender.replay_lag_us)
            .max()
            .map(|us| us / 1_000),
        inactive_slots: u32::try_from(slow.slots.iter().filter(|slot| !slot.active).count())
            .unwrap_or(u32::MAX),
    }
}

fn progress(slow: &SlowFacts) -> Vec<Progress> {
    let line = |progress: &crate::engine::sample::Progress| Progress {
        pid: progress.pid.0,
        command: progress.command.clone(),
        phase: progress.phase.clone(),
        locker_pid: progress.locker_pid.map(|pid| pid.0),
        done: progress.done,
        total: progress.total,
        unit: progress.unit.clone(),
    };
    slow.progress.iter().map(line).collect()
}

fn target(state: &str, story: &TargetStory) -> Target {
    Target {
        state: state.to_owned(),
        pid: story.attempt.backend.pid.0,
        application: story.application.clone(),
        role: story.role.clone(),
        kind: story.kind.clone(),
        text: story.text.clone(),
        relation: story.lock.as_ref().map(|lock| lock.relation.clone()),
        mode: story.lock.as_ref().map(|lock| lock.mode.clone()),
        granted: story.lock.as_ref().map(|lock| lock.granted),
        strong: story.strong,
    }
}

fn guardrail(name: &str, reading: &Reading) -> Guard {
    let state = match reading.level {
        Level::NotYet => "not_yet",
        Level::Ok => "ok",
        Level::Warn => "warn",
        Level::Trip => "trip",
    };
    Guard {
        guardrail: Some(name.to_owned()),
        state: state.to_owned(),
        value: reading.value,
        limit: reading.limit,
        sentence: reading.sentence.clone(),
    }
}

fn outcome(story: &OutcomeStory) -> Outcome {
    let result = match story.result {
        StopResult::Sent => "sent",
        StopResult::Drained => "drained",
        StopResult::AlreadyOver => "already_over",
        StopResult::StillHolding => "still_holding",
        StopResult::Refused => "refused",
        StopResult::Lost => "lost",
    };
    Outcome {
        stop: story.stop.0,
        action: story.rung.map(|rung| action(rung).to_owned()),
        pid: story.pid.0,
        result: result.to_owned(),
        is_final: story.is_final,
        sent_ms: story.sent_ms,
        gone_ms: story.gone_ms,
        drained_ms: story.drained_ms,
        victims: story.victims,
        lost_session_seconds: seconds(story.lost_session_ms),
        sentence: story.sentence.clone(),
    }
}

fn action(rung: Rung) -> &'static str {
    match rung {
        Rung::Cancel => "cancel",
        Rung::Terminate => "terminate",
        Rung::SignalRunner(_) => "signal",
    }
}

fn fate_name(fate: Fate) -> &'static str {
    match fate {
        Fate::Done => "done",
        Fate::Failed => "failed",
        Fate::Cancelled => "cancelled",
        Fate::Gone => "gone",
        Fate::Unknown => "unknown",
    }
}

fn state_name(state: GuardState) -> &'static str {
    match state {
        GuardState::Watching => "watching",
        GuardState::Shadow => "shadow",
        GuardState::Armed => "armed",
        GuardState::Tripped => "tripped",
        GuardState::Blind => "blind",
    }
}

#[expect(clippy::cast_precision_loss, reason = "session-seconds for people; exact far beyond any flight")]
fn seconds(session_ms: u64) -> f64 {
    session_ms as f64 / 1_000.0
}

/// `2026-11-20T22:14:07.123Z` for microseconds since 1970 UTC.
fn rfc3339(utc_us: i64) -> String {
    jiff::Timestamp::from_microsecond(utc_us).map_or_else(|_| String::new(), |time| format!("{time:.3}"))
}
