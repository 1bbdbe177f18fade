//! `lockpit judge`: what is printed, and the exit codes.

use std::path::Path;

use serde_json::Value;

use crate::recordings::{all, recording};
use crate::support::{LONG, Program};

const STRICT: &str =
    "[guardrails]\nqueue_depth = { limit = 2, hold = \"0s\" }\nqueue_age = { limit = \"1h\" }\n";

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of this test")
}

/// Judges logs by a file of these guardrails: exit code, standard output, standard error.
async fn judge(guardrails: &str, logs: &[&Path], more: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("team.toml");
    std::fs::write(&file, guardrails).expect("a file");
    let mut args = vec!["judge", "--guardrails", text(&file)];
    args.extend(logs.iter().map(|log| text(log)));
    args.extend(more);
    let mut program = Program::lockpit(args);
    let exit = program.exit(LONG).await;
    (exit, program.stdout(), program.stderr())
}

#[tokio::test]
async fn a_table_is_printed_with_both_limits_and_a_sentence_for_each_trip() {
    let (exit, table, stderr) = judge(STRICT, &[&recording("tripped.flight")], &[]).await;
    assert_eq!((exit, &*stderr), (0, ""));
    for words in [
        "limits in question  queue_depth 2 for 0 ms, queue_age 1h00m",
        "tripped.flight",
        "recorded limits   queue_depth 20",
        "earlier",
        "before the recorded queue_depth did",
        "spares at most",
        "false trips: 0 of 1 trips",
    ] {
        assert!(table.contains(words), "{words:?} is not in\n{table}");
    }
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_said_and_the_others_are_judged() {
    let folder = tempfile::tempdir().expect("a folder");
    let (missing, noise) = (folder.path().join("missing.flight"), folder.path().join("noise.flight"));
    std::fs::write(&noise, [7; 4_096]).expect("a file");
    let logs = [&*missing, &*recording("jam.flight"), &*noise];
    let (exit, stdout, stderr) = judge(STRICT, &logs, &["--format", "json"]).await;
    assert_eq!(exit, 7);
    assert!(stderr.contains("missing.flight") && stderr.contains("noise.flight"), "{stderr}");
    let judgement: Value = serde_json::from_str(&stdout).expect("one JSON object");
    assert_eq!(judgement["logs"][1]["incidents"][0]["outcome"], "only_now", "{judgement}");
    assert!(judgement["logs"][0]["error"].is_string() && judgement["logs"][1]["error"].is_null());
    assert_eq!((&judgement["total"]["logs"], &judgement["total"]["unreadable"]), (&1.into(), &2.into()));
    assert_eq!(judgement["limits"]["queue_depth"], 2);
}

#[tokio::test]
async fn a_damaged_log_is_said_and_exits_as_such() {
    let mut bytes = std::fs::read(recording("tripped.flight")).expect("the log");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("damaged.flight");
    std::fs::write(&log, bytes).expect("a file");
    let (exit, stdout, _) = judge(STRICT, &[&log], &[]).await;
    assert_eq!(exit, 7, "{stdout}");
    assert!(stdout.contains("damaged or altered at byte"), "{stdout}");
}

#[tokio::test]
async fn a_wrong_file_of_guardrails_is_refused_before_anything_is_read() {
    let log = recording("jam.flight");
    for (guardrails, words) in [
        ("[guardrails]\nqueue_dept = { limit = 3 }\n", "team.toml, line 2: unknown guardrail `queue_dept`"),
        (
            "[guardrails]\n\nprobe_latency = { hold = \"3s\" }\n",
            "line 3: `probe_latency`: this release has no",
        ),
        ("[guardrails\n", "team.toml, line 1: "),
    ] {
        let (exit, stdout, stderr) = judge(guardrails, &[&log], &[]).await;
        assert_eq!((exit, &*stdout), (2, ""), "{stderr}");
        assert!(stderr.contains(words), "{stderr}");
    }
}

#[tokio::test]
async fn many_logs_are_listed_in_the_order_given() {
    let logs = all();
    let logs: Vec<&Path> = logs.iter().map(std::path::PathBuf::as_path).collect();
    let (exit, table, _) = judge(STRICT, &logs, &["--resolved-within", "1m"]).await;
    assert_eq!(exit, 0);
    let places: Vec<Option<usize>> = logs.iter().map(|log| table.find(text(log))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{table}");
    assert!(table.contains("false trip: the harm resolved by itself"), "{table}");
}

/// `LOCKPIT_BLESS=1 cargo test --test judge schema` writes it anew.
#[test]
fn the_schema_in_assets_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/judge.schema.json");
    let now = lockpit::judge::schema();
    if std::env::var_os("LOCKPIT_BLESS").is_some() {
        std::fs::write(&path, &now).expect("assets can be written");
    }
    let pinned = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(pinned, now, "bless the schema, and number it anew if readers notice");
}
