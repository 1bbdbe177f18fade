//! The engine's small types as cells.
//!
//! Owns what an absent or unknown value means for each of them. Knows no rows.

use super::CodecError;
use super::fields::Value;
use super::schema::Cell;
use super::words::{Intern, Words};
use crate::engine::ids::{At, Oid, Pid, ServerTime, TextId, Word};
use crate::engine::locks::LockMode;
use crate::engine::sample::{BackendKind, State};

fn unsigned<T: TryFrom<u64>>(cell: Cell) -> Result<T, CodecError> {
    T::try_from(cell.unwrap_or(0)).map_err(|_| CodecError::Malformed("a number too large for its column"))
}

macro_rules! value {
    ($type:ty, |$value:ident| $to:expr, |$cell:ident| $from:expr) => {
        impl Value for $type {
            fn cell(&self, _: &mut Intern) -> Cell {
                let $value = *self;
                Some($to)
            }

            fn from_cell($cell: Cell, _: &Words) -> Result<Self, CodecError> {
                $from
            }
        }
    };
}

value!(u64, |value| value, |cell| Ok(cell.unwrap_or(0)));
value!(u32, |value| value.into(), |cell| unsigned(cell));
value!(bool, |value| value.into(), |cell| Ok(cell.unwrap_or(0) != 0));
value!(At, |at| at.0, |cell| Ok(At(cell.unwrap_or(0))));
value!(Oid, |oid| oid.0.into(), |cell| unsigned(cell).map(Oid));
value!(TextId, |id| id.0.into(), |cell| unsigned(cell).map(TextId));
value!(ServerTime, |time| time.0.cast_unsigned(), |cell| Ok(ServerTime(cell.unwrap_or(0).cast_signed())));
value!(Pid, |pid| i64::from(pid.0).cast_unsigned(), |cell| {
    let pid = i32::try_from(cell.unwrap_or(0).cast_signed());
    pid.map(Pid).map_err(|_| CodecError::Malformed("a process id too large for its column"))
});

impl Value for String {
    fn cell(&self, intern: &mut Intern) -> Cell {
        Some(intern.id(self))
    }

    fn from_cell(cell: Cell, words: &Words) -> Result<String, CodecError> {
        cell.map_or(Ok(String::new()), |id| words.get(id).map(ToString::to_string))
    }
}

impl Value for Word {
    fn cell(&self, intern: &mut Intern) -> Cell {
        Some(intern.id(self))
    }

    fn from_cell(cell: Cell, words: &Words) -> Result<Word, CodecError> {
        cell.map_or(Ok(Word::default()), |id| words.get(id).cloned())
    }
}

impl<T: Value> Value for Option<T> {
    fn cell(&self, intern: &mut Intern) -> Cell {
        self.as_ref().and_then(|value| value.cell(intern))
    }

    fn from_cell(cell: Cell, words: &Words) -> Result<Option<T>, CodecError> {
        cell.map(|value| T::from_cell(Some(value), words)).transpose()
    }
}

/// A set of words: an unknown one is read as the last of them.
macro_rules! words {
    ($type:ty, $($word:literal => $variant:path),* ; else $other:path) => {
        impl Value for $type {
            fn cell(&self, intern: &mut Intern) -> Cell {
                Some(intern.id(match self {
                    $($variant => $word,)*
                }))
            }

            fn from_cell(cell: Cell, words: &Words) -> Result<Self, CodecError> {
                Ok(match cell.map(|id| words.get(id)).transpose()?.map(Word::as_str) {
                    $(Some($word) => $variant,)*
                    _ => $other,
                })
            }
        }
    };
}

words!(State,
    "active" => State::Active,
    "idle" => State::Idle,
    "idle in transaction" => State::IdleInTransaction,
    "idle in transaction (aborted)" => State::IdleInTransactionAborted,
    "fastpath function call" => State::Fastpath,
    "disabled" => State::Disabled,
    "none" => State::None,
    "masked" => State::Masked;
    else State::None);

words!(BackendKind,
    "client" => BackendKind::Client,
    "lockpit" => BackendKind::Lockpit,
    "parallel worker" => BackendKind::ParallelWorker,
    "autovacuum" => BackendKind::Autovacuum,
    "walsender" => BackendKind::WalSender,
    "other" => BackendKind::Other;
    else BackendKind::Other);

impl Value for LockMode {
    fn cell(&self, intern: &mut Intern) -> Cell {
        Some(intern.id(self.name()))
    }

    /// A mode not known here is read as the strongest: to show it as a weak one could hide a danger.
    fn from_cell(cell: Cell, words: &Words) -> Result<LockMode, CodecError> {
        let name = cell.map(|id| words.get(id)).transpose()?;
        Ok(name.and_then(|name| LockMode::from_name(name)).unwrap_or(LockMode::AccessExclusiveLock))
    }
}
