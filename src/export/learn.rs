//! What a cut will hold, before it is written: where it begins and ends, the engine there, and every name in it.
//!
//! Owns the first pass over the logs. Never writes anything.

use std::path::PathBuf;

use serde_json::Value;

use super::ExportError;
use super::mask::Masker;
use super::track::{Engine, Opened, Told, Track};
use crate::engine::Cockpit;
use crate::engine::ids::At;
use crate::engine::input::Input;
use crate::literals::{Table, from_event};

/// A time of the flight from one instant to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub(super) from: At,
    pub(super) to: At,
}

/// What the logs hold, and of that what is to be cut.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) begins: At,
    pub(super) ends: At,
    pub(super) within: Option<Extent>,
}

/// The engine at the beginning of a cut, and what comes first.
pub(super) struct Start {
    pub(super) cockpit: Cockpit,
    /// Literals that were kept, of what runs then.
    pub(super) literals: Table,
    pub(super) ahead: Option<Told>,
}

impl Start {
    /// Flies up to `from`, exclusively.
    pub(super) fn open(files: &[PathBuf], from: At) -> Result<(Start, Track), ExportError> {
        let Opened { engine, events, mut track, .. } = Track::open(files, from)?;
        let mut cockpit = restore(engine)?;
        let mut literals = Table::default();
        let learn =
            |literals: &mut Table, event: &Value| literals.take(from_event(event).unwrap_or_default());
        events.iter().for_each(|event| learn(&mut literals, event));
        while let Some(told) = track.next()? {
            if told.at() >= from {
                return Ok((Start { cockpit, literals, ahead: Some(told) }, track));
            }
            match told {
                Told::Turn { at, input, events, .. } => {
                    if let Input::Sample(sample) = input.as_ref() {
                        literals.follow(sample);
                    }
                    events.iter().for_each(|event| learn(&mut literals, event));
                    let _ = cockpit.handle(at, *input);
                }
                Told::Resumed { engine, .. } | Told::NextFile { engine, .. } => cockpit = restore(engine)?,
                Told::Event { event, .. } => learn(&mut literals, &event),
            }
        }
        Ok((Start { cockpit, literals, ahead: None }, track))
    }
}

pub(super) fn restore(engine: Engine) -> Result<Cockpit, ExportError> {
    Ok(Cockpit::restore(&engine.state, engine.held)?)
}

/// Meets every name of the cut, and finds out where it begins and ends.
pub(super) fn learn(files: &[PathBuf], masker: &Masker, from: At, to: At) -> Result<Found, ExportError> {
    let begins = Track::open(files, At(0))?.at;
    let from = from.max(begins);
    let (Start { cockpit, ahead, .. }, mut track) = Start::open(files, from)?;
    masker.meet_engine(&cockpit)?;
    let mut next = ahead;
    let (mut ends, mut is_within) = (begins, false);
    while let Some(told) = next {
        ends = told.at();
        if told.at() > to {
            while !is_within && let Some(later) = track.next()? {
                ends = later.at();
            }
            break;
        }
        is_within = true;
        match told {
            Told::Turn { input, intents, events, .. } => {
                masker.meet(&input)?;
                masker.meet_value(&intents)?;
                for event in &events {
                    masker.event(event)?;
                }
            }
            Told::Event { event, .. } => {
                masker.event(&event)?;
            }
            Told::Resumed { gap, engine, .. } => {
                masker.meet_value(&gap)?;
                masker.meet_engine(&restore(engine)?)?;
            }
            Told::NextFile { engine, .. } => masker.meet_engine(&restore(engine)?)?,
        }
        next = track.next()?;
    }
    let ends = ends.max(cockpit.last_seen());
    let within = is_within.then(|| Extent { from, to: to.min(ends) });
    Ok(Found { begins, ends, within })
}
