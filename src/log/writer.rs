//! The thread that writes the log.
//!
//! Owns the file, where the log stands, and the segment's stream. Whatever waits is written and synced at once. A
//! failure ends the segment: the next one begins with a gap and a checkpoint, behind the last durable byte.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::disk::{self, Disk};
use super::draft::{Draft, Position, Stream};
use super::error::LogError;
use super::head::HEADER_BYTES;
use super::loss::Lost;
use super::queue::{Durable, Next, Shared, Stop, Work};
use super::recorder::Summary;
use crate::engine::ids::{At, TextId};

/// Called with the number of the last durable record.
pub(super) type Ack = Box<dyn FnMut(u32) + Send>;

pub(super) struct Writer {
    pub(super) disk: Disk,
    /// What every segment repeats.
    pub(super) header: [u8; HEADER_BYTES],
    pub(super) shared: Arc<Shared>,
    pub(super) retry: Duration,
    pub(super) ack: Option<Ack>,
    pub(super) position: Position,
    /// Texts that are in the log.
    pub(super) told: BTreeSet<TextId>,
    /// The present segment; none before the first one and after a failure.
    pub(super) stream: Option<Stream>,
}

impl Writer {
    /// Writes until told to stop.
    pub(super) fn run(mut self) -> Result<Summary, LogError> {
        let mut broken = false;
        loop {
            match self.shared.next(broken, self.retry) {
                Next::Write(group) => {
                    if let Err(error) = self.write(&group) {
                        broken = true;
                        self.stream = None;
                        self.shared.failed(group, &disk::why(&error));
                    }
                }
                Next::Try => broken = self.disk.recover().is_err(),
                Next::Stop(stop) => return self.finish(stop, broken),
            }
        }
    }

    /// Makes all of `group` durable, or nothing.
    fn write(&mut self, group: &[Work]) -> io::Result<()> {
        let mut draft = Draft::new(self.disk.len(), self.position.clone());
        for work in group {
            match work {
                Work::Batch(batch) => {
                    let stream = self.stream.as_mut();
                    let stream =
                        stream.ok_or_else(|| io::Error::other("a batch came before the first segment"))?;
                    draft.batch(stream, batch)?;
                }
                Work::Segment { at, checkpoint, after } => {
                    self.disk.check_reachable()?;
                    let mut stream = Stream::new()?;
                    draft.segment(&mut stream, &self.header, *at, checkpoint, &self.told, after.as_ref())?;
                    self.stream = Some(stream);
                }
            }
        }
        self.commit(draft)
    }

    /// Makes `draft` durable and says so.
    fn commit(&mut self, draft: Draft) -> io::Result<()> {
        self.disk.append(&draft.bytes)?;
        self.position = draft.position;
        self.told.extend(draft.told);
        let durable = self.durable();
        self.shared.written(durable, draft.ended);
        if let Some(ack) = &mut self.ack {
            ack(durable.seq);
        }
        Ok(())
    }

    fn durable(&self) -> Durable {
        Durable::of(&self.header, self.disk.len(), &self.position)
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
        let Durable { pin, records, seq } = self.durable();
        Ok(Summary { pin, records, durable_seq: seq, lost_entries: self.shared.lost_entries() })
    }

    fn write_end(&mut self, at: At, lost: Option<&Lost>) -> io::Result<()> {
        let mut draft = Draft::new(self.disk.len(), self.position.clone());
        draft.end(at, lost)?;
        self.commit(draft)
    }
}
