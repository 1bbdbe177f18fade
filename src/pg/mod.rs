//! PostgreSQL at the edge: connecting, looking, stopping, digesting texts.
//!
//! Owns every session and every statement that is sent. Decides nothing.

pub mod connect;
pub mod control;
pub mod progress;
pub mod runner;
pub mod sampler;
pub mod stop;
pub mod text;
pub mod time;
pub mod watchdog;

/// What went wrong, in one line: the server's own words where it said any, since the error alone reads
/// `db error`.
fn message(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |said| said.message().to_owned())
}
