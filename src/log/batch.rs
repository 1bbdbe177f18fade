//! What is recorded: entries, and the batches they are appended in.
//!
//! Owns how an entry becomes a payload and back. Never frames or compresses.

use serde::Serialize;
use serde_json::Value;

use super::record::kind;
use crate::engine::effect::Effect;
use crate::engine::ids::At;
use crate::engine::input::{Gap, Input};

/// Deepest event: what nests deeper could be written but not read back (`serde_json` stops at 128).
const MAX_EVENT_DEPTH: usize = 64;

/// One thing the log holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// What the engine was told.
    Input(At, Input),
    /// What the engine asked for.
    Intent(At, Effect),
    /// The engine itself, as its own bytes: a replay can start here.
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

    /// The entry of an intact record; `None` for a type that is no entry of this format.
    pub(super) fn decode(of: u8, at: At, payload: Vec<u8>) -> serde_json::Result<Option<Entry>> {
        Ok(Some(match of {
            kind::INPUT => Entry::Input(at, serde_json::from_slice(&payload)?),
            kind::INTENT => Entry::Intent(at, serde_json::from_slice(&payload)?),
            kind::GAP => Entry::Gap(at, serde_json::from_slice(&payload)?),
            kind::EVENT => Entry::Event(at, serde_json::from_slice(&payload)?),
            kind::CHECKPOINT => Entry::Checkpoint(at, payload),
            _ => return Ok(None),
        }))
    }
}

/// Entries of one turn of the flight: they are written and synced together, and read together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    plain: Vec<u8>,
    parts: Vec<Part>,
    samples: u32,
    refusal: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct Part {
    kind: u8,
    at: At,
    end: usize,
}

impl Batch {
    /// A batch without entries.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Adds what the engine is told.
    pub fn input(&mut self, at: At, input: &Input) {
        self.samples += u32::from(matches!(input, Input::Sample(_)));
        self.json(kind::INPUT, at, input);
    }

    /// Adds what the engine asks for.
    pub fn intent(&mut self, at: At, effect: &Effect) {
        self.json(kind::INTENT, at, effect);
    }

    /// Adds a loss that somebody else than the writer has noticed.
    pub fn gap(&mut self, at: At, gap: &Gap) {
        self.json(kind::GAP, at, gap);
    }

    /// Adds something no decision depends on. A value nested deeper than 64 levels makes the whole batch
    /// refused when it is appended.
    pub fn event(&mut self, at: At, event: &Value) {
        if is_deeper(event, MAX_EVENT_DEPTH) {
            self.refusal = Some(format!("an event is nested deeper than {MAX_EVENT_DEPTH} levels"));
        }
        self.json(kind::EVENT, at, event);
    }

    /// Adds `entry`.
    pub fn push(&mut self, entry: &Entry) {
        match entry {
            Entry::Input(at, input) => self.input(*at, input),
            Entry::Intent(at, effect) => self.intent(*at, effect),
            Entry::Gap(at, gap) => self.gap(*at, gap),
            Entry::Event(at, event) => self.event(*at, event),
            Entry::Checkpoint(at, bytes) => {
                self.plain.extend_from_slice(bytes);
                self.end_part(kind::CHECKPOINT, *at);
            }
        }
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Bytes of its payloads before compression.
    pub(super) fn plain_bytes(&self) -> usize {
        self.plain.len()
    }

    /// How many of its entries are full samples.
    pub(super) fn samples(&self) -> u32 {
        self.samples
    }

    /// Time of its first entry.
    pub(super) fn first_at(&self) -> Option<At> {
        self.parts.first().map(|part| part.at)
    }

    /// Why it cannot be recorded, if so.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// Type, time and payload of each entry.
    pub(super) fn payloads(&self) -> impl Iterator<Item = (u8, At, &[u8])> {
        let starts = std::iter::once(0).chain(self.parts.iter().map(|part| part.end));
        starts.zip(&self.parts).map(|(start, part)| (part.kind, part.at, &self.plain[start..part.end]))
    }

    fn json(&mut self, kind: u8, at: At, value: &impl Serialize) {
        if let Err(error) = serde_json::to_writer(&mut self.plain, value) {
            self.refusal = Some(format!("an entry cannot be written as JSON: {error}"));
        }
        self.end_part(kind, at);
    }

    fn end_part(&mut self, kind: u8, at: At) {
        self.parts.push(Part { kind, at, end: self.plain.len() });
    }
}

impl From<Vec<Entry>> for Batch {
    fn from(entries: Vec<Entry>) -> Batch {
        let mut batch = Batch::new();
        for entry in &entries {
            batch.push(entry);
        }
        batch
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
