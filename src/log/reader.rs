//! Reading a log in order, finished or still being written.
//!
//! Owns the promise that no wrong entry is ever yielded: an entry comes from an intact batch whose predecessors
//! in the segment were intact, or not at all. Holds one batch in memory, never a segment.

use std::collections::VecDeque;
use std::path::Path;

use super::batch::Entry;
use super::error::ReadError;
use super::frames::{self, Frames};
use super::head::{HEADER_BYTES, Head};
use super::record::{MAX_PLAIN_BYTES, flag, kind};
use super::source::Source;
use super::stream::Unpacker;
use crate::engine::ids::At;

/// What a log yields.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// An entry, with the number of its record.
    Entry {
        /// The record's number in the log; it only grows.
        seq: u32,
        /// What was recorded.
        entry: Entry,
    },
    /// Something that was on disk is unreadable. A checkpoint follows.
    Damage(Damage),
}

/// An unreadable part of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// Where the first unreadable batch begins.
    pub at_byte: u64,
    /// Where the next intact segment begins, the same place when batches are missing rather than unreadable;
    /// `None` when there is none and nothing more can be read.
    pub resumes_at: Option<u64>,
}

/// How a log ends. (A file that is no log, or not one this release reads, is a [`ReadError`].)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The flight closed its log, and all of it was read.
    Complete,
    /// The log stops without an end: the flight is in the air, or was cut off. Whatever was durable before
    /// `at_byte` has been read.
    Torn {
        /// Where the last batch that is whole ends.
        at_byte: u64,
        /// Bytes behind it: a batch that was being written, or none.
        lost_bytes: u64,
    },
    /// Something that was once on disk is unreadable; this is the first such part.
    Damaged(Damage),
}

/// Reads the entries of a log in order.
#[derive(Debug)]
pub struct Reader {
    source: Source,
    head: Head,
    /// Where the next batch begins.
    pos: u64,
    /// The number of its first record; behind damage, the least it can be.
    seq: u32,
    unpacker: Option<Unpacker>,
    pending: VecDeque<Item>,
    damages: Vec<Damage>,
    /// Damage that was met, until it is known where reading resumes.
    skipping: Option<u64>,
    ended: bool,
    /// Length of the file when it was last searched in vain for a segment behind `pos`.
    searched_len: Option<u64>,
}

impl Reader {
    /// Opens the log at `path`, which may still be written.
    ///
    /// # Errors
    /// Those of [`Head::read`].
    pub fn open(path: &Path) -> Result<Reader, ReadError> {
        let mut source = Source::open(path)?;
        let head = Head::from_source(&mut source)?;
        let mut reader = Reader::at(source, head, HEADER_BYTES as u64, 0);
        if reader.head.from_copy {
            reader.damages.push(Damage { at_byte: 0, resumes_at: Some(HEADER_BYTES as u64) });
        }
        Ok(reader)
    }

    /// A reader that begins at `pos`, with record `seq`.
    pub(super) fn at(source: Source, head: Head, pos: u64, seq: u32) -> Reader {
        Reader {
            source,
            head,
            pos,
            seq,
            unpacker: None,
            pending: VecDeque::new(),
            damages: Vec::new(),
            skipping: None,
            ended: false,
            searched_len: None,
        }
    }

    /// The beginning of the log.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The next item; `None` when there is none now. In a log that is being written a later call may find one.
    ///
    /// # Errors
    /// [`ReadError::Io`]; [`ReadError::UnknownRecord`] and [`ReadError::Content`] for an intact record this
    /// release must not ignore but does not understand.
    pub fn next_item(&mut self) -> Result<Option<Item>, ReadError> {
        loop {
            if let Some(item) = self.pending.pop_front() {
                return Ok(Some(item));
            }
            if self.ended {
                return Ok(None);
            }
            if !self.advance()? {
                return Ok(None);
            }
        }
    }

