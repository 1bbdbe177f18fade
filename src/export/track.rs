//! A flight from its log, or from consecutive logs of a recording that went from file to file.
//!
//! Owns the order of what is told, across the ends of files. Never runs an engine.

use std::collections::VecDeque;
use std::path::PathBuf;

use serde_json::Value;

use crate::engine::checkpoint::Held;
use crate::engine::effect::Effect;
use crate::engine::ids::At;
use crate::engine::input::{Gap, Input};
use crate::log::{Cursor, Damage, Ending, Entry, Item, ReadError, Reader, Seek};

/// What is told next.
#[derive(Debug)]
pub(super) enum Told {
    /// An input, what was asked for because of it, and what was noted meanwhile.
    Turn { at: At, input: Box<Input>, intents: Vec<Effect>, events: Vec<Value> },
    /// Something no decision depends on.
    Event { at: At, event: Value },
    /// The engine behind something that is missing.
    Resumed { at: At, gap: Gap, engine: Engine },
    /// The next file begins, with the engine as it was there. `cut_off` says why the file before has no end.
    NextFile { at: At, engine: Engine, cut_off: Option<String> },
}

impl Told {
    pub(super) fn at(&self) -> At {
        match self {
            Told::Turn { at, .. }
            | Told::Event { at, .. }
            | Told::Resumed { at, .. }
            | Told::NextFile { at, .. } => *at,
        }
    }
}

/// An engine as a log keeps it.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) state: Vec<u8>,
    pub(super) held: Held,
}

/// A place to begin at.
#[derive(Debug)]
pub(super) struct Opened {
    /// The time of its checkpoint.
    pub(super) at: At,
    pub(super) engine: Engine,
    /// What the segment tells before the checkpoint that no decision depends on.
    pub(super) events: Vec<Value>,
    pub(super) track: Track,
}

/// A place in the logs.
#[derive(Debug)]
pub(super) struct Track {
    reader: Reader,
    later: VecDeque<PathBuf>,
    ahead: Option<Entry>,
    damage: Option<Damage>,
    /// The first checkpoint of a later file is awaited; why the one before has no end.
    changed: Option<Option<String>>,
}

impl Track {
    /// The last checkpoint at or before `from`, or the first one, in files that are in order; and what comes after it.
    pub(super) fn open(files: &[PathBuf], from: At) -> Result<Opened, ReadError> {
        let mut chosen = None;
        for (n, file) in files.iter().enumerate() {
            let cursor = Cursor::open(file)?;
            let begins = cursor.segments().first().map(|first| first.first_at);
            if chosen.is_none() || begins.is_some_and(|begins| begins <= from) {
                chosen = Some((n, cursor));
            }
        }
        let Some((n, mut cursor)) = chosen else {
            return Err(ReadError::NoCheckpoint { path: PathBuf::new() });
        };
        let Seek { at, state, held, events, reader } = cursor.seek(from)?;
        let later = files[n + 1..].iter().cloned().collect();
        let track = Track { reader, later, ahead: None, damage: None, changed: None };
        Ok(Opened { at, engine: Engine { state, held }, events, track })
    }

    /// What comes next; `None` at the end of the last file.
    pub(super) fn next(&mut self) -> Result<Option<Told>, ReadError> {
        while let Some(entry) = self.take()? {
            match entry {
                Entry::Input(at, input) => {
                    let (intents, events) = self.rest_of_turn()?;
                    return Ok(Some(Told::Turn { at, input: Box::new(input), intents, events }));
                }
                Entry::Event(at, event) => return Ok(Some(Told::Event { at, event })),
                Entry::Gap(at, gap) => {
                    if let Some(told) = self.behind(at, gap)? {
                        return Ok(Some(told));
                    }
                }
                Entry::Checkpoint(at, state) => {
                    let engine = Engine { state, held: self.reader.held() };
                    if let Some(damage) = self.damage.take() {
                        let why = format!("the log is damaged at byte {}", damage.at_byte);
                        return Ok(Some(Told::Resumed {
                            at,
                            gap: Gap { from: at, why, lost: None },
                            engine,
                        }));
                    }
                    if let Some(cut_off) = self.changed.take() {
                        return Ok(Some(Told::NextFile { at, engine, cut_off }));
                    }
                }
                // An intent without its input belongs to a turn that was lost.
                Entry::Intent(..) => {}
            }
        }
        Ok(None)
    }

    /// How the last file ends; to be asked when nothing comes next.
    pub(super) fn ending(&mut self) -> Result<Ending, ReadError> {
        self.reader.ending()
    }

    /// Goes on from the checkpoint that follows a gap; nothing when there is none.
    fn behind(&mut self, at: At, mut gap: Gap) -> Result<Option<Told>, ReadError> {
        if let Some(damage) = self.damage.take() {
            gap.why = format!("{}; the log is damaged at byte {}", gap.why, damage.at_byte);
            gap.lost = None;
        }
        while let Some(entry) = self.take()? {
            if let Entry::Checkpoint(_, state) = entry {
                (self.damage, self.changed) = (None, None);
                let engine = Engine { state, held: self.reader.held() };
                return Ok(Some(Told::Resumed { at, gap, engine }));
            }
        }
        Ok(None)
    }

    fn rest_of_turn(&mut self) -> Result<(Vec<Effect>, Vec<Value>), ReadError> {
        let (mut intents, mut events) = (Vec::new(), Vec::new());
        while let Some(entry) = self.take()? {
            match entry {
                Entry::Intent(_, effect) => intents.push(effect),
                Entry::Event(_, event) => events.push(event),
                other => {
                    self.ahead = Some(other);
                    break;
                }
            }
        }
        Ok((intents, events))
    }

    fn take(&mut self) -> Result<Option<Entry>, ReadError> {
        if let Some(entry) = self.ahead.take() {
            return Ok(Some(entry));
        }
        loop {
            match self.reader.next_item()? {
                Some(Item::Entry { entry, .. }) => return Ok(Some(entry)),
                Some(Item::Damage(damage)) => self.damage = Some(damage),
                None => {
                    let Some(next) = self.later.pop_front() else { return Ok(None) };
                    self.changed = Some(cut_off(self.reader.ending()?));
                    self.damage = None;
                    self.reader = Reader::open(&next)?;
                }
            }
        }
    }
}

/// Why a file that is followed by another one has no end.
fn cut_off(ending: Ending) -> Option<String> {
    match ending {
        Ending::Complete => None,
        Ending::Torn { at_byte, .. } => Some(format!("the log before is cut off at byte {at_byte}")),
        Ending::Damaged(Damage { resumes_at: Some(_), .. }) => None,
        Ending::Damaged(damage) => Some(format!("the log before is damaged at byte {}", damage.at_byte)),
    }
}
