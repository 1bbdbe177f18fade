//! The framing of format 0, written down a second time from its description: what the tests cut and forge with.

/// A record, as found in a log's bytes.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) at: usize,
    pub(crate) end: usize,
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) followers: u16,
    pub(crate) seq: u32,
}

pub(crate) const HEADER: usize = 72;
pub(crate) const SEGMENT: u8 = 2;

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

/// All records of an intact log.
pub(crate) fn records(bytes: &[u8]) -> Vec<Found> {
    let (mut at, mut found) = (HEADER, Vec::new());
    while at < bytes.len() {
        let end = at + 24 + u32_at(bytes, at) as usize;
        found.push(Found {
            at,
            end,
            kind: bytes[at + 8],
            flags: bytes[at + 9],
            followers: u16::from_le_bytes([bytes[at + 10], bytes[at + 11]]),
            seq: u32_at(bytes, at + 12),
        });
        at = end;
    }
    found
}

/// The bytes of a record whose checksum fits.
pub(crate) fn record(kind: u8, flags: u8, followers: u16, seq: u32, at_us: i64, payload: &[u8]) -> Vec<u8> {
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
    let crc = crc32c::crc32c(&bytes[..HEADER - 4]);
    bytes[HEADER - 4..HEADER].copy_from_slice(&crc.to_le_bytes());
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
