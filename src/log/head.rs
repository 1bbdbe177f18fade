//! The header of a log and its META record: what can be read of any log without its segments.
//!
//! Owns the bytes before the first batch. Never reads a segment.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::ReadError;
use super::record::{self, RecordHead, kind};
use super::segment::SegmentRecord;
use super::source::Source;

/// The format this release writes, and the newest it reads.
pub const MAJOR: u16 = 1;
/// The oldest format this release reads. Format 0 was never in a release.
const OLDEST: u16 = 1;

pub(super) const MAGIC: [u8; 8] = *b"lockpit\x1a";
pub(super) const HEADER_BYTES: usize = 88;
const CRC_AT: usize = HEADER_BYTES - 4;
/// Where the wall clock stands in it.
const UTC_AT: usize = 68;
/// A header longer than this is taken for a damaged one.
const MAX_HEADER_BYTES: usize = 4_096;
/// Where the first segment, and with it a copy of the header, is looked for when the header is damaged.
const COPY_WITHIN_BYTES: u64 = 64 * 1_024;
const MAX_META_BYTES: u32 = 32 * 1_024;

/// What identifies a flight and dates it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The flight's identity: 16 random bytes.
    pub flight: [u8; 16],
    /// 16 other random bytes that are shown nowhere, so that no text of a database can imitate a segment.
    pub sync: [u8; 16],
    /// Which start of the machine its monotonic clock counts from; zeros where the system does not tell.
    pub boot: [u8; 16],
    /// Wall clock when the flight began, in microseconds since 1970 UTC.
    pub utc_us: i64,
    /// The machine's monotonic clock at the same moment, in microseconds.
    pub monotonic_us: u64,
    /// What is said about the flight.
    pub meta: Meta,
}

/// What a log says about itself, in JSON. Fields a reader does not know are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// The release that wrote the log.
    pub lockpit: String,
    /// Where the flight connected to, without secrets: `user@host:port/database`.
    pub server: String,
    /// What the database is, such as `PROD`.
    pub label: Option<String>,
    /// The connected database.
    pub database: Option<String>,
    /// The plan that is flown.
    pub plan: Option<String>,
    /// `kept` or `redacted`: whether literals of statements are in the log; `None` in logs that do not say.
    pub literals: Option<String>,
    /// Which part of a recording that goes from file to file.
    pub part: Option<Part>,
    /// What the log was cut out of.
    pub cut: Option<Cut>,
}

/// A log that is one of several in a row.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Part {
    /// Its place in the row, from 1.
    pub number: u32,
    /// How long parts are kept, in milliseconds.
    pub keep_ms: u64,
    /// Where the part before it ended, as the three lines of its checkpoint; none before the first.
    pub after: Option<String>,
}

/// Where a log that is a part of another one comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cut {
    /// The checkpoint of the log it was cut out of, in three lines.
    pub of: String,
    /// Time of the flight at which the cut begins, in microseconds.
    pub from_us: u64,
    /// Time of the flight at which it ends, in microseconds.
    pub to_us: u64,
    /// Names of people, applications and machines were replaced.
    pub is_masked: bool,
}

/// The beginning of a log, as found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The flight's identity.
    pub flight: [u8; 16],
    /// Which start of the machine its monotonic clock counts from; zeros where the system does not tell.
    pub boot: [u8; 16],
    /// Wall clock when the flight began, in microseconds since 1970 UTC.
    pub utc_us: i64,
    /// The machine's monotonic clock at the same moment, in microseconds.
    pub monotonic_us: u64,
    /// What the log says about itself; `None` when that record is damaged or cut off.
    pub meta: Option<Meta>,
    /// The header itself was damaged and this comes from its copy in the first segment.
    pub from_copy: bool,
    /// The header as it was written, which every segment repeats.
    pub(super) bytes: [u8; HEADER_BYTES],
}

impl Head {
    /// Reads the beginning of the log at `path`.
    ///
    /// # Errors
    /// [`ReadError::Open`] and [`ReadError::Io`] when the file cannot be read; the other variants that tell why
    /// a file is not a log this release can read.
    pub fn read(path: &Path) -> Result<Head, ReadError> {
        Head::from_source(&mut Source::open(path)?)
    }

