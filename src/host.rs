//! The machine the server runs on, when it is this one.
//!
//! Owns the thread that reads, and what becomes of a reading that does not end. Reads when the flight asks and
//! at most one reading at a time. Never shows a process that is not known to be the backend in question, and
//! never keeps the flight waiting.

mod choose;
mod read;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use tokio::sync::{mpsc, watch};

use crate::clock::FlightClock;
use crate::engine::Cockpit;
use crate::engine::host::HostFacts;
use crate::engine::ids::{At, BackendId};
use crate::engine::input::Input;
use crate::engine::sample::Fact;
use crate::pg::sampler::Own;
pub use choose::{Choice, choose};
pub use read::read;

#[cfg(test)]
mod tests;

/// A reading that takes longer hangs.
const HANGS_AFTER_MS: u64 = 5_000;

/// What is to be read.
#[derive(Debug, Clone)]
struct Request {
    own: Own,
    choice: Choice,
}

/// What the thread and the flight know of each other.
#[derive(Debug, Default)]
struct Account {
    /// Requests that were answered.
    answered: AtomicU64,
    /// It was said that a reading hangs: whatever comes after that is news.
    hung: AtomicBool,
}

/// The flight's hold on the thread that reads.
#[derive(Debug)]
pub struct Host {
    own: watch::Receiver<Own>,
    requests: SyncSender<Request>,
    inputs: mpsc::Sender<Input>,
    account: Arc<Account>,
    asked: u64,
    asked_at: At,
    told: bool,
    turn: Option<BackendId>,
}

impl Host {
    /// Starts the thread; it ends with the hold on it. What it reads goes to `inputs`.
    pub fn open(own: watch::Receiver<Own>, clock: FlightClock, inputs: mpsc::Sender<Input>) -> Host {
        Host::with(own, inputs, move |request| read(&request.own, &request.choice, &clock))
    }

    fn with(
        own: watch::Receiver<Own>,
        inputs: mpsc::Sender<Input>,
        read: impl Fn(&Request) -> Fact<HostFacts> + Send + 'static,
    ) -> Host {
        let (requests, orders) = sync_channel(1);
        let account = Arc::new(Account::default());
        let (answers, shared) = (inputs.clone(), Arc::clone(&account));
        // Its own thread, which nobody joins: a file under /proc that does not answer holds up nothing else.
        let serve = move || serve(&orders, &answers, &shared, read);
        let started = std::thread::Builder::new().name("lockpit-host".to_owned()).spawn(serve);
        if let Err(error) = started {
            tell(&inputs, format!("not allowed: no thread to read with: {error}"));
        }
        Host { own, requests, inputs, account, asked: 0, asked_at: At(0), told: false, turn: None }
    }

    /// Asks for a reading of what matters now, unless one is under way. Never waits.
    pub fn ask(&mut self, at: At, cockpit: &Cockpit) {
        if self.account.answered.load(Ordering::Acquire) < self.asked {
            if at.ms_since(self.asked_at) >= HANGS_AFTER_MS && !self.told {
                let why = format!("this machine did not tell its figures within {HANGS_AFTER_MS} ms");
                self.told = tell(&self.inputs, why);
                self.account.hung.store(self.told, Ordering::Release);
            }
            return;
        }
        let (choice, turn) = choose(cockpit, self.turn);
        let request = Request { own: *self.own.borrow(), choice };
        if self.requests.try_send(request).is_ok() {
            (self.asked, self.asked_at, self.told, self.turn) = (self.asked + 1, at, false, turn);
        }
    }
}

fn tell(inputs: &mpsc::Sender<Input>, why: String) -> bool {
    inputs.try_send(Input::Host(Box::new(Fact::Missing(why)))).is_ok()
}

/// Reads until nobody asks or nobody listens any more. A reason is told once for each session of the sampler.
fn serve(
    requests: &Receiver<Request>,
    inputs: &mpsc::Sender<Input>,
    account: &Account,
    read: impl Fn(&Request) -> Fact<HostFacts>,
) {
    let mut told = None;
    while let Ok(request) = requests.recv() {
        let fact = read(&request);
        let why = match &fact {
            Fact::Known(_) => None,
            Fact::Missing(why) => Some((request.own, why.clone())),
        };
        let is_news = account.hung.swap(false, Ordering::AcqRel) || why.is_none() || why != told;
        told = why;
        if is_news && inputs.blocking_send(Input::Host(Box::new(fact))).is_err() {
            return;
        }
        account.answered.fetch_add(1, Ordering::Release);
    }
}
