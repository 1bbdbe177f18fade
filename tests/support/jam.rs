//! The lock queue that takes applications down: an old reader, a DDL behind it, everybody behind the DDL.

use tokio::task::JoinSet;

use super::{Actor, Database, LONG, Running, wait_until};

/// A lock queue on the table `jammed` of a test's database, as the server itself shows it.
pub(crate) struct Jam {
    /// The root blocker: idle in transaction, holding ACCESS SHARE.
    pub(crate) reader: Actor,
    /// The queue head.
    pub(crate) ddl: Actor,
    /// Its ALTER TABLE, awaiting ACCESS EXCLUSIVE.
    pub(crate) alter: Running,
    /// The victims, each awaiting ACCESS SHARE.
    pub(crate) victims: Vec<(Actor, Running)>,
    observer: Actor,
}

/// A jam of `n_readers` behind an ALTER TABLE by the application `migration`.
pub(crate) async fn jam(db: &Database, n_readers: usize) -> Jam {
    jam_as(db, "migration", n_readers).await
}

/// The same with the ALTER TABLE under another `application_name`.
pub(crate) async fn jam_as(db: &Database, application_name: &str, n_readers: usize) -> Jam {
    let observer = db.actor("test/observer").await;
    observer.exec("create table if not exists jammed (id int primary key, note text)").await;
    let reader = db.actor("report-job").await;
    reader.exec("begin; select count(*) from jammed").await;
    let ddl = db.actor(application_name).await;
    let connecting: JoinSet<Actor> = (0..n_readers)
        .map(|_| {
            let db = db.clone();
            async move { db.actor("app").await }
        })
        .collect();
    let victims = connecting.join_all().await;

    let alter = ddl.spawn("alter table jammed add column added int");
    wait_for(&observer, 1, 0).await;
    let read = |actor: Actor| {
        let running = actor.spawn("select count(*) from jammed");
        (actor, running)
    };
    let victims = victims.into_iter().map(read).collect();
    wait_for(&observer, 1, n_readers).await;
    Jam { reader, ddl, alter, victims, observer }
}

impl Jam {
    /// Lets the old reader go, and checks that the ALTER TABLE and all victims then succeed.
    pub(crate) async fn dissolve(self) {
        self.reader.exec("commit").await;
        self.alter.finish(LONG).await.expect("the alter goes through");
        for (_, running) in self.victims {
            running.finish(LONG).await.expect("a victim reads on");
        }
        wait_for(&self.observer, 0, 0).await;
    }

    /// How many sessions await a lock on the table: those that want ACCESS EXCLUSIVE, and the others.
    pub(crate) async fn waiting(&self) -> (usize, usize) {
        waiting(&self.observer).await
    }
}

async fn waiting(observer: &Actor) -> (usize, usize) {
    let count = |modes: &str| {
        format!(
            "select count(*) from pg_locks where not granted and relation = 'jammed'::regclass \
             and database = (select oid from pg_database where datname = current_database()) and {modes}"
        )
    };
    let strong: i64 = observer.value(&count("mode = 'AccessExclusiveLock'")).await;
    let others: i64 = observer.value(&count("mode <> 'AccessExclusiveLock'")).await;
    (usize::try_from(strong).expect("a count"), usize::try_from(others).expect("a count"))
}

async fn wait_for(observer: &Actor, strong: usize, others: usize) {
    wait_until("the lock queue as pg_locks shows it", LONG, async || match waiting(observer).await {
        seen if seen == (strong, others) => Ok(()),
        seen => Err(format!("{seen:?} instead of {:?} waiting", (strong, others))),
    })
    .await;
}
