//! A flight without the names of people, programs and machines.
//!
//! | replaced | by |
//! |---|---|
//! | roles, the login among them (but PostgreSQL's own, `pg_...`) | `role-1` |
//! | applications (but those of lockpit and of tools that decisions know, such as `psql`) | `app-1` |
//! | addresses of clients, and addresses in texts | `client-1` |
//! | standbys, replication slots, prepared transactions | `standby-1`, `slot-1`, `prepared-1` |
//! | hosts of the server | `server-1` |
//! | operators, authors of remarks among them | `operator-1` |
//!
//! The numbers follow the order of first appearance in the cut, and then in the rest of the logs, so that equal names stay equal and the same cut is
//! masked alike every time. In statements, remarks, sentences and messages these names are replaced wherever they stand
//! as whole words, whatever the case of their letters. Literals that were kept are left out.
//!
//! **Kept** are databases, schemas and tables (but those that are called like a role), statements without their
//! literals, the label, figures, times, process ids, and the identity of the cluster: without them there would be
//! nothing to see. A name that stands nowhere in the logs by itself, but in a remark for
//! instance, is not recognised.
//!
//! Owns what is a name and what stands for it. Never decides anything about a flight: patterns of the target become
//! patterns on the masks, and whoever writes the masked flight flies it again and compares.

mod names;
mod places;
mod sample;
mod walk;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::names::{Kind, Names};
use self::places::Place;
use self::sample::Words;
use self::walk::{Masked, Walk};
use crate::engine::Cockpit;
use crate::engine::checkpoint::{Held, Texts};
use crate::engine::effect::Effect;
use crate::engine::ids::TextId;
use crate::engine::input::{Gap, Input};
use crate::engine::sample::Fact;
use crate::engine::text::Text;
use crate::literals;
use crate::log::Meta;

/// Why something cannot be masked.
#[derive(Debug, thiserror::Error)]
#[error("names cannot be replaced: {0}")]
pub struct MaskError(#[from] serde_json::Error);

/// Replaces names. It has to have met all of a cut before the first one is replaced.
#[derive(Debug, Default)]
pub(super) struct Masker {
    names: RefCell<Names>,
    words: RefCell<Words>,
}

impl Masker {
    /// One that knows no names.
    pub(super) fn learning() -> Masker {
        let masker = Masker::default();
        masker.names.borrow_mut().is_learning = true;
        masker
    }

    /// All names are known from now on.
    pub(super) fn learnt(&self) {
        self.names.borrow_mut().is_learning = false;
    }

    /// Texts that were referred to so far.
    pub(super) fn texts(&self) -> BTreeSet<TextId> {
        self.names.borrow().texts.clone()
    }

    /// Only these texts are needed.
    pub(super) fn need(&self, texts: BTreeSet<TextId>) {
        self.names.borrow_mut().texts = texts;
    }

    /// Takes in the names of an input.
    pub(super) fn meet(&self, input: &Input) -> Result<(), MaskError> {
        match input {
            Input::Sample(_) => self.input(input).map(|_| ()),
            Input::Watch(_) | Input::Tick => Ok(()),
            Input::Host(fact) if matches!(**fact, Fact::Known(_)) => Ok(()),
            other => self.write(other).map(|_| ()),
        }
    }

    /// Takes in the names of an engine and of what it holds, but not of its texts.
    pub(super) fn meet_engine(&self, cockpit: &Cockpit) -> Result<(), MaskError> {
        self.state(cockpit)?;
        let Held { sample, slow, texts: _ } = cockpit.checkpoint().held;
        self.held(Held { sample, slow, ..Held::default() }).map(|_| ())
    }

    /// Takes in the names of anything else that is in the cut.
    pub(super) fn meet_value(&self, value: &impl Serialize) -> Result<(), MaskError> {
        self.write(value).map(|_| ())
    }

    /// The input without names.
    pub(super) fn input(&self, input: &Input) -> Result<Input, MaskError> {
        match input {
            Input::Sample(sample) => {
                let mut sample = sample.clone();
                sample::sample(&mut self.names.borrow_mut(), &mut self.words.borrow_mut(), &mut sample);
                Ok(Input::Sample(sample))
            }
            Input::Watch(_) | Input::Tick => Ok(input.clone()),
            Input::Host(fact) if matches!(**fact, Fact::Known(_)) => Ok(input.clone()),
            other => self.read(other),
        }
    }

    /// The effect without names.
    pub(super) fn effect(&self, effect: &Effect) -> Result<Effect, MaskError> {
        self.read(effect)
    }

    /// The gap without names.
    pub(super) fn gap(&self, gap: &Gap) -> Result<Gap, MaskError> {
        self.read(gap)
    }

    /// The engine's state without names.
    pub(super) fn state(&self, cockpit: &Cockpit) -> Result<Vec<u8>, MaskError> {
        let mut state = Vec::new();
        let inner = &mut serde_json::Serializer::new(&mut state);
        cockpit.state_to(Walk { inner, names: &self.names, place: Place::Text })?;
        Ok(state)
    }

    /// What an engine holds, without names.
    pub(super) fn held(&self, held: Held) -> Result<Held, MaskError> {
        let Held { mut sample, mut slow, texts } = held;
        let (names, words) = (&self.names, &self.words);
        if let Some(sample) = &mut sample {
            sample::sample(&mut names.borrow_mut(), &mut words.borrow_mut(), sample);
        }
        if let Some(slow) = &mut slow {
            sample::slow(&mut names.borrow_mut(), slow);
        }
        let texts: Result<Texts, MaskError> =
            texts.into_iter().map(|(id, text)| Ok((id, Arc::new(self.read::<Text, Text>(&text)?)))).collect();
        Ok(Held { sample, slow, texts: texts? })
    }

    /// Who was shown what; nothing of events of other kinds, such as literals that were kept.
    pub(super) fn event(&self, event: &Value) -> Result<Option<Value>, MaskError> {
        let (Some(shown), Some(to)) = (event["shown"].as_str(), event["to"].as_str()) else {
            return Ok(None);
        };
        let to = self.names.borrow_mut().mask(Kind::Operator, to);
        let shown: String = self.read(shown)?;
        Ok(Some(serde_json::json!({ "shown": shown, "to": to })))
    }

    /// What a log says about itself, without names and without what it was cut out of.
    pub(super) fn meta(&self, meta: &Meta) -> Result<Meta, MaskError> {
        let database = meta.database.as_ref().map(|name| self.names.borrow().object(name));
        Ok(Meta {
            lockpit: meta.lockpit.clone(),
            server: self.names.borrow_mut().server(&meta.server),
            label: meta.label.clone(),
            database,
            plan: meta.plan.as_deref().map(|plan| self.read(plan)).transpose()?,
            literals: Some(literals::word(false).to_owned()),
            part: None,
            cut: None,
        })
    }

    fn write<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>, MaskError> {
        Ok(serde_json::to_vec(&Masked { value, names: &self.names, place: Place::Text })?)
    }

    fn read<T: Serialize + ?Sized, U: DeserializeOwned>(&self, value: &T) -> Result<U, MaskError> {
        Ok(serde_json::from_slice(&self.write(value)?)?)
    }
}
