//! Framing: the 24 bytes before every payload.
//!
//! Owns how a record is framed and checked. Never looks into a payload.

/// Bytes of a record before its payload.
pub(super) const HEAD_BYTES: usize = 24;
/// Longest payload as stored.
pub(super) const MAX_STORED_BYTES: usize = 72 << 20;
/// Longest payload that is packed by itself, once unpacked.
pub(super) const MAX_PACKED_BYTES: usize = 1 << 20;
/// Longest payload, and longest sum of a batch's payloads, once decompressed.
pub(super) const MAX_PLAIN_BYTES: usize = 64 << 20;
/// Most records of one batch.
pub(super) const MAX_BATCH_RECORDS: usize = 1 << 16;

/// Types of records. Bit 7: a reader that does not know the type may skip it.
pub(super) mod kind {
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

    pub(crate) const ALL: [u8; 14] = [
        META, SEGMENT, INPUT, INTENT, GAP, END, SAMPLE, WATCH, HOST, TEXT, SCHEMA, KEYFRAME, CHECKPOINT,
        EVENT,
    ];
    pub(crate) const IGNORABLE: u8 = 0x80;
}

/// Flags of records.
pub(super) mod flag {
    /// The payload is the next piece of the segment's compressed stream.
    pub(crate) const PIECE: u8 = 0x01;
    /// The record is the first of its batch.
    pub(crate) const BATCH: u8 = 0x02;
    /// The payload is a zstd frame of its own.
    pub(crate) const PACKED: u8 = 0x04;
    /// The record repeats what was recorded before, or lost, for who begins to read here; it is no input. In SEGMENT:
    /// all texts that are needed are told again, and those before are void.
    pub(crate) const RETOLD: u8 = 0x08;

    pub(crate) const KNOWN: u8 = PIECE | BATCH | PACKED | RETOLD;
}

/// The fields of a record before its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordHead {
    /// Bytes of payload.
    pub(super) len: u32,
    crc: u32,
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// How many records of the same batch follow.
    pub(super) followers: u16,
    pub(super) seq: u32,
    /// Time of the flight, in microseconds.
    pub(super) at_us: u64,
}

impl RecordHead {
    /// A head whose length and checksum [`RecordHead::append`] fills in.
    pub(super) fn of(kind: u8, flags: u8, followers: u16, seq: u32, at_us: u64) -> RecordHead {
        RecordHead { len: 0, crc: 0, kind, flags, followers, seq, at_us }
    }

    /// Appends the record with this head and `payload`, which is at most [`MAX_STORED_BYTES`] long.
    pub(super) fn append(mut self, out: &mut Vec<u8>, payload: &[u8]) {
        self.len = u32::try_from(payload.len()).expect("payloads are capped far below 4 GiB");
        self.crc = self.checksum(payload);
        out.extend_from_slice(&self.encode());
        out.extend_from_slice(payload);
    }

    /// Reads a head. Nothing is known to be true of it before [`RecordHead::fits`].
    pub(super) fn parse(bytes: &[u8; HEAD_BYTES]) -> RecordHead {
        let [l0, l1, l2, l3, c0, c1, c2, c3, kind, flags, f0, f1, s0, s1, s2, s3, time @ ..] = *bytes;
        RecordHead {
            len: u32::from_le_bytes([l0, l1, l2, l3]),
            crc: u32::from_le_bytes([c0, c1, c2, c3]),
            kind,
            flags,
            followers: u16::from_le_bytes([f0, f1]),
            seq: u32::from_le_bytes([s0, s1, s2, s3]),
            at_us: u64::from_le_bytes(time),
        }
    }

    /// Whether this head could be that of a record, by what can be told without its payload.
    pub(super) fn is_plausible(&self) -> bool {
        self.kind & !kind::IGNORABLE != 0 && self.len as usize <= MAX_STORED_BYTES
    }

    /// Whether `payload` is all of the payload this head was written for.
    pub(super) fn fits(&self, payload: &[u8]) -> bool {
        payload.len() == self.len as usize && self.checksum(payload) == self.crc
    }

    /// Bytes of the whole record.
    pub(super) fn record_bytes(&self) -> u64 {
        HEAD_BYTES as u64 + u64::from(self.len)
    }

    /// Whether this release knows what the record means.
    pub(super) fn is_known(&self) -> bool {
        kind::ALL.contains(&self.kind) && self.flags & !flag::KNOWN == 0
    }

    /// Whether this release must not go on behind the record.
    pub(super) fn must_be_known(&self) -> bool {
        !self.is_known() && self.kind & kind::IGNORABLE == 0
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn encode(&self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[0..4].copy_from_slice(&self.len.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.crc.to_le_bytes());
        bytes[8] = self.kind;
        bytes[9] = self.flags;
        bytes[10..12].copy_from_slice(&self.followers.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.seq.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.at_us.to_le_bytes());
        bytes
    }

    fn checksum(&self, payload: &[u8]) -> u32 {
        let bytes = self.encode();
        let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes[0..4]), &bytes[8..]);
        crc32c::crc32c_append(crc, payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_and_no_flipped_bit_passes() {
        let mut bytes = Vec::new();
        RecordHead::of(kind::INPUT, flag::PIECE, 3, 77, u64::MAX - 1).append(&mut bytes, b"payload");
        let read = |bytes: &[u8]| {
            let head = RecordHead::parse(bytes[..HEAD_BYTES].try_into().expect("24 bytes"));
            let end = HEAD_BYTES.saturating_add(head.len as usize).min(bytes.len());
            (head, head.fits(&bytes[HEAD_BYTES..end]))
        };

        let (head, fits) = read(&bytes);
        assert!(fits);
        assert_eq!((head.kind, head.flags, head.followers), (kind::INPUT, flag::PIECE, 3));
        assert_eq!((head.seq, head.at_us, head.len), (77, u64::MAX - 1, 7));
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!read(&bytes).1, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn zeros_are_no_record() {
        assert!(!RecordHead::parse(&[0; HEAD_BYTES]).is_plausible());
    }
}
