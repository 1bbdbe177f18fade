//! Other limits over recorded flights: what they say, of which logs, and how the program ends.

#[path = "../support/mod.rs"]
mod support;

mod limits;
mod program;
mod recordings;
