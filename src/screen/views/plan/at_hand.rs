//! What must be known of the step at hand.
//!
//! Owns which facts there are, in which order they stand and which give way where there is little room.

use ratatui::text::Line;

use super::words::{data, data_meaning, holder, locks, own_target, stop_now, way_out};
use crate::engine::derive::foresight::Foresight;
use crate::engine::derive::words::plural;
use crate::engine::guard::seconds;
use crate::engine::plan::order::Way;
use crate::engine::plan::{PlanStep, Work};
use crate::engine::steps::{Course, Glance, Stage, StepState, Steps};
use crate::screen::action::Action;
use crate::screen::shown::Shown;
use crate::screen::theme::Meaning;
use crate::screen::views::header::tenths;
use crate::screen::views::parts::{Entry, statement};
use crate::screen::views::target;
use crate::screen::views::tree::lost;

/// A look is told with its age once it is older than this, in milliseconds.
const OLD_LOOK_MS: u64 = 2_000;

/// A fact, and how soon it gives way: the higher, the sooner.
pub(super) struct Ranked {
    rank: u8,
    entry: Entry,
}

/// The most lines of a fact that must be read whole, while others have none yet.
const MOST_LINES: usize = 3;

/// Facts in a given space, in their order. What matters most is read whole, before others get a line at all.
pub(super) fn lay_out(facts: &[Ranked], width: u16, height: usize, shown: &Shown<'_>) -> Vec<Line<'static>> {
    let wrapped: Vec<Vec<Line<'static>>> = facts.iter().map(|it| it.entry.wrapped(width)).collect();
    let mut places: Vec<usize> = (0..facts.len()).collect();
    places.sort_by_key(|place| (facts[*place].rank, *place));
    let mut given = vec![0_usize; facts.len()];
    let mut left = height;
    for is_second_round in [false, true] {
        for &place in &places {
            let needed = wrapped[place].len();
            let whole = is_second_round || (facts[place].rank < 2 && needed <= MOST_LINES);
            let most = if whole { needed } else { 1 };
            if most > given[place] && most - given[place] <= left {
                left -= most - given[place];
                given[place] = most;
            } else if given[place] == 0 && left > 0 {
                left -= 1;
                given[place] = 1;
            }
        }
    }
    let lines = facts.iter().zip(wrapped).zip(given).flat_map(|((fact, wrapped), given)| match given {
        0 => Vec::new(),
        given if given == wrapped.len() => wrapped,
        _ => vec![fact.entry.cut(width, shown)],
    });
    lines.collect()
}

/// What must be known of the step at hand.
pub(super) fn entries(steps: &Steps, shown: &Shown<'_>) -> Vec<Ranked> {
    let Some(number) = steps.current() else { return Vec::new() };
    let (Some(step), Some(state)) = (steps.mission().plan.steps.get(number), steps.at_hand()) else {
        return Vec::new();
    };
    let mut list = List::new(shown);
    let is_halted = match steps.course() {
        Course::Halted { why, .. } | Course::Held { why } | Course::Over { why, .. } => {
            why.contains(&state.reason)
        }
        _ => false,
    };
    match &step.work {
        Work::Sql { .. } => sql(&mut list, steps, step, state),
        Work::Gate(_) => gate(&mut list, steps, step, state),
        Work::Program { program, limit_ms } => {
            let text = match steps.glance() {
                Glance::Program { since } => {
                    format!(
                        "{program}, for {} of at most {}",
                        tenths(shown.age_ms(since)),
                        seconds(*limit_ms)
                    )
                }
                _ => format!("{program}, for at most {}", seconds(*limit_ms)),
            };
            list.push(1, "program", text, Meaning::Text);
        }
        Work::Backfill { table } => list.push(1, "fills", table.clone(), Meaning::Text),
    }
    let is_told = match state.stage {
        // Said by whom it waits for.
        Stage::Acquiring => state.look.is_some(),
        _ => {
            is_halted
                || matches!(
                    steps.glance(),
                    Glance::Gate { .. } | Glance::Program { .. } | Glance::Trying { .. }
                )
        }
    };
    if !state.reason.is_empty() && !is_told {
        let meaning = match state.stage {
            Stage::Failed => Meaning::Danger,
            Stage::Stopped | Stage::Paused => Meaning::Warn,
            _ => Meaning::Text,
        };
        list.push(1, "why", shown.sentence(&state.reason), meaning);
    }
    behind(&mut list, steps);
    if !steps.course().is_over() || steps.is_trying() {
        let (text, meaning) = stop_now(steps, shown.cockpit);
        list.push(0, "stop now", text, meaning);
    }
    list.entries
}

/// Facts, being gathered.
pub(super) struct List<'a> {
    entries: Vec<Ranked>,
    pub(super) shown: &'a Shown<'a>,
}

