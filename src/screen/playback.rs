//! A finished log, played.
//!
//! Owns the place in the log, the speed, and jumps. A jump costs one checkpoint and at most one segment of inputs,
//! and a little more for what charts remember.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::source::Picture;
use crate::clock::FlightClock;
use crate::engine::ids::At;
use crate::engine::timeline::{Event, GuardState};
use crate::log::Ending;
use crate::replay::{Replay, ReplayError, Step};

/// Speeds, in per cent of the flight's own.
pub const SPEEDS: [u64; 8] = [10, 25, 50, 100, 200, 500, 1_000, 6_000];
/// The flight's own speed.
const NORMAL: usize = 3;
/// How much before a place is replayed too, for what charts remember.
const REMEMBERED_MS: u64 = 120_000;
/// How often a running replay goes on.
const FRAME: Duration = Duration::from_millis(50);

/// Something worth a mark on the bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// When.
    pub at: At,
    /// What kind of thing.
    pub kind: MarkerKind,
    /// What, in a few words.
    pub text: String,
}

/// Kinds of marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkerKind {
    /// Work came under guard or left it.
    Target,
    /// A remark, or a command of the operator.
    Note,
    /// The guard changed its state.
    Guard,
    /// Facts are missing.
    Gap,
    /// A guardrail tripped.
    Trip,
    /// The engine decides differently than it did.
    Drift,
    /// The flight ended.
    End,
}

/// A log being played.
#[derive(Debug)]
pub struct Playback {
    log: PathBuf,
    replay: Replay,
    picture: Picture,
    /// The first step that lies ahead of the place; its input is handled already.
    position: At,
    end: At,
    ending: Ending,
    markers: Vec<Marker>,
    /// When the full samples are, in order.
    samples: Vec<At>,
    speed: usize,
    playing: bool,
    /// The clock when the replay was at `position`.
    since: Option<(At, At)>,
    clock: FlightClock,
    drifted: bool,
}

impl Playback {
    /// A playback of the log at `path`, at its beginning, playing. The whole log is read once, for its length and
    /// its marks.
    ///
    /// # Errors
    /// [`ReplayError`] says what is wrong with the log.
    pub fn open(path: &Path) -> Result<Playback, ReplayError> {
        let mut survey = Replay::open(path)?;
        let (mut end, mut markers, mut told, mut drifted) = (At::default(), Vec::new(), 0, false);
        let mut samples = Vec::new();
        while let Some(step) = survey.step()? {
            let at = step.at();
            end = end.max(at);
            if matches!(step, Step::Turn { was_sample: true, .. }) {
                samples.push(at);
            }
            drifted |= is_drift(&step) && !survey.is_rejudged();
            markers.extend(marks(&step, &survey, told));
            told = survey.cockpit().timeline().total();
        }
        let ending = survey.ending()?;
        let mut playback = Playback {
            log: path.to_owned(),
            replay: Replay::open(path)?,
            picture: Picture::default(),
            position: At::default(),
            end,
            ending,
            markers,
            samples,
            speed: NORMAL,
            playing: true,
            since: None,
            clock: FlightClock::start(),
            drifted,
        };
        // The first moment with something to see.
        playback.go(At::default())?;
        Ok(playback)
    }

    /// What there is to see at this place.
    pub fn picture(&self) -> &Picture {
        &self.picture
    }

    /// The place.
    pub fn now(&self) -> At {
        self.position
    }

    /// The end of the log.
    pub fn end(&self) -> At {
        self.end
    }

    /// How the log ends.
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// Whether the engine decided differently somewhere.
    pub fn has_drifted(&self) -> bool {
        self.drifted
    }

    /// The log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Marks on the bar, in order.
    pub fn markers(&self) -> &[Marker] {
        &self.markers
    }

    /// Whether it runs.
    pub fn is_playing(&self) -> bool {
        self.playing
    }

    /// Its speed, in per cent.
    pub fn speed_percent(&self) -> u64 {
        SPEEDS[self.speed]
    }

