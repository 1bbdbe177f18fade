//! Any bytes as the columns of a segment's samples, watches and readings of the machine.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/log/harness.rs"]
mod harness;

fuzz_target!(|bytes: &[u8]| harness::codec(bytes));
