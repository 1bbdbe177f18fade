//! Logins that may not see or stop everything: counts stay exact, what is hidden is said, arming is refused.

use serde_json::Value;
use tokio_postgres::error::SqlState;

use crate::flight::{Flight, Landed, fly_as};
use crate::queue::{Queue, all_succeed, queue};
use crate::support::{Actor, Cluster, Database, LONG, Running, versions, wait_until};
use lockpit::demo::server::ServerOptions;

const READERS: usize = 12;

/// A jam on a server of its own, so that every count is known, and a login to look at it with.
struct Jammed {
    cluster: Cluster,
    db: Database,
    queue: Queue,
    reader: Actor,
    alter: Running,
    reads: Vec<Running>,
    login: String,
}

impl Jammed {
    async fn with_login(major: u32, grants: &str) -> Jammed {
        let cluster = Cluster::fresh(major, ServerOptions::default());
        let db = cluster.database("rights").await;
        let queue = queue(&db, READERS).await;
        let login = "guest".to_owned();
        queue.observer.exec(&format!("create role {login} login {grants}")).await;
        let reader = queue.old_reader().await;
        let alter = queue.alter().await;
        let reads = queue.read_in_vain().await;
        Jammed { cluster, db, queue, reader, alter, reads, login }
    }

    fn fly(&self, args: &[&str]) -> Flight {
        fly_as(&self.db, &self.login, args)
    }

    fn fly_armed(&self) -> Flight {
        self.fly(&["--target", &format!("app={}", self.queue.app), "--arm", "--for", "20s"])
    }

    /// Flies armed, sees the arming refused for this reason, and sees that nobody was stopped.
    async fn arming_is_refused(self, because: &str) -> Landed {
        let flight = self.fly_armed();
        let told = flight
            .line_of("guard", "the arming is refused", |line| {
                line["guardrail"].is_null() && line["state"] == "watching"
            })
            .await;
        assert_eq!(told["sentence"], format!("cannot cancel: {because}"));
        let trip = flight.line_of("trip", "decided", |_| true).await;
        assert_eq!((&trip["acted"], &trip["pid"]), (&false.into(), &self.queue.ddl.pid().into()), "{trip}");
        flight.steady("the jam goes on", 4, 1_500, |sample| sample["victims"] == READERS).await;
        assert!(!self.alter.is_finished());
        let _cluster = self.dissolve().await;
        let landed = flight.land().await;
        assert_eq!(
            (landed.of("trip").len(), landed.of("intent").len(), landed.of("outcome").len()),
            (1, 0, 0)
        );
        assert_eq!(landed.exit, 8);
        landed
    }

    /// Waits until its readers have waited for longer than the limit of queue_age.
    async fn grow_old(&self) {
        wait_until("an old jam", LONG, async || {
            let oldest_s: f64 = self
                .queue
                .observer
                .value("select extract(epoch from clock_timestamp() - max(waitstart))::float8 from pg_locks")
                .await;
            if oldest_s > 1.1 { Ok(()) } else { Err(format!("{oldest_s} s")) }
        })
        .await;
    }

    /// Lets everybody through. Returns the server, which ends when dropped.
    async fn dissolve(self) -> Cluster {
        self.reader.exec("commit").await;
        self.alter.finish(LONG).await.expect("it goes through");
        all_succeed(self.reads).await;
        self.cluster
    }
}

fn not_seen(landed: &Landed) -> String {
    landed.first()["not_seen"].to_string()
}

#[tokio::test]
async fn a_login_without_rights_counts_exactly_and_says_what_is_hidden() {
    for version in [versions().first(), versions().last()].into_iter().flatten() {
        let jammed = Jammed::with_login(version.major, "").await;
        let flight = jammed.fly(&["--for", "20s"]);
        let ddl = jammed.queue.ddl.pid();
        let sample = flight.line_of("sample", "the jam", |line| line["victims"] == READERS).await;
        // Its members: the DDL, the readers, the forgotten one, who looks on.
        let clients = READERS + 3;
        assert_eq!(
            [&sample["waiting"], &sample["clients"], &sample["heads"][0]["behind"], &sample["unresolved"]],
            [&Value::from(READERS), &clients.into(), &READERS.into(), &0.into()],
            "{sample}"
        );
        assert_eq!(
            (&sample["target_pid"], &sample["roots"][0]["pid"]),
            (&ddl.into(), &jammed.reader.pid().into())
        );
        assert!(sample["oldest_victim_ms"].is_u64(), "ages are exact: {sample}");
        assert!(sample["masked"].as_u64() >= Some(clients as u64), "{sample}");
        // Hidden is not zero.
        assert_eq!((&sample["active"], &sample["idle_in_transaction"]), (&Value::Null, &Value::Null));
        assert_eq!(sample["roots"][0]["xact_age_ms"], Value::Null);
        assert_eq!(sample["roots"][0]["state"], "state hidden from this login");
        let found = flight.found(ddl).await;
        assert_eq!((&found["text"], &found["kind"]), (&Value::Null, &"unknown statement".into()));
        assert_eq!((&found["mode"], &found["relation"]), (&"AccessExclusiveLock".into(), &"jammed".into()));
        let _cluster = jammed.dissolve().await;
        let landed = flight.land().await;
        assert!(not_seen(&landed).contains("GRANT pg_read_all_stats TO guest"), "{}", not_seen(&landed));
        assert!(not_seen(&landed).contains("GRANT pg_signal_backend TO guest"), "{}", not_seen(&landed));
        assert_eq!((&landed.first()["sees_all"], &landed.first()["signals"]), (&false.into(), &false.into()));
        landed.did_nothing();
        assert_eq!(landed.exit, 0);
    }
}

