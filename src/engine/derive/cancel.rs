//! Whether a cancel ends what a backend does.
//!
//! Owns what is known of `pg_cancel_backend` by part and state. Never asks for one.

use crate::engine::ids::Pid;
use crate::engine::sample::{Backend, State};
use crate::engine::scene::Part;

use super::lookup::Lookup;

/// What a cancel does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CancelWorks {
    /// It ends the statement.
    Yes,
    /// It does nothing, and why.
    No(String),
    /// It frees who waits, and undoes nothing.
    FreesOnly(String),
    /// It cannot be told, and why.
    Unknown(String),
}

impl CancelWorks {
    /// What a cancel of `pid` does now.
    pub fn of(look: &Lookup<'_>, pid: Pid) -> CancelWorks {
        let no = |why: &str| CancelWorks::No(why.to_owned());
        let unknown = |why: &str| CancelWorks::Unknown(why.to_owned());
        match look.cockpit().scene().part(pid) {
            Part::Prepared => return no("a prepared transaction has no process to signal"),
            Part::WalSender => {
                return unknown("what a cancel does to a WAL sender depends on what it streams");
            }
            Part::Server => return unknown("a server process may take no cancel"),
            Part::Unknown => return unknown("it is not in the activity"),
            Part::Client | Part::SchemaWork | Part::Lockpit | Part::Autovacuum => {}
        }
        let Some(backend) = look.backend(pid) else { return unknown("it is not in the activity") };
        if waits_for_standby(backend) {
            return CancelWorks::FreesOnly(
                "it is committed here and stays; a cancel only ends its wait for a standby".to_owned(),
            );
        }
        match backend.state {
            State::Active | State::Fastpath => CancelWorks::Yes,
            State::None if backend.kind == crate::engine::sample::BackendKind::Autovacuum => CancelWorks::Yes,
            State::Idle => no("it is idle: there is no statement to cancel"),
            State::IdleInTransaction | State::IdleInTransactionAborted => {
                no("it is idle in transaction, where a cancel does nothing")
            }
            State::Masked => unknown("its state is hidden from this login"),
            State::Disabled => unknown("its state is not tracked"),
            State::None => unknown("it has no state"),
        }
    }
}

/// Whether a backend is committed, and waits for a synchronous standby.
pub fn waits_for_standby(backend: &Backend) -> bool {
    crate::engine::sample::is_sync_rep(backend.wait_event.as_deref())
}
