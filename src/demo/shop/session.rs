//! One session of the shop, which ends with its owner.

use std::error::Error as _;

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error, NoTls, Statement};

use super::ShopError;

/// A session under an `application_name` of its own. Dropped, its socket closes at once.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    connection: JoinHandle<()>,
    pid: i32,
}

impl Session {
    pub(super) async fn open(config: &Config, application: &str) -> Result<Session, ShopError> {
        let failed = |source| ShopError::Connect { application: application.to_owned(), source };
        let (client, connection) =
            config.clone().application_name(application).connect(NoTls).await.map_err(failed)?;
        // Its error reaches the client as well.
        let connection = tokio::spawn(async move { drop(connection.await) });
        let mut session = Session { client, connection, pid: 0 };
        session.pid = session.client.query_one("select pg_backend_pid()", &[]).await.map_err(failed)?.get(0);
        // A backend that awaits a lock then notices that its client is gone. Not every system can; it is a
        // courtesy to the demonstration's server, nothing depends on it.
        let _ = session.client.batch_execute("set client_connection_check_interval = '200ms'").await;
        Ok(session)
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    pub(super) async fn run(&self, doing: &'static str, sql: &str) -> Result<(), ShopError> {
        self.client.batch_execute(sql).await.map_err(|source| ShopError::Statement { doing, source })
    }

    pub(super) async fn prepare(&self, sql: &str) -> Result<Statement, Error> {
        self.client.prepare(sql).await
    }

    /// Runs a prepared statement with up to two numbers.
    pub(super) async fn execute(&self, statement: &Statement, numbers: &[i64]) -> Result<(), Error> {
        let [a, b] = [numbers.first(), numbers.get(1)].map(|number| number.copied().unwrap_or(0));
        match statement.params().len() {
            1 => self.client.query(statement, &[&a]).await,
            _ => self.client.query(statement, &[&a, &b]).await,
        }
        .map(drop)
    }

    /// Whether the connection has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Cancels what it is running, so that the session can end.
    pub(super) async fn cancel(&self) {
        // Without it the server still notices the closed socket, only later.
        let _ = self.client.cancel_token().cancel_query(NoTls).await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// The server's words with their code, or what the client says: its error alone reads "db error".
pub(super) fn describe(error: &Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(said), _) => format!("{} ({})", said.message(), said.code().code()),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}
