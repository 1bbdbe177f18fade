//! Texts made to hurt whoever shows them.

use lockpit::demo::server::ServerOptions;

use crate::flight::{Flight, on};
use crate::support::{Actor, Cluster, LONG};

/// A literal of every hostile statement; it must never be printed.
const CANARY: &str = "canary-7f3a";
const CANARY_NUMBER: &str = "731731731731";

/// Statements that wait for a lock on `queued`.
fn waiting_statements() -> Vec<(&'static str, String)> {
    let megabyte = format!("'{CANARY}',").repeat(60_000);
    let deep = format!("{}1{}", "(".repeat(700), ")".repeat(700));
    vec![
        (
            "control characters",
            format!(
                "select count(*) /* \u{1}\u{1b}[31m\u{7}\u{8}\r\u{7f}\u{9b}2J {CANARY} */ from queued where note = '\u{1b}]0;{CANARY}\u{7}'"
            ),
        ),
        (
            "a comment that swallows the line",
            format!("select '{CANARY}' from queued -- \u{202e}{CANARY}\n where note <> '{CANARY}'"),
        ),
        (
            "dollar quotes",
            format!("select $tag$ '{CANARY}' -- $tag$ || $$ {CANARY} $$ || {CANARY_NUMBER} from queued"),
        ),
        ("escapes", format!("select E'\\'{CANARY}', U&'\\0041{CANARY}', b'01', x'ff' from queued")),
        ("emoji", format!("select 1 as \"💥🏴‍☠️\", '🔥{CANARY}' from queued")),
        ("nested", format!("select {deep}, '{CANARY}' from queued")),
        ("a megabyte", format!("select count(*) from queued where note in ({megabyte}'x')")),
    ]
}

/// Statements that fail inside a savepoint and so stay on show in an open transaction.
fn failing_statements() -> Vec<(&'static str, String)> {
    vec![
        ("parentheses", format!("select '{CANARY}' {}", "(".repeat(100_000))),
        ("invalid nesting", format!("select (1]), 'x{CANARY}, $q$ {CANARY} (((")),
        (
            "no SQL at all",
            format!("\u{1b}c\u{0b}\u{0c} {{ \"{CANARY}\": [ ]]]] }} ;;;; 'unfinished {CANARY}"),
        ),
        ("an open comment", format!("/* /* '{CANARY}' */ {CANARY}")),
    ]
}

#[tokio::test]
async fn hostile_texts_harm_neither_flight_nor_lines() {
    let Some(version) = on(&[18]).next() else { return };
    let options =
        ServerOptions::default().set("track_activity_query_size", "1MB").set("max_stack_depth", "7MB");
    let cluster = Cluster::fresh(version.major, options);
    let db = cluster.database("hostile").await;
    let observer = db.actor("test/observer").await;
    observer.exec("create table queued (id int primary key, note text)").await;

    // The deploy holds the table; what it ran last is as bad as what waits for it.
    let ddl = db.actor("deploy").await;
    ddl.exec("begin; alter table queued add column added int; savepoint s").await;
    let mut clients: Vec<Actor> = Vec::new();
    let mut waits = Vec::new();
    for (_, sql) in waiting_statements() {
        let client = db.actor("app\u{7}\u{1b}[31m").await;
        waits.push(client.spawn(&sql));
        clients.push(client);
    }
    let flight = Flight::attach(&db.conninfo(), &["--interval", "50ms"]).await;
    let n_waiting = waits.len();
    flight.line("all victims in a sample", |line| line["victims"] == n_waiting).await;
    for (what, sql) in failing_statements() {
        ddl.try_exec(&sql).await.expect_err(what);
        let seen = observer
            .value::<i32>(&format!(
                "select octet_length(query) from pg_stat_activity where pid = {}",
                ddl.pid()
            ))
            .await;
        assert!(seen > 0, "{what} is on show");
        let now = flight.lines("sample").pop().expect("a sample");
        flight.sample_after(&now).await;
        ddl.exec("rollback to s").await;
    }
    let (exit, end) = flight_output(flight, n_waiting).await;
    assert_eq!((exit, &end["missed"]), (0, &0.into()), "{end}");
    ddl.exec("rollback").await;
    for wait in waits {
        wait.finish(LONG).await.expect("a victim reads on");
    }
}

/// Ends the flight and checks every byte it printed.
async fn flight_output(flight: Flight, n_waiting: usize) -> (i32, serde_json::Value) {
    let lines = flight.lines("sample");
    let groups = lines.last().and_then(|line| line["groups"].as_array()).expect("groups of victims");
    let told: u64 = groups.iter().filter_map(|group| group["count"].as_u64()).sum();
    assert_eq!(told, n_waiting as u64, "every victim is in a group: {groups:?}");
    let texts = groups.iter().filter(|group| group["text"].is_string()).count();
    assert_eq!(texts, groups.len(), "every group has a text: {groups:?}");

    let printed = flight.stdout();
    for (number, line) in printed.lines().enumerate() {
        let raw = line.chars().find(|c| c.is_control());
        assert_eq!(raw, None, "a raw control character in line {number}: {line:?}");
    }
    for secret in [CANARY, CANARY_NUMBER] {
        let leak = printed.lines().find(|line| line.contains(secret));
        assert_eq!(leak, None, "a literal is printed");
    }
    flight.end().await
}
