//! Cancelling by the protocol's own request, which needs no slot and no second session.
//!
//! Owns the wait for the end of that connection: the server signals the backend before it closes, so once
//! the end is seen no later statement can be hit. Never says what the cancel hit; the server does not tell.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::classify;
use super::keydata::CancelRequest;
use super::link::{Link, Route};

/// Why a CancelRequest may not have arrived.
///
/// Whatever the reason, the request may still hit later: nothing else may be sent on that session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CancelError {
    /// It was not sent.
    #[error(
        "the cancel request could not be sent to {server}: {why}; terminate the backend from another session"
    )]
    NotSent {
        /// The server.
        server: String,
        /// What happened.
        why: String,
    },
    /// It was perhaps sent, and the server did not close the connection in time.
    #[error(
        "{server} did not answer the cancel request within {waited_ms} ms; it may still act on it, so close the \
         session"
    )]
    NoEnd {
        /// The server.
        server: String,
        /// How long was waited, in milliseconds.
        waited_ms: u64,
    },
}

/// Cancels what one session runs; outlives the borrow of the session, and may outlive the session.
#[derive(Clone)]
pub struct Canceller {
    pub(super) route: Route,
    pub(super) request: CancelRequest,
    pub(super) server: String,
}

impl Canceller {
    /// How long [`Canceller::cancel`] waits for the server to close.
    pub const TIMEOUT: Duration = Duration::from_secs(5);

    /// Sends a CancelRequest, over TLS where the session uses TLS, and returns when the server has closed
    /// that connection. A statement that the session sends afterwards cannot be hit by it.
    ///
    /// # Errors
    /// [`CancelError`] when that point was not reached.
    pub async fn cancel(&self) -> Result<(), CancelError> {
        let not_sent = |why: String| CancelError::NotSent { server: self.server.clone(), why };
        let send = async {
            let mut link = Link::open(&self.route).await.map_err(|e| not_sent(classify::open_error(&e).1))?;
            let broken = |e: std::io::Error| not_sent(e.to_string());
            link.write_all(self.request.bytes()).await.map_err(broken)?;
            link.flush().await.map_err(broken)?;
            // A reset is an end too, and so is an end without TLS's farewell.
            let mut rest = [0; 64];
            while link.read(&mut rest).await.is_ok_and(|n| n > 0) {}
            Ok(())
        };
        tokio::time::timeout(Canceller::TIMEOUT, send).await.unwrap_or_else(|_| {
            let waited_ms = u64::try_from(Canceller::TIMEOUT.as_millis()).unwrap_or(u64::MAX);
            Err(CancelError::NoEnd { server: self.server.clone(), waited_ms })
        })
    }
}

impl std::fmt::Debug for Canceller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Canceller").field("server", &self.server).field("request", &self.request).finish()
    }
}
