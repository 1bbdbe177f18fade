//! What happened in the flight, in order.
//!
//! Owns the events that screens, JSON lines and reports tell. Events are derived from inputs; the log does
//! not keep them.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::effect::Rung;
use super::ids::{At, Attempt, Pid, StopId};

/// The last events, with a running count of all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timeline {
    events: VecDeque<(At, Event)>,
    total: u64,
}

impl Timeline {
    /// Events kept in memory; a single input causes far fewer.
    const KEPT: usize = 1_000;

    /// Adds an event.
    pub fn push(&mut self, at: At, event: Event) {
        if self.events.len() == Self::KEPT {
            self.events.pop_front();
        }
        self.events.push_back((at, event));
        self.total += 1;
    }

    /// How many events there were since the flight began.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The events after the first `seen` ones, as far as they are kept.
    pub fn since(&self, seen: u64) -> impl Iterator<Item = &(At, Event)> {
        let fresh = usize::try_from(self.total.saturating_sub(seen)).unwrap_or(usize::MAX);
        self.events.iter().skip(self.events.len().saturating_sub(fresh))
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The flight is connected for the first time: everything about it is known.
    Attached,
    /// Work came under guard.
    TargetFound(TargetStory),
    /// Work under guard is over.
    TargetEnded {
        /// What it was.
        target: TargetStory,
        /// What became of it.
        fate: Fate,
    },
    /// The guard as a whole changed its state.
    Guard {
        /// Its state.
        state: GuardState,
        /// Why, for people.
        sentence: String,
    },
    /// One guardrail changed its level.
    Guardrail {
        /// Which.
        name: String,
        /// What it reads.
        reading: super::guard::Reading,
    },
    /// Somebody gave a command.
    Commanded {
        /// Who; nobody when it was lockpit itself.
        by: Option<String>,
        /// The command, as it is written.
        said: String,
        /// Why it was refused, if it was.
        refused: Option<String>,
    },
    /// A step of the plan changed its stage.
    Step {
        /// Its name.
        id: String,
        /// Its stage.
        stage: super::steps::Stage,
        /// Why, for people; may be empty.
        reason: String,
        /// The attempt this is about, from 1; 0 where it is about none.
        attempt: u32,
    },
    /// A guardrail said that it is time to act.
    Trip {
        /// Which.
        name: String,
        /// What it read.
        reading: super::guard::Reading,
        /// Whom it is about.
        pid: Pid,
        /// Whether lockpit acts on it.
        acted: bool,
        /// 1 for the first attempt of an incident, 2 for its first retry, ...
        attempt: u32,
    },
    /// A rung of the abort ladder was asked for.
    Intent {
        /// The stop it belongs to.
        stop: StopId,
        /// The rung.
        rung: Rung,
        /// Whom it names.
        attempt: Attempt,
        /// Why this rung, for people.
        sentence: String,
    },
    /// What became of a rung, or of a whole stop.
    Outcome(OutcomeStory),
    /// Facts are missing.
    Gap {
        /// Since when.
        from: At,
        /// Why.
        why: String,
        /// How many inputs were lost, where they were counted.
        lost: Option<u64>,
    },
    /// Anything else worth a line.
    Note {
        /// It asks for attention.
        warning: bool,
        /// What, for people.
        text: String,
    },
    /// The flight is over.
    End {
        /// Why.
        reason: String,
    },
}

/// A target, as the timeline tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetStory {
    /// Whom.
    pub attempt: Attempt,
    /// What its client calls itself.
    pub application: String,
    /// Its role.
    pub role: String,
    /// What the statement is.
    pub kind: String,
    /// Its text, without literals.
    pub text: Option<String>,
    /// Its strongest lock on a user relation.
    pub lock: Option<LockStory>,
    /// It conflicts with reads or writes.
    pub strong: bool,
}

/// A lock, as the timeline tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockStory {
    /// Name of the relation.
    pub relation: String,
    /// PostgreSQL's name of the mode.
    pub mode: String,
    /// Held (true) or awaited.
    pub granted: bool,
}

/// What became of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// Its transaction committed.
    Done,
    /// Its transaction was rolled back, and not by lockpit.
    Failed,
    /// lockpit stopped it.
    Cancelled,
    /// Its session is gone, and whether it committed is not known.
    Gone,
    /// Whether the work succeeded, or through whom it failed, is not known.
    Unknown,
}

/// The state of the guard, always a word on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum GuardState {
    /// Looks only.
    Watching,
    /// Decides and logs, does not act.
    Shadow,
    /// Decides and acts.
    Armed,
    /// Is stopping something.
    Tripped,
    /// Has no usable facts.
    Blind,
}

/// How a stop, or one rung of it, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopResult {
    /// The signal was sent; what it did is not known yet. Never final.
    Sent,
    /// The target's strong locks are gone, and nobody waits behind it any more. Whoever waits on, and there
    /// is no time to drain then, waits for somebody else.
    Drained,
    /// It was over before the request arrived; nobody was hit by it.
    AlreadyOver,
    /// It still holds or awaits strong locks, or runs on where a statement or a session was to end, and no
    /// rung is left.
    StillHolding,
    /// The login may not, or the consent does not reach that far.
    Refused,
    /// No path to the server was left.
    Lost,
}

/// What became of a rung (`final` false) or of a whole stop (`final` true).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeStory {
    /// The stop.
    pub stop: StopId,
    /// The rung, or the last one.
    pub rung: Option<Rung>,
    /// Whom it named.
    pub pid: Pid,
    /// How it ended.
    pub result: StopResult,
    /// Whether this is the last word on the stop.
    pub is_final: bool,
    /// From the trip, or the key press, to the first request, in milliseconds.
    pub sent_ms: Option<u64>,
    /// From the trip until the target's strong locks were gone, in milliseconds.
    pub gone_ms: Option<u64>,
    /// From the trip until none of the victims waited any more, in milliseconds.
    pub drained_ms: Option<u64>,
    /// Victims at the trip.
    pub victims: u32,
    /// Time the victims lost in all, in session-milliseconds.
    pub lost_session_ms: u64,
    /// What people should know, such as what is left to be done by hand.
    pub sentence: String,
}
