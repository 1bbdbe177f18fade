//! A flight, flown again from its log.
//!
//! Owns the comparison of what the engine asks for now with what it asked for then. Owns no connection and
//! no clock, so it cannot act.

use std::path::Path;

use crate::engine::checkpoint::RestoreError;
use crate::engine::effect::Effect;
use crate::engine::ids::At;
use crate::engine::input::{Gap, Input};
use crate::engine::{Cockpit, ENGINE_VERSION};
use crate::literals::{self, Table};
use crate::log::{Cursor, Damage, Ending, Entry, Head, Item, ReadError, Reader};

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
    Checkpoint(RestoreError),
}

/// A replay at some place of its log.
#[derive(Debug)]
pub struct Replay {
    reader: Reader,
    cockpit: Cockpit,
    literals: Table,
    next: Option<Entry>,
    damage: Option<Damage>,
    recorded: Vec<Effect>,
    /// The engine is the flight's: from the first checkpoint on, or from the first input.
    has_begun: bool,
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
    /// A replay from the beginning of the log: of the flight, or of the part of it that the log holds.
    ///
    /// # Errors
    /// [`ReplayError`] says what is wrong with the log.
    pub fn open(path: &Path) -> Result<Replay, ReplayError> {
        Ok(Replay::of(Reader::open(path)?, Cockpit::default(), false))
    }

    /// A replay from the last checkpoint at or before `at`; of a log that another version of the engine has made,
    /// from the beginning, for its checkpoints are not this engine's.
    ///
    /// # Errors
    /// [`ReplayError`] says what is wrong with the log.
    pub fn open_at(path: &Path, at: At) -> Result<Replay, ReplayError> {
        Replay::at(&mut Cursor::open(path)?, at)
    }

    /// The same in a log whose segments are known.
    ///
    /// # Errors
    /// [`ReplayError`] says what is wrong with the log.
    pub fn at(cursor: &mut Cursor, at: At) -> Result<Replay, ReplayError> {
        let seek = cursor.seek(at)?;
        match Cockpit::restore(&seek.state, seek.held) {
            Ok(cockpit) if !is_of_another_engine(&cockpit) => {
                let mut replay = Replay::of(seek.reader, cockpit, true);
                seek.events.iter().for_each(|event| replay.learn(event));
                Ok(replay)
            }
            Ok(_) | Err(RestoreError::State(_)) => Replay::open(cursor.path()),
            Err(error @ RestoreError::Lacks) => Err(ReplayError::Checkpoint(error)),
        }
    }

    fn of(reader: Reader, cockpit: Cockpit, has_begun: bool) -> Replay {
        Replay {
            reader,
            cockpit,
            literals: Table::default(),
            next: None,
            damage: None,
            recorded: Vec::new(),
            has_begun,
        }
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
        is_of_another_engine(&self.cockpit)
    }

    /// The beginning of the log.
    pub fn head(&self) -> &Head {
        self.reader.head()
    }

    /// How the log ends; to be asked when there are no more steps.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn ending(&mut self) -> Result<Ending, ReplayError> {
        Ok(self.reader.ending()?)
    }

    /// All unreadable parts met so far, in order.
    pub fn damages(&self) -> &[Damage] {
        self.reader.damages()
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
        self.step_along(&mut |_, _| {})
    }

    /// Takes in what the log begins with, so that [`Replay::cockpit`] shows the flight as it was before the first
    /// step: of a cut, and of a recording that goes from file to file, that is a flight in the air.
    ///
    /// # Errors
    /// [`ReplayError`] says why it cannot begin.
    pub fn begin(&mut self) -> Result<(), ReplayError> {
        while !self.has_begun {
            match self.take()? {
                // What is behind damage is for a step to say.
                Some(Entry::Checkpoint(_, state)) if self.damage.is_none() => self.begin_with(&state)?,
                Some(Entry::Event(_, event)) => self.learn(&event),
                other => {
                    self.next = other;
                    break;
                }
            }
        }
        Ok(())
    }

    /// What the log has of the last turn: the effects that were asked for in the flight.
    pub fn recorded(&self) -> &[Effect] {
        &self.recorded
    }

    /// The next step; `along` gets its input before the engine does.
    ///
    /// # Errors
    /// [`ReplayError`] says why it cannot go on.
    pub fn step_along(&mut self, along: &mut dyn FnMut(At, &Input)) -> Result<Option<Step>, ReplayError> {
        while let Some(entry) = self.take()? {
            match entry {
                Entry::Input(at, input) => {
                    self.has_begun = true;
                    let was_sample = matches!(input, Input::Sample(_));
                    along(at, &input);
                    let replayed = self.cockpit.handle(at, input);
                    self.recorded = self.intents()?;
                    if let Some(sample) = self.cockpit.sample() {
                        self.literals.follow(sample);
                    }
                    let drift = (self.recorded != replayed)
                        .then(|| Drift { recorded: self.recorded.clone(), replayed });
                    return Ok(Some(Step::Turn { at, was_sample, drift }));
                }
                Entry::Gap(at, mut gap) => {
                    self.has_begun = true;
                    // One checkpoint is behind both.
                    if let Some(damage) = self.damage.take() {
                        gap.why = format!("{}; the log is damaged at byte {}", gap.why, damage.at_byte);
                        gap.lost = None;
                    }
                    self.resume(at, &gap)?;
                    return Ok(Some(Step::Resumed { at, gap }));
                }
                Entry::Checkpoint(at, state) => {
                    if let Some(damage) = self.damage.take() {
                        let why = format!("the log is damaged at byte {}", damage.at_byte);
                        let gap = Gap { from: at, why, lost: None };
                        self.go_on_from(at, &state, &gap)?;
                        return Ok(Some(Step::Resumed { at, gap }));
                    }
                    if !self.has_begun {
                        self.begin_with(&state)?;
                    } else if self.cockpit.state() != state && !self.is_rejudged() {
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
    fn resume(&mut self, at: At, gap: &Gap) -> Result<(), ReplayError> {
        while let Some(entry) = self.take()? {
            if let Entry::Checkpoint(_, state) = entry {
                return self.go_on_from(at, &state, gap);
            }
        }
        Ok(())
    }

    /// Begins with the first checkpoint of a log: of a whole flight it is an engine that knows nothing.
    fn begin_with(&mut self, state: &[u8]) -> Result<(), ReplayError> {
        self.has_begun = true;
        match Cockpit::restore(state, self.reader.held()) {
            Ok(cockpit) => self.cockpit = cockpit,
            // Of another engine: it is judged anew, and so from the first input on.
            Err(RestoreError::State(_)) => {}
            Err(error @ RestoreError::Lacks) => return Err(ReplayError::Checkpoint(error)),
        }
        Ok(())
    }

    /// The engine as it was behind what is missing. One that judges the flight anew has only what it has seen.
    fn go_on_from(&mut self, at: At, state: &[u8], gap: &Gap) -> Result<(), ReplayError> {
        self.has_begun = true;
        if self.is_rejudged() {
            let _ = self.cockpit.handle(at, Input::Gap(gap.clone()));
            return Ok(());
        }
        self.cockpit = Cockpit::restore(state, self.reader.held()).map_err(ReplayError::Checkpoint)?;
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

fn is_of_another_engine(cockpit: &Cockpit) -> bool {
    cockpit.flight().is_some_and(|begin| begin.engine != ENGINE_VERSION)
}
