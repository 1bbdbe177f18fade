//! PostgreSQL at the edge.
pub mod connect;
pub mod control;
pub mod progress;
pub mod sampler;
pub mod stop;
pub mod text;
pub mod time;
pub mod watchdog;
