//! A flight, flown again from its log.
//!
//! Owns the comparison of what the engine asks for now with what it asked for then. Owns no connection and
//! no clock, so it cannot act.

use std::path::Path;

use crate::engine::effect::Effect;
use crate::engine::ids::At;
use crate::engine::input::Gap;
use crate::engine::{Cockpit, ENGINE_VERSION};
use crate::literals::{self, Table};
use crate::log::{Cursor, Damage, Ending, Entry, Item, ReadError, Reader};

/// Why a replay cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A checkpoint was made by an engine this one does not understand.
    #[error(
        "a checkpoint of the log cannot be read by this release: {0}; replay it with the release that flew"
    )]
    Checkpoint(serde_json::Error),
}

/// A replay at some place of its log.
#[derive(Debug)]
pub struct Replay {
    reader: Reader,
    cockpit: Cockpit,
    literals: Table,
    next: Option<Entry>,
    damage: Option<Damage>,
}

/// What one step of a replay did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The engine handled an input.
    Turn {
        /// When.
        at: At,
        /// It was a full sample.
        was_sample: bool,
        /// The engine asked for something else than the log has.
        drift: Option<Drift>,
    },
    /// What was lost is not replayed; the engine goes on from a checkpoint behind it.
    Resumed {
        /// When.
        at: At,
        /// What was lost.
        gap: Gap,
    },
    /// A checkpoint of the log differs from the engine that replayed up to it.
    StateDiffers {
        /// When.
        at: At,
    },
}

impl Step {
    /// When it happened.
    pub fn at(&self) -> At {
        match self {
            Step::Turn { at, .. } | Step::Resumed { at, .. } | Step::StateDiffers { at } => *at,
        }
    }
}

/// The engine asked for something else than the log has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// What the log has.
    pub recorded: Vec<Effect>,
    /// What the engine asks for now.
    pub replayed: Vec<Effect>,
}

impl Replay {
    /// A replay from the beginning.
    ///
    /// # Errors
    /// [`ReplayError`] says what is wrong with the log.
    pub fn open(path: &Path) -> Result<Replay, ReplayError> {
        Ok(Replay::of(Reader::open(path)?, Cockpit::default()))
    }

    /// A replay from the last checkpoint at or before `at`.
    ///
    /// # Errors
    /// [`ReplayError`] says what is wrong with the log.
    pub fn open_at(path: &Path, at: At) -> Result<Replay, ReplayError> {
        let seek = Cursor::open(path)?.seek(at)?;
        let cockpit = Cockpit::restore(&seek.checkpoint).map_err(ReplayError::Checkpoint)?;
        Ok(Replay::of(seek.reader, cockpit))
    }

    fn of(reader: Reader, cockpit: Cockpit) -> Replay {
        Replay { reader, cockpit, literals: Table::default(), next: None, damage: None }
    }

    /// The engine as it was.
    pub fn cockpit(&self) -> &Cockpit {
        &self.cockpit
    }

    /// Literals of what backends run, where the flight kept them and the log has been read that far.
    pub fn literals(&self) -> &Table {
        &self.literals
    }

    /// Whether the log was made by another version of the engine: differences are then a judgement anew.
    pub fn is_rejudged(&self) -> bool {
        self.cockpit.flight().is_some_and(|begin| begin.engine != ENGINE_VERSION)
    }

    /// How the log ends; to be asked when there are no more steps.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn ending(&mut self) -> Result<Ending, ReplayError> {
        Ok(self.reader.ending()?)
    }

    /// When the next step happened; `None` at the end of what the log has so far.
    ///
    /// # Errors
    /// [`ReplayError`] says why it cannot go on.
    pub fn next_at(&mut self) -> Result<Option<At>, ReplayError> {
        if self.next.is_none() {
            self.next = self.take()?;
        }
        Ok(self.next.as_ref().map(Entry::at))
    }

    /// The next step; `None` at the end of what the log has so far.
    ///
    /// # Errors
    /// [`ReplayError`] says why it cannot go on.
    pub fn step(&mut self) -> Result<Option<Step>, ReplayError> {
        while let Some(entry) = self.take()? {
            match entry {
                Entry::Input(at, input) => {
                    let was_sample = matches!(input, crate::engine::input::Input::Sample(_));
                    let replayed = self.cockpit.handle(at, input);
                    let recorded = self.intents()?;
                    if let Some(sample) = self.cockpit.sample() {
                        self.literals.follow(sample);
                    }
                    let drift = (recorded != replayed).then_some(Drift { recorded, replayed });
                    return Ok(Some(Step::Turn { at, was_sample, drift }));
                }
                Entry::Gap(at, gap) => {
                    self.resume()?;
                    return Ok(Some(Step::Resumed { at, gap }));
                }
                Entry::Checkpoint(at, bytes) => {
                    if let Some(damage) = self.damage.take() {
                        self.cockpit = restore(&bytes)?;
                        let why = format!("the log is damaged at byte {}", damage.at_byte);
                        return Ok(Some(Step::Resumed { at, gap: Gap { from: at, why, lost: None } }));
                    }
                    if self.cockpit.checkpoint() != bytes && !self.is_rejudged() {
                        return Ok(Some(Step::StateDiffers { at }));
                    }
                }
                // An intent without its input belongs to a turn that was lost.
                Entry::Intent(..) => {}
                Entry::Event(_, event) => self.learn(&event),
            }
        }
        Ok(None)
    }

    /// Goes on from the checkpoint that follows a gap.
    fn resume(&mut self) -> Result<(), ReplayError> {
        while let Some(entry) = self.take()? {
            if let Entry::Checkpoint(_, bytes) = entry {
                self.cockpit = restore(&bytes)?;
                break;
            }
        }
        Ok(())
    }

    /// The intents of the turn whose input was just read.
    fn intents(&mut self) -> Result<Vec<Effect>, ReplayError> {
        let mut intents = Vec::new();
        while let Some(entry) = self.take()? {
            match entry {
                Entry::Intent(_, effect) => intents.push(effect),
                Entry::Event(_, event) => self.learn(&event),
                other => {
                    self.next = Some(other);
                    break;
                }
            }
        }
        Ok(intents)
    }

    /// What an event tells that is shown.
    fn learn(&mut self, event: &serde_json::Value) {
        self.literals.take(literals::from_event(event).unwrap_or_default());
    }

    fn take(&mut self) -> Result<Option<Entry>, ReplayError> {
        if let Some(entry) = self.next.take() {
            return Ok(Some(entry));
        }
        loop {
            match self.reader.next_item()? {
                Some(Item::Entry { entry, .. }) => return Ok(Some(entry)),
                Some(Item::Damage(damage)) => self.damage = Some(damage),
                None => return Ok(None),
            }
        }
    }
}

fn restore(checkpoint: &[u8]) -> Result<Cockpit, ReplayError> {
    Cockpit::restore(checkpoint).map_err(ReplayError::Checkpoint)
}
