//! Printing: JSON lines for programs, complaints for people.
//!
//! Owns standard output and standard error. Whoever reads slowly must not hold up a flight: lines are
//! printed by a thread of their own from a bounded queue, and what does not fit is counted and said.

use std::io::Write;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::time::Duration;

use crate::headless::line::{Body, Gap, Line};

/// Lines that wait for a slow reader; about a minute of a busy flight.
const QUEUE: usize = 4_096;
/// How long the last lines have to be read.
const FAREWELL: Duration = Duration::from_secs(3);

/// Prints lines without ever blocking the caller.
#[derive(Debug)]
pub(super) struct Printer {
    queue: Option<SyncSender<Line>>,
    printed: Receiver<()>,
    dropped: Option<Gap>,
}

impl Printer {
    pub(super) fn start() -> Printer {
        let (queue, lines) = mpsc::sync_channel::<Line>(QUEUE);
        let (done, printed) = mpsc::channel();
        std::thread::spawn(move || {
            // Dropped last, however this thread ends.
            let _done: mpsc::Sender<()> = done;
            let mut out = std::io::stdout().lock();
            for line in lines {
                // A reader that has gone is no reason to stop a flight.
                if print(&mut out, &line).is_err() {
                    break;
                }
            }
        });
        Printer { queue: Some(queue), printed, dropped: None }
    }

    pub(super) fn print(&mut self, lines: Vec<Line>) {
        let Some(queue) = &self.queue else { return };
        for line in lines {
            if let Some(gap) = self.dropped.take() {
                let at_ms = line.at_ms;
                if let Err(error) = queue.try_send(Line { at_ms, body: Body::Gap(gap) }) {
                    self.dropped = unsent(error);
                }
            }
            if let Some(Gap { lost: Some(lost), .. }) = &mut self.dropped {
                *lost += 1;
                continue;
            }
            let from_ms = line.at_ms;
            if let Err(TrySendError::Full(_)) = queue.try_send(line) {
                let why = "standard output was not read fast enough".to_owned();
                self.dropped = Some(Gap { from_ms, why, lost: Some(1) });
            }
        }
    }

    /// Prints what is left, as long as somebody reads it: an exit code does not wait for a full pipe.
    pub(super) fn finish(mut self) {
        drop(self.queue.take());
        // The thread drops its end when it has printed everything, or when its reader has gone.
        let _ = self.printed.recv_timeout(FAREWELL);
    }
}

fn unsent(error: TrySendError<Line>) -> Option<Gap> {
    match error {
        TrySendError::Full(Line { body: Body::Gap(gap), .. }) => Some(gap),
        _ => None,
    }
}

/// Prints one line at once.
pub(super) fn print(out: &mut impl Write, line: &Line) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Says on standard error what went wrong.
pub(super) fn complain(message: &str) {
    let _ = writeln!(std::io::stderr().lock(), "lockpit: {message}");
}

/// Prints what was asked for; a reader that has seen enough is no failure.
pub(super) fn print_text(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("standard output cannot be written: {error}"))
        }
        _ => Ok(()),
    }
}
