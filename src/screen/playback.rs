//! A finished log, played.
//!
//! Owns the place in the log, the speed, and jumps. A jump costs one checkpoint and at most one segment of inputs,
//! and a little more for what charts remember. Nothing here waits for the survey of the log, except who asks for that.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::source::Picture;
use super::survey::{Findings, Marker, Survey};
use crate::clock::FlightClock;
use crate::engine::ids::At;
use crate::replay::{Replay, ReplayError, Step};

/// Speeds, in per cent of the flight's own.
pub const SPEEDS: [u64; 8] = [10, 25, 50, 100, 200, 500, 1_000, 6_000];
/// The flight's own speed.
const NORMAL: usize = 3;
/// How much before a place is replayed too, for what charts remember.
const REMEMBERED_MS: u64 = 120_000;
/// How often a running replay goes on.
const FRAME: Duration = Duration::from_millis(50);
/// How often a survey is asked for news.
const NEWS: Duration = Duration::from_millis(100);
/// How far back the sample before a place is looked for at first.
const NEARBY_US: u64 = 30_000_000;

/// Where the next mark is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Here.
    Marker(Marker),
    /// There is none.
    Nowhere,
    /// That is not known, and why.
    Unknown(String),
}

/// A log being played.
#[derive(Debug)]
pub struct Playback {
    log: PathBuf,
    replay: Replay,
    picture: Picture,
    /// The first step that lies ahead of the place; its input is handled already.
    position: At,
    survey: Survey,
    speed: usize,
    playing: bool,
    /// The clock when the replay was at `position`.
    since: Option<(At, At)>,
    clock: FlightClock,
}

impl Playback {
    /// A playback of the log at `path`, at its beginning, playing. What lies ahead is surveyed meanwhile.
    ///
    /// # Errors
    /// [`ReplayError`] says what is wrong with the beginning of the log.
    pub fn open(path: &Path) -> Result<Playback, ReplayError> {
        let mut playback = Playback {
            log: path.to_owned(),
            replay: Replay::open(path)?,
            picture: Picture::default(),
            position: At::default(),
            survey: Survey::start(path),
            speed: NORMAL,
            playing: true,
            since: None,
            clock: FlightClock::start(),
        };
        // The first moment with something to see: a cut, and a part of a row of files, begin in the air.
        playback.replay.begin()?;
        let begins = match playback.replay.cockpit().flight() {
            Some(_) => playback.replay.next_at()?.unwrap_or_default(),
            None => At::default(),
        };
        playback.go(begins)?;
        Ok(playback)
    }

    /// The same once the whole log has been surveyed, or could not be any further.
    #[must_use]
    pub fn surveyed(mut self) -> Playback {
        self.survey.wait();
        self
    }

    /// What is known of the whole log so far.
    pub fn findings(&self) -> &Findings {
        &self.survey.findings
    }

    /// What was known of the whole log in the end.
    pub(super) fn into_findings(mut self) -> Findings {
        self.survey.advance();
        self.survey.findings.clone()
    }

    /// What there is to see at this place.
    pub fn picture(&self) -> &Picture {
        &self.picture
    }

    /// The place.
    pub fn now(&self) -> At {
        self.position
    }

