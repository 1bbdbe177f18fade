//! A log that was cut off, gone on with: nothing that was whole is lost, nothing is written behind a torn tail.

use lockpit::engine::ids::At;
use lockpit::log::{Ending, Entry, Item, Log, LogError, Options, Verdict, verify};
use lockpit::replay::{Replay, Step};

use super::flight::everything;
use super::forge::{header_len, kind, records};
use super::support::{drain, entries, mark, place, read, state, wait_until};

#[test]
fn a_log_cut_anywhere_is_gone_on_with_behind_its_last_whole_turn() {
    // Every 97th byte, and the bytes around the end of each turn: some 250 cuts.
    let (_dir, path) = place();
    let flown = everything(&path);
    let (whole, _) = read(&path);
    let ends: Vec<usize> = records(&flown.bytes).iter().filter(|r| r.followers == 0).map(|r| r.end).collect();
    let closed = flown.bytes.len();
    let around = ends.iter().flat_map(|end| [end - 1, *end, end + 1]);
    let meta_end = ends[0];
    let mut cuts: Vec<usize> = (meta_end..closed).step_by(97).chain(around).collect();
    cuts.retain(|cut| (meta_end..closed).contains(cut));
    let after = At::from_ms(200_000);
    for cut in cuts {
        let (dir, path) = place();
        std::fs::write(&path, &flown.bytes[..cut]).expect("written");
        let resumed = Log::resume(&path, Options::default()).unwrap_or_else(|error| panic!("{cut}: {error}"));
        let kept = *ends.iter().rfind(|end| **end <= cut).expect("META");
        let tail = &flown.bytes[kept..cut];
        match resumed.tail {
            Some(aside) => assert!(std::fs::read(&aside).expect("the tail") == tail, "cut at {cut}"),
            None => assert!(tail.is_empty(), "cut at {cut}: the tail is kept"),
        }
        let mut log = resumed.log;
        wait_until("recording can go on", || log.wants_segment(after));
        let whole_turns = ends.iter().filter(|end| **end <= cut).count() - 1;
        let engine = match whole_turns.checked_sub(1) {
            Some(last) => flown.behind[last].clone(),
            None => state(b"{}"),
        };
        assert!(log.begin_segment(after, engine.clone()), "cut at {cut}");
        assert!(log.append(vec![mark(200_001, "on we go")]), "cut at {cut}");
        log.close(At::from_ms(200_002)).expect("closed");

        let (items, ending) = read(&path);
        assert_eq!(ending, Ending::Complete, "cut at {cut}");
        let found = verify(&path, None).expect("readable");
        assert_eq!(found.verdict, Verdict::Complete, "cut at {cut}");
        let n_kept = items.len() - 3;
        assert_eq!(items[..n_kept], whole[..n_kept], "cut at {cut}: what was whole is as it was");
        let last_seq = |items: &[Item]| match items.last() {
            Some(Item::Entry { seq, .. }) => *seq,
            _ => 0,
        };
        let expected =
            whole.iter().filter(|item| last_seq(std::slice::from_ref(item)) < n_records(&flown.bytes, kept));
        assert_eq!(n_kept, expected.count(), "cut at {cut}: nothing whole is lost");
        let new = entries(&items[n_kept..]);
        assert!(matches!(&new[0], Entry::Gap(at, gap) if *at == after && gap.lost.is_none()), "{:?}", new[0]);
        assert_eq!(new[1..], [Entry::Checkpoint(after, engine.state.clone()), mark(200_001, "on we go")]);
        let written = records(&std::fs::read(&path).expect("the log"));
        let retold = written.iter().filter(|r| r.end > kept && r.kind == kind::TEXT);
        assert_eq!(
            retold.count(),
            engine.held.texts.len(),
            "cut at {cut}: the engine's texts are told again"
        );
        if whole_turns > 0 {
            let mut replay = Replay::open(&path).expect("opened");
            let mut resumes = 0;
            while let Some(step) = replay.step().expect("readable") {
                assert!(!matches!(step, Step::StateDiffers { .. }), "cut at {cut}: {step:?}");
                resumes += usize::from(matches!(step, Step::Resumed { at, .. } if at == after));
            }
            assert_eq!(resumes, 1, "cut at {cut}: the gap is told");
        }
        drop(dir);
    }
}

/// Records of the log's first `len` bytes.
fn n_records(bytes: &[u8], len: usize) -> u32 {
    assert!(len >= header_len(bytes));
    records(&bytes[..len]).len() as u32
}

#[test]
fn one_log_has_one_writer() {
    let (_dir, path) = place();
    let mut log = super::support::create(&path, Options::default());
    assert!(log.begin_segment(At(0), state(b"{}")));
    let refused = |what: &str| Log::resume(&path, Options::default()).expect_err(what);
    let error = refused("it is being written");
    assert!(matches!(error, LogError::Locked { .. }), "{error}");
    assert!(log.append(vec![mark(1, "not disturbed")]));
    drop(log);
    let first = Log::resume(&path, Options::default()).expect("nobody writes it any more").log;
    let error = refused("the second one");
    assert!(matches!(error, LogError::Locked { .. }), "{error}");
    let mut reader = lockpit::log::Reader::open(&path).expect("a reader needs no lock");
    assert_eq!(drain(&mut reader).len(), 2);
    first.close(At(2)).expect("closed");
    let error = refused("it ended");
    assert!(matches!(error, LogError::Closed { .. }), "{error}");
}

#[test]
fn a_log_that_is_not_as_it_was_written_is_not_gone_on_with_and_not_touched() {
    let (_dir, path) = place();
    let mut bytes = everything(&path).bytes;
    let found = records(&bytes);
    let sample = found.iter().find(|record| record.kind == kind::SAMPLE).expect("a sample");
    bytes[sample.end - 1] ^= 1;
    bytes.truncate(found[found.len() - 1].at);
    std::fs::write(&path, &bytes).expect("written");
    let error = Log::resume(&path, Options::default()).expect_err("altered");
    assert!(matches!(error, LogError::Altered { .. }), "{error}");
    assert!(std::fs::read(&path).expect("the log") == bytes, "not a byte has changed");
}
