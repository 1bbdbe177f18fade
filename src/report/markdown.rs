//! A report as Markdown, for a ticket.
//!
//! Owns the layout and the escaping: what came from a server or from people is set as code, where nothing is
//! rendered, mentioned or linked; a sentence without anything that could be is set as text.

use std::fmt::Write;

use super::story::{FlownStep, Story, Target, Trip};
use super::times::{Clock, flown, session_time, signed, utc};
use super::{summary, words};
use crate::engine::guard::seconds;

/// Entries of the timeline in a ticket.
const MOST_ENTRIES: usize = 200;

/// The whole report.
pub fn page(story: &Story) -> String {
    let mut page = Page { text: String::new(), clock: Clock::of(&story.flight) };
    page.heading(story);
    page.flight(story);
    page.plan(story);
    page.trips(story);
    page.stops(story);
    page.blast(story);
    page.worst(story);
    page.targets(story);
    page.unknowns(story);
    page.timeline(story);
    page.text
}

struct Page {
    text: String,
    clock: Clock,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn table(&mut self, head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
        self.line(&format!("| {} |", head.join(" | ")));
        self.line(&format!("|{}", "---|".repeat(head.len())));
        for row in rows {
            // A cell ends at a bar even within code.
            let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
            self.line(&format!("| {} |", cells.join(" | ")));
        }
        self.line("");
    }

    fn time(&self, at_ms: i64) -> String {
        format!("{} ({})", self.clock.time(at_ms), flown(at_ms))
    }

    fn heading(&mut self, story: &Story) {
        self.line(&format!("# Flight report: {}", code(&words::place(story))));
        self.line("");
        if story.integrity.is_altered || story.integrity.is_torn {
            self.line(&format!("> **WARNING: {}**", prose(&story.integrity.sentence)));
            self.line("");
        }
        if let Some(excerpt) = &story.integrity.excerpt {
            self.line(&format!("> **Not the whole flight: {excerpt}**"));
            self.line("");
        }
        self.line(&prose(&story.totals.sentence));
        self.line("");
        for line in summary::lines(story) {
            self.line(&format!("- **{}**: {}", line.about, prose(&line.text)));
        }
        self.line("");
    }

    fn flight(&mut self, story: &Story) {
        let flight = &story.flight;
        let or_unknown =
            |text: &Option<String>| text.as_deref().map_or_else(|| words::UNKNOWN.to_owned(), code);
        let ended = match &flight.reason {
            Some(reason) => format!("{}, exit code {}", code(reason), flight.exit),
            None => "not in the log; its exit code is not known".to_owned(),
        };
        let local = if flight.began_local == utc(flight.began_us) {
            String::new()
        } else {
            format!(" ({})", flight.began_local)
        };
        let server = flight.server_version.as_ref().map(|version| format!("PostgreSQL {version}"));
        let mut rows = vec![
            vec!["operator".to_owned(), or_unknown(&flight.operator)],
            vec!["server".to_owned(), format!("{}, {}", code(&flight.server), or_unknown(&server))],
            vec!["login".to_owned(), or_unknown(&flight.role)],
            vec!["began".to_owned(), format!("{}{local}", utc(flight.began_us))],
            vec!["extent".to_owned(), words::flown_for(story)],
            vec!["ended".to_owned(), ended],
            vec!["arming".to_owned(), flight.arming.clone()],
        ];
        rows.extend(flight.settings.iter().map(|one| vec![one.name.clone(), code(&one.value)]));
        rows.extend(flight.limits.iter().map(|one| vec![one.guardrail.clone(), prose(&one.sentence)]));
        rows.push(vec!["lockpit".to_owned(), format!("{}, engine {}", code(&flight.lockpit), flight.engine)]);
        rows.push(vec!["flight".to_owned(), code(&flight.id)]);
        self.table(&["", ""], rows);
        self.line(&format!("Times are UTC, with the time flown; local time is {}.", code(&flight.zone)));
        self.line("");
    }

