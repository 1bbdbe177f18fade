//! Creating, appending, closing: the ordinary life of a log.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc;

use lockpit::engine::ids::{At, ServerTime};
use lockpit::engine::input::Input;
use lockpit::log::{Batch, Ending, Entry, Log, LogError, Options, SEGMENT_SAMPLES};
use rustix::fs::{FlockOperation, flock};

use super::support::{BEFORE_ENTRIES, create, entries, header, mark, noise, place, read, state};
use super::variants;

fn refusal(path: &Path) -> LogError {
    match Log::create(path, &header(), Options::default()) {
        Ok(_) => panic!("created {}", path.display()),
        Err(error) => error,
    }
}

#[test]
fn a_log_is_private_and_locked_and_never_overwritten() {
    let (_dir, path) = place();
    let log = create(&path, Options::default());
    let mode = std::fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let other = std::fs::File::open(&path).expect("opened");
    assert_eq!(flock(&other, FlockOperation::NonBlockingLockExclusive), Err(rustix::io::Errno::WOULDBLOCK));

    let before = std::fs::read(&path).expect("read");
    let error = refusal(&path);
    assert!(matches!(error, LogError::Exists { .. }), "{error}");
    assert!(error.to_string().contains("never overwritten"), "{error}");
    drop(log);
    assert!(matches!(refusal(&path), LogError::Exists { .. }), "a finished log is not overwritten either");
    assert_eq!(std::fs::read(&path).expect("read"), before);
    flock(&other, FlockOperation::NonBlockingLockExclusive).expect("free once the writer is gone");
}

#[test]
fn a_missing_directory_is_named() {
    let (dir, path) = place();
    let missing = dir.path().join("not/here");
    let error = refusal(&missing.join("a.flight"));
    assert!(error.to_string().contains(&missing.display().to_string()), "{error}");
    assert!(matches!(error, LogError::NoDirectory { .. }));

    std::fs::write(&path, "a file").expect("written");
    assert!(matches!(refusal(&path.join("a.flight")), LogError::NoDirectory { .. }));
}

#[test]
fn a_closed_log_is_complete_and_a_dropped_one_is_torn_but_loses_nothing() {
    for close in [true, false] {
        let (_dir, path) = place();
        let mut log = create(&path, Options::default());
        assert!(log.begin_segment(At(5), state(b"{}")));
        let batches = (0..200).map(|n| vec![mark(n, "x"), mark(n, "y")]).collect::<Vec<_>>();
        for batch in &batches {
            assert!(log.append(batch.clone()));
        }
        assert!(log.append(Vec::<Entry>::new()), "an empty batch is nothing to lose");
        if close {
            let summary = log.close(At(9)).expect("closed");
            let records = BEFORE_ENTRIES + 400 + 1;
            assert_eq!((summary.records, u64::from(summary.durable_seq)), (records, records - 1));
            assert_eq!(summary.lost_entries, 0);
            assert_eq!(summary.pin.bytes, std::fs::metadata(&path).expect("there").len());
        } else {
            drop(log);
        }
        let (items, ending) = read(&path);
        let mut expected = vec![Entry::Checkpoint(At(5), b"{}".to_vec())];
        expected.extend(batches.into_iter().flatten());
        assert_eq!(entries(&items), expected);
        match close {
            true => assert_eq!(ending, Ending::Complete),
            false => assert!(matches!(ending, Ending::Torn { lost_bytes: 0, .. }), "{ending:?}"),
        }
    }
}

#[test]
fn what_was_acknowledged_is_in_the_file() {
    let (_dir, path) = place();
    let (acknowledge, acknowledged) = mpsc::channel();
    let ack = move |seq| acknowledge.send(seq).expect("somebody listens");
    let mut log = create(&path, Options { ack: Some(Box::new(ack)), ..Options::default() });
    assert_eq!(log.status().durable_seq, 0);
    assert!(log.begin_segment(At(0), state(b"{}")));
    let before = BEFORE_ENTRIES as u32;
    assert_eq!(acknowledged.recv(), Ok(before - 1));
    for n in 0..20_u32 {
        assert!(log.append(vec![mark(n.into(), "a"), mark(n.into(), "b")]));
        let seq = acknowledged.recv().expect("acknowledged");
        assert_eq!(seq, before + 1 + 2 * n);
        let (items, _) = read(&path);
        assert_eq!(items.len() as u32, 1 + 2 * (n + 1), "the checkpoint, then the marks");
        let status = log.status();
        assert_eq!((status.durable_seq, status.records, status.lost), (seq, u64::from(seq) + 1, None));
        assert_eq!(status.pin.bytes, std::fs::metadata(&path).expect("there").len());
    }
}

#[test]
fn a_segment_is_due_after_60_seconds_or_60_samples() {
    let (_dir, path) = place();
    let mut log = create(&path, Options::default());
    let start = At::from_ms(1_000);
    assert!(log.wants_segment(start), "the first one");
    assert!(log.begin_segment(start, state(b"{}")));
    assert!(!log.wants_segment(start.plus_ms(59_999)));
    assert!(log.wants_segment(start.plus_ms(60_000)));

    let sample = Input::Sample(Box::new(variants::sample(ServerTime(0))));
    let mut batch = Batch::new();
    batch.input(start, &sample);
    batch.input(start, &Input::Tick);
    batch.input(start, &sample);
    for n in 0..SEGMENT_SAMPLES / 2 {
        assert!(!log.wants_segment(start), "after {} samples", 2 * n);
        assert!(log.append(batch.clone()));
    }
    assert!(log.wants_segment(start));
    assert!(log.begin_segment(start, state(b"{}")));
    assert!(!log.wants_segment(start));
    log.close(start).expect("closed");
    let (items, ending) = read(&path);
    assert_eq!((items.len(), ending), (1 + 3 * SEGMENT_SAMPLES as usize / 2 + 1, Ending::Complete));
}

#[test]
fn a_repeated_text_costs_almost_nothing_within_a_segment() {
    let (_dir, path) = place();
    let mut log = create(&path, Options::default());
    assert!(log.begin_segment(At(0), state(&noise(50_000))));
    let text = String::from_utf8(noise(4_000).iter().map(|byte| b'a' + byte % 26).collect()).expect("ascii");
    for n in 0..10 {
        assert!(log.append(vec![mark(n, &text)]));
    }
    let summary = log.close(At(0)).expect("closed");
    assert!((50_000..56_000).contains(&summary.pin.bytes), "{}", summary.pin.bytes);
}
