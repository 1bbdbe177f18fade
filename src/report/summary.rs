//! What a reader of a report must know before anything else, in a few lines.
//!
//! Owns what happened, who was in the way, who was hit, what was done and what is left, in words that every format
//! shares. Takes all of it from the story; where the log does not tell, it says so.

use super::story::{Node, Story, Target};
use super::words;
use crate::engine::derive::words::plural;
use crate::engine::guard::seconds;

/// The most of a kind that are named; the sections below have the rest.
const MOST: usize = 3;

/// One line: what it is about, and what is to be said.
pub(super) struct Line {
    pub(super) about: &'static str,
    pub(super) text: String,
}

/// The lines, in the order of a reader's questions.
pub(super) fn lines(story: &Story) -> Vec<Line> {
    let mut lines = vec![Line { about: "what ran", text: ran(story) }];
    lines.extend(in_the_way(story).map(|text| Line { about: "in its way", text }));
    lines.push(Line { about: "who was hit", text: hit(story) });
    lines.push(Line { about: "what was done", text: done(story) });
    lines.push(Line { about: "what is left", text: left(story) });
    lines
}

fn ran(story: &Story) -> String {
    if let Some(plan) = &story.plan {
        let done = plan.steps.iter().filter(|step| step.stage == "done").count();
        return format!("the plan {}: {done} of {} done", plan.name, plural(plan.steps.len() as u64, "step"));
    }
    let mut targets: Vec<&Target> = story.targets.iter().collect();
    if targets.is_empty() {
        return as_far(story, "no work came under guard");
    }
    // Those that hurt come first.
    targets.sort_by_key(|target| std::cmp::Reverse(target.most_victims));
    let words = targets.iter().take(MOST).map(|target| {
        let lock = target.lock.as_deref().map_or(String::new(), |lock| format!(", {lock}"));
        format!("{} by {}{lock}; {}", target.kind, pid(target), words::fate(target))
    });
    more(&words.collect::<Vec<_>>(), targets.len(), story.left_out.targets)
}

fn pid(target: &Target) -> String {
    match target.application.as_str() {
        "" => format!("pid {} (no name)", target.pid),
        name => format!("{name} (pid {})", target.pid),
    }
}

/// Whom the work under guard itself waited for, at the worst moment.
fn in_the_way(story: &Story) -> Option<String> {
    let tree = &story.worst.as_ref()?.tree;
    let is_root = |node: &&Node| node.depth == 0 && node.behind > 0 && !node.is_target;
    let roots: Vec<&Node> = tree.iter().filter(is_root).collect();
    if roots.is_empty() || !tree.iter().any(|node| node.is_target && node.depth > 0) {
        return None;
    }
    let words = roots.iter().take(MOST).map(|root| {
        let state = if root.state.is_empty() { String::new() } else { format!(", {}", root.state) };
        format!("{}{state}", words::who(root))
    });
    Some(more(&words.collect::<Vec<_>>(), roots.len(), 0))
}

fn hit(story: &Story) -> String {
    let blast = &story.blast;
    if blast.most_victims == 0 {
        return as_far(story, "nobody was seen to wait behind the work under guard");
    }
    let sessions = blast.sessions.map_or_else(
        || "more sessions than can be told apart".to_owned(),
        |sessions| plural(sessions.into(), "session"),
    );
    let mut applications = blast.applications.iter();
    let named: Vec<String> = applications
        .by_ref()
        .take(MOST)
        .map(|hit| {
            let name = if hit.application.is_empty() { "(no name)" } else { &hit.application };
            format!("{name} {}", hit.sessions)
        })
        .collect();
    let rest = applications.count();
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    let oldest = blast.oldest_ms.map_or_else(
        || "for how long is not known".to_owned(),
        |ms| format!("the longest for {}", seconds(ms)),
    );
    let who = if named.is_empty() { String::new() } else { format!(" ({}{rest})", named.join(", ")) };
    format!("{sessions}{who}, {oldest}")
}

fn done(story: &Story) -> String {
    if story.stops.is_empty() {
        return as_far(story, "nothing was stopped");
    }
    let words = story.stops.iter().take(MOST).map(|stop| {
        let drained = stop.drained_ms.map_or(String::new(), |ms| format!(" after {}", seconds(ms)));
        format!(
            "stop {} of pid {} by {}: {}{drained}",
            stop.number,
            stop.pid,
            words::cause(stop),
            words::result(stop)
        )
    });
    more(&words.collect::<Vec<_>>(), story.stops.len(), story.left_out.stops)
}

fn left(story: &Story) -> String {
    let open = story.plan.iter().flat_map(|plan| &plan.clean_ups).filter(|offer| offer.stage != "done");
    let open: Vec<String> = open.map(|offer| offer.sentence.clone()).collect();
    match open.is_empty() {
        true => left_by_stops(story),
        false => more(&open[..open.len().min(MOST)], open.len(), 0),
    }
}

fn left_by_stops(story: &Story) -> String {
    let costs: Vec<_> = story.stops.iter().filter_map(|stop| stop.cost.as_ref()).collect();
    if story.stops.is_empty() {
        return match is_partial(story) {
            true => "not known: the log could not be read to the end of the flight",
            false => "nothing by a stop: there was none",
        }
        .to_owned();
    }
    if costs.len() < story.stops.len() {
        return "not known of every stop: look at each below".to_owned();
    }
    let mut leaves: Vec<String> = Vec::new();
    for cost in costs {
        let clean_up = if cost.clean_up.is_empty() { "" } else { "; how to clean up is below" };
        let text = format!("{}{clean_up}", cost.leaves);
        if !leaves.contains(&text) {
            leaves.push(text);
        }
    }
    let all = leaves.len();
    leaves.truncate(MOST);
    format!("{}, judged from the last sample before the stop", more(&leaves, all, 0))
}

fn is_partial(story: &Story) -> bool {
    story.integrity.is_altered || story.integrity.is_torn
}

/// That something was not seen, which is no more than the log can tell.
fn as_far(story: &Story, text: &str) -> String {
    format!("{text}{}", if is_partial(story) { ", as far as the log could be read" } else { "" })
}

fn more(words: &[String], all: usize, left_out: u64) -> String {
    let rest = (all as u64).saturating_sub(words.len() as u64).saturating_add(left_out);
    let rest = if rest > 0 { format!("; and {rest} more") } else { String::new() };
    words.join("; ") + &rest
}
