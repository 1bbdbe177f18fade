//! From a log to a story, in one pass and bounded memory.
//!
//! Owns the reading along: what happened is taken from the engine's timeline and views after every step of a
//! replay. Never decides anything, and never fills in what the log does not have.

use std::path::Path;

use jiff::tz::TimeZone;

use super::lists::Bounded;
use super::plan::{AFTER_MS, BEFORE_MS, MOST_EACH, MOST_ENTRIES, MOST_WINDOWS, Signal, Unit};
use super::series::Course;
use super::story::{
    Drift, Entry, Gap, Integrity, Kind, LeftOut, LimitLine, NotMeasured, SCHEMA, Story, Trip, Window,
};
use super::times::signed;
use crate::engine::Cockpit;
use crate::engine::guard::{Level, RULES, Reading};
use crate::engine::ids::At;
use crate::engine::timeline::{Event, GuardState};
use crate::log::{Head, verify};
use crate::replay::{Replay, ReplayError, Step};

mod blast;
mod facts;
mod flown;
mod stops;
mod targets;
mod totals;
mod worst;

use blast::BlastRadius;
use flown::Flown;
use stops::Stops;
use targets::Targets;
use worst::WorstMoment;

/// The longest that a trip's plots go on after it, in milliseconds: the history keeps ten minutes.
const LONGEST_AFTER_MS: u64 = 8 * 60_000;

