//! Records being prepared for one write.
//!
//! Owns how entries become records: what goes into the segment's stream, what stands by itself, numbers and chain.
//! Nothing of it counts until the write is durable: a draft is thrown away as a whole.

use std::collections::BTreeSet;
use std::io;

use super::batch::{Batch, Entry};
use super::chain::Chain;
use super::codec::Encoder;
use super::head::HEADER_BYTES;
use super::loss::Lost;
use super::record::{MAX_PLAIN_BYTES, MAX_STORED_BYTES, RecordHead, flag, kind};
use super::segment;
use super::stream::{Packer, pack_alone};
use crate::engine::checkpoint::Checkpoint;
use crate::engine::ids::{At, TextId};
use crate::engine::input::Input;
use crate::engine::sample::Fact;
use crate::engine::text::Text;

/// Where a log stands: what the next record builds on.
#[derive(Debug, Clone)]
pub(super) struct Position {
    /// The number of the next record.
    pub(super) seq: u32,
    /// The chain over all records so far.
    pub(super) chain: Chain,
    /// Where the present segment begins; 0 before the first.
    pub(super) segment_at: u64,
    /// Where the texts of the present segment are.
    pub(super) texts_at: Vec<u64>,
}

impl Position {
    /// Where a log stands that has its header and this META record.
    pub(super) fn beginning(header: &[u8; HEADER_BYTES], meta: &[u8]) -> Position {
        let chain = Chain::of_header(header).and(meta);
        Position { seq: 1, chain, segment_at: 0, texts_at: Vec::new() }
    }
}

/// The present segment's way of coding.
pub(super) struct Stream {
    packer: Packer,
    codec: Encoder,
    plain: Vec<u8>,
}

impl Stream {
    pub(super) fn new() -> io::Result<Stream> {
        Ok(Stream { packer: Packer::new()?, codec: Encoder::new(), plain: Vec::new() })
    }
}

/// Records of one write.
pub(super) struct Draft {
    pub(super) bytes: Vec<u8>,
    pub(super) position: Position,
    /// Texts it tells that were not told before.
    pub(super) told: Vec<TextId>,
    /// Entries of the losses that end in it.
    pub(super) ended: Option<u64>,
    /// Where its first byte will be.
    base: u64,
    /// Records that the present batch still lacks.
    left: usize,
    is_first: bool,
    /// Bytes of the present batch before compression.
    plain_bytes: usize,
    batch_from: usize,
}

impl Draft {
    /// A draft to be appended at byte `base`, where the log stands at `position`.
    pub(super) fn new(base: u64, position: Position) -> Draft {
        Draft {
            bytes: Vec::new(),
            position,
            told: Vec::new(),
            ended: None,
            base,
            left: 0,
            is_first: true,
            plain_bytes: 0,
            batch_from: 0,
        }
    }

    /// Adds a batch to the present segment.
    pub(super) fn batch(&mut self, stream: &mut Stream, batch: &Batch) -> io::Result<()> {
        self.begin_batch(batch.len());
        for entry in batch.entries() {
            self.entry(stream, entry)?;
        }
        self.check_size()
    }

    /// Adds the beginning of a segment whose stream is `stream`. Texts of the engine that are not among `told` are
    /// told again.
    pub(super) fn segment(
        &mut self,
        stream: &mut Stream,
        header: &[u8; HEADER_BYTES],
        at: At,
        checkpoint: &Checkpoint,
        told: &BTreeSet<TextId>,
        after: Option<&Lost>,
    ) -> io::Result<()> {
        let Checkpoint { state, held } = checkpoint;
        let untold: Vec<&Text> = (held.texts.iter())
            .filter(|(id, _)| !told.contains(id) && !self.told.contains(id))
            .map(|(_, text)| text.as_ref())
            .collect();
        self.begin_batch(4 + usize::from(after.is_some()) + untold.len());
        let texts_at = std::mem::take(&mut self.position.texts_at);
        let begins = self.base + self.bytes.len() as u64;
        let seal = segment::encode(header, self.position.chain, self.position.segment_at, &texts_at);
        // Numbers of texts are those of one engine: of another one's before it, nothing is to be kept.
        let anew = if told.is_empty() && self.told.is_empty() { flag::RETOLD } else { 0 };
        self.add(kind::SEGMENT, anew, at, &seal)?;
        self.position.segment_at = begins;
        if let Some(lost) = after {
            self.add(kind::GAP, 0, at, &serde_json::to_vec(&lost.gap())?)?;
            *self.ended.get_or_insert(0) += lost.entries;
        }
        for text in untold {
            self.text(at, flag::RETOLD, text)?;
        }
        self.piece(stream, kind::SCHEMA, at, |_, plain| plain.extend(Encoder::schema()))?;
        self.piece(stream, kind::KEYFRAME, at, |codec, plain| {
            codec.keyframe(held.sample.as_deref(), held.slow.as_deref(), plain);
        })?;
        self.piece(stream, kind::CHECKPOINT, at, |_, plain| plain.extend_from_slice(state))?;
        self.check_size()
    }

