//! The life of a plan's steps.
//!
//! Owns where each step is ([`Stage`]), why, and what is to be done next: it turns what the runner answers and what
//! operators say into [`Order`]s. Never reads a clock, never runs anything, and never decides that a target hurts: that
//! is the brake's, and what it did comes in with the [`Sight`].
//!
//! | room | what happens there |
//! |---|---|
//! | [`state`] | the shapes that screens and reports read |
//! | [`acquire`] | taking strong locks politely |
//! | `flow` | from one unit to the next |
//! | `attempts` | survey, forecast, look, try |
//! | `ends` | what follows from an attempt that is over, or lost |
//! | `gates` | gates, programs, checks, invariants |
//! | `glance` | what is being done now, for screens |
//! | `logbook` | where an earlier part of the flight had come to |
//! | `wills` | what operators want, and whether it would be refused |
//! | `judge` | whether what should be there is there, and what is worse than before |

pub mod acquire;
mod attempts;
mod ends;
mod flow;
mod gates;
mod glance;
mod job;
mod judge;
mod logbook;
pub mod state;
#[cfg(test)]
mod tests;
mod will;
mod wills;

use serde::{Deserialize, Serialize};

use super::effect::Effect;
use super::ids::{At, BackendId};
use super::plan::facts::Survey;
use super::plan::order::{News, Order, TryFate, Unit, Way};
use super::plan::{HookEvent, Mission, Part, PlanStep, Work};
use super::sample::Fact;
use super::settings::{Limits, Settings};
use super::stop::{Cause, Step as Turn};
use super::timeline::Event;
pub use glance::Glance;
pub use job::Health;
use job::{Doing, Job, Then};
pub use state::{Course, Ending, ItemState, Offer, Opened, Stage, StepState};
pub use will::{PauseHow, Will};

/// The plan in the air.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steps {
    mission: Mission,
    course: Course,
    states: Vec<StepState>,
    offers: Vec<Offer>,
    /// The state of a clean-up, which belongs to no step.
    aside: Box<StepState>,
    told_advisory: bool,
    /// The session that runs it, while there is one.
    runner: Option<BackendId>,
    job: Option<Job>,
    /// The invariant that is being asked, and what for.
    asking: Option<Asking>,
    /// What is held once the attempt under way is over: the reason.
    hold_after: Option<String>,
    /// With what the plan ends once it is known what became of the work at hand: how, and the reason.
    halt_after: Option<(Ending, String)>,
    /// It is known where an earlier part of the flight had come to.
    taken_up: bool,
    /// Why nothing may go on: the session is on another cluster.
    elsewhere: Option<String>,
    /// Since when there is no session any more.
    lost: Option<At>,
    next_number: u32,
    seed: u64,
}

/// Invariants, being asked one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Asking {
    invariant: u32,
    after: bool,
    /// How often the session was lost under it.
    lost: u32,
}

/// What steps read of the rest of the engine.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// Now.
    pub at: At,
    /// Now by the wall clock, microseconds since 1970 UTC.
    pub utc_us: i64,
    /// A guardrail that trips acts.
    pub armed: bool,
    /// The stop under way, when it is about our session.
    pub stop: Option<Cause>,
    /// A guardrail has tripped on our session, and was acted on, since the attempt began.
    pub tripped: bool,
    /// Why nothing may be begun: no usable facts.
    pub blind: Option<String>,
    /// What is compared before and after a step.
    pub health: Health,
    /// The role that logged in.
    pub session_user: String,
    /// The flight is about to end: nothing is begun any more.
    pub leaving: bool,
    /// The cluster, as far as it is known.
    pub system_identifier: Option<u64>,
    /// Its timeline.
    pub timeline: Option<u32>,
}

/// The state of what a unit belongs to.
fn at_hand<'a>(
    states: &'a mut [StepState],
    aside: &'a mut StepState,
    unit: Unit,
) -> Option<&'a mut StepState> {
    match unit.way {
        Way::CleanUp => Some(aside),
        Way::Do | Way::Undo => states.get_mut(unit.step as usize),
    }
}

