//! A log whose flight was cut off goes on, wherever it was cut: nothing that was whole is lost, nothing that was torn
//! is read, and the gap is told.

use std::path::{Path, PathBuf};

use lockpit::engine::ids::At;
use lockpit::log::{Ending, Entry, Item, Log, LogError, Options, Reader, Verdict, verify};
use lockpit::replay::{Replay, Step};
use tempfile::TempDir;

use crate::support::made::{Made, header, patient};
use crate::support::traffic::{Server, Traffic};

/// 25 sessions, a sample every five seconds: segments of twelve samples, with checkpoints in them.
const TRAFFIC: Traffic = Traffic { sessions: 25, churn_permille: 200, every_ms: 5_000 };

/// A flight of 30 samples, and its bytes.
fn flight() -> (TempDir, PathBuf, Vec<u8>) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.flight");
    let mut made = Made::new(Log::create(&path, &header(), patient()).expect("a log"));
    let mut server = Server::new(TRAFFIC, 5);
    for input in server.introduction() {
        made.turn(At(0), input);
    }
    for n in 0..30 {
        let (at, sample) = server.sample();
        made.turn(at, sample);
        made.remark(At(at.0 + 1), format!("before the cut {n}"));
    }
    // Dropped, not closed: its flight was cut off.
    drop(made);
    let bytes = std::fs::read(&path).expect("the log");
    (dir, path, bytes)
}

fn entries(path: &Path) -> Vec<Entry> {
    let mut reader = Reader::open(path).expect("a log");
    let mut entries = Vec::new();
    while let Some(item) = reader.next_item().expect("readable") {
        match item {
            Item::Entry { entry, .. } => entries.push(entry),
            Item::Damage(damage) => panic!("{damage:?}"),
        }
    }
    entries
}

/// Goes on with the log at `path`, says something, and closes it.
fn go_on(path: &Path) -> Option<PathBuf> {
    let resumed = Log::resume(path, patient()).expect("a log that goes on");
    let from = resumed.last_at;
    let tail = resumed.tail;
    let mut made = Made::new(resumed.log);
    let mut server = Server::new(TRAFFIC, 6);
    for input in server.introduction() {
        made.turn(At(from.0 + 1), input);
    }
    made.remark(At(from.0 + 2), "after the cut".to_owned());
    made.log.close(At(from.0 + 3)).expect("closed");
    tail
}

#[test]
fn a_log_cut_anywhere_goes_on_and_is_read_as_a_whole() {
    let (dir, path, bytes) = flight();
    let whole = entries(&path);
    // A step that is no multiple of anything meets every place within records of all lengths.
    for cut in (8_000..bytes.len()).step_by(1_999).chain([bytes.len()]) {
        let cut_path = dir.path().join(format!("cut{cut}.flight"));
        std::fs::write(&cut_path, &bytes[..cut]).expect("written");
        let before = entries(&cut_path);
        assert_eq!(whole[..before.len()], before[..], "cut at byte {cut}");
        let intact = verify(&cut_path, None).expect("a log").pin.bytes;

        let tail = go_on(&cut_path);

        let torn = &bytes[usize::try_from(intact).expect("small")..cut];
        let kept = tail.map(|tail| std::fs::read(tail).expect("the tail"));
        assert_eq!(kept.unwrap_or_default(), torn, "what is cut off is kept aside, cut at byte {cut}");
        let after = entries(&cut_path);
        assert_eq!(before[..], after[..before.len()], "nothing before the cut is lost, cut at byte {cut}");
        let Entry::Gap(gap_at, gap) = &after[before.len()] else { panic!("{:?}", after[before.len()]) };
        assert!(gap.why.contains("stopped without an end") && gap.lost.is_none(), "{gap:?}");
        assert_eq!(verify(&cut_path, None).expect("a log").verdict, Verdict::Complete, "cut at byte {cut}");

        let mut replay = Replay::open(&cut_path).expect("a log");
        let mut gaps = 0;
        while let Some(step) = replay.step().expect("readable") {
            gaps += u32::from(matches!(step, Step::Resumed { .. }));
            assert!(
                !matches!(step, Step::Turn { drift: Some(_), .. } | Step::StateDiffers { .. }),
                "{step:?}"
            );
        }
        assert_eq!((gaps, replay.ending().expect("readable")), (1, Ending::Complete), "cut at byte {cut}");
        // The numbers of texts begin anew with the engine: those before must not be taken for its own.
        let begun = Replay::open_at(&cut_path, At(gap_at.0)).expect("a log");
        assert!(begun.cockpit().checkpoint().held.texts.is_empty(), "cut at byte {cut}");
        let mut sought = Replay::open_at(&cut_path, At(u64::MAX)).expect("a log");
        while sought.step().expect("readable").is_some() {}
        let same = sought.cockpit().checkpoint() == replay.cockpit().checkpoint();
        assert!(same, "sought behind the gap, the end is another one, cut at byte {cut}");
    }
}

