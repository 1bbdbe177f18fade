//! The way back through a log.
//!
//! Owns how segments and texts are found from a segment's record without reading what lies between. A step back
//! counts only when it leads to an intact record of the same log that comes before.

use std::sync::Arc;

use super::error::ReadError;
use super::head::HEADER_BYTES;
use super::record::{HEAD_BYTES, MAX_PACKED_BYTES, flag, kind};
use super::segment::SegmentRecord;
use super::source::Source;
use super::stream::unpack_alone;
use crate::engine::checkpoint::Texts;
use crate::engine::text::Text;

/// The segment before `segment`, which begins at `at`. `None` when it is the first one, or the way is broken.
pub(super) fn before(
    source: &mut Source,
    header: &[u8; HEADER_BYTES],
    at: u64,
    segment: &SegmentRecord,
) -> Result<Option<(u64, SegmentRecord)>, ReadError> {
    if segment.back == 0 || segment.back >= at {
        return Ok(None);
    }
    let found = source.segment_record(segment.back)?;
    Ok(found
        .filter(|found| found.header == *header && found.head.seq < segment.head.seq)
        .map(|found| (segment.back, found)))
}

/// Adds the text whose record begins at `at`. A record that is not intact, or no text, adds nothing.
pub(super) fn recall(source: &mut Source, at: u64, texts: &mut Texts) -> Result<(), ReadError> {
    let Some(head) = source.record_head(at)? else { return Ok(()) };
    if head.kind != kind::TEXT || head.len as usize > MAX_PACKED_BYTES {
        return Ok(());
    }
    let payload = source.up_to(at + HEAD_BYTES as u64, head.len as usize)?;
    if head.fits(&payload)
        && let Some(text) = text_of(head.flags, &payload)
    {
        texts.insert(text.id, Arc::new(text));
    }
    Ok(())
}

/// The text in the payload of a TEXT record.
pub(super) fn text_of(flags: u8, payload: &[u8]) -> Option<Text> {
    if flags & flag::PACKED == 0 {
        return serde_json::from_slice(payload).ok();
    }
    serde_json::from_slice(&unpack_alone(payload, MAX_PACKED_BYTES).ok()?).ok()
}