impl Steps {
    /// A plan that is about to be flown.
    pub fn new(mission: Mission, seed: u64) -> Steps {
        let states = vec![StepState::default(); mission.plan.steps.len()];
        let mut steps = Steps {
            mission,
            course: Course::default(),
            states,
            offers: Vec::new(),
            aside: Box::default(),
            told_advisory: false,
            runner: None,
            job: None,
            asking: None,
            hold_after: None,
            halt_after: None,
            taken_up: false,
            elsewhere: None,
            lost: None,
            next_number: 1,
            seed,
        };
        for (number, state) in steps.states.iter_mut().enumerate() {
            if steps.mission.from.is_some_and(|from| number < from as usize) {
                state.stage = Stage::Skipped;
                state.reason = "before --from".to_owned();
            }
        }
        steps
    }

    /// The plan, and what was asked for.
    pub fn mission(&self) -> &Mission {
        &self.mission
    }

    /// What becomes of it as a whole.
    pub fn course(&self) -> &Course {
        &self.course
    }

    /// Where its steps are, in the plan's order.
    pub fn states(&self) -> &[StepState] {
        &self.states
    }

    /// What is left and can be cleaned up.
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// The session that runs it, while there is one.
    pub fn runner(&self) -> Option<BackendId> {
        self.runner
    }

    /// The step at hand, by number: the one that is worked on, else the first that is neither done nor skipped.
    pub fn current(&self) -> Option<usize> {
        match &self.job {
            Some(job) => Some(job.unit.step as usize),
            None => self.states.iter().position(|state| !state.stage.is_behind()),
        }
    }

    /// What the work at hand is: a step itself, its undo, a clean-up.
    pub fn way(&self) -> Option<Way> {
        self.job.as_ref().map(|job| job.unit.way)
    }

    /// The statements at hand, for the item at hand.
    pub fn part(&self) -> Option<Part> {
        self.part_of(self.job.as_ref()?.unit)
    }

    /// Until when the attempt under way cannot do harm for long: it waits for its locks, and gives up by itself after
    /// at most [`Steps::SHORT_MS`].
    pub fn bounded_until(&self) -> Option<At> {
        let Doing::Trying(trying) = &self.job.as_ref()?.doing else { return None };
        let wait_ms = trying.wait_ms.filter(|wait_ms| *wait_ms <= Steps::SHORT_MS)?;
        // Its own limit began to count a moment after it was sent, and its end takes one to be heard of.
        trying.locked.is_none().then(|| trying.sent.plus_ms(wait_ms + Steps::HEARD_OF_MS))
    }

    /// An attempt that waits no longer than this is left to its own time limit by the queue guardrails.
    pub const SHORT_MS: u64 = 500;

    /// The limits of the guardrails while the step at hand is worked on, where it has its own.
    pub fn limits(&self) -> Option<&Limits> {
        self.step(self.job.as_ref()?.unit.step)?.limits.as_ref()
    }

    /// How long the end of an attempt may take to be heard of.
    const HEARD_OF_MS: u64 = 150;

    /// Whether an attempt is under way.
    pub fn is_trying(&self) -> bool {
        matches!(&self.job, Some(Job { doing: Doing::Trying(_) | Doing::Orphaned { .. }, .. }))
    }

    /// An attempt was to be stopped a while ago, and still is under way.
    pub fn stop_is_late(&self, at: At) -> bool {
        match self.job.as_ref().map(|job| &job.doing) {
            Some(Doing::Trying(trying)) => {
                trying.stop_asked.is_some_and(|asked| at >= asked.plus_ms(Settings::GRACE_MS))
            }
            // The runner has no hold on it.
            Some(Doing::Orphaned { trying, .. }) => trying.stop_asked.is_some(),
            _ => false,
        }
    }

    /// The session that does the work at hand: the runner's, or that of a statement which was adopted.
    pub fn worker(&self) -> Option<BackendId> {
        match self.job.as_ref().map(|job| &job.doing) {
            Some(Doing::Orphaned { trying, .. }) => trying.backend,
            _ => self.runner,
        }
    }

    /// The session is over. What it was asked, the next one is asked once more.
    pub fn runner_lost(&mut self, at: At) {
        if self.runner.take().is_some() {
            self.lost = Some(at);
        }
    }

    /// The question went down with its session: it is asked again on the next one.
    fn is_asked_again(&self, news: &News) -> bool {
        let is_scanning = matches!(&self.job, Some(Job { doing: Doing::Scanning { .. }, .. }));
        self.runner.is_none()
            && match news {
                News::Surveyed { survey: Fact::Missing(_), .. } => !is_scanning,
                News::Looked { look: Fact::Missing(_), .. }
                | News::Asked { answer: Fact::Missing(_), .. }
                | News::Items { items: Fact::Missing(_), .. }
                | News::Fate { fate: TryFate::Unknown(_), .. } => true,
                _ => false,
            }
    }