    /// How the log ends, as far as it is read. Call it when [`Reader::next_item`] has returned `None`.
    ///
    /// # Errors
    /// [`ReadError::Io`].
    pub fn ending(&mut self) -> Result<Ending, ReadError> {
        if let Some(first) = self.damages.first() {
            return Ok(Ending::Damaged(*first));
        }
        if let Some(at_byte) = self.skipping {
            return Ok(Ending::Damaged(Damage { at_byte, resumes_at: None }));
        }
        let lost_bytes = self.source.len()?.saturating_sub(self.pos);
        if self.ended && lost_bytes == 0 {
            return Ok(Ending::Complete);
        }
        if lost_bytes > 0 && self.source.later_batch_stands(self.pos + 1, self.seq.saturating_add(1))? {
            return Ok(Ending::Damaged(Damage { at_byte: self.pos, resumes_at: None }));
        }
        Ok(Ending::Torn { at_byte: self.pos, lost_bytes })
    }

    /// All unreadable parts met so far, in order.
    pub fn damages(&self) -> &[Damage] {
        &self.damages
    }

    /// Reads one batch, or goes to the next intact segment. False when neither is there.
    fn advance(&mut self) -> Result<bool, ReadError> {
        let len = self.source.len()?;
        if let Some(frames) = self.whole_batch()?
            && let Some(items) = self.interpret(&frames)?
        {
            self.accept(&frames, items);
            return Ok(true);
        }
        // What cannot be read may be a batch that is being written, unless a segment stands behind it.
        if self.searched_len == Some(len) {
            return Ok(false);
        }
        // It may stand right here, where batches before it are missing; but not the one that is awaited here.
        let from = self.pos + u64::from(self.skipping.is_some());
        let found = self.source.find_segment(&self.head.bytes, from, self.seq.saturating_add(1))?;
        let Some(segment) = found else {
            self.searched_len = Some(len);
            return Ok(false);
        };
        self.skipping.get_or_insert(self.pos);
        self.pos = segment;
        self.unpacker = None;
        Ok(true)
    }

    fn whole_batch(&mut self) -> Result<Option<Frames>, ReadError> {
        let seq = self.skipping.is_none().then_some(self.seq);
        if let Some(frames) = frames::read(&mut self.source, self.pos, seq)? {
            return Ok(Some(frames));
        }
        self.source.forget();
        frames::read(&mut self.source, self.pos, seq)
    }

    fn accept(&mut self, frames: &Frames, items: Vec<Item>) {
        if let Some(at_byte) = self.skipping.take() {
            let damage = Damage { at_byte, resumes_at: Some(self.pos) };
            self.damages.push(damage);
            self.pending.push_back(Item::Damage(damage));
        }
        self.pending.extend(items);
        self.pos = frames.end;
        self.seq = frames.next_seq;
        self.searched_len = None;
        self.ended = frames.records.iter().any(|record| record.head.kind == kind::END);
    }

    /// The items of a batch; `None` when its records are intact but do not continue the segment's stream.
    fn interpret(&mut self, frames: &Frames) -> Result<Option<Vec<Item>>, ReadError> {
        if let Some(unknown) = frames.records.iter().find(|record| record.head.must_be_known()) {
            return Err(ReadError::UnknownRecord {
                path: self.source.path().to_owned(),
                kind: unknown.head.kind,
                flags: unknown.head.flags,
                at_byte: unknown.at_byte,
            });
        }
        // Whatever goes wrong half way, the stream is not continued from there.
        let mut unpacker = self.unpacker.take();
        let mut items = Vec::new();
        let mut left = MAX_PLAIN_BYTES;
        for record in &frames.records {
            let head = &record.head;
            if head.kind == kind::SEGMENT {
                if record.payload != self.head.bytes {
                    return Ok(None);
                }
                unpacker = Some(Unpacker::new().map_err(|source| self.source.failed(source))?);
            }
            let plain = if head.has(flag::PIECE) {
                let plain = unpacker.as_mut().and_then(|stream| stream.unpack(&record.payload, left).ok());
                let Some(plain) = plain else { return Ok(None) };
                left -= plain.len();
                plain
            } else {
                record.payload.clone()
            };
            if !head.is_known() {
                continue;
            }
            let entry = Entry::decode(head.kind, At(head.at_us), plain).map_err(|source| {
                ReadError::Content { path: self.source.path().to_owned(), at_byte: record.at_byte, source }
            })?;
            items.extend(entry.map(|entry| Item::Entry { seq: head.seq, entry }));
        }
        self.unpacker = unpacker;
        Ok(Some(items))
    }
}
