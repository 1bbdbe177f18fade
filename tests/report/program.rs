//! The command: where the report goes, and its exit codes.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::recording;

/// `lockpit report` in the folder `dir`: exit code, standard output, standard error.
fn report(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockpit"));
    command.arg("report").args(args).current_dir(dir);
    let Output { status, stdout, stderr } = command.output().expect("lockpit runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn a_page_is_written_beside_the_user_and_never_over_a_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = recording("tripped");
    let log = log.to_str().expect("UTF-8");
    let (exit, stdout, stderr) = report(dir.path(), &[log]);
    assert_eq!((exit, &*stdout), (Some(0), ""), "{stderr}");
    assert!(stderr.contains("tripped.html"), "{stderr}");
    let path = dir.path().join("tripped.html");
    assert!(std::fs::read_to_string(&path).expect("a page").starts_with("<!DOCTYPE html>"));
    std::fs::write(&path, "mine").expect("writable");
    let (exit, _, stderr) = report(dir.path(), &[log]);
    assert_eq!(exit, Some(2));
    assert!(stderr.contains("exists already") && stderr.contains("--force"), "{stderr}");
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), "mine");
    assert_eq!(report(dir.path(), &[log, "--force"]).0, Some(0));
    assert!(std::fs::read_to_string(&path).expect("a page").len() > 1_000);
}

#[test]
fn the_log_is_never_written_over() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = dir.path().join("flight.html");
    std::fs::copy(recording("jam"), &log).expect("a copy");
    let (exit, _, stderr) = report(dir.path(), &["flight.html", "--force"]);
    assert_eq!(exit, Some(2));
    assert!(stderr.contains("is the log itself"), "{stderr}");
    assert_eq!(std::fs::read(&log).ok(), std::fs::read(recording("jam")).ok());
}

#[test]
fn tickets_and_facts_go_to_standard_output() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = recording("jam");
    let log = log.to_str().expect("UTF-8");
    let (exit, stdout, _) = report(dir.path(), &[log, "--format", "markdown"]);
    assert!(exit == Some(0) && stdout.starts_with("# Flight report: "), "{stdout}");
    let (exit, stdout, _) = report(dir.path(), &[log, "--format", "json"]);
    let story: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!((exit, &story["schema"]), (Some(0), &serde_json::json!(1)));
    assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 0);
}

#[test]
fn a_torn_log_is_said_and_an_altered_one_is_exit_7() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut bytes = std::fs::read(recording("tripped")).expect("a recording");
    let torn = dir.path().join("torn.flight");
    std::fs::write(&torn, &bytes[..bytes.len() / 2]).expect("written");
    let (exit, stdout, stderr) = report(dir.path(), &["torn.flight", "--format", "markdown"]);
    assert_eq!(exit, Some(0), "{stderr}");
    assert!(stdout.contains("WARNING: ") && stdout.contains("The log is torn"), "{stdout}");
    assert!(stderr.contains("torn"), "{stderr}");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(dir.path().join("altered.flight"), &bytes).expect("written");
    let (exit, stdout, stderr) = report(dir.path(), &["altered.flight", "--format", "markdown"]);
    assert_eq!(exit, Some(7), "{stderr}");
    assert!(stdout.contains("The log is altered at byte"), "{stdout}");
    let (exit, stdout, stderr) = report(dir.path(), &["no-such.flight", "--format", "json"]);
    assert_eq!((exit, &*stdout), (Some(7), ""), "{stderr}");
}

#[test]
fn a_bad_remark_is_exit_2_with_its_line() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("notes"), "+1s fine\nlater nothing\n").expect("written");
    let log = recording("jam");
    let (exit, stdout, stderr) =
        report(dir.path(), &[log.to_str().expect("UTF-8"), "--format", "json", "--notes", "notes"]);
    assert_eq!((exit, &*stdout), (Some(2), ""));
    assert!(stderr.contains("notes: line 2: 'later' is no time"), "{stderr}");
}

#[test]
fn a_cut_is_said_before_anything_else() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = recording("tripped");
    let cut = Command::new(env!("CARGO_BIN_EXE_lockpit"))
        .args([
            "logs",
            "export",
            log.to_str().expect("UTF-8"),
            "--from",
            "+1s",
            "--to",
            "+4s",
            "-o",
            "cut.flight",
        ])
        .current_dir(dir.path())
        .output()
        .expect("lockpit runs");
    assert!(cut.status.success(), "{cut:?}");
    let (exit, ticket, stderr) = report(dir.path(), &["cut.flight", "--format", "markdown"]);
    assert_eq!(exit, Some(0), "{stderr}");
    let (above, below) = ticket.split_once("No guardrail tripped").expect("the sentence");
    assert!(above.contains("Not the whole flight") && above.contains("00:00:01 to 00:00:04"), "{above}");
    assert!(
        below.contains("its exit code is not known") && below.contains("a part of the flight, until"),
        "{below}"
    );
    let (exit, page, _) = report(dir.path(), &["cut.flight", "-o", "-"]);
    assert_eq!(exit, Some(0));
    assert!(page.contains("Not the whole flight") && !page.contains("flown for"), "{page}");
}

#[test]
fn what_a_damaged_log_does_not_show_is_not_said_to_have_been_calm() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut bytes = std::fs::read(recording("tripped")).expect("a log");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    std::fs::write(dir.path().join("damaged.flight"), bytes).expect("a log");
    let (exit, ticket, _) = report(dir.path(), &["damaged.flight", "--format", "markdown"]);
    assert_eq!(exit, Some(7));
    for words in [
        "As far as the log could be read: no guardrail tripped",
        "nothing was stopped, as far as the log could be read",
        "its exit code is not known",
    ] {
        assert!(ticket.contains(words), "{words:?} is not in\n{ticket}");
    }
}

#[test]
fn a_remark_far_from_the_flight_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = recording("tripped");
    let log = log.to_str().expect("UTF-8");
    std::fs::write(dir.path().join("notes.txt"), "+1s near\n+2h far\n").expect("remarks");
    let (exit, ticket, stderr) = report(dir.path(), &[log, "--format", "markdown", "--notes", "notes.txt"]);
    assert_eq!(exit, Some(0), "{stderr}");
    assert!(stderr.contains("line 2") && stderr.contains("after the log ends"), "{stderr}");
    assert!(!stderr.contains("line 1") && ticket.contains("far"), "{stderr}");
}