    /// Takes in what the runner says.
    pub fn hear(&mut self, sight: &Sight, news: &News, turn: &mut Turn) {
        if self.is_asked_again(news) {
            return;
        }
        match news {
            News::Session { backend, same_cluster, flight_lock } => {
                self.session(sight, *backend, same_cluster, flight_lock, turn);
            }
            News::Surveyed { unit, survey } => self.surveyed(sight, *unit, survey, turn),
            News::Looked { unit, look } => self.looked(sight, *unit, look, turn),
            News::Locked { number, xid } => self.locked(sight, *number, *xid, turn),
            News::Through { number, statement, took_us: _ } => self.through(*number, *statement),
            News::Tried { number, end, took_us } => self.tried(sight, *number, end, *took_us, turn),
            News::Asked { ask, answer } => self.asked(sight, *ask, answer, turn),
            News::Items { step, items } => self.items_found(sight, *step, items, turn),
            News::Program { step, end, output } => self.program_over(sight, *step, end, output, turn),
            News::Fate { number, fate } => self.fate(sight, *number, fate, turn),
            News::HookFailed { event, program, why } => {
                let text = format!("hook {program} ({}): {why}", event.word());
                turn.events.push(Event::Note { warning: true, text });
            }
        }
    }

    /// After every input: goes on where time, or somebody, lets it.
    pub fn settle(&mut self, sight: &Sight, turn: &mut Turn) {
        self.watch_the_clock(sight, turn);
        if self.course == Course::Flying && self.job.is_none() {
            self.next_step(sight, turn);
        }
    }

    /// When time alone changes something.
    pub fn next_deadline(&self) -> Option<At> {
        [self.work_deadline(), self.given_up_at()].into_iter().flatten().min()
    }

    fn work_deadline(&self) -> Option<At> {
        let job = self.job.as_ref()?;
        let step = self.step(job.unit.step);
        match &job.doing {
            Doing::Waiting { until, .. } => until.filter(|_| self.is_at_work()),
            Doing::Trying(trying) => match trying.stop_asked {
                Some(asked) => Some(asked.plus_ms(Settings::GRACE_MS)),
                None => self.attempt_deadline(trying),
            },
            Doing::Orphaned { again, .. } => *again,
            Doing::Program { since, told_to_end: false } => match step.map(|step| &step.work) {
                Some(Work::Program { limit_ms, .. }) => Some(since.plus_ms(*limit_ms)),
                _ => None,
            },
            Doing::Gate(gate) => self.gate_deadline(gate, step?),
            _ => None,
        }
    }

    /// What is at hand goes on by itself: a step while the plan flies, an undo or a clean-up in any case.
    fn is_at_work(&self) -> bool {
        self.course == Course::Flying || self.way().is_some_and(|way| way != Way::Do)
    }

    /// The state of what a unit belongs to: its step's, or the clean-up's own.
    pub(super) fn hand(&self, unit: Unit) -> Option<&StepState> {
        match unit.way {
            Way::CleanUp => Some(&self.aside),
            Way::Do | Way::Undo => self.states.get(unit.step as usize),
        }
    }

    /// The state of what is at hand: a step's, or that of a clean-up under way.
    pub fn at_hand(&self) -> Option<&StepState> {
        match &self.job {
            Some(job) => self.hand(job.unit),
            None => self.states.get(self.current()?),
        }
    }

    /// Tells once who holds advisory locks that may be another tool's.
    fn tell_advisory(&mut self, survey: &Survey, turn: &mut Turn) {
        if survey.advisory.is_empty() || std::mem::replace(&mut self.told_advisory, true) {
            return;
        }
        let held: Vec<String> = survey
            .advisory
            .iter()
            .map(|lock| format!("pid {} {} ({})", lock.backend.pid, lock.application, lock.key))
            .collect();
        let text = format!("advisory locks of others in this database: {}", held.join(", "));
        turn.events.push(Event::Note { warning: false, text });
    }

    fn step(&self, number: u32) -> Option<&PlanStep> {
        self.mission.plan.steps.get(number as usize)
    }

    fn order(turn: &mut Turn, order: Order) {
        turn.effects.push(Effect::Run(Box::new(order)));
    }

