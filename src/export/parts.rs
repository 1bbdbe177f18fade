//! The logs a cut is taken from.
//!
//! Owns their order, and whether they belong together. Each is read through once: a cut names the checkpoints of what
//! it was taken from.

use std::path::PathBuf;

use super::{ExportError, doubt};
use crate::log::{Head, Meta, Pin, verify};

/// One log, or consecutive parts of a recording that went from file to file.
#[derive(Debug)]
pub(super) struct Parts {
    /// In the order of the flight.
    pub(super) files: Vec<PathBuf>,
    /// The beginning of the first one.
    pub(super) head: Head,
    /// What it says about itself.
    pub(super) meta: Meta,
    /// Where each of them stands.
    pub(super) pins: Vec<Pin>,
    /// What is to be said of those that are not complete.
    pub(super) doubts: Vec<String>,
}

/// The logs in the order of the flight.
pub(super) fn in_order(logs: &[PathBuf]) -> Result<Parts, ExportError> {
    let mut known = Vec::new();
    for path in logs {
        known.push((path.clone(), Head::read(path)?));
    }
    let number = |head: &Head| head.meta.as_ref().and_then(|meta| meta.part.as_ref()).map(|part| part.number);
    known.sort_by_key(|(_, head)| number(head));
    for pair in known.windows(2) {
        let [(first, before), (second, after)] = pair else { continue };
        let (first, second) = (first.display(), second.display());
        if before.flight != after.flight {
            return Err(ExportError::Parts(format!("{first} and {second} are of different flights")));
        }
        match (number(before), number(after)) {
            (Some(a), Some(b)) if b == a.saturating_add(1) => {}
            (Some(a), Some(b)) => {
                let why = format!(
                    "{first} is part {a} and {second} is part {b}: name every part from one to the other"
                );
                return Err(ExportError::Parts(why));
            }
            _ => {
                let why =
                    format!("{first} and {second} are no parts of one recording: cut one of them at a time");
                return Err(ExportError::Parts(why));
            }
        }
    }
    let Some((_, head)) = known.first() else {
        return Err(ExportError::Parts("no log is named".to_owned()));
    };
    let (head, mut pins, mut doubts) = (head.clone(), Vec::new(), Vec::new());
    for (path, _) in &known {
        let verified = verify(path, None)?;
        doubts.extend(doubt(path, &verified.verdict));
        pins.push(verified.pin);
    }
    let meta = head.meta.clone().unwrap_or_default();
    Ok(Parts { files: known.into_iter().map(|(path, _)| path).collect(), head, meta, pins, doubts })
}
