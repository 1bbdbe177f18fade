//! Cuts: what is in them, where they begin, and that they decide what the flight decided.

use std::path::{Path, PathBuf};

use lockpit::engine::Cockpit;
use lockpit::engine::ids::At;
use lockpit::export::{ExportError, Exported, Request, export};
use lockpit::log::{Ending, Entry, Head, Item, Pin, Reader, Verdict, verify};
use lockpit::replay::{Replay, Step};

use crate::program::{RECORDINGS, folder, lockpit, recording};

/// What a log holds from `from` to `to`, apart from checkpoints.
pub(crate) fn entries(path: &Path, from: At, to: At) -> Vec<Entry> {
    let mut reader = Reader::open(path).expect("a log");
    let mut entries = Vec::new();
    while let Some(item) = reader.next_item().expect("readable") {
        match item {
            Item::Entry { entry: Entry::Checkpoint(..), .. } => {}
            Item::Entry { entry, .. } if (from..=to).contains(&entry.at()) => entries.push(entry),
            Item::Entry { .. } => {}
            Item::Damage(damage) => panic!("{} is damaged: {damage:?}", path.display()),
        }
    }
    entries
}

/// The time of the last entry.
pub(crate) fn end(path: &Path) -> At {
    entries(path, At(0), At(u64::MAX)).last().expect("an entry").at()
}

/// Replays a log to its end: the engine there. Nothing may be decided otherwise.
pub(crate) fn replayed(path: &Path) -> Cockpit {
    let mut replay = Replay::open(path).expect("a log");
    while let Some(step) = replay.step().expect("readable") {
        let drifts = matches!(step, Step::StateDiffers { .. } | Step::Turn { drift: Some(_), .. });
        assert!(!drifts, "{}: {step:?}", path.display());
    }
    assert_eq!(replay.ending().expect("readable"), Ending::Complete);
    replay.cockpit().clone()
}

pub(crate) fn cut(logs: &[PathBuf], from: At, to: At, is_masked: bool, to_file: &Path) -> Exported {
    let to_file = to_file.to_owned();
    export(&Request { logs: logs.to_vec(), from, to, is_masked, to_file }).expect("a cut")
}

/// Thirds of a recording, and more than all of it.
pub(crate) fn spans(path: &Path) -> [(At, At); 4] {
    let end = end(path).0;
    let third = |n: u64| At(end * n / 3);
    [(At(0), third(1)), (third(1), third(2)), (third(2), At(end)), (At(0), At(u64::MAX))]
}

#[test]
fn a_cut_holds_what_the_flight_held_in_that_time_and_replays_without_drift() {
    let dir = tempfile::tempdir().expect("a folder");
    for name in RECORDINGS {
        let log = recording(name);
        for (n, (from, to)) in spans(&log).into_iter().enumerate() {
            let file = dir.path().join(format!("{name}-{n}.flight"));
            let made = cut(std::slice::from_ref(&log), from, to, false, &file);
            assert_eq!((made.gaps, made.doubts), (vec![], vec![]), "{name} {n}");
            let (held, expected) = (entries(&file, At(0), At(u64::MAX)), entries(&log, from, to));
            assert!(!expected.is_empty());
            assert!(held == expected, "{name} {n}: {} entries, not {}", held.len(), expected.len());
            let cockpit = replayed(&file);
            let mut whole = Replay::open(&log).expect("a log");
            while whole.next_at().expect("readable").is_some_and(|at| at <= to) {
                whole.step().expect("readable");
            }
            assert_eq!(cockpit.state(), whole.cockpit().state(), "{name} {n}");
            assert_eq!(verify(&file, Some(&made.pin)).expect("readable").verdict, Verdict::Complete);
        }
    }
}

