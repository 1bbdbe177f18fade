//! A flight replays exactly: whole, cut anywhere, and after its writer was killed.

#[path = "../support/mod.rs"]
mod support;

mod cuts;
mod flights;
mod full_disk;
mod goes_on;
mod killed;
mod resumed;
mod ring;
#[path = "../support/small_disk.rs"]
mod small_disk;
mod writer;