    /// Plays, or pauses. At the end it begins again.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn toggle(&mut self) -> Result<(), ReplayError> {
        self.playing = !self.playing;
        self.since = None;
        if self.playing && self.position >= self.end {
            self.go(At::default())?;
        }
        Ok(())
    }

    /// The next speed up or down.
    pub fn faster(&mut self, up: bool) {
        let last = SPEEDS.len() - 1;
        self.speed = if up { (self.speed + 1).min(last) } else { self.speed.saturating_sub(1) };
        self.since = None;
    }

    /// Plays at `percent` of the flight's speed, or the nearest there is.
    pub fn set_speed(&mut self, percent: u64) {
        let distance = |index: &usize| SPEEDS[*index].abs_diff(percent);
        self.speed = (0..SPEEDS.len()).min_by_key(distance).unwrap_or(NORMAL);
        self.since = None;
    }

    /// Goes to a place.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn go(&mut self, to: At) -> Result<(), ReplayError> {
        let to = to.min(self.end);
        let from = At(to.0.saturating_sub(REMEMBERED_MS * 1_000));
        if to < self.picture.at || from > self.picture.at {
            self.picture = Picture::default();
            self.replay = if from == At::default() {
                Replay::open(&self.log)?
            } else {
                Replay::open_at(&self.log, from)?
            };
        }
        self.run_to(to)?;
        self.position = to;
        self.since = None;
        Ok(())
    }

    /// The next full sample, or the one before.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn step_sample(&mut self, forward: bool) -> Result<(), ReplayError> {
        self.playing = false;
        let here = self.position;
        let found = if forward {
            self.samples.get(self.samples.partition_point(|at| *at <= here))
        } else {
            self.samples[..self.samples.partition_point(|at| *at < here)].last()
        };
        match found.copied() {
            Some(at) => self.go(at),
            None if forward => self.go(self.end),
            None => Ok(()),
        }
    }

    /// The next mark, or the one before.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn step_event(&mut self, forward: bool) -> Result<Option<Marker>, ReplayError> {
        self.playing = false;
        let here = self.position;
        let found = if forward {
            self.markers.iter().find(|marker| marker.at > here)
        } else {
            self.markers.iter().rev().find(|marker| marker.at < here)
        };
        let Some(marker) = found.cloned() else { return Ok(None) };
        self.go(marker.at)?;
        Ok(Some(marker))
    }

    /// Goes on by the clock.
    pub(super) fn advance(&mut self) -> Result<bool, ReplayError> {
        if !self.playing {
            return Ok(false);
        }
        let clock = self.clock.now();
        let (began, place) = *self.since.get_or_insert((clock, self.position));
        let passed_us = clock.us_since(began).saturating_mul(self.speed_percent()) / 100;
        let to = At(place.0.saturating_add(passed_us)).min(self.end);
        self.run_to(to)?;
        self.position = to;
        self.playing = to < self.end;
        Ok(true)
    }

    pub(super) fn look_again(&self) -> Duration {
        if self.playing { FRAME } else { Duration::from_secs(1) }
    }

    fn run_to(&mut self, to: At) -> Result<(), ReplayError> {
        while self.replay.next_at()?.is_some_and(|next| next <= to) {
            if self.step()?.is_none() {
                break;
            }
        }
        self.refresh();
        Ok(())
    }

    fn step(&mut self) -> Result<Option<Step>, ReplayError> {
        let step = self.replay.step()?;
        if let Some(step) = &step {
            let at = step.at();
            self.picture.history.observe(at, self.replay.cockpit());
            self.picture.at = at;
        }
        Ok(step)
    }

    fn refresh(&mut self) {
        self.picture.cockpit = self.replay.cockpit().clone();
        self.picture.literals = self.replay.literals().clone();
    }
}

fn is_drift(step: &Step) -> bool {
    matches!(step, Step::Turn { drift: Some(_), .. } | Step::StateDiffers { .. })
}

fn marks(step: &Step, replay: &Replay, told: u64) -> Vec<Marker> {
    let mut marks: Vec<Marker> = Vec::new();
    if is_drift(step) {
        let text = "decides differently than it did".to_owned();
        marks.push(Marker { at: step.at(), kind: MarkerKind::Drift, text });
    }
    if let Step::Resumed { at, gap } = step {
        marks.push(Marker { at: *at, kind: MarkerKind::Gap, text: gap.why.clone() });
        return marks;
    }
    let fresh = replay.cockpit().timeline().since(told);
    marks.extend(fresh.filter_map(|(at, event)| {
        let (kind, text) = mark(event)?;
        Some(Marker { at: *at, kind, text })
    }));
    marks
}

/// What of the timeline is worth a mark.
fn mark(event: &Event) -> Option<(MarkerKind, String)> {
    Some(match event {
        Event::TargetFound(story) => {
            (MarkerKind::Target, format!("target: pid {}", story.attempt.backend.pid))
        }
        Event::TargetEnded { target, .. } => {
            (MarkerKind::Target, format!("target over: pid {}", target.attempt.backend.pid))
        }
        Event::Guard { state: GuardState::Blind, sentence } => {
            (MarkerKind::Gap, format!("blind: {sentence}"))
        }
        Event::Guard { sentence, .. } => (MarkerKind::Guard, sentence.clone()),
        Event::Trip { name, reading, .. } => (MarkerKind::Trip, format!("{name}: {}", reading.sentence)),
        Event::Outcome(story) if story.is_final => (MarkerKind::Trip, story.sentence.clone()),
        Event::Gap { why, .. } => (MarkerKind::Gap, why.clone()),
        Event::Note { text, .. } => (MarkerKind::Note, text.clone()),
        Event::End { reason } => (MarkerKind::End, reason.clone()),
        _ => return None,
    })
}