    /// Adds the end of the log.
    pub(super) fn end(&mut self, at: At, lost: Option<&Lost>) -> io::Result<()> {
        self.begin_batch(1 + usize::from(lost.is_some()));
        if let Some(lost) = lost {
            self.add(kind::GAP, 0, at, &serde_json::to_vec(&lost.gap())?)?;
        }
        let seal = self.position.chain;
        self.add(kind::END, 0, at, &seal.0)
    }

    fn entry(&mut self, stream: &mut Stream, entry: &Entry) -> io::Result<()> {
        let at = entry.at();
        match entry {
            Entry::Input(_, Input::Text(text)) => {
                // Told anew, a text is another one: an input is never left out.
                self.text(at, 0, text)
            }
            Entry::Input(_, Input::Sample(sample)) => {
                if !Encoder::fits(sample) {
                    return Err(io::Error::other("the sample has too many rows"));
                }
                self.piece(stream, kind::SAMPLE, at, |codec, plain| codec.sample(sample, plain))
            }
            Entry::Input(_, Input::Watch(watch)) => {
                self.piece(stream, kind::WATCH, at, |codec, plain| codec.watch(watch, plain))
            }
            Entry::Input(_, Input::Host(fact)) if let Fact::Known(facts) = fact.as_ref() => {
                self.piece(stream, kind::HOST, at, |codec, plain| codec.host(facts, plain))
            }
            Entry::Input(_, input) => self.json(stream, kind::INPUT, at, input),
            Entry::Intent(_, effect) => self.json(stream, kind::INTENT, at, effect),
            Entry::Gap(_, gap) => self.json(stream, kind::GAP, at, gap),
            Entry::Event(_, event) => self.json(stream, kind::EVENT, at, event),
            Entry::Checkpoint(_, state) => {
                self.piece(stream, kind::CHECKPOINT, at, |_, plain| plain.extend_from_slice(state))
            }
        }
    }

    fn json(
        &mut self,
        stream: &mut Stream,
        kind: u8,
        at: At,
        value: &impl serde::Serialize,
    ) -> io::Result<()> {
        let json = serde_json::to_vec(value)?;
        self.piece(stream, kind, at, |_, plain| plain.extend_from_slice(&json))
    }

    /// Adds a record whose payload is the next piece of the segment's stream.
    fn piece(
        &mut self,
        stream: &mut Stream,
        kind: u8,
        at: At,
        code: impl FnOnce(&mut Encoder, &mut Vec<u8>),
    ) -> io::Result<()> {
        stream.plain.clear();
        code(&mut stream.codec, &mut stream.plain);
        self.plain_bytes = self.plain_bytes.saturating_add(stream.plain.len());
        let packed = stream.packer.pack(&stream.plain)?;
        self.add(kind, flag::PIECE, at, &packed)
    }

    /// Adds a text, which whoever does not read this segment must be able to read too.
    fn text(&mut self, at: At, flags: u8, text: &Text) -> io::Result<()> {
        let begins = self.base + self.bytes.len() as u64;
        self.add(kind::TEXT, flags | flag::PACKED, at, &pack_alone(&serde_json::to_vec(text)?)?)?;
        self.told.push(text.id);
        self.position.texts_at.push(begins);
        Ok(())
    }

    fn begin_batch(&mut self, records: usize) {
        (self.left, self.is_first, self.plain_bytes, self.batch_from) = (records, true, 0, self.bytes.len());
    }

    fn add(&mut self, kind: u8, flags: u8, at: At, payload: &[u8]) -> io::Result<()> {
        self.left -= 1;
        let followers = u16::try_from(self.left).map_err(|_| io::Error::other("the batch is too long"))?;
        let flags = if std::mem::take(&mut self.is_first) { flags | flag::BATCH } else { flags };
        let seq = self.position.seq;
        let from = self.bytes.len();
        RecordHead::of(kind, flags, followers, seq, at.0).append(&mut self.bytes, payload);
        self.position.chain = self.position.chain.and(&self.bytes[from..]);
        self.position.seq =
            seq.checked_add(1).ok_or_else(|| io::Error::other("the log has no numbers left"))?;
        Ok(())
    }

    /// Fails for a batch that no reader would take.
    fn check_size(&self) -> io::Result<()> {
        let stored = self.bytes.len() - self.batch_from;
        match self.plain_bytes > MAX_PLAIN_BYTES || stored > MAX_STORED_BYTES {
            true => Err(io::Error::other(format!("a turn of {} bytes is too large", self.plain_bytes))),
            false => Ok(()),
        }
    }
}
