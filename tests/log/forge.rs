//! The framing of format 1, written down a second time from its description: what the tests cut and forge with.

use sha2::{Digest, Sha256};

/// A record, as found in a log's bytes.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) at: usize,
    pub(crate) end: usize,
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) followers: u16,
    pub(crate) seq: u32,
    pub(crate) at_us: u64,
}

/// Bytes of a record before its payload.
pub(crate) const HEAD: usize = 24;
pub(crate) const CHAIN: usize = 32;

pub(crate) mod kind {
    pub(crate) const META: u8 = 0x01;
    pub(crate) const SEGMENT: u8 = 0x02;
    pub(crate) const INPUT: u8 = 0x03;
    pub(crate) const INTENT: u8 = 0x04;
    pub(crate) const GAP: u8 = 0x05;
    pub(crate) const END: u8 = 0x06;
    pub(crate) const SAMPLE: u8 = 0x07;
    pub(crate) const WATCH: u8 = 0x08;
    pub(crate) const HOST: u8 = 0x09;
    pub(crate) const TEXT: u8 = 0x0a;
    pub(crate) const SCHEMA: u8 = 0x0b;
    pub(crate) const KEYFRAME: u8 = 0x0c;
    pub(crate) const CHECKPOINT: u8 = 0x81;
    pub(crate) const EVENT: u8 = 0x82;

    /// All of them, ascending.
    pub(crate) const ALL: [u8; 14] = [
        META, SEGMENT, INPUT, INTENT, GAP, END, SAMPLE, WATCH, HOST, TEXT, SCHEMA, KEYFRAME, CHECKPOINT,
        EVENT,
    ];
}

pub(crate) mod flag {
    pub(crate) const PIECE: u8 = 1;
    pub(crate) const BATCH: u8 = 2;
    pub(crate) const PACKED: u8 = 4;
    pub(crate) const RETOLD: u8 = 8;
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

/// Bytes of a log's header, by its own word.
pub(crate) fn header_len(bytes: &[u8]) -> usize {
    usize::from(u16::from_le_bytes([bytes[10], bytes[11]]))
}

impl Found {
    /// The payload, as it is stored.
    pub(crate) fn payload<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.at + HEAD..self.end]
    }

    /// The same record with other contents.
    pub(crate) fn with(&self, payload: &[u8]) -> Vec<u8> {
        record(self.kind, self.flags, self.followers, self.seq, self.at_us, payload)
    }
}

/// All records of an intact log.
pub(crate) fn records(bytes: &[u8]) -> Vec<Found> {
    let (mut at, mut found) = (header_len(bytes), Vec::new());
    while at < bytes.len() {
        let end = at + HEAD + u32_at(bytes, at) as usize;
        found.push(Found {
            at,
            end,
            kind: bytes[at + 8],
            flags: bytes[at + 9],
            followers: u16::from_le_bytes([bytes[at + 10], bytes[at + 11]]),
            seq: u32_at(bytes, at + 12),
            at_us: u64::from_le_bytes(bytes[at + 16..at + 24].try_into().expect("8 bytes")),
        });
        at = end;
    }
    found
}

/// The bytes of a record whose checksum fits.
pub(crate) fn record(kind: u8, flags: u8, followers: u16, seq: u32, at_us: u64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_le_bytes().to_vec();
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&followers.to_le_bytes());
    bytes.extend_from_slice(&seq.to_le_bytes());
    bytes.extend_from_slice(&at_us.to_le_bytes());
    bytes.extend_from_slice(payload);
    let crc = crc32c::crc32c(&[&bytes[..4], &bytes[8..]].concat());
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// Makes a changed header fit its checksum again.
pub(crate) fn reseal_header(bytes: &mut [u8]) {
    let crc_at = header_len(bytes) - 4;
    let crc = crc32c::crc32c(&bytes[..crc_at]);
    bytes[crc_at..crc_at + 4].copy_from_slice(&crc.to_le_bytes());
}

/// The log of these records behind the header of `bytes`, as if they had been written so: copies of the header, seals,
/// ways back, lists of texts, numbers and checksums all fit.
pub(crate) fn rewritten(bytes: &[u8], wanted: &[(Found, Vec<u8>)]) -> Vec<u8> {
    let header = &bytes[..header_len(bytes)];
    let mut out = header.to_vec();
    let mut chain: [u8; CHAIN] = Sha256::digest(header).into();
    let (mut segment_at, mut texts_at) = (0_u64, Vec::new());
    for (seq, (found, payload)) in (0_u32..).zip(wanted) {
        let at = out.len() as u64;
        let payload = match found.kind {
            kind::SEGMENT => {
                let mut seal = [header, &chain, &segment_at.to_le_bytes()].concat();
                seal.extend_from_slice(&(texts_at.len() as u32).to_le_bytes());
                seal.extend(texts_at.drain(..).flat_map(u64::to_le_bytes));
                segment_at = at;
                seal
            }
            kind::END => chain.to_vec(),
            _ => payload.clone(),
        };
        if found.kind == kind::TEXT {
            texts_at.push(at);
        }
        let record = record(found.kind, found.flags, found.followers, seq, found.at_us, &payload);
        let digest: [u8; CHAIN] = Sha256::digest(&record).into();
        chain = Sha256::digest([chain, digest].concat()).into();
        out.extend(record);
    }
    out
}

/// The same records with what `change` makes of each piece of a segment's stream, and of what it is.
pub(crate) fn with_streams(
    mut records: Vec<(Found, Vec<u8>)>,
    mut change: impl FnMut(&mut Found, &mut Vec<u8>),
) -> Vec<(Found, Vec<u8>)> {
    use std::io::Write;
    use zstd::stream::write::{Decoder, Encoder};

    let mut stream = None;
    for (found, payload) in &mut records {
        if found.kind == kind::SEGMENT {
            let encoder = Encoder::new(Vec::new(), 3).expect("zstd");
            stream = Some((Decoder::new(Vec::new()).expect("zstd"), encoder));
        }
        if found.flags & flag::PIECE == 0 {
            continue;
        }
        let (decoder, encoder) = stream.as_mut().expect("a segment begins before its pieces");
        decoder.write_all(payload).and_then(|()| decoder.flush()).expect("a piece");
        let mut plain = std::mem::take(decoder.get_mut());
        change(found, &mut plain);
        encoder.write_all(&plain).and_then(|()| encoder.flush()).expect("packed");
        *payload = std::mem::take(encoder.get_mut());
    }
    records
}

/// Every record of an intact log, with its payload.
pub(crate) fn taken_apart(bytes: &[u8]) -> Vec<(Found, Vec<u8>)> {
    records(bytes)
        .into_iter()
        .map(|found| {
            let payload = found.payload(bytes).to_vec();
            (found, payload)
        })
        .collect()
}

/// Pseudo-random numbers, the same in each run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound
    }
}
