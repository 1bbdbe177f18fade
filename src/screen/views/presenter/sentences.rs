//! What happens, in sentences that name nobody.
//!
//! Owns who waits for whom in one or two sentences: pids, kinds of statements, relations, masked names.

use crate::engine::derive::lookup::Lookup;
use crate::engine::derive::reach::Reach;
use crate::engine::derive::tree::LockTree;
use crate::engine::derive::words::plural;
use crate::engine::ids::Pid;
use crate::engine::sample::State;
use crate::engine::steps::{Course, Steps};
use crate::screen::shown::Shown;
use crate::screen::theme::Meaning;
use crate::screen::views::activity::thousands;
use crate::screen::views::header::tenths;
use crate::screen::views::plan::words::at_hand;

/// What happens, in one or two sentences.
pub(super) fn happening(shown: &Shown<'_>) -> Vec<(String, Meaning)> {
    let cockpit = shown.cockpit;
    let Some(look) = Lookup::of(cockpit) else {
        return vec![("Nothing is known yet: there is no sample.".to_owned(), Meaning::Unknown)];
    };
    let tree = LockTree::of(cockpit, shown.seen());
    let graph = &cockpit.scene().graph;
    let mut sentences = Vec::new();
    if let Some(steps) = cockpit.steps() {
        sentences.push(plan(steps, shown));
    }
    if let Some(target) = cockpit.target() {
        let pid = target.pid();
        let kind = cockpit.catalog().kind(target.text);
        let relation = target.lock.map(|(database, relation, ..)| {
            format!(" on {}", cockpit.catalog().relation(database, relation))
        });
        let what = format!("{kind}{} (pid {pid})", relation.unwrap_or_default());
        let behind = target.victims.len() as u64;
        match cockpit.ages().age_ms(shown.seen(), pid) {
            Some(waited_ms) => {
                let whom = match graph.blockers_of(pid) {
                    [] => "somebody the server did not name".to_owned(),
                    [one] => blocker(*one, &look, shown),
                    [first, rest @ ..] => {
                        format!("{} and {} more", blocker(*first, &look, shown), rest.len())
                    }
                };
                let text = format!("{what} has waited {} for {whom}.", tenths(waited_ms));
                sentences.push((text, Meaning::Warn));
            }
            None => {
                let doing = if target.strong { "is at work" } else { "is at work; reads and writes go on" };
                sentences.push((format!("{what} {doing}."), Meaning::Text));
            }
        }
        sentences.push(match behind {
            0 => ("Nobody waits because of it.".to_owned(), Meaning::Ok),
            1 => ("1 session waits because of it.".to_owned(), Meaning::Danger),
            _ => (format!("{} sessions wait because of it.", thousands(behind)), Meaning::Danger),
        });
        return sentences;
    }
    if tree.waiting == 0 {
        sentences.push(("Nothing is under guard, and nobody waits for a lock.".to_owned(), Meaning::Ok));
        return sentences;
    }
    let reach = Reach::of(graph);
    let worst = graph.roots().max_by_key(|pid| (reach.behind(*pid), std::cmp::Reverse(*pid)));
    let text = match worst {
        Some(root) => {
            let behind = u64::from(reach.behind(root));
            let who = blocker(root, &look, shown);
            format!("Nothing is under guard. {} for {who}.", waiters(behind))
        }
        None => {
            format!("Nothing is under guard. {}, and for whom is not known.", waiters(tree.waiting.into()))
        }
    };
    sentences.push((text, Meaning::Warn));
    sentences
}

/// Where the plan is, and whether it waits for a person.
fn plan(steps: &Steps, shown: &Shown<'_>) -> (String, Meaning) {
    let course = steps.course();
    if let Some((_, question)) = steps.question() {
        return (format!("The plan waits for an answer: {question}"), Meaning::Warn);
    }
    let meaning = match course {
        Course::Halted { .. } => Meaning::Danger,
        Course::Held { .. } => Meaning::Warn,
        Course::Preparing | Course::Flying | Course::Over { .. } => Meaning::Text,
    };
    (format!("The plan is {}, {}.", course.word(), at_hand(steps, shown.now)), meaning)
}

fn waiters(number: u64) -> String {
    let verb = if number == 1 { "waits" } else { "wait" };
    format!("{} {verb}", plural(number, "session"))
}

/// Who blocks, and what it does: by pid and masked name.
fn blocker(pid: Pid, look: &Lookup<'_>, shown: &Shown<'_>) -> String {
    if pid == Pid::PREPARED {
        return "a prepared transaction, which has no process".to_owned();
    }
    let Some(backend) = look.backend(pid) else { return format!("pid {pid}, which is not in the activity") };
    let held = look.held(pid).map(|lock| format!(" on {}", look.words(lock).on)).unwrap_or_default();
    let age = backend.xact_start.map(|start| tenths(look.age_ms(shown.seen(), start)));
    let age = age.map(|age| format!(" for {age}")).unwrap_or_default();
    let does = match backend.state {
        State::Active => {
            format!("runs {}{held}{age}", look.text(pid).map_or("an unknown statement", |text| &text.kind))
        }
        State::Masked => "whose state is hidden from this login".to_owned(),
        state => format!("is {}{age}, and holds a lock{held}", state.name()),
    };
    let which = if backend.state == State::Masked { "" } else { "which " };
    format!("pid {pid} {}, {which}{does}", shown.application(&backend.application))
}
