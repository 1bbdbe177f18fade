//! Reports: a flight told to those who were not there, from its log.
//!
//! Never decides anything, and never changes a log.

pub mod cast;
