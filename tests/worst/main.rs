//! Bad days: links, servers and processes that break in flight, on real servers through the built program.

#[path = "../support/mod.rs"]
mod support;

mod clock;
mod flight;
mod frozen;
mod hostile;
mod many_locks;
mod names;
mod output;
mod partition;
mod paused;
mod queue;
mod restart;
mod sessions;
mod signals;
mod watchdog;
