//! The built program in a terminal: what its user sees, types, and is left with.

#[path = "../support/mod.rs"]
mod support;

mod blocked;
mod detach;
mod ends;
mod joined;
mod orders;
mod panics;
mod refused;
mod replay;
mod rig;