impl<'a> List<'a> {
    pub(super) fn new(shown: &'a Shown<'a>) -> List<'a> {
        List { entries: Vec::new(), shown }
    }

    pub(super) fn into_facts(self) -> Vec<Ranked> {
        self.entries
    }

    pub(super) fn push(&mut self, rank: u8, label: &str, text: impl Into<String>, meaning: Meaning) {
        self.add(rank, Entry::new(label, text, self.shown.style(meaning), self.shown));
    }

    /// All of it in the style of its word.
    pub(super) fn loud(&mut self, rank: u8, word: &str, meaning: Meaning, text: impl Into<String>) {
        self.add(rank, Entry::loud(word, meaning, text, self.shown));
    }

    pub(super) fn headed(&mut self, rank: u8, word: &str, meaning: Meaning, text: impl Into<String>) {
        self.add(rank, Entry::headed(word, meaning, text, self.shown));
    }

    fn add(&mut self, rank: u8, entry: Entry) {
        self.entries.push(Ranked { rank, entry });
    }
}

fn sql(list: &mut List<'_>, steps: &Steps, step: &PlanStep, state: &StepState) {
    let shown = list.shown;
    if steps.way() != Some(Way::CleanUp) {
        list.push(2, "", said(steps, step, state, shown), Meaning::LockTarget);
    }
    let Some(forecast) = state.forecast.as_deref() else { return };
    list.push(4, "locks", locks(forecast), Meaning::Text);
    if let Some(data) = data(forecast) {
        list.push(3, "data", data, data_meaning(forecast));
    }
    if !forecast.unknown.is_empty() {
        list.push(3, "unknown", forecast.unknown.join("; "), Meaning::Unknown);
    }
    waits(list, steps, state);
}

/// The statement at hand, and which of how many it is.
fn said(steps: &Steps, step: &PlanStep, state: &StepState, shown: &Shown<'_>) -> String {
    let parts = match (&step.work, steps.way()) {
        (_, Some(Way::Undo)) => &step.undo,
        (Work::Sql { parts, .. }, _) => parts,
        _ => return String::new(),
    };
    let mut before = Vec::new();
    if steps.way() == Some(Way::Undo) {
        before.push("UNDO".to_owned());
    }
    if let Some(item) = state.items.get(state.item as usize) {
        before.push(item.name.clone());
    }
    let part = match steps.way() {
        Some(_) => steps.part(),
        None => parts.get(state.part as usize).cloned(),
    };
    let Some(part) = part else { return before.join(" ") };
    if parts.len() > 1 && steps.way() != Some(Way::Undo) {
        before.push(format!("part {} of {}", state.part + 1, parts.len()));
    }
    let all = part.statements.len();
    let at = (state.statement as usize).min(all.saturating_sub(1));
    if all > 1 {
        before.push(format!("statement {} of {all}", at + 1));
    }
    let text = part.statements.get(at).map(|it| statement(&it.form.kind, Some(&it.said), shown));
    let before = if before.is_empty() { String::new() } else { format!("{}: ", before.join(", ")) };
    format!("{before}{}", text.unwrap_or_default())
}

