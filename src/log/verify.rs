//! Whether a log is what was written.
//!
//! Owns the full pass: every byte from the first to the last, every checksum, number, seal. Trusts nothing that could
//! lead past a part of the file, and never looks into a payload.

use std::fmt;
use std::path::Path;

use super::chain::{Chain, Pin};
use super::error::ReadError;
use super::frames;
use super::head::{HEADER_BYTES, Head};
use super::record::{HEAD_BYTES, MAX_BATCH_RECORDS, RecordHead, flag, kind};
use super::segment;
use super::source::Source;

/// What a full pass over a log has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The finding.
    pub verdict: Verdict,
    /// Where the intact part of the log ends, the beginning of what is torn or altered.
    pub pin: Pin,
    /// How many of these bytes a seal stands behind: changed after the fact, they would not fit it.
    pub sealed_bytes: u64,
    /// Records in the intact part, the log's own included.
    pub records: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
}

/// The state of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was closed, and is as it was written.
    Complete,
    /// It has no end: the flight is in the air, or was cut off. What it has is as it was written.
    Torn(Torn),
    /// It is not as it was written.
    Altered(Altered),
}

/// How a log stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Torn {
    /// Behind a whole turn of the flight.
    Clean,
    /// Within a turn, of which this many bytes are there.
    Within {
        /// Bytes behind the last whole turn.
        bytes: u64,
    },
    /// In zeros, as a file system leaves them where a write did not arrive.
    Zeros {
        /// How many.
        bytes: u64,
    },
}

/// What is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Altered {
    /// Where the first bad place begins.
    pub at_byte: u64,
    /// Where it ends at the latest, when it cannot be told more exactly; the same as `at_byte` when it can.
    pub until_byte: u64,
    /// What is wrong there, in words for people.
    pub what: String,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Complete => f.write_str("complete: closed by its flight, every seal fits"),
            Verdict::Torn(Torn::Clean) => f.write_str(
                "torn: it has no end, and stops behind a whole turn of the flight; every seal fits",
            ),
            Verdict::Torn(Torn::Within { bytes }) => write!(
                f,
                "torn: it stops within a turn of the flight, of which {bytes} bytes are there; what stands before it \
                 is intact"
            ),
            Verdict::Torn(Torn::Zeros { bytes }) => write!(
                f,
                "torn: it ends in {bytes} bytes of zeros, which were never written; what stands before them is intact"
            ),
            Verdict::Altered(Altered { at_byte, until_byte, what }) if at_byte == until_byte => {
                write!(f, "altered at byte {at_byte}: {what}")
            }
            Verdict::Altered(Altered { at_byte, until_byte, what }) => {
                write!(f, "altered between byte {at_byte} and byte {until_byte}: {what}")
            }
        }
    }
}

/// Reads all of the log at `path`, and says whether it is as it was written. With `known`, a checkpoint that was kept
/// elsewhere, also whether its end was cut off since, or the whole of it written anew.
///
/// # Errors
/// [`ReadError`] when the file cannot be read or is no log of a format this release reads.
pub fn verify(path: &Path, known: Option<&Pin>) -> Result<Verified, ReadError> {
    let mut source = Source::open(path)?;
    let head = Head::from_source(&mut source)?;
    let mut pass = Pass::new(&head, known);
    let (verdict, file_bytes) = if head.from_copy {
        (Verdict::Altered(at(0, "the header does not fit its checksum")), source.len()?)
    } else {
        pass.verdict(&mut source)?
    };
    let verdict = match (verdict, known) {
        (Verdict::Altered(altered), _) => Verdict::Altered(altered),
        (verdict, Some(known)) => pass.compare(known).map_or(verdict, Verdict::Altered),
        (verdict, None) => verdict,
    };
    let Pass { pin, sealed_bytes, records, .. } = pass;
    Ok(Verified { verdict, pin, sealed_bytes, records, file_bytes })
}

/// The pass, behind some whole batch.
struct Pass<'a> {
    header: &'a [u8; HEADER_BYTES],
    pin: Pin,
    seq: u32,
    records: u64,
    sealed_bytes: u64,
    has_ended: bool,
    /// A checkpoint that is to be met on the way, and whether it was.
    known: Option<&'a Pin>,
    met: Option<Chain>,
}

/// What stands at some place of a log.
enum Found {
    /// A whole batch.
    Batch,
    /// No batch that is whole.
    Nothing,
    /// Something that cannot have been written.
    Wrong(Altered),
}

