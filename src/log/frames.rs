//! Reading one batch as a whole.
//!
//! Owns the checks that make a batch one. Never decompresses or interprets a payload.

use super::error::ReadError;
use super::record::{HEAD_BYTES, MAX_BATCH_RECORDS, MAX_STORED_BYTES, RecordHead, flag};
use super::source::Source;

/// A record whose checksum fits.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) head: RecordHead,
    pub(super) at_byte: u64,
    pub(super) payload: Vec<u8>,
}

/// All records of a batch, and where it ends.
#[derive(Debug)]
pub(super) struct Frames {
    pub(super) records: Vec<Record>,
    pub(super) end: u64,
    /// The number of the next record.
    pub(super) next_seq: u32,
}

/// The batch at `at`, if it is there as a whole. `seq` is the number its first record must have, where that is
/// known.
pub(super) fn read(source: &mut Source, at: u64, seq: Option<u32>) -> Result<Option<Frames>, ReadError> {
    let (mut records, mut end, mut expected) = (Vec::new(), at, seq);
    let mut followers = None;
    let mut stored = 0;
    loop {
        let Some(head) = source.record_head(end)? else { return Ok(None) };
        stored += head.len as usize;
        let continues = head.has(flag::BATCH) == records.is_empty()
            && expected.is_none_or(|seq| seq == head.seq)
            && followers.is_none_or(|count| count == head.followers)
            && records.len() < MAX_BATCH_RECORDS
            && stored <= MAX_STORED_BYTES;
        if !continues {
            return Ok(None);
        }
        let payload = source.up_to(end + HEAD_BYTES as u64, head.len as usize)?;
        if !head.fits(&payload) {
            return Ok(None);
        }
        records.push(Record { head, at_byte: end, payload });
        end += head.record_bytes();
        expected = Some(head.seq.wrapping_add(1));
        let Some(left) = head.followers.checked_sub(1) else {
            return Ok(Some(Frames { records, end, next_seq: head.seq.wrapping_add(1) }));
        };
        followers = Some(left);
    }
}
