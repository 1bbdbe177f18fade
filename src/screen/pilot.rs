//! Whom a screen's commands go to.
//!
//! Owns the way from an order to the flight: its desk when it flies in this process, its socket when it flies
//! elsewhere. A thread of its own asks and waits; answers arrive as events.

use std::sync::mpsc::{self, Sender};
use std::thread;

use super::run::Event;
use crate::engine::command::Command;
use crate::flight::{Ask, Commands, Speaker};
use crate::remote::Remote;
use crate::remote::protocol::Reply;

/// A way to command a flight.
#[derive(Debug)]
pub struct Pilot {
    operator: String,
    asks: Sender<Order>,
}

#[derive(Debug)]
enum Order {
    Command(Command),
    Take,
    Shown(String),
}

impl Pilot {
    /// A pilot of the flight in this process. Answers go to `events`.
    pub fn here(commands: Commands, operator: String, events: Sender<Event>) -> Pilot {
        let from = Speaker::here(operator.clone());
        Pilot::with(operator, events, move |order| {
            let ask = match order {
                Order::Command(command) => Ask::Order { command, take: false },
                Order::Take => Ask::Take,
                Order::Shown(what) => Ask::Shown { what },
            };
            commands.ask_blocking(from.clone(), ask).ok_or_else(|| "the flight is over".to_owned())
        })
    }

    /// A pilot of the flight at the other end of `remote`, which knows its operator. Answers go to `events`.
    pub fn there(mut remote: Remote, operator: String, events: Sender<Event>) -> Pilot {
        Pilot::with(operator, events, move |order| {
            let reply = match order {
                Order::Command(command) => remote.order(command),
                Order::Take => remote.take(),
                Order::Shown(what) => remote.shown(what),
            };
            reply.map_err(|error| error.to_string())
        })
    }

    fn with(
        operator: String,
        events: Sender<Event>,
        mut ask: impl FnMut(Order) -> Result<Reply, String> + Send + 'static,
    ) -> Pilot {
        let (asks, queue) = mpsc::channel();
        thread::spawn(move || {
            for order in queue {
                if let Order::Shown(_) = order {
                    // For the log alone: nobody waits for an answer, and nothing depends on it.
                    let _ = ask(order);
                    continue;
                }
                let answer = ask(order).and_then(|reply| match reply {
                    Reply::Refused { reason } | Reply::Error { reason } => Err(reason),
                    Reply::Ok { text } => Ok(text),
                    other => Ok(format!("{other:?}")),
                });
                if events.send(Event::Answer(answer)).is_err() {
                    return;
                }
            }
        });
        Pilot { operator, asks }
    }

    /// Who commands.
    pub fn operator(&self) -> &str {
        &self.operator
    }

    /// Gives the flight a command.
    pub(super) fn command(&self, command: Command) {
        // The thread ends with the screen only.
        let _ = self.asks.send(Order::Command(command));
    }

    /// Says what the screen shows, for the log.
    pub(super) fn shown(&self, what: String) {
        let _ = self.asks.send(Order::Shown(what));
    }

    /// Asks for the right to command.
    pub(super) fn take_stick(&self) {
        let _ = self.asks.send(Order::Take);
    }
}
