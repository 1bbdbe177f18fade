//! Targets that are no longer seen, while the server is asked what became of them.
//!
//! Owns the questions that are open, and what an answer means. Never guesses: an outcome that nobody can
//! vouch for is unknown.

use serde::{Deserialize, Serialize};

use super::brake::Brake;
use super::ids::BackendId;
use super::rungs::is_sync_rep;
use super::sample::Fact;
use super::stop::Hit;
use super::target::Target;
use super::timeline::Fate;

/// The open questions, in the order in which they were asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Endings(Vec<Ending>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Ending {
    target: Target,
    hit: Hit,
}

impl Endings {
    /// A target is no longer seen, and the server is asked.
    pub fn ask(&mut self, target: Target, brake: &Brake) {
        let hit = brake.hit(&target.attempt).unwrap_or(Hit::No);
        self.0.push(Ending { target, hit });
    }

    /// Whether an answer is still to come.
    pub fn is_open(&self) -> bool {
        !self.0.is_empty()
    }

    /// The server's answer about the oldest question on `backend`; `None` when there is none.
    pub fn answer(
        &mut self,
        backend: BackendId,
        alive: bool,
        xact: &Fact<String>,
        brake: &Brake,
    ) -> Option<(Target, Fate)> {
        let index = self.0.iter().position(|ending| ending.target.attempt.backend == backend)?;
        let Ending { target, hit } = self.0.remove(index);
        let hit = brake.hit(&target.attempt).unwrap_or(hit);
        let fate = match (hit, xact.known().map(String::as_str)) {
            (_, Some("committed")) => Fate::Done,
            (Hit::Yes, _) => fate_of_stopped(&target),
            (Hit::No, Some("aborted")) => Fate::Failed,
            // Whether lockpit rolled it back is not known; that it was rolled back is.
            (Hit::Perhaps, Some("aborted")) => Fate::Unknown,
            (Hit::No | Hit::Perhaps, _) if !alive => Fate::Gone,
            (Hit::No | Hit::Perhaps, _) => Fate::Unknown,
        };
        Some((target, fate))
    }

    /// No answer will come, or none that could be trusted: what is known without one.
    pub fn give_up(&mut self) -> Vec<(Target, Fate)> {
        self.0
            .drain(..)
            .map(|Ending { target, hit }| {
                let fate = if hit == Hit::Yes { fate_of_stopped(&target) } else { Fate::Unknown };
                (target, fate)
            })
            .collect()
    }
}

/// What a signal did to a target that is not known to have committed. One that waited for a synchronous
/// standby most likely has.
fn fate_of_stopped(target: &Target) -> Fate {
    if is_sync_rep(target) { Fate::Unknown } else { Fate::Cancelled }
}
