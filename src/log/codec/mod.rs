//! Samples, watches and readings of the machine as columns of small differences.
//!
//! Owns how these inputs become payloads and come back exactly as they were, within one segment. Pure: no file, no
//! clock, no compression. Never panics on what it reads, and never lets it ask for more memory than its caps.
//!
//! ```text
//! payload = strings not told before in the segment, then tables that have changed, in order
//! strings = count, then length and UTF-8 bytes of each; a string's number is how many came before it
//! table   = place in its frame, plan, changed rows, masks, values
//! plan    = count of runs, then of each: rows << 1, and for a run of old rows the jump from where the last such
//!           run ended; or rows << 1 | 1 for new rows. No runs: every row stays
//! changed = count, then for each how many rows lie between it and the one before; new rows are not among them
//! masks   = for each changed or new row which columns are told: 0 and the mask, or one more than its place among
//!           the masks the table has had
//! values  = column by column, for each row that tells it. A new row has what the row above it has, where not told
//! ```
//!
//! Numbers are LEB128; differences are zigzag; a value is 0 for nothing and else one more than it is. A value of
//! a `known` column is 1 and the value, or two more than its place among the values the column has had. The
//! schema names the columns and their kinds, so that this release reads later segments and later ones read this.

mod decode;
mod encode;
mod fields;
mod grid;
mod host;
mod locks;
mod plan;
mod rows;
mod schema;
mod values;
mod varint;
mod words;

#[cfg(test)]
mod tests;

#[allow(unused_imports)]
pub(super) use decode::Decoder;
#[allow(unused_imports)]
pub(super) use encode::Encoder;

/// Why a payload cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CodecError {
    /// It ends too early.
    #[error("the columns end in the middle")]
    Truncated,
    /// It says something that cannot be.
    #[error("the columns are damaged: {0}")]
    Malformed(&'static str),
    /// It asks for more than any server has.
    #[error("the columns hold too many {0}")]
    TooMuch(&'static str),
    /// The names and kinds of the columns cannot be used.
    #[error("the columns cannot be told apart: {0}; a later lockpit may read them")]
    Schema(String),
    /// A payload before it could not be read.
    #[error("the columns continue some that could not be read")]
    Broken,
}
