//! `lockpit check --offline` and `lockpit generate plan`, as they are typed.

use serde_json::Value;

use crate::small::example;
use crate::support::{LONG, Program};

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
    let (exit, stdout, stderr) = check(&["check", &good]).await;
    assert_eq!((exit, &*stdout), (2, ""));
    assert!(stderr.contains("add --offline"), "{stderr}");
    let (exit, _, stderr) = check(&["check", "--offline", "--set", "=x", &good]).await;
    assert!(exit == 2 && stderr.contains("expected NAME=VALUE"), "{stderr}");
}

#[tokio::test]
async fn the_reference_is_printed() {
    let (exit, page, stderr) = check(&["generate", "plan"]).await;
    assert_eq!((exit, &*stderr), (0, ""));
    assert_eq!(page.trim_end(), lockpit::plan::reference::text().trim_end());
}
