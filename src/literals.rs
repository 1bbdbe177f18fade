//! Literals that somebody chose to keep (`--keep-literals`), beside the samples they belong to.
//!
//! Owns their shape as an event of the log, and which of them belong to what is shown now. No decision depends on
//! them: the engine never sees one. Without the option this holds nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::engine::ids::{Pid, ServerTime, TextId};
use crate::engine::sample::{Backend, Sample};
pub use crate::pg::text::put_back;

/// The field by which an event of the log is known to hold literals.
const FIELD: &str = "literals";
/// Backends whose literals are remembered; more do not fit on any screen.
const MOST_BACKENDS: usize = 2_000;

/// The literals of one statement of one backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Whose.
    pub pid: Pid,
    /// Its start, by the server's clock.
    pub backend_start: Option<ServerTime>,
    /// The statement's start, by the server's clock.
    pub query_start: Option<ServerTime>,
    /// The statement's digest.
    pub text: TextId,
    /// What `$1`, `$2`, .. of the digest stand for; `None` for one that is not known.
    pub values: Vec<Option<String>>,
}

impl Kept {
    /// Whether it belongs to what this backend runs.
    pub fn is_of(&self, backend: &Backend) -> bool {
        let kept = (self.pid, self.backend_start, self.query_start, Some(self.text));
        kept == (backend.pid, backend.backend_start, backend.query_start, backend.text)
    }
}

/// What a log and a line say of a flight: `kept` or `redacted`.
pub fn word(kept: bool) -> &'static str {
    if kept { "kept" } else { "redacted" }
}

/// Literals as an event of the log.
pub fn event(kept: &[Kept]) -> Value {
    json!({ FIELD: kept })
}

/// The literals of an event; `None` when it is another event.
pub fn from_event(event: &Value) -> Option<Vec<Kept>> {
    Vec::deserialize(event.get(FIELD)?).ok()
}

/// The literals of what backends run, one statement each.
#[derive(Debug, Clone, Default)]
pub struct Table(BTreeMap<Pid, Kept>);

impl Table {
    /// Takes in new ones.
    pub fn take(&mut self, kept: impl IntoIterator<Item = Kept>) {
        for kept in kept {
            if self.0.len() < MOST_BACKENDS || self.0.contains_key(&kept.pid) {
                self.0.insert(kept.pid, kept);
            }
        }
    }

    /// Forgets those of statements that are not in this sample.
    pub fn follow(&mut self, sample: &Sample) {
        if self.0.is_empty() {
            return;
        }
        let mut present = BTreeMap::new();
        for backend in &sample.backends {
            if let Some(kept) = self.0.remove(&backend.pid).filter(|kept| kept.is_of(backend)) {
                present.insert(backend.pid, kept);
            }
        }
        self.0 = present;
    }

    /// Those of what this backend runs, where they are known.
    pub fn of(&self, backend: &Backend) -> Option<&Kept> {
        self.0.get(&backend.pid).filter(|kept| kept.is_of(backend))
    }

    /// All of them.
    pub fn all(&self) -> Vec<Kept> {
        self.0.values().cloned().collect()
    }
}
