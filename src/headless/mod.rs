//! A flight without a screen: JSON lines.
//!
//! Owns what is printed and how it follows from the engine. Lines are derived from inputs and the engine's
//! state alone, so a replay prints the lines of the flight. Never decides anything.

pub mod line;
mod narrator;
mod tree;

pub use narrator::Narrator;
