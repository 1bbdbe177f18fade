//! Logs in a folder: what they are of, how they ended, and which of them nobody needs any more.
//!
//! Owns what is told of a log from its two ends, and the removal of one. A look costs one small read for each segment
//! (a minute of the flight) and a replay of what stands behind the last checkpoint; it vouches for nothing between the
//! ends: that is [`crate::log::verify`]. Never touches a log that is being written, a file that is no log, or anything
//! outside the folder.

use std::io;
use std::path::{Path, PathBuf};

use crate::engine::Cockpit;
use crate::engine::guard::seconds;
use crate::engine::ids::At;
use crate::engine::timeline::Event;
pub use crate::log::RemoveError;
use crate::log::{Claim, Cursor, Ending, Head, ReadError, is_written};
use crate::replay::{Replay, ReplayError};

/// A file, looked at.
#[derive(Debug)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes, where that could be read.
    pub bytes: Option<u64>,
    /// The log in it, or why it is none that could be read.
    pub log: Result<Looked, String>,
}

/// What a log's two ends tell.
#[derive(Debug)]
pub struct Looked {
    /// Its beginning.
    pub head: Head,
    /// The time of the last entry, in time of the flight.
    pub last_at: At,
    /// How the flight ended, as far as the log tells.
    pub outcome: Outcome,
    /// How the log ends.
    pub tail: Tail,
}

/// How a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Its flight closed it.
    Complete,
    /// It is being written.
    InTheAir,
    /// It has no end.
    Torn,
    /// Its last part cannot be read.
    Damaged {
        /// Where that begins.
        at_byte: u64,
    },
}

/// How a flight ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was stopped.
    Done,
    /// A guardrail acted; its name, where the log still tells it.
    Guardrail(Option<String>),
    /// The operator stopped the work under guard.
    Aborted,
    /// A step of its plan failed.
    StepFailed,
    /// It was armed, and could not have stopped its target.
    NoRights,
    /// The log cannot tell, and why.
    Unknown(String),
}

impl Looked {
    /// How the flight ended, in few words for people.
    pub fn words(&self) -> String {
        let outcome = match &self.outcome {
            Outcome::Done => "done".to_owned(),
            Outcome::Guardrail(Some(name)) => format!("guardrail acted: {name}"),
            Outcome::Guardrail(None) => "guardrail acted".to_owned(),
            Outcome::Aborted => "aborted by operator".to_owned(),
            Outcome::StepFailed => "a step failed".to_owned(),
            Outcome::NoRights => "armed without the right to stop its target".to_owned(),
            Outcome::Unknown(why) => format!("unknown: {why}"),
        };
        let stops = match self.tail {
            Tail::Complete => return outcome,
            Tail::InTheAir => "in the air".to_owned(),
            Tail::Torn => format!("torn: cut off at {}", seconds(self.last_at.ms())),
            Tail::Damaged { at_byte } => format!("damaged at byte {at_byte}"),
        };
        match self.outcome {
            Outcome::Done => stops,
            _ => format!("{stops}; {outcome}"),
        }
    }

    /// Wall clock at the last entry, microseconds since 1970 UTC.
    pub fn ended_utc_us(&self) -> i64 {
        self.head.utc_us.saturating_add(i64::try_from(self.last_at.0).unwrap_or(i64::MAX))
    }
}

/// The files in `dir`, by name; folders in it are left out.
///
/// # Errors
/// The folder cannot be read.
pub fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if !path.is_dir() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Looks at the two ends of the file at `path`.
pub fn look(path: &Path) -> Found {
    let bytes = path.metadata().ok().map(|found| found.len());
    let is_file = path.metadata().map(|found| found.is_file());
    let log = match is_file {
        Ok(true) => look_at(path).map_err(|error| error.to_string()),
        Ok(false) => Err(format!("{} is not a file", path.display())),
        Err(error) => Err(format!("cannot open {}: {error}", path.display())),
    };
    Found { path: path.to_owned(), bytes, log }
}

