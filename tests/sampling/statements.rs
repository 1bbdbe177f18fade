//! Every statement runs on every version as superuser, as a member of `pg_monitor`, and with a login alone.

use lockpit::engine::sample::{BackendKind, State};

use crate::Eye;
use crate::support::{cluster, jam, versions};

/// Logins by what they may see.
const LOGINS: [(&str, bool); 3] = [("postgres", true), ("monitor", true), ("plain", false)];

/// The statements with their parameters as literals that fit nobody.
const STATEMENTS: [(&str, &str, &[&str]); 9] = [
    ("sample", include_str!("../../src/pg/sql/sample.sql"), &["true", "'{1,2}'", "0"]),
    ("watch", include_str!("../../src/pg/sql/watch.sql"), &[]),
    ("names", include_str!("../../src/pg/sql/names.sql"), &["'{1259,1}'", "'{10,1}'", "'{1}'"]),
    ("attached", include_str!("../../src/pg/sql/attached.sql"), &[]),
    ("cancel", include_str!("../../src/pg/sql/cancel.sql"), &["1", "now()", "now()"]),
    ("terminate", include_str!("../../src/pg/sql/terminate.sql"), &["1", "now()", "now()", "now()"]),
    (
        "aftermath",
        include_str!("../../src/pg/sql/aftermath.sql"),
        &["1", "now()", "now()", "'{1,2}'", "now()"],
    ),
    ("right", include_str!("../../src/pg/sql/right.sql"), &["1", "now()", "10"]),
    ("ended", include_str!("../../src/pg/sql/ended.sql"), &["1", "now()", "3"]),
];

#[tokio::test]
async fn every_statement_runs_for_every_login() {
    for version in versions() {
        let db = cluster(version.major).database("logins").await;
        make_logins(&Eye::open(&db).await).await;
        for (role, _) in LOGINS {
            let eye = Eye::login(&db, role).await;
            for (name, sql, arguments) in STATEMENTS {
                let what = format!("{name} as {role} on {}", version.major);
                eye.client.prepare(sql).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
                let call =
                    if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
                for mode in ["force_generic_plan", "force_custom_plan"] {
                    let script = format!(
                        "set plan_cache_mode = {mode}; prepare probe as {sql}; execute probe{call}; deallocate probe"
                    );
                    eye.client
                        .batch_execute(&script)
                        .await
                        .unwrap_or_else(|error| panic!("{what}: {error:?}"));
                }
            }
            let watchdog = watchdog();
            let what = format!("watchdog as {role} on {}", version.major);
            eye.client.batch_execute(&watchdog).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        }
    }
}

/// A login that sees little sees who waits for whom all the same, and says what is hidden from it.
#[tokio::test]
async fn what_is_masked_is_said_and_the_queue_is_exact() {
    for version in versions() {
        let db = cluster(version.major).database("masked").await;
        make_logins(&Eye::open(&db).await).await;
        let jam = jam(&db, 5).await;
        for (role, sees_all) in LOGINS {
            let what = format!("{role} on {}", version.major);
            let sample = Eye::login(&db, role).await.sample().await;
            let mut waiters: Vec<i32> = jam.victims.iter().map(|(victim, _)| victim.pid()).collect();
            waiters.push(jam.ddl.pid());
            for &waiter in &waiters {
                let edge = sample.edges.iter().find(|edge| edge.waiter.0 == waiter).expect("its edge");
                let ahead = if waiter == jam.ddl.pid() { jam.reader.pid() } else { jam.ddl.pid() };
                assert_eq!(edge.blockers.iter().map(|pid| pid.0).collect::<Vec<_>>(), [ahead], "{what}");
                let awaited = sample.locks.iter().find(|lock| lock.pid.0 == waiter && !lock.granted);
                assert!(awaited.is_some_and(|lock| lock.wait_start.is_some()), "{what}: {awaited:?}");
                let backend =
                    sample.backends.iter().find(|backend| backend.pid.0 == waiter).expect("its row");
                assert_eq!(backend.kind, BackendKind::Client, "{what}");
                assert_eq!(backend.state, if sees_all { State::Active } else { State::Masked }, "{what}");
                assert_eq!(backend.query_start.is_some(), sees_all, "{what}");
            }
            assert_eq!(sample.counts.masked > 0, !sees_all, "{what}: {:?}", sample.counts);
        }
        jam.dissolve().await;
    }
}

/// Logins are the cluster's: another test of this binary may have made them.
async fn make_logins(eye: &Eye) {
    let sql = "select pg_advisory_lock(1); \
               do $$ begin \
                   if to_regrole('plain') is null then \
                       create role plain login; create role monitor login; grant pg_monitor to monitor; \
                   end if; \
               end $$; select pg_advisory_unlock(1)";
    eye.client.batch_execute(sql).await.expect("the logins");
}

/// The dead-man's loop for an attempt that is over.
fn watchdog() -> String {
    let fill = [
        ("{role}", "10"),
        ("{applications}", "'lockpit/x'"),
        ("{pid}", "1"),
        ("{backend_start}", "now()"),
        ("{query_start}", "now()"),
        ("{xact_start}", "null::timestamptz"),
        ("{signal}", "pg_cancel_backend"),
        ("{turns}", "4"),
        ("{turn_s}", "0.250"),
    ];
    fill.iter().fold(include_str!("../../src/pg/sql/watchdog.sql").to_owned(), |sql, (name, value)| {
        sql.replace(name, value)
    })
}
