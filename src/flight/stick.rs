//! The stick: one operator commands a flight.
//!
//! Owns who that is, and since when. Never talks, and never commands.

use crate::engine::ids::At;
use crate::remote::protocol::Holder;

/// From where an operator speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seat {
    /// The flight's own screen.
    Screen,
    /// The client of the socket with this number.
    Guest(u64),
}

/// Who speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speaker {
    /// From where.
    pub seat: Seat,
    /// The operator's name.
    pub operator: String,
    /// The account of the system that speaks, whatever the operator is called.
    pub account: String,
    /// Stays, and so may hold the stick, rather than saying one thing and leaving.
    pub stays: bool,
}

impl Speaker {
    /// Who sits at the flight's own screen.
    pub fn here(operator: String) -> Speaker {
        Speaker { seat: Seat::Screen, operator, account: crate::remote::own_name(), stays: true }
    }

    /// Who it is to the system: `user@host`. Only this machine's accounts reach a flight.
    pub(super) fn person(&self) -> String {
        format!("{}@{}", self.account, crate::remote::host_name())
    }
}

/// The stick passed from one operator to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moved {
    /// Who has it now.
    pub(super) holder: Option<String>,
    /// Who had it.
    pub(super) from: Option<String>,
}

/// The stick of one flight.
#[derive(Debug)]
pub(super) struct Stick {
    began_utc_us: i64,
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    operator: String,
    seat: Seat,
    since: At,
}

impl Stick {
    /// The stick of a flight that began at this time, in the hands of its own screen if it has one.
    pub(super) fn new(began_utc_us: i64, screen: Option<&str>) -> Stick {
        let held = screen.map(|operator| Held {
            operator: operator.to_owned(),
            seat: Seat::Screen,
            since: At::default(),
        });
        Stick { began_utc_us, held }
    }

    /// Who has it.
    pub(super) fn holder(&self) -> Option<Holder> {
        self.held.as_ref().map(|held| Holder {
            operator: held.operator.clone(),
            since: self.time(held.since).map_or_else(String::new, |time| format!("{time:.0}")),
        })
    }

    /// Whether `speaker` may command: nobody has the stick, or one of the same name does. One who stays gets a
    /// stick that nobody has.
    ///
    /// # Errors
    /// Who has it, for people.
    pub(super) fn may_command(&mut self, at: At, speaker: &Speaker) -> Result<Option<Moved>, String> {
        match &self.held {
            Some(held) if held.seat == speaker.seat || held.operator == speaker.operator => Ok(None),
            Some(held) => {
                let since = self
                    .time(held.since)
                    .map_or_else(String::new, |time| format!(" since {} UTC", time.strftime("%H:%M:%S")));
                Err(format!("{} has the stick{since}; --take takes it", held.operator))
            }
            None if speaker.stays => Ok(self.take(at, speaker)),
            None => Ok(None),
        }
    }

    /// Gives `speaker` the stick; `None` when an operator of that name had it.
    pub(super) fn take(&mut self, at: At, speaker: &Speaker) -> Option<Moved> {
        if self.held.as_ref().is_some_and(|held| held.operator == speaker.operator) {
            // The same person, and the seat that keeps it longer stays the holder's.
            return None;
        }
        let Speaker { seat, operator, .. } = speaker.clone();
        let from = self.held.replace(Held { operator: operator.clone(), seat, since: at });
        Some(Moved { holder: Some(operator), from: from.map(|held| held.operator) })
    }

    /// Takes the stick from whoever sits there: it was given back, or the seat is empty.
    pub(super) fn release(&mut self, seat: Seat) -> Option<Moved> {
        let held = self.held.take_if(|held| held.seat == seat)?;
        Some(Moved { holder: None, from: Some(held.operator) })
    }

    fn time(&self, at: At) -> Option<jiff::Timestamp> {
        let us = i64::try_from(at.0).unwrap_or(i64::MAX);
        jiff::Timestamp::from_microsecond(self.began_utc_us.saturating_add(us)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(n: u64, operator: &str, stays: bool) -> Speaker {
        let (operator, account) = (operator.to_owned(), "me".to_owned());
        Speaker { seat: Seat::Guest(n), operator, account, stays }
    }

    #[test]
    fn the_first_who_stays_and_commands_gets_a_free_stick() {
        let mut stick = Stick::new(0, None);
        let at = At::from_ms(60_000);
        assert_eq!(stick.may_command(at, &guest(1, "script", false)), Ok(None));
        assert_eq!(stick.holder(), None, "one who does not stay does not keep it");
        let moved = Moved { holder: Some("alice".to_owned()), from: None };
        assert_eq!(stick.may_command(at, &guest(2, "alice", true)), Ok(Some(moved)));
        let refused = stick.may_command(at, &guest(3, "bob", true)).expect_err("alice has it");
        assert_eq!(refused, "alice has the stick since 00:01:00 UTC; --take takes it");
        assert_eq!(stick.may_command(at, &guest(4, "alice", false)), Ok(None), "the same operator may");
    }

    #[test]
    fn the_stick_is_taken_and_given_back() {
        let mut stick = Stick::new(0, Some("alice"));
        let bob = guest(1, "bob", false);
        let moved = Moved { holder: Some("bob".to_owned()), from: Some("alice".to_owned()) };
        assert_eq!(stick.take(At::default(), &bob), Some(moved));
        assert_eq!(stick.take(At::default(), &bob), None, "he has it already");
        assert_eq!(stick.release(Seat::Screen), None, "the screen has it no more");
        assert_eq!(stick.release(bob.seat).and_then(|moved| moved.from).as_deref(), Some("bob"));
        assert_eq!(stick.holder(), None);
    }
}
