//! Seeking in a log.
//!
//! Owns the list of segments and texts. It is found by the way back that segments tell, from the last one on, and
//! where that is broken by walking over the heads of all records. Never reads a segment until one is asked for.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::batch::Entry;
use super::error::ReadError;
use super::head::{HEADER_BYTES, Head};
use super::index;
use super::reader::{Item, Reader};
use super::record::{RecordHead, flag, kind};
use super::segment::SegmentRecord;
use super::source::Source;
use crate::engine::checkpoint::{Held, Texts};
use crate::engine::ids::At;
use crate::engine::text::Text;

/// Where a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Where it begins in the file.
    pub at_byte: u64,
    /// The time of its checkpoint.
    pub first_at: At,
    /// The number of its first record.
    pub seq: u32,
    /// How many texts were told before it.
    n_texts: usize,
    /// How many of them were of another engine, and are void.
    n_void: usize,
}

/// A place in a log to replay from.
#[derive(Debug)]
pub struct Seek {
    /// The time of the checkpoint.
    pub at: At,
    /// The engine's state then.
    pub state: Vec<u8>,
    /// What belongs to it.
    pub held: Held,
    /// Events of the segment before the checkpoint, which the engine knows nothing of.
    pub events: Vec<Value>,
    /// Yields what came after the checkpoint.
    pub reader: Reader,
}

