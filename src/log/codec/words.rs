//! Strings, each told once in a segment.
//!
//! Owns the numbers by which a segment's strings are called, on both ends. Never forgets one before the segment
//! ends.

use std::collections::BTreeMap;

use super::CodecError;
use super::varint::{Bytes, put};
use crate::engine::ids::Word;

/// The strings of a segment that is being written.
#[derive(Debug, Default)]
pub(super) struct Intern {
    ids: BTreeMap<Box<str>, u64>,
    /// Those that no payload has told yet, in the order of their numbers.
    untold: Vec<Box<str>>,
}

impl Intern {
    /// The number of `word`.
    pub(super) fn id(&mut self, word: &str) -> u64 {
        if let Some(id) = self.ids.get(word) {
            return *id;
        }
        let id = self.ids.len() as u64;
        self.ids.insert(word.into(), id);
        self.untold.push(word.into());
        id
    }

    /// Appends the strings that are new since the last call.
    pub(super) fn tell(&mut self, out: &mut Vec<u8>) {
        put(out, self.untold.len() as u64);
        for word in self.untold.drain(..) {
            put(out, word.len() as u64);
            out.extend_from_slice(word.as_bytes());
        }
    }
}

/// The strings of a segment that is being read.
#[derive(Debug, Default)]
pub(super) struct Words(Vec<Word>);

impl Words {
    /// Takes in the strings at the front of a payload.
    pub(super) fn learn(&mut self, bytes: &mut Bytes<'_>) -> Result<(), CodecError> {
        for _ in 0..bytes.count()? {
            let len = bytes.count()?;
            let word = str::from_utf8(bytes.take(len)?)
                .map_err(|_| CodecError::Malformed("a string that is not UTF-8"))?;
            self.0.push(word.into());
        }
        Ok(())
    }

    /// The string with this number.
    pub(super) fn get(&self, id: u64) -> Result<&Word, CodecError> {
        usize::try_from(id)
            .ok()
            .and_then(|id| self.0.get(id))
            .ok_or(CodecError::Malformed("a string that was never told"))
    }
}
