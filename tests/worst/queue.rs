//! A lock queue in three acts, so that a guard may end it before it is complete: an old reader, a DDL that
//! queues behind it, clients that queue behind the DDL.

use tokio_postgres::Config;

use crate::support::{Actor, LONG, Running, wait_until};

/// The sessions of a queue on the table `queued`, connected beforehand.
pub(crate) struct Queue {
    /// Looks at the server.
    pub(crate) observer: Actor,
    /// Idle in transaction, holding ACCESS SHARE on the table.
    pub(crate) reader: Actor,
    /// Whose DDL is under guard.
    pub(crate) ddl: Actor,
    clients: Vec<Actor>,
}

/// What lets a queue stay as it is under an armed guard.
pub(crate) const PATIENT: [&str; 4] = ["--queue-depth", "1000", "--queue-age", "1h"];

impl Queue {
    /// The table, the old reader, and the other sessions idle; `application_name` is that of the DDL.
    pub(crate) async fn prepare(config: &Config, application_name: &str, n_clients: usize) -> Queue {
        let observer = Actor::connect(config, "test/observer").await;
        observer.exec("create table queued (id int primary key, note text)").await;
        let reader = Actor::connect(config, "report-job").await;
        reader.exec("begin; select count(*) from queued").await;
        let ddl = Actor::connect(config, application_name).await;
        let mut clients = Vec::new();
        for _ in 0..n_clients {
            clients.push(Actor::connect(config, "app").await);
        }
        Queue { observer, reader, ddl, clients }
    }

    /// The DDL, once it waits for the reader.
    pub(crate) async fn alter(&self) -> Running {
        self.alter_by(&self.ddl).await
    }

    /// A DDL of another session, once it waits.
    pub(crate) async fn alter_by(&self, ddl: &Actor) -> Running {
        let running = ddl.spawn("alter table queued add column added int");
        wait_until("the DDL awaits its lock", LONG, async || {
            if waits(&self.observer, ddl.pid()).await { Ok(()) } else { Err("it does not".to_owned()) }
        })
        .await;
        running
    }

    /// The clients begin to read, and queue.
    pub(crate) fn pile_up(&self) -> Vec<Running> {
        self.clients.iter().map(|client| client.spawn("select count(*) from queued")).collect()
    }

    /// Whether the DDL awaits its lock.
    pub(crate) async fn is_waiting(&self) -> bool {
        waits(&self.observer, self.ddl.pid()).await
    }
}

async fn waits(observer: &Actor, pid: i32) -> bool {
    observer.value(&format!("select exists (select from pg_locks where pid = {pid} and not granted)")).await
}

/// The statement was ended by somebody, and these clients go on.
pub(crate) async fn stopped(alter: Running, clients: Vec<Running>) {
    alter.finish(LONG).await.expect_err("the DDL is stopped");
    for client in clients {
        client.finish(LONG).await.expect("a client reads on");
    }
}

/// Arguments that arm the guard for this application.
pub(crate) fn armed(application_name: &str) -> [String; 3] {
    ["--arm".to_owned(), "--target".to_owned(), format!("app={application_name}")]
}