/// Finds places in a log, which may still be written.
#[derive(Debug)]
pub struct Cursor {
    source: Source,
    head: Head,
    segments: Vec<Segment>,
    /// Where the texts are.
    texts_at: Vec<u64>,
    /// The first of them, as far as they were needed; none for one that is unreadable.
    texts: Vec<Option<Arc<Text>>>,
    /// Time of the last record that was walked over.
    last_at: At,
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
        let mut cursor = Cursor {
            source,
            head,
            segments: Vec::new(),
            texts_at: Vec::new(),
            texts: Vec::new(),
            last_at: At::default(),
            pos,
            seq: 0,
            last: pos,
        };
        cursor.walk_back()?;
        cursor.refresh()?;
        Ok(cursor)
    }

    /// The segments found so far, in order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The log.
    pub fn path(&self) -> &Path {
        self.source.path()
    }

    /// The beginning of the log.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Where the last segment begins (0 without one), and where its own texts are.
    pub(super) fn last_segment(&self) -> (u64, Vec<u64>) {
        self.segments
            .last()
            .map_or((0, Vec::new()), |last| (last.at_byte, self.texts_at[last.n_texts..].to_vec()))
    }

    /// Time of the last record.
    pub fn last_at(&self) -> At {
        self.last_at
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
            let Some(segment) = self.source.segment_record(found)? else { break };
            let skipped = self.texts_skipped(&segment);
            self.texts_at.extend(skipped);
            self.pos = found;
            self.last = found;
            self.seq = segment.head.seq;
        }
        Ok(())
    }

    /// The last checkpoint at or before `at` that is readable, or, before the first one, the first.
    ///
    /// # Errors
    /// [`ReadError::NoCheckpoint`] when there is none; those of [`Reader::next_item`].
    pub fn seek(&mut self, at: At) -> Result<Seek, ReadError> {
        let before = self.segments.partition_point(|segment| segment.first_at <= at);
        let nearest = (0..before).rev().chain(before..self.segments.len());
        for index in nearest {
            let segment = self.segments[index];
            let within = self.checkpoint_within(index, at)?;
            for seq in within.into_iter().chain([segment.seq]) {
                if let Some(seek) = self.start_at(&segment, seq)? {
                    return Ok(seek);
                }
            }
        }
        Err(ReadError::NoCheckpoint { path: self.source.path().to_owned() })
    }

    /// A reader of segment `segment`, with record `seq` the first to be yielded, when that is a checkpoint.
    fn start_at(&mut self, segment: &Segment, seq: u32) -> Result<Option<Seek>, ReadError> {
        let texts = self.texts(segment.n_void, segment.n_texts)?;
        let mut reader =
            Reader::at(self.source.again(), self.head.clone(), segment.at_byte, segment.seq, texts);
        reader.quiet_before(seq);
        let mut events = Vec::new();
        loop {
            match reader.next_item()? {
                Some(Item::Entry { entry: Entry::Checkpoint(at, state), .. }) => {
                    return Ok(Some(Seek { at, state, held: reader.held(), events, reader }));
                }
                Some(Item::Entry { entry: Entry::Event(_, event), .. }) => events.push(event),
                Some(Item::Entry { entry: Entry::Gap(..), .. }) => {}
                Some(Item::Entry { .. } | Item::Damage(_)) | None => return Ok(None),
            }
        }
    }

    /// The number of the last checkpoint at or before `at` in segment `index`, behind the one it begins with.
    fn checkpoint_within(&mut self, index: usize, at: At) -> Result<Option<u32>, ReadError> {
        let Segment { at_byte, seq: first, .. } = self.segments[index];
        let until = self.segments.get(index + 1).map_or(self.pos, |next| next.at_byte);
        let (mut pos, mut expected, mut found) = (at_byte, first, None);
        let mut past_beginning = 0;
        while pos < until
            && let Some(head) = self.source.record_head(pos)?
            && head.seq == expected
            && head.at_us <= at.0
        {
            if head.kind == kind::CHECKPOINT {
                // The first one is the segment's own.
                found = (past_beginning > 0).then_some(head.seq);
                past_beginning += 1;
            }
            pos += head.record_bytes();
            expected = expected.saturating_add(1);
        }
        Ok(found)
    }

    /// Texts number `from` up to `count`, but those that are unreadable.
    fn texts(&mut self, from: usize, count: usize) -> Result<Texts, ReadError> {
        for at in self.texts_at.iter().take(count).skip(self.texts.len()) {
            let mut found = Texts::new();
            index::recall(&mut self.source, *at, &mut found)?;
            self.texts.push(found.pop_first().map(|(_, text)| text));
        }
        Ok(self
            .texts
            .iter()
            .take(count)
            .skip(from)
            .flatten()
            .map(|text| (text.id, Arc::clone(text)))
            .collect())
    }

    /// Lists all segments but the last one's own records, by the way back from it; nothing when that is broken.
    fn walk_back(&mut self) -> Result<(), ReadError> {
        let Some(last) = self.source.find_last_segment(&self.head.bytes)? else { return Ok(()) };
        let Some(mut segment) = self.source.segment_record(last)? else { return Ok(()) };
        let (mut found, mut at) = (vec![(last, segment.clone())], last);
        while let Some((back, before)) = index::before(&mut self.source, &self.head.bytes, at, &segment)? {
            found.push((back, before.clone()));
            (at, segment) = (back, before);
        }
        if segment.back != 0 {
            return Ok(());
        }
        for (at_byte, segment) in found.into_iter().rev() {
            self.texts_at.extend(&segment.texts_at);
            let SegmentRecord { head, .. } = segment;
            self.list(at_byte, head);
            (self.last, self.pos) = (at_byte, at_byte + head.record_bytes());
            self.seq = head.seq.saturating_add(1);
            self.last_at = At(head.at_us);
        }
        Ok(())
    }

    /// Lists the segment at `at_byte`, whose record has this head.
    fn list(&mut self, at_byte: u64, head: RecordHead) {
        let n_texts = self.texts_at.len();
        let n_void = match head.has(flag::RETOLD) {
            true => n_texts,
            false => self.segments.last().map_or(0, |before| before.n_void),
        };
        self.segments.push(Segment { at_byte, first_at: At(head.at_us), seq: head.seq, n_texts, n_void });
    }

    /// Where the texts are that `segment` lists and that were not walked over.
    fn texts_skipped(&self, segment: &SegmentRecord) -> Vec<u64> {
        let known = self.texts_at.last().copied().unwrap_or(0);
        segment.texts_at.iter().copied().filter(|at| *at > known).collect()
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
        let Some(head) = self.source.record_head(self.pos)? else { return Ok(false) };
        let end = self.pos.saturating_add(head.record_bytes());
        if head.seq != self.seq || end > len {
            return Ok(false);
        }
        if head.kind == kind::TEXT {
            self.texts_at.push(self.pos);
        }
        if head.kind == kind::SEGMENT {
            let Some(SegmentRecord { head, header, .. }) = self.source.segment_record(self.pos)? else {
                return Ok(false);
            };
            if header != self.head.bytes {
                return Ok(false);
            }
            self.list(self.pos, head);
        }
        self.last = self.pos;
        self.last_at = At(head.at_us);
        self.pos = end;
        self.seq = head.seq.saturating_add(1);
        Ok(true)
    }
}
