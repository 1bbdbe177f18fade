//! Migrations that are scripts: stopping one statement must not let the next ones run by accident.

use std::ffi::OsStr;

use tempfile::NamedTempFile;
use tokio::process::Command;

use crate::flight::fly;
use crate::queue::{Queue, all_succeed, queue};
use crate::support::{Database, LONG, Program, cluster, versions, wait_until};

/// What psql exits with when its connection is lost.
const CONNECTION_LOST: i32 = 2;

/// psql with a script whose first statement jams, as its users run it: it goes on after an error. Each of the
/// four statements after the first marks that it ran, and takes long enough to be seen.
struct Script {
    psql: Program,
    _file: NamedTempFile,
}

impl Script {
    async fn start(db: &Database, queue: &Queue) -> Script {
        queue
            .observer
            .exec(&format!("create table marker (id int); alter table marker owner to {}", queue.role))
            .await;
        let mut script = "alter table jammed add column added int;\n".to_owned();
        for id in 2..=5 {
            script += &format!("insert into marker select {id} from pg_sleep(0.7);\n");
        }
        let file = NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), script).expect("a script");
        let dbname = format!("{} user={}", db.conninfo(), queue.role);
        let mut psql = Command::new("psql");
        let args: [&OsStr; 5] =
            ["-X".as_ref(), "-f".as_ref(), file.path().as_ref(), "-d".as_ref(), dbname.as_ref()];
        psql.args(args);
        Script { psql: Program::start(psql, |_| {}), _file: file }
    }

    /// The pid of its backend, once that waits for its lock.
    async fn jams(&self, queue: &Queue) -> i32 {
        let sql = "select pid from pg_stat_activity where application_name = 'psql' \
                   and datname = current_database() and wait_event_type = 'Lock'";
        wait_until("the script's first statement jams", LONG, async || {
            match &queue.observer.rows(sql).await[..] {
                [pid] => Ok(pid.parse().expect("a pid")),
                seen => Err(format!("{seen:?}; {}", self.psql.stderr())),
            }
        })
        .await
    }
}

/// The statements that ran.
async fn marks(queue: &Queue) -> Vec<String> {
    queue.observer.rows("select id from marker order by id").await
}

#[tokio::test]
async fn armed_no_later_statement_of_a_script_runs() {
    for version in [versions().first(), versions().last()].into_iter().flatten() {
        let db = cluster(version.major).database("script").await;
        let queue = queue(&db, 10).await;
        let _reader = queue.old_reader().await;
        let flight = fly(&db, &["--target", "table=jammed", "--arm", "--for", "20s"]);
        flight.looks().await;
        let mut script = Script::start(&db, &queue).await;
        let pid = script.jams(&queue).await;
        let reads = queue.read();

        let outcome = flight.final_outcome().await;
        assert_eq!(
            (&outcome["result"], &outcome["action"]),
            (&"drained".into(), &"terminate".into()),
            "{outcome}"
        );
        assert_eq!(script.psql.exit(LONG).await, CONNECTION_LOST, "{}", script.psql.stderr());
        all_succeed(reads).await;
        assert_eq!(marks(&queue).await, Vec::<String>::new());
        assert!(!queue.has_column("added").await);
        flight.over(pid).await;
        let landed = flight.land().await;
        assert_eq!((landed.only_trip()["pid"].clone(), landed.exit), (pid.into(), 4));
        assert_eq!(landed.actions(), ["terminate"]);
    }
}

#[tokio::test]
async fn where_only_a_cancel_is_allowed_the_script_goes_on_and_that_is_announced() {
    for version in [versions().first(), versions().last()].into_iter().flatten() {
        let db = cluster(version.major).database("script").await;
        let queue = queue(&db, 10).await;
        let _reader = queue.old_reader().await;
        let args = ["--target", "table=jammed", "--arm", "--on-trip", "cancel", "--for", "20s"];
        let flight = fly(&db, &args);
        flight.looks().await;
        let mut script = Script::start(&db, &queue).await;
        let pid = script.jams(&queue).await;
        let reads = queue.read();

        let outcome = flight.final_outcome().await;
        assert_eq!(
            (&outcome["result"], &outcome["action"]),
            (&"drained".into(), &"cancel".into()),
            "{outcome}"
        );
        let text = format!("pid {pid} goes on to its next statement after the cancel: INSERT");
        let note = flight.line_of("note", "the script goes on", |line| line["text"] == *text).await;
        assert_eq!(note["warning"], true);
        assert_eq!(script.psql.exit(LONG).await, 0, "psql does not stop on an error");
        assert!(script.psql.stderr().contains("canceling statement due to user request"));
        assert_eq!(marks(&queue).await, ["2", "3", "4", "5"], "nothing but the first statement was hit");
        all_succeed(reads).await;
        let landed = flight.land().await;
        assert_eq!((landed.actions(), landed.exit), (vec!["cancel".to_owned()], 4));
        assert_eq!(landed.of("trip").len(), 1);
    }
}

#[tokio::test]
async fn a_signal_ends_the_runner_and_then_its_backend() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("script").await;
    let queue = queue(&db, 10).await;
    let reader = queue.old_reader().await;
    let mut script = Script::start(&db, &queue).await;
    let pid = script.jams(&queue).await;
    let reads = queue.read_in_vain().await;
    let runner = script.psql.pid().expect("it runs");

    let signal = format!("signal:{runner}");
    let flight = fly(&db, &["--target", "table=jammed", "--arm", "--on-trip", &signal, "--for", "20s"]);
    let outcome = flight.final_outcome().await;
    assert_eq!((&outcome["result"], &outcome["pid"]), (&"drained".into(), &pid.into()), "{outcome}");
    let sigterm = 15;
    assert_eq!(script.psql.exit(LONG).await, 128 + sigterm, "{}", script.psql.stderr());
    all_succeed(reads).await;
    assert!(!queue.lives(pid).await && queue.lives(reader.pid()).await);
    assert_eq!(marks(&queue).await, Vec::<String>::new());
    let landed = flight.land().await;
    assert_eq!((landed.actions(), landed.exit), (vec!["signal".to_owned(), "terminate".to_owned()], 4));
}