#[test]
fn a_log_goes_on_twice() {
    let (_dir, path, bytes) = flight();
    std::fs::write(&path, &bytes[..bytes.len() - 10]).expect("written");
    drop(Log::resume(&path, Options::default()).expect("a log that goes on"));
    go_on(&path);
    assert_eq!(verify(&path, None).expect("a log").verdict, Verdict::Complete);
}

#[test]
fn a_tail_that_was_kept_is_never_overwritten() {
    let (_dir, path, bytes) = flight();
    let intact = {
        std::fs::write(&path, &bytes[..bytes.len() - 10]).expect("written");
        usize::try_from(verify(&path, None).expect("a log").pin.bytes).expect("small")
    };
    let mut kept = Vec::new();
    for tail in [&b"the first torn tail"[..], b"another one"] {
        std::fs::write(&path, [&bytes[..intact], tail].concat()).expect("written");
        let resumed = Log::resume(&path, Options::default()).expect("a log that goes on");
        kept.push((resumed.tail.expect("a tail"), tail));
    }
    for (aside, tail) in kept {
        assert_eq!(std::fs::read(&aside).expect("the tail"), tail, "{}", aside.display());
    }
}

#[test]
fn a_log_cut_within_its_first_record_does_not_go_on() {
    let (dir, _, bytes) = flight();
    let path = dir.path().join("head.flight");
    for cut in [88, 89, 100] {
        std::fs::write(&path, &bytes[..cut]).expect("written");
        let error = Log::resume(&path, Options::default()).expect_err("nothing is in it");
        assert!(matches!(error, LogError::Empty { .. }), "cut at byte {cut}: {error}");
        assert_eq!(std::fs::read(&path).expect("there"), bytes[..cut], "it is left as it is");
    }
}

#[test]
fn damage_before_a_gap_is_told_once_and_where_it_is() {
    let (_dir, path, bytes) = flight();
    std::fs::write(&path, &bytes[..bytes.len() - 10]).expect("written");
    let intact = usize::try_from(verify(&path, None).expect("a log").pin.bytes).expect("small");
    let resumed = Log::resume(&path, patient()).expect("a log that goes on");
    let from = resumed.last_at.0;
    let mut made = Made::new(resumed.log);
    let mut server = Server::new(TRAFFIC, 6);
    for input in server.introduction() {
        made.turn(At(from + 1), input);
    }
    // Enough for a checkpoint behind the one that the gap ends with.
    for _ in 0..11 {
        let (at, sample) = server.sample();
        made.turn(At(from + 1 + at.0), sample);
    }
    made.log.close(At(from + 100_000_000)).expect("closed");
    let mut damaged = std::fs::read(&path).expect("the log");
    damaged[intact - 5] ^= 1;
    std::fs::write(&path, damaged).expect("written");

    let mut replay = Replay::open(&path).expect("a log");
    let mut told = Vec::new();
    while let Some(step) = replay.step().expect("readable") {
        if let Step::Resumed { gap, .. } = step {
            told.push(gap.why);
        }
    }
    let [why] = &told[..] else { panic!("one way on: {told:?}") };
    assert!(why.contains("stopped without an end") && why.contains("is damaged at byte"), "{why}");
}
