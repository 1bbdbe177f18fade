//! The thread that writes the log.
//!
//! Owns numbering, framing and the segment's stream. A failure ends the segment: the next one begins with a gap
//! and a checkpoint, behind the last durable byte.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::batch::Batch;
use super::disk::{self, Disk};
use super::error::LogError;
use super::head::HEADER_BYTES;
use super::loss::Lost;
use super::queue::{Durable, Next, Shared, Stop, Work};
use super::record::{RecordHead, flag, kind};
use super::recorder::Summary;
use super::stream::Packer;
use crate::engine::ids::At;

/// Called with the number of the last durable record.
pub(super) type Ack = Box<dyn FnMut(u32) + Send>;

pub(super) struct Writer {
    pub(super) disk: Disk,
    /// What every segment repeats.
    pub(super) header: [u8; HEADER_BYTES],
    pub(super) shared: Arc<Shared>,
    pub(super) retry: Duration,
    pub(super) ack: Option<Ack>,
    pub(super) next_seq: u32,
    /// The present segment; none before the first one and after a failure.
    pub(super) stream: Option<Packer>,
}

impl Writer {
    /// Writes until told to stop.
    pub(super) fn run(mut self) -> Result<Summary, LogError> {
        let mut broken = false;
        loop {
            match self.shared.next(broken, self.retry) {
                Next::Write(work) => {
                    if let Err(error) = self.write(&work) {
                        broken = true;
                        self.stream = None;
                        self.shared.failed(work, &disk::why(&error));
                    }
                }
                Next::Try => broken = self.disk.recover().is_err(),
                Next::Stop(stop) => return self.finish(stop, broken),
            }
        }
    }

    fn write(&mut self, work: &Work) -> io::Result<()> {
        match work {
            Work::Batch(batch) => self.write_batch(batch),
            Work::Segment { at, checkpoint, after } => self.write_segment(*at, checkpoint, after.as_ref()),
        }
    }

    fn write_batch(&mut self, batch: &Batch) -> io::Result<()> {
        let stream =
            self.stream.as_mut().ok_or_else(|| io::Error::other("a batch came before the first segment"))?;
        let mut frame = Frame::new(self.next_seq, batch.len());
        for (kind, at, plain) in batch.payloads() {
            frame.add(kind, flag::PIECE, at, &stream.pack(plain)?)?;
        }
        self.commit(&frame, None)
    }

    fn write_segment(&mut self, at: At, checkpoint: &[u8], after: Option<&Lost>) -> io::Result<()> {
        self.disk.check_reachable()?;
        let mut stream = Packer::new()?;
        let mut frame = Frame::new(self.next_seq, 2 + usize::from(after.is_some()));
        frame.add(kind::SEGMENT, 0, at, &self.header)?;
        if let Some(lost) = after {
            frame.add(kind::GAP, 0, at, &serde_json::to_vec(&lost.gap())?)?;
        }
        frame.add(kind::CHECKPOINT, flag::PIECE, at, &stream.pack(checkpoint)?)?;
        self.commit(&frame, after.map(|lost| lost.entries))?;
        self.stream = Some(stream);
        Ok(())
    }

    /// Makes `frame` durable and says so.
    fn commit(&mut self, frame: &Frame, ended: Option<u64>) -> io::Result<()> {
        self.disk.append(&frame.bytes)?;
        self.next_seq = frame.next_seq;
        let durable = self.durable();
        self.shared.written(durable, ended);
        if let Some(ack) = &mut self.ack {
            ack(durable.seq);
        }
        Ok(())
    }

    fn durable(&self) -> Durable {
        Durable { bytes: self.disk.len(), records: u64::from(self.next_seq), seq: self.next_seq - 1 }
    }

    fn finish(&mut self, stop: Stop, broken: bool) -> Result<Summary, LogError> {
        if let Stop::Close(at) = stop {
            let (_, lost) = self.shared.account();
            let ended = match broken {
                true => self.disk.recover(),
                false => Ok(()),
            };
            if let Err(error) = ended.and_then(|()| self.write_end(at, lost.as_ref())) {
                let mut unfinished = Lost::new(disk::why(&error), at);
                if let Some(lost) = lost {
                    unfinished.absorb(lost);
                }
                return Err(LogError::Unfinished { lost: unfinished });
            }
        }
        let Durable { bytes, records, seq } = self.durable();
        Ok(Summary { bytes, records, durable_seq: seq, lost_entries: self.shared.lost_entries() })
    }

    fn write_end(&mut self, at: At, lost: Option<&Lost>) -> io::Result<()> {
        let mut frame = Frame::new(self.next_seq, 1 + usize::from(lost.is_some()));
        if let Some(lost) = lost {
            frame.add(kind::GAP, 0, at, &serde_json::to_vec(&lost.gap())?)?;
        }
        frame.add(kind::END, 0, at, &[])?;
        self.commit(&frame, None)
    }
}

/// The bytes of one batch.
struct Frame {
    bytes: Vec<u8>,
    next_seq: u32,
    left: usize,
    first: bool,
}

impl Frame {
    fn new(seq: u32, records: usize) -> Frame {
        Frame { bytes: Vec::new(), next_seq: seq, left: records, first: true }
    }

    fn add(&mut self, kind: u8, flags: u8, at: At, payload: &[u8]) -> io::Result<()> {
        self.left -= 1;
        let followers = u16::try_from(self.left).map_err(|_| io::Error::other("the batch is too long"))?;
        let flags = if std::mem::take(&mut self.first) { flags | flag::BATCH } else { flags };
        RecordHead::of(kind, flags, followers, self.next_seq, at.0).append(&mut self.bytes, payload);
        self.next_seq =
            self.next_seq.checked_add(1).ok_or_else(|| io::Error::other("the log has no numbers left"))?;
        Ok(())
    }
}
