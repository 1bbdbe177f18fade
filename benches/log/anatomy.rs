//! What the bytes of a log are spent on, read from its frames alone.

use std::collections::BTreeMap;
use std::path::Path;

/// Bytes of the file's header and of a record's head; see the description of the format in `src/log/mod.rs`.
const HEADER_BYTES: usize = 88;
const HEAD_BYTES: usize = 24;
const KIND_AT: usize = 8;

/// The parts that are told apart, by the types of their records.
const PARTS: [(&str, &[u8]); 5] = [
    ("samples", &[0x07]),
    ("keyframes", &[0x0c]),
    ("checkpoints", &[0x81]),
    ("texts", &[0x0a]),
    ("events", &[0x82]),
];
/// What is left: segments, schemas, intents, other inputs.
const OTHER: &str = "other";
const FRAMING: &str = "framing";

/// A log's bytes by what they are spent on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Anatomy {
    pub(crate) bytes: u64,
    parts: BTreeMap<&'static str, u64>,
}

impl Anatomy {
    /// Walks over the records of the log at `path`.
    pub(crate) fn of(path: &Path) -> Anatomy {
        let bytes = std::fs::read(path).expect("the log");
        let mut anatomy = Anatomy { bytes: bytes.len() as u64, ..Anatomy::default() };
        anatomy.parts.insert(FRAMING, HEADER_BYTES as u64);
        let mut at = HEADER_BYTES;
        while at < bytes.len() {
            let len = u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
            let kind = bytes[at + KIND_AT];
            let part = PARTS.iter().find(|(_, kinds)| kinds.contains(&kind)).map_or(OTHER, |(part, _)| part);
            *anatomy.parts.entry(part).or_default() += u64::from(len);
            *anatomy.parts.entry(FRAMING).or_default() += HEAD_BYTES as u64;
            at += HEAD_BYTES + len as usize;
        }
        anatomy
    }

    /// The names of the parts, in the order of [`Anatomy::shares`].
    pub(crate) fn names() -> Vec<&'static str> {
        PARTS.iter().map(|(part, _)| *part).chain([OTHER, FRAMING]).collect()
    }

    /// Percent of the file that each part is.
    pub(crate) fn shares(&self) -> Vec<String> {
        let percent = |part| {
            let bytes = self.parts.get(part).copied().unwrap_or(0);
            format!("{:.1}", bytes as f64 * 100.0 / self.bytes as f64)
        };
        Anatomy::names().into_iter().map(percent).collect()
    }
}
