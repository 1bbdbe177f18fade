//! A crowd of client sessions as a busy application has them, and a lock queue among them.

use lockpit::engine::ids::At;
use tokio::task::{JoinHandle, JoinSet};

use crate::support::{Actor, Database, LONG, Running, wait_until};

/// Sessions that connect at the same time; more would overrun the server's listen queue.
const AT_ONCE: usize = 25;
/// Clients that run a short statement in a loop.
const POLLERS: usize = 20;
/// The last statement of an idle client: about 150 bytes, as an application's are.
const LAST_QUERY: &str = "select a.id, a.owner, a.balance, a.note from account a where a.owner = 'customer 17' \
                          and a.balance > 0 order by a.id desc limit 20 /* app:list */";

/// The crowd: mostly idle, a few busy, some of them made to wait.
pub(crate) struct Crowd {
    db: Database,
    observer: Actor,
    clients: Vec<Actor>,
    pollers: Vec<JoinHandle<()>>,
}

/// A lock queue on `account`: a reader idle in its transaction, an ALTER TABLE behind it, everybody behind that.
pub(crate) struct Queue {
    reader: Actor,
    ddl: Actor,
    alter: Running,
    waiters: Vec<Running>,
}

impl Crowd {
    /// `n_clients` sessions in all, 20 of them busy, on a new table `account`.
    pub(crate) async fn gather(db: &Database, n_clients: usize) -> Crowd {
        let observer = db.actor("bench/observer").await;
        observer
            .exec(
                "create table account (id int primary key, owner text, balance int, note text); \
                 insert into account select i, 'customer ' || i, i, '' from generate_series(1, 1000) i; \
                 analyze account",
            )
            .await;
        let mut clients = Vec::with_capacity(n_clients);
        while clients.len() < n_clients {
            let more = AT_ONCE.min(n_clients - clients.len());
            let connecting: JoinSet<Actor> = (0..more)
                .map(|_| {
                    let db = db.clone();
                    async move {
                        let client = db.actor("app").await;
                        client.exec(LAST_QUERY).await;
                        client
                    }
                })
                .collect();
            clients.extend(connecting.join_all().await);
        }
        let pollers = clients.split_off(n_clients.saturating_sub(POLLERS)).into_iter().map(poll).collect();
        Crowd { db: db.clone(), observer, clients, pollers }
    }

    /// A queue of `n_waiters` of the idle clients, every fourth of which wants to write.
    pub(crate) async fn queue(&self, n_waiters: usize, application_name: &str) -> Queue {
        let reader = self.db.actor("report-job").await;
        reader.exec("begin; select a.id, a.owner from account a where a.balance > 10").await;
        let ddl = self.db.actor(application_name).await;
        let alter = ddl.spawn("alter table account add column added bigint not null default 0");
        self.wait_for(1).await;
        let waiters = self.wait_behind(n_waiters);
        self.wait_for(n_waiters + 1).await;
        Queue { reader, ddl, alter, waiters }
    }

    /// The same without waiting for the queue to form: somebody may end it at any time.
    /// Also returns when the ALTER TABLE was sent, by `now`.
    pub(crate) async fn jam(
        &self,
        n_waiters: usize,
        application_name: &str,
        now: impl Fn() -> At,
    ) -> (Queue, At) {
        let reader = self.db.actor("report-job").await;
        reader.exec("begin; select a.id, a.owner from account a where a.balance > 10").await;
        let ddl = self.db.actor(application_name).await;
        let alter = ddl.spawn("alter table account add column added bigint not null default 0");
        let sent = now();
        // Its turn first, or it would queue behind those who are to wait for it.
        self.wait_for(1).await;
        let waiters = self.wait_behind(n_waiters);
        (Queue { reader, ddl, alter, waiters }, sent)
    }

    /// Sends the statements of `n_waiters` clients and returns at once.
    fn wait_behind(&self, n_waiters: usize) -> Vec<Running> {
        let wants = |(i, client): (usize, &Actor)| match i % 4 {
            0 => {
                client.spawn(&format!("update account set balance = balance + 1 where id = {}", i % 1000 + 1))
            }
            _ => client.spawn(LAST_QUERY),
        };
        self.clients.iter().take(n_waiters).enumerate().map(wants).collect()
    }

    /// Waits until exactly `n_waiting` sessions await a relation's lock.
    pub(crate) async fn wait_for(&self, n_waiting: usize) {
        let sql = "select count(distinct pid) from pg_locks where not granted and locktype = 'relation'";
        wait_until("the lock queue", LONG, async || {
            let waiting: i64 = self.observer.value(sql).await;
            if usize::try_from(waiting) == Ok(n_waiting) { Ok(()) } else { Err(format!("{waiting} wait")) }
        })
        .await;
    }

    /// A session that looks at the server.
    pub(crate) fn observer(&self) -> &Actor {
        &self.observer
    }
}

impl Queue {
    /// Withdraws the ALTER TABLE; everybody behind it goes on.
    pub(crate) async fn dissolve(self, crowd: &Crowd) {
        self.ddl.cancel().await;
        self.alter.finish(LONG).await.expect_err("the ALTER TABLE was cancelled");
        for waiter in self.waiters {
            waiter.finish(LONG).await.expect("a waiter goes on");
        }
        self.reader.exec("commit").await;
        crowd.wait_for(0).await;
    }
}

impl Queue {
    /// Ends what is left of a jam that somebody has stopped.
    pub(crate) async fn end(self, crowd: &Crowd) {
        self.alter.finish(LONG).await.expect_err("the ALTER TABLE was stopped");
        for waiter in self.waiters {
            waiter.finish(LONG).await.expect("a waiter goes on");
        }
        self.reader.exec("commit").await;
        crowd.wait_for(0).await;
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.pollers.iter().for_each(JoinHandle::abort);
    }
}

/// A client that is busy for 0.2 s again and again.
fn poll(client: Actor) -> JoinHandle<()> {
    tokio::spawn(async move { while client.try_exec("select pg_sleep(0.2) /* app:poll */").await.is_ok() {} })
}
