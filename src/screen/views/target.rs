//! What is under guard, in a pane: what it is, whether it waits or works, whom it holds up, what stops it, at what
//! cost.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::header::tenths;
use super::parts::{Entry, entry_lines, statement};
use super::tree::lost;
use crate::engine::derive::cost::{Severity, StopCost};
use crate::engine::derive::foresight::Foresight;
use crate::engine::derive::progress::{Doing, ProgressView};
use crate::engine::derive::tree::{LockTree, Node};
use crate::engine::derive::words::plural;
use crate::engine::guard::seconds;
use crate::engine::ids::Pid;
use crate::engine::sample::State;
use crate::engine::settings::Selector;
use crate::engine::target::Target;
use crate::engine::timeline::{Event, Fate};
use crate::screen::shown::Shown;
use crate::screen::theme::Meaning;
use crate::screen::widgets::pane;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>) {
    let title = match shown.cockpit.target() {
        Some(target) => {
            let role = shown.masked("role", &shown.cockpit.catalog().role(target.role));
            let who = format!("pid {} {}", target.pid(), shown.application(&target.application));
            shown.dated(&["target", &who, &format!("role {role}")])
        }
        None => shown.dated(&["target"]),
    };
    let inside = pane::pane(frame, area, &title, false, shown);
    let entries = match shown.cockpit.target() {
        Some(target) => entries(target, shown),
        None => no_target(shown),
    };
    pane::lines(frame, inside, entry_lines(&entries, inside.width, inside.height, shown));
}

/// What is under guard, the most important first.
pub(super) fn entries(target: &Target, shown: &Shown<'_>) -> Vec<Entry> {
    let cockpit = shown.cockpit;
    let seen = shown.seen();
    let entry = |label: &str, text: String, meaning| Entry::new(label, text, shown.style(meaning), shown);
    let text = cockpit.catalog().text(target.text).map(|text| text.normalised.clone());
    let what = statement(cockpit.catalog().kind(target.text), text.as_deref(), shown);
    let mut entries = vec![entry("", what, Meaning::LockTarget), state_entry(target, shown)];
    if let Some(Err(why)) = &target.right {
        entries.push(entry("right", format!("lockpit may not stop it: {why}"), Meaning::Danger));
    }
    let victims = target.victims.len();
    let (behind, meaning) = if victims == 0 {
        ("nobody waits because of it".to_owned(), Meaning::Ok)
    } else {
        let oldest = cockpit.ages().oldest_ms(seen, target.victims.iter().copied());
        let oldest = oldest.map(|ms| format!(", oldest {}", tenths(ms))).unwrap_or_default();
        let clients = plural(victims as u64, "client");
        (format!("{clients} wait{oldest}; {}", lost(target.lost_us / 1_000)), Meaning::Danger)
    };
    entries.push(entry("behind it", behind, meaning));
    let foresight = Foresight::of(cockpit, shown.now);
    let meaning = match foresight {
        Foresight::Nothing(_) => Meaning::Warn,
        Foresight::Will(_) => Meaning::Text,
        Foresight::Now(_) => Meaning::Danger,
    };
    entries.push(entry("stopped?", foresight.sentence().to_owned(), meaning));
    if let Some(cost) = StopCost::of(cockpit, target.pid(), seen) {
        let meaning = match cost.severity {
            Severity::Nothing => Meaning::Ok,
            Severity::Work => Meaning::Text,
            _ => Meaning::Warn,
        };
        entries.push(entry("stop now", cost.sentence(), meaning));
        if !cost.clean_up.is_empty() {
            entries.push(entry("clean up", cost.clean_up.join(" "), Meaning::Text));
        }
    }
    entries.extend(progress_entry(target, shown));
    entries
}

/// Waiting or working, for what, for how long, and for whom.
fn state_entry(target: &Target, shown: &Shown<'_>) -> Entry {
    let cockpit = shown.cockpit;
    let seen = shown.seen();
    let lock = target.lock.map(|(database, relation, mode, _)| {
        format!("{mode} on {}", cockpit.catalog().relation(database, relation))
    });
    let tree = LockTree::of(cockpit, seen);
    let row = tree.row_of(target.pid()).and_then(|row| match &tree.rows[row].node {
        Node::One(one) => Some(one),
        _ => None,
    });
    let awaited = row.and_then(|one| one.awaits.as_ref()).map(|lock| format!("{} on {}", lock.mode, lock.on));
    match cockpit.ages().age_ms(seen, target.pid()) {
        Some(waited_ms) => {
            let lock = awaited.or(lock).unwrap_or_else(|| "a lock".to_owned());
            let whom = held_up_by(target, shown);
            Entry::headed("WAITING", Meaning::Warn, format!("{} for {lock}{whom}", tenths(waited_ms)), shown)
        }
        None => {
            let lock = lock.unwrap_or_else(|| "no lock of schema work".to_owned());
            let mild = if target.strong { "" } else { " (reads and writes go on)" };
            let word = if target.state == State::Active { "RUNNING" } else { target.state.name() };
            Entry::headed(word, Meaning::StateActive, format!("holds {lock}{mild}"), shown)
        }
    }
}

