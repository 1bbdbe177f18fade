//! What a server says of itself right after the login.
//!
//! Owns the first question of every session and whether the answer is good enough to go on. Never changes
//! anything at the server.

use tokio_postgres::{Client, SimpleQueryMessage};

use super::classify::Verdict;
use super::conninfo::TargetSessionAttrs;
use super::failure::ErrorKind;
use super::keydata::CancelRequest;

/// What a session learnt about its server on connecting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) backend_pid: i32,
    pub(super) version_num: u32,
    pub(super) in_recovery: bool,
    /// The default of the login's transactions.
    pub(super) read_only: bool,
}

impl Facts {
    /// Asks the server. Names are qualified, because the search path is not ours yet. An answer that cannot
    /// be read has process id 0, which [`Facts::judge`] refuses.
    pub(super) async fn ask(client: &Client) -> Result<Facts, tokio_postgres::Error> {
        const QUESTION: &str = "SELECT pg_catalog.pg_backend_pid(), \
            pg_catalog.current_setting('server_version_num'), \
            pg_catalog.pg_is_in_recovery(), \
            pg_catalog.current_setting('default_transaction_read_only')";
        let answer = client.simple_query(QUESTION).await?;
        let row = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let text = |i: usize| row.and_then(|row| row.try_get(i).ok().flatten()).unwrap_or_default();
        Ok(Facts {
            backend_pid: text(0).parse().unwrap_or(0),
            version_num: text(1).parse().unwrap_or(0),
            in_recovery: text(2) == "t",
            read_only: text(3) == "on",
        })
    }

    /// Whether this is the process that was announced, on a server of the wanted kind.
    pub(super) fn judge(&self, request: &CancelRequest, wanted: TargetSessionAttrs) -> Result<(), Verdict> {
        if self.backend_pid == 0 || self.version_num == 0 {
            return Err((ErrorKind::Other, "the server does not say its process id and version".to_owned()));
        }
        if request.pid() != Some(self.backend_pid) {
            let why = "a connection pooler stands between: the process that answers is not the one announced";
            return Err((ErrorKind::Pooler, why.to_owned()));
        }
        let writes = !self.in_recovery && !self.read_only;
        let (fits, wants) = match wanted {
            TargetSessionAttrs::Any | TargetSessionAttrs::PreferStandby => (true, "any"),
            TargetSessionAttrs::ReadWrite => (writes, "read-write"),
            TargetSessionAttrs::ReadOnly => (!writes, "read-only"),
            TargetSessionAttrs::Primary => (!self.in_recovery, "primary"),
            TargetSessionAttrs::Standby => (self.in_recovery, "standby"),
        };
        if fits {
            return Ok(());
        }
        let is = if self.in_recovery { "a standby" } else { "a primary" };
        let mode = if writes { "takes writes" } else { "takes no writes" };
        let why = format!("the server is {is} that {mode}, and target_session_attrs is {wants}");
        Err((ErrorKind::WrongRole, why))
    }
}
