//! Between the decision to stop an attempt and the stop, its session may go on: then nobody is hit.
//!
//! The gap is too short to be staged through the program, so its checked statements are sent here, with the
//! identity of an attempt that the session has left.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use tokio_postgres::{Client, NoTls};

use crate::support::{Actor, Database, LONG, Running, cluster, versions, wait_until};

const CANCEL: &str = include_str!("../../src/pg/sql/cancel.sql");
const TERMINATE: &str = include_str!("../../src/pg/sql/terminate.sql");

/// What a stop names.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Attempt {
    pid: i32,
    backend_start: SystemTime,
    query_start: SystemTime,
    xact_start: Option<SystemTime>,
}

/// The session that would stop.
struct Control(Client);

impl Control {
    async fn open(db: &Database) -> Control {
        let (client, connection) = db.config().connect(NoTls).await.expect("a session");
        tokio::spawn(connection);
        Control(client)
    }

    /// The attempt that a session is at, once it is in this state.
    async fn attempt(&self, pid: i32, state: &str) -> Attempt {
        let sql = "select backend_start, query_start, xact_start from pg_stat_activity where pid = $1 and state = $2";
        let row = wait_until("the session's state", LONG, async || {
            let row = self.0.query_opt(sql, &[&pid, &state]).await.expect("an answer");
            row.ok_or(format!("pid {pid} is not {state}"))
        });
        let row = row.await;
        Attempt {
            pid,
            backend_start: row.get("backend_start"),
            query_start: row.get("query_start"),
            xact_start: row.get("xact_start"),
        }
    }

    /// Whether the attempt was cancelled.
    async fn cancel(&self, attempt: &Attempt) -> bool {
        let row =
            self.0.query_opt(CANCEL, &[&attempt.pid, &attempt.backend_start, &attempt.query_start]).await;
        row.expect("an answer").is_some_and(|row| row.get("signalled"))
    }

    /// Whether the attempt was terminated.
    async fn terminate(&self, attempt: &Attempt) -> bool {
        let Attempt { pid, backend_start, query_start, xact_start } = attempt;
        let row = self.0.query_opt(TERMINATE, &[pid, backend_start, query_start, xact_start]).await;
        row.expect("an answer").is_some_and(|row| row.get("signalled"))
    }

    /// Neither a cancel nor a terminate of that attempt hits anybody.
    async fn hits_nobody(&self, attempt: &Attempt, because: &str) {
        assert!(!self.cancel(attempt).await, "cancelled although {because}");
        assert!(!self.terminate(attempt).await, "terminated although {because}");
    }
}

/// A session that sleeps until it is let go, and the attempt it is at.
async fn sleeping(control: &Control, session: &Actor) -> (Running, Attempt) {
    // Told from the sleep before, which its client may see end sooner than the activity does.
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let sql = format!("select pg_sleep(600) /* {} */", NUMBER.fetch_add(1, Ordering::Relaxed));
    let running = session.spawn(&sql);
    wait_until("the sleep", LONG, async || {
        let activity = "select query from pg_stat_activity where pid = $1";
        let row = control.0.query_one(activity, &[&session.pid()]).await;
        let seen: String = row.expect("its session").get(0);
        if seen == sql { Ok(()) } else { Err(seen) }
    })
    .await;
    let attempt = control.attempt(session.pid(), "active").await;
    (running, attempt)
}

/// Ends the sleep as the client would.
async fn wake(session: &Actor, sleep: Running) {
    session.cancel().await;
    sleep.finish(LONG).await.expect_err("cancelled");
}

/// The session was not hit: its statement runs on until its client ends it, and the session goes on.
async fn unharmed(session: &Actor, sleep: Running) {
    assert!(!sleep.is_finished());
    wake(session, sleep).await;
    let one: i32 = session.value("select 1").await;
    assert_eq!(one, 1);
}

