//! A flight seen from another process: finding it, talking to it, reading along.
//!
//! Owns the words spoken on a flight's socket ([`protocol`]), where sockets are ([`place`]), which flights are
//! in the air ([`find`]), the client's end ([`Remote`]) and the log of a flight in the air ([`Tail`]). Never
//! decides whether a command is allowed: the flight does.

mod account;
mod client;
mod find;
pub mod place;
pub mod protocol;
mod tail;

pub(crate) use account::operator;
pub use account::{account_name, group_id, host_name, own_name};
pub use client::{Remote, RemoteError};
pub use find::{FindError, InTheAir, Silent, find, flights};
pub use tail::Tail;