    /// When something happens next; `None` behind the last step.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn next_at(&mut self) -> Result<Option<At>, ReplayError> {
        self.replay.next_at()
    }

    /// The log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Which part of its flight the log is, in a word or two; `None` when it is all of it.
    pub fn excerpt(&self) -> Option<String> {
        let meta = self.replay.head().meta.as_ref()?;
        match (&meta.cut, &meta.part) {
            (Some(cut), _) if cut.is_masked => Some("CUT: names masked".to_owned()),
            (Some(_), _) => Some("CUT".to_owned()),
            (None, Some(part)) => Some(format!("PART {}", part.number)),
            (None, None) => None,
        }
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
        if self.playing && self.known_end().is_some_and(|end| self.position >= end) {
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

    /// Goes to a place, or to the end of the log where that comes before it.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn go(&mut self, to: At) -> Result<(), ReplayError> {
        let to = self.within(to);
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
        self.position = self.within(to);
        self.since = None;
        Ok(())
    }

    /// The next full sample, or the one before.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn step_sample(&mut self, forward: bool) -> Result<(), ReplayError> {
        self.playing = false;
        let found = if forward { self.sample_after()? } else { self.sample_before(self.position)? };
        match found {
            Some(at) => self.go(at),
            None if forward => self.go(At(u64::MAX)),
            None => Ok(()),
        }
    }

    /// The next mark, or the one before.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn step_event(&mut self, forward: bool) -> Result<Found, ReplayError> {
        self.playing = false;
        let (here, findings) = (self.position, &self.survey.findings);
        // Between what is surveyed and a place behind it may be marks that nobody has seen.
        let is_beyond = findings.marked_to().is_some_and(|to| here > to);
        let found = match forward {
            true => findings.markers().iter().find(|marker| marker.at > here),
            false if is_beyond => None,
            false => findings.markers().iter().rev().find(|marker| marker.at < here),
        };
        if let Some(marker) = found.cloned() {
            self.go(marker.at)?;
            return Ok(Found::Marker(marker));
        }
        let unknown = findings.sentence().filter(|_| forward || is_beyond);
        Ok(unknown.map_or(Found::Nowhere, Found::Unknown))
    }

    /// Goes on by the clock.
    pub(super) fn advance(&mut self) -> Result<bool, ReplayError> {
        let changed = self.survey.advance();
        if !self.playing {
            return Ok(changed);
        }
        let clock = self.clock.now();
        let (began, place) = *self.since.get_or_insert((clock, self.position));
        let passed_us = clock.us_since(began).saturating_mul(self.speed_percent()) / 100;
        let to = self.within(At(place.0.saturating_add(passed_us)));
        self.run_to(to)?;
        self.position = self.within(to);
        self.playing = self.known_end().is_none_or(|end| self.position < end);
        Ok(true)
    }

    pub(super) fn look_again(&self) -> Duration {
        match self.playing {
            true => FRAME,
            false if self.survey.is_reading() => NEWS,
            false => Duration::from_secs(1),
        }
    }

    fn known_end(&self) -> Option<At> {
        self.survey.findings.known_end()
    }

    /// `at`, or the end where that is known to come before it.
    fn within(&self, at: At) -> At {
        self.known_end().map_or(at, |end| at.min(end))
    }

    /// The first sample behind the place. The replay is then at it.
    fn sample_after(&mut self) -> Result<Option<At>, ReplayError> {
        while let Some(step) = self.step()? {
            if let Step::Turn { at, was_sample: true, .. } = step {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// The last sample before `here`.
    fn sample_before(&self, here: At) -> Result<Option<At>, ReplayError> {
        let mut back_us = NEARBY_US;
        loop {
            let from = At(here.0.saturating_sub(back_us));
            let mut replay = match from {
                At(0) => Replay::open(&self.log)?,
                from => Replay::open_at(&self.log, from)?,
            };
            let mut found = None;
            while replay.next_at()?.is_some_and(|next| next < here) {
                match replay.step()? {
                    Some(Step::Turn { at, was_sample: true, .. }) => found = Some(at),
                    Some(_) => {}
                    None => break,
                }
            }
            if found.is_some() || from == At(0) {
                return Ok(found);
            }
            back_us = back_us.saturating_mul(8);
        }
    }

    fn run_to(&mut self, to: At) -> Result<(), ReplayError> {
        while self.replay.next_at()?.is_some_and(|next| next <= to) {
            if self.step()?.is_none() {
                break;
            }
        }
        if self.replay.next_at()?.is_none() {
            // A log may end with a checkpoint behind which nothing happened.
            let seen = self.replay.cockpit().sample_at().unwrap_or_default();
            self.survey.findings.ends_at(self.picture.at.max(seen));
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
