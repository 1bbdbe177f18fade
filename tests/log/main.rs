//! The flight log, through its public interface and byte by byte.

use lockpit::engine::{Cockpit, ENGINE_VERSION, effect, ids, input, locks, sample, settings, text, timeline};

mod compat;
mod corpus;
mod damage;
mod flight;
mod follow;
mod forge;
mod fuzzed;
mod golden;
mod harness;
mod loss;
mod pinned;
mod recording;
mod replayed;
mod resumed;
mod roundtrip;
#[path = "../support/small_disk.rs"]
mod small_disk;
#[path = "../../src/engine/story.rs"]
mod story;
mod support;
#[path = "../../src/engine/testing.rs"]
mod testing;
#[allow(dead_code, reason = "these tests use a part of it")]
#[path = "../support/traffic.rs"]
mod traffic;
mod variants;
