//! Where a screen's inputs come from: the flight in this process, the log of a flight in the air, a finished log.
//!
//! Owns the screen's own copy of the engine, whatever feeds it. What a live flight cannot hand over in time is
//! skipped by taking a fresh copy of its engine: a screen never slows a flight down. Effects of the copy go nowhere.

use std::time::Duration;

use super::playback::Playback;
use crate::clock::FlightClock;
use crate::engine::Cockpit;
use crate::engine::history::History;
use crate::engine::ids::At;
use crate::engine::input::Input;
use crate::flight::feed::{Feed, News};
use crate::literals::Table;
use crate::remote::Tail;
use crate::replay::ReplayError;

/// What a screen is fed from.
#[derive(Debug)]
pub enum Source {
    /// The flight flies in this process.
    Live(Live),
    /// The flight flies elsewhere on this machine, and this reads its log.
    Joined(Joined),
    /// The flight is over, and this plays its log.
    Replay(Playback),
}

/// The engine of a screen, with what charts remember.
#[derive(Debug, Default, Clone)]
pub struct Picture {
    /// The engine, as of the last input.
    pub cockpit: Cockpit,
    /// The recent past.
    pub history: History,
    /// Literals of what backends run, where they are kept.
    pub literals: Table,
    /// The last input.
    pub at: At,
}

impl Picture {
    /// The picture after `input`.
    pub(super) fn take(&mut self, at: At, input: Input) {
        let _ = self.cockpit.handle(at, input);
        self.remember(at);
    }

    /// The picture of a flight seen anew.
    pub(super) fn jump(&mut self, at: At, cockpit: Cockpit) {
        self.cockpit = cockpit;
        self.remember(at);
    }

    fn remember(&mut self, at: At) {
        self.at = at;
        if let Some(sample) = self.cockpit.sample() {
            self.literals.follow(sample);
        }
        self.history.observe(at, &self.cockpit);
    }
}

impl Source {
    /// Takes in what has arrived; true when the picture has changed.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(super) fn advance(&mut self) -> Result<bool, ReplayError> {
        match self {
            Source::Live(live) => Ok(live.advance()),
            Source::Joined(joined) => joined.advance(),
            Source::Replay(playback) => playback.advance(),
        }
    }

    /// What there is to see.
    pub(super) fn picture(&self) -> &Picture {
        match self {
            Source::Live(live) => &live.picture,
            Source::Joined(joined) => &joined.picture,
            Source::Replay(playback) => playback.picture(),
        }
    }

    /// The present of this picture: of a flight in the air the clock's, of a replay the place it is at.
    pub(super) fn now(&self) -> At {
        match self {
            Source::Live(live) => live.ended.unwrap_or_else(|| live.clock.now()),
            Source::Joined(joined) => joined.ended.unwrap_or_else(|| joined.clock.now()),
            Source::Replay(playback) => playback.now(),
        }
    }

    /// When there may be something new although nobody says so.
    pub(super) fn look_again(&self) -> Duration {
        match self {
            Source::Live(_) => Duration::from_secs(1),
            Source::Joined(joined) => joined.look_again(),
            Source::Replay(playback) => playback.look_again(),
        }
    }

    /// Whether nothing will follow.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Source::Live(live) => live.ended.is_some(),
            Source::Joined(joined) => joined.ended.is_some() || joined.died,
            Source::Replay(_) => false,
        }
    }

    /// Why nothing is recorded now although something should be.
    pub(super) fn recording_failed(&self) -> Option<&str> {
        match self {
            Source::Live(live) => live.recording_failed.as_deref(),
            Source::Joined(_) | Source::Replay(_) => None,
        }
    }

    /// Whether the flight's process has gone without ending the flight.
    pub(super) fn has_died(&self) -> bool {
        matches!(self, Source::Joined(joined) if joined.died)
    }
}

/// The screen of the flight in this process.
#[derive(Debug)]
pub struct Live {
    feed: Feed,
    clock: FlightClock,
    picture: Picture,
    ended: Option<At>,
    /// Why nothing is recorded now although something should be.
    recording_failed: Option<String>,
}

impl Live {
    /// A screen fed by `feed`; `clock` is the flight's.
    pub fn new(feed: Feed, clock: FlightClock) -> Live {
        Live { feed, clock, picture: Picture::default(), ended: None, recording_failed: None }
    }

    fn advance(&mut self) -> bool {
        let news = self.feed.take();
        let changed = !news.is_empty();
        for item in news {
            match item {
                News::Input(at, input) => self.picture.take(at, *input),
                News::Copy(at, cockpit) => self.picture.jump(at, *cockpit),
                News::Literals(kept) => self.picture.literals.take(kept),
                News::Recording(failed) => self.recording_failed = failed,
                News::Over(at) => self.ended = Some(at),
            }
        }
        changed
    }
}

/// A flight in the air elsewhere, read from its log.
#[derive(Debug)]
pub struct Joined {
    tail: Tail,
    clock: FlightClock,
    picture: Picture,
    ended: Option<At>,
    /// Its log stops without an end, and nobody writes it.
    died: bool,
}

impl Joined {
    /// A screen on the log that `tail` reads; `clock` is the flight's.
    pub fn new(tail: Tail, clock: FlightClock) -> Joined {
        // Nothing may follow the checkpoint at which reading begins.
        let mut picture = Picture::default();
        let cockpit = tail.cockpit().clone();
        picture.jump(cockpit.sample_at().unwrap_or_default(), cockpit);
        Joined { tail, clock, picture, ended: None, died: false }
    }

    /// Twice as often as the flight looks, within reason: its log grows as often.
    fn look_again(&self) -> Duration {
        if self.ended.is_some() || self.died {
            return Duration::from_secs(1);
        }
        let every_ms = self.picture.cockpit.pacer().sample_every_ms() / 2;
        Duration::from_millis(every_ms).clamp(Tail::POLL, Duration::from_millis(500))
    }

    fn advance(&mut self) -> Result<bool, ReplayError> {
        let mut changed = false;
        if self.ended.is_some() || self.died {
            return Ok(false);
        }
        // Asked before the last steps are read.
        let is_abandoned = self.tail.is_abandoned();
        while let Some(step) = self.tail.next_step()? {
            let at = step.at();
            self.picture.history.observe(at, self.tail.cockpit());
            self.picture.at = at;
            changed = true;
        }
        if changed {
            self.picture.cockpit = self.tail.cockpit().clone();
            self.picture.literals = self.tail.replay().literals().clone();
        }
        if self.tail.is_over() {
            self.ended = Some(self.picture.at);
            changed = true;
        } else if is_abandoned {
            self.died = true;
            changed = true;
        }
        Ok(changed)
    }
}
