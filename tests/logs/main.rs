//! Logs listed, cut, masked and removed, by the built program and through the library.

mod cut;
mod list;
mod mask;
mod program;
mod prune;
mod verify;
