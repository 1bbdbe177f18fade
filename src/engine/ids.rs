//! Names of things: times, processes, objects and attempts.
//!
//! Owns the small types by which everything else is identified, and the word that many rows share. Never reads a
//! clock.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Time since the flight began, in microseconds, by a monotonic clock that counts suspend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct At(pub u64);

impl At {
    /// The instant `ms` milliseconds after the flight began.
    pub const fn from_ms(ms: u64) -> At {
        At(ms.saturating_mul(1_000))
    }

    /// Whole milliseconds since the flight began.
    pub const fn ms(self) -> u64 {
        self.0 / 1_000
    }

    /// This instant moved `ms` milliseconds into the future.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> At {
        At(self.0.saturating_add(ms.saturating_mul(1_000)))
    }

    /// Microseconds from `earlier` to this instant; 0 when `earlier` is later.
    pub const fn us_since(self, earlier: At) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole milliseconds from `earlier` to this instant; 0 when `earlier` is later.
    pub const fn ms_since(self, earlier: At) -> u64 {
        self.us_since(earlier) / 1_000
    }
}

/// A reading of the server's wall clock: microseconds since 1970-01-01 UTC.
///
/// It identifies (a `backend_start`, a `query_start`) and dates; nothing ever counts time by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerTime(pub i64);

impl ServerTime {
    /// Microseconds from `earlier` to this reading, never negative.
    pub fn us_since(self, earlier: ServerTime) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

/// A server process, as `pg_backend_pid()` counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pid(pub i32);

impl Pid {
    /// What `pg_blocking_pids()` reports for a lock that a prepared transaction holds.
    pub const PREPARED: Pid = Pid(0);
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An object identifier of the server's catalogs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Oid(pub u32);

impl Oid {
    /// Objects below this number were made by initdb (`FirstNormalObjectId`).
    pub const FIRST_NORMAL: Oid = Oid(16_384);

    /// Whether the object was made by a user rather than by initdb.
    pub fn is_user(self) -> bool {
        self >= Oid::FIRST_NORMAL
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A digested query text of this flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TextId(pub u32);

/// One stop of one attempt, from the trip or the key press to its final outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StopId(pub u32);

/// A backend that cannot be mistaken for a later one with the same pid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BackendId {
    /// Its process id.
    pub pid: Pid,
    /// When it started; unknown where this login may not see it.
    pub backend_start: Option<ServerTime>,
}

/// One try of a backend at its work: what a stop names, and what is checked where the stop acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The session.
    pub backend: BackendId,
    /// Start of its current statement; unknown where masked.
    pub query_start: Option<ServerTime>,
    /// Start of its current transaction; unknown where masked, absent outside one.
    pub xact_start: Option<ServerTime>,
}

impl Attempt {
    /// Its statement runs in a transaction that the client opened before.
    pub fn in_explicit_transaction(&self) -> bool {
        // A statement outside a transaction starts its own within the same message; one message carrying
        // parse, bind and execute takes the server well below this.
        const ONE_MESSAGE_US: u64 = 1_000;
        match (self.xact_start, self.query_start) {
            (Some(xact), Some(query)) => query.us_since(xact) > ONE_MESSAGE_US,
            _ => false,
        }
    }

    /// Whether `later` is still the same try: the same session in the same statement, or, once that has
    /// ended, in the same transaction. A start time that is masked on both sides counts as equal.
    pub fn continues_as(&self, later: &Attempt) -> bool {
        self.backend == later.backend
            && (self.query_start == later.query_start
                || (self.xact_start.is_some() && self.xact_start == later.xact_start))
    }
}

/// A word of the server's that many rows share: the name of an application, an address, a wait event.
///
/// A copy costs a count, not an allocation: a sample of hundreds of rows is copied for the log, the screens and the
/// engine. It is compared, ordered, hashed and written as the text it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(Arc<str>);

impl Word {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Word {
    fn default() -> Word {
        Word::from("")
    }
}

impl Deref for Word {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Word {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Word {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Word {
    fn from(text: &str) -> Word {
        Word(Arc::from(text))
    }
}

impl From<String> for Word {
    fn from(text: String) -> Word {
        Word(Arc::from(text))
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl PartialEq<str> for Word {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Word {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<Word> for str {
    fn eq(&self, other: &Word) -> bool {
        self == other.as_str()
    }
}

impl PartialEq<Word> for &str {
    fn eq(&self, other: &Word) -> bool {
        *self == other.as_str()
    }
}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
        deserializer.deserialize_str(Read)
    }
}

/// Reads a word without a `String` in between.
struct Read;

impl Visitor<'_> for Read {
    type Value = Word;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Word, E> {
        Ok(Word::from(text))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Word;

    #[test]
    fn a_word_is_written_and_read_as_the_text_it_is() {
        for text in ["", "IPC/SyncRep", "a \"quoted\" \u{e9}\n"] {
            let word = Word::from(text);
            let written = serde_json::to_string(&word).expect("a word");
            assert_eq!(written, serde_json::to_string(text).expect("a text"));
            let read: Word = serde_json::from_str(&written).expect("a word");
            assert_eq!((&read, read.as_str(), read.to_string()), (&word, text, text.to_owned()));
            let read: Word = serde_json::from_reader(written.as_bytes()).expect("a word from a stream");
            assert_eq!(read, text);
        }
        assert!(serde_json::from_str::<Word>("7").is_err());
    }

    #[test]
    fn a_copy_of_a_word_is_the_same_text_in_memory() {
        let word = Word::from("shop".to_owned());
        assert!(std::ptr::eq(word.as_str(), word.clone().as_str()));
    }

    #[test]
    fn a_map_of_words_is_asked_by_texts() {
        let map = BTreeMap::from([(Word::from("shop"), 1), (Word::default(), 2)]);
        assert_eq!((map.get("shop"), map.get(""), map.get("deploy")), (Some(&1), Some(&2), None));
    }
}
