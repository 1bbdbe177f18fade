//! Logs of other releases: what may be ignored is, what must not is named.

use std::path::Path;

use lockpit::engine::ids::At;
use lockpit::log::{Ending, Head, Item, ReadError, Reader};

use super::forge::{HEADER, record, records, reseal_header};
use super::support::{drain, header, place, read, state, three_segments};

/// A closed log with one more record before its END.
fn with_record(path: &Path, kind: u8, flags: u8, payload: &[u8]) -> (Vec<Item>, u64, u32) {
    let mut bytes = three_segments(path);
    let (items, _) = read(path);
    let end = records(&bytes).pop().expect("the END record");
    bytes.truncate(end.at);
    bytes.extend(record(kind, flags, 0, end.seq, 180_000_000, payload));
    bytes.extend(record(6, 2, 0, end.seq + 1, 180_000_000, b""));
    std::fs::write(path, &bytes).expect("written");
    (items, end.at as u64, end.seq)
}

fn refusal(path: &Path) -> ReadError {
    let mut reader = match Reader::open(path) {
        Ok(reader) => reader,
        Err(error) => return error,
    };
    loop {
        match reader.next_item() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("nothing was refused"),
            Err(error) => return error,
        }
    }
}

#[test]
fn an_unknown_record_that_may_be_ignored_is_skipped() {
    for (kind, flags) in [(0xc7, 2), (0x82, 2 | 0x40)] {
        let (_dir, path) = place();
        let (items, ..) = with_record(&path, kind, flags, b"from the future");
        assert_eq!(read(&path), (items, Ending::Complete), "type {kind:#x}");
    }
}

#[test]
fn an_unknown_record_in_the_stream_is_skipped_without_losing_what_follows() {
    let (_dir, path) = place();
    let mut bytes = three_segments(&path);
    let (mut items, _) = read(&path);
    let event = records(&bytes).into_iter().find(|record| record.kind == 0x82).expect("an event");
    let at_us = i64::from_le_bytes(bytes[event.at + 16..event.at + 24].try_into().expect("8 bytes"));
    let renamed = record(0xee, event.flags, 0, event.seq, at_us, &bytes[event.at + 24..event.end]);
    bytes.splice(event.at..event.end, renamed);
    std::fs::write(&path, &bytes).expect("written");

    items.retain(|item| !matches!(item, Item::Entry { seq, .. } if *seq == event.seq));
    assert_eq!(read(&path), (items, Ending::Complete));
}

#[test]
fn an_unknown_record_that_must_not_be_ignored_is_named() {
    for (kind, flags) in [(0x47, 2), (0x03, 2 | 0x40)] {
        let (_dir, path) = place();
        let (items, at, _) = with_record(&path, kind, flags, b"from the future");
        let mut reader = Reader::open(&path).expect("opened");
        for item in items {
            assert_eq!(reader.next_item().expect("readable"), Some(item));
        }
        for _again in 0..2 {
            let error = reader.next_item().expect_err("unknown");
            assert!(
                matches!(error, ReadError::UnknownRecord { kind: k, flags: f, at_byte, .. }
                    if (k, f, at_byte) == (kind, flags, at)),
                "{error}"
            );
            let text = error.to_string();
            assert!(text.contains(&format!("{kind:#04x}")) && text.contains(&format!("byte {at}")), "{text}");
        }
    }
}

