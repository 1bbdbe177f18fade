//! A recorder that is always on: part after part, each a log of its own, and the old ones forgotten.

use std::path::{Path, PathBuf};

use lockpit::engine::ids::At;
use lockpit::log::{Head, Header, Log, Meta, Options, Part, Pin, Ring, Verdict, verify};
use lockpit::replay::{Replay, Step};

use crate::support::made::{Made, header, patient};
use crate::support::traffic::{Server, Traffic};
use crate::support::{LONG, wait_until};

const MINUTE_US: u64 = 60_000_000;
const TRAFFIC: Traffic = Traffic { sessions: 12, churn_permille: 200, every_ms: 5_000 };

fn parts(dir: &Path) -> Vec<PathBuf> {
    let mut parts: Vec<PathBuf> =
        std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    parts.sort();
    parts
}

fn ring_header(keep_us: u64) -> Header {
    let part = Some(Part { number: 1, keep_ms: keep_us / 1_000, after: None });
    Header { meta: Meta { part, database: Some("shop".to_owned()), ..Meta::default() }, ..header() }
}

/// Flies for `minutes` in parts of a minute, of which `kept` are kept.
fn fly(dir: &Path, minutes: u64, kept: u64) -> Made {
    let keep_us = kept * MINUTE_US;
    let ring = Ring { dir: dir.to_owned(), stem: "a".to_owned(), keep_us };
    let path = ring.part(1);
    let options = Options { ring: Some(ring), ..patient() };
    let mut made = Made::new(Log::create(&path, &ring_header(keep_us), options).expect("a log"));
    let mut server = Server::new(TRAFFIC, 5);
    for input in server.introduction() {
        made.turn(At(0), input);
    }
    for _ in 0..minutes * 60_000 / TRAFFIC.every_ms {
        let (at, sample) = server.sample();
        made.turn(at, sample);
    }
    made
}

#[test]
fn each_part_is_a_log_of_its_own_and_none_loses_a_turn() {
    let dir = tempfile::tempdir().expect("a folder");
    let made = fly(dir.path(), 5, 10);
    let end = made.cockpit.checkpoint();
    made.log.close(At(6 * MINUTE_US)).expect("closed");
    let parts = parts(dir.path());
    assert!(parts.len() >= 4, "{parts:?}");
    let (mut samples, mut before) = (0, None::<Pin>);
    for (n, part) in (1..).zip(&parts) {
        let found = verify(part, None).expect("a log");
        assert_eq!(found.verdict, Verdict::Complete, "{}", part.display());
        let meta = Head::read(part).expect("a log").meta.expect("it is there").part.expect("a part");
        assert_eq!((meta.number, meta.after), (n, before.map(|pin| pin.to_string())));
        before = Some(found.pin);

        let mut replay = Replay::open(part).expect("a log");
        while let Some(step) = replay.step().expect("readable") {
            match step {
                Step::Turn { was_sample, drift: None, .. } => samples += u32::from(was_sample),
                other => panic!("{}: {other:?}", part.display()),
            }
        }
        if Some(part) == parts.last() {
            assert_eq!(replay.cockpit().checkpoint(), end, "texts and all");
        }
    }
    assert_eq!(samples, 60);
}

#[test]
fn old_parts_are_forgotten_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a folder");
    let other = dir.path().join("other.flight");
    let mut made = Made::new(Log::create(&other, &header(), patient()).expect("a log"));
    made.remark(At(1), "no part of a ring".to_owned());
    made.log.close(At(2)).expect("closed");
    let foreign = dir.path().join("notes.flight");
    std::fs::write(&foreign, "no log").expect("written");

    let made = fly(dir.path(), 12, 3);
    made.log.close(At(13 * MINUTE_US)).expect("closed");

    let left = parts(dir.path());
    assert!(left.contains(&other) && left.contains(&foreign), "{left:?}");
    let parts = left.len() - 2;
    assert!((3..=6).contains(&parts), "three minutes in parts of one, and what is being written: {left:?}");
    assert!(!left.iter().any(|path| path.ends_with("a.part0001.flight")), "{left:?}");
}