    pub(super) fn from_source(source: &mut Source) -> Result<Head, ReadError> {
        let (bytes, from_copy) = match read_header(source) {
            Ok(bytes) => (bytes, false),
            Err(error @ (ReadError::NotALog { .. } | ReadError::HeaderDamaged { .. })) => {
                (read_copy(source)?.ok_or(error)?, true)
            }
            Err(error) => return Err(error),
        };
        let meta = read_meta(source)?;
        let Clocks { flight, boot, utc_us, monotonic_us } = Clocks::of(&bytes);
        Ok(Head { flight, boot, utc_us, monotonic_us, meta, from_copy, bytes })
    }
}

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&MAJOR.to_le_bytes());
        bytes[10..12].copy_from_slice(&(HEADER_BYTES as u16).to_le_bytes());
        // 12..16 and 16..20: compatible and incompatible flags, none defined in this format.
        bytes[20..36].copy_from_slice(&self.flight);
        bytes[36..52].copy_from_slice(&self.sync);
        bytes[52..68].copy_from_slice(&self.boot);
        bytes[UTC_AT..UTC_AT + 8].copy_from_slice(&self.utc_us.to_le_bytes());
        bytes[76..84].copy_from_slice(&self.monotonic_us.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }
}

/// What a header says of time, and whose it is.
pub(super) struct Clocks {
    pub(super) flight: [u8; 16],
    pub(super) boot: [u8; 16],
    pub(super) utc_us: i64,
    pub(super) monotonic_us: u64,
}

impl Clocks {
    pub(super) fn of(header: &[u8; HEADER_BYTES]) -> Clocks {
        Clocks {
            flight: array(header, 20),
            boot: array(header, 52),
            utc_us: i64::from_le_bytes(array(header, UTC_AT)),
            monotonic_us: u64::from_le_bytes(array(header, 76)),
        }
    }
}

fn read_header(source: &mut Source) -> Result<[u8; HEADER_BYTES], ReadError> {
    let path = source.path().to_owned();
    let prefix = source.up_to(0, 12)?;
    if !MAGIC.starts_with(&prefix[..prefix.len().min(MAGIC.len())]) {
        return Err(ReadError::NotALog { path });
    }
    if prefix.len() < 12 {
        return Err(ReadError::TooShort { path, bytes: prefix.len() as u64 });
    }
    let found = u16::from_le_bytes(array(&prefix, 8));
    let length = usize::from(u16::from_le_bytes(array(&prefix, 10)));
    if !(16..=MAX_HEADER_BYTES).contains(&length) {
        return Err(ReadError::HeaderDamaged { path });
    }
    let header = source.up_to(0, length)?;
    if header.len() < length {
        // A damaged length looks the same as a file that is too short, unless there is more than a header.
        let whole = header.len() >= HEADER_BYTES;
        return Err(match whole {
            true => ReadError::HeaderDamaged { path },
            false => ReadError::TooShort { path, bytes: header.len() as u64 },
        });
    }
    if crc32c::crc32c(&header[..length - 4]) != u32::from_le_bytes(array(&header, length - 4)) {
        return Err(ReadError::HeaderDamaged { path });
    }
    if found > MAJOR {
        return Err(ReadError::Version { path, found, supported: MAJOR });
    }
    if found < OLDEST {
        return Err(ReadError::TooOld { path, found });
    }
    let bytes: [u8; HEADER_BYTES] =
        header.try_into().map_err(|_| ReadError::HeaderDamaged { path: path.clone() })?;
    match u32::from_le_bytes(array(&bytes, 16)) {
        0 => Ok(bytes),
        flags => Err(ReadError::Features { path, flags }),
    }
}

/// The header's copy in the first segment. Only the beginning of the file is searched: any file may be given.
fn read_copy(source: &mut Source) -> Result<Option<[u8; HEADER_BYTES]>, ReadError> {
    let mut from = 0;
    while let Some(at) = source.find(&MAGIC, from, COPY_WITHIN_BYTES)? {
        from = at + 1;
        let Some(start) = at.checked_sub(record::HEAD_BYTES as u64) else { continue };
        let Some(SegmentRecord { header, .. }) = source.segment_record(start)? else { continue };
        let crc = u32::from_le_bytes(array(&header, CRC_AT));
        let of_this_format = u16::from_le_bytes(array(&header, 8)) == MAJOR && array(&header, 16) == [0; 4];
        if of_this_format && crc == crc32c::crc32c(&header[..CRC_AT]) {
            return Ok(Some(header));
        }
    }
    Ok(None)
}

fn read_meta(source: &mut Source) -> Result<Option<Meta>, ReadError> {
    let at = HEADER_BYTES as u64;
    let Some(head) = source.record_head(at)? else { return Ok(None) };
    if head.kind != kind::META || head.seq != 0 || head.len > MAX_META_BYTES {
        return Ok(None);
    }
    let payload = source.up_to(at + record::HEAD_BYTES as u64, head.len as usize)?;
    if !head.fits(&payload) {
        return Ok(None);
    }
    Ok(serde_json::from_slice(&payload).ok())
}

/// The META record.
pub(super) fn encode_meta(meta: &Meta) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::new();
    RecordHead::of(kind::META, record::flag::BATCH, 0, 0, 0).append(&mut bytes, &serde_json::to_vec(meta)?);
    Ok(bytes)
}

/// The `N` bytes at `at`, which the caller knows to exist.
pub(super) fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}
