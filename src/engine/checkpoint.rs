//! The engine as it is kept between segments of a log.
//!
//! Owns what a checkpoint is: the state that nothing else tells, apart from what the inputs hold already (the last
//! sample, the last slow facts, the texts). A log stores the first part only, for it has the second. Decides
//! nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::Cockpit;
use super::ids::TextId;
use super::sample::{Sample, SlowFacts};
use super::text::Text;

/// Texts by their number.
pub type Texts = BTreeMap<TextId, Arc<Text>>;

/// The whole engine at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// What only the engine knows, in JSON.
    pub state: Vec<u8>,
    /// What its inputs have told it.
    pub held: Held,
}

/// What the engine keeps of its inputs as they were.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Held {
    /// The last sample, without its slow facts.
    pub sample: Option<Box<Sample>>,
    /// The last slow facts.
    pub slow: Option<Box<SlowFacts>>,
    /// Every text so far.
    pub texts: Texts,
}

/// Why the engine cannot go on from a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The state is not one of this engine.
    #[error("its state is not understood: {0}")]
    State(#[from] serde_json::Error),
    /// The inputs that belong to the state are missing.
    #[error("the last sample before it is missing")]
    Lacks,
}

#[derive(Serialize)]
struct StateRef<'a> {
    has_sample: bool,
    has_slow: bool,
    cockpit: &'a Cockpit,
}

#[derive(Deserialize)]
struct State {
    has_sample: bool,
    has_slow: bool,
    cockpit: Cockpit,
}

impl Cockpit {
    /// The whole engine.
    pub fn checkpoint(&self) -> Checkpoint {
        let held = Held {
            sample: self.sample.clone(),
            slow: self.slow.clone(),
            texts: self.catalog.texts().clone(),
        };
        Checkpoint { state: self.state(), held }
    }

    /// The part of a checkpoint that its inputs do not tell.
    pub fn state(&self) -> Vec<u8> {
        serde_json::to_vec(&self.state_ref())
            .expect("the engine's state has string keys and finite numbers only")
    }

    /// The same state, for a serializer of the caller's own, such as one that replaces names.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn state_to<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.state_ref().serialize(serializer)
    }

    /// The engine at a checkpoint. What is held beyond what the state knows of is left out.
    ///
    /// # Errors
    /// The state is no state of this engine version, or what belongs to it is missing.
    pub fn restore(state: &[u8], held: Held) -> Result<Cockpit, RestoreError> {
        let State { has_sample, has_slow, mut cockpit } = serde_json::from_slice(state)?;
        cockpit.sample = held.sample.filter(|_| has_sample);
        cockpit.slow = held.slow.filter(|_| has_slow);
        if cockpit.sample.is_some() != has_sample || cockpit.slow.is_some() != has_slow {
            return Err(RestoreError::Lacks);
        }
        cockpit.catalog.recall(held.texts);
        cockpit.derive();
        Ok(cockpit)
    }

    fn state_ref(&self) -> StateRef<'_> {
        StateRef { has_sample: self.sample.is_some(), has_slow: self.slow.is_some(), cockpit: self }
    }
}
