//! What the flight and the writer share: the queue between them, and the account of what was lost.
//!
//! Owns the rule that the flight never waits for the disk. The lock is held for moments only, never over a
//! read, a write or a sync.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::batch::{Batch, weight_of};
use super::chain::Pin;
use super::draft::Position;
use super::head::{HEADER_BYTES, array};
use super::loss::Lost;
use crate::engine::checkpoint::Checkpoint;
use crate::engine::ids::At;

/// No more than this much, in memory, is written and synced at once.
const GROUP_BYTES: usize = 4 << 20;

/// Something to be written.
#[derive(Debug)]
pub(super) enum Work {
    /// Entries of the present segment.
    Batch(Batch),
    /// A new segment, and the loss it ends.
    Segment { at: At, checkpoint: Box<Checkpoint>, after: Option<Lost> },
}

impl Work {
    fn bytes(&self) -> usize {
        match self {
            Work::Batch(batch) => batch.weight(),
            Work::Segment { checkpoint, .. } => weight_of(checkpoint),
        }
    }

    /// Adds to `lost` what is lost when this is not written.
    fn lose(self, lost: &mut Lost) {
        match self {
            Work::Batch(batch) => lost.count(batch.len() as u64),
            Work::Segment { after: Some(earlier), .. } => lost.absorb(earlier),
            Work::Segment { after: None, .. } => {}
        }
    }

    fn is_segment(&self) -> bool {
        matches!(self, Work::Segment { .. })
    }

    fn at(&self) -> At {
        match self {
            Work::Batch(batch) => batch.first_at().unwrap_or_default(),
            Work::Segment { at, .. } => *at,
        }
    }
}

/// How a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// With an END record at this time.
    Close(At),
    /// Without one: the flight is being torn down.
    Abandon,
}

/// What the writer does next.
pub(super) enum Next {
    /// Everything that waits, up to a measure: written and synced at once.
    Write(Vec<Work>),
    /// The disk failed some time ago: try it.
    Try,
    Stop(Stop),
}

/// Durable so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Durable {
    pub(super) pin: Pin,
    pub(super) records: u64,
    pub(super) seq: u32,
}

impl Durable {
    /// What is durable of a log with this `header`, of `bytes` bytes, that stands at `position`.
    pub(super) fn of(header: &[u8; HEADER_BYTES], bytes: u64, position: &Position) -> Durable {
        let Position { seq, chain, .. } = *position;
        let pin = Pin { flight: array(header, 20), bytes, chain };
        Durable { pin, records: u64::from(seq), seq: seq.saturating_sub(1) }
    }
}

/// How much may wait for the disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) bytes: usize,
    pub(super) batches: usize,
}

pub(super) struct Shared {
    bounds: Bounds,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    queue: VecDeque<Work>,
    queued_bytes: usize,
    /// Nothing is accepted behind the queue any more, until a checkpoint.
    lost: Option<Lost>,
    /// The loss whose end is in the queue or being written.
    ending: Option<Lost>,
    /// The writer could go on if it had a checkpoint.
    ready: bool,
    stop: Option<Stop>,
    durable: Durable,
    /// Entries of losses whose gap is durable.
    covered_entries: u64,
}

