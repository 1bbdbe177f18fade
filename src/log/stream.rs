//! The compressed stream of one segment.
//!
//! Owns zstd. Each piece is flushed, so it can be decompressed once its predecessors in the segment were.

use std::fmt;
use std::io::{self, Write};
use std::mem;

use zstd::bulk::Decompressor;
use zstd::stream::write::{Decoder, Encoder};

/// Measured best trade of size against time for samples; higher levels gain 4 %.
const LEVEL: i32 = 3;
/// Log2 of the largest window a reader allows, in bytes: caps what a forged stream makes it allocate.
const MAX_WINDOW_LOG: u32 = 23;

/// Compresses the pieces of one segment.
pub(super) struct Packer(Encoder<'static, Vec<u8>>);

impl Packer {
    pub(super) fn new() -> io::Result<Packer> {
        Ok(Packer(Encoder::new(Vec::new(), LEVEL)?))
    }

    /// The next piece. After an error the stream is not continued.
    pub(super) fn pack(&mut self, plain: &[u8]) -> io::Result<Vec<u8>> {
        self.0.write_all(plain)?;
        self.0.flush()?;
        Ok(mem::take(self.0.get_mut()))
    }
}

/// `plain` as a frame of its own.
pub(super) fn pack_alone(plain: &[u8]) -> io::Result<Vec<u8>> {
    zstd::bulk::compress(plain, LEVEL)
}

/// What a frame of its own holds.
pub(super) fn unpack_alone(packed: &[u8], cap: usize) -> io::Result<Vec<u8>> {
    // The frame says how long it is; a claim beyond the cap is refused before anything is allocated for it.
    let claimed = Decompressor::upper_bound(packed).unwrap_or(cap);
    if claimed > cap {
        return Err(io::Error::other("a record decompresses to more than it may hold"));
    }
    zstd::bulk::decompress(packed, claimed)
}

/// Decompresses the pieces of one segment.
pub(super) struct Unpacker(Decoder<'static, Capped>);

impl Unpacker {
    pub(super) fn new() -> io::Result<Unpacker> {
        let mut decoder = Decoder::new(Capped { bytes: Vec::new(), left: 0 })?;
        decoder.window_log_max(MAX_WINDOW_LOG)?;
        Ok(Unpacker(decoder))
    }

    /// What the next piece holds, at most `cap` bytes. After an error the stream is not continued.
    pub(super) fn unpack(&mut self, piece: &[u8], cap: usize) -> io::Result<Vec<u8>> {
        self.0.get_mut().left = cap;
        self.0.write_all(piece)?;
        self.0.flush()?;
        Ok(mem::take(&mut self.0.get_mut().bytes))
    }
}

impl fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unpacker")
    }
}

/// A buffer that refuses to grow past its cap.
struct Capped {
    bytes: Vec<u8>,
    left: usize,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self
            .left
            .checked_sub(bytes.len())
            .ok_or_else(|| io::Error::other("a piece decompresses to more than a record may hold"))?;
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_piece_is_complete_by_itself() {
        let (mut packer, mut unpacker) = (Packer::new().expect("zstd"), Unpacker::new().expect("zstd"));
        let long = "abc".repeat(100_000);
        for plain in ["", "one", "one", &long, "", "two"] {
            let piece = packer.pack(plain.as_bytes()).expect("packed");
            assert_eq!(unpacker.unpack(&piece, 300_000).expect("unpacked"), plain.as_bytes());
        }
    }

    #[test]
    fn a_piece_that_explodes_is_refused() {
        let piece = Packer::new().and_then(|mut p| p.pack(&vec![0; 1 << 20])).expect("packed");
        assert!(piece.len() < 1_000);
        let refused = Unpacker::new().expect("zstd").unpack(&piece, (1 << 20) - 1);
        assert!(refused.expect_err("too long").to_string().contains("more than a record may hold"));
    }
}