#[test]
fn a_cut_says_that_it_is_one_and_of_what() {
    let dir = folder(&["jam"]);
    let ran = lockpit(
        dir.path(),
        &["logs", "export", "jam.flight", "--from", "+2s", "--to", "+4s", "-o", "a.flight"],
    );
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    assert!(ran.out.starts_with("a.flight: 00:00:02 to 00:00:04 of the flight, "), "{}", ran.out);
    let file = dir.path().join("a.flight");
    let said: Pin = ran.out.parse().expect("a checkpoint of the cut");
    assert_eq!(verify(&file, Some(&said)).expect("readable").verdict, Verdict::Complete);
    let found = Head::read(&file).expect("a log").meta.expect("what it says").cut.expect("a cut");
    let source = verify(&dir.path().join("jam.flight"), None).expect("readable").pin;
    assert_eq!(found.of, source.to_string());
    assert_eq!((found.from_us, found.to_us, found.is_masked), (2_000_000, 4_000_000, false));

    let replay = lockpit(dir.path(), &["replay", "--headless", "a.flight"]);
    assert_eq!((replay.exit, replay.err.as_str()), (0, ""));
    let first: serde_json::Value =
        serde_json::from_str(replay.out.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["type"], "flight");
    assert_eq!(first["cut"], "a cut of a flight, 00:00:02 to 00:00:04 of it");
    for line in replay.out.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let at_ms = line["at_ms"].as_u64().expect("a time");
        assert!((2_000..=4_000).contains(&at_ms), "{line}");
    }
}

#[test]
fn nothing_is_overwritten_and_a_cut_that_fails_leaves_no_file() {
    let dir = folder(&["jam"]);
    let run = |from: &str, to: &str, file: &str| {
        lockpit(dir.path(), &["logs", "export", "jam.flight", "--from", from, "--to", to, "-o", file])
    };
    std::fs::write(dir.path().join("mine"), "precious").expect("written");
    let ran = run("+2s", "+4s", "mine");
    assert_eq!((ran.exit, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("mine exists already"), "{}", ran.err);
    assert_eq!(std::fs::read_to_string(dir.path().join("mine")).expect("there"), "precious");
    for (from, to, why) in [
        ("+2h", "+3h", "nothing is recorded from 02:00:00 to 03:00:00"),
        ("+3s", "+2s", "the cut would end (00:00:02) before it begins (00:00:03)"),
        ("+0s", "2001-01-01T00:00:00Z", "before the flight began"),
        ("soon", "+2s", "is no moment"),
    ] {
        let ran = run(from, to, "none.flight");
        assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "{from} {to}");
        assert!(ran.err.contains(why), "{why} in {}", ran.err);
        assert!(!dir.path().join("none.flight").exists());
    }
    let ran =
        lockpit(dir.path(), &["logs", "export", "mine", "--from", "+1s", "--to", "+2s", "-o", "none.flight"]);
    assert_eq!(ran.exit, 7, "{}", ran.err);
}

#[test]
fn what_is_missing_in_a_damaged_log_is_a_gap_in_its_cut() {
    let dir = folder(&[]);
    let (log, file) = (dir.path().join("damaged.flight"), dir.path().join("cut.flight"));
    let mut bytes = std::fs::read(recording("healthy")).expect("a recording");
    let mut reader = Reader::open(&recording("healthy")).expect("a log");
    while reader.next_item().expect("readable").is_some() {}
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&log, bytes).expect("written");
    let made = cut(&[log], At(0), At(u64::MAX), false, &file);
    assert_eq!(made.doubts.len(), 1, "{made:?}");
    assert!(made.doubts[0].contains("altered"), "{made:?}");
    assert_eq!(made.gaps.len(), 1, "{made:?}");
    assert!(made.gaps[0].contains("damaged at byte"), "{made:?}");
    replayed(&file);
}

#[test]
fn logs_that_are_no_parts_of_one_recording_are_not_cut_together() {
    let dir = folder(&[]);
    let to_file = dir.path().join("none.flight");
    for pair in [["jam", "healthy"], ["jam", "jam"]] {
        let logs = pair.map(recording).to_vec();
        let request =
            Request { logs, from: At(0), to: At(u64::MAX), is_masked: false, to_file: to_file.clone() };
        let error = export(&request).expect_err("refused");
        assert!(matches!(error, ExportError::Parts(_)), "{error}");
    }
    assert!(!to_file.exists());
}
