//! The flight log: one append-only file per flight, from which the flight can be replayed.
//!
//! Owns the file's format, the writer (which never blocks the flight), the reader (which never yields a wrong
//! entry), the cursor (which seeks), the full pass that says whether a log is as it was written, and going on with one
//! that was cut off. Never decides anything about a flight, and never reads a clock.
//!
//! | room | what happens there |
//! |---|---|
//! | `batch`, `due`, `queue`, `recorder`, `loss` | from the flight to the writing thread: what waits, what is lost |
//! | `writer`, `draft`, `disk`, `ring`, `resume` | the file: records, one write and one sync for all that waits |
//! | `record`, `segment`, `head`, `chain`, `stream` | the format: framing, seals, header, hashing, compression |
//! | `codec` | samples, watches and host readings as columns of differences |
//! | `source`, `frames`, `reader`, `index`, `cursor` | reading in order, behind damage, and from any place |
//! | `verify` | the full pass that trusts nothing |
//!
//! # Format 1
//!
//! Every release from the first on reads it. All numbers are little endian.
//!
//! ```text
//! file    = header, META record, batches
//! header  = magic 8 | major u16 | length u16 | compatible flags u32 | incompatible flags u32
//!           | flight 16 | sync 16 | boot 16 | utc_us i64 | monotonic_us u64 | crc32c u32       88 bytes
//! record  = len u32 | crc32c u32 | type u8 | flags u8 | followers u16 | seq u32 | ts i64 | payload of len bytes
//! batch   = one or more records: the first has the flag BATCH, each says how many of its batch follow it
//! segment = a batch SEGMENT, GAP if something was lost before it, TEXT told again, SCHEMA, KEYFRAME, CHECKPOINT;
//!           then batches of INPUT, SAMPLE, WATCH, HOST, TEXT, INTENT, EVENT, CHECKPOINT, GAP
//! ```
//!
//! - Every later format keeps the first twelve bytes and ends its header with the checksum of what precedes
//!   it, so that any release can say which version it met.
//! - A record's checksum covers all of it but the checksum itself. `seq` counts records from 0 (META). `ts` is
//!   the time of the flight in microseconds. Type 0 is never valid, so a tail of zeros is no record.
//! - A type with bit 7 set may be skipped by a reader that does not know it. A record with the flag PIECE is the
//!   next piece of its segment's one zstd stream, and is decompressed even when it is skipped; one with PACKED is a
//!   zstd frame of its own.
//! - A batch is what one turn of the flight wrote. It is read as a whole or not at all.
//! - A segment lasts at most a minute or 60 samples. Its SCHEMA names the columns of SAMPLE, WATCH and HOST, so that
//!   each release reads those of another by their names (`codec`); its KEYFRAME is the last sample before it, coded
//!   like any other against nothing; its CHECKPOINT is the engine's state without that sample and without texts.
//!   More CHECKPOINTs stand within it, so that a seek has little to replay.
//! - A TEXT is told once in a file, outside the streams, so that no segment is needed to read it. Told again (the flag
//!   RETOLD) it is no input: who begins to read behind a loss, or in the next file of a ring, needs it. A SEGMENT with
//!   that flag voids all texts before it: where a log goes on with another engine, their numbers begin anew.
//! - SEGMENT repeats the header, so that a reader finds the next segment behind damage, and a damaged header loses
//!   nothing. It tells where the segment before it and the texts of that are: a log is opened from its end by these
//!   links, each of which is checked where it leads, or else by walking over all records. There is no index.
//! - The chain: h(0) is the SHA-256 of the header, h(i) that of h(i - 1) and the SHA-256 of record i. SEGMENT and END
//!   hold the chain before themselves: a seal. A checkpoint of the log ([`Pin`]) is the flight's identity, a size and
//!   the chain there; kept elsewhere it shows what no file can show of itself.
//! - Payloads: META, INPUT, INTENT, GAP, EVENT, TEXT and CHECKPOINT are JSON; the others are as told above.

mod batch;
mod chain;
mod claim;
mod codec;
mod copy;
mod cursor;
mod disk;
mod draft;
mod due;
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
pub use due::{CHECKPOINT_SAMPLES, SEGMENT_SAMPLES, SEGMENT_US};
pub use error::{LogError, ReadError};
pub use head::{Cut, Head, Header, MAJOR, Meta, Part};
pub use loss::Lost;
pub(crate) use paths::safe_name;
pub use paths::{default_dir, default_name, default_path};
pub use reader::{Damage, Ending, Item, Reader};
pub use recorder::{Log, Options, Status, Summary};
pub use resume::Resumed;
pub use ring::Ring;
pub use verify::{Altered, Torn, Verdict, Verified, verify};
