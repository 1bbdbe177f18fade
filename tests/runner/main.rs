//! The session that runs a plan, driven by orders, over real servers of every version.

#[path = "../support/mod.rs"]
mod support;

mod asking;
mod ending;
mod looking;
mod programs;
mod rig;
mod session;
mod surveying;
mod trying;
mod wire;