#[tokio::test]
async fn the_attempt_named_is_hit() {
    for version in versions() {
        let db = cluster(version.major).database("identity").await;
        let control = Control::open(&db).await;
        let session = db.actor("deploy").await;

        let (sleep, attempt) = sleeping(&control, &session).await;
        assert!(control.cancel(&attempt).await);
        sleep.finish(LONG).await.expect_err("cancelled");
        assert_eq!(session.value::<i32>("select 1").await, 1);

        let (sleep, attempt) = sleeping(&control, &session).await;
        assert!(control.terminate(&attempt).await);
        sleep.finish(LONG).await.expect_err("terminated");
        assert!(session.try_exec("select 1").await.is_err());
    }
}

#[tokio::test]
async fn an_idle_session_is_not_hit() {
    for version in versions() {
        let db = cluster(version.major).database("identity").await;
        let control = Control::open(&db).await;
        let session = db.actor("deploy").await;
        let (sleep, attempt) = sleeping(&control, &session).await;
        wake(&session, sleep).await;
        // Its query_start is still that of the attempt: only the state tells.
        let idle = control.attempt(session.pid(), "idle").await;
        assert_eq!(idle.query_start, attempt.query_start);
        control.hits_nobody(&attempt, "it is idle").await;
        assert_eq!(session.value::<i32>("select 1").await, 1);
    }
}

#[tokio::test]
async fn the_next_statement_is_not_hit() {
    for version in versions() {
        let db = cluster(version.major).database("identity").await;
        let control = Control::open(&db).await;
        let session = db.actor("deploy").await;
        let (sleep, attempt) = sleeping(&control, &session).await;
        wake(&session, sleep).await;
        control.attempt(session.pid(), "idle").await;
        let (sleep, next) = sleeping(&control, &session).await;
        assert_ne!(next, attempt);
        control.hits_nobody(&attempt, "it runs its next statement").await;
        unharmed(&session, sleep).await;
    }
}

#[tokio::test]
async fn the_next_transaction_is_not_hit() {
    for version in versions() {
        let db = cluster(version.major).database("identity").await;
        let control = Control::open(&db).await;
        let session = db.actor("deploy").await;
        session.exec("begin").await;
        let (sleep, attempt) = sleeping(&control, &session).await;
        wake(&session, sleep).await;
        session.exec("rollback; begin").await;
        control.attempt(session.pid(), "idle in transaction").await;
        control.hits_nobody(&attempt, "it is idle in its next transaction").await;
        let (sleep, _) = sleeping(&control, &session).await;
        control.hits_nobody(&attempt, "it is active in its next transaction").await;
        unharmed_in_transaction(&session, sleep).await;
    }
}

async fn unharmed_in_transaction(session: &Actor, sleep: Running) {
    assert!(!sleep.is_finished());
    wake(session, sleep).await;
    session.exec("rollback").await;
}

#[tokio::test]
async fn a_later_statement_of_the_same_transaction_is_ended_only_with_its_transaction() {
    for version in versions() {
        let db = cluster(version.major).database("identity").await;
        let control = Control::open(&db).await;
        let session = db.actor("deploy").await;
        session.exec("begin; select 1").await;
        let attempt = control.attempt(session.pid(), "idle in transaction").await;
        assert!(!control.cancel(&attempt).await, "a cancel does nothing to an idle session");
        let (sleep, _) = sleeping(&control, &session).await;
        assert!(!control.cancel(&attempt).await, "its statement is another one");
        assert!(!sleep.is_finished());
        assert!(control.terminate(&attempt).await, "its transaction, and with it its locks, is the same");
        sleep.finish(LONG).await.expect_err("terminated");
    }
}

#[tokio::test]
async fn a_later_backend_with_the_same_pid_is_not_hit() {
    for version in versions() {
        let db = cluster(version.major).database("identity").await;
        let control = Control::open(&db).await;
        let session = db.actor("deploy").await;
        session.exec("begin").await;
        let (sleep, attempt) = sleeping(&control, &session).await;
        // A pid cannot be made to come again: everything but the session's start is as in the attempt.
        for backend_start in [
            attempt.backend_start - Duration::from_micros(1),
            attempt.backend_start + Duration::from_micros(1),
        ] {
            let other = Attempt { backend_start, ..attempt };
            control.hits_nobody(&other, "the session started at another time").await;
        }
        unharmed_in_transaction(&session, sleep).await;
    }
}
