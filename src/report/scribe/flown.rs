//! The plan of a flight: what each step did, whom it waited for, what was opened, offered and cleaned up.

use crate::engine::Cockpit;
use crate::engine::derive::words::plural;
use crate::engine::duration::duration_text;
use crate::engine::ids::{At, BackendId};
use crate::engine::plan::{Gate, PlanStep, Work};
use crate::engine::steps::{Course, Ending, Stage, StepState, Steps};
use crate::report::story::{FlownPlan, FlownStep, Items, OfferedCleanUp, OpenedGate};

/// What cannot be read from the plan's last state.
#[derive(Debug, Default)]
pub(super) struct Flown {
    steps: Vec<Traces>,
    offered: Vec<At>,
}

/// What is kept of one step.
#[derive(Debug, Default)]
struct Traces {
    /// Attempts of the parts that are through.
    attempts_before: u32,
    /// Attempts of the part at hand, when it was last looked at.
    attempts: u32,
    /// Who is in its way, since when.
    waits: Option<(BackendId, At)>,
    /// The longest wait, and for whom.
    longest: Option<(u64, String)>,
}

impl Flown {
    /// Takes in how it is at `at`.
    pub(super) fn observe(&mut self, at: At, cockpit: &Cockpit) {
        let Some(steps) = cockpit.steps() else { return };
        self.steps.resize_with(steps.states().len(), Traces::default);
        self.offered.resize(steps.offers().len(), at);
        let current = steps.current();
        for (number, (state, traces)) in steps.states().iter().zip(&mut self.steps).enumerate() {
            if state.attempts < traces.attempts {
                traces.attempts_before = traces.attempts_before.saturating_add(traces.attempts);
            }
            traces.attempts = state.attempts;
            if traces.waits.is_some() || current == Some(number) {
                let in_the_way = if current == Some(number) { blocker(cockpit, steps, state) } else { None };
                traces.wait(at, in_the_way);
            }
        }
    }

    /// The story, as far as the log goes.
    pub(super) fn finish(mut self, cockpit: &Cockpit) -> Option<FlownPlan> {
        let steps = cockpit.steps()?;
        self.steps.resize_with(steps.states().len(), Traces::default);
        let mission = steps.mission();
        let plan = &mission.plan;
        let all = plan.steps.iter().zip(steps.states()).zip(self.steps).enumerate();
        let opened = plan.steps.iter().zip(steps.states());
        let mut gates: Vec<OpenedGate> = opened
            .filter_map(|(step, state)| {
                let opened = state.opened.as_ref()?;
                Some(OpenedGate { id: step.id.clone(), at_ms: opened.at.ms(), by: opened.by.clone() })
            })
            .collect();
        gates.sort_by_key(|gate| gate.at_ms);
        let offers = steps.offers().iter().zip(self.offered);
        let (ending, sentence) = ending(steps.course());
        Some(FlownPlan {
            name: plan.name.clone(),
            version: plan.version.clone(),
            owner: plan.owner.clone(),
            digest: plan.digest.clone(),
            is_resumed: mission.resumed.is_some(),
            ending: ending.to_owned(),
            sentence,
            steps: all.map(|(number, ((step, state), traces))| flown(number, step, state, traces)).collect(),
            gates,
            clean_ups: offers
                .map(|(offer, at)| OfferedCleanUp {
                    at_ms: at.ms(),
                    sentence: offer.sentence.clone(),
                    sql: offer.sql.clone(),
                    hides_rows: offer.hides_rows,
                    stage: offer.stage.word().to_owned(),
                })
                .collect(),
        })
    }
}

impl Traces {
    fn wait(&mut self, at: At, in_the_way: Option<(BackendId, String)>) {
        let Some((backend, who)) = in_the_way else {
            self.waits = None;
            return;
        };
        let since = match self.waits {
            Some((before, since)) if before == backend => since,
            _ => at,
        };
        self.waits = Some((backend, since));
        let took_ms = at.ms_since(since);
        if self.longest.as_ref().is_none_or(|(longest, _)| took_ms > *longest) {
            self.longest = Some((took_ms, who));
        }
    }
}

