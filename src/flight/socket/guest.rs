//! One client of the socket.
//!
//! Owns its connection: lines in, lines out, each within its bounds. Reads no further question before the last
//! answer is written.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot, watch};

use crate::flight::desk::{Ask, Public, Question};
use crate::flight::stick::{Seat, Speaker};
use crate::remote::protocol::{Greeting, MAX_LINE_BYTES, Reply, Request};

/// A client that does not read a line for this long is let go.
const READS_WITHIN: Duration = Duration::from_secs(5);

/// Whose process the client is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    /// It is not the flight's own.
    pub(super) is_foreign: bool,
}

impl Account {
    /// The operator who is called `claimed`. One account cannot pass for another's operator.
    fn operator(&self, claimed: &str) -> Option<String> {
        let claimed = crate::remote::operator(claimed)?;
        Some(match self.is_foreign && claimed != self.name {
            true => format!("{claimed} ({})", self.name),
            false => claimed,
        })
    }
}

/// One client.
pub(super) struct Guest {
    speaker: Speaker,
    account: Account,
    questions: mpsc::Sender<Question>,
    watches: bool,
}

impl Guest {
    pub(super) fn new(number: u64, account: Account, questions: mpsc::Sender<Question>) -> Guest {
        let (seat, name) = (Seat::Guest(number), account.name.clone());
        let speaker = Speaker { seat, operator: name.clone(), account: name, stays: false };
        Guest { speaker, account, questions, watches: false }
    }

    /// Serves the client until one of the two goes.
    pub(super) async fn serve(
        mut self,
        mut stream: UnixStream,
        greeting: Arc<Greeting>,
        mut public: watch::Receiver<Public>,
    ) {
        // However the conversation ended, the seat is empty now.
        let _ = self.converse(&mut stream, &greeting, &mut public).await;
        let _ = self.ask(Ask::Leave).await;
    }

    async fn converse(
        &mut self,
        stream: &mut UnixStream,
        greeting: &Greeting,
        public: &mut watch::Receiver<Public>,
    ) -> io::Result<()> {
        let stick = public.borrow_and_update().stick.clone();
        write(stream, &line(&Greeting { stick: stick.clone(), ..greeting.clone() })).await?;
        let mut told = stick;
        let mut input = Vec::new();
        loop {
            tokio::select! {
                read = read_line(stream, &mut input) => {
                    let Some(asked) = read? else { return Ok(()) };
                    let reply = match serde_json::from_slice(&asked) {
                        _ if !asked.ends_with(b"\n") => {
                            Reply::Error { reason: format!("a line has at most {MAX_LINE_BYTES} bytes") }
                        }
                        Ok(request) => self.answer(request).await,
                        Err(error) => Reply::Error { reason: format!("not understood: {error}") },
                    };
                    write(stream, &line(&reply)).await?;
                    if matches!(reply, Reply::Error { .. }) {
                        return Ok(());
                    }
                }
                changed = public.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    let Public { stick, ended } = public.borrow_and_update().clone();
                    if self.watches && stick != told {
                        write(stream, &line(&Reply::Stick { holder: stick.clone() })).await?;
                    }
                    told = stick;
                    if let Some(exit) = ended {
                        if self.watches {
                            write(stream, &line(&Reply::Ended { exit })).await?;
                        }
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn answer(&mut self, request: Request) -> Reply {
        let ask = match request {
            Request::Hello { operator, joins } => {
                // A seat has one name: the stick may be in its hands.
                if self.speaker.stays {
                    return Reply::Refused { reason: "you have said who you are".to_owned() };
                }
                if let Some(operator) = operator.as_deref().and_then(|claimed| self.account.operator(claimed))
                {
                    self.speaker.operator = operator;
                }
                self.speaker.stays = joins;
                if !joins {
                    return Reply::Ok { text: format!("hello {}", self.speaker.operator) };
                }
                Ask::Join
            }
            Request::Watch {} => {
                self.watches = true;
                return Reply::Ok { text: "watching".to_owned() };
            }
            Request::Status {} => Ask::Status,
            Request::Say { text, take } => Ask::Say { text, take },
            Request::Order { command, take } => Ask::Order { command, take },
            Request::Shown { what } => Ask::Shown { what },
            Request::Take {} => Ask::Take,
            Request::Release {} => Ask::Release,
        };
        let over = || Reply::Refused { reason: "the flight is over".to_owned() };
        self.ask(ask).await.unwrap_or_else(over)
    }

    /// The flight's answer; `None` once it takes no more questions.
    async fn ask(&self, ask: Ask) -> Option<Reply> {
        let (reply, answer) = oneshot::channel();
        self.questions.send(Question { from: self.speaker.clone(), ask, reply }).await.ok()?;
        answer.await.ok()
    }
}

/// A line to be written.
pub(super) fn line(said: &impl serde::Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(said).unwrap_or_default();
    line.push(b'\n');
    line
}

async fn write(stream: &mut UnixStream, line: &[u8]) -> io::Result<()> {
    tokio::time::timeout(READS_WITHIN, stream.write_all(line)).await?
}

/// The next line; `None` when the client has gone. What was read of it stays in `input` when this is dropped.
async fn read_line(stream: &mut UnixStream, input: &mut Vec<u8>) -> io::Result<Option<Vec<u8>>> {
    loop {
        if let Some(end) = input.iter().position(|byte| *byte == b'\n') {
            let rest = input.split_off(end + 1);
            return Ok(Some(std::mem::replace(input, rest)));
        }
        if input.len() >= MAX_LINE_BYTES {
            // Without its end.
            return Ok(Some(std::mem::take(input)));
        }
        let room = MAX_LINE_BYTES - input.len();
        let mut chunk = [0; 4_096];
        let within = room.min(chunk.len());
        match stream.read(&mut chunk[..within]).await? {
            0 => return Ok(None),
            n => input.extend_from_slice(&chunk[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_cannot_pass_for_the_operator_of_another() {
        let account = |is_foreign| Account { name: "bob".to_owned(), is_foreign };
        assert_eq!(account(true).operator("alice").as_deref(), Some("alice (bob)"));
        assert_eq!(account(true).operator("bob").as_deref(), Some("bob"));
        assert_eq!(account(false).operator("alice").as_deref(), Some("alice"));
    }
}
