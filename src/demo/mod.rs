//! The demonstration: a throw-away server, live traffic on a small shop, and a migration that jams it.
//!
//! Owns the parts that `lockpit demo` and the tests put together: [`server`] starts real PostgreSQL servers
//! that never outlive their owner, [`shop`] fills a database and keeps it busy, [`incident`] stages the jam, [`fetch`] gets a
//! server where none is installed.
//! It never touches a server that it did not start, unless it is handed a connection to one.

pub mod fetch;
pub mod incident;
pub mod server;
pub mod shop;
