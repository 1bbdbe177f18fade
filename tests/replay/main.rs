//! A flight replays exactly: whole, cut anywhere, and after its writer was killed.

#[path = "../support/mod.rs"]
mod support;

mod cuts;
mod flights;
mod killed;
mod writer;
