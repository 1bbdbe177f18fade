//! The flight log: one append-only file per flight, from which the flight can be replayed.
//!
//! Owns the file's format, the writer (which never blocks the flight), the reader (which never yields a wrong
//! entry) and the cursor (which seeks). Never decides anything about a flight, and never reads a clock.
//!
//! # Format 1
//!
//! All numbers are little endian.
//!
//! ```text
//! file    = header, META record, batches
//! header  = magic 8 | major u16 | length u16 | compatible flags u32 | incompatible flags u32
//!           | flight 16 | sync 16 | boot 16 | utc_us i64 | monotonic_us u64 | crc32c u32     88 bytes
//! record  = len u32 | crc32c u32 | type u8 | flags u8 | followers u16 | seq u32 | ts i64 | payload of len bytes
//! batch   = one or more records: the first has the flag BATCH, each says how many of its batch follow it
//! segment = a batch SEGMENT, GAP if entries were lost before it, TEXT records that are told again, SCHEMA,
//!           KEYFRAME, CHECKPOINT; then batches of INPUT, SAMPLE, WATCH, HOST, TEXT, INTENT, EVENT, CHECKPOINT,
//!           GAP until the next segment
//! end     = a batch GAP if entries were lost before it, END
//! ```
//!
//! - Every later format keeps the first twelve bytes and ends its header with the checksum of what precedes
//!   it, so that any release can say which version it met.
//! - A record's checksum covers all of it but the checksum itself. `seq` counts records from 0 (META). `ts` is
//!   the time of the flight in microseconds. Type 0 is never valid, so a tail of zeros is no record.
//! - A type with bit 7 set may be skipped by a reader that does not know it. A record with the flag PIECE is the
//!   next piece of its segment's one zstd stream, and is decompressed even when it is skipped.
//! - A batch is what one turn of the flight wrote and synced at once. It is read as a whole or not at all.
//! - SEGMENT repeats the header, so that a reader finds the next segment behind damage, and a damaged header
//!   loses nothing. It tells where the segment before it and the texts of that one are.
//! - The chain: h(0) is the SHA-256 of the header; h(i) that of h(i-1) and the SHA-256 of record i. SEGMENT and
//!   END hold the chain before themselves: a seal over everything before.
//! - Payloads: META, INPUT, INTENT, GAP, EVENT and SCHEMA are JSON; TEXT is JSON in a zstd frame of its own
//!   (PACKED), for it is needed where its segment is not read; SAMPLE, WATCH, HOST and KEYFRAME are columns of
//!   what has changed, as SCHEMA describes them; CHECKPOINT is the engine's own bytes; END is a seal.

mod batch;
mod chain;
mod claim;
mod codec;
mod copy;
mod cursor;
mod disk;
mod draft;
mod error;
mod frames;
#[doc(hidden)]
pub mod fuzzing;
mod head;
mod index;
mod loss;
mod paths;
mod queue;
mod reader;
mod record;
mod recorder;
mod resume;
mod ring;
mod segment;
mod source;
mod stream;
mod verify;
mod writer;

pub use batch::{Batch, Entry};
pub use chain::{Chain, Pin, PinError};
pub use claim::{Claim, RemoveError};
pub use copy::CopyWriter;
pub use cursor::{Cursor, Seek, Segment};
pub use disk::{is_locked, is_written};
pub use error::{LogError, ReadError};
pub use head::{Cut, Head, Header, MAJOR, Meta, Part};
pub use loss::Lost;
pub(crate) use paths::safe_name;
pub use paths::{default_dir, default_name, default_path};
pub use reader::{Damage, Ending, Item, Reader};
pub use recorder::{CHECKPOINT_SAMPLES, Log, Options, SEGMENT_SAMPLES, SEGMENT_US, Status, Summary};
pub use resume::Resumed;
pub use ring::Ring;
pub use verify::{Altered, Torn, Verdict, Verified, verify};
