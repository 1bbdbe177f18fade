//! What a step waits for that is no lock: people, queries, programs, time.
//!
//! Owns gates, the programs of steps, the checks after a step, and the invariants around all of them.

use super::job::{Doing, GateCheck, GateState, Job};
use super::{Asking, Course, Ending, Opened, Sight, Stage, Steps, Turn};
use crate::engine::guard::seconds;
use crate::engine::ids::At;
use crate::engine::plan::order::{Answer, Ask, Order};
use crate::engine::plan::{CheckKind, Gate, PlanStep, Work};
use crate::engine::sample::Fact;
use crate::engine::timeline::Event;

/// After so many questions that went down with their session none follows: they may be what ends it.
const MOST_UNANSWERED: u32 = 5;

impl Steps {
    pub(super) fn open_gate(&mut self, sight: &Sight, number: u32, gate: &Gate, turn: &mut Turn) {
        let id = self.step(number).map(|step| step.id.clone()).unwrap_or_default();
        let approved = self.mission.approved.contains(&id);
        if gate.ask.is_some() && !approved && self.mission.unattended {
            let why = format!("nobody is there to answer, and it was not approved: --approve {id}");
            self.fails(sight, why, turn);
            return;
        }
        let check = if gate.check.is_some() { GateCheck::Asked } else { GateCheck::Passed };
        let state = GateState {
            since: sight.at,
            answered: gate.ask.is_none() || approved,
            check: check.clone(),
            soaking: None,
        };
        self.doing(Doing::Gate(state.clone()));
        if check == GateCheck::Asked {
            Steps::order(turn, Order::Ask { ask: Ask::Gate { step: number } });
        }
        let mut reason = Steps::waits_for(gate, &state);
        if approved && gate.ask.is_some() {
            if let Some(state) = self.states.get_mut(number as usize) {
                state.opened = Some(Opened { at: sight.at, by: "the command line, in advance".to_owned() });
            }
            reason = format!("approved on the command line; {reason}");
        }
        self.enter(sight.at, number, Stage::Running, reason, turn);
        self.watch_gate(sight, state, turn);
    }

    /// What a gate waits for, for people.
    fn waits_for(gate: &Gate, state: &GateState) -> String {
        let mut waits = Vec::new();
        match &state.check {
            GateCheck::Again(_, said) => waits.push(format!("its query, which says {said}")),
            GateCheck::Asked => waits.push("its query".to_owned()),
            GateCheck::Passed => {}
        }
        if let Some(soak_ms) = gate.soak_ms {
            waits.push(format!("{} without a trip", seconds(soak_ms)));
        }
        // The question ends with a mark of its own: nothing follows it.
        if let Some(ask) = gate.ask.as_ref().filter(|_| !state.answered) {
            waits.push(format!("a person: {ask}"));
        }
        if waits.is_empty() { "open".to_owned() } else { format!("waits for {}", waits.join("; ")) }
    }

    fn gate(&self, number: u32) -> Option<&Gate> {
        match &self.step(number)?.work {
            Work::Gate(gate) => Some(gate),
            _ => None,
        }
    }

    pub(super) fn gate_deadline(&self, state: &GateState, step: &PlanStep) -> Option<At> {
        let Work::Gate(gate) = &step.work else { return None };
        if self.course != Course::Flying {
            return None;
        }
        let limit = gate.limit_ms.map(|limit_ms| state.since.plus_ms(limit_ms));
        let again = match &state.check {
            GateCheck::Again(at, _) => Some(*at),
            GateCheck::Asked | GateCheck::Passed => None,
        };
        let soaked = gate.soak_ms.and_then(|soak_ms| Some(state.soaking?.plus_ms(soak_ms)));
        [limit, again, soaked].into_iter().flatten().min()
    }

    /// Opens the gate when all it waits for is there.
    pub(super) fn watch_gate(&mut self, sight: &Sight, mut state: GateState, turn: &mut Turn) {
        let Some(number) = self.job.as_ref().map(|job| job.unit.step) else { return };
        let Some(gate) = self.gate(number).cloned() else { return };
        if self.course != Course::Flying {
            return;
        }
        if let Some(limit_ms) = gate.limit_ms
            && sight.at >= state.since.plus_ms(limit_ms)
        {
            let why = format!("closed for {}: {}", seconds(limit_ms), Steps::waits_for(&gate, &state));
            self.fails(sight, why, turn);
            return;
        }
        if let GateCheck::Again(at, _) = &state.check
            && sight.at >= *at
        {
            state.check = GateCheck::Asked;
            Steps::order(turn, Order::Ask { ask: Ask::Gate { step: number } });
        }
        let rest = state.answered && state.check == GateCheck::Passed;
        if !rest || sight.tripped || sight.stop.is_some() || sight.blind.is_some() {
            // A soak begins anew after harm, and after a time in which harm could not have been seen.
            state.soaking = None;
        } else {
            state.soaking.get_or_insert(sight.at);
        }
        let soaked = state.soaking.is_some_and(|since| sight.at.ms_since(since) >= gate.soak_ms.unwrap_or(0));
        if rest && soaked {
            self.check(sight, 0, turn);
            return;
        }
        let reason = match (state.soaking, gate.soak_ms) {
            (Some(_), Some(soak_ms)) => format!("soaks for {}", seconds(soak_ms)),
            _ => Steps::waits_for(&gate, &state),
        };
        self.doing(Doing::Gate(state));
        self.enter(sight.at, number, Stage::Running, reason, turn);
    }

