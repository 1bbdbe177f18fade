//! The sampler's statements on real servers: they run on every version with every kind of login, and what they
//! bring is what the server's own views say.

#[path = "../support/mod.rs"]
mod support;

mod facts;
mod host;
mod pace;
mod progress;
mod replication;
mod statements;
mod workers;

use lockpit::engine::sample::Sample;
use lockpit::pg::sampler::rows;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Error, NoTls, Row};

use support::{Database, LONG, wait_until};

/// A session that runs lockpit's sample, and reads the server's views.
struct Eye {
    client: Client,
    connection: JoinHandle<Result<(), Error>>,
}

impl Eye {
    /// On a session of the superuser.
    async fn open(db: &Database) -> Eye {
        Eye::login(db, "postgres").await
    }

    /// On a session of this role.
    async fn login(db: &Database, role: &str) -> Eye {
        let mut config = db.config();
        config.user(role).application_name("test/eye");
        let (client, connection) = config.connect(NoTls).await.expect("a session");
        Eye { client, connection: tokio::spawn(connection) }
    }

    /// A full sample with the slow facts.
    async fn sample(&self) -> Sample {
        let extra: Vec<i32> = Vec::new();
        let sql = include_str!("../../src/pg/sql/sample.sql");
        let row = self.client.query_one(sql, &[&true, &extra, &0_u32]).await.expect("a sample");
        rows::sample(&row, 0).expect("its shape").sample
    }

    /// The rows of a view.
    async fn view(&self, sql: &str) -> Vec<Row> {
        self.client.query(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// A sample between two equal readings of the server's own view, so that nothing has moved meanwhile.
    async fn still<T: PartialEq + std::fmt::Debug>(
        &self,
        sql: &str,
        read: impl Fn(&[Row]) -> T,
    ) -> (Sample, T) {
        wait_until("a moment in which nothing moves", LONG, async || {
            let before = read(&self.view(sql).await);
            let sample = self.sample().await;
            let after = read(&self.view(sql).await);
            if before == after { Ok((sample, after)) } else { Err(format!("{before:?}, then {after:?}")) }
        })
        .await
    }
}

impl Drop for Eye {
    fn drop(&mut self) {
        self.connection.abort();
    }
}
