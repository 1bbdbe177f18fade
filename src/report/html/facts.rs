//! The sections that are tables of facts: the flight, what is not known, the evidence.

use maud::{Markup, html};

use super::Page;
use crate::engine::guard::seconds;
use crate::report::story::Story;
use crate::report::times::{session_time, signed, utc};
use crate::report::words;

/// Who flew where, when and with what limits.
pub(super) fn flight(page: &Page<'_>) -> Markup {
    let story = page.story;
    let flight = &story.flight;
    let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| words::UNKNOWN.to_owned());
    html! {
        h2 { "The flight" }
        table.facts {
            tr { th { "operator" } td { (or_unknown(&flight.operator)) } }
            tr { th { "server" } td { (words::place(story)) } }
            tr { th { "PostgreSQL" } td { (or_unknown(&flight.server_version)) ", standby: " (words::yes_no(flight.in_recovery)) } }
            tr { th { "cluster" } td { (or_unknown(&flight.system_identifier)) ", database " (or_unknown(&flight.database)) } }
            tr { th { "login" } td {
                (or_unknown(&flight.role)) "; sees other roles: " (words::yes_no(flight.sees_all))
                "; may stop other roles: " (words::yes_no(flight.signals))
            } }
            tr { th { "began" } td { (utc(flight.began_us)) (local(&flight.began_local)) } }
            tr { th { "last entry" } td { (flight.ended_utc) (local(&flight.ended_local)) } }
            tr { th { "ended" } td {
                @match &flight.reason {
                    Some(reason) => { (reason) ", exit code " (flight.exit) },
                    None => { strong.bad { "its end is not in the log" } ", and its exit code is not known" },
                }
            } }
            tr { th { "arming" } td { (flight.arming) " at the start" } }
            @for one in &flight.settings { tr { th { (one.name) } td { (one.value) } } }
            @for one in &flight.limits { tr { th { (one.guardrail) } td { (one.sentence) } } }
            tr { th { "looks" } td {
                (story.totals.samples) " samples, " (story.totals.missed) " looks that brought nothing; the server spent "
                (words::amount(crate::report::plan::Unit::Microseconds, story.totals.server_cost_us)) " on them"
            } }
            tr { th { "lost in all" } td { (session_time(story.totals.lost_session_ms)) } }
            tr { th { "lockpit" } td { (flight.lockpit) ", engine " (flight.engine) } }
            tr { th { "flight" } td { code { (flight.id) } } }
        }
    }
}

/// Local time below that in UTC, where it is another one.
fn local(time: &str) -> Markup {
    html! { @if !time.ends_with(" UTC") { br; (time) } }
}

/// Gaps, rights, and what was not measured.
pub(super) fn unknowns(page: &Page<'_>) -> Markup {
    let story = page.story;
    html! {
        h2 { "What is not known" }
        @if story.gaps.is_empty() {
            p { "No gap is in the log." }
        } @else {
            table.wrap {
                thead { tr { th { "from (UTC)" } th.n { "for" } th { "what is missing, and why" } th.n { "lost" } } }
                @for gap in &story.gaps {
                    tr {
                        td.t data-h="from (UTC)" { (page.time(signed(gap.from_ms))) }
                        td.n data-h="for" { (seconds(gap.until_ms.saturating_sub(gap.from_ms))) }
                        td data-h="why" { (gap.why) }
                        td.n data-h="lost" { @match gap.lost { Some(lost) => (lost), None => "not counted" } }
                    }
                }
            }
        }
        (super::left_out(story.left_out.gaps, "gaps"))
        h3 { "What this flight could not see" }
        ul { @for unseen in &story.not_seen { li { (unseen) } } }
        h3 { "What was not measured" }
        ul { @for one in &story.not_measured { li { strong { (one.what) } ": not measured: " (one.why) } } }
    }
}

/// What the log is worth.
pub(super) fn evidence(story: &Story) -> Markup {
    let integrity = &story.integrity;
    let tone = if integrity.is_altered {
        "bad"
    } else if integrity.is_torn {
        "warn"
    } else {
        "good"
    };
    html! {
        h2 { "Evidence" }
        div class={ "box " (tone) } { (integrity.sentence) }
        p { (story.drift.sentence) }
        @match &integrity.checkpoint {
            Some(lines) => {
                p { "Checkpoint of the log: kept elsewhere, it proves that the log has not been changed since." }
                pre { @for line in lines { (line) "\n" } }
            },
            None => p.dim { "No checkpoint: it would vouch for a log that is not as it was written." },
        }
    }
}