/// How long it waits, for whom, and what a person can do about that; or how far it is.
fn waits(list: &mut List<'_>, steps: &Steps, state: &StepState) {
    let shown = list.shown;
    let own = own_target(steps, shown);
    let mut words = Vec::new();
    let mut is_waiting = state.stage == Stage::Acquiring;
    if let Glance::Trying { sent, wait_ms, locked, stopping } = steps.glance() {
        is_waiting = locked.is_none() && wait_ms.is_some();
        let stopping = if stopping { "it is being stopped; " } else { "" };
        let waited = own.and_then(|own| shown.cockpit.ages().age_ms(shown.seen(), own.pid()));
        if let (Some(own), Some(waited_ms), None) = (own, waited, locked) {
            // It is seen in the queue: the server says for whom.
            let (waited_ms, most) = match wait_ms {
                Some(wait_ms) => (shown.age_ms(sent), format!(" of {} at most", seconds(wait_ms))),
                None => (waited_ms, String::new()),
            };
            let whom = target::held_up_by(own, shown);
            let text = format!("{stopping}{}{most}{whom}", tenths(waited_ms));
            list.push(1, "waits", text, Meaning::Warn);
            keys(list, state);
            return;
        }
        match (wait_ms, locked) {
            (Some(wait_ms), None) => {
                words.push(format!(
                    "{stopping}{} of {} at most",
                    tenths(shown.age_ms(sent)),
                    seconds(wait_ms)
                ));
            }
            (Some(_), Some(locked)) => {
                let text = format!("{stopping}it has held its locks for {}", tenths(shown.age_ms(locked)));
                list.push(1, "works", text, Meaning::Warn);
            }
            (None, _) if own.is_none() && queued_ms(steps, shown).is_some() => {
                let waited = queued_ms(steps, shown).map(tenths).unwrap_or_default();
                let text = format!("{stopping}{waited}, without a time limit: the lock tree says for whom");
                list.push(1, "waits", text, Meaning::Warn);
            }
            (None, _) => {
                let text = format!(
                    "{stopping}{}, without a time limit: reads and writes go on",
                    tenths(shown.age_ms(sent))
                );
                list.push(1, "works", text, Meaning::Text);
            }
        }
        if !is_waiting {
            if let Some(entry) = own.and_then(|own| target::progress_entry(own, shown)) {
                list.add(2, entry);
            }
            return;
        }
    }
    if !is_waiting && matches!(steps.course(), Course::Flying | Course::Over { .. }) {
        return;
    }
    let Some((at, look)) = state.look.as_deref() else {
        if !words.is_empty() {
            list.push(1, "waits", words.join("; "), Meaning::Text);
        }
        return;
    };
    let age_ms = shown.age_ms(*at);
    let when = if age_ms > OLD_LOOK_MS { format!(" (as of {} ago)", tenths(age_ms)) } else { String::new() };
    let mut meaning = Meaning::Text;
    match look.holders.first() {
        None => words.push(format!("nobody held what it needs{when}")),
        Some(oldest) => {
            meaning = Meaning::Warn;
            let more = match look.in_all.saturating_sub(1) {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            let (who, holds) = holder(oldest, look, state.forecast.as_deref(), shown);
            words.push(format!("for {who}{more}{when}, which {holds}"));
        }
    }
    if look.queued > 0 {
        words.push(format!("{} in the queue already", plural(u64::from(look.queued), "session")));
    }
    list.push(1, "waits", words.join("; "), meaning);
    keys(list, state);
}

/// How long the session of the plan has been waiting for a lock, whether it is under guard or not, in milliseconds.
fn queued_ms(steps: &Steps, shown: &Shown<'_>) -> Option<u64> {
    shown.cockpit.ages().age_ms(shown.seen(), steps.runner()?.pid)
}

/// What a person can do about the oldest holder.
fn keys(list: &mut List<'_>, state: &StepState) {
    let oldest = state.look.as_deref().and_then(|(_, look)| look.holders.first());
    if let Some(oldest) = oldest {
        let text = way_out(oldest, list.shown);
        list.push(3, "you may", text, Meaning::Text);
    }
}

fn gate(list: &mut List<'_>, steps: &Steps, step: &PlanStep, state: &StepState) {
    let shown = list.shown;
    match steps.question() {
        Some((_, question)) => {
            let key = shown.keymap.key(Action::OpenGate);
            list.loud(
                0,
                "WAITS FOR YOU:",
                Meaning::Warn,
                format!("{question} Press {key}, then type {}", step.id),
            );
            let rest = state.reason.replace(&format!("a person: {question}"), "a person");
            if rest != "waits for a person" {
                list.push(1, "gate", rest, Meaning::Text);
            }
        }
        // Its reason tells why it is held, and stands above.
        None if !state.reason.is_empty() && state.stage != Stage::Paused => {
            list.push(0, "gate", state.reason.clone(), Meaning::Text);
        }
        None => {
            if let Work::Gate(gate) = &step.work
                && let Some(ask) = &gate.ask
            {
                list.push(0, "gate", ask.clone(), Meaning::Text);
            } else if state.stage == Stage::Paused {
                list.push(0, "gate", "begins anew once the plan goes on", Meaning::Text);
            }
        }
    }
}

/// Who waits because of it, and what would stop it.
fn behind(list: &mut List<'_>, steps: &Steps) {
    let shown = list.shown;
    let Some(target) = shown.cockpit.target() else { return };
    let Some(own) = own_target(steps, shown) else {
        let who = format!("pid {} {}", target.pid(), shown.application(&target.application));
        list.push(4, "guarded", format!("{who}, which is not this plan's"), Meaning::Warn);
        return;
    };
    if let Some(Err(why)) = &own.right {
        list.push(1, "right", format!("lockpit may not stop it: {why}"), Meaning::Danger);
    }
    if !own.victims.is_empty() {
        let oldest = shown.cockpit.ages().oldest_ms(shown.seen(), own.victims.iter().copied());
        let oldest = oldest.map(|ms| format!(", oldest {}", tenths(ms))).unwrap_or_default();
        let clients = plural(own.victims.len() as u64, "client");
        let text = format!("{clients} wait because of it{oldest}; {}", lost(own.lost_us / 1_000));
        list.push(1, "behind it", text, Meaning::Danger);
    }
    let foresight = Foresight::of(shown.cockpit, shown.now);
    let meaning = match foresight {
        Foresight::Nothing(_) => Meaning::Warn,
        Foresight::Will(_) => Meaning::Text,
        Foresight::Now(_) => Meaning::Danger,
    };
    list.push(6, "stopped?", foresight.sentence().to_owned(), meaning);
}