impl<'a> Pass<'a> {
    fn new(head: &'a Head, known: Option<&'a Pin>) -> Pass<'a> {
        let header = &head.bytes;
        let chain = Chain::of_header(header);
        let pin = Pin { flight: head.flight, bytes: HEADER_BYTES as u64, chain };
        Pass { header, pin, seq: 0, records: 0, sealed_bytes: 0, has_ended: false, known, met: None }
    }

    /// The verdict on the whole file, and its length. The file may grow meanwhile: what looked damaged was being
    /// written, if it is whole now.
    fn verdict(&mut self, source: &mut Source) -> Result<(Verdict, u64), ReadError> {
        loop {
            let len = source.len()?;
            source.forget();
            if let Some(verdict) = self.run(source, len)? {
                return Ok((verdict, len.max(self.pin.bytes)));
            }
            let verdict = self.stop(source, len)?;
            source.forget();
            let is_damaged = matches!(verdict, Verdict::Altered(_));
            if !is_damaged || frames::read(source, self.pin.bytes, Some(self.seq))?.is_none() {
                return Ok((verdict, len.max(self.pin.bytes)));
            }
        }
    }

    /// Goes as far as there are whole batches. A verdict, if that decides it.
    fn run(&mut self, source: &mut Source, len: u64) -> Result<Option<Verdict>, ReadError> {
        while !self.has_ended && self.pin.bytes < len {
            match self.batch(source)? {
                Found::Batch => {}
                Found::Nothing => return Ok(None),
                Found::Wrong(altered) => return Ok(Some(Verdict::Altered(altered))),
            }
            if self.known.is_some_and(|known| known.bytes == self.pin.bytes) {
                self.met = Some(self.pin.chain);
            }
        }
        Ok(match (self.has_ended, len.saturating_sub(self.pin.bytes)) {
            (false, _) => None,
            (true, 0) => Some(Verdict::Complete),
            (true, more) => {
                Some(Verdict::Altered(at(self.pin.bytes, format!("{more} bytes stand behind the end"))))
            }
        })
    }

    /// The verdict on a log without an end.
    fn stop(&self, source: &mut Source, len: u64) -> Result<Verdict, ReadError> {
        let from = self.pin.bytes;
        let bytes = len.saturating_sub(from);
        if bytes == 0 {
            return Ok(Verdict::Torn(Torn::Clean));
        }
        // Of the turn that is torn its first records may be intact.
        let later = self.seq.saturating_add(1);
        let whole = source.find_segment(self.header, from, later)?.is_some()
            || source.later_batch_stands(from + 1, later)?;
        if whole {
            let what =
                "a record does not fit its checksum, or records are missing; intact ones stand behind it";
            return Ok(Verdict::Altered(at(from, what)));
        }
        Ok(Verdict::Torn(match source.is_zero_from(from)? {
            true => Torn::Zeros { bytes },
            false => Torn::Within { bytes },
        }))
    }

    /// What is wrong with the log by a checkpoint that was kept elsewhere.
    fn compare(&self, known: &Pin) -> Option<Altered> {
        if known.flight != self.pin.flight {
            return Some(at(0, "the checkpoint is of another flight"));
        }
        if known.bytes > self.pin.bytes {
            let (has, had) = (self.pin.bytes, known.bytes);
            let what =
                format!("it was cut: {has} bytes of it are intact, and it had {had} at the checkpoint");
            return Some(at(has, what));
        }
        let from = HEADER_BYTES as u64;
        let what = "it was written anew: what stands before the checkpoint is not what stood there";
        (self.met != Some(known.chain)).then(|| Altered {
            at_byte: from,
            until_byte: known.bytes,
            what: what.to_owned(),
        })
    }

    /// Takes in the batch at this place, when it is whole.
    fn batch(&mut self, source: &mut Source) -> Result<Found, ReadError> {
        let (mut pos, mut chain, mut seq) = (self.pin.bytes, self.pin.chain, self.seq);
        let (mut sealed, mut has_ended, mut n_records) = (self.sealed_bytes, false, 0_u64);
        let mut followers = None;
        loop {
            let Some(head) = source.record_head(pos)? else { return Ok(Found::Nothing) };
            let len = HEAD_BYTES + head.len as usize;
            let record = source.up_to(pos, len)?;
            if record.len() < len || !head.fits(&record[HEAD_BYTES..]) {
                return Ok(Found::Nothing);
            }
            if let Some(what) = self.misplaced(&head, seq, followers, n_records) {
                return Ok(Found::Wrong(at(pos, what)));
            }
            if let Some(seal) = sealed_by(&head, &record[HEAD_BYTES..]) {
                if seal != Some(chain) {
                    let what = "the seal behind it does not fit: something was changed and its checksums made to fit";
                    return Ok(Found::Wrong(Altered {
                        at_byte: self.sealed_bytes,
                        until_byte: pos,
                        what: what.to_owned(),
                    }));
                }
                sealed = pos;
            }
            has_ended |= head.kind == kind::END;
            chain = chain.and(&record);
            (pos, seq, n_records) = (pos + len as u64, seq.wrapping_add(1), n_records + 1);
            let Some(left) = head.followers.checked_sub(1) else { break };
            followers = Some(left);
        }
        (self.pin.bytes, self.pin.chain, self.seq) = (pos, chain, seq);
        (self.sealed_bytes, self.has_ended) = (sealed, has_ended);
        self.records += n_records;
        Ok(Found::Batch)
    }

    /// Why an intact record cannot stand where it does.
    fn misplaced(
        &self,
        head: &RecordHead,
        seq: u32,
        followers: Option<u16>,
        n_before: u64,
    ) -> Option<String> {
        if head.seq != seq {
            return Some(format!(
                "record {} stands where record {seq} was: swapped, dropped or put in",
                head.seq
            ));
        }
        let fits = head.has(flag::BATCH) == (n_before == 0)
            && followers.is_none_or(|followers| followers == head.followers)
            && n_before < MAX_BATCH_RECORDS as u64
            && (head.kind == kind::META) == (seq == 0);
        (!fits).then(|| "a record does not continue the turn it stands in".to_owned())
    }
}

/// The seal in a record that has one; `Some(None)` when it is unreadable.
fn sealed_by(head: &RecordHead, payload: &[u8]) -> Option<Option<Chain>> {
    match head.kind {
        kind::SEGMENT => Some(segment::decode(*head, payload).map(|segment| segment.seal)),
        kind::END => Some(payload.try_into().ok().map(Chain)),
        _ => None,
    }
}

fn at(byte: u64, what: impl Into<String>) -> Altered {
    Altered { at_byte: byte, until_byte: byte, what: what.into() }
}
