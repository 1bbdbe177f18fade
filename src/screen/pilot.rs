//! Whom a screen's commands go to.
//!
//! Owns the way from an order to the flight: its queue when it flies in this process, its socket when it flies
//! elsewhere. Never waits for an answer: those arrive as events.

use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use super::run::Event;
use crate::engine::command::{Command, Request};
use crate::flight::Commands;
use crate::remote::{Remote, RemoteError};

/// How long one look for news of the flight takes.
const NEWS_WAIT: Duration = Duration::from_secs(1);

/// Whom a screen's commands go to.
#[derive(Debug)]
pub enum Pilot {
    /// The flight in this process.
    Here {
        /// Its commands.
        commands: Commands,
        /// Who commands.
        operator: Option<String>,
    },
    /// A flight that is reached by its socket.
    There(There),
    /// Nobody: a replay.
    Nobody,
}

impl Pilot {
    /// Gives the flight a command.
    ///
    /// # Errors
    /// It cannot be given, and why.
    pub(super) fn command(&self, command: Command) -> Result<(), String> {
        match self {
            Pilot::Here { commands, operator } => {
                commands.try_request(Request { by: operator.clone(), command })
            }
            Pilot::There(there) => there.ask(Ask::Command(command)),
            Pilot::Nobody => Err("a replay is read-only: this has happened".to_owned()),
        }
    }

    /// Asks for the right to command.
    ///
    /// # Errors
    /// It cannot be asked for, and why.
    pub(super) fn take_stick(&self) -> Result<(), String> {
        match self {
            Pilot::There(there) => there.ask(Ask::Take),
            Pilot::Here { .. } => Err("this screen has the stick".to_owned()),
            Pilot::Nobody => Err("there is no flight in the air to command".to_owned()),
        }
    }
}

/// A flight that is reached by its socket.
#[derive(Debug)]
pub struct There {
    flight: String,
    operator: String,
    asks: Sender<Ask>,
    stick: Option<String>,
}

#[derive(Debug)]
enum Ask {
    Command(Command),
    Take,
}

impl There {
    /// A pilot of the flight that listens at `socket`, as `operator`. Answers and news go to `events`.
    ///
    /// # Errors
    /// The flight cannot be reached.
    pub fn connect(socket: &Path, operator: String, events: &Sender<Event>) -> Result<There, RemoteError> {
        let mut talk = Remote::connect(socket)?;
        talk.hello(Some(operator.clone()), true)?;
        let (flight, stick) = (talk.greeting().flight.clone(), talk.greeting().stick.clone());
        let mut listen = Remote::connect(socket)?;
        listen.hello(Some(operator.clone()), false)?;
        listen.watch()?;
        let (asks, queue) = mpsc::channel();
        let answers = events.clone();
        thread::spawn(move || {
            for ask in queue {
                let reply = match ask {
                    Ask::Command(command) => talk.command(&command),
                    Ask::Take => talk.take(),
                };
                let answer = reply.map_err(|error| error.to_string()).and_then(|reply| reply.into_result());
                if answers.send(Event::Answer(answer)).is_err() {
                    return;
                }
            }
        });
        let news = events.clone();
        thread::spawn(move || {
            while let Ok(reply) = listen.news(NEWS_WAIT) {
                if let Some(stick) = reply.and_then(|reply| reply.stick_news())
                    && news.send(Event::Stick(stick)).is_err()
                {
                    return;
                }
            }
        });
        Ok(There { flight, operator, asks, stick })
    }

    /// The flight's name.
    pub fn flight(&self) -> &str {
        &self.flight
    }

    /// Who has the stick.
    pub fn stick(&self) -> Option<&str> {
        self.stick.as_deref()
    }

    /// Whether this screen's operator has it.
    pub fn has_stick(&self) -> bool {
        self.stick.as_ref() == Some(&self.operator)
    }

    /// The stick has gone to somebody.
    pub(super) fn stick_is(&mut self, holder: Option<String>) {
        self.stick = holder;
    }

    fn ask(&self, ask: Ask) -> Result<(), String> {
        self.asks.send(ask).map_err(|_| "the flight cannot be reached any more".to_owned())
    }
}
