//! lockpit: the terminal cockpit in which a DBA flies a PostgreSQL migration by hand.
pub mod cli;
pub mod clock;
pub mod demo;
pub mod engine;
pub mod flight;
pub mod headless;
pub mod log;
pub mod pg;
mod random;
pub mod replay;
