//! The flight log, through its public interface and byte by byte.

mod compat;
mod damage;
mod follow;
mod forge;
mod loss;
mod recording;
mod roundtrip;
mod support;
mod variants;
