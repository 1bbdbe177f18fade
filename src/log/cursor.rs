//! Seeking in a log.
//!
//! Owns the list of segments, made anew from the heads of the records: an index in the file could lie. Never
//! reads a segment until one is asked for.

use std::path::Path;

use super::batch::Entry;
use super::error::ReadError;
use super::head::{HEADER_BYTES, Head};
use super::reader::{Item, Reader};
use super::record::kind;
use super::source::Source;
use crate::engine::ids::At;

/// Where a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Where it begins in the file.
    pub at_byte: u64,
    /// The time of its checkpoint.
    pub first_at: At,
    /// The number of its first record.
    pub seq: u32,
}

/// A place in a log to replay from.
#[derive(Debug)]
pub struct Seek {
    /// The time of the checkpoint.
    pub at: At,
    /// The engine as it was then.
    pub checkpoint: Vec<u8>,
    /// Yields what came after the checkpoint.
    pub reader: Reader,
}

/// Finds places in a log, which may still be written.
#[derive(Debug)]
pub struct Cursor {
    source: Source,
    head: Head,
    segments: Vec<Segment>,
    /// Where the scan goes on.
    pos: u64,
    /// The number of the record there.
    seq: u32,
    /// Where the last record was whose head could be trusted so far: what follows it may be out of step.
    last: u64,
}

impl Cursor {
    /// Opens the log at `path` and lists its segments.
    ///
    /// # Errors
    /// Those of [`Head::read`].
    pub fn open(path: &Path) -> Result<Cursor, ReadError> {
        let mut source = Source::open(path)?;
        let head = Head::from_source(&mut source)?;
        let pos = HEADER_BYTES as u64;
        let mut cursor = Cursor { source, head, segments: Vec::new(), pos, seq: 0, last: pos };
        cursor.refresh()?;
        Ok(cursor)
    }

    /// The segments found so far, in order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The beginning of the log.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Lists the segments that were written since the last look.
    ///
    /// # Errors
    /// [`ReadError::Io`].
    pub fn refresh(&mut self) -> Result<(), ReadError> {
        let len = self.source.len()?;
        self.source.forget();
        while self.pos < len {
            if self.step(len)? {
                continue;
            }
            // Either the last record is not whole yet, or a damaged length led astray.
            let Some(found) = self.next_segment()? else { break };
            let Some((head, _)) = self.source.segment_record(found)? else { break };
            self.pos = found;
            self.last = found;
            self.seq = head.seq;
        }
        Ok(())
    }

    /// The last segment that begins at or before `at` and whose checkpoint is readable, or, before the first
    /// one, the first.
    ///
    /// # Errors
    /// [`ReadError::NoCheckpoint`] when there is none; those of [`Reader::next_item`].
    pub fn seek(&self, at: At) -> Result<Seek, ReadError> {
        let before = self.segments.partition_point(|segment| segment.first_at <= at);
        let (earlier, later) = self.segments.split_at(before);
        for segment in earlier.iter().rev().chain(later) {
            if let Some(seek) = self.start_at(segment)? {
                return Ok(seek);
            }
        }
        Err(ReadError::NoCheckpoint { path: self.source.path().to_owned() })
    }

    fn start_at(&self, segment: &Segment) -> Result<Option<Seek>, ReadError> {
        let mut reader = Reader::at(self.source.again(), self.head.clone(), segment.at_byte, segment.seq);
        loop {
            match reader.next_item()? {
                Some(Item::Entry { entry: Entry::Checkpoint(at, checkpoint), .. }) => {
                    return Ok(Some(Seek { at, checkpoint, reader }));
                }
                Some(Item::Entry { entry: Entry::Gap(..), .. }) => {}
                Some(Item::Entry { .. } | Item::Damage(_)) | None => return Ok(None),
            }
        }
    }

    /// Where an intact segment begins that is not listed, from the last trusted record on.
    fn next_segment(&mut self) -> Result<Option<u64>, ReadError> {
        let (after, min_seq) = match self.segments.last() {
            Some(known) => (known.at_byte + 1, known.seq.saturating_add(1)),
            None => (0, 0),
        };
        self.source.find_segment(&self.head.bytes, self.last.max(after), min_seq)
    }

    /// Goes past the record at `pos`. False when there is none that continues the log.
    fn step(&mut self, len: u64) -> Result<bool, ReadError> {
        let Some(head) = self.source.lone_record_head(self.pos)? else { return Ok(false) };
        let end = self.pos.saturating_add(head.record_bytes());
        if head.seq != self.seq || end > len {
            return Ok(false);
        }
        if head.kind == kind::SEGMENT {
            let Some((head, header)) = self.source.segment_record(self.pos)? else { return Ok(false) };
            if header != self.head.bytes {
                return Ok(false);
            }
            self.segments.push(Segment { at_byte: self.pos, first_at: At(head.at_us), seq: head.seq });
        }
        self.last = self.pos;
        self.pos = end;
        self.seq = head.seq.saturating_add(1);
        Ok(true)
    }
}
