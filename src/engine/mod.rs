//! The pure engine: inputs in, effects out.
//!
//! [`Cockpit::handle`] takes one [`Input`] with the time at which it arrived and returns the [`Effect`]s it
//! asks for. It has no clock, no files, no network, no terminal and no randomness; the contract that makes a
//! replay equal the flight stands in [`input`].
//!
//! | room | what happens there |
//! |---|---|
//! | [`input`], [`effect`], [`sample`], [`text`], [`settings`] | the shapes of what comes in and goes out |
//! | [`waits`], [`scene`], [`ages`], [`deadlock`] | who waits for whom, whose fault it is, since when |
//! | [`target`], [`endings`] | recognising and following the work under guard, and what became of it |
//! | [`guard`] | the guardrails: **to add one, start there** |
//! | [`brake`], [`stop`], [`rungs`] | arming, trips, the abort ladder |
//! | [`command`], [`overrides`] | what an operator can order, and whether it would be refused |
//! | [`plan`], [`steps`] | a migration, and the life of its steps |
//! | [`pace`], [`quiet`] | how often to look, what is usual |
//! | [`host`] | what the server's machine does, when it is this one |
//! | [`timeline`], [`catalog`], [`phases`] | what is told, and by which names |
//! | [`mod@derive`], [`history`] | what screens and reports draw from: computed, never stored |
//! | [`duration`], [`near`] | times and misspelt words as people write them |
//! | [`checkpoint`] | the engine as it is kept, to go on from |
//! | [`ids`], [`locks`] | the small types by which everything else is identified |
//!
//! An input goes through [`Cockpit::handle`]: it is taken in by the room it concerns, and then, whatever it
//! was, `settle` lets the guardrails judge, adapts the pace, and ends the flight when it is time.

pub mod ages;
pub mod brake;
pub mod catalog;
pub mod checkpoint;
pub mod command;
pub mod deadlock;
pub mod derive;
pub mod duration;
pub mod effect;
pub mod endings;
mod flying;
pub mod guard;
pub mod history;
pub mod host;
pub mod ids;
pub mod input;
mod judged;
pub mod locks;
pub mod near;
pub mod overrides;
pub mod pace;
pub mod phases;
pub mod plan;
pub mod quiet;
mod reattach;
pub mod rungs;
pub mod sample;
pub mod scene;
pub mod settings;
pub mod steps;
pub mod stop;
#[cfg(test)]
pub(crate) mod story;
pub mod target;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;
pub mod timeline;
mod view;
pub mod waits;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use ages::Ages;
use brake::Brake;
use catalog::Catalog;
use deadlock::Deadlocks;
use effect::Effect;
use endings::Endings;
use guard::{Facts, TargetFacts};
use host::HostSight;
use ids::{At, BackendId, Pid};
use input::{Attached, Begin, Conn, Input, Link, LinkState, Outcome, Sensor, WatchdogNews};
use overrides::Overrides;
use pace::{Need, Pacer};
use quiet::QuietActivity;
use sample::{Fact, Sample, Watch};
use scene::Scene;
use steps::Steps;
use stop::Step;
use target::{Change, Follow, Matcher, Target, View};
use timeline::{Event, Fate, Timeline};

pub use view::Tally;

#[cfg(test)]
mod tests;

/// The engine's version. A log made by another one is re-judged rather than compared.
pub const ENGINE_VERSION: u32 = 3;

/// How long the end of a flight waits to hear what became of its target.
const FATE_WITHIN_MS: u64 = 1_000;

