//! The flight's side of the log.
//!
//! Owns when a new segment is due. Never waits for the disk, except in `create` and `close`.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::batch::Batch;
use super::chain::Pin;
use super::disk::Disk;
use super::draft::Position;
use super::due::Present;
use super::error::LogError;
use super::head::{self, HEADER_BYTES, Header, Meta};
use super::loss::Lost;
use super::queue::{Bounds, Durable, Shared, Stop};
use super::record::MAX_BATCH_RECORDS;
use super::ring::{Now, Ring};
use super::writer::{Ack, Writer};
use crate::engine::checkpoint::Checkpoint;
use crate::engine::ids::{At, TextId};

/// How a log is written.
pub struct Options {
    /// Bytes (before compression) that may wait for the disk.
    pub queue_bytes: usize,
    /// Batches and segments that may wait for the disk.
    pub queue_batches: usize,
    /// How long after a failure the disk is tried again.
    pub retry: Duration,
    /// The group whose members may read the log; nobody but its owner without one.
    pub group: Option<u32>,
    /// Goes on in another file from time to time, and removes old ones; the log is the first of them.
    pub ring: Option<Ring>,
    /// Called on the writing thread with the number of the last durable record, after each batch. While it
    /// runs nothing is written.
    pub ack: Option<Box<dyn FnMut(u32) + Send>>,
}

impl Default for Options {
    fn default() -> Options {
        let retry = Duration::from_secs(1);
        Options { queue_bytes: 32 << 20, queue_batches: 1_024, retry, group: None, ring: None, ack: None }
    }
}

/// The state of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Where the file stands, as far as it is durable.
    pub pin: Pin,
    /// Durable records, the log's own included.
    pub records: u64,
    /// The number of the last durable record.
    pub durable_seq: u32,
    /// What is being lost; `None` while everything is recorded.
    pub lost: Option<Lost>,
}

/// What a closed log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The file; the last one of a ring.
    pub path: PathBuf,
    /// Where the file ended.
    pub pin: Pin,
    /// Records, the log's own included.
    pub records: u64,
    /// The number of the last record.
    pub durable_seq: u32,
    /// Entries lost in the whole flight; each loss has its gap in the log.
    pub lost_entries: u64,
}

/// A log that is being written.
///
/// Each turn of the flight loop: when [`Log::wants_segment`], [`Log::begin_segment`] with a checkpoint of the
/// engine, else when [`Log::wants_state`], [`Log::state`] with its state; then one [`Log::append`] with the inputs of
/// the turn and the effects that followed.
///
/// When the disk fails or is too slow, recording stops: [`Log::append`] returns false and [`Status::lost`] says
/// why. The writer tries the disk again until it can go on, then [`Log::needs_checkpoint`], and the new segment
/// begins with a gap that tells how many entries were lost.
///
/// A log that is dropped without [`Log::close`] is written to the end of its queue, but reads as torn.
pub struct Log {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<Result<Summary, LogError>>>,
    segment: Option<Present>,
}

/// What a writer begins with.
pub(super) struct Start {
    pub(super) disk: Disk,
    pub(super) header: [u8; HEADER_BYTES],
    pub(super) meta: Meta,
    pub(super) position: Position,
    pub(super) told: BTreeSet<TextId>,
    /// What was lost before, and is told by the first segment.
    pub(super) lost: Option<Lost>,
}

impl Log {
    /// Creates the log at `path`, readable by its owner and [`Options::group`] only, and starts its writing thread. When this returns,
    /// the header is durable.
    ///
    /// # Errors
    /// Every variant of [`LogError`] but the last two: `path` exists, its directory is missing or read-only, the
    /// disk is full.
    pub fn create(path: &Path, header: &Header, options: Options) -> Result<Log, LogError> {
        let failed = |source| LogError::Create { path: path.to_owned(), source };
        let record = head::encode_meta(&header.meta).map_err(|error| failed(error.into()))?;
        let disk = Disk::create(path, &[&header.encode()[..], &record].concat(), options.group)?;
        if let Some(ring) = &options.ring {
            ring.forget(&Now { header: &header.encode(), meta: &header.meta, path, at: At(0) });
        }
        let position = Position::beginning(&header.encode(), &record);
        let Header { meta, .. } = header;
        let start = Start {
            disk,
            header: header.encode(),
            meta: meta.clone(),
            position,
            told: BTreeSet::new(),
            lost: None,
        };
        Log::start(start, options).map_err(failed)
    }

