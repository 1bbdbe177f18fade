//! The record a segment begins with.
//!
//! Owns its payload: a copy of the header, the seal over everything before it, and the way back to the segments and
//! texts before it. The way back saves reading; nothing is taken from it that is not checked where it leads.

use super::chain::Chain;
use super::head::{HEADER_BYTES, array};
use super::record::RecordHead;

/// Bytes before the list of texts.
const FIXED_BYTES: usize = HEADER_BYTES + Chain::BYTES + 8 + 4;

/// Longest payload: the texts of one segment are far fewer.
pub(super) const MAX_SEGMENT_BYTES: usize = FIXED_BYTES + 8 * MAX_TEXTS;
/// Most texts of a segment that are listed.
pub(super) const MAX_TEXTS: usize = 1 << 17;

/// What a SEGMENT record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SegmentRecord {
    pub(super) head: RecordHead,
    /// The header of the log.
    pub(super) header: [u8; HEADER_BYTES],
    /// The chain over everything before the record.
    pub(super) seal: Chain,
    /// Where the segment before it begins; 0 before the first.
    pub(super) back: u64,
    /// Where the texts are that were told in the segment before it.
    pub(super) texts_at: Vec<u64>,
}

/// The payload of a SEGMENT record.
pub(super) fn encode(header: &[u8; HEADER_BYTES], seal: Chain, back: u64, texts_at: &[u64]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(FIXED_BYTES + 8 * texts_at.len());
    payload.extend_from_slice(header);
    payload.extend_from_slice(&seal.0);
    payload.extend_from_slice(&back.to_le_bytes());
    let listed = &texts_at[..texts_at.len().min(MAX_TEXTS)];
    payload.extend_from_slice(&u32::try_from(listed.len()).unwrap_or_default().to_le_bytes());
    listed.iter().for_each(|at| payload.extend_from_slice(&at.to_le_bytes()));
    payload
}

/// What the payload of a SEGMENT record says; `None` when it is none.
pub(super) fn decode(head: RecordHead, payload: &[u8]) -> Option<SegmentRecord> {
    let (fixed, texts) = payload.split_at_checked(FIXED_BYTES)?;
    let count = u32::from_le_bytes(array(fixed, FIXED_BYTES - 4)) as usize;
    if texts.len() != count.checked_mul(8)? {
        return None;
    }
    Some(SegmentRecord {
        head,
        header: array(fixed, 0),
        seal: Chain(array(fixed, HEADER_BYTES)),
        back: u64::from_le_bytes(array(fixed, HEADER_BYTES + Chain::BYTES)),
        texts_at: texts.chunks_exact(8).map(|at| u64::from_le_bytes(array(at, 0))).collect(),
    })
}
