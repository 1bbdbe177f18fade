//! Any bytes as a log: read, followed, seeked in.
//!
//! Three of four mutations are made to fit their checksums again, or nothing would ever get past these.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

#[path = "../../tests/log/harness.rs"]
mod harness;

fuzz_target!(|bytes: &[u8]| harness::reader(bytes));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let size = fuzzer_mutate(data, size, max_size);
    if seed % 4 > 0 {
        harness::fit(&mut data[..size]);
    }
    size
});
