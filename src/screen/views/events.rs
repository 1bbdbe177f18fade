//! Events of the timeline, in words.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::parts::{level_word, two_sided};
use crate::engine::guard::Level;
use crate::engine::ids::At;
use crate::engine::steps::Stage;
use crate::engine::timeline::{Event, Fate, StopResult};
use crate::screen::shown::Shown;
use crate::screen::theme::Meaning;

/// An event: what it is in one word, how loud, and its sentence.
pub(super) fn event(event: &Event) -> (&'static str, Meaning, String) {
    match event {
        Event::Attached => ("flight", Meaning::Text, "connected".to_owned()),
        Event::TargetFound(story) => {
            let lock = story.lock.as_ref().map_or(String::new(), |lock| {
                let verb = if lock.granted { "holds" } else { "awaits" };
                format!(", {verb} {} on {}", lock.mode, lock.relation)
            });
            let pid = story.attempt.backend.pid;
            ("target", Meaning::LockTarget, format!("pid {pid} {} {}{lock}", story.application, story.kind))
        }
        Event::TargetEnded { target, fate } => {
            let pid = target.attempt.backend.pid;
            let (word, meaning) = match fate {
                Fate::Done => ("done: its transaction committed", Meaning::Ok),
                Fate::Failed => ("failed: its transaction was rolled back", Meaning::Warn),
                Fate::Cancelled => ("stopped by lockpit", Meaning::Warn),
                Fate::Gone => ("gone: whether it committed is not known", Meaning::Unknown),
                Fate::Unknown => ("over: how it ended is not known", Meaning::Unknown),
            };
            ("target", meaning, format!("pid {pid} {} {word}", target.kind))
        }
        Event::Guard { state, sentence } => {
            let (word, meaning) = super::header::state_word(*state);
            ("guard", meaning, format!("{word}: {sentence}"))
        }
        Event::Guardrail { name, reading } => {
            let (word, meaning) = level_word(reading.level);
            ("rule", meaning, format!("{name} {word}: {}", reading.sentence))
        }
        Event::Step { id, stage, reason, .. } => {
            let meaning = match stage {
                Stage::Done => Meaning::Ok,
                Stage::Paused | Stage::Stopped | Stage::Skipped => Meaning::Warn,
                Stage::Failed => Meaning::Danger,
                _ => Meaning::Text,
            };
            let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            ("step", meaning, format!("{id} {}{reason}", stage.word()))
        }
        Event::Trip { name, reading, acted, .. } => {
            let acted = if *acted { "" } else { " (not acted on)" };
            ("TRIP", Meaning::Danger, format!("{name}: {}{acted}", reading.sentence))
        }
        Event::Intent { sentence, .. } => ("stop", Meaning::Danger, sentence.clone()),
        Event::Outcome(story) => {
            let meaning = match story.result {
                StopResult::Drained | StopResult::AlreadyOver => Meaning::Ok,
                StopResult::Sent => Meaning::Text,
                StopResult::StillHolding | StopResult::Refused | StopResult::Lost => Meaning::Danger,
            };
            ("stop", meaning, story.sentence.clone())
        }
        Event::Gap { why, lost, .. } => {
            let lost = lost.map(|lost| format!(", {lost} lost")).unwrap_or_default();
            ("GAP", Meaning::Unknown, format!("{why}{lost}"))
        }
        Event::Note { warning, text } => {
            ("note", if *warning { Meaning::Warn } else { Meaning::Text }, text.clone())
        }
        Event::Commanded { by, said, refused } => {
            let by = by.as_deref().map(|by| format!("{by} ")).unwrap_or_default();
            match refused {
                None => ("order", Meaning::Marker, format!("{by}:{said}")),
                Some(why) => ("order", Meaning::Warn, format!("{by}:{said} refused: {why}")),
            }
        }
        Event::End { reason } => ("end", Meaning::Text, reason.clone()),
    }
}

/// An event in one line, with its time.
pub(super) fn event_line(at: At, what: &Event, width: u16, shown: &Shown<'_>) -> Line<'static> {
    let (word, meaning, sentence) = event(what);
    let sentence = shown.sentence(&sentence);
    let time = shown
        .utc_us(at)
        .and_then(|utc_us| jiff::Timestamp::from_microsecond(utc_us).ok())
        .map_or_else(|| super::header::clock(at.ms()), |at| at.strftime("%H:%M:%S").to_string());
    let left = vec![
        Span::styled(format!("{time} "), shown.style(Meaning::Muted)),
        Span::styled(word, shown.style(meaning)),
        Span::raw(" ".repeat(7_usize.saturating_sub(word.len()))),
        Span::styled(sentence, if meaning == Meaning::Danger { shown.style(meaning) } else { Style::new() }),
    ];
    two_sided(left, Vec::new(), width, shown)
}

/// Whether an event is worth a line where there are few.
pub(super) fn is_notable(event: &Event) -> bool {
    match event {
        Event::Guardrail { reading, .. } => reading.level >= Level::Warn,
        Event::Attached => false,
        _ => true,
    }
}
