//! The list of logs.

use lockpit::log::{Header, Log, Meta, Options};
use serde_json::Value;

use crate::program::{RECORDINGS, folder, lockpit, recording};

fn listed(dir: &std::path::Path, args: &[&str]) -> Vec<Value> {
    let ran = lockpit(dir, &[&["logs", "--format", "json"], args].concat());
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    let list: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(list["schema"], 1);
    list["logs"].as_array().expect("logs").clone()
}

#[test]
fn the_list_fits_a_screen_of_80_columns() {
    let dir = folder(&RECORDINGS);
    std::fs::write(dir.path().join("notes.txt"), "no log").expect("written");
    let torn = std::fs::read(recording("jam")).expect("a recording");
    std::fs::write(dir.path().join("torn.flight"), &torn[..torn.len() - 30]).expect("written");
    let ran = lockpit(dir.path(), &["logs", "."]);
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    for line in ran.out.lines().filter(|line| !line.starts_with(' ')) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    insta::with_settings!({ snapshot_path => "../snapshots/logs", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("list", ran.out);
    });
}

#[test]
fn the_newest_comes_first_and_what_is_no_log_is_named_last() {
    let dir = folder(&RECORDINGS);
    std::fs::write(dir.path().join("notes.txt"), "no log").expect("written");
    std::fs::write(dir.path().join("empty"), "").expect("written");
    let logs = listed(dir.path(), &["."]);
    assert_eq!(logs.len(), RECORDINGS.len() + 2);
    let began: Vec<&str> = logs.iter().map_while(|log| log["began"].as_str()).collect();
    assert_eq!(began.len(), RECORDINGS.len());
    assert!(began.windows(2).all(|pair| pair[0] >= pair[1]), "{began:?}");
    for other in &logs[RECORDINGS.len()..] {
        assert!(other["unreadable"].as_str().is_some_and(|why| !why.is_empty()), "{other}");
        assert!(other["outcome"].is_null() && other["integrity"].is_null(), "{other}");
    }
}

#[test]
fn outcomes_are_told_from_the_end_of_each_log() {
    let dir = folder(&RECORDINGS);
    for log in listed(dir.path(), &["."]) {
        let path = log["path"].as_str().expect("a path");
        let (outcome, integrity) = (log["outcome"].as_str().expect("one"), log["integrity"].as_str());
        let ran = lockpit(dir.path(), &["replay", "--headless", path]);
        let end: Value = serde_json::from_str(ran.out.lines().last().expect("a line")).expect("JSON");
        let expected = match end["exit"].as_u64().expect("an exit code") {
            4 => "guardrail acted: ",
            5 => "aborted by operator",
            8 => "armed without the right",
            _ => "done",
        };
        assert!(outcome.starts_with(expected), "{path}: {outcome}, not {expected}");
        assert_eq!((integrity, log["is_verified"].as_bool()), (Some("complete"), Some(false)), "{path}");
    }
}

#[test]
fn a_log_in_the_air_is_told_from_a_torn_one() {
    let dir = folder(&[]);
    let path = dir.path().join("a.flight");
    let header = Header {
        flight: [1; 16],
        sync: [2; 16],
        boot: [3; 16],
        utc_us: 0,
        monotonic_us: 0,
        meta: Meta::default(),
    };
    let mut log = Log::create(&path, &header, Options::default()).expect("a log");
    let engine = lockpit::engine::Cockpit::default();
    assert!(log.begin_segment(lockpit::engine::ids::At(0), engine.checkpoint()));
    let integrity = || listed(dir.path(), &["a.flight"])[0]["integrity"].as_str().map(str::to_owned);
    assert_eq!(integrity().as_deref(), Some("in_the_air"));
    drop(log);
    assert_eq!(integrity().as_deref(), Some("torn"));
}

#[test]
fn a_change_in_the_middle_is_found_by_a_full_pass() {
    let dir = folder(&["jam"]);
    let path = dir.path().join("jam.flight");
    let mut bytes = std::fs::read(&path).expect("a recording");
    // In the first text or sample, long before the last segment's end.
    bytes[2_000] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    let ran = lockpit(dir.path(), &["logs", "--verify", "--format", "json", "jam.flight"]);
    assert_eq!(ran.exit, 7, "{}", ran.err);
    let list: Value = serde_json::from_str(&ran.out).expect("JSON");
    let log = &list["logs"][0];
    assert_eq!((log["integrity"].as_str(), log["is_verified"].as_bool()), (Some("altered"), Some(true)));
    assert!(log["verdict"].as_str().is_some_and(|verdict| verdict.contains("altered at byte")), "{log}");
}

#[test]
fn a_folder_that_is_not_there_is_an_error_and_one_where_nothing_was_recorded_is_not() {
    let dir = folder(&[]);
    let ran = lockpit(dir.path(), &["logs", "nowhere"]);
    assert_eq!((ran.exit, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("there is no file or folder nowhere"), "{}", ran.err);
    let ran = lockpit(dir.path(), &["logs"]);
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    assert!(ran.out.starts_with("no logs in ") && ran.out.lines().count() == 1, "{}", ran.out);
}

#[test]
fn a_link_that_leads_nowhere_and_a_pipe_are_named() {
    let dir = folder(&[]);
    std::os::unix::fs::symlink("nowhere", dir.path().join("link")).expect("a link");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        dir.path().join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .expect("a pipe");
    let logs = listed(dir.path(), &["."]);
    assert_eq!(logs.len(), 2);
    assert!(logs.iter().all(|log| log["unreadable"].is_string()), "{logs:?}");
}

#[test]
fn a_flight_of_a_plan_names_the_plan_and_how_it_ended() {
    let dir = folder(&["plan"]);
    let logs = listed(dir.path(), &["plan.flight"]);
    assert_eq!((&logs[0]["plan"], &logs[0]["outcome"]), (&"orders-delivery".into(), &"a step failed".into()));
    let ran = lockpit(dir.path(), &["logs", "plan.flight"]);
    assert!(
        ran.out.contains(" orders… ") && ran.out.contains("plan.flight: a step failed; plan orders-delivery"),
        "{}",
        ran.out
    );
}
