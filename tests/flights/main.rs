//! Flights of the built program over real servers: what the guard sees, stops, refuses and leaves alone.

#[path = "../support/mod.rs"]
mod support;

mod flight;
mod queue;

mod fates;
mod identity;
mod jam;
mod maintenance;
mod retry;
mod rights;
mod roots;
mod sampler;
mod scripts;
mod shadow;
mod sync_rep;
mod targets;
mod transactions;
