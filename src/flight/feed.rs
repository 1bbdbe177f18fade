//! From a flight to the screen in its process.
//!
//! Owns a queue that the flight never waits for: a screen that falls behind gets a fresh copy of the engine instead of
//! a backlog. Never knows what a screen does with it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::Cockpit;
use crate::engine::ids::At;
use crate::engine::input::Input;
use crate::literals::{Kept, Table};

/// Inputs that may wait for a screen before it gets a copy of the engine instead.
const BACKLOG: usize = 128;

/// What a screen hears of its flight.
#[derive(Debug)]
pub enum News {
    /// What the flight's engine has handled.
    Input(At, Box<Input>),
    /// More came than was taken; this is the engine now.
    Copy(At, Box<Cockpit>),
    /// Literals of statements that are new in the sample that follows, or in the copy before it.
    Literals(Vec<Kept>),
    /// Whether the flight is being recorded, once that has changed: why not, while it is not.
    Recording(Option<String>),
    /// The flight is over.
    Over(At),
}

/// The flight's end of the queue.
pub struct Feeder {
    queue: Arc<Mutex<Queue>>,
    wake: Box<dyn Fn() + Send>,
}

/// The screen's end of the queue.
#[derive(Debug)]
pub struct Feed(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    news: VecDeque<News>,
    /// More came than could be kept: nothing counts until a copy of the engine is handed over.
    overrun: bool,
}

/// A queue from a flight to a screen. `wake` is called, by the flight, when there is something new.
pub fn feed(wake: impl Fn() + Send + 'static) -> (Feeder, Feed) {
    let queue = Arc::new(Mutex::new(Queue::default()));
    (Feeder { queue: Arc::clone(&queue), wake: Box::new(wake) }, Feed(queue))
}

impl Feeder {
    /// Whether the screen has gone.
    fn is_alone(&self) -> bool {
        Arc::strong_count(&self.queue) == 1
    }

    /// Literals that belong to the input that follows.
    pub(super) fn literals(&self, new: Vec<Kept>) {
        if new.is_empty() || self.is_alone() {
            return;
        }
        let mut queue = lock(&self.queue);
        if !queue.overrun {
            queue.news.push_back(News::Literals(new));
        }
    }

    /// An input that the flight is about to handle.
    pub(super) fn input(&self, at: At, input: &Input) {
        if self.is_alone() {
            return;
        }
        let mut queue = lock(&self.queue);
        if queue.news.len() >= BACKLOG {
            // What is no input is not in the engine, and stays.
            queue.news.retain(|news| matches!(news, News::Recording(_)));
            queue.overrun = true;
        }
        if !queue.overrun {
            queue.news.push_back(News::Input(at, Box::new(input.clone())));
        }
    }

    /// The engine after that input: copied only when inputs had to be skipped.
    pub(super) fn handled(&self, at: At, cockpit: &Cockpit, literals: &Table) {
        if self.is_alone() {
            return;
        }
        let mut queue = lock(&self.queue);
        if queue.overrun {
            queue.overrun = false;
            queue.news.push_back(News::Copy(at, Box::new(cockpit.clone())));
            queue.news.push_back(News::Literals(literals.all()));
        }
        drop(queue);
        (self.wake)();
    }

    /// The recording has failed, or goes on.
    pub(super) fn recording(&self, failed: Option<String>) {
        lock(&self.queue).news.push_back(News::Recording(failed));
        (self.wake)();
    }

    /// The flight is over.
    pub(super) fn over(&self, at: At) {
        lock(&self.queue).news.push_back(News::Over(at));
        (self.wake)();
    }
}

impl fmt::Debug for Feeder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feeder").finish_non_exhaustive()
    }
}

impl Feed {
    /// Everything that has come since the last time.
    pub fn take(&self) -> VecDeque<News> {
        std::mem::take(&mut lock(&self.0).news)
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_that_does_not_read_gets_the_engine_instead_of_a_backlog() {
        let (feeder, feed) = feed(|| {});
        let mut cockpit = Cockpit::default();
        for ms in 0..10_000 {
            let at = At::from_ms(ms);
            feeder.input(at, &Input::Tick);
            let _ = cockpit.handle(at, Input::Tick);
            feeder.handled(at, &cockpit, &Table::default());
        }
        let news = feed.take();
        assert!(news.len() <= BACKLOG, "{}", news.len());
        assert!(matches!(news.front(), Some(News::Copy(..))), "what came before is in the copy");
        assert!(matches!(news.back(), Some(News::Input(at, _)) if at.ms() == 9_999));
    }
}