#[test]
fn an_intact_record_that_is_not_understood_is_told_apart_from_damage() {
    let (_dir, path) = place();
    let (_, at, _) = with_record(&path, 0x03, 2, br#"{"Teleported":{"to":"mars"}}"#);
    let error = refusal(&path);
    assert!(matches!(error, ReadError::Content { at_byte, .. } if at_byte == at), "{error}");
    assert!(error.to_string().contains("Teleported"), "{error}");
}

#[test]
fn a_future_version_is_refused_by_number() {
    let (_dir, path) = place();
    let mut bytes = three_segments(&path);
    bytes[8] = 7;
    reseal_header(&mut bytes);
    std::fs::write(&path, &bytes).expect("written");
    let error = refusal(&path);
    assert!(matches!(error, ReadError::Version { found: 7, supported: 0, .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("format 7") && text.contains("up to 0") && text.contains("newer lockpit"),
        "{text}"
    );
}

#[test]
fn a_future_version_with_a_longer_header_is_refused_by_number_too() {
    let (_dir, path) = place();
    let mut bytes = b"lockpit\x1a\x01\x00".to_vec();
    bytes.extend_from_slice(&300_u16.to_le_bytes());
    bytes.resize(296, 0xab);
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    std::fs::write(&path, &bytes).expect("written");
    assert!(matches!(refusal(&path), ReadError::Version { found: 1, .. }));
}

#[test]
fn incompatible_features_are_refused_and_compatible_ones_are_not() {
    let (_dir, path) = place();
    let intact = three_segments(&path);
    // Every segment repeats the header, so that all copies carry the flags.
    let flagged = |at: usize| {
        let mut bytes = intact.clone();
        bytes[at] = 0x04;
        reseal_header(&mut bytes);
        let header = bytes[..HEADER].to_vec();
        for found in records(&intact).iter().filter(|found| found.kind == 2) {
            let at_us = i64::from_le_bytes(intact[found.at + 16..found.at + 24].try_into().expect("8 bytes"));
            let copy = record(2, found.flags, found.followers, found.seq, at_us, &header);
            bytes[found.at..found.end].copy_from_slice(&copy);
        }
        std::fs::write(&path, &bytes).expect("written");
    };

    let (items, _) = read(&path);
    flagged(12);
    assert_eq!(read(&path), (items, Ending::Complete));
    flagged(16);
    assert!(matches!(refusal(&path), ReadError::Features { flags: 4, .. }));
}

#[test]
fn what_is_no_log_is_called_that() {
    let (dir, path) = place();
    std::fs::write(&path, "#!/bin/sh\necho lockpit\n".repeat(100)).expect("written");
    assert!(matches!(refusal(&path), ReadError::NotALog { .. }));
    std::fs::write(&path, "").expect("written");
    assert!(matches!(refusal(&path), ReadError::TooShort { bytes: 0, .. }));
    assert!(matches!(refusal(&dir.path().join("none")), ReadError::Open { .. }));
}

#[test]
fn records_that_do_not_make_a_batch_are_not_read() {
    const EVENT: u8 = 0x82;
    let (_dir, path) = place();
    let bytes = three_segments(&path);
    let (items, _) = read(&path);
    let end = records(&bytes).pop().expect("the END record");
    let event = |flags, followers, seq| record(EVENT, flags, followers, seq, 0, b"1");
    let (one, two) = (end.seq, end.seq + 1);
    for (tail, is_a_batch) in [
        ([event(2, 1, one), event(0, 0, two)], true),
        ([event(0, 1, one), event(0, 0, two)], false),
        ([event(2, 1, one), event(2, 0, two)], false),
        ([event(2, 2, one), event(0, 0, two)], false),
        ([event(2, 1, one), event(0, 0, two + 1)], false),
    ] {
        std::fs::write(&path, [&bytes[..end.at], &tail.concat()].concat()).expect("written");
        let (read, _) = read(&path);
        assert_eq!(read.len(), items.len() + if is_a_batch { 2 } else { 0 }, "{tail:x?}");
    }
}

#[test]
fn a_segment_of_another_log_is_not_read_as_one_of_this() {
    let (_dir, path) = place();
    let ours = three_segments(&path);
    let (items, _) = read(&path);
    let mut other = header();
    other.sync = [0x55; 16];
    let (_other_dir, other_path) = place();
    let mut log =
        lockpit::log::Log::create(&other_path, &other, lockpit::log::Options::default()).expect("created");
    assert!(log.begin_segment(At(0), state(b"theirs")));
    log.close(At(1)).expect("closed");
    let theirs = std::fs::read(&other_path).expect("the other log");

    // Numbered as if it belonged here.
    let end = records(&ours).pop().expect("the END record");
    let mut forged = ours[..end.at].to_vec();
    for (seq, found) in (end.seq..).zip(&records(&theirs)[1..]) {
        let payload = &theirs[found.at + 24..found.end];
        forged.extend(record(found.kind, found.flags, found.followers, seq, 0, payload));
    }
    std::fs::write(&path, forged).expect("written");
    let mut reader = Reader::open(&path).expect("opened");
    assert_eq!(drain(&mut reader), items);
    assert_ne!(reader.ending().expect("readable"), Ending::Complete);
}

#[test]
fn the_head_is_read_without_any_segment() {
    let (_dir, path) = place();
    let mut bytes = three_segments(&path);
    bytes.truncate(records(&bytes)[0].end);
    std::fs::write(&path, &bytes).expect("written");
    let head = Head::read(&path).expect("read");
    let written = header();
    assert_eq!(head.flight, written.flight);
    assert_eq!((head.utc_us, head.monotonic_us), (written.utc_us, written.monotonic_us));
    assert_eq!(head.meta, Some(written.meta));
    assert!(!head.from_copy);

    bytes.truncate(bytes.len() - 1);
    std::fs::write(&path, &bytes).expect("written");
    assert_eq!(Head::read(&path).expect("read").meta, None);
}
