//! What is recorded: entries, and the batches they are appended in.
//!
//! Owns what can stand in a log, and how much of it may wait. Never encodes anything.

use std::any::Any;
use std::sync::Arc;

use serde_json::Value;

use crate::engine::checkpoint::Checkpoint;
use crate::engine::effect::Effect;
use crate::engine::ids::At;
use crate::engine::input::{Command, Gap, Input};

/// Deepest event: what nests deeper could be written but not read back (`serde_json` stops at 128).
const MAX_EVENT_DEPTH: usize = 64;
/// What a row of a sample takes in memory, roughly; a small entry too.
const ROW_BYTES: usize = 256;

/// One thing the log holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// What the engine was told.
    Input(At, Input),
    /// What the engine asked for.
    Intent(At, Effect),
    /// The engine itself, before whatever comes next: a replay can start here, with what the reader
    /// [holds](super::Reader::held).
    Checkpoint(At, Vec<u8>),
    /// Entries are missing from the gap's `from` until now. A checkpoint follows.
    Gap(At, Gap),
    /// Something no decision depends on, such as which screen was open.
    Event(At, Value),
}

impl Entry {
    /// When it was recorded, in time of the flight.
    pub fn at(&self) -> At {
        match self {
            Entry::Input(at, _)
            | Entry::Intent(at, _)
            | Entry::Checkpoint(at, _)
            | Entry::Gap(at, _)
            | Entry::Event(at, _) => *at,
        }
    }

    /// What it takes in memory, roughly.
    fn weight(&self) -> usize {
        let rows = |n: usize| n.saturating_mul(ROW_BYTES);
        ROW_BYTES
            + match self {
                Entry::Input(_, Input::Sample(sample)) => {
                    rows(sample.backends.len() + sample.locks.len() + sample.edges.len())
                }
                Entry::Input(_, Input::Host(facts)) => {
                    rows(facts.known().map_or(0, |facts| facts.backends.len()))
                }
                Entry::Input(_, Input::Text(text)) => text.normalised.len(),
                Entry::Input(_, Input::Names(names)) => rows(names.relations.len() + names.roles.len()),
                Entry::Input(_, Input::Command(request)) => match &request.command {
                    Command::Mark { note } => note.len(),
                    _ => 0,
                },
                Entry::Checkpoint(_, state) => state.len(),
                Entry::Event(_, event) => weight_of_value(event),
                Entry::Gap(_, gap) | Entry::Input(_, Input::Gap(gap)) => gap.why.len(),
                Entry::Input(..) | Entry::Intent(..) => 0,
            }
    }
}

/// Entries of one turn of the flight: they are written and synced together, and read together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    entries: Vec<Entry>,
    weight: usize,
    samples: u32,
    has_checkpoint: bool,
    refusal: Option<String>,
    keepsake: Option<Arc<dyn Any + Send + Sync>>,
}

impl Batch {
    /// A batch without entries.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Takes something along that is dropped once the batch is durable, or lost.
    pub fn keep(&mut self, keepsake: impl Any + Send + Sync) {
        self.keepsake = Some(Arc::new(keepsake));
    }

    /// Adds what the engine is told.
    pub fn input(&mut self, at: At, input: &Input) {
        self.push(Entry::Input(at, input.clone()));
    }

    /// Adds what the engine asks for.
    pub fn intent(&mut self, at: At, effect: &Effect) {
        self.push(Entry::Intent(at, effect.clone()));
    }

    /// Adds a loss that somebody else than the writer has noticed.
    pub fn gap(&mut self, at: At, gap: &Gap) {
        self.push(Entry::Gap(at, gap.clone()));
    }

    /// Adds the engine's state, as it is before the next entry. A sample or a text behind it makes the whole batch
    /// refused when it is appended: a checkpoint stands in a batch of its own.
    pub fn checkpoint(&mut self, at: At, state: Vec<u8>) {
        self.push(Entry::Checkpoint(at, state));
    }

    /// Adds something no decision depends on. A value nested deeper than 64 levels makes the whole batch
    /// refused when it is appended.
    pub fn event(&mut self, at: At, event: &Value) {
        self.push(Entry::Event(at, event.clone()));
    }

    /// Adds `entry`.
    pub fn push(&mut self, entry: Entry) {
        if let Entry::Event(_, event) = &entry
            && is_deeper(event, MAX_EVENT_DEPTH)
        {
            self.refusal = Some(format!("an event is nested deeper than {MAX_EVENT_DEPTH} levels"));
        }
        // A batch is read as a whole: what the reader holds then must be what belongs to the checkpoint.
        if self.has_checkpoint && matches!(entry, Entry::Input(_, Input::Sample(_) | Input::Text(_))) {
            self.refusal = Some("a sample or a text follows a checkpoint in the same turn".to_owned());
        }
        self.has_checkpoint |= matches!(entry, Entry::Checkpoint(..));
        self.weight = self.weight.saturating_add(entry.weight());
        self.samples += u32::from(matches!(entry, Entry::Input(_, Input::Sample(_))));
        self.entries.push(entry);
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What it takes in memory, roughly, in bytes.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// How many of its entries are full samples.
    pub(super) fn samples(&self) -> u32 {
        self.samples
    }

    /// Time of its first entry.
    pub(super) fn first_at(&self) -> Option<At> {
        self.entries.first().map(Entry::at)
    }

    /// Why it cannot be recorded, if so.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl From<Vec<Entry>> for Batch {
    fn from(entries: Vec<Entry>) -> Batch {
        let mut batch = Batch::new();
        entries.into_iter().for_each(|entry| batch.push(entry));
        batch
    }
}

/// What a checkpoint takes in memory, roughly, in bytes.
pub(super) fn weight_of(checkpoint: &Checkpoint) -> usize {
    let rows = checkpoint.held.sample.as_ref().map_or(0, |sample| sample.backends.len() + sample.locks.len());
    checkpoint.state.len() + rows * ROW_BYTES + checkpoint.held.texts.len() * size_of::<usize>() * 4
}

/// What a value takes in memory, roughly, in bytes.
fn weight_of_value(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(weight_of_value).sum(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, field)| 3 * size_of::<usize>() + name.len() + weight_of_value(field))
                .sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    let Some(left) = levels.checked_sub(1) else { return true };
    match value {
        Value::Array(items) => items.iter().any(|item| is_deeper(item, left)),
        Value::Object(fields) => fields.values().any(|field| is_deeper(field, left)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_event_a_note_and_a_gap_say_is_counted() {
        let long = "x".repeat(1 << 20);
        let weighs = |add: &dyn Fn(&mut Batch)| {
            let mut batch = Batch::new();
            add(&mut batch);
            batch.weight()
        };
        let mark = Input::Command(crate::engine::input::Request {
            by: None,
            command: Command::Mark { note: long.clone() },
        });
        let gap = Gap { from: At(0), why: long.clone(), lost: None };
        assert!(
            weighs(&|batch| batch.event(At(0), &json!({ "literals": [{ "values": [long] }] }))) > 1 << 20
        );
        assert!(weighs(&|batch| batch.event(At(0), &json!({ long.as_str(): 1 }))) > 1 << 20);
        assert!(weighs(&|batch| batch.input(At(0), &mark)) > 1 << 20);
        assert!(weighs(&|batch| batch.gap(At(0), &gap)) > 1 << 20);
    }
}
