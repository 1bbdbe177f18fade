//! Commands: what an operator can order a flight to do.
//!
//! Owns the shapes of commands, their canonical text, and the room in which they are [parsed](Command::parse),
//! weighed ([`Cockpit::may`](super::Cockpit::may)) and carried out. A command is an input: it names identities,
//! and what follows from it is decided where every other input is.

mod may;
mod obey;
mod parse;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::duration::duration_text;
use super::effect::Rung;
use super::ids::{Attempt, BackendId};
use super::overrides::in_unit;
use super::settings::OnTrip;
use super::steps::Will;

/// A command, and who gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The operator; nobody when it is lockpit itself, a signal or the demonstration.
    pub by: Option<String>,
    /// What is wanted.
    pub command: Command,
}

/// What somebody wants of a flight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Disarm at once: a stop under way goes no further.
    Disarm,
    /// End the flight: the reason, in few words for the `end` line (`interrupted`, `time is up`).
    End {
        /// Why it ends.
        reason: String,
    },
    /// Put a remark on the timeline.
    Mark {
        /// The remark.
        note: String,
    },
    /// Arm. An arming of one session also follows that session as soon as it does schema work.
    Arm {
        /// Whom the consent reaches.
        scope: ArmScope,
        /// For how long, in milliseconds from now; [`super::settings::Settings::ARMING_MS`] unless said.
        for_ms: Option<u64>,
        /// By what means; those of the start unless said.
        on_trip: Option<OnTrip>,
    },
    /// Make the schema work of this session the target, whatever the selector says.
    Follow {
        /// Which.
        backend: BackendId,
    },
    /// Back to the selector of the start.
    FollowAuto,
    /// Stop the target by the whole abort ladder, armed or not.
    Abort {
        /// The target, as it was looked at.
        attempt: Attempt,
    },
    /// Stop one backend by one rung, and no further.
    Stop {
        /// Whom, as it was looked at.
        attempt: Attempt,
        /// [`Rung::Cancel`] or [`Rung::Terminate`].
        rung: Rung,
    },
    /// Put a limit in place of the one in force.
    Limit {
        /// The rule, by name.
        guardrail: String,
        /// Its limit, in the rule's own unit.
        limit: u64,
        /// For how long, in milliseconds from now; to the end of the flight when `None`.
        for_ms: Option<u64>,
    },
    /// Something about the plan that is flown.
    Plan(Will),
    /// Who may command from now on.
    Stick {
        /// Who has it; nobody when it was put down.
        holder: Option<String>,
        /// From whom it was taken.
        taken_from: Option<String>,
    },
}

/// Whom an arming reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArmScope {
    /// This session only, whatever the selector says; it ends with the session.
    Session(BackendId),
    /// Whoever the selector of the start chooses.
    AsAtStart,
}

impl fmt::Display for Command {
    /// Its canonical text, as it is typed behind a colon and told on the timeline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Disarm => f.write_str("disarm"),
            Command::End { reason } => write!(f, "end {reason}"),
            Command::Mark { note } => write!(f, "mark {note}"),
            Command::Arm { scope, for_ms, on_trip } => {
                match scope {
                    ArmScope::Session(backend) => write!(f, "arm pid {}", backend.pid)?,
                    ArmScope::AsAtStart => f.write_str("arm as-at-start")?,
                }
                duration(f, *for_ms)?;
                match on_trip {
                    None => Ok(()),
                    Some(OnTrip::Auto) => f.write_str(" auto"),
                    Some(OnTrip::Cancel) => f.write_str(" cancel"),
                    Some(OnTrip::Terminate) => f.write_str(" terminate"),
                    Some(OnTrip::Signal(pid)) => write!(f, " signal:{pid}"),
                }
            }
            Command::Follow { backend } => write!(f, "follow pid {}", backend.pid),
            Command::FollowAuto => f.write_str("follow auto"),
            Command::Abort { attempt } => write!(f, "abort pid {}", attempt.backend.pid),
            Command::Stop { attempt, rung } => {
                let word = match rung {
                    Rung::Cancel => "cancel",
                    Rung::SignalRunner(_) => "signal",
                    Rung::Terminate => "terminate",
                };
                write!(f, "{word} pid {}", attempt.backend.pid)
            }
            Command::Limit { guardrail, limit, for_ms } => {
                write!(f, "limit {guardrail} {}", in_unit(guardrail, *limit))?;
                duration(f, *for_ms)
            }
            Command::Plan(will) => will.fmt(f),
            Command::Stick { holder, taken_from } => {
                write!(f, "stick {}", holder.as_deref().unwrap_or("put down"))?;
                taken_from.as_ref().map_or(Ok(()), |from| write!(f, ", taken from {from}"))
            }
        }
    }
}

fn duration(f: &mut fmt::Formatter<'_>, ms: Option<u64>) -> fmt::Result {
    ms.map_or(Ok(()), |ms| write!(f, " {}", duration_text(ms)))
}
