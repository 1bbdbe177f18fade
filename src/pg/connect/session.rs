//! One session of lockpit's own.
//!
//! Owns the client, its driver task and the knowledge of why it ended. Never reconnects.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Connection};

use super::cancel::{CancelError, Canceller};
use super::classify;
use super::facts::Facts;
use super::host::Host;
use super::link::{Link, Peer};

/// A session on the server. Dropping it closes the socket; [`Session::close`] also says goodbye.
#[derive(Debug)]
pub struct Session {
    pub(super) client: Client,
    pub(super) driver: Driver,
    pub(super) facts: Facts,
    pub(super) host: Host,
    pub(super) tls: bool,
    pub(super) canceller: Canceller,
    pub(super) notes: Vec<String>,
    pub(super) reset: String,
}

impl Session {
    /// How long [`Session::close`] waits for the farewell to leave.
    const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

    /// The client to send statements with.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The process id of this session's backend.
    pub fn backend_pid(&self) -> i32 {
        self.facts.backend_pid
    }

    /// `server_version_num`.
    pub fn server_version_num(&self) -> u32 {
        self.facts.version_num
    }

    /// Whether the server was in recovery when the session began.
    pub fn in_recovery(&self) -> bool {
        self.facts.in_recovery
    }

    /// Whether TLS protects the session.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The address this session is connected to; `None` for a Unix socket, which is on this machine.
    pub fn peer(&self) -> Option<IpAddr> {
        match &self.canceller.route.peer {
            Peer::Tcp(address) => Some(address.ip()),
            Peer::Unix(_) => None,
        }
    }

    /// The server this session reached, for [`super::Conninfo::pinned_to`].
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// What this server cannot do of what a session wants: sentences for people.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The statements that give it the settings again with which it began, whatever was set since.
    pub fn reset(&self) -> &str {
        &self.reset
    }

    /// Why the session is over, in one line; `None` while it is not.
    pub fn closed_because(&self) -> Option<Arc<str>> {
        self.driver.end.borrow().clone()
    }

    /// Waits until the session is over and says why.
    pub async fn closed(&self) -> Arc<str> {
        let mut end = self.driver.end.clone();
        match end.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_else(|| Arc::from(Driver::VANISHED)),
            Err(_) => Arc::from(Driver::VANISHED),
        }
    }

    /// Cancels what this session runs; see [`Canceller::cancel`].
    ///
    /// # Errors
    /// [`CancelError`]; the session must then be closed.
    pub async fn cancel(&self) -> Result<(), CancelError> {
        self.canceller.cancel().await
    }

    /// A handle that cancels what this session runs, for another task.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Ends the session so that the server sees it end: waits, at most a second, until the farewell left.
    pub async fn close(self) {
        let Session { client, mut driver, .. } = self;
        drop(client);
        // A driver that does not end is stuck in a dead socket, and is aborted when it is dropped.
        let _ = tokio::time::timeout(Session::CLOSE_TIMEOUT, &mut driver.task).await;
    }
}

/// The task that moves bytes for a [`Client`]; aborted on drop.
#[derive(Debug)]
pub(super) struct Driver {
    task: JoinHandle<()>,
    end: watch::Receiver<Option<Arc<str>>>,
}

impl Driver {
    const VANISHED: &str = "its task was ended";

    /// Starts driving `connection` on the current runtime.
    pub(super) fn spawn(connection: Connection<Link, Link>) -> Driver {
        let (reason, end) = watch::channel(None);
        let task = tokio::spawn(async move {
            let text = match connection.await {
                Ok(()) => "it was closed by lockpit".to_owned(),
                Err(e) => classify::end_of_session(&e),
            };
            reason.send_replace(Some(Arc::from(text)));
        });
        Driver { task, end }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.task.abort();
    }
}