    /// A query of the plan was answered.
    pub(super) fn asked(&mut self, sight: &Sight, ask: Ask, answer: &Fact<Answer>, turn: &mut Turn) {
        match ask {
            Ask::Invariant { invariant } => self.invariant_asked(sight, invariant, answer, turn),
            Ask::Gate { step } => {
                let Some(Job { unit, doing: Doing::Gate(state), .. }) = &self.job else { return };
                if unit.step != step || state.check != GateCheck::Asked {
                    return;
                }
                let mut state = state.clone();
                let every_ms = self.gate(step).map_or(1_000, |gate| gate.every_ms);
                state.check = match answer {
                    Fact::Known(answer) if answer.holds => GateCheck::Passed,
                    Fact::Known(answer) => GateCheck::Again(sight.at.plus_ms(every_ms), answer.said.clone()),
                    Fact::Missing(why) => GateCheck::Again(sight.at.plus_ms(every_ms), why.clone()),
                };
                self.watch_gate(sight, state, turn);
            }
            Ask::Check { step, check } => {
                let is_asked = matches!(&self.job, Some(Job { unit, doing: Doing::Checking { check: asked }, .. })
                    if unit.step == step && *asked == check);
                if is_asked {
                    self.checked(sight, step, check, answer, turn);
                }
            }
        }
    }

    /// The checks of the plan from this one on; after the last one the unit is done.
    pub(super) fn check(&mut self, sight: &Sight, check: u32, turn: &mut Turn) {
        let Some(step) = self.job.as_ref().map(|job| job.unit.step) else { return };
        let name = self.step(step).and_then(|step| step.checks.get(check as usize)).map(|it| it.name.clone());
        let Some(name) = name else {
            self.unit_done(sight, step, turn);
            return;
        };
        self.enter(sight.at, step, Stage::Verifying, format!("checks {name}"), turn);
        self.doing(Doing::Checking { check });
        Steps::order(turn, Order::Ask { ask: Ask::Check { step, check } });
    }

    fn checked(&mut self, sight: &Sight, step: u32, check: u32, answer: &Fact<Answer>, turn: &mut Turn) {
        let Some(asked) = self.step(step).and_then(|step| step.checks.get(check as usize)).cloned() else {
            return;
        };
        let wrong = match (answer, &asked.kind) {
            (Fact::Missing(why), _) => Some(format!("could not be asked: {why}")),
            (Fact::Known(answer), CheckKind::UsesIndex(index)) => (!mentions(&answer.said, index))
                .then(|| format!("the plan of the query does not use {index}")),
            (Fact::Known(answer), _) => (!answer.holds).then(|| format!("says {}", answer.said)),
        };
        match wrong {
            None => self.check(sight, check + 1, turn),
            Some(wrong) => self.fails(sight, format!("check {}: {wrong}", asked.name), turn),
        }
    }

    pub(super) fn watch_program(&mut self, sight: &Sight, since: At, told: bool, turn: &mut Turn) {
        let Some(number) = self.job.as_ref().map(|job| job.unit.step) else { return };
        let Some(Work::Program { limit_ms, .. }) = self.step(number).map(|step| &step.work) else { return };
        if !told && sight.at >= since.plus_ms(*limit_ms) {
            let why = format!("it runs for longer than its {}: it is ended", seconds(*limit_ms));
            self.enter(sight.at, number, Stage::Running, why, turn);
            self.end_program(turn);
        }
    }

    /// Ends the program of the step at hand.
    pub(super) fn end_program(&mut self, turn: &mut Turn) {
        let Some(Job { unit, doing: Doing::Program { told_to_end, .. }, .. }) = self.job.as_mut() else {
            return;
        };
        if !std::mem::replace(told_to_end, true) {
            let step = unit.step;
            Steps::order(turn, Order::EndProgram { step });
        }
    }

    pub(super) fn program_over(
        &mut self,
        sight: &Sight,
        step: u32,
        end: &Fact<i32>,
        output: &str,
        turn: &mut Turn,
    ) {
        let Some(Job { unit, doing: Doing::Program { told_to_end, .. }, .. }) = &self.job else { return };
        if unit.step != step {
            return;
        }
        let was_ended = *told_to_end;
        if !output.is_empty() {
            let warning = *end != Fact::Known(0);
            turn.events.push(Event::Note { warning, text: format!("its program wrote: {output}") });
        }
        match end {
            Fact::Known(0) => self.check(sight, 0, turn),
            Fact::Known(code) => {
                let said = last_words(output).map(|said| format!(": {said}")).unwrap_or_default();
                self.fails(sight, format!("its program ended with {code}{said}"), turn);
            }
            Fact::Missing(why) if was_ended => {
                self.fails(sight, format!("its program was ended: {why}"), turn);
            }
            Fact::Missing(why) => self.fails(sight, why.clone(), turn),
        }
    }

