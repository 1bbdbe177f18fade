//! Client sessions of tests: they run statements, block, and are ended.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::types::FromSqlOwned;
use tokio_postgres::{Client, Config, Error, NoTls, SimpleQueryMessage};

/// One client session. Dropped, it hangs up without a word, as a killed client does.
pub(crate) struct Actor {
    client: Arc<Client>,
    connection: JoinHandle<Result<(), Error>>,
    config: Config,
    pid: i32,
}

impl Actor {
    /// Connects under `application_name`.
    pub(crate) async fn connect(config: &Config, application_name: &str) -> Actor {
        Actor::try_connect(config, application_name)
            .await
            .unwrap_or_else(|error| panic!("{application_name} cannot connect: {error:?}"))
    }

    /// Connects under `application_name`, or says why not.
    pub(crate) async fn try_connect(config: &Config, application_name: &str) -> Result<Actor, Error> {
        let mut config = config.clone();
        config.application_name(application_name);
        let (client, connection) = config.connect(NoTls).await?;
        let connection = tokio::spawn(connection);
        let pid = client.query_one("select pg_backend_pid()", &[]).await?.get(0);
        Ok(Actor { client: Arc::new(client), connection, config, pid })
    }

    /// The pid of its backend.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Runs one or more statements; fails the test if the server does.
    pub(crate) async fn exec(&self, sql: &str) {
        self.try_exec(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// Runs one or more statements.
    pub(crate) async fn try_exec(&self, sql: &str) -> Result<(), Error> {
        self.client.batch_execute(sql).await
    }

    /// The first column of the only row of a query.
    pub(crate) async fn value<T: FromSqlOwned>(&self, sql: &str) -> T {
        self.client.query_one(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}")).get(0)
    }

    /// All rows of a query as texts, columns joined by `|`, null as nothing: for looking at and comparing.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        let messages = self.client.simple_query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                let columns: Vec<&str> = (0..row.len()).map(|i| row.get(i).unwrap_or("")).collect();
                Some(columns.join("|"))
            }
            _ => None,
        });
        rows.collect()
    }

    /// Sends statements that may block and returns at once.
    pub(crate) fn spawn(&self, sql: &str) -> Running {
        let (client, sql) = (Arc::clone(&self.client), sql.to_owned());
        let task = tokio::spawn({
            let sql = sql.clone();
            async move { client.batch_execute(&sql).await }
        });
        Running { sql, pid: self.pid, task }
    }

    /// Cancels its statement with a cancel request, as Ctrl-C in psql does.
    pub(crate) async fn cancel(&self) {
        self.client.cancel_token().cancel_query(NoTls).await.expect("a cancel request");
    }

    /// Terminates its backend from another session.
    pub(crate) async fn kill(&self) {
        let other = Actor::connect(&self.config, "test/kill").await;
        other.exec(&format!("select pg_terminate_backend({})", self.pid)).await;
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// Statements under way.
#[derive(Debug)]
pub(crate) struct Running {
    sql: String,
    pid: i32,
    task: JoinHandle<Result<(), Error>>,
}

impl Running {
    /// The pid of the backend that runs them.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether they have ended.
    pub(crate) fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// How they ended; fails the test when they have not by the deadline.
    #[track_caller]
    pub(crate) fn finish(self, deadline: Duration) -> impl Future<Output = Result<(), Error>> {
        let caller = std::panic::Location::caller();
        async move {
            let Running { sql, pid, task } = self;
            tokio::time::timeout(deadline, task)
                .await
                .unwrap_or_else(|_| panic!("pid {pid} still runs after {deadline:?}: {sql} (at {caller})"))
                .expect("the task that awaits it does not panic")
        }
    }
}