impl Shared {
    /// With a loss that the next segment ends, if there is one.
    pub(super) fn new(bounds: Bounds, durable: Durable, lost: Option<Lost>) -> Shared {
        let state = State {
            queue: VecDeque::new(),
            queued_bytes: 0,
            ready: lost.is_some(),
            lost,
            ending: None,
            stop: None,
            durable,
            covered_entries: 0,
        };
        Shared { bounds, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Queues entries, or counts them as lost; always lost when there is a `refusal`.
    pub(super) fn offer(&self, batch: Batch, refusal: Option<String>) -> bool {
        let mut state = self.lock();
        if state.lost.is_none() {
            let at = batch.first_at().unwrap_or_default();
            let refusal = refusal.or_else(|| state.full(batch.weight(), self.bounds));
            state.lost = refusal.map(|why| Lost::new(why, at));
        }
        self.changed.notify_one();
        if let Some(lost) = &mut state.lost {
            lost.count(batch.len() as u64);
            return false;
        }
        state.push(Work::Batch(batch));
        true
    }

    /// Queues a new segment, which ends a loss if there is one. False when there is no way to go on yet.
    pub(super) fn offer_segment(&self, at: At, checkpoint: Box<Checkpoint>) -> bool {
        let mut state = self.lock();
        if state.lost.is_some() && !state.ready {
            return false;
        }
        self.changed.notify_one();
        if let Some(why) = state.full(weight_of(&checkpoint), self.bounds) {
            state.lost.get_or_insert_with(|| Lost::new(why, at));
            return false;
        }
        state.ready = false;
        let after = state.lost.take();
        if after.is_some() {
            state.ending.clone_from(&after);
        }
        state.push(Work::Segment { at, checkpoint, after });
        true
    }

    pub(super) fn needs_checkpoint(&self) -> bool {
        let state = self.lock();
        state.lost.is_some() && state.ready
    }

    pub(super) fn has_lost(&self) -> bool {
        self.lock().lost.is_some()
    }

    /// What is durable, and what is lost and not yet covered by a durable gap.
    pub(super) fn account(&self) -> (Durable, Option<Lost>) {
        let state = self.lock();
        (state.durable, state.uncovered())
    }

    /// Entries lost in the whole flight.
    pub(super) fn lost_entries(&self) -> u64 {
        let state = self.lock();
        state.covered_entries + state.uncovered().map_or(0, |lost| lost.entries)
    }

    /// Asks the writer to end once the queue is written.
    pub(super) fn stop(&self, stop: Stop) {
        self.lock().stop.get_or_insert(stop);
        self.changed.notify_one();
    }

    /// Waits for something to do. `broken`: the disk failed last time and is tried again after `retry`.
    pub(super) fn next(&self, broken: bool, retry: Duration) -> Next {
        let mut state = self.lock();
        loop {
            if let Some(group) = state.pop_group() {
                return Next::Write(group);
            }
            if let Some(stop) = state.stop {
                return Next::Stop(stop);
            }
            if state.lost.is_some() && !broken {
                state.ready = true;
            }
            if broken {
                // Being woken by each entry that is lost must not shorten the wait.
                let (woken, waited) = self
                    .changed
                    .wait_timeout_while(state, retry, |state| state.queue.is_empty() && state.stop.is_none())
                    .unwrap_or_else(PoisonError::into_inner);
                state = woken;
                if waited.timed_out() {
                    return Next::Try;
                }
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// A batch is durable; with it a loss of `ended` entries is covered by its gap.
    pub(super) fn written(&self, durable: Durable, ended: Option<u64>) {
        let mut state = self.lock();
        state.durable = durable;
        if let Some(entries) = ended {
            state.ending = None;
            state.covered_entries += entries;
        }
    }

    /// `group` could not be written, and with it everything that waits behind it.
    pub(super) fn failed(&self, group: Vec<Work>, why: &str) {
        let mut state = self.lock();
        let since = group.first().map(Work::at).unwrap_or_default();
        let mut lost = Lost::new(why.to_owned(), since);
        for work in group.into_iter().chain(std::mem::take(&mut state.queue)) {
            work.lose(&mut lost);
        }
        state.queued_bytes = 0;
        if let Some(later) = state.lost.take() {
            lost.absorb(later);
        }
        state.lost = Some(lost);
        state.ending = None;
        state.ready = false;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pop_group(&mut self) -> Option<Vec<Work>> {
        let (mut group, mut bytes) = (Vec::new(), 0);
        // A segment begins a group.
        while bytes < GROUP_BYTES
            && let Some(work) = self.queue.pop_front_if(|work| group.is_empty() || !work.is_segment())
        {
            bytes += work.bytes();
            group.push(work);
        }
        self.queued_bytes -= bytes;
        (!group.is_empty()).then_some(group)
    }

    fn push(&mut self, work: Work) {
        self.queued_bytes += work.bytes();
        self.queue.push_back(work);
    }

    fn uncovered(&self) -> Option<Lost> {
        let mut all = self.ending.clone().or_else(|| self.lost.clone())?;
        if let (Some(_), Some(later)) = (&self.ending, &self.lost) {
            all.absorb(later.clone());
        }
        Some(all)
    }

    /// Why `bytes` more cannot wait, if so.
    fn full(&self, bytes: usize, bounds: Bounds) -> Option<String> {
        let full =
            self.queue.len() >= bounds.batches || self.queued_bytes.saturating_add(bytes) > bounds.bytes;
        full.then(|| match self.queue.len() {
            0 => format!(
                "a turn of {bytes} bytes in memory is too large: {} may wait for the disk",
                bounds.bytes
            ),
            batches => {
                format!("the disk is too slow: {batches} batches ({} bytes) wait for it", self.queued_bytes)
            }
        })
    }
}