    /// Starts the thread that writes.
    pub(super) fn start(start: Start, options: Options) -> std::io::Result<Log> {
        let Start { disk, header, meta, position, told, lost } = start;
        let bounds = Bounds { bytes: options.queue_bytes, batches: options.queue_batches };
        let durable = Durable::of(&header, disk.len(), &position);
        let shared = Arc::new(Shared::new(bounds, durable, lost));
        let ack: Option<Ack> = options.ack;
        let writer = Writer {
            disk,
            header,
            shared: Arc::clone(&shared),
            retry: options.retry,
            ack,
            position,
            told,
            stream: None,
            meta,
            ring: options.ring,
            group: options.group,
            part_began: None,
        };
        let thread = thread::Builder::new().name("log".to_owned()).spawn(move || writer.run())?;
        Ok(Log { shared, writer: Some(thread), segment: None })
    }

    /// Queues `batch` to be written and synced at once; never blocks. False when it is not recorded but counted
    /// as lost: the disk failed or is too slow, the batch is too large, or no segment was begun.
    pub fn append(&mut self, batch: impl Into<Batch>) -> bool {
        let batch = batch.into();
        if batch.is_empty() {
            return true;
        }
        let samples = batch.samples();
        let entries = batch.len();
        let refusal = if self.segment.is_none() {
            Some("no segment was begun".to_owned())
        } else if entries > MAX_BATCH_RECORDS {
            Some(format!("a batch of {entries} entries is too large"))
        } else {
            batch.refusal().map(str::to_owned)
        };
        let recorded = self.shared.offer(batch, refusal);
        if let (true, Some(segment)) = (recorded, &mut self.segment) {
            segment.count(samples);
        }
        recorded
    }

    /// Whether a segment is due at `at`: none was begun, the last one is full (by time or by
    /// samples), or [`Log::needs_checkpoint`]. Never while recording is impossible.
    pub fn wants_segment(&self, at: At) -> bool {
        if self.shared.has_lost() {
            return self.needs_checkpoint();
        }
        self.segment.is_none_or(|present| present.is_full(at))
    }

    /// Whether recording stopped and could go on from a fresh checkpoint.
    pub fn needs_checkpoint(&self) -> bool {
        self.shared.needs_checkpoint()
    }

    /// Queues a segment that begins with `checkpoint`, the engine as it is before the next entry. False when
    /// it cannot be recorded.
    pub fn begin_segment(&mut self, at: At, checkpoint: Checkpoint) -> bool {
        let begun = self.shared.offer_segment(at, Box::new(checkpoint));
        if begun {
            self.segment = Some(Present::beginning(at));
        }
        begun
    }

    /// Whether the engine's state is due within the segment, so that a seek has little to replay.
    pub fn wants_state(&self) -> bool {
        self.segment.is_some_and(|present| present.wants_state()) && !self.shared.has_lost()
    }

    /// Queues the engine's state, as it is before the next entry. False when it is not recorded.
    pub fn state(&mut self, at: At, state: Vec<u8>) -> bool {
        let mut batch = Batch::new();
        batch.checkpoint(at, state);
        if let Some(segment) = &mut self.segment {
            segment.is_checked();
        }
        self.append(batch)
    }

    /// How the recording is doing. Cheap: for every frame of a screen.
    pub fn status(&self) -> Status {
        let (Durable { pin, records, seq }, lost) = self.shared.account();
        Status { pin, records, durable_seq: seq, lost }
    }

    /// Writes what is queued and the END record, with the flight's end at `at`, and waits until all is durable.
    ///
    /// # Errors
    /// [`LogError::Unfinished`] when the end could not be written: the log reads as torn, with all that was
    /// durable before. [`LogError::WriterGone`] when the writing thread has died.
    pub fn close(mut self, at: At) -> Result<Summary, LogError> {
        self.shared.stop(Stop::Close(at));
        let thread = self.writer.take().ok_or(LogError::WriterGone)?;
        thread.join().unwrap_or(Err(LogError::WriterGone))
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(thread) = self.writer.take() {
            self.shared.stop(Stop::Abandon);
            // What it returns was for `close`.
            let _ = thread.join();
        }
    }
}
