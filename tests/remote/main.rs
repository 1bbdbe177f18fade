//! Flights in the air, talked to from other processes: the built program on real servers.

#[path = "../support/mod.rs"]
mod support;

mod detach;
mod hangar;
mod join;
mod orders;
mod protocol;
mod signals;
mod tell;
