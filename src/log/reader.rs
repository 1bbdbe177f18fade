//! Reading a log in order, finished or still being written.
//!
//! Owns the promise that no wrong entry is ever yielded: an entry comes from an intact batch whose predecessors
//! in the segment were intact, or not at all. Holds one batch in memory, never a segment.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use super::batch::Entry;
use super::codec::{CodecError, Decoder};
use super::error::ReadError;
use super::frames::{self, Frames};
use super::head::{HEADER_BYTES, Head};
use super::index;
use super::record::{MAX_PLAIN_BYTES, RecordHead, flag, kind};
use super::segment;
use super::source::Source;
use super::stream::Unpacker;
use crate::engine::checkpoint::{Held, Texts};
use crate::engine::ids::At;
use crate::engine::input::Input;
use crate::engine::sample::Fact;

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

/// The segment that is being read.
#[derive(Debug)]
struct Open {
    unpacker: Unpacker,
    /// None before the segment's schema.
    codec: Option<Decoder>,
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
    open: Option<Open>,
    /// Every text so far.
    texts: Texts,
    /// Records before this one are decoded for what comes after them, and only events are yielded.
    quiet_before: u32,
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
        let mut reader = Reader::at(source, head, HEADER_BYTES as u64, 0, Texts::new());
        if reader.head.from_copy {
            reader.damages.push(Damage { at_byte: 0, resumes_at: Some(HEADER_BYTES as u64) });
        }
        Ok(reader)
    }

    /// A reader that begins at `pos`, with record `seq`; `texts` are those told before.
    pub(super) fn at(source: Source, head: Head, pos: u64, seq: u32, texts: Texts) -> Reader {
        Reader {
            source,
            head,
            pos,
            seq,
            open: None,
            texts,
            quiet_before: 0,
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
        if self.ended {
            // No flight writes behind its end.
            return Ok(Ending::Damaged(Damage { at_byte: self.pos, resumes_at: None }));
        }
        let later = self.seq.saturating_add(1);
        if lost_bytes > 0
            && self.source.later_batch_stands(self.pos + 1, later)?
            && !self.was_being_written()?
        {
            return Ok(Ending::Damaged(Damage { at_byte: self.pos, resumes_at: None }));
        }
        Ok(Ending::Torn { at_byte: self.pos, lost_bytes })
    }

    /// From now on yields nothing but events before record `seq`.
    pub(super) fn quiet_before(&mut self, seq: u32) {
        self.quiet_before = seq;
    }

    /// What the engine holds of its inputs at the checkpoint that was yielded last.
    pub fn held(&self) -> Held {
        let codec = self.open.as_ref().and_then(|open| open.codec.as_ref());
        let sample = codec.and_then(Decoder::last_sample).map(|sample| {
            let mut sample = sample.clone();
            sample.slow = None;
            Box::new(sample)
        });
        let slow = codec.and_then(Decoder::last_slow).map(|slow| Box::new(slow.clone()));
        Held { sample, slow, texts: self.texts.clone() }
    }

    /// All unreadable parts met so far, in order.
    pub fn damages(&self) -> &[Damage] {
        &self.damages
    }

    /// Reads one batch, or goes to the next intact segment. False when neither is there.
    fn advance(&mut self) -> Result<bool, ReadError> {
        let len = self.source.len()?;
        let whole = self.whole_batch()?;
        if let Some(frames) = &whole
            && let Some(items) = self.interpret(frames)?
        {
            self.accept(frames, items)?;
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
        // What was being written when it was read is whole before anything stands behind it.
        if whole.is_none() && self.skipping.is_none() && segment > self.pos && self.was_being_written()? {
            return Ok(true);
        }
        self.skipping.get_or_insert(self.pos);
        self.pos = segment;
        self.open = None;
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

    /// Whether the batch that was not whole here was only being written, and is whole now.
    fn was_being_written(&mut self) -> Result<bool, ReadError> {
        self.source.forget();
        Ok(frames::read(&mut self.source, self.pos, Some(self.seq))?.is_some())
    }

    fn accept(&mut self, frames: &Frames, items: Vec<Item>) -> Result<(), ReadError> {
        if let Some(at_byte) = self.skipping.take() {
            self.recall_skipped(at_byte)?;
            let damage = Damage { at_byte, resumes_at: Some(self.pos) };
            self.damages.push(damage);
            self.pending.push_back(Item::Damage(damage));
        }
        self.pending.extend(items);
        self.pos = frames.end;
        self.seq = frames.next_seq;
        self.searched_len = None;
        self.ended = frames.records.iter().any(|record| record.head.kind == kind::END);
        Ok(())
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
        // Whatever goes wrong half way, the segment is not continued from there.
        let mut open = self.open.take();
        let mut items = Vec::new();
        let mut left = MAX_PLAIN_BYTES;
        for record in &frames.records {
            let head = &record.head;
            if head.kind == kind::SEGMENT {
                if segment::decode(*head, &record.payload).is_none_or(|found| found.header != self.head.bytes)
                {
                    return Ok(None);
                }
                if head.has(flag::RETOLD) {
                    self.texts.clear();
                }
                let unpacker = Unpacker::new().map_err(|source| self.source.failed(source))?;
                open = Some(Open { unpacker, codec: None });
            }
            let plain = if head.has(flag::PIECE) {
                let plain = open.as_mut().and_then(|open| open.unpacker.unpack(&record.payload, left).ok());
                let Some(plain) = plain else { return Ok(None) };
                left -= plain.len();
                Cow::Owned(plain)
            } else {
                Cow::Borrowed(&record.payload[..])
            };
            if !head.is_known() {
                continue;
            }
            let is_quiet = head.seq < self.quiet_before;
            let entry = self.entry(head, &plain, &mut open, is_quiet).map_err(|why| ReadError::Content {
                path: self.source.path().to_owned(),
                at_byte: record.at_byte,
                why,
            })?;
            items.extend(entry.map(|entry| Item::Entry { seq: head.seq, entry }));
        }
        self.open = open;
        Ok(Some(items))
    }

    /// The entry of an intact record; `None` for one that is no entry. While `is_quiet`, only what later records
    /// build on is decoded.
    fn entry(
        &mut self,
        head: &RecordHead,
        plain: &[u8],
        open: &mut Option<Open>,
        is_quiet: bool,
    ) -> Result<Option<Entry>, String> {
        let at = At(head.at_us);
        let codec = open.as_mut().map(|open| &mut open.codec);
        match head.kind {
            kind::SCHEMA => {
                let codec = codec.ok_or(OUTSIDE)?;
                *codec = Some(Decoder::new(plain).map_err(words)?);
                return Ok(None);
            }
            kind::TEXT => {
                let text = index::text_of(head.flags, plain).ok_or("no text is in it")?;
                self.texts.insert(text.id, Arc::new(text.clone()));
                let is_input = !head.has(flag::RETOLD) && !is_quiet;
                return Ok(is_input.then(|| Entry::Input(at, Input::Text(Box::new(text)))));
            }
            kind::KEYFRAME | kind::SAMPLE | kind::WATCH | kind::HOST => {
                let codec = codec.and_then(Option::as_mut).ok_or(OUTSIDE)?;
                let input = match head.kind {
                    kind::KEYFRAME => return codec.keyframe(plain).map(|()| None).map_err(words),
                    kind::SAMPLE => {
                        codec.sample(plain).map_err(words)?;
                        if is_quiet {
                            return Ok(None);
                        }
                        let sample = codec.last_sample().ok_or("no sample is in it")?;
                        Input::Sample(Box::new(sample.clone()))
                    }
                    kind::WATCH => Input::Watch(codec.watch(plain).map_err(words)?),
                    _ => Input::Host(Box::new(Fact::Known(codec.host(plain).map_err(words)?))),
                };
                return Ok((!is_quiet).then_some(Entry::Input(at, input)));
            }
            kind::EVENT => {}
            _ if is_quiet => return Ok(None),
            _ => {}
        }
        let json = |error: serde_json::Error| error.to_string();
        Ok(Some(match head.kind {
            kind::INPUT => Entry::Input(at, serde_json::from_slice(plain).map_err(json)?),
            kind::INTENT => Entry::Intent(at, serde_json::from_slice(plain).map_err(json)?),
            kind::GAP => Entry::Gap(at, serde_json::from_slice(plain).map_err(json)?),
            kind::EVENT => Entry::Event(at, serde_json::from_slice(plain).map_err(json)?),
            kind::CHECKPOINT => Entry::Checkpoint(at, plain.to_vec()),
            _ => return Ok(None),
        }))
    }

    /// Recalls the texts of segments that were skipped, from byte `from` up to the segment that was just found: what
    /// is damaged there need not be them.
    fn recall_skipped(&mut self, from: u64) -> Result<(), ReadError> {
        let mut at = self.pos;
        let mut segment = self.source.segment_record(at)?;
        let mut skipped = Vec::new();
        while let Some(found) = segment {
            if found.head.has(flag::RETOLD) {
                if at != self.pos {
                    // In what was skipped, the texts began anew.
                    self.texts.clear();
                }
                break;
            }
            skipped.extend_from_slice(&found.texts_at);
            let before = index::before(&mut self.source, &self.head.bytes, at, &found)?;
            let Some((back, before)) = before.filter(|(back, _)| *back >= from) else { break };
            (at, segment) = (back, Some(before));
        }
        skipped.into_iter().try_for_each(|at| index::recall(&mut self.source, at, &mut self.texts))
    }
}

/// Why a record that belongs to a segment is not understood.
const OUTSIDE: &str = "the schema of its segment is missing";

#[allow(clippy::needless_pass_by_value, reason = "it stands where a map takes one")]
fn words(error: CodecError) -> String {
    error.to_string()
}