    fn plan(&mut self, story: &Story) {
        let Some(plan) = &story.plan else { return };
        self.line("## The plan");
        self.line("");
        self.line(&format!("**{}**", prose(&plan.sentence)));
        self.line("");
        let or_none = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), code);
        let rows = [
            vec!["plan".to_owned(), code(&plan.name)],
            vec!["version".to_owned(), or_none(&plan.version)],
            vec!["owner".to_owned(), or_none(&plan.owner)],
            vec!["digest".to_owned(), code(words::digest(plan))],
        ];
        self.table(&["", ""], rows);
        if plan.is_resumed {
            self.line("It went on where an earlier flight had been cut off; that one has a log of its own.");
            self.line("");
        }
        let rows: Vec<_> = plan.steps.iter().map(|step| self.step(step)).collect();
        let head = ["", "phase", "step", "what", "stage", "began", "took", "attempts", "waited for longest"];
        self.table(&head, rows);
        for step in &plan.steps {
            let Some(reason) = words::reason(step) else { continue };
            self.line(&format!("- {} {}: {}", code(&step.id), step.stage, prose(reason)));
        }
        for gate in &plan.gates {
            let time = self.time(signed(gate.at_ms));
            self.line(&format!("- gate {} was opened {time} by {}", code(&gate.id), prose(&gate.by)));
        }
        for offer in &plan.clean_ups {
            let shout = if offer.hides_rows { "**ROWS ARE HIDDEN**: " } else { "" };
            self.line(&format!("- left behind: {shout}{}", prose(&offer.sentence)));
            self.line(&format!("  - to clean up, {}: {}", words::clean_up(&offer.stage), code(&offer.sql)));
        }
        self.line("");
    }

    fn step(&self, step: &FlownStep) -> Vec<String> {
        vec![
            step.number.to_string(),
            step.phase.clone().unwrap_or_else(|| "-".to_owned()),
            code(&step.id),
            code(&step.what),
            format!("{}{}", step.stage, words::items(step)),
            step.began_ms.map_or_else(|| "-".to_owned(), |at_ms| self.time(signed(at_ms))),
            words::took(step),
            step.attempts.to_string(),
            words::waited(step).map_or_else(|| "-".to_owned(), |waited| prose(&waited)),
        ]
    }

    fn trips(&mut self, story: &Story) {
        self.line("## Trips");
        self.line("");
        if story.trips.is_empty() {
            self.line(&format!("No guardrail tripped; the flight was {}.", story.flight.arming));
            self.line("");
        }
        for (number, trip) in story.trips.iter().enumerate() {
            self.trip(number + 1, trip);
        }
        if !story.trips.is_empty() {
            self.line("");
        }
        self.left_out(story.left_out.trips, "trips");
        if !story.over.is_empty() {
            self.line("Over the limit while nothing was armed:");
            self.line("");
            for over in &story.over {
                let time = self.time(signed(over.at_ms));
                self.line(&format!("- {time} **{}**: {}", over.guardrail, prose(&over.sentence)));
            }
            self.line("");
        }
    }

    fn trip(&mut self, number: usize, trip: &Trip) {
        let time = self.time(signed(trip.at_ms));
        let stop = trip.stop.map_or_else(String::new, |stop| format!(", see stop {stop}"));
        self.line(&format!(
            "{number}. {time} **{}** read {}, limit {}: {} ({}{stop})",
            trip.guardrail,
            words::maybe(trip.unit, trip.value),
            words::maybe(trip.unit, trip.limit),
            prose(&trip.sentence),
            words::acted(trip),
        ));
    }

    fn stops(&mut self, story: &Story) {
        self.line("## What was stopped");
        self.line("");
        if story.stops.is_empty() {
            self.line("Nothing.");
            self.line("");
        } else {
            let rows = story.stops.iter().map(|stop| {
                vec![
                    stop.number.to_string(),
                    self.time(signed(stop.at_ms)),
                    code(&words::cause(stop)),
                    format!("pid {}", stop.pid),
                    words::result(stop).to_owned(),
                    words::maybe_ms(stop.sent_ms),
                    words::maybe_ms(stop.gone_ms),
                    words::maybe_ms(stop.drained_ms),
                    stop.victims.map_or_else(|| words::UNKNOWN.to_owned(), |victims| victims.to_string()),
                    stop.lost_session_ms.map_or_else(|| words::UNKNOWN.to_owned(), session_time),
                ]
            });
            let rows: Vec<_> = rows.collect();
            let head =
                ["stop", "when", "by", "whom", "result", "sent", "locks gone", "drained", "victims", "lost"];
            self.table(&head, rows);
        }
        for stop in &story.stops {
            let number = stop.number;
            for rung in &stop.rungs {
                let answer = rung.answer.as_deref().map_or_else(|| "no answer in the log".to_owned(), prose);
                self.line(&format!("- stop {number}: {}; {answer}", prose(&rung.sentence)));
            }
            if let Some(last) = &stop.sentence {
                self.line(&format!("- stop {number}: {}", prose(last)));
            }
            let Some(cost) = &stop.cost else { continue };
            self.line(&format!("- stop {number} lost: {}", prose(&cost.lost)));
            self.line(&format!("- stop {number} left behind: {}", prose(&cost.leaves)));
            for step in &cost.clean_up {
                self.line(&format!(
                    "  - to clean up: {}",
                    if step.is_sql { code(&step.text) } else { prose(&step.text) }
                ));
            }
        }
        if !story.stops.is_empty() {
            self.line("");
            self.line("What was lost and left is judged from the last sample before the stop; look before you clean up.");
            self.line("");
        }
        self.left_out(story.left_out.stops, "stops");
    }

    fn blast(&mut self, story: &Story) {
        self.line("## Blast radius");
        self.line("");
        self.line(&prose(&words::blast(story)));
        self.line("");
        if !story.blast.relations.is_empty() {
            let names: Vec<String> = story.blast.relations.iter().map(|name| code(name)).collect();
            self.line(&format!("Relations: {}", names.join(", ")));
            self.line("");
        }
        if !story.blast.applications.is_empty() {
            let rows = story.blast.applications.iter();
            let rows: Vec<_> =
                rows.map(|hit| vec![code(&hit.application), hit.sessions.to_string()]).collect();
            self.table(&["application", "sessions that waited"], rows);
        }
    }

    fn worst(&mut self, story: &Story) {
        let Some(worst) = &story.worst else { return };
        let time = self.time(signed(worst.at_ms));
        self.line("## Worst moment");
        self.line("");
        let victims =
            worst.victims.map_or_else(|| "no work under guard".to_owned(), |n| format!("{n} victims"));
        self.line(&format!(
            "{time}: {victims}, {} waiting, the longest for {}.",
            worst.waiting,
            words::maybe_ms(worst.oldest_ms)
        ));
        self.line("");
        for node in &worst.tree {
            let indent = "  ".repeat(node.depth.min(12) as usize);
            let letter = node.letter.as_ref().map_or_else(String::new, |letter| format!("**{letter}** "));
            let target = if node.is_target { " **(the work under guard)**" } else { "" };
            let does: Vec<String> = words::does(node).iter().map(|part| prose(part)).collect();
            let text = match (&node.text, node.kind.as_str()) {
                (Some(text), _) => format!(": {}", code(text)),
                (None, "") => String::new(),
                (None, kind) => format!(": {}", prose(kind)),
            };
            self.line(&format!(
                "{indent}- {letter}{}{target}, {}{text}",
                code(&words::who(node)),
                does.join(", ")
            ));
            for sql in &node.rollback {
                self.line(&format!("{indent}  - ends with {}", code(sql)));
            }
        }
        self.line("");
        self.left_out(worst.tree_left_out.into(), "rows of the lock tree");
    }

    fn targets(&mut self, story: &Story) {
        self.line("## Work under guard");
        self.line("");
        if story.targets.is_empty() {
            self.line("No work came under guard.");
            self.line("");
            return;
        }
        let rows: Vec<_> = story.targets.iter().map(|target| self.target(target)).collect();
        self.table(&["found", "who", "statement", "lock", "most victims", "longest wait", "fate"], rows);
        self.left_out(story.left_out.targets, "targets");
    }

    fn target(&self, target: &Target) -> Vec<String> {
        vec![
            self.time(signed(target.found_ms)),
            format!("pid {} {}", target.pid, code(&target.application)),
            target.text.as_ref().map_or_else(|| prose(&target.kind), |text| code(text)),
            target.lock.as_ref().map_or_else(|| "none on a user relation".to_owned(), |lock| prose(lock)),
            target.most_victims.to_string(),
            target.oldest_victim_ms.map_or_else(|| "-".to_owned(), seconds),
            prose(words::fate(target)),
        ]
    }

    fn unknowns(&mut self, story: &Story) {
        self.line("## What is not known");
        self.line("");
        for gap in &story.gaps {
            let lost = gap.lost.map_or_else(String::new, |lost| format!(", {lost} lost"));
            let (from, took) =
                (self.time(signed(gap.from_ms)), seconds(gap.until_ms.saturating_sub(gap.from_ms)));
            self.line(&format!("- gap of {took} from {from}: {}{lost}", prose(&gap.why)));
        }
        if story.gaps.is_empty() {
            self.line("- no gap is in the log");
        }
        self.left_out(story.left_out.gaps, "gaps");
        for unseen in &story.not_seen {
            self.line(&format!("- could not be seen: {}", prose(unseen)));
        }
        for one in &story.not_measured {
            self.line(&format!("- {}: not measured: {}", prose(&one.what), prose(&one.why)));
        }
        self.line("");
        self.line("## Evidence");
        self.line("");
        self.line(&prose(&story.integrity.sentence));
        self.line("");
        self.line(&prose(&story.drift.sentence));
        self.line("");
        if let Some(checkpoint) = &story.integrity.checkpoint {
            for line in checkpoint {
                self.line(&format!("    {line}"));
            }
            self.line("");
        }
        self.line(&format!("Log: {}, reported by lockpit {}.", code(&story.log), story.made_by));
        self.line("");
    }

    fn timeline(&mut self, story: &Story) {
        self.line("## Timeline");
        self.line("");
        let shown = story.timeline.iter().take(MOST_ENTRIES);
        let rows: Vec<_> = shown
            .map(|entry| {
                let by = entry.by.as_ref().map_or_else(String::new, |by| format!("{}: ", code(by)));
                let added = if entry.kind == super::story::Kind::Remark { " (added afterwards)" } else { "" };
                vec![
                    self.clock.time(entry.at_ms),
                    flown(entry.at_ms),
                    format!("{}{added}", words::kind(entry.kind)),
                    format!("{by}{}", prose(&entry.text)),
                ]
            })
            .collect();
        self.table(&["UTC", "flown", "", ""], rows);
        let more = story.timeline.len().saturating_sub(MOST_ENTRIES) as u64;
        self.left_out(story.left_out.entries.saturating_add(more), "entries of the timeline");
    }

    fn left_out(&mut self, count: u64, what: &str) {
        if count > 0 {
            let _ = writeln!(self.text, "{count} more {what} are not shown here: replay the log.\n");
        }
    }
}