#[tokio::test]
async fn a_part_that_cannot_be_made_costs_a_gap_and_is_tried_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let parts_dir = dir.path().join("parts");
    std::fs::create_dir(&parts_dir).expect("made");
    // What stands in the way of the second part.
    let blocked = parts_dir.join("a.part0002.flight");
    std::fs::write(&blocked, "in the way").expect("written");
    let mut made = fly(&parts_dir, 1, 10);
    let mut at = At(2 * MINUTE_US);
    while made.log.status().lost.is_none() {
        let input = lockpit::engine::input::Input::Tick;
        at = At(at.0 + 1);
        if made.log.wants_segment(at) {
            made.log.begin_segment(at, made.cockpit.checkpoint());
        }
        let mut batch = lockpit::log::Batch::new();
        batch.input(at, &input);
        made.cockpit.handle(at, input);
        made.log.append(batch);
    }
    std::fs::remove_file(&blocked).expect("removed");
    let needs = async || made.log.needs_checkpoint().then_some(()).ok_or_else(|| "not yet".to_owned());
    wait_until("recording could go on", LONG, needs).await;
    made.remark(At(at.0 + 1), "again".to_owned());
    made.log.close(At(at.0 + 2)).expect("closed");
    let found = verify(&blocked, None).expect("the second part");
    assert_eq!(found.verdict, Verdict::Complete);
    let mut replay = Replay::open(&blocked).expect("a log");
    let mut has_gap = false;
    while let Some(step) = replay.step().expect("readable") {
        has_gap |= matches!(step, Step::Resumed { .. });
    }
    assert!(has_gap, "what was lost is told");
}

/// Records a part of an earlier flight in `dir`, that ended at 1 s of it.
fn earlier(dir: &Path, name: &str, change: impl FnOnce(&mut Header)) -> PathBuf {
    let mut header = Header { flight: [9; 16], ..ring_header(3 * MINUTE_US) };
    change(&mut header);
    let path = dir.join(name);
    let mut made = Made::new(Log::create(&path, &header, patient()).expect("a log"));
    made.remark(At(1), "of an earlier flight".to_owned());
    made.log.close(At(1_000_000)).expect("closed");
    path
}

#[test]
fn a_wall_clock_that_was_wrong_forgets_nothing_that_is_young() {
    let dir = tempfile::tempdir().expect("a folder");
    let hour_us = 60 * MINUTE_US;
    let began = ring_header(0);
    // This start of the machine tells how old it is, whatever the wall clock said.
    let young = earlier(dir.path(), "young.flight", |header| header.utc_us = 0);
    let old = earlier(dir.path(), "old.flight", |header| header.utc_us += 1 << 50);
    // Of another start, with a wall clock of 1970: its file is young.
    let unset = earlier(dir.path(), "unset.flight", |header| (header.boot, header.utc_us) = ([8; 16], 0));
    // Of another start, long ago by both.
    let ancient = earlier(dir.path(), "ancient.flight", |header| {
        header.boot = [7; 16];
        header.utc_us -= i64::try_from(hour_us).expect("small");
    });
    let long_ago = std::fs::metadata(&ancient).and_then(|found| found.modified()).expect("a time")
        - std::time::Duration::from_secs(3_600);
    let file = std::fs::File::options().write(true).open(&ancient).expect("opened");
    file.set_modified(long_ago).expect("set");

    let ring = Ring { dir: dir.path().to_owned(), stem: "b".to_owned(), keep_us: 3 * MINUTE_US };
    let path = ring.part(1);
    // The machine has run for an hour; of that the young part saw the last minute.
    let header = Header { monotonic_us: 2 * MINUTE_US, ..began.clone() };
    let options = Options { ring: Some(ring.clone()), ..patient() };
    drop(Log::create(&path, &header, options).expect("a log"));
    assert!(young.exists() && old.exists() && unset.exists(), "{:?}", parts(dir.path()));
    assert!(!ancient.exists(), "old by every clock");

    let later = Ring { stem: "c".to_owned(), ..ring };
    let header = Header { monotonic_us: hour_us, ..began };
    let options = Options { ring: Some(later.clone()), ..patient() };
    drop(Log::create(&later.part(1), &header, options).expect("a log"));
    assert!(!young.exists() && !old.exists(), "an hour of the same start of the machine");
    assert!(unset.exists());
}
