//! The writing of a cut.
//!
//! Owns what goes into it, turn by turn, and flies the masked flight beside the one that was flown. Never decides where
//! a cut begins or ends.

use serde_json::Value;

use super::learn::{Start, restore};
use super::mask::Masker;
use super::track::{Engine, Told, Track};
use super::{ExportError, clock};
use crate::engine::checkpoint::Checkpoint;
use crate::engine::effect::Effect;
use crate::engine::ids::At;
use crate::engine::input::{Gap, Input};
use crate::engine::{Cockpit, ENGINE_VERSION};
use crate::literals;
use crate::log::{Batch, CopyWriter, Ending, LogError, Pin};

/// Writes a cut.
pub(super) struct Copyist<'a> {
    writer: Option<CopyWriter>,
    masker: &'a Masker,
    is_masked: bool,
    /// The flight as it was, beside the masked one.
    original: Option<Cockpit>,
    /// The flight that the cut is the log of.
    cockpit: Cockpit,
    ahead: Option<Told>,
    pub(super) samples: u64,
    pub(super) gaps: Vec<String>,
}

impl<'a> Copyist<'a> {
    pub(super) fn begin(
        mut writer: CopyWriter,
        masker: &'a Masker,
        is_masked: bool,
        start: Start,
        from: At,
    ) -> Result<Copyist<'a>, ExportError> {
        let Start { cockpit: original, literals, ahead } = start;
        let cockpit = of_the_cut(&original, masker, is_masked)?;
        writer.begin_segment(from, &cockpit.checkpoint())?;
        let kept = literals.all();
        if !is_masked && !kept.is_empty() {
            let mut batch = Batch::new();
            batch.event(from, &literals::event(&kept));
            writer.append(&batch)?;
        }
        let original = is_masked.then_some(original);
        let (samples, gaps) = (0, Vec::new());
        Ok(Copyist { writer: Some(writer), masker, is_masked, original, cockpit, ahead, samples, gaps })
    }

    /// Writes what comes up to `to`.
    pub(super) fn run(&mut self, mut track: Track, to: At) -> Result<Pin, ExportError> {
        let mut writer = self.writer.take().ok_or(LogError::WriterGone)?;
        loop {
            let next = match self.ahead.take() {
                Some(told) => Some(told),
                None => track.next()?,
            };
            let Some(told) = next else {
                if let Ending::Damaged(damage) = track.ending()?
                    && damage.resumes_at.is_none()
                {
                    self.gaps.push(format!("the log is damaged at byte {} and ends there", damage.at_byte));
                }
                break;
            };
            if told.at() > to {
                break;
            }
            self.write(&mut writer, told)?;
        }
        Ok(writer.finish(to)?)
    }

    fn write(&mut self, writer: &mut CopyWriter, told: Told) -> Result<(), ExportError> {
        match told {
            Told::Turn { at, input, intents, events } => {
                let mut batch = self.turn(writer, at, *input, &intents)?;
                for event in events {
                    self.event(&mut batch, at, event)?;
                }
                Ok(writer.append(&batch)?)
            }
            Told::Event { at, event } => {
                let mut batch = Batch::new();
                self.event(&mut batch, at, event)?;
                Ok(writer.append(&batch)?)
            }
            Told::Resumed { at, gap, engine } => self.resume(writer, at, gap, engine),
            Told::NextFile { at, engine, cut_off } => {
                let known = self.original.as_ref().unwrap_or(&self.cockpit);
                if known.state() == engine.state {
                    return Ok(());
                }
                let why = cut_off.unwrap_or_else(|| "entries are missing between two logs".to_owned());
                self.resume(writer, at, Gap { from: known.last_seen(), why, lost: None }, engine)
            }
        }
    }

    fn turn(
        &mut self,
        writer: &mut CopyWriter,
        at: At,
        input: Input,
        intents: &[Effect],
    ) -> Result<Batch, ExportError> {
        if writer.wants_segment(at) {
            writer.begin_segment(at, &self.cockpit.checkpoint())?;
        } else if writer.wants_state() {
            writer.state(at, self.cockpit.state())?;
        }
        self.samples += u64::from(matches!(input, Input::Sample(_)));
        let mut batch = Batch::new();
        let Some(original) = &mut self.original else {
            batch.input(at, &input);
            intents.iter().for_each(|effect| batch.intent(at, effect));
            let _ = self.cockpit.handle(at, input);
            return Ok(batch);
        };
        let masked = self.masker.input(&input)?;
        let masked_intents: Vec<Effect> =
            intents.iter().map(|effect| self.masker.effect(effect)).collect::<Result<_, _>>()?;
        batch.input(at, &masked);
        masked_intents.iter().for_each(|effect| batch.intent(at, effect));
        let has_drifted = original.handle(at, input) != intents;
        let decided = self.cockpit.handle(at, masked);
        let is_rejudged = original.flight().is_some_and(|begin| begin.engine != ENGINE_VERSION);
        if decided != masked_intents && !has_drifted && !is_rejudged {
            let what = format!("{decided:?} instead of {masked_intents:?}");
            return Err(ExportError::OtherDecision { at, what });
        }
        Ok(batch)
    }

    fn event(&self, batch: &mut Batch, at: At, event: Value) -> Result<(), ExportError> {
        let event = if self.is_masked { self.masker.event(&event)? } else { Some(event) };
        event.iter().for_each(|event| batch.event(at, event));
        Ok(())
    }

    /// Goes on behind something that is missing.
    fn resume(
        &mut self,
        writer: &mut CopyWriter,
        at: At,
        gap: Gap,
        engine: Engine,
    ) -> Result<(), ExportError> {
        let lost = gap.lost.map(|lost| format!(", {lost} entries")).unwrap_or_default();
        self.gaps.push(format!("{} to {}: {}{lost}", clock(gap.from), clock(at), gap.why));
        let gap = if self.is_masked { self.masker.gap(&gap)? } else { gap };
        let mut batch = Batch::new();
        batch.gap(at, &gap);
        writer.append(&batch)?;
        let original = restore(engine)?;
        self.cockpit = of_the_cut(&original, self.masker, self.is_masked)?;
        self.original = self.is_masked.then_some(original);
        Ok(writer.begin_segment(at, &self.cockpit.checkpoint())?)
    }
}

/// The engine of the cut: with the texts that are referred to in it, and without names where they are masked.
fn of_the_cut(original: &Cockpit, masker: &Masker, is_masked: bool) -> Result<Cockpit, ExportError> {
    let Checkpoint { mut state, mut held } = original.checkpoint();
    let needed = masker.texts();
    held.texts.retain(|id, _| needed.contains(id));
    if is_masked {
        state = masker.state(original)?;
        held = masker.held(held)?;
    }
    Ok(Cockpit::restore(&state, held)?)
}
