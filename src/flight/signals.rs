//! What the flight's process does when it gets a signal.
//!
//! | signal | what happens |
//! |---|---|
//! | INT, TERM | the flight ends in order: a stop under way is finished, what became of the target is told. A second one does not wait for that telling; a stop under way is finished all the same |
//! | HUP (the terminal has gone) | the flight ends in the same order, for attach has no step of its own to bring home; a detached flight, or one that has left its terminal since, ignores it |
//! | TSTP (Ctrl-Z) | refused while the flight is armed or a stop is under way, with a note on the timeline; else the process stops, and what was missed meanwhile is a gap |
//! | CONT | nothing: the loop sees for itself how long it did not run |
//! | PIPE | ignored: a reader that has gone is no reason to end a flight |
//! | KILL, STOP | cannot be answered: the server cleans up after its sessions, and the watchdog stands in where `--if-lost stop` set one |
//! | any other | as the system does |
//!
//! Owns that table. Never decides whether the flight may be suspended: the flight knows its own state.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Signal, getpid, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use super::Commands;
use super::desk::Ask;
use super::stick::Speaker;
use crate::engine::input::Command;
use crate::remote::protocol::Reply;

/// What a lost terminal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnHangup {
    /// The flight ends in order.
    End,
    /// Nothing: the flight is detached.
    Ignore,
}

/// What a lost terminal means, to be changed when a flight leaves its terminal.
#[derive(Debug, Clone)]
pub struct Hangup {
    is_ignored: Arc<AtomicBool>,
}

impl Hangup {
    /// From now on the flight does without its terminal.
    pub fn ignore(&self) {
        self.is_ignored.store(true, Ordering::SeqCst);
    }

    fn is_ignored(&self) -> bool {
        self.is_ignored.load(Ordering::SeqCst)
    }
}

/// Answers signals from now on. Call it inside the flight's runtime.
pub fn obey(commands: &Commands, on_hangup: OnHangup) -> Hangup {
    let hangup = Hangup { is_ignored: Arc::new(AtomicBool::new(on_hangup == OnHangup::Ignore)) };
    // Where no handler can be set, the system does with a signal what it always does.
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let (commands, hangup) = (commands.clone(), hangup.clone());
        let Ok(mut signals) = signal(kind) else { continue };
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if kind == SignalKind::hangup() && hangup.is_ignored() {
                    continue;
                }
                commands.send(Command::End { reason: "interrupted".to_owned() }).await;
            }
        });
    }
    let commands = commands.clone();
    if let Ok(mut signals) = signal(SignalKind::from_raw(Signal::TSTP.as_raw())) {
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                let terminal = Speaker::here("the terminal".to_owned());
                // A flight that does not answer any more is over, and has nothing to guard.
                if !matches!(commands.ask(terminal, Ask::Suspend).await, Some(Reply::Refused { .. })) {
                    let _ = kill_process(getpid(), Signal::STOP);
                }
            }
        });
    }
    hangup
}