fn look_at(path: &Path) -> Result<Looked, ReadError> {
    // Asked before the end is read: who closes the log meanwhile is seen to have closed it.
    let is_written = is_written(path);
    let mut cursor = Cursor::open(path)?;
    let head = cursor.head().clone();
    let (last_at, outcome, ending) = match end_of(&mut cursor) {
        Ok(end) => end,
        Err(ReplayError::Read(ReadError::NoCheckpoint { .. })) => {
            let nothing = Outcome::Unknown("nothing of the flight was recorded".to_owned());
            (At(0), nothing, Ending::Torn { at_byte: 0, lost_bytes: 0 })
        }
        Err(ReplayError::Read(error)) => return Err(error),
        Err(error @ ReplayError::Checkpoint(_)) => {
            let last = cursor.segments().last().map_or(At(0), |segment| segment.first_at);
            (last, Outcome::Unknown(error.to_string()), Ending::Torn { at_byte: 0, lost_bytes: 0 })
        }
    };
    let tail = match ending {
        Ending::Complete => Tail::Complete,
        _ if is_written => Tail::InTheAir,
        Ending::Torn { .. } => Tail::Torn,
        Ending::Damaged(damage) => Tail::Damaged { at_byte: damage.at_byte },
    };
    Ok(Looked { head, last_at, outcome, tail })
}

/// The end of a log, replayed from its last checkpoint.
fn end_of(cursor: &mut Cursor) -> Result<(At, Outcome, Ending), ReplayError> {
    let mut replay = Replay::at(cursor, At(u64::MAX))?;
    let mut last_at = replay.cockpit().last_seen();
    while !replay.is_rejudged()
        && let Some(step) = replay.step()?
    {
        last_at = last_at.max(step.at());
    }
    if let Some(begin) = replay.cockpit().flight().filter(|_| replay.is_rejudged()) {
        // Its checkpoints are not this engine's: only the whole of it could be judged anew.
        let why = format!("flown by engine {}, see lockpit replay", begin.engine);
        let last = cursor.segments().last().map_or(At(0), |segment| segment.first_at);
        let ending = cursor.seek(At(u64::MAX)).map(|mut seek| {
            while seek.reader.next_item()?.is_some() {}
            seek.reader.ending()
        });
        return Ok((last, Outcome::Unknown(why), ending??));
    }
    Ok((last_at, outcome(replay.cockpit()), replay.ending()?))
}

fn outcome(cockpit: &Cockpit) -> Outcome {
    if cockpit.flight().is_none() {
        return Outcome::Unknown("the log ends before the flight began".to_owned());
    }
    match cockpit.exit_code() {
        4 => Outcome::Guardrail(cockpit.timeline().since(0).find_map(|(_, event)| match event {
            Event::Trip { name, acted: true, .. } => Some(name.clone()),
            _ => None,
        })),
        5 => Outcome::Aborted,
        6 => Outcome::StepFailed,
        8 => Outcome::NoRights,
        _ => Outcome::Done,
    }
}

/// The newest log in `dir` of a flight of the plan called `plan`; `None` when there is none, or the folder cannot be read.
pub fn newest_of_plan(dir: &Path, plan: &str) -> Option<PathBuf> {
    let heads = files(dir).ok()?.into_iter().filter_map(|path| Some((Head::read(&path).ok()?, path)));
    let of_plan =
        heads.filter(|(head, _)| head.meta.as_ref().is_some_and(|meta| meta.plan.as_deref() == Some(plan)));
    of_plan.max_by_key(|(head, _)| head.utc_us).map(|(_, path)| path)
}

/// Removes the log at `path`, if it still is the one with `flight`'s identity and nobody writes it.
///
/// # Errors
/// [`RemoveError`] says why it is still there.
pub fn remove(path: &Path, flight: [u8; 16]) -> Result<(), RemoveError> {
    let claim = Claim::of(path)?;
    if claim.head().flight != flight {
        return Err(RemoveError::Changed(path.to_owned()));
    }
    claim.remove()
}