    /// Tells the programs that want to know, if the plan names any.
    fn hook(&self, event: HookEvent, step: Option<u32>, reason: &str, turn: &mut Turn) {
        if self.mission.plan.hooks.iter().any(|hook| hook.on.contains(&event)) {
            Steps::order(turn, Order::Hook { event, step, reason: reason.to_owned() });
        }
    }

    /// The step enters a stage, and that is told; the same stage for the same reason is told once.
    fn enter(&mut self, at: At, number: u32, stage: Stage, reason: impl Into<String>, turn: &mut Turn) {
        let reason = reason.into();
        let cleaning = self.job.as_ref().map(|job| job.unit).filter(|unit| unit.way == Way::CleanUp);
        if let Some(unit) = cleaning {
            (self.aside.stage, self.aside.reason) = (stage, reason.clone());
            let warning = matches!(stage, Stage::Failed | Stage::Stopped);
            let reason = if reason.is_empty() { reason } else { format!(": {reason}") };
            let text = format!("clean-up {} {}{reason}", unit.part + 1, stage.word());
            turn.events.push(Event::Note { warning, text });
            return;
        }
        let id = self.step(number).map(|step| step.id.clone()).unwrap_or_default();
        let Some(state) = self.states.get_mut(number as usize) else { return };
        if state.stage == stage && state.reason == reason {
            return;
        }
        if state.stage != stage {
            state.since = at;
        }
        state.stage = stage;
        state.reason.clone_from(&reason);
        let attempt = state.attempts;
        turn.events.push(Event::Step { id, stage, reason, attempt });
    }

    /// The plan takes another course, and that is told.
    fn set_course(&mut self, course: Course, turn: &mut Turn) {
        if self.course == course {
            return;
        }
        let (warning, text) = match &course {
            Course::Preparing => (false, "the plan is prepared".to_owned()),
            Course::Flying => (false, "the plan goes on".to_owned()),
            Course::Held { why } => (true, format!("the plan is held: {why}")),
            Course::Halted { why, .. } => (true, format!("the plan has halted: {why}")),
            Course::Over { ending, why } => {
                (*ending != Ending::Complete, format!("the plan {}: {why}", ending.words()))
            }
        };
        turn.events.push(Event::Note { warning, text });
        if let Course::Over { ending, why } = &course {
            let event = if *ending == Ending::Aborted { HookEvent::Aborted } else { HookEvent::Finished };
            self.hook(event, None, why, turn);
        }
        self.course = course;
    }

    /// The plan cannot go on by itself: it waits for a person, or is over where nobody is there.
    fn halt(&mut self, ending: Ending, why: String, turn: &mut Turn) {
        self.job = None;
        self.asking = None;
        (self.hold_after, self.halt_after) = (None, None);
        if ending == Ending::Tripped {
            self.hook(HookEvent::Tripped, None, &why, turn);
        }
        let course = if self.mission.unattended || ending == Ending::Aborted {
            Course::Over { ending, why }
        } else {
            Course::Halted { ending, why }
        };
        self.set_course(course, turn);
    }

    /// The part a unit names, for the item at hand.
    fn part_of(&self, unit: Unit) -> Option<Part> {
        let step = self.step(unit.step)?;
        let parts = match unit.way {
            Way::Do => match &step.work {
                Work::Sql { parts, .. } => parts,
                _ => return None,
            },
            Way::Undo => &step.undo,
            Way::CleanUp => return None,
        };
        let part = parts.get(unit.part as usize)?;
        let item = self.states.get(unit.step as usize).and_then(|state| state.items.get(unit.item as usize));
        Some(match item {
            Some(item) => part.for_item(&item.name),
            None => part.clone(),
        })
    }

    /// A fact, or what to do without it: the plan halts.
    fn known<'a, T>(&mut self, sight: &Sight, fact: &'a Fact<T>, turn: &mut Turn) -> Option<&'a T> {
        match fact {
            Fact::Known(fact) => Some(fact),
            Fact::Missing(why) => {
                let why = why.clone();
                self.fails(sight, why, turn);
                None
            }
        }
    }

    /// Any number, the same in every replay.
    fn jitter(&self) -> u64 {
        let mut x = self.seed ^ u64::from(self.next_number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn wait(&mut self, until: Option<At>, then: Then) {
        if let Some(job) = self.job.as_mut() {
            job.doing = Doing::Waiting { until, then };
        }
    }
}
