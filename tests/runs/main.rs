//! Plans flown by the built program over real servers: where they are stopped, what is gone, what is refused.

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/small_disk.rs"]
mod small_disk;

mod flown;

mod gone;
mod stops;
mod tries;
