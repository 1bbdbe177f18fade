//! What the benchmarks share: a crowd of clients with a lock queue in it, lockpit as a process with stamped
//! lines, processor time and memory from `/proc`, tables.
#![allow(dead_code, reason = "each benchmark uses its own part")]

pub(crate) mod crowd;
pub(crate) mod pilot;
pub(crate) mod proc;
pub(crate) mod table;