#[tokio::test]
async fn arming_a_login_without_rights_is_refused_with_the_line_to_grant() {
    for version in [versions().first(), versions().last()].into_iter().flatten() {
        let jammed = Jammed::with_login(version.major, "").await;
        let because = format!("owner {}: GRANT pg_signal_backend TO guest", jammed.queue.role);
        jammed.arming_is_refused(&because).await;
    }
}

#[tokio::test]
async fn the_first_look_at_an_old_jam_trips_no_sooner_than_the_right_is_known() {
    for grants in ["", "in role pg_signal_backend", "in role pg_monitor"] {
        let Some(version) = versions().last() else { return };
        let jammed = Jammed::with_login(version.major, grants).await;
        jammed.grow_old().await;
        let flight = jammed.fly_armed();
        let trip = flight.line_of("trip", "decided", |_| true).await;
        assert_eq!((&trip["guardrail"], &trip["acted"]), (&"queue_age".into(), &false.into()), "{trip}");
        let _cluster = jammed.dissolve().await;
        let landed = flight.land().await;
        assert_eq!((landed.of("intent").len(), landed.of("outcome").len(), landed.exit), (0, 0, 8));
    }
}

#[tokio::test]
async fn arming_a_login_that_may_only_signal_is_refused() {
    let Some(version) = versions().last() else { return };
    let jammed = Jammed::with_login(version.major, "in role pg_signal_backend").await;
    let because = format!(
        "start times of {} are hidden, so nothing could be checked: GRANT pg_read_all_stats TO guest",
        jammed.queue.role
    );
    let landed = jammed.arming_is_refused(&because).await;
    assert!(
        not_seen(&landed).contains("pg_read_all_stats") && !not_seen(&landed).contains("pg_signal_backend")
    );
}

#[tokio::test]
async fn arming_a_login_that_may_only_see_is_refused() {
    let Some(version) = versions().last() else { return };
    let jammed = Jammed::with_login(version.major, "in role pg_monitor").await;
    let because = format!("owner {}: GRANT pg_signal_backend TO guest", jammed.queue.role);
    let landed = jammed.arming_is_refused(&because).await;
    assert!(
        !not_seen(&landed).contains("pg_read_all_stats") && not_seen(&landed).contains("pg_signal_backend")
    );
}

#[tokio::test]
async fn a_superusers_work_is_not_for_a_login_that_is_none() {
    let Some(version) = versions().last() else { return };
    let cluster = Cluster::fresh(version.major, ServerOptions::default());
    let db = cluster.database("rights").await;
    let queue = queue(&db, 3).await;
    queue.observer.exec("create role guest login in role pg_monitor, pg_signal_backend").await;
    let dba = db.actor("dba").await;
    dba.exec("begin; alter table jammed add column added int").await;
    let reads = queue.read_in_vain().await;
    let flight = fly_as(&db, "guest", &["--target", "app=dba", "--arm", "--for", "20s"]);
    let trip = flight.line_of("trip", "decided", |_| true).await;
    assert_eq!(trip["acted"], false);
    dba.exec("commit").await;
    all_succeed(reads).await;
    let landed = flight.land().await;
    let refusal = landed.of("guard").iter().any(|line| {
        line["sentence"] == "cannot cancel: owner postgres is a superuser: only a superuser may stop it"
    });
    assert!(refusal && landed.exit == 8, "{:?}", landed.of("guard"));
    assert_eq!(landed.of("intent").len(), 0);
}

#[tokio::test]
async fn a_role_may_stop_its_own_work() {
    let Some(version) = versions().last() else { return };
    let mut jammed = Jammed::with_login(version.major, "").await;
    jammed.login = jammed.queue.role.clone();
    let flight = jammed.fly_armed();
    let outcome = flight.final_outcome().await;
    assert_eq!(outcome["result"], "drained", "{outcome}");
    let error = jammed.alter.finish(LONG).await.expect_err("stopped");
    assert_eq!(error.code(), Some(&SqlState::ADMIN_SHUTDOWN));
    all_succeed(jammed.reads).await;
    assert_eq!(flight.land().await.exit, 4);
}
