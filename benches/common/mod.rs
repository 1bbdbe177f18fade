//! What the benchmarks share: a crowd of clients with a lock queue in it, lockpit as a process with stamped
//! lines, processor time and memory, tables.
#![allow(dead_code, reason = "each benchmark uses its own part")]

pub(crate) mod cpu;
pub(crate) mod crowd;
pub(crate) mod pilot;
pub(crate) mod proc;
pub(crate) mod table;

/// The number after `name` on the command line.
pub(crate) fn argument<T: std::str::FromStr>(name: &str) -> Option<T> {
    let args: Vec<String> = std::env::args().collect();
    args.iter().position(|arg| arg == name).and_then(|i| args.get(i + 1)?.parse().ok())
}