/// Who is in the way of the step at hand: by the last look, or by the server's word.
fn blocker(cockpit: &Cockpit, steps: &Steps, state: &StepState) -> Option<(BackendId, String)> {
    if state.stage == Stage::Acquiring {
        let holder = state.look.as_ref()?.1.holders.first()?;
        let who = match &holder.gid {
            Some(gid) => format!("prepared transaction '{gid}'"),
            None => format!("{} (pid {})", named(&holder.application), holder.backend.pid),
        };
        return Some((holder.backend, format!("{who}, {} held", holder.mode)));
    }
    let runner = steps.runner().filter(|_| state.stage == Stage::Running)?;
    let row = cockpit.slow()?.progress.iter().find(|row| row.pid == runner.pid)?;
    let pid = row.locker_pid?;
    let backend = cockpit.sample().and_then(|sample| sample.backend(pid));
    let application = backend.map_or("", |backend| &*backend.application);
    let phase = row.phase.as_deref().map(|phase| format!(", {phase}")).unwrap_or_default();
    let id = BackendId { pid, backend_start: backend.and_then(|backend| backend.backend_start) };
    Some((id, format!("{} (pid {pid}){phase}", named(application))))
}

fn named(application: &str) -> &str {
    if application.is_empty() { "(no name)" } else { application }
}

fn flown(number: usize, step: &PlanStep, state: &StepState, traces: Traces) -> FlownStep {
    let done = state.items.iter().filter(|item| item.stage == Stage::Done).count() as u64;
    let items = (!state.items.is_empty()).then_some(Items { done, all: state.items.len() as u64 });
    let (waited_ms, waited_for) = traces.longest.unzip();
    // One that did not work is over since then.
    let is_over = matches!(state.stage, Stage::Failed | Stage::Stopped) && state.began.is_some();
    let ended = state.ended.or(is_over.then_some(state.since));
    FlownStep {
        number: u32::try_from(number + 1).unwrap_or(u32::MAX),
        id: step.id.clone(),
        phase: step.phase.map(|phase| phase.word().to_owned()),
        what: what(&step.work),
        stage: state.stage.word().to_owned(),
        reason: state.reason.clone(),
        began_ms: state.began.map(At::ms),
        ended_ms: ended.map(At::ms),
        attempts: traces.attempts_before.saturating_add(state.attempts),
        items,
        waited_for,
        waited_ms,
    }
}

/// What a step does, for people.
fn what(work: &Work) -> String {
    match work {
        Work::Sql { parts, for_each } => {
            let mut statements = parts.iter().flat_map(|part| &part.statements);
            let first = statements.next().map_or_else(String::new, |first| first.said.clone());
            let more = match statements.count() as u64 {
                0 => String::new(),
                more => format!("; and {}", plural(more, "more statement")),
            };
            let each = for_each.as_ref().map(|items| format!(", for each of {items}")).unwrap_or_default();
            format!("{first}{more}{each}")
        }
        Work::Gate(Gate { ask, check, soak_ms, .. }) => {
            let mut waits: Vec<String> = Vec::new();
            waits.extend(ask.as_ref().map(|ask| format!("a person: {ask}")));
            waits.extend(check.clone());
            waits.extend(soak_ms.map(|soak_ms| format!("{} without a trip", duration_text(soak_ms))));
            format!("gate: {}", waits.join(", "))
        }
        Work::Program { program, .. } => format!("runs {program}"),
        Work::Backfill { table } => format!("fills {table} in batches"),
    }
}

/// How the plan ended: the word, and the sentence.
fn ending(course: &Course) -> (&'static str, String) {
    match course {
        Course::Over { ending, why } => (ending_word(*ending), format!("The plan {}: {why}", ending.words())),
        Course::Halted { why, .. } => {
            ("halted", format!("The plan had halted, and waited for a person: {why}"))
        }
        Course::Held { why } => ("held", format!("The plan was held: {why}")),
        Course::Preparing => {
            ("in_the_air", "The plan was still being prepared at the end of the log".to_owned())
        }
        Course::Flying => ("in_the_air", "The plan was at work at the end of the log".to_owned()),
    }
}

fn ending_word(ending: Ending) -> &'static str {
    match ending {
        Ending::Complete => "complete",
        Ending::Aborted => "aborted",
        Ending::Tripped => "tripped",
        Ending::Failed => "failed",
        Ending::Lost => "lost",
    }
}
