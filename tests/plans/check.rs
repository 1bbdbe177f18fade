//! `lockpit check` and `lockpit generate plan`, as they are typed.

use serde_json::Value;

use crate::small::example;
use crate::support::{Database, LONG, Program, cluster, versions};

async fn check(args: &[&str]) -> (i32, String, String) {
    let mut program = Program::lockpit(args);
    let exit = program.exit(LONG).await;
    (exit, program.stdout(), program.stderr())
}

#[tokio::test]
async fn a_good_plan_is_shown_and_exits_0() {
    let path = example("users-email-verified.toml").display().to_string();
    let (exit, page, stderr) = check(&["check", "--offline", "--set", "old_app=v1", &path]).await;
    assert_eq!((exit, &*stderr), (0, ""));
    for part in [
        "users-email-verified · 2026.11.20.01 · payments · 7 steps · sha256 ",
        "  1 add-column    expand    3 statements in one transaction",
        "    line 49: alter table users add column email_verified boolean",
        "  2 index         expand    1 statement outside a transaction, 3h expected",
        "  3 fill          backfill  fills users in batches, 1d12h expected",
        "waits for a person: \"Is app v2 on all hosts?\"",
        "for each of partitions of events",
        "ends ",
        "step `fill`: this release flies no backfills",
        "step `drop-old`: what it `requires` is not looked at by this release",
        "not known without a server",
    ] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
}

#[tokio::test]
async fn the_object_has_the_promised_keys_and_no_literal() {
    let path = example("users-email-verified.toml").display().to_string();
    let args = ["check", "--offline", "--format", "json", "--set", "old_app=s3cret", &path];
    let (exit, object, stderr) = check(&args).await;
    assert_eq!((exit, &*stderr), (0, ""));
    assert!(!object.contains("s3cret") && !object.contains("proved"), "{object}");
    let object: Value = serde_json::from_str(&object).expect("JSON");
    assert_eq!(object["danger"], Value::Bool(false));
    let statement = &object["steps"][0]["statements"][1];
    assert_eq!(object["steps"][0]["id"], "add-column");
    assert_eq!(object["steps"][0]["phase"], "expand");
    assert_eq!(statement["sql"], "alter table users add column email_verified boolean");
    let keys: Vec<&str> = statement.as_object().expect("an object").keys().map(String::as_str).collect();
    for key in ["sql", "locks", "rewrites", "scans", "stop_cost", "findings"] {
        assert!(keys.contains(&key), "{key} is not in {keys:?}");
    }
}

#[tokio::test]
async fn a_wrong_plan_exits_2_with_every_fault() {
    let path = example("wrong.toml").display().to_string();
    let (exit, stdout, stderr) = check(&["check", "--offline", &path]).await;
    assert_eq!((exit, &*stdout), (2, ""));
    assert!(stderr.contains("wrong.toml:2:1: unknown key `nam`") && stderr.lines().count() > 40, "{stderr}");
    let good = example("plain.sql").display().to_string();
    let (exit, stdout, stderr) = check(&["check", &good, "host=127.0.0.1 port=1 user=nobody"]).await;
    assert_eq!((exit, &*stdout), (3, ""));
    assert!(stderr.contains("--offline asks no server"), "{stderr}");
    let (exit, _, stderr) = check(&["check", "--offline", &good, "host=127.0.0.1"]).await;
    assert!(exit == 2 && stderr.contains("--offline"), "{stderr}");
    let (exit, _, stderr) = check(&["check", "--offline", "--set", "=x", &good]).await;
    assert!(exit == 2 && stderr.contains("expected NAME=VALUE"), "{stderr}");
}

#[tokio::test]
async fn the_reference_is_printed() {
    let (exit, page, stderr) = check(&["generate", "plan"]).await;
    assert_eq!((exit, &*stderr), (0, ""));
    assert_eq!(page.trim_end(), lockpit::plan::reference::text().trim_end());
}

/// A plan for the shop below, in a folder of its own.
fn plan(lines: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("plan.toml");
    std::fs::write(&path, format!("plan = {{ name = \"shop\" }}\n{lines}")).expect("written");
    let path = path.display().to_string();
    (folder, path)
}

/// Users and their orders, and what interrupted work has left.
async fn shop(major: u32) -> Database {
    let db = cluster(major).database("check").await;
    let actor = db.actor("test/app").await;
    for sql in [
        "create schema app",
        "create table app.users (id int primary key, email text)",
        "create table app.orders (id int primary key, user_id int references app.users, at int)",
        "insert into app.users select n, 'user ' || n % 3 from generate_series(1, 3000) n",
        "create table app.events (at int) partition by range (at)",
        "create table app.events_1 partition of app.events for values from (1) to (2)",
        "create table app.events_2 partition of app.events for values from (2) to (3)",
        "analyze app.users",
    ] {
        actor.exec(sql).await;
    }
    actor.exec(&format!("alter database {} set search_path = app", db.name)).await;
    let build = "create unique index concurrently users_email on app.users (email)";
    actor.try_exec(build).await.expect_err("it is not unique");
    db
}

const PLAN: &str = r#"
[[step]]
id = "column"
sql = "alter table users add column verified boolean"

[[step]]
id = "tokens"
sql = "create table tokens (user_id int)"

[[step]]
id = "key"
sql = "alter table tokens add constraint tokens_user foreign key (user_id) references users not valid"

[[step]]
id = "orders-at"
sql = "create index concurrently orders_at on orders (at)"

[[step]]
id = "rewrite"
sql = "alter table users alter column id type bigint"

