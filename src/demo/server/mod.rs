//! Throw-away PostgreSQL servers.
//!
//! Owns the finding of an installed PostgreSQL ([`Binaries`]), a server's directory, processes and port
//! ([`Prepared`], [`Server`]) and the certainty that both are gone when their owner is, however it ended.
//! It never uses an existing data directory, never listens beyond 127.0.0.1 and never runs as root: with
//! root's rights it becomes `postgres`, else `nobody`.
//!
//! All calls block (about half a second for a start); async code calls them on a blocking thread.

mod account;
mod binaries;
mod error;
mod files;
mod home;
mod options;
mod postmaster;

pub use binaries::Binaries;
pub use error::ServerError;
pub use options::ServerOptions;
pub use postmaster::{Prepared, Server, StopMode};
