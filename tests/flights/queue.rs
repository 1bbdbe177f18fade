//! A lock queue whose members are ordinary roles, formed step by step, before or during a flight.

use crate::support::{Actor, Database, LONG, Running, wait_until};

/// The actors of a lock queue on the table `jammed`, all of the role that owns it.
pub(crate) struct Queue {
    /// The role.
    pub(crate) role: String,
    /// What the migration calls itself; no other test has it.
    pub(crate) app: String,
    /// A superuser who looks on.
    pub(crate) observer: Actor,
    /// The migration's session.
    pub(crate) ddl: Actor,
    /// Whoever will read `jammed`, all connected.
    pub(crate) readers: Vec<Actor>,
    db: Database,
}

/// A table `jammed` with one row and a role that owns it; its migration and `n_readers` are connected. Nobody
/// does anything yet.
pub(crate) async fn queue(db: &Database, n_readers: usize) -> Queue {
    queue_as(db, &format!("deploy_{}", db.name), n_readers).await
}

/// The same with the migration under another `application_name`.
pub(crate) async fn queue_as(db: &Database, app: &str, n_readers: usize) -> Queue {
    let observer = db.actor("test/observer").await;
    let role = format!("owner_{}", db.name);
    observer
        .exec(&format!(
            "create role {role} login; grant create on schema public to {role}; \
             create table jammed as select 1 as id; alter table jammed owner to {role}"
        ))
        .await;
    let ddl = member(db, &role, app).await;
    let mut readers = Vec::with_capacity(n_readers);
    for _ in 0..n_readers {
        readers.push(member(db, &role, "web").await);
    }
    Queue { role, app: app.to_owned(), observer, ddl, readers, db: db.clone() }
}

/// A session of another role than the superuser.
pub(crate) async fn member(db: &Database, role: &str, app: &str) -> Actor {
    let mut config = db.config();
    config.user(role);
    Actor::connect(&config, app).await
}

impl Queue {
    /// One more session of the role.
    pub(crate) async fn member(&self, app: &str) -> Actor {
        member(&self.db, &self.role, app).await
    }

    /// A forgotten transaction that has read `jammed`.
    pub(crate) async fn old_reader(&self) -> Actor {
        let reader = self.member("report").await;
        reader.exec("begin; select count(*) from jammed").await;
        reader
    }

    /// The migration adds a column to `jammed`; returns once it waits.
    pub(crate) async fn alter(&self) -> Running {
        let alter = self.ddl.spawn("alter table jammed add column added int");
        self.waits(self.ddl.pid()).await;
        alter
    }

    /// All readers begin to read `jammed`.
    pub(crate) fn read(&self) -> Vec<Running> {
        self.readers.iter().map(|reader| reader.spawn("select count(*) from jammed")).collect()
    }

    /// The same; returns once all of them wait.
    pub(crate) async fn read_in_vain(&self) -> Vec<Running> {
        let reads = self.read();
        let wanted = i64::try_from(reads.len()).expect("a count");
        wait_until("the readers wait", LONG, async || {
            let waiting: i64 = self
                .observer
                .value(
                    "select count(*) from pg_locks where not granted and relation = 'jammed'::regclass \
                     and mode = 'AccessShareLock' \
                     and database = (select oid from pg_database where datname = current_database())",
                )
                .await;
            if waiting == wanted { Ok(()) } else { Err(format!("{waiting} of {wanted}")) }
        })
        .await;
        reads
    }

    /// Waits until the session with this pid waits for a lock.
    pub(crate) async fn waits(&self, pid: i32) {
        wait_until("a lock wait", LONG, async || {
            let seen = self
                .observer
                .rows(&format!("select mode from pg_locks where pid = {pid} and not granted"))
                .await;
            if seen.is_empty() { Err(format!("pid {pid} does not wait")) } else { Ok(()) }
        })
        .await;
    }

    /// Whether the session with this pid is there.
    pub(crate) async fn lives(&self, pid: i32) -> bool {
        let count: i64 =
            self.observer.value(&format!("select count(*) from pg_stat_activity where pid = {pid}")).await;
        count == 1
    }

    /// Whether `jammed` has this column.
    pub(crate) async fn has_column(&self, name: &str) -> bool {
        self.observer
            .value(&format!(
                "select exists (select from pg_attribute where attrelid = 'jammed'::regclass and attname = '{name}')"
            ))
            .await
    }
}

/// All of them got what they asked for.
pub(crate) async fn all_succeed(reads: Vec<Running>) {
    for read in reads {
        read.finish(LONG).await.expect("a reader gets its rows");
    }
}
