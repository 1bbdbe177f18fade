//! The thread that writes the log.
//!
//! Owns the file, where the log stands, and the segment's stream. Whatever waits is written and synced at once. A
//! failure ends the segment: the next one begins with a gap and a checkpoint, behind the last durable byte.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::chain::Pin;
use super::disk::{self, Disk};
use super::draft::{Draft, Position, Stream};
use super::error::LogError;
use super::head::{self, HEADER_BYTES, Meta, Part, array};
use super::loss::Lost;
use super::queue::{Durable, Next, Shared, Stop, Work};
use super::recorder::Summary;
use super::ring::{Now, Ring};
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
    /// What is said about the flight in the present file.
    pub(super) meta: Meta,
    /// Where the recording goes on when a file has lasted long enough.
    pub(super) ring: Option<Ring>,
    /// Who may read a new file.
    pub(super) group: Option<u32>,
    /// When the present file began; none before its first segment.
    pub(super) part_began: Option<At>,
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
        // A segment comes first in its group: nothing is half done when the next file cannot be had.
        if let Some(Work::Segment { at, .. }) = group.first() {
            self.turn_over(*at)?;
        }
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

    /// Ends the present file and goes on in the next one, when it is time.
    fn turn_over(&mut self, at: At) -> io::Result<()> {
        let began = *self.part_began.get_or_insert(at);
        let Some(ring) = self.ring.clone().filter(|ring| ring.is_due(began, at)) else { return Ok(()) };
        let part = self.meta.part.clone().unwrap_or_default();
        // Before the present file is ended there must be another one.
        let mut end = Draft::new(self.disk.len(), self.position.clone());
        end.end(at, None)?;
        let after = Pin {
            flight: array(&self.header, 20),
            bytes: self.disk.len() + end.bytes.len() as u64,
            chain: end.position.chain,
        };
        let number = part.number.saturating_add(1);
        let meta =
            Meta { part: Some(Part { number, after: Some(after.to_string()), ..part }), ..self.meta.clone() };
        let bytes = head::encode_meta(&meta)?;
        let next = Disk::create(&ring.part(number), &[&self.header[..], &bytes].concat(), self.group)
            .map_err(io::Error::other)?;
        if let Err(error) = self.commit(end) {
            // Ours alone, just created: left there, it would stand in the way of the next attempt.
            next.remove();
            return Err(error);
        }
        self.disk = next;
        self.position = Position::beginning(&self.header, &bytes);
        (self.meta, self.stream, self.part_began) = (meta, None, Some(at));
        self.told.clear();
        ring.forget(&Now { header: &self.header, meta: &self.meta, path: self.disk.path(), at });
        Ok(())
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
        Ok(Summary {
            path: self.disk.path().to_owned(),
            pin,
            records,
            durable_seq: seq,
            lost_entries: self.shared.lost_entries(),
        })
    }

    fn write_end(&mut self, at: At, lost: Option<&Lost>) -> io::Result<()> {
        let mut draft = Draft::new(self.disk.len(), self.position.clone());
        draft.end(at, lost)?;
        self.commit(draft)
    }
}