/// For whom a target that is seen to wait, waits.
pub(super) fn held_up_by(target: &Target, shown: &Shown<'_>) -> String {
    let tree = LockTree::of(shown.cockpit, shown.seen());
    match shown.cockpit.scene().graph.blockers_of(target.pid()) {
        [] => "; the server named nobody it waits for".to_owned(),
        [one] => format!("; held up by {}", blocker(*one, &tree, shown)),
        [first, rest @ ..] => {
            format!("; held up by {} and {} more", blocker(*first, &tree, shown), rest.len())
        }
    }
}

/// A blocker, by its letter in the tree.
fn blocker(pid: Pid, tree: &LockTree, shown: &Shown<'_>) -> String {
    let found = tree.row_of(pid).and_then(|row| match &tree.rows[row].node {
        Node::One(one) => Some(one),
        _ => None,
    });
    let Some(one) = found else { return format!("pid {pid}") };
    let letter = one.letter.as_deref().map(|letter| format!("{letter} ")).unwrap_or_default();
    let who = if pid == Pid::PREPARED { "prepared".to_owned() } else { format!("pid {pid}") };
    let age = one.xact_age_ms.map(|ms| format!(" {}", tenths(ms))).unwrap_or_default();
    format!("{letter}{who} {}, {}{age}", shown.application(&one.application), one.state_name())
}

/// How far it is, as far as anybody can tell.
pub(super) fn progress_entry(target: &Target, shown: &Shown<'_>) -> Option<Entry> {
    let view = ProgressView::of(shown.cockpit, shown.history, shown.seen());
    let plain = shown.style(Meaning::Text);
    if let Some(line) = view.lines.iter().find(|line| line.pid == target.pid()) {
        let mut text = String::new();
        if let Some(permille) = line.permille {
            let bar = shown.glyphs.bar(u64::from(permille), 1_000, 12);
            text += &format!("{}{} {}.{} % ", bar.done, bar.rest, permille / 10, permille % 10);
        }
        if let Some(eta_ms) = line.eta_ms {
            text += &format!("{} left (estimate), ", seconds(eta_ms));
        }
        text += line.phase.as_deref().unwrap_or(line.doing.words());
        if let Some((pid, since_ms)) = line.locker {
            let since = since_ms.map(|ms| format!(" for {}", seconds(ms))).unwrap_or_default();
            text += &format!(", waits for pid {pid}{since}");
        }
        return Some(Entry::new("progress", text, plain, shown));
    }
    let elapsed = view.target?;
    // That it waits, for how long and for whom, is said above.
    if elapsed.doing == Doing::WaitsForLock {
        return None;
    }
    let ran = elapsed.ms.map(|ms| format!("{} since it was sent; ", seconds(ms))).unwrap_or_default();
    let text = format!("{}, {ran}{}", elapsed.doing.words(), elapsed.why);
    Some(Entry::new("progress", text, plain, shown))
}

/// Nothing is under guard: what the last target came to, and what is looked for.
fn no_target(shown: &Shown<'_>) -> Vec<Entry> {
    let cockpit = shown.cockpit;
    let told: Vec<&Event> = cockpit
        .timeline()
        .since(0)
        .map(|(_, event)| event)
        .filter(|event| match event {
            // What a stop came to is told by its outcome.
            Event::TargetEnded { fate, .. } => *fate != Fate::Cancelled,
            Event::Trip { .. } => true,
            Event::Outcome(story) => story.is_final,
            _ => false,
        })
        .collect();
    let last = told.iter().skip(told.len().saturating_sub(3)).map(|event| {
        let (word, meaning, sentence) = super::events::event(event);
        Entry::new(word, shown.sentence(&sentence), shown.style(meaning), shown)
    });
    let advice = if cockpit.sample().is_none() {
        "no sample yet".to_owned()
    } else {
        let selector = cockpit.flight().map(|begin| begin.settings.target.clone()).unwrap_or_default();
        let whom = match selector {
            Selector::Auto => "no session".to_owned(),
            selector => format!("no session ({})", shown.masked("target", &selector.to_string())),
        };
        let verb = if shown.stale_ms().is_some() { "was" } else { "is" };
        format!("Nothing {verb} under guard: {whom} holds or awaits a lock of schema work on a user table.")
    };
    let advice = Entry::new("", advice, shown.style(Meaning::Muted), shown);
    // What has just happened comes before what does not.
    last.chain(std::iter::once(advice)).collect()
}