/// Foreign text as code: nothing in it is rendered, no name is mentioned and nothing becomes a link.
fn code(text: &str) -> String {
    let flat: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if flat.trim().is_empty() {
        return "(empty)".to_owned();
    }
    let longest = flat.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if flat.starts_with('`') || flat.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{flat}{pad}{fence}")
}

/// A sentence, as text where nothing in it could be rendered, mentioned or linked, and as code otherwise.
fn prose(text: &str) -> String {
    let plain = |c: char| {
        c.is_alphanumeric()
            || matches!(c, ' ' | ',' | ';' | '.' | '(' | ')' | '\'' | '%' | '/' | '-' | ':' | '=' | '+')
    };
    let joined = |c: char| plain(c) || c == '_';
    let links = ["://", "www.", "mailto:"].iter().any(|link| text.to_ascii_lowercase().contains(link));
    let starts_block = text.starts_with(['-', '+', '=', ' '])
        || text.starts_with(|c: char| c.is_ascii_digit()) && {
            let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
            rest.starts_with(". ") || rest.starts_with(") ")
        };
    // An emoji is written between two colons.
    let emoji = text.split(':').skip(1).any(|part| !part.is_empty() && !part.contains(' '))
        && text.matches(':').count() > 1;
    if text.chars().all(joined) && !links && !starts_block && !emoji {
        text.replace('_', "\\_")
    } else {
        code(text)
    }
}

#[cfg(test)]
mod tests {
    use super::{code, prose};

    #[test]
    fn foreign_text_is_never_rendered() {
        for hostile in [
            "<img src=x>",
            "@everyone",
            "fixes #12",
            "http://evil.example",
            "*bold*",
            "[a](b)",
            "a|b",
            ":bomb: x:y:z",
        ] {
            assert!(prose(hostile).starts_with('`'), "{hostile} became {}", prose(hostile));
        }
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("a|b\nc"), "`a|b c`");
        assert_eq!(prose("pid 7 (app) waits, 1.5 s; limit 2: no"), "pid 7 (app) waits, 1.5 s; limit 2: no");
    }
}
