//! What a session is like once it is there: its settings, its end, its cancels.

use std::time::Duration;

use lockpit::pg::connect::CancelError;
use tokio_postgres::error::SqlState;

use super::cluster::{installed, wait_until};
use super::*;

/// Waits until the session's backend runs a statement, then cancels it.
pub(crate) async fn cancel_once_active(cluster: &Cluster, session: &Session) -> Result<(), CancelError> {
    let admin = superuser(cluster).await;
    let pid = session.backend_pid();
    let question = format!("SELECT coalesce((SELECT state FROM pg_stat_activity WHERE pid = {pid}), '')");
    while value(&admin, &question).await != "active" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    session.cancel().await
}

#[tokio::test]
async fn defaults_of_role_and_database_do_not_reach_in() {
    for (major, bin) in installed() {
        let mut cluster = Cluster::of(bin);
        cluster.run(&[]);
        let admin = superuser(&cluster).await;
        let hostile = [
            ("statement_timeout", "'1500ms'"),
            ("lock_timeout", "'7s'"),
            ("idle_session_timeout", "'900ms'"),
            ("idle_in_transaction_session_timeout", "'900ms'"),
            ("jit", "on"),
            ("search_path", "public"),
            ("default_transaction_isolation", "'serializable'"),
            ("default_transaction_read_only", "off"),
            ("datestyle", "'German'"),
            ("timezone", "'Asia/Kathmandu'"),
        ];
        for (name, value) in hostile {
            let sql = format!("ALTER DATABASE postgres SET {name} = {value}");
            execute(&admin, &sql).await;
        }
        let text = format!("hostaddr=127.0.0.1 port={} user=postgres", cluster.port);
        let session = resolve(&text, &[], None).connect("lockpit/test", &SessionSettings::sampler()).await;
        let session = session.unwrap_or_else(|e| panic!("{major}: {e}"));
        assert_eq!(session.server_version_num() / 10_000, major);
        assert_eq!(session.notes(), [""; 0]);
        for (name, expected) in [
            ("statement_timeout", "5s"),
            ("lock_timeout", "100ms"),
            ("idle_session_timeout", "0"),
            ("idle_in_transaction_session_timeout", "10s"),
            ("jit", "off"),
            ("search_path", "pg_catalog"),
            ("transaction_isolation", "read committed"),
            ("transaction_read_only", "on"),
            ("client_connection_check_interval", "1s"),
            ("tcp_keepalives_idle", "1"),
            ("tcp_keepalives_interval", "1"),
            ("tcp_keepalives_count", "3"),
            ("datestyle", "ISO, YMD"),
            ("timezone", "UTC"),
            ("application_name", "lockpit/test"),
        ] {
            let found = value(&session, &format!("SHOW {name}")).await;
            assert_eq!(found, expected, "{name} on {major}");
        }
        let write = session.client().batch_execute("CREATE TABLE public.t ()").await;
        assert_eq!(write.expect_err("it only reads").code(), Some(&SqlState::READ_ONLY_SQL_TRANSACTION));
        // A session that only reads can still stop others.
        let victim = connect_to(&cluster, "dbname=postgres").await.expect("it connects");
        let sql = format!("SELECT pg_terminate_backend({})", victim.backend_pid());
        assert_eq!(value(&session, &sql).await, "t");
        let why = victim.closed().await;
        assert!(why.contains("57P01"), "{why}");
        assert_eq!(victim.closed_because(), Some(why));
    }
}

#[tokio::test]
async fn a_closed_session_says_goodbye_and_a_dropped_one_does_not() {
    const RUDE: &str = "unexpected EOF on client connection with an open transaction";
    let cluster = Cluster::start();
    let admin = superuser(&cluster).await;
    let gone = async |pid: i32| {
        let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}");
        while value(&admin, &sql).await != "0" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let session = connect_to(&cluster, "").await.expect("it connects");
    assert_eq!(session.closed_because(), None);
    execute(&session, "BEGIN").await;
    let pid = session.backend_pid();
    session.close().await;
    gone(pid).await;
    assert!(!cluster.log().contains(RUDE), "{}", cluster.log());

    let session = connect_to(&cluster, "").await.expect("it connects");
    execute(&session, "BEGIN").await;
    let pid = session.backend_pid();
    drop(session);
    gone(pid).await;
    wait_until("the server has logged the rude end", || cluster.log().contains(RUDE));
}

#[tokio::test]
async fn a_server_that_dies_is_noticed() {
    let mut cluster = Cluster::start();
    let session = connect_to(&cluster, "").await.expect("it connects");
    cluster.stop();
    let why = session.closed().await;
    assert!(!why.is_empty() && session.client().is_closed(), "{why}");
    let error = session.cancel().await.expect_err("nobody listens");
    assert!(matches!(error, CancelError::NotSent { .. }), "{error}");
}

/// After a cancel returned, the next statement must never be hit, although the statement that was meant may
/// just have ended: so its length is varied around the time that a request takes.
#[tokio::test]
async fn a_cancel_never_hits_the_next_statement() {
    const ROUNDS: u32 = 600;
    let cluster = Cluster::start();
    for host in ["127.0.0.1".to_owned(), cluster.socket_dir().display().to_string()] {
        let text = format!("host={host} port={} user=postgres", cluster.port);
        let session = connect(&resolve(&text, &[], None)).await.expect("it connects");
        let (mut hit, mut missed) = (0, 0);
        for round in 0..ROUNDS {
            let statement = format!("SELECT pg_sleep({})", f64::from(round % 30) * 0.000_1);
            let (slept, cancelled) =
                tokio::join!(session.client().batch_execute(&statement), session.cancel());
            cancelled.expect("the request arrives");
            match slept {
                Ok(()) => missed += 1,
                Err(e) => {
                    assert_eq!(e.code(), Some(&SqlState::QUERY_CANCELED));
                    hit += 1;
                }
            }
            let next = session.client().batch_execute("SELECT 1").await;
            assert!(next.is_ok(), "round {round}: the next statement was hit: {next:?}");
        }
        assert!(hit > 0 && missed > 0, "the race was never close: {hit} hit, {missed} missed");
    }
}
