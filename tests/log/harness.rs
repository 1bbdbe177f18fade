//! What the fuzz targets do with bytes; `fuzz/targets` takes this file in, and `fuzzed.rs` runs it over their corpus.

use std::path::{Path, PathBuf};

use lockpit::engine::ids::At;
use lockpit::log::fuzzing::{Columns, read_columns, schema};
use lockpit::log::{Cursor, Entry, Item, Reader, verify};

/// Bytes of a log's header, and of a record before its payload.
const HEADER: usize = 88;
const HEAD: usize = 24;

/// Reads `bytes` as a log in every way there is. What comes out may be anything but out of order.
#[allow(dead_code, reason = "each fuzz target uses its own part")]
pub(crate) fn reader(bytes: &[u8]) {
    let file = Held::of(bytes);
    let _ = verify(&file.0, None);
    if let Ok(mut reader) = Reader::open(&file.0) {
        let mut last = None;
        let mut times = vec![At(0), At(u64::MAX)];
        while let Ok(Some(item)) = reader.next_item() {
            let Item::Entry { seq, entry } = item else { continue };
            assert!(last < Some(seq), "record {seq} comes after record {last:?}");
            last = Some(seq);
            if let Entry::Checkpoint(at, _) = entry {
                let _ = reader.held();
                times.truncate(8);
                times.push(at);
            }
        }
        let _ = reader.ending();
        if let Ok(mut cursor) = Cursor::open(&file.0) {
            for at in times {
                seek(&mut cursor, at);
            }
        }
    }
}

fn seek(cursor: &mut Cursor, at: At) {
    let Ok(mut seek) = cursor.seek(at) else { return };
    let mut last = None;
    // What follows was read already: a few items show whether the reader goes on well.
    for _ in 0..4 {
        let Ok(Some(item)) = seek.reader.next_item() else { return };
        if let Item::Entry { seq, .. } = item {
            assert!(last < Some(seq), "record {seq} comes after record {last:?}");
            last = Some(seq);
        }
    }
}

/// A file in memory where the system has such a folder, gone when this is dropped.
struct Held(PathBuf);

impl Held {
    fn of(bytes: &[u8]) -> Held {
        let dir = ["/dev/shm", "/tmp"].iter().map(Path::new).find(|dir| dir.is_dir());
        let name = format!("lockpit-fuzz-{}-{:?}", std::process::id(), std::thread::current().id());
        let held = Held(dir.expect("a folder for short-lived files").join(name));
        std::fs::write(&held.0, bytes).expect("room");
        held
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Makes the bytes of a log fit their own checksums: header, its copies, numbers and checksums of records.
#[allow(dead_code, reason = "each fuzz target uses its own part")]
pub(crate) fn fit(bytes: &mut [u8]) {
    if bytes.len() < HEADER {
        return;
    }
    bytes[..8].copy_from_slice(b"lockpit\x1a");
    bytes[8..10].copy_from_slice(&1_u16.to_le_bytes());
    bytes[10..12].copy_from_slice(&(HEADER as u16).to_le_bytes());
    bytes[16..20].fill(0);
    let crc = crc32c::crc32c(&bytes[..HEADER - 4]);
    bytes[HEADER - 4..HEADER].copy_from_slice(&crc.to_le_bytes());
    let (header, mut rest) = bytes.split_at_mut(HEADER);
    let mut seq = 0_u32;
    while rest.len() >= HEAD {
        let len = u32::from_le_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
        let len = len.min(rest.len() - HEAD);
        let (record, behind) = rest.split_at_mut(HEAD + len);
        record[..4].copy_from_slice(&(len as u32).to_le_bytes());
        record[12..16].copy_from_slice(&seq.to_le_bytes());
        const SEGMENT: u8 = 2;
        if record[8] == SEGMENT && len >= HEADER {
            record[HEAD..HEAD + HEADER].copy_from_slice(header);
        }
        let crc = crc32c::crc32c_append(crc32c::crc32c(&record[..4]), &record[8..]);
        record[4..8].copy_from_slice(&crc.to_le_bytes());
        seq = seq.wrapping_add(1);
        rest = behind;
    }
}

/// Reads `bytes` as payloads, each behind a byte that says what it is and two that say how long it is. The first one is
/// the schema; when it is empty, that of this release.
#[allow(dead_code, reason = "each fuzz target uses its own part")]
pub(crate) fn codec(bytes: &[u8]) {
    let mut rest = bytes;
    let mut payloads = std::iter::from_fn(|| {
        let (head, behind) = rest.split_at_checked(3)?;
        let len = usize::from(u16::from_le_bytes([head[1], head[2]]));
        let (payload, behind) = behind.split_at(len.min(behind.len()));
        rest = behind;
        let columns = match head[0] % 4 {
            0 => Columns::Sample,
            1 => Columns::Watch,
            2 => Columns::Host,
            _ => Columns::Keyframe,
        };
        Some((columns, payload))
    });
    let Some((_, told)) = payloads.next() else { return };
    let current = schema();
    read_columns(if told.is_empty() { &current } else { told }, payloads);
}
