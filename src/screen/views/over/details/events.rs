//! What is known of a guardrail and of an event of the timeline.
//!
//! Owns the words; what an event says in one line is that of every screen.

use super::{Sheet, flight_time};
use crate::engine::derive::words::plural;
use crate::engine::guard::{Reading, seconds};
use crate::engine::timeline::{Event, OutcomeStory, StopResult, TargetStory};
use crate::screen::shown::Shown;
use crate::screen::theme::Meaning;
use crate::screen::views::events::event;
use crate::screen::views::parts::{in_unit, level_word, statement};
use crate::screen::views::timeline::numbered;

/// Decisions of a rule that are told, the newest first.
const MOST_DECISIONS: usize = 12;

pub(super) fn reading<'a>(name: &str, shown: &Shown<'a>) -> Option<&'a Reading> {
    let readings = shown.cockpit.brake().guardrails().readings();
    readings.iter().find(|(known, _)| known == name).map(|(_, reading)| reading)
}

pub(super) fn guardrail(sheet: &mut Sheet<'_>, name: &str) {
    let shown = sheet.shown;
    sheet.heading(&format!("guardrail {name}"));
    let Some(reading) = reading(name, shown) else {
        sheet.sentence("It has read nothing yet.", Meaning::Unknown);
        return;
    };
    let (word, meaning) = level_word(reading.level);
    sheet.loud("level", word, meaning);
    sheet.fact("finding", &reading.sentence);
    let unit = |value: Option<u64>, none: &str| value.map_or(none.to_owned(), |value| in_unit(name, value));
    sheet.fact("value", unit(reading.value, "not known"));
    sheet.fact("limit", unit(reading.limit, "none"));
    let changed = shown.cockpit.overrides().iter().find(|one| one.guardrail == name);
    if let Some(changed) = changed {
        let until = changed.until.map_or("the end of the flight".to_owned(), |at| flight_time(at, shown));
        sheet.loud("changed", format!("to {} until {until}", in_unit(name, changed.limit)), Meaning::Limit);
    }
    sheet.section("what it did, the newest first");
    let events: Vec<_> = shown
        .cockpit
        .timeline()
        .since(0)
        .filter(|(_, what)| match what {
            Event::Guardrail { name: rule, .. } | Event::Trip { name: rule, .. } => rule == name,
            _ => false,
        })
        .collect();
    if events.is_empty() {
        sheet.sentence("Nothing so far.", Meaning::Muted);
    }
    for (at, what) in events.iter().rev().take(MOST_DECISIONS) {
        let (_, meaning, sentence) = event(what);
        sheet.loud(&crate::screen::views::header::clock(at.ms()), sentence, meaning);
    }
    if events.len() > MOST_DECISIONS {
        sheet.sentence(format!("{} more before.", events.len() - MOST_DECISIONS), Meaning::Muted);
    }
}

pub(super) fn one_event(sheet: &mut Sheet<'_>, number: u64) {
    let shown = sheet.shown;
    sheet.heading(&format!("event {} of this flight", number.saturating_add(1)));
    let Some((_, (at, what))) = numbered(shown).find(|(n, _)| *n == number) else {
        sheet.sentence(
            "It is not kept any more: a flight keeps its last 1,000 events; its log has all.",
            Meaning::Warn,
        );
        return;
    };
    let (word, meaning, sentence) = event(what);
    sheet.fact("when", flight_time(*at, shown));
    sheet.loud("what", word, meaning);
    // The sentence of a find has the client's name; what it says follows masked.
    if !(shown.ui.presenter && matches!(what, Event::TargetFound(_))) {
        sheet.fact("", sentence);
    }
    match what {
        Event::TargetFound(story) => target(sheet, story),
        Event::TargetEnded { target: story, .. } => target(sheet, story),
        Event::Guardrail { name, reading } => limits(sheet, name, reading),
        Event::Trip { name, reading, pid, acted, attempt } => {
            limits(sheet, name, reading);
            sheet.fact("about", format!("pid {pid}, attempt {attempt} of this incident"));
            sheet.fact("acted", if *acted { "yes: lockpit stops it" } else { "no: it is only logged" });
        }
        Event::Step { attempt, .. } => {
            if *attempt > 0 {
                sheet.fact("attempt", attempt.to_string());
            }
        }
        Event::Intent { stop, rung, attempt, .. } => {
            sheet.fact("stop", format!("number {}, by {rung:?}", stop.0));
            sheet.fact("names", format!("pid {}", attempt.backend.pid));
        }
        Event::Outcome(story) => outcome(sheet, story),
        Event::Gap { from, lost, .. } => {
            sheet.fact("since", flight_time(*from, shown));
            let lost = lost
                .map_or("how many inputs were lost is not known".to_owned(), |lost| plural(lost, "input"));
            sheet.fact("lost", lost);
        }
        Event::Commanded { by, said, refused } => {
            let by = by.as_deref().map(|by| shown.masked("operator", by));
            sheet.fact("by", by.as_deref().unwrap_or("lockpit itself"));
            sheet.fact("said", said);
            sheet.fact("refused", refused.as_deref().unwrap_or("no"));
        }
        Event::Attached | Event::Guard { .. } | Event::Note { .. } | Event::End { .. } => {}
    }
}

fn limits(sheet: &mut Sheet<'_>, name: &str, reading: &Reading) {
    let unit = |value: Option<u64>| value.map_or("none".to_owned(), |value| in_unit(name, value));
    sheet.fact("rule", name);
    sheet.fact("value", format!("{} of {}", unit(reading.value), unit(reading.limit)));
}

fn target(sheet: &mut Sheet<'_>, story: &TargetStory) {
    let shown = sheet.shown;
    sheet.fact(
        "who",
        format!(
            "pid {} {}, role {}",
            story.attempt.backend.pid,
            shown.application(&story.application),
            shown.masked("role", &story.role)
        ),
    );
    let harm =
        if story.strong { "its lock conflicts with reads or writes" } else { "reads and writes go on" };
    sheet.fact(
        "lock",
        match &story.lock {
            Some(lock) => {
                let verb = if lock.granted { "holds" } else { "awaits" };
                format!("{verb} {} on {}; {harm}", lock.mode, lock.relation)
            }
            None => harm.to_owned(),
        },
    );
    sheet.fact("statement", statement(&story.kind, story.text.as_deref(), shown));
}

fn outcome(sheet: &mut Sheet<'_>, story: &OutcomeStory) {
    let result = match story.result {
        StopResult::Sent => "the signal was sent; what it did was not known yet",
        StopResult::Drained => "its strong locks are gone, and nobody waits behind it",
        StopResult::AlreadyOver => "it was over before the request arrived; nobody was hit",
        StopResult::StillHolding => "it still holds or awaits strong locks, or runs on",
        StopResult::Refused => "refused",
        StopResult::Lost => "no path to the server was left",
    };
    let ms = |ms: Option<u64>| ms.map_or("not known".to_owned(), seconds);
    let last = if story.is_final { "the last word on this stop" } else { "one rung of this stop" };
    sheet.fact("stop", format!("number {}, pid {}; {last}", story.stop.0, story.pid));
    sheet.fact("result", result);
    sheet.fact("asked after", ms(story.sent_ms));
    sheet.fact("gone after", ms(story.gone_ms));
    sheet.fact("drained", format!("after {}", ms(story.drained_ms)));
    let lost = story.lost_session_ms;
    sheet.fact(
        "victims",
        format!("{}, who lost {}.{} session-seconds", story.victims, lost / 1_000, lost % 1_000 / 100),
    );
}
