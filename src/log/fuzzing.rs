//! The columns of samples without a log around them, for the fuzz target.
//!
//! Owns nothing. In a log the columns stand behind compression, which hides from a fuzzer what its changes do.

use super::codec::{Decoder, Encoder};

/// What a record of a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// What was known before the segment.
    Keyframe,
    /// A sample.
    Sample,
    /// A watch.
    Watch,
    /// A reading of the machine.
    Host,
}

/// The schema that this release writes.
pub fn schema() -> Vec<u8> {
    Encoder::schema()
}

/// Reads the payloads of a segment with this schema, as far as they can be read; says how many that was.
pub fn read_columns<'a>(schema: &[u8], payloads: impl IntoIterator<Item = (Columns, &'a [u8])>) -> usize {
    let Ok(mut decoder) = Decoder::new(schema) else { return 0 };
    let mut read = |(columns, payload)| match columns {
        Columns::Keyframe => decoder.keyframe(payload).is_ok(),
        Columns::Sample => decoder.sample(payload).is_ok() && decoder.last_sample().is_some(),
        Columns::Watch => decoder.watch(payload).is_ok(),
        Columns::Host => decoder.host(payload).is_ok(),
    };
    payloads.into_iter().take_while(|payload| read(*payload)).count()
}
