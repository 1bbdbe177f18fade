//! The log of a flight in the air, followed as it grows.
//!
//! Owns where reading begins (the newest checkpoint) and how one knows that nobody writes any more (the
//! writer's lock on the file). Needs no runtime. Never waits, but for the first checkpoint of a flight that
//! has just begun.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use crate::engine::Cockpit;
use crate::engine::ids::At;
use crate::log::{Ending, ReadError, is_locked};
use crate::replay::{Replay, ReplayError, Step};

/// How long, and how often, the first checkpoint is waited for.
const FIRST: (u32, Duration) = (50, Duration::from_millis(100));

/// A replay that keeps up with its flight.
#[derive(Debug)]
pub struct Tail {
    replay: Replay,
    lock: File,
    over: bool,
}

impl Tail {
    /// How often is a good time to call [`Tail::next_step`] again once it has returned `None`.
    pub const POLL: Duration = Duration::from_millis(100);

    /// Opens the log of a flight at its newest checkpoint. Blocks up to five seconds for the first one of a
    /// flight that has just begun.
    ///
    /// # Errors
    /// [`ReplayError`] says what is wrong with the log.
    pub fn open(log: &Path) -> Result<Tail, ReplayError> {
        let (mut tries, pause) = FIRST;
        let lock = File::open(log).map_err(|source| ReadError::Open { path: log.to_owned(), source })?;
        loop {
            match Replay::open_at(log, At(u64::MAX)) {
                Err(ReplayError::Read(ReadError::NoCheckpoint { .. })) if tries > 0 && is_locked(&lock) => {
                    tries -= 1;
                    std::thread::sleep(pause);
                }
                opened => return Ok(Tail { replay: opened?, lock, over: false }),
            }
        }
    }

    /// The next step of the flight; `None` when there is none yet, or none any more ([`Tail::is_over`]).
    ///
    /// # Errors
    /// [`ReplayError`] says why it cannot go on.
    pub fn next_step(&mut self) -> Result<Option<Step>, ReplayError> {
        let step = self.replay.step()?;
        if step.is_none() && !self.over {
            self.over = match self.replay.ending()? {
                Ending::Complete => true,
                Ending::Torn { .. } => false,
                // Its end may be in the part that cannot be read.
                Ending::Damaged(_) => self.cockpit().is_over() && !is_locked(&self.lock),
            };
        }
        Ok(step)
    }

    /// The flight has closed its log, and all of it was read.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Nobody writes the log any more. Ask before the last steps are read: a log that is abandoned, read to
    /// its end and not over belongs to a flight that died.
    pub fn is_abandoned(&self) -> bool {
        !is_locked(&self.lock)
    }

    /// The engine as it was at the last step.
    pub fn cockpit(&self) -> &Cockpit {
        self.replay.cockpit()
    }

    /// The replay underneath.
    pub fn replay(&self) -> &Replay {
        &self.replay
    }
}