/// Everything the engine knows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Cockpit {
    begin: Option<Begin>,
    attached: Option<Attached>,
    catalog: Catalog,
    /// The last sample, without its slow facts. A checkpoint leaves it to the log.
    #[serde(skip)]
    sample: Option<Box<Sample>>,
    sample_at: Option<At>,
    /// The last slow facts. A checkpoint leaves them to the log.
    #[serde(skip)]
    slow: Option<Box<sample::SlowFacts>>,
    /// Nothing is decided by it.
    slow_at: Option<At>,
    #[serde(default, skip_serializing_if = "HostSight::is_empty")]
    host: HostSight,
    ages: Ages,
    follow: Follow,
    brake: Brake,
    pacer: Pacer,
    quiet: QuietActivity,
    timeline: Timeline,
    links: BTreeMap<Conn, LinkState>,
    /// When each of them was last heard of. Nothing is decided by it.
    links_heard: BTreeMap<Conn, At>,
    endings: Endings,
    deadlocks: Deadlocks,
    overrides: Overrides,
    /// The plan it flies, when it flies one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    steps: Option<Box<Steps>>,
    /// Who may command; nobody in particular when `None`.
    stick: Option<String>,
    sample_asked: bool,
    last_seen: At,
    leaving: Option<Leaving>,
    over: bool,
    tally: Tally,
    #[serde(skip)]
    scene: Scene,
    #[serde(skip)]
    matcher: Matcher,
}

/// A flight that is about to end.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Leaving {
    reason: String,
    /// When it ends, whatever is still open; set once no stop is under way.
    until: Option<At>,
}