/// The story of the log at `path`, with local times in `zone`.
///
/// # Errors
/// The log cannot be read at all. When only a part of it can, the story says so.
pub fn read(path: &Path, zone: &TimeZone) -> Result<Story, ReplayError> {
    let head = Head::read(path)?;
    let mut replay = Replay::open(path)?;
    let mut scribe = Scribe::default();
    let failure = loop {
        match replay.step() {
            Ok(Some(step)) => scribe.take(&replay, &step),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    let integrity = match failure {
        // Without its first input there is nothing to tell.
        Some(error) if replay.cockpit().flight().is_none() => return Err(error),
        Some(error) => Integrity::unreadable(&error.to_string()),
        None => Integrity::of(&verify(path, None)?),
    };
    let integrity = integrity.with_excerpt(head.meta.as_ref());
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(scribe.finish(&replay, &head, name, integrity, zone))
}

/// Who reads along.
#[derive(Debug)]
struct Scribe {
    told: u64,
    now: At,
    course: Course,
    targets: Targets,
    stops: Stops,
    worst: WorstMoment,
    blast: BlastRadius,
    flown: Flown,
    trips: Bounded<Trip>,
    over: Bounded<super::story::Over>,
    entries: Bounded<Entry>,
    gaps: Bounded<Gap>,
    pending: Vec<Pending>,
    windows: usize,
    guard: Option<GuardState>,
    differences: u64,
    last_sample: Option<At>,
    reason: Option<String>,
    ever_had_standby: bool,
    /// The limits that were last in force on work under guard.
    limits: Vec<LimitLine>,
}

/// Plots that wait for what comes after their trip.
#[derive(Debug)]
struct Pending {
    trip: usize,
    at: At,
    due: At,
    limits: Vec<LimitLine>,
}

impl Default for Scribe {
    fn default() -> Scribe {
        Scribe {
            told: 0,
            now: At::default(),
            course: Course::default(),
            targets: Targets::default(),
            stops: Stops::default(),
            worst: WorstMoment::default(),
            blast: BlastRadius::default(),
            flown: Flown::default(),
            trips: Bounded::new(MOST_EACH),
            over: Bounded::new(MOST_EACH),
            entries: Bounded::new(MOST_ENTRIES),
            gaps: Bounded::new(MOST_EACH),
            pending: Vec::new(),
            windows: 0,
            guard: None,
            differences: 0,
            last_sample: None,
            reason: None,
            ever_had_standby: false,
            limits: Vec::new(),
        }
    }
}

impl Scribe {
    fn take(&mut self, replay: &Replay, step: &Step) {
        let at = step.at();
        let cockpit = replay.cockpit();
        self.draw(at);
        self.now = self.now.max(at);
        match step {
            Step::Turn { was_sample, drift, .. } => {
                if let Some(drift) = drift {
                    self.differs(at, &facts::drift(drift));
                }
                let seen = cockpit.timeline().total();
                for (at, event) in cockpit.timeline().since(self.told) {
                    self.event(*at, event, cockpit);
                }
                self.told = seen;
                if *was_sample {
                    self.sample(at, cockpit);
                }
                self.stops.turn_is_over();
            }
            Step::Resumed { gap, .. } => {
                self.course.break_off(gap.from);
                self.gap(gap.from, at, &gap.why, gap.lost);
                // What the checkpoint tells of the past belongs to what was lost.
                self.told = cockpit.timeline().total();
                self.targets.resume(cockpit);
            }
            Step::StateDiffers { at } => {
                self.differs(*at, "a checkpoint of the engine is not what this release replays");
            }
        }
        self.course.observe(at, cockpit);
        self.flown.observe(at, cockpit);
    }

    fn sample(&mut self, at: At, cockpit: &Cockpit) {
        self.last_sample = Some(at);
        self.targets.sample(at, cockpit);
        if cockpit.target().is_some() {
            self.limits = limits_in_force(cockpit);
        }
        self.blast.sample(at, cockpit);
        let limits = || limits_in_force(cockpit);
        self.worst.sample(at, cockpit, limits);
        self.ever_had_standby |= cockpit.slow().is_some_and(|slow| !slow.senders.is_empty());
    }

    fn event(&mut self, at: At, event: &Event, cockpit: &Cockpit) {
        match event {
            Event::Attached => {
                let server = cockpit.server().map_or_else(String::new, |server| {
                    format!("connected: PostgreSQL {} as {}", server.version, server.rights.role_name)
                });
                self.entry(at, Kind::Flight, None, server);
            }
            Event::TargetFound(story) => {
                let words = self.targets.found(at, story);
                self.entry(at, Kind::Target, None, words);
            }
            Event::TargetEnded { target, fate } => {
                let words = self.targets.ended(at, target, *fate);
                self.entry(at, Kind::Target, None, words);
            }
            Event::Guard { state, sentence } => {
                self.guard = Some(*state);
                self.entry(at, Kind::Guard, None, format!("guard {}: {sentence}", facts::state_name(*state)));
            }
            Event::Guardrail { name, reading } => self.guardrail(at, name, reading),
            Event::Commanded { by, said, refused } => {
                self.stops.commanded(by.as_deref());
                let text = match refused {
                    None => said.clone(),
                    Some(why) => format!("{said}: refused: {why}"),
                };
                self.entry(at, Kind::Command, by.clone(), text);
            }
            Event::Step { id, stage, reason, .. } => {
                let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                self.entry(at, Kind::Step, None, format!("step {id} {}{reason}", stage.word()));
            }
            Event::Trip { name, reading, pid, acted, attempt } => {
                self.trip(at, name, reading, pid.0, *acted, *attempt, cockpit);
            }
            Event::Intent { stop, rung, attempt, sentence } => {
                let trip = self.stops.intent(at, *stop, *rung, attempt.backend.pid, sentence, cockpit);
                self.link(trip, stop.0);
                self.entry(at, Kind::Stop, None, sentence.clone());
            }
            Event::Outcome(story) => {
                let trip = self.stops.outcome(at, story, cockpit);
                self.link(trip, story.stop.0);
                self.wait_longer(at, story.stop.0);
                self.entry(at, Kind::Stop, None, story.sentence.clone());
            }
            Event::Gap { from, why, lost } => self.gap(*from, at, why, *lost),
            Event::Note { warning, text } => {
                self.targets.noted(at, text);
                self.entry(at, if *warning { Kind::Warning } else { Kind::Note }, None, text.clone());
            }
            Event::End { reason } => {
                self.reason = Some(reason.clone());
                self.entry(at, Kind::Flight, None, format!("the flight ends: {reason}"));
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one event")]
    fn trip(
        &mut self,
        at: At,
        name: &str,
        reading: &Reading,
        pid: i32,
        acted: bool,
        attempt: u32,
        cockpit: &Cockpit,
    ) {
        let unit = RULES.iter().find(|(rule, _)| *rule == name).map(|(_, unit)| Unit::from(*unit));
        let trip = Trip {
            at_ms: at.ms(),
            guardrail: name.to_owned(),
            value: reading.value,
            limit: reading.limit,
            unit,
            sentence: reading.sentence.clone(),
            pid,
            acted,
            attempt,
            stop: None,
            window: None,
        };
        if self.trips.push(trip) {
            let trip = self.trips.kept.len() - 1;
            self.stops.tripped(trip);
            if self.windows < MOST_WINDOWS {
                self.windows += 1;
                let due = at.plus_ms(AFTER_MS);
                self.pending.push(Pending { trip, at, due, limits: limits_in_force(cockpit) });
            }
        }
        let done = if acted { "lockpit acts" } else { "lockpit does not act" };
        self.entry(at, Kind::Trip, None, format!("{name} trips, {done}: {}", reading.sentence));
    }

    fn guardrail(&mut self, at: At, name: &str, reading: &Reading) {
        if reading.level < Level::Warn {
            return;
        }
        if reading.level == Level::Trip && matches!(self.guard, None | Some(GuardState::Watching)) {
            self.over.push(super::story::Over {
                at_ms: at.ms(),
                guardrail: name.to_owned(),
                value: reading.value,
                limit: reading.limit,
                sentence: reading.sentence.clone(),
            });
        }
        let level = if reading.level == Level::Warn { "warns" } else { "is over its limit" };
        self.entry(at, Kind::Guard, None, format!("{name} {level}: {}", reading.sentence));
    }

    /// A trip and the stop that followed it at once.
    fn link(&mut self, trip: Option<usize>, stop: u32) {
        if let Some(trip) = trip.and_then(|trip| self.trips.kept.get_mut(trip)) {
            trip.stop = Some(stop);
        }
    }

    /// The plots of a trip show its stop to the end, where that is near enough.
    fn wait_longer(&mut self, at: At, stop: u32) {
        for pending in &mut self.pending {
            let of_stop = self.trips.kept.get(pending.trip).is_some_and(|trip| trip.stop == Some(stop));
            if of_stop {
                let latest = pending.at.plus_ms(LONGEST_AFTER_MS);
                pending.due = pending.due.max(at.plus_ms(BEFORE_MS)).min(latest);
            }
        }
    }

    fn gap(&mut self, from: At, until: At, why: &str, lost: Option<u64>) {
        let gap = Gap { from_ms: from.ms(), until_ms: until.ms(), why: why.to_owned(), lost };
        self.gaps.push(gap);
        let took = crate::engine::guard::seconds(until.ms_since(from));
        self.entry(until, Kind::Gap, None, format!("facts are missing for the {took} before: {why}"));
    }

    fn differs(&mut self, at: At, words: &str) {
        self.differences += 1;
        self.entry(at, Kind::Drift, None, words.to_owned());
    }

    fn entry(&mut self, at: At, kind: Kind, by: Option<String>, text: String) {
        self.entries.push(Entry { at_ms: signed(at.ms()), kind, by, text });
    }

    /// Takes the plots whose time has come, before `at` is known.
    fn draw(&mut self, at: At) {
        while let Some(index) = self.pending.iter().position(|pending| pending.due < at) {
            let pending = self.pending.remove(index);
            let due = pending.due;
            self.draw_one(pending, due);
        }
        self.worst.draw(at, &self.course);
    }

    fn draw_one(&mut self, pending: Pending, until: At) {
        let from = At::from_ms(pending.at.ms().saturating_sub(BEFORE_MS));
        let window = self.course.window(from, until, pending.limits);
        if let Some(trip) = self.trips.kept.get_mut(pending.trip) {
            trip.window = Some(window);
        }
    }

    fn finish(
        mut self,
        replay: &Replay,
        head: &Head,
        log: String,
        integrity: Integrity,
        zone: &TimeZone,
    ) -> Story {
        let cockpit = replay.cockpit();
        let now = self.now;
        for pending in std::mem::take(&mut self.pending) {
            let until = pending.due.min(now);
            self.draw_one(pending, until);
        }
        self.worst.draw_last(now, &self.course);
        let unseen_ms = self.last_sample.map_or(now.ms(), |last| now.ms_since(last));
        let patience_ms = cockpit.pacer().sample_every_ms().saturating_mul(3).max(1_000);
        if unseen_ms > patience_ms {
            let from = self.last_sample.unwrap_or_default();
            self.gap(from, now, "no sample from here to the end of the log", None);
        }
        let course = self.course.finish(self.limits);
        let windows = self.trips.kept.iter().filter_map(|trip| trip.window.as_ref());
        let mut worst = self.worst.finish();
        if let Some(worst) = &mut worst {
            let shown = |window: &Window| (window.from_ms..=window.until_ms).contains(&worst.at_ms);
            if windows.clone().any(shown) {
                worst.window = None;
            }
        }
        let flight = facts::flight(cockpit, head, now, self.reason, zone);
        let not_measured = not_measured(&course, self.ever_had_standby);
        let left_out = LeftOut {
            entries: self.entries.left_out,
            targets: self.targets.left_out(),
            trips: self.trips.left_out,
            stops: self.stops.left_out(),
            gaps: self.gaps.left_out,
        };
        let targets = self.targets.finish();
        let stops = self.stops.finish();
        let lost_session_ms = totals::lost_session_ms(cockpit);
        let mut story = Story {
            schema: SCHEMA,
            made_by: env!("CARGO_PKG_VERSION").to_owned(),
            log,
            drift: drift(self.differences, replay.is_rejudged(), !integrity.is_altered && !integrity.is_torn),
            integrity,
            totals: totals::of(cockpit),
            blast: self.blast.finish(&targets, lost_session_ms),
            flight,
            plan: self.flown.finish(cockpit),
            targets,
            trips: self.trips.kept,
            over: self.over.kept,
            stops,
            worst,
            timeline: self.entries.kept,
            gaps: self.gaps.kept,
            not_seen: facts::not_seen(cockpit),
            not_measured,
            course,
            left_out,
        };
        story.timeline.sort_by_key(|entry| entry.at_ms);
        story.totals.sentence = totals::sentence(&story);
        story
    }
}

/// The limits that guardrails read now.
fn limits_in_force(cockpit: &Cockpit) -> Vec<LimitLine> {
    let readings = cockpit.brake().guardrails().readings().iter();
    readings
        .filter_map(|(name, reading)| Some(LimitLine { guardrail: name.clone(), limit: reading.limit? }))
        .collect()
}

fn drift(differences: u64, rejudged: bool, is_whole: bool) -> Drift {
    let sentence = match (differences, rejudged) {
        (0, _) if is_whole => "Replayed by this release, the flight decides the same, step by step.".to_owned(),
        (0, _) => "Replayed by this release, the flight decides the same, step by step, as far as the log could be read."
            .to_owned(),
        (n, true) => format!(
            "The flight was flown by another version of the engine. This one would decide differently in {n} places: \
             what is told here is what the log has, judged anew."
        ),
        (n, false) => format!(
            "Replayed by the same version of the engine, {n} steps differ from what the flight decided. That must not \
             be: take what is told here with care, and report it."
        ),
    };
    Drift { differences, rejudged, sentence }
}

/// What a reader may look for and the log does not have.
fn not_measured(course: &Window, ever_had_standby: bool) -> Vec<NotMeasured> {
    let is_known = |signal: Signal| {
        course
            .series
            .iter()
            .any(|one| one.signal == signal && one.points.iter().any(|(_, value)| value.is_some()))
    };
    let mut all: Vec<NotMeasured> = Vec::new();
    let mut add =
        |what: &str, why: &str| all.push(NotMeasured { what: what.to_owned(), why: why.to_owned() });
    add("probe latency", "no probe in this flight");
    add("backfill rows per second", "no backfill in this flight");
    if !is_known(Signal::ReplayLag) {
        let why = if ever_had_standby {
            "its positions are hidden from this login"
        } else {
            "no standby was attached"
        };
        add("replication lag", why);
    }
    if !is_known(Signal::Commits) {
        add("commits per second", "the server's counters were not read twice");
    }
    if !is_known(Signal::Active) {
        add("active sessions", "states are hidden from this login, or nothing was sampled");
    }
    if !is_known(Signal::Victims) {
        add("victims", "no work came under guard");
    }
    all
}
