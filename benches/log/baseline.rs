//! The same inputs without a format: JSON lines, plain and compressed. No checkpoints, no checksums, no syncs.

use std::io::Write;

use lockpit::engine::input::Input;

use crate::common::cpu;

/// The log's own level.
const LEVEL: i32 = 3;

/// What JSON lines take.
#[derive(Default)]
pub(crate) struct Baseline {
    /// Bytes of the lines as they are.
    pub(crate) plain_bytes: u64,
    /// Bytes of one zstd stream a segment, flushed after each line.
    pub(crate) packed_bytes: u64,
    /// Time to make the line of each sample, and to compress it too, in nanoseconds.
    pub(crate) plain_ns: Vec<u64>,
    pub(crate) packed_ns: Vec<u64>,
    stream: Option<zstd::stream::write::Encoder<'static, Vec<u8>>>,
}

impl Baseline {
    /// Adds a line; `begins_segment` begins another stream before it.
    pub(crate) fn add(&mut self, input: &Input, begins_segment: bool) {
        let (line, plain_ns) = cpu::timed(|| {
            let mut line = serde_json::to_vec(input).expect("an input is JSON");
            line.push(b'\n');
            line
        });
        self.plain_bytes += line.len() as u64;
        let (packed, packing_ns) = cpu::timed(|| {
            if begins_segment || self.stream.is_none() {
                self.stream = Some(zstd::stream::write::Encoder::new(Vec::new(), LEVEL).expect("zstd"));
            }
            let stream = self.stream.as_mut().expect("begun above");
            stream.write_all(&line).and_then(|()| stream.flush()).expect("into memory");
            std::mem::take(stream.get_mut()).len() as u64
        });
        self.packed_bytes += packed;
        if matches!(input, Input::Sample(_)) {
            self.plain_ns.push(plain_ns);
            self.packed_ns.push(plain_ns + packing_ns);
        }
    }
}