impl Cockpit {
    /// Takes in one input; returns what is to be done about it.
    pub fn handle(&mut self, at: At, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Begin(begin) => self.begin(*begin),
            Input::Attached(attached) => self.attach(at, *attached),
            Input::Text(text) => self.catalog.learn_text(*text),
            Input::Names(names) => {
                self.catalog.learn(*names);
                self.derive();
            }
            Input::Sample(sample) => self.look(at, sample, &mut effects),
            Input::Watch(watch) => self.glance(at, &watch, &mut effects),
            Input::Host(fact) => self.host.take(*fact),
            Input::Missed(missed) => {
                self.tally.missed += 1;
                self.sample_asked &= missed.sensor != Sensor::Sample;
                let from = At(at.0.saturating_sub(missed.waited_ms.saturating_mul(1_000)));
                let sensor = match missed.sensor {
                    Sensor::Sample => "sample",
                    Sensor::Watch => "watch",
                    Sensor::Names => "names",
                };
                let why = format!("{sensor} missed: {}", missed.why);
                self.timeline.push(at, Event::Gap { from, why, lost: Some(1) });
            }
            Input::Link(link) => self.link_changed(at, &link, &mut effects),
            Input::Tick => {}
            Input::Command(request) => self.command(at, request, &mut effects),
            Input::Outcome(outcome) => self.outcome(at, &outcome, &mut effects),
            Input::Gap(gap) => {
                self.timeline.push(at, Event::Gap { from: gap.from, why: gap.why, lost: gap.lost });
            }
        }
        self.last_seen = at;
        self.settle(at, &mut effects);
        effects
    }

    /// When time alone may change something; the flight sends a [`Input::Tick`] then.
    pub fn next_deadline(&self) -> Option<At> {
        let now = self.last_seen;
        let settings = &self.begin.as_ref()?.settings;
        let ends = settings.ends_ms.map(At::from_ms).filter(|_| self.leaving.is_none());
        let left = self.leaving.as_ref().and_then(|leaving| leaving.until).filter(|_| !self.over);
        let brake = self.brake.next_deadline(now, &self.facts(now));
        let limits = self.overrides.next_deadline(now);
        let steps = self.steps.as_ref().and_then(|steps| steps.next_deadline());
        [ends, left, brake, limits, steps].into_iter().flatten().filter(|&due| due > now).min()
    }

    fn begin(&mut self, begin: Begin) {
        self.brake = Brake::new(&begin.settings);
        self.pacer = Pacer::new(begin.settings.pace.clone());
        self.steps = begin.mission.clone().map(|mission| Box::new(Steps::new(*mission, begin.seed)));
        self.begin = Some(begin);
        self.derive();
    }

    fn look(&mut self, at: At, mut sample: Box<Sample>, effects: &mut Vec<Effect>) {
        self.sample_asked = false;
        self.tally.samples += 1;
        self.tally.cost_us = self.tally.cost_us.saturating_add(sample.cost_us);
        self.pacer.observe_cost(sample.cost_us);
        // What the sample shows is no younger than the question: an answer may have been long on its way, and
        // this process may have been stopped meanwhile.
        let asked = At(at.0.saturating_sub(sample.round_trip_us));
        if let Some(slow) = sample.slow.take() {
            self.slow = Some(slow);
            self.slow_at = Some(asked);
        }
        self.ages.observe(asked, &sample);
        self.scene = Scene::of(&sample, &self.catalog);
        if self.scene.graph.waiting().next().is_none() {
            self.quiet.observe(&sample.counts);
        }
        if let Some(pids) = self.deadlocks.observe(&sample, &self.scene.graph) {
            let pids: Vec<String> = pids.iter().map(Pid::to_string).collect();
            let text = format!("deadlock: pids {} wait for each other", pids.join(", "));
            self.timeline.push(at, Event::Note { warning: true, text });
        }
        let since = self.sample_at.replace(asked);
        let view =
            View { at: asked, sample: &sample, scene: &self.scene, catalog: &self.catalog, ages: &self.ages };
        let changes = self.follow.observe(&view, &self.matcher, since);
        for change in changes {
            self.target_changed(at, change, effects);
        }
        let step = self.brake.look_after(at, &sample, &self.catalog);
        self.sample = Some(sample);
        self.take(at, step, effects);
    }

    fn glance(&mut self, at: At, watch: &Watch, effects: &mut Vec<Effect>) {
        self.tally.cost_us = self.tally.cost_us.saturating_add(watch.cost_us);
        let seen = self.scene.graph.waiting().count();
        let moved = usize::try_from(watch.waiting).is_ok_and(|waiting| waiting != seen);
        let over = moved && watch.waiting == 0;
        // Only a verdict that is still open is worth a look out of turn: once it has tripped, or when nobody
        // decides, samples come at their own pace and cost what the operator asked for.
        let harmed = self.follow.target.as_ref().is_some_and(|target| !target.victims.is_empty());
        let urgent = self.verdict_is_open(at) && (moved || (harmed && watch.waiting > 0));
        if (urgent || over) && !self.sample_asked {
            self.sample_asked = true;
            effects.push(Effect::SampleNow);
        }
    }

    fn link_changed(&mut self, at: At, link: &Link, effects: &mut Vec<Effect>) {
        let name = match link.conn {
            Conn::Sampler => "sampler",
            Conn::Control => "control connection",
            Conn::Watchdog => "watchdog",
            Conn::Runner => "runner",
        };
        let before = self.links.insert(link.conn, link.state.clone());
        self.links_heard.insert(link.conn, at);
        if before.as_ref() == Some(&link.state) {
            return;
        }
        let text = match (&link.state, before) {
            (LinkState::Up { .. }, None) => return,
            (LinkState::Up { pid }, Some(_)) => format!("{name} is up again as pid {pid}"),
            (LinkState::Lost { why }, _) => format!("{name} is lost: {why}"),
        };
        let warning = matches!(link.state, LinkState::Lost { .. });
        if link.conn == Conn::Runner && warning {
            self.runner_lost(at);
        }
        if link.conn == Conn::Control && !warning {
            self.check_right(at, effects);
        }
        self.sample_asked &= link.conn != Conn::Sampler;
        if link.conn == Conn::Control {
            self.brake.control_is(!warning);
        }
        self.timeline.push(at, Event::Note { warning, text });
    }

    fn outcome(&mut self, at: At, outcome: &Outcome, effects: &mut Vec<Effect>) {
        match outcome {
            Outcome::Right { backend, allowed } => {
                if let Some(target) = self.follow.target.as_mut().filter(|t| t.attempt.backend == *backend) {
                    target.right = Some(allowed.clone());
                }
            }
            Outcome::Ended { backend, alive, xact } => self.ended(at, *backend, *alive, xact),
            Outcome::Watchdog { guards, news } => self.watchdog(at, *guards, news),
            Outcome::Run(news) => self.runner_says(at, news, effects),
            Outcome::Rung { .. } | Outcome::Aftermath { .. } => {
                let step = self.brake.observe(at, outcome);
                self.take(at, step, effects);
            }
        }
    }

    fn watchdog(&mut self, at: At, guards: Option<BackendId>, news: &WatchdogNews) {
        let pid = guards.map_or_else(|| "nobody".to_owned(), |backend| format!("pid {}", backend.pid));
        let (warning, text) = match news {
            WatchdogNews::Set => (false, format!("watchdog guards {pid}")),
            WatchdogNews::Released => (false, "watchdog released".to_owned()),
            WatchdogNews::Failed(why) => (true, format!("watchdog: {why}")),
            WatchdogNews::Acted(words) => {
                if let Some(backend) = guards {
                    self.brake.watchdog_acted(backend);
                }
                (true, format!("watchdog: it acted: {words}"))
            }
        };
        self.timeline.push(at, Event::Note { warning, text });
    }

    fn ended(&mut self, at: At, backend: BackendId, alive: bool, xact: &Fact<String>) {
        if !alive {
            self.brake.session_ended(backend);
            self.follow.session_ended(backend);
        }
        let answer = self.endings.answer(backend, alive, xact, &self.brake);
        self.tell_ended(at, answer);
    }

    fn tell_ended(&mut self, at: At, ended: impl IntoIterator<Item = (Target, Fate)>) {
        for (target, fate) in ended {
            if fate == Fate::Done {
                self.brake.went_through(&target.attempt);
            }
            self.timeline.push(at, Event::TargetEnded { target: target.story(&self.catalog), fate });
        }
    }

    fn target_changed(&mut self, at: At, change: Change, effects: &mut Vec<Effect>) {
        match change {
            Change::Found => {
                let Some(target) = &self.follow.target else { return };
                self.brake.target_found(target);
                self.timeline.push(at, Event::TargetFound(target.story(&self.catalog)));
                self.check_right(at, effects);
            }
            Change::Left(target) => {
                self.brake.target_ended(&target);
                let text = format!("pid {} does no harm and is not followed any more", target.pid());
                self.timeline.push(at, Event::Note { warning: true, text });
            }
            Change::Dropped(target) => {
                self.brake.target_ended(&target);
                let text = format!("pid {} goes on and is not followed any more", target.pid());
                self.timeline.push(at, Event::Note { warning: false, text });
            }
            Change::Ended(target) => {
                self.brake.target_ended(&target);
                let (backend, xid) = (target.attempt.backend, target.xid);
                self.endings.ask(*target, &self.brake);
                effects.push(Effect::AskEnd { backend, xid });
            }
        }
    }

    /// Asks for the right to signal the target, unless it is known to be there.
    fn check_right(&self, at: At, effects: &mut Vec<Effect>) {
        let Some(target) = &self.follow.target else { return };
        if self.brake.decides(at) && !matches!(target.right, Some(Ok(()))) {
            effects.push(Effect::CheckRight { backend: target.attempt.backend, role: target.role });
        }
    }

    /// After every input: judge, pace, and leave when it is time.
    fn settle(&mut self, at: At, effects: &mut Vec<Effect>) {
        if self.over || self.attached.is_none() {
            return;
        }
        // Whatever came in: an input that arrives just before the tick must not swallow the deadline.
        let step = self.brake.tick(at);
        self.take(at, step, effects);
        let start = self.limits_asked_for();
        for text in self.overrides.expire(at, &start) {
            self.timeline.push(at, Event::Note { warning: false, text });
        }
        let mut target = self.follow.target.take();
        let facts = self.facts_of(at, target.as_ref());
        let step = self.brake.judge(&facts, target.as_mut());
        self.follow.target = target;
        self.take(at, step, effects);
        self.fly(at, effects);
        let stopping = self.brake.stop().is_some();
        let target = self.follow.target.as_ref();
        let need = Need {
            target: target.is_some(),
            strong: (target.is_some_and(|target| target.strong) && self.verdict_is_open(at)) || stopping,
            decides: self.brake.decides(at),
            aftercare: self.brake.watches_a_session(at),
            victims: target.is_some_and(|target| !target.victims.is_empty()),
        };
        effects.extend(self.pacer.adapt(need));
        if let Some(text) = self.pacer.news() {
            self.timeline.push(at, Event::Note { warning: true, text });
        }
        let ends_ms = self.begin.as_ref().and_then(|begin| begin.settings.ends_ms);
        if ends_ms.is_some_and(|ends_ms| at >= At::from_ms(ends_ms)) && self.leaving.is_none() {
            self.leaving = Some(Leaving { reason: "time is up".to_owned(), until: None });
        }
        if !stopping && self.may_leave(at) {
            self.end(at, effects);
        }
    }

    /// Whether a flight that is to end may end now. What was stopped, or is over, has a last chance to be told.
    fn may_leave(&mut self, at: At) -> bool {
        let target = self.follow.target.as_ref();
        let awaits_fate =
            self.endings.is_open() || target.is_some_and(|target| self.brake.has_ended(&target.attempt));
        let Some(leaving) = self.leaving.as_mut() else { return false };
        let until = *leaving.until.get_or_insert(at.plus_ms(FATE_WITHIN_MS));
        let is_at_work = self.steps.as_ref().is_some_and(|steps| steps.is_strong_at_work());
        (!awaits_fate && !is_at_work) || at >= until
    }

    fn end(&mut self, at: At, effects: &mut Vec<Effect>) {
        let Some(Leaving { reason, .. }) = &self.leaving else { return };
        let reason = reason.clone();
        self.over = true;
        if let Some(stopped) = self.follow.target.take_if(|target| self.brake.has_ended(&target.attempt)) {
            self.brake.target_ended(&stopped);
            self.endings.ask(stopped, &self.brake);
        }
        let unfinished = self.endings.give_up();
        self.tell_ended(at, unfinished);
        effects.extend(self.brake.release());
        self.timeline.push(at, Event::End { reason: reason.clone() });
        effects.push(Effect::End { reason });
    }

    /// Whether a guardrail may yet trip on the target, or on one that is about to appear.
    fn verdict_is_open(&self, at: At) -> bool {
        self.brake.decides(at) && self.follow.target.as_ref().is_none_or(|target| !target.tripped)
    }

    fn take(&mut self, at: At, step: Step, effects: &mut Vec<Effect>) {
        effects.extend(step.effects);
        for event in step.events {
            self.timeline.push(at, event);
        }
    }

    fn facts_of(&self, at: At, target: Option<&Target>) -> Facts {
        let settings = self.begin.as_ref().map(|begin| &begin.settings);
        let seen = self.sample_at.unwrap_or(at);
        Facts {
            at,
            target: target.map(|target| TargetFacts {
                pid: target.pid(),
                strong: target.strong,
                victims: u32::try_from(target.victims.len()).unwrap_or(u32::MAX),
                oldest_victim_ms: self.ages.oldest_ms(seen, target.victims.iter().copied()),
            }),
            last_sample: self.sample_at,
            sample_every_ms: self.pacer.sample_every_ms(),
            usual_active: self.quiet.median(),
            spared_until: self.steps.as_ref().and_then(|steps| steps.bounded_until()),
            if_lost: settings.map(|settings| settings.if_lost).unwrap_or_default(),
            limits: self.overrides.over(self.limits_asked_for(), at),
        }
    }

    fn facts(&self, at: At) -> Facts {
        self.facts_of(at, self.follow.target.as_ref())
    }

    fn derive(&mut self) {
        self.scene = self.sample.as_ref().map(|sample| Scene::of(sample, &self.catalog)).unwrap_or_default();
        let selector = self.begin.as_ref().map(|begin| begin.settings.target.clone()).unwrap_or_default();
        // A pattern that does not compile is refused before the flight; one in a log selects nobody.
        self.matcher = Matcher::new(selector).unwrap_or_else(|_| Matcher::nobody());
    }
}