[[step]]
id = "events"
for_each = "partitions of events"
sql = "create index concurrently on ${item} (at)"

[[step]]
id = "nowhere"
sql = "alter table nowhere add column x int"

[[step]]
id = "again"
sql = "alter table orders add column at int"
"#;

#[tokio::test]
async fn a_server_tells_what_a_plan_will_need_and_who_is_in_its_way() {
    for version in versions() {
        let db = shop(version.major).await;
        let (_folder, path) = plan(PLAN);
        let reader = db.actor("report-job").await;
        reader.exec("begin; select from app.users").await;
        let flyway = db.actor("flyway").await;
        flyway.exec("select pg_advisory_lock(77431708279161 + 12)").await;
        let (exit, page, stderr) = check(&["check", &path, &db.conninfo()]).await;
        assert_eq!((exit, &*stderr), (0, ""), "{version:?}\n{page}");
        let (exit, dry, _) = check(&["run", &path, &db.conninfo(), "--dry-run"]).await;
        assert_eq!(exit, 0, "{version:?}\n{dry}");
        assert!(dry.contains("locks app.users: AccessExclusiveLock"), "{dry}");
        let columns = "select count(*) from information_schema.columns where column_name = 'verified'";
        assert_eq!(flyway.value::<i64>(columns).await, 0, "nothing is run");
        let reader_holds =
            format!("in the way now: pid {} report-job, idle in transaction for ", reader.pid());
        for part in [
            "    line 5: alter table users add column verified boolean\n      locks app.users: AccessExclusiveLock\n",
            &reader_holds,
            "holds AccessShareLock on app.users",
            "stopped, it loses: all it did, rolled back; leaves: nothing",
            "not known: tokens is made by step tokens: what it locks there is told once it is there",
            "locks app.users: ShareRowExclusiveLock",
            "builds an index over app.orders, ",
            "under ShareUpdateExclusiveLock",
            "2 items now; what follows is of the first, ",
            "locks app.events_1: ShareUpdateExclusiveLock",
            "not known: nowhere is not there yet: what it locks is not known",
            "note: column orders.at is there already, as this would leave it",
            "note: Flyway holds its lock on this database (pid ",
            "left behind: app.users_email on app.users is INVALID",
            "  to clean up: DROP INDEX CONCURRENTLY app.users_email;",
        ] {
            assert!(page.contains(part), "{version:?}: {part:?} is not in\n{page}");
        }
        assert!(!page.contains("DANGER") && !page.contains("without a server"), "{page}");
        let sessions = "select count(*) from pg_stat_activity where application_name like 'lockpit/%' \
                        and datname = current_database()";
        assert_eq!(reader.value::<i64>(sessions).await, 0, "{version:?}");
    }
}

#[tokio::test]
async fn what_cannot_work_is_danger_and_exits_1() {
    for version in versions() {
        let db = shop(version.major).await;
        let index = "[[step]]\nid = 'i'\n\
                     sql = 'create unique index concurrently if not exists users_email on users (email)'";
        let (_folder, path) = plan(index);
        let (exit, page, _) = check(&["check", &path, &db.conninfo()]).await;
        assert_eq!(exit, 1, "{version:?}\n{page}");
        assert!(page.contains("DANGER: index users_email is there already and it is not "), "{page}");

        let actor = db.actor("test/app").await;
        let role = format!("reader_{}", db.name);
        actor.exec(&format!("create role {role} login; grant usage on schema app to {role}")).await;
        let (_folder, path) = plan("[[step]]\nid = 'c'\nsql = 'alter table users add column x int'");
        let conninfo = db.conninfo().replace("user=postgres", &format!("user={role}"));
        let (exit, object, stderr) = check(&["check", "--format", "json", &path, &conninfo]).await;
        assert_eq!(exit, 1, "{version:?} {stderr}\n{object}");
        let object: Value = serde_json::from_str(&object).expect("JSON");
        assert_eq!(object["danger"], Value::Bool(true));
        let statement = &object["steps"][0]["statements"][0];
        assert_eq!(statement["findings"][0]["rule"], "not_the_owner");
        assert_eq!(statement["findings"][0]["danger"], Value::Bool(true));
        assert!(
            statement["findings"][0]["message"].as_str().is_some_and(|it| it.contains("owner of app.users"))
        );
        assert_eq!(statement["locks"][0]["relation"], "app.users");
        assert_eq!(statement["locks"][0]["mode"], "AccessExclusiveLock");
        assert_eq!((&statement["rewrites"], &statement["scans"]), (&false.into(), &false.into()));
        assert_eq!(object["leftovers"][0]["clean_up"], "DROP INDEX CONCURRENTLY app.users_email");
        actor.exec(&format!("drop owned by {role}; drop role {role}")).await;
    }
}

#[tokio::test]
async fn it_waits_for_no_lock() {
    for version in versions() {
        let db = shop(version.major).await;
        let actor = db.actor("test/app").await;
        actor.exec("begin; lock table app.users in access exclusive mode").await;
        let (_folder, path) = plan("[[step]]\nid = 'c'\nsql = 'alter table users add column x int'");
        let (exit, object, stderr) = check(&["check", "--format", "json", &path, &db.conninfo()]).await;
        assert_eq!(exit, 0, "{version:?} {stderr}\n{object}");
        let object: Value = serde_json::from_str(&object).expect("JSON");
        let step = &object["steps"][0];
        assert_eq!(step["statements"][0]["locks"][0]["relation"], "app.users");
        assert!(step["in_the_way"][0].as_str().is_some_and(|it| it.contains("test/app")), "{object}");
    }
}
