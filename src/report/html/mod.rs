//! A report as one page for people.
//!
//! Owns the layout. The page needs no network and no script; colours are variables of its own style sheet, so
//! that it is light, dark or printed as the reader likes, and every colour has a word beside it. Every text is
//! escaped by `maud`, on its way into the page.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::story::{Entry, Kind, Stop, Story, Trip};
use super::times::{Clock, flown, seconds_number, session_time, signed, utc};
use super::{summary, words};
use crate::engine::guard::seconds;

mod facts;
mod flown;
mod plot;
mod scale;
mod tree;

use plot::Plots;

/// Entries of the timeline on the page.
const MOST_ENTRIES: usize = 1_000;

/// The whole report.
pub fn page(story: &Story) -> String {
    let page = Page { story, clock: Clock::of(&story.flight), plots: Plots::of(story) };
    let title = format!("Flight report: {}, {}", words::place(story), utc(story.flight.began_us));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                (plot::patterns())
                main {
                    (page.heading())
                    (flown::plan(&page))
                    (page.trips())
                    (page.stops())
                    (page.blast())
                    (page.worst())
                    (page.course())
                    (page.targets())
                    (facts::unknowns(&page))
                    (page.timeline())
                    (facts::flight(&page))
                    (facts::evidence(story))
                    footer {
                        "Made from " code { (story.log) } " by lockpit " (story.made_by)
                        ". Times are the wall clock at the beginning of the flight and the time flown since."
                    }
                }
            }
        }
    };
    page.into_string()
}

/// What the sections are made from.
struct Page<'a> {
    story: &'a Story,
    clock: Clock,
    plots: Plots,
}

