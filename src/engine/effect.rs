//! What the engine asks the world to do.
//!
//! Owns the shapes of effects. Effects are data: the executor carries them out in a live flight, the log
//! keeps them as intents, and replay compares them with the log.

use serde::{Deserialize, Serialize};

use super::ids::{At, Attempt, BackendId, Oid, Pid, StopId};
use super::plan::order::Order;

/// One thing to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Look this often from now on.
    Pace {
        /// Full samples, in milliseconds.
        sample_every_ms: u64,
        /// The watch, in milliseconds; not at all when `None`.
        watch_every_ms: Option<u64>,
    },
    /// Take a full sample at once.
    SampleNow,
    /// Find out whether this login may signal the backend.
    CheckRight {
        /// Which backend.
        backend: BackendId,
        /// Its role.
        role: Option<Oid>,
    },
    /// Stop something: one rung of the abort ladder.
    Stop {
        /// The stop this rung belongs to.
        stop: StopId,
        /// How.
        rung: Rung,
        /// Whom. The identity is checked where the stop acts.
        attempt: Attempt,
    },
    /// Read what is left of the target, and how many victims wait on, until nothing is left or `until`.
    Observe {
        /// What has to be over before nothing is left.
        aim: Aim,
        /// The stop whose result this is.
        stop: StopId,
        /// Whom.
        attempt: Attempt,
        /// Who waited behind it at the trip.
        victims: Vec<Pid>,
        /// When to give up and report what is left.
        until: At,
    },
    /// Ask how an attempt ended that is no longer seen.
    AskEnd {
        /// Whose it was.
        backend: BackendId,
        /// Its last transaction id, if it was ever seen to have one.
        xid: Option<u32>,
    },
    /// Set the dead-man's switch on this attempt, or release it.
    Watchdog {
        /// Whom it stops, and how, when lockpit is gone; `None` releases it.
        guards: Option<DeadMan>,
    },
    /// Something for the runner to do.
    Run(Box<Order>),
    /// The flight is over.
    End {
        /// Why, for the `end` line.
        reason: String,
    },
}

/// What the dead-man's switch does when lockpit is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadMan {
    /// Whom it stops.
    pub attempt: Attempt,
    /// How: cancel or terminate.
    pub rung: Rung,
}

/// What a stop is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Aim {
    /// Its strong locks on user relations.
    Locks,
    /// The statement it runs.
    Statement,
    /// Its session.
    Session,
}

/// The rungs of the abort ladder, gentlest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rung {
    /// `pg_cancel_backend`, checked by pid, `backend_start`, `query_start` and `state = 'active'`.
    Cancel,
    /// SIGTERM to a process on this machine, checked by its start time.
    SignalRunner(u32),
    /// `pg_terminate_backend`, checked by pid, `backend_start`, and the statement or the transaction.
    Terminate,
}
