//! Remembering what was digested, in bounded memory.
//!
//! Owns fingerprints and the memory of recent ones. Keeps no text.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::mem;

use crate::engine::ids::TextId;

/// Takes fingerprints with secret keys of its own.
///
/// A fingerprint has 128 bits, from two SipHash functions with independent random keys. Whoever sends texts
/// knows no key and sees no fingerprint, so two texts share one only by chance: in a flight with a billion
/// texts that has a probability below 10⁻²⁰. Ids follow the order of first sight, never a fingerprint, so
/// the keys leave no trace in a log.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    keys: [RandomState; 2],
}

/// What stands for a text.
pub(super) type Fingerprint = u128;

impl Fingerprints {
    /// The fingerprint of a value.
    pub(super) fn of(&self, value: &impl Hash) -> Fingerprint {
        let [low, high] = self.keys.each_ref().map(|key| u128::from(key.hash_one(value)));
        high << 64 | low
    }
}

/// The ids of recent texts: at most two generations of them. An id that is used stays.
#[derive(Debug)]
pub(super) struct Recent {
    /// Entries of a generation.
    capacity: usize,
    young: BTreeMap<Fingerprint, TextId>,
    old: BTreeMap<Fingerprint, TextId>,
}

impl Recent {
    /// An empty memory of between `capacity` and twice as many texts, at some 40 bytes each.
    pub(super) fn new(capacity: usize) -> Recent {
        Recent { capacity, young: BTreeMap::new(), old: BTreeMap::new() }
    }

    /// The id of a text that was seen recently.
    pub(super) fn get(&mut self, text: Fingerprint) -> Option<TextId> {
        if let Some(id) = self.young.get(&text) {
            return Some(*id);
        }
        let id = self.old.remove(&text)?;
        self.insert(text, id);
        Some(id)
    }

    /// Remembers the id of a text.
    pub(super) fn insert(&mut self, text: Fingerprint, id: TextId) {
        if self.young.len() >= self.capacity {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(text, id);
    }

    /// How many are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}
