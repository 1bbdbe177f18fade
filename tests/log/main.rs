//! The flight log, through its public interface and byte by byte.

mod compat;
mod damage;
mod follow;
mod forge;
mod loss;
mod recording;
mod roundtrip;
#[path = "../support/small_disk.rs"]
mod small_disk;
mod support;
mod variants;