impl Page<'_> {
    /// A time of day with the time flown.
    fn time(&self, at_ms: i64) -> Markup {
        html! { (self.clock.time(at_ms)) " " span.dim.small { "(" (flown(at_ms)) ")" } }
    }

    fn heading(&self) -> Markup {
        let story = self.story;
        let flight = &story.flight;
        let is_calm = story.over.is_empty() && story.blast.most_victims == 0 && story.gaps.is_empty();
        let tone =
            match (story.integrity.is_altered || story.totals.trips > 0, is_calm && !story.integrity.is_torn)
            {
                (true, _) => "bad",
                (false, true) => "good",
                (false, false) => "warn",
            };
        html! {
            p.dim.small { "lockpit flight report" }
            h1 { (words::place(story)) }
            p {
                (utc(flight.began_us)) ", " (words::flown_for(story)) ", by "
                (flight.operator.as_deref().unwrap_or("somebody who gave no name")) ", " (flight.arming)
                @if flight.began_local != utc(flight.began_us) {
                    br;
                    span.dim { (flight.began_local) " where this report was made (" (flight.zone) ")" }
                }
            }
            @if story.integrity.is_altered || story.integrity.is_torn {
                div.box.bad role="alert" { strong.bad { "Take care: " } (story.integrity.sentence) }
            }
            @if story.drift.differences > 0 {
                div.box.warn { strong.warn { "Take care: " } (story.drift.sentence) }
            }
            @if let Some(excerpt) = &story.integrity.excerpt {
                div.box.warn { strong.warn { "Not the whole flight: " } (excerpt) }
            }
            div class={ "box lead " (tone) } { (story.totals.sentence) }
            table.facts.brief {
                @for line in summary::lines(story) { tr { th { (line.about) } td { (line.text) } } }
            }
            div.tiles {
                (tile(&story.totals.trips.to_string(), "trips of guardrails"))
                (tile(&story.stops.len().to_string(), "stops"))
                (tile(&story.blast.most_victims.to_string(), "sessions that waited at once, at most"))
                (tile(&story.blast.oldest_ms.map_or_else(|| "none seen".to_owned(), seconds), "longest wait behind the work"))
                (tile(&seconds_number(story.blast.lost_session_ms), "session-seconds lost"))
                (tile(&story.gaps.len().to_string(), "gaps, of which facts are missing"))
            }
        }
    }

    fn trips(&self) -> Markup {
        let story = self.story;
        html! {
            h2 { "Trips" }
            @if story.trips.is_empty() {
                p { "No guardrail tripped. The flight was " strong { (story.flight.arming) } "." }
            }
            @for (index, trip) in story.trips.iter().enumerate() { (self.trip(index + 1, trip)) }
            (left_out(story.left_out.trips, "trips"))
            @if !story.over.is_empty() {
                h3 { "Over the limit while nothing was armed" }
                table.wrap {
                    thead { tr { th { "UTC" } th { "guardrail" } th { "finding" } } }
                    @for over in &story.over {
                        tr {
                            td.t data-h="UTC" { (self.time(signed(over.at_ms))) }
                            td data-h="guardrail" { strong.warn { (over.guardrail) } }
                            td data-h="finding" { (over.sentence) }
                        }
                    }
                }
            }
        }
    }

    fn trip(&self, number: usize, trip: &Trip) -> Markup {
        html! {
            h3 { span.tag.bad { "T" (number) } (self.time(signed(trip.at_ms))) " " (trip.guardrail) }
            p.lead { (trip.sentence) }
            p {
                "Read " strong { (words::maybe(trip.unit, trip.value)) } ", limit "
                strong { (words::maybe(trip.unit, trip.limit)) } ". About pid " (trip.pid) ", attempt "
                (trip.attempt) ". " strong { (words::acted(trip)) }
                @if let Some(stop) = trip.stop { ": stop " (stop) " below" } "."
            }
            @match &trip.window {
                Some(window) => (self.plots.around(&self.clock, window, &format!("around trip {number}"))),
                None => p.dim.small { "No plots: the report has enough of them. Replay the log to see this trip." },
            }
        }
    }

    fn stops(&self) -> Markup {
        let story = self.story;
        html! {
            h2 { "What was stopped, and what it left" }
            @if story.stops.is_empty() { p { "Nothing was stopped." } }
            @for stop in &story.stops { (self.stop(stop)) }
            (left_out(story.left_out.stops, "stops"))
        }
    }

    fn stop(&self, stop: &Stop) -> Markup {
        let tone = match stop.result.as_deref() {
            Some("drained") => "good",
            Some("already_over") => "warn",
            _ => "bad",
        };
        html! {
            section.stop {
                h3 { "Stop " (stop.number) ", pid " (stop.pid) ", by " (words::cause(stop)) }
                p { span class={ "tag " (tone) } { (words::result(stop)) } @if let Some(last) = &stop.sentence { (last) } }
                table.facts {
                    tr { th { "asked for" } td { (self.time(signed(stop.at_ms))) } }
                    tr { th { "first request" } td { "after " (words::maybe_ms(stop.sent_ms)) } }
                    tr { th { "locks gone" } td { "after " (words::maybe_ms(stop.gone_ms)) } }
                    tr { th { "queue drained" } td { "after " (words::maybe_ms(stop.drained_ms)) } }
                    tr { th { "victims then" } td { (stop.victims.map_or_else(|| words::UNKNOWN.to_owned(), |n| n.to_string())) } }
                    tr { th { "time they lost" } td { (stop.lost_session_ms.map_or_else(|| words::UNKNOWN.to_owned(), session_time)) } }
                }
                ol.rungs {
                    @for rung in &stop.rungs {
                        li {
                            (self.clock.time(signed(rung.at_ms))) " " (rung.sentence) ". "
                            span.dim { (rung.answer.as_deref().unwrap_or("No answer is in the log")) }
                        }
                    }
                }
                @if let Some(cost) = &stop.cost {
                    p { strong { "Lost: " } (cost.lost) ". " strong { "Left behind: " } (cost.leaves) "." }
                    @if !cost.clean_up.is_empty() {
                        p { "To clean up, after a look at what is really there:" }
                        @for step in &cost.clean_up {
                            @if step.is_sql { pre { (step.text) } } @else { p { (step.text) } }
                        }
                    }
                    p.dim.small { "What is lost and left is judged from the last sample before the stop." }
                }
            }
        }
    }

    fn blast(&self) -> Markup {
        let blast = &self.story.blast;
        html! {
            h2 { "Blast radius" }
            p { (words::blast(self.story)) }
            @if !blast.relations.is_empty() {
                p { "Relations: " @for name in &blast.relations { code { (name) } " " } }
            }
            @if !blast.applications.is_empty() {
                table {
                    thead { tr { th { "application" } th.n { "sessions that waited" } } }
                    @for hit in &blast.applications {
                        tr { td { (named(&hit.application)) } td.n { (hit.sessions) } }
                    }
                }
            }
        }
    }

    fn worst(&self) -> Markup {
        let Some(worst) = &self.story.worst else { return html! {} };
        let victims =
            worst.victims.map_or_else(|| "no work under guard".to_owned(), |n| format!("{n} victims"));
        html! {
            h2 { "The worst moment" }
            p {
                (self.time(signed(worst.at_ms))) ": " strong { (victims) } ", " (worst.waiting)
                " clients waiting, the longest for " strong { (words::maybe_ms(worst.oldest_ms)) }
                @if worst.unresolved > 0 { "; for " (worst.unresolved) " of them the server named no blocker" }
                ". Who waited for whom:"
            }
            (tree::tree(&worst.tree))
            (left_out(worst.tree_left_out.into(), "rows of the lock tree"))
            @if let Some(window) = &worst.window {
                (self.plots.around(&self.clock, window, "around the worst moment"))
            }
        }
    }

    fn course(&self) -> Markup {
        let story = self.story;
        let windows = story.trips.iter().filter_map(|trip| trip.window.as_ref());
        let mut windows = windows.chain(story.worst.iter().filter_map(|worst| worst.window.as_ref()));
        let is_shown = windows.any(|window| window.from_ms == 0 && window.until_ms >= story.flight.ended_ms);
        html! {
            h2 { "The whole flight" }
            (self.plots.whole(&self.clock, &story.course, is_shown))
        }
    }

    fn targets(&self) -> Markup {
        let story = self.story;
        html! {
            h2 { "Work under guard" }
            @if story.targets.is_empty() { p { "No work came under guard." } }
            @for target in &story.targets {
                h3 { "pid " (target.pid) " " (named(&target.application)) ", role " (target.role) }
                pre { (target.text.as_deref().unwrap_or("its text is hidden from this login, or was never read")) }
                table.facts {
                    tr { th { "statement" } td { (target.kind) } }
                    tr { th { "lock" } td { (target.lock.as_deref().unwrap_or("none on a user relation")) } }
                    tr { th { "found" } td { (self.time(signed(target.found_ms))) } }
                    tr { th { "over" } td { @match target.ended_ms {
                        Some(at_ms) => (self.time(signed(at_ms))),
                        None => "not in the log",
                    } } }
                    tr { th { "fate" } td { strong { (words::fate(target)) } } }
                    tr { th { "victims at most" } td { (target.most_victims) } }
                    tr { th { "longest wait" } td { (target.oldest_victim_ms.map_or_else(|| "nobody was seen to wait".to_owned(), seconds)) } }
                    tr { th { "time they lost" } td { (session_time(target.lost_session_ms)) ", as far as samples show" } }
                }
            }
            (left_out(story.left_out.targets, "targets"))
        }
    }

    fn timeline(&self) -> Markup {
        let story = self.story;
        let more = story.timeline.len().saturating_sub(MOST_ENTRIES) as u64;
        html! {
            h2 { "Timeline" }
            table.wrap {
                thead { tr { th { "UTC" } th.n { "flown" } th { "what" } th { "" } } }
                @for entry in story.timeline.iter().take(MOST_ENTRIES) { (self.entry(entry)) }
            }
            (left_out(story.left_out.entries.saturating_add(more), "entries of the timeline"))
        }
    }

    fn entry(&self, entry: &Entry) -> Markup {
        let tone = match entry.kind {
            Kind::Trip | Kind::Drift => "bad",
            Kind::Warning | Kind::Gap => "warn",
            Kind::Remark => "note",
            _ => "",
        };
        html! {
            tr {
                td.t { (self.clock.time(entry.at_ms)) }
                td.n { (flown(entry.at_ms)) }
                td class=(tone) { (words::kind(entry.kind)) }
                td {
                    @if let Some(by) = &entry.by { strong { (by) } ": " }
                    (entry.text)
                    @if entry.kind == Kind::Remark { " " span.note.small { "(added afterwards)" } }
                }
            }
        }
    }
}

fn tile(figure: &str, what: &str) -> Markup {
    html! { div.tile { b { (figure) } span { (what) } } }
}

/// A name, or that there is none.
fn named(name: &str) -> Markup {
    html! { @if name.is_empty() { span.dim { "(no name)" } } @else { (name) } }
}

fn left_out(count: u64, what: &str) -> Markup {
    html! { @if count > 0 { p.dim { (count) " more " (what) " are not shown here: replay the log." } } }
}
