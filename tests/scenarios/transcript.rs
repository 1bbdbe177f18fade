//! What a flight did and told, one line each.
//!
//! `1.100 ! …` is an event of the timeline, `1.100 > …` an effect, in seconds since the flight began. Events of
//! an input come before its effects. The last line is the exit code.

use super::effect::{Aim, Effect, Rung};
use super::ids::{At, Attempt, ServerTime};
use super::testing::server;
use super::timeline::{Event, Fate, GuardState, OutcomeStory, StopResult, TargetStory};

/// The lines of one input.
pub(crate) fn lines(at: At, events: &[Event], effects: &[Effect]) -> Vec<String> {
    let events = events.iter().map(|event| format!("{} ! {}", time(at), told(event)));
    let effects = effects.iter().map(|effect| format!("{} > {}", time(at), done(effect)));
    events.chain(effects).collect()
}

fn done(effect: &Effect) -> String {
    match effect {
        Effect::Pace { sample_every_ms, watch_every_ms } => {
            let watch = watch_every_ms.map_or("no watch".to_owned(), |ms| format!("watch every {ms} ms"));
            format!("sample every {sample_every_ms} ms, {watch}")
        }
        Effect::SampleNow => "sample now".to_owned(),
        Effect::CheckRight { backend, .. } => format!("check the right to signal {}", backend.pid),
        Effect::Stop { stop, rung, attempt } => {
            format!("stop {}: {} {}", stop.0, name(*rung), named(attempt))
        }
        Effect::Observe { aim, stop, attempt, victims, until } => {
            let pid = attempt.backend.pid;
            let whose = match aim {
                Aim::Locks => "",
                Aim::Statement => "the statement of ",
                Aim::Session => "the session of ",
            };
            format!(
                "stop {}: observe {whose}{pid} and {} victims until {}",
                stop.0,
                victims.len(),
                time(*until)
            )
        }
        Effect::AskEnd { backend, xid } => {
            let xid = xid.map_or("none".to_owned(), |xid| xid.to_string());
            format!("ask how {} ended, transaction id {xid}", backend.pid)
        }
        Effect::Watchdog { guards: Some(dead_man) } => {
            format!("dead-man's switch: {} {}", name(dead_man.rung), named(&dead_man.attempt))
        }
        Effect::Watchdog { guards: None } => "dead-man's switch: released".to_owned(),
        Effect::Run(order) => format!("runner: {order:?}"),
        Effect::End { reason } => format!("end: {reason}"),
    }
}

fn told(event: &Event) -> String {
    match event {
        Event::Step { id, stage, reason, attempt } => {
            format!("step {id} {}: {reason} (attempt {attempt})", stage.word())
        }
        Event::Attached => "attached".to_owned(),
        Event::TargetFound(target) => format!("target {}", described(target)),
        Event::TargetEnded { target, fate } => {
            let fate = match fate {
                Fate::Done => "done",
                Fate::Failed => "failed",
                Fate::Cancelled => "cancelled",
                Fate::Gone => "gone",
                Fate::Unknown => "unknown",
            };
            format!("target {} {} has ended: {fate}", target.attempt.backend.pid, target.kind)
        }
        Event::Guard { state, sentence } => {
            let state = match state {
                GuardState::Watching => "watching",
                GuardState::Shadow => "shadow",
                GuardState::Armed => "armed",
                GuardState::Tripped => "tripped",
                GuardState::Blind => "blind",
            };
            format!("guard {state}: {sentence}")
        }
        Event::Guardrail { name, reading } => format!("{name} {:?}: {}", reading.level, reading.sentence),
        Event::Commanded { by, said, refused } => {
            let by = by.as_deref().unwrap_or("lockpit");
            let refused = refused.as_ref().map_or(String::new(), |why| format!(": REFUSED: {why}"));
            format!("{by} commands: {said}{refused}")
        }
        Event::Trip { name, reading, pid, acted, attempt } => {
            let acted = if *acted { "acted" } else { "not acted" };
            format!("TRIP {name} on {pid}, attempt {attempt}, {acted}: {}", reading.sentence)
        }
        Event::Intent { stop, rung, sentence, .. } => {
            format!("stop {}: intent to {}: {sentence}", stop.0, name(*rung))
        }
        Event::Outcome(story) => outcome(story),
        Event::Gap { from, why, lost } => {
            let lost = lost.map_or(String::new(), |lost| format!(", {lost} lost"));
            format!("gap since {}{lost}: {why}", time(*from))
        }
        Event::Note { warning: true, text } => format!("warning: {text}"),
        Event::Note { warning: false, text } => format!("note: {text}"),
        Event::End { reason } => format!("end: {reason}"),
    }
}

fn described(target: &TargetStory) -> String {
    let strength = if target.strong { "strong" } else { "weak" };
    let lock = target.lock.as_ref().map_or(String::new(), |lock| {
        let verb = if lock.granted { "holds" } else { "awaits" };
        format!(" {verb} {} on {},", lock.mode, lock.relation)
    });
    let (pid, application, kind) = (target.attempt.backend.pid, &target.application, &target.kind);
    format!("{pid} {application}: {kind}{lock} {strength}")
}

fn outcome(story: &OutcomeStory) -> String {
    let result = match story.result {
        StopResult::Sent => "sent",
        StopResult::Drained => "drained",
        StopResult::AlreadyOver => "already over",
        StopResult::StillHolding => "still holding",
        StopResult::Refused => "refused",
        StopResult::Lost => "lost",
    };
    if !story.is_final {
        let rung = story.rung.map_or("nothing", name);
        return format!("stop {}: {rung} {result}: {}", story.stop.0, story.sentence);
    }
    let after = |ms: Option<u64>| ms.map_or("unknown".to_owned(), |ms| format!("{ms} ms"));
    format!(
        "stop {} FINAL {result}: sent {}, gone {}, drained {}; {} victims lost {} ms: {}",
        story.stop.0,
        after(story.sent_ms),
        after(story.gone_ms),
        after(story.drained_ms),
        story.victims,
        story.lost_session_ms,
        story.sentence
    )
}

fn name(rung: Rung) -> &'static str {
    match rung {
        Rung::Cancel => "cancel",
        Rung::SignalRunner(_) => "signal the runner of",
        Rung::Terminate => "terminate",
    }
}

fn named(attempt: &Attempt) -> String {
    let start = |time: Option<ServerTime>| match time {
        Some(time) => seconds(time.0 - server(0).0),
        None => "unknown".to_owned(),
    };
    let (query, xact) = (start(attempt.query_start), start(attempt.xact_start));
    format!("{} in its statement of {query}, transaction of {xact}", attempt.backend.pid)
}

fn time(at: At) -> String {
    seconds(i64::try_from(at.0).expect("a time in a scenario"))
}

/// Microseconds as seconds with milliseconds.
fn seconds(us: i64) -> String {
    let sign = if us < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", us.abs() / 1_000_000, us.abs() / 1_000 % 1_000)
}
