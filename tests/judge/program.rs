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
        "false trips: 0 of 1 trip in",
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
    assert!(stdout.contains("1 log damaged or altered, and judged in part"), "{stdout}");
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

/// The part of the demonstration from three seconds on, as a log of its own.
async fn cut_of_the_demonstration(folder: &Path) -> std::path::PathBuf {
    let cut = folder.join("cut.flight");
    let whole = demonstration();
    let args = ["logs", "export", text(&whole), "--from", "+3s", "--to", "+9s", "--mask", "-o", text(&cut)];
    let mut program = Program::lockpit(args);
    assert_eq!(program.exit(LONG).await, 0, "{}", program.stderr());
    cut
}

fn demonstration() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo.flight")
}

#[tokio::test]
async fn a_cut_is_judged_as_the_whole_log_is_and_says_what_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let cut = cut_of_the_demonstration(folder.path()).await;
    let incident = async |log: &Path| {
        let (exit, stdout, stderr) = judge(STRICT, &[log], &["--format", "json"]).await;
        assert_eq!(exit, 0, "{stderr}");
        let judgement: Value = serde_json::from_str(&stdout).expect("one JSON object");
        let incident = &judgement["logs"][0]["incidents"][0];
        ["at_ms", "outcome", "earlier_ms", "most_victims", "harm"].map(|name| incident[name].clone())
    };
    assert_eq!(incident(&cut).await, incident(&demonstration()).await);
    let (_, table, _) = judge(STRICT, &[&cut], &[]).await;
    assert!(table.contains("a cut of a flight, 00:00:03 to 00:00:09 of it, names masked"), "{table}");
}

#[tokio::test]
async fn the_same_time_of_a_flight_counts_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let cut = cut_of_the_demonstration(folder.path()).await;
    let total = async |logs: &[&Path]| {
        let (_, stdout, _) = judge(STRICT, logs, &["--format", "json"]).await;
        let judgement: Value = serde_json::from_str(&stdout).expect("one JSON object");
        judgement["total"].clone()
    };
    let (once, twice) = (total(&[&demonstration()]).await, total(&[&cut, &demonstration()]).await);
    assert_eq!(twice["repeated"], 1);
    for name in ["logs", "trips", "judged_ms", "recorded_ms", "false_trips_per_1000_h_at_most"] {
        assert_eq!(twice[name], once[name], "{name}");
    }
    let (_, table, _) = judge(STRICT, &[&cut, &demonstration()], &[]).await;
    assert!(table.contains("NOT COUNTED") && table.contains("1 log not counted"), "{table}");
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
