//! A stop that an operator ordered of one backend: one rung, and no climbing.
//!
//! Owns what such a stop makes of what is left. The backend may hold no strong lock at all, so that it is its
//! statement or its session that has to be over.

use super::{Hit, Step, Stop};
use crate::engine::effect::{Aim, Rung};
use crate::engine::guard::seconds;
use crate::engine::ids::At;
use crate::engine::sample::State;
use crate::engine::settings::Settings;
use crate::engine::timeline::StopResult;

/// What an aftermath says of the backend.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left {
    pub(super) alive: bool,
    pub(super) still_strong: bool,
    pub(super) state: Option<State>,
    pub(super) same_statement: bool,
}

impl Stop {
    /// Takes in what is left of it.
    pub(super) fn look_at_one(&mut self, at: At, left: Left, step: &mut Step) {
        let Left { alive, still_strong, state, same_statement } = left;
        let late = at >= self.rung_deadline;
        let pid = self.pid();
        let goes_on = alive && (self.aim() == Aim::Session || same_statement);
        let state = state.filter(|_| alive);
        let waiting = self.victims_waiting;
        let result = if self.hit() == Hit::No { StopResult::AlreadyOver } else { StopResult::Drained };
        if goes_on {
            if late {
                let what =
                    if self.aim() == Aim::Session { "is still there" } else { "still runs its statement" };
                let sentence = format!(
                    "pid {pid} {what} after {}; {}",
                    seconds(Settings::GRACE_MS),
                    self.next_by_hand()
                );
                self.end(at, StopResult::StillHolding, sentence, step);
            }
        } else if alive && still_strong {
            let state = state.map_or("open", State::name);
            let sentence =
                format!("pid {pid}: it is {state} and still holds its locks; {}", self.next_by_hand());
            self.end(at, StopResult::StillHolding, sentence, step);
        } else if waiting == 0 {
            self.gone.get_or_insert(at);
            self.end(at, result, self.drained_sentence(at), step);
        } else if state.is_none_or(|state| state == State::Idle) {
            self.gone.get_or_insert(at);
            if late {
                let sentence =
                    format!("pid {pid} let go; {waiting} of those behind it wait for somebody else");
                self.end(at, result, sentence, step);
            }
        } else if late {
            let state = state.map_or("open", State::name);
            let sentence = format!(
                "pid {pid}: its statement is over and it is {state}; {waiting} of those behind it wait on; {}",
                self.next_by_hand()
            );
            self.end(at, StopResult::StillHolding, sentence, step);
        }
    }

    /// What is to be over.
    pub(super) fn aim(&self) -> Aim {
        match (self.cause.is_one_rung(), self.rung) {
            (false, _) => Aim::Locks,
            (true, Rung::Terminate) => Aim::Session,
            (true, Rung::Cancel | Rung::SignalRunner(_)) => Aim::Statement,
        }
    }

    /// What is left to an operator when the one rung did not help.
    pub(super) fn next_by_hand(&self) -> String {
        match self.rung {
            Rung::Cancel | Rung::SignalRunner(_) => format!("next: terminate pid {}", self.pid()),
            Rung::Terminate => "no harder means is left to lockpit".to_owned(),
        }
    }
}