    /// The invariants are asked one by one: before the first step, and after the last.
    pub(super) fn ask_invariants(&mut self, sight: &Sight, after: bool, turn: &mut Turn) {
        self.asking = Some(Asking { invariant: 0, after, lost: 0 });
        self.ask_invariant(sight, turn);
    }

    fn ask_invariant(&mut self, sight: &Sight, turn: &mut Turn) {
        let Some(Asking { invariant, after, .. }) = self.asking else { return };
        if (invariant as usize) < self.mission.plan.invariants.len() {
            Steps::order(turn, Order::Ask { ask: Ask::Invariant { invariant } });
            return;
        }
        self.asking = None;
        if after {
            self.complete(turn);
        } else {
            self.reconcile(sight, turn);
        }
    }

    /// A session is open again: what its predecessor took along is asked once more.
    pub(super) fn ask_again(&mut self, sight: &Sight, turn: &mut Turn) {
        if let Some(asking) = self.asking.as_mut() {
            asking.lost += 1;
            if asking.lost >= MOST_UNANSWERED {
                let why =
                    format!("the session was lost {MOST_UNANSWERED} times while an invariant was asked");
                self.halt(Ending::Failed, why, turn);
            } else {
                self.ask_invariant(sight, turn);
            }
            return;
        }
        let Some(job) = self.job.as_mut() else { return };
        let (unit, doing) = (job.unit, job.doing.clone());
        let waits = match &doing {
            Doing::Gate(gate) => gate.check != GateCheck::Asked,
            doing => matches!(doing, Doing::Waiting { .. } | Doing::Program { .. } | Doing::Trying(_)),
        };
        if waits {
            return;
        }
        job.unanswered += 1;
        if job.unanswered >= MOST_UNANSWERED {
            let why = format!("its session was lost {MOST_UNANSWERED} times while the server was asked");
            self.fails(sight, why, turn);
            return;
        }
        match doing {
            Doing::Items => Steps::order(turn, Order::Items { step: unit.step }),
            Doing::Surveying | Doing::Looking => self.survey(sight, turn),
            Doing::Verifying { .. } | Doing::Scanning { .. } => {
                if let Some((relations, expects)) = self.wanted(unit) {
                    Steps::order(turn, Order::Survey { unit, relations, expects });
                }
            }
            Doing::Checking { check } => {
                Steps::order(turn, Order::Ask { ask: Ask::Check { step: unit.step, check } });
            }
            Doing::Gate(GateState { check: GateCheck::Asked, .. }) => {
                Steps::order(turn, Order::Ask { ask: Ask::Gate { step: unit.step } });
            }
            _ => {}
        }
    }

    fn invariant_asked(&mut self, sight: &Sight, invariant: u32, answer: &Fact<Answer>, turn: &mut Turn) {
        let Some(asking) = self.asking.as_mut().filter(|asking| asking.invariant == invariant) else {
            return;
        };
        let after = asking.after;
        let name = self.mission.plan.invariants.get(invariant as usize).map(|it| it.name.clone());
        let name = name.unwrap_or_default();
        let wrong = match answer {
            Fact::Known(answer) if answer.holds => None,
            Fact::Known(answer) => Some(format!("says {}", answer.said)),
            Fact::Missing(why) => Some(format!("could not be asked: {why}")),
        };
        let when = if after { "after the last step" } else { "before the first step" };
        match wrong {
            None => {
                (asking.invariant, asking.lost) = (asking.invariant + 1, 0);
                self.ask_invariant(sight, turn);
            }
            Some(wrong) => {
                self.asking = None;
                self.halt(Ending::Failed, format!("invariant {name}, {when}: {wrong}"), turn);
            }
        }
    }

    /// Every step is done: what always holds is asked once more.
    pub(super) fn all_done(&mut self, sight: &Sight, turn: &mut Turn) {
        if self.asking.is_none() {
            self.ask_invariants(sight, true, turn);
        }
    }

    fn complete(&mut self, turn: &mut Turn) {
        let done = self.states.iter().filter(|state| state.stage == Stage::Done).count();
        let skipped = self.states.len() - done;
        let skipped = if skipped == 0 { String::new() } else { format!(", {skipped} skipped") };
        let course = Course::Over { ending: Ending::Complete, why: format!("{done} steps done{skipped}") };
        self.set_course(course, turn);
    }

    /// The first session is open: what holds before the first step?
    pub(super) fn take_up(&mut self, sight: &Sight, turn: &mut Turn) {
        self.ask_invariants(sight, false, turn);
    }
}

/// Whether a query's plan names an index.
fn mentions(plan: &str, index: &str) -> bool {
    plan.split(|c: char| c.is_whitespace() || c == '"').any(|word| word == index.trim_matches('"'))
}

/// The last line of what a program wrote, if it is short enough to be read beside other things.
fn last_words(output: &str) -> Option<&str> {
    /// The longest line that is repeated, in characters.
    const MOST_CHARS: usize = 120;
    let last = output.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    (last.chars().count() <= MOST_CHARS).then_some(last)
}
