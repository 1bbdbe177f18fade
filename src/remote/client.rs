//! The client's end of a flight's socket.
//!
//! Owns one blocking connection with time limits. Needs no runtime. Never asks twice: what got no answer in
//! time is an error, and whether it was done is not known.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::engine::command::Command;

use super::place;
use super::protocol::{Greeting, MAX_LINE_BYTES, PROTOCOL, Reply, Request, Status};

/// How long an answer may take: a flight answers between two inputs.
const WITHIN: Duration = Duration::from_secs(5);

/// Why a flight could not be talked to.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Nobody listens there.
    #[error("no flight listens there any more")]
    Gone,
    /// This account may not.
    #[error("this account may not talk to it: {0}")]
    Denied(String),
    /// It does not want to talk.
    #[error("it turned us away: {0}")]
    TurnedAway(String),
    /// No answer came in time.
    #[error("it did not answer within {} s", WITHIN.as_secs())]
    Silent,
    /// It speaks another protocol.
    #[error("it speaks protocol {0}, and this release speaks {PROTOCOL}: use the release that flies it")]
    Version(u32),
    /// What it said makes no sense.
    #[error("it said something that makes no sense: {0}")]
    Garbled(String),
    /// The connection failed.
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for RemoteError {
    fn from(error: io::Error) -> RemoteError {
        match error.kind() {
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::NotFound
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::UnexpectedEof => RemoteError::Gone,
            io::ErrorKind::PermissionDenied => RemoteError::Denied(error.to_string()),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => RemoteError::Silent,
            _ => RemoteError::Io(error),
        }
    }
}

/// A connection to a flight in the air.
#[derive(Debug)]
pub struct Remote {
    stream: UnixStream,
    /// What was read behind the last line.
    rest: Vec<u8>,
    unasked: VecDeque<Reply>,
    greeting: Greeting,
}

impl Remote {
    /// Connects to the flight at this socket and hears its greeting.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn connect(path: &Path) -> Result<Remote, RemoteError> {
        let stream = place::connect(path)?;
        stream.set_read_timeout(Some(WITHIN))?;
        stream.set_write_timeout(Some(WITHIN))?;
        let (mut rest, unasked) = (Vec::new(), VecDeque::new());
        let line = read_line(&stream, &mut rest)?;
        let said: serde_json::Value = parse(&line)?;
        if let Some(reason) = said["error"]["reason"].as_str() {
            return Err(RemoteError::TurnedAway(reason.to_owned()));
        }
        match said["protocol"].as_u64().and_then(|n| u32::try_from(n).ok()) {
            Some(PROTOCOL) => Ok(Remote { stream, rest, unasked, greeting: parse(&line)? }),
            Some(other) => Err(RemoteError::Version(other)),
            None => Err(RemoteError::Garbled("its first line names no protocol".to_owned())),
        }
    }

    /// What the flight said first.
    pub fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    /// Says who speaks, and whether the client stays.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn hello(&mut self, operator: Option<String>, joins: bool) -> Result<Reply, RemoteError> {
        self.request(&Request::Hello { operator, joins })
    }

    /// Gives a command; with `take`, takes the stick before if somebody else has it.
    ///
    /// # Errors
    /// [`RemoteError`]. A refusal is no error but the [`Reply`].
    pub fn say(&mut self, text: &str, take: bool) -> Result<Reply, RemoteError> {
        self.request(&Request::Say { text: text.to_owned(), take })
    }

    /// Gives a command that names whom it means.
    ///
    /// # Errors
    /// [`RemoteError`]. A refusal is no error but the [`Reply`].
    pub fn order(&mut self, command: Command) -> Result<Reply, RemoteError> {
        self.request(&Request::Order { command, take: false })
    }

    /// Says what this client's screen shows, for the log.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn shown(&mut self, what: String) -> Result<Reply, RemoteError> {
        self.request(&Request::Shown { what })
    }

    /// Takes the stick.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn take(&mut self) -> Result<Reply, RemoteError> {
        self.request(&Request::Take {})
    }

    /// Gives the stick back.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn release(&mut self) -> Result<Reply, RemoteError> {
        self.request(&Request::Release {})
    }

    /// How the flight is doing.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn status(&mut self) -> Result<Status, RemoteError> {
        match self.request(&Request::Status {})? {
            Reply::Status(status) => Ok(*status),
            other => Err(RemoteError::Garbled(format!("{other:?}"))),
        }
    }

    /// Asks to be told when the stick moves and when the flight ends: see [`Remote::news`].
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn watch(&mut self) -> Result<Reply, RemoteError> {
        self.request(&Request::Watch {})
    }

    /// What the flight says unasked, within this time; `None` when it says nothing. The time is not zero.
    ///
    /// # Errors
    /// [`RemoteError`]; [`RemoteError::Gone`] once the flight is over.
    pub fn news(&mut self, within: Duration) -> Result<Option<Reply>, RemoteError> {
        if let Some(news) = self.unasked.pop_front() {
            return Ok(Some(news));
        }
        self.stream.set_read_timeout(Some(within))?;
        let read = read_line(&self.stream, &mut self.rest);
        self.stream.set_read_timeout(Some(WITHIN))?;
        match read {
            Ok(line) => parse(&line).map(Some),
            Err(RemoteError::Silent) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn request(&mut self, request: &Request) -> Result<Reply, RemoteError> {
        let mut line =
            serde_json::to_vec(request).map_err(|error| RemoteError::Garbled(error.to_string()))?;
        line.push(b'\n');
        (&self.stream).write_all(&line)?;
        loop {
            match parse(&read_line(&self.stream, &mut self.rest)?)? {
                news @ (Reply::Stick { .. } | Reply::Ended { .. }) => self.unasked.push_back(news),
                reply => return Ok(reply),
            }
        }
    }
}

/// The next line. What was read of one that is not whole stays in `rest`.
fn read_line(mut stream: &UnixStream, rest: &mut Vec<u8>) -> Result<Vec<u8>, RemoteError> {
    let mut chunk = [0; 4_096];
    loop {
        if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let behind = rest.split_off(end + 1);
            return Ok(std::mem::replace(rest, behind));
        }
        if rest.len() > MAX_LINE_BYTES {
            return Err(RemoteError::Garbled("a line without an end".to_owned()));
        }
        match stream.read(&mut chunk) {
            Ok(0) => return Err(RemoteError::Gone),
            Ok(n) => rest.extend_from_slice(&chunk[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(line: &[u8]) -> Result<T, RemoteError> {
    serde_json::from_slice(line).map_err(|error| RemoteError::Garbled(error.to_string()))
}
