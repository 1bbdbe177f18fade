//! Connecting, the way psql does.
//!
//! Owns everything between the command line and a ready session: connection strings, service and password
//! files, TLS, several hosts, the settings of lockpit's own sessions, and protocol cancels. Never
//! reconnects and never runs a statement of anybody else's.
//!
//! [`ConnArgs`] is what was asked for, [`Conninfo::resolve`] answers every question it leaves open,
//! [`Conninfo::connect`] makes a [`Session`].

mod args;
mod cancel;
mod classify;
mod conninfo;
mod defaults;
mod dial;
mod error;
mod facts;
mod failure;
mod host;
mod keydata;
mod keywords;
mod link;
mod merge;
mod passfile;
mod password;
mod prompt;
mod secret;
mod service;
mod session;
mod settings;
#[cfg(test)]
mod tests;
mod tls;
mod uri;
mod values;
mod verify;
mod words;

pub use args::ConnArgs;
pub use cancel::{CancelError, Canceller};
pub use conninfo::{Conninfo, TargetSessionAttrs};
pub use error::{ConninfoError, Origin};
pub use failure::{ConnectError, ErrorKind};
pub use host::Host;
pub use prompt::ask_password;
pub use secret::Secret;
pub use session::Session;
pub use settings::SessionSettings;
