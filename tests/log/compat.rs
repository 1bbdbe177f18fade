//! Logs of other releases: what may be ignored is, what must not is named.

use std::path::Path;

use lockpit::engine::ids::At;
use lockpit::log::{Cursor, Ending, Entry, Head, Item, ReadError, Reader};

use super::flight::everything;
use super::forge::{
    Found, flag, header_len, kind, record, records, reseal_header, rewritten, taken_apart, with_streams,
};
use super::support::{drain, header, place, read, state, three_segments};

/// A closed log with one more record before its END.
fn with_record(path: &Path, kind: u8, flags: u8, payload: &[u8]) -> (Vec<Item>, u64) {
    let bytes = three_segments(path);
    let (items, _) = read(path);
    let mut records = taken_apart(&bytes);
    let end = records.len() - 1;
    let at = records[end].0.at as u64;
    let more = Found { kind, flags, followers: 0, ..records[end].0.clone() };
    records.insert(end, (more, payload.to_vec()));
    std::fs::write(path, rewritten(&bytes, &records)).expect("written");
    (items, at)
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
        let (items, _) = with_record(&path, kind, flags, b"from the future");
        assert_eq!(read(&path), (items, Ending::Complete), "type {kind:#x}");
    }
}

#[test]
fn an_unknown_record_in_the_stream_is_skipped_without_losing_what_follows() {
    let (_dir, path) = place();
    let mut bytes = three_segments(&path);
    let (mut items, _) = read(&path);
    let event = records(&bytes).into_iter().find(|record| record.kind == kind::EVENT).expect("an event");
    let renamed = Found { kind: 0xee, ..event.clone() }.with(event.payload(&bytes));
    bytes.splice(event.at..event.end, renamed);
    std::fs::write(&path, &bytes).expect("written");

    items.retain(|item| !matches!(item, Item::Entry { seq, .. } if *seq == event.seq));
    assert_eq!(read(&path), (items, Ending::Complete));
}

#[test]
fn an_unknown_record_that_must_not_be_ignored_is_named() {
    for (kind, flags) in [(0x47, 2), (0x03, 2 | 0x40)] {
        let (_dir, path) = place();
        let (items, at) = with_record(&path, kind, flags, b"from the future");
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
    let (_, at) = with_record(&path, 0x03, 2, br#"{"Teleported":{"to":"mars"}}"#);
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
    assert!(matches!(error, ReadError::Version { found: 7, supported: 1, .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("format 7") && text.contains("up to 1") && text.contains("newer lockpit"),
        "{text}"
    );
}

#[test]
fn a_future_version_with_a_longer_header_is_refused_by_number_too() {
    let (_dir, path) = place();
    let mut bytes = b"lockpit\x1a\x02\x00".to_vec();
    bytes.extend_from_slice(&300_u16.to_le_bytes());
    bytes.resize(296, 0xab);
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    std::fs::write(&path, &bytes).expect("written");
    assert!(matches!(refusal(&path), ReadError::Version { found: 2, .. }));
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
        std::fs::write(&path, rewritten(&bytes, &taken_apart(&intact))).expect("written");
    };

    let (items, _) = read(&path);
    flagged(12);
    assert_eq!(read(&path), (items, Ending::Complete));
    flagged(16);
    let error = refusal(&path);
    assert!(matches!(error, ReadError::Features { flags: 4, .. }), "{error}");
    assert!(error.to_string().contains("newer lockpit"), "{error}");
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
    let (_dir, path) = place();
    let bytes = three_segments(&path);
    let (items, _) = read(&path);
    let end = records(&bytes).pop().expect("the END record");
    let event = |flags, followers, seq| record(kind::EVENT, flags, followers, seq, 0, b"1");
    let (one, two) = (end.seq, end.seq + 1);
    for (tail, is_a_batch) in [
        ([event(flag::BATCH, 1, one), event(0, 0, two)], true),
        ([event(0, 1, one), event(0, 0, two)], false),
        ([event(flag::BATCH, 1, one), event(flag::BATCH, 0, two)], false),
        ([event(flag::BATCH, 2, one), event(0, 0, two)], false),
        ([event(flag::BATCH, 1, one), event(0, 0, two + 1)], false),
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
        forged.extend(Found { seq, ..found.clone() }.with(found.payload(&theirs)));
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

#[test]
fn a_log_of_format_0_is_refused_by_number_and_told_what_to_do() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/log/corpus/format-0.flight");
    assert_eq!(header_len(&std::fs::read(&path).expect("a real log of format 0")), 72);
    for error in [refusal(&path), Head::read(&path).expect_err("old"), Cursor::open(&path).expect_err("old")]
    {
        assert!(matches!(error, ReadError::TooOld { found: 0, .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("format 0") && text.contains("the build that did"), "{text}");
    }
}

/// What a later release may write so that this one reads all it knows: fields of META, columns, tables and frames
/// behind those known here, records that may be ignored in the stream and beside it.
pub(crate) fn from_the_future(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[12] = 0x80;
    reseal_header(&mut bytes);
    let mut wanted = with_streams(taken_apart(&bytes), |found, plain| match found.kind {
        kind::SCHEMA => *plain = future_schema(plain),
        // Table 10 of the frame, one run of one new row, no row changed, its first column told: 7.
        kind::SAMPLE => plain.extend([10, 1, 1 << 1 | 1, 0, 0, 1, 7 + 1]),
        kind::EVENT => found.kind = 0xfe,
        _ => {}
    });
    let meta = String::from_utf8(wanted[0].1.clone()).expect("JSON");
    wanted[0].1 = meta.replacen('{', r#"{"mission":{"to":"mars"},"#, 1).into_bytes();
    let end = wanted.len() - 1;
    let beside = Found { kind: 0xc7, flags: flag::BATCH, followers: 0, ..wanted[end].0.clone() };
    wanted.insert(end, (beside, b"an index, perhaps".to_vec()));
    rewritten(&bytes, &wanted)
}

fn future_schema(plain: &[u8]) -> Vec<u8> {
    let mut schema: serde_json::Value = serde_json::from_slice(plain).expect("JSON");
    let frames = schema["frames"].as_array_mut().expect("frames");
    let tables = frames[0]["tables"].as_array_mut().expect("tables");
    assert_eq!(tables.len(), 10, "the table that is added is number 10");
    for table in &mut *tables {
        table["columns"].as_array_mut().expect("columns").push(serde_json::json!(["mood", "plain"]));
    }
    tables.push(serde_json::json!({"name": "satellites", "columns": [["orbit", "plain"]], "since": 7}));
    frames.push(serde_json::json!({"name": "weather", "tables": []}));
    schema["units"] = serde_json::json!("metric");
    serde_json::to_vec(&schema).expect("JSON")
}

#[test]
fn all_that_is_known_here_is_read_from_a_log_of_a_later_release() {
    let (_dir, path) = place();
    let flown = everything(&path);
    let (mut items, _) = read(&path);
    items.retain(|item| !matches!(item, Item::Entry { entry: Entry::Event(..), .. }));
    std::fs::write(&path, from_the_future(&flown.bytes)).expect("written");
    assert_eq!(read(&path), (items, Ending::Complete));
    assert_eq!(Head::read(&path).expect("read").meta, Some(header().meta));
}

#[test]
fn a_way_of_coding_that_is_not_known_here_is_named() {
    let (_dir, path) = place();
    let flown = everything(&path);
    let wanted = with_streams(taken_apart(&flown.bytes), |found, plain| {
        if found.kind == kind::SCHEMA {
            let schema = String::from_utf8(plain.clone()).expect("JSON");
            *plain = schema.replacen(r#""counter""#, r#""spline""#, 1).into_bytes();
        }
    });
    std::fs::write(&path, rewritten(&flown.bytes, &wanted)).expect("written");
    let error = refusal(&path);
    assert!(matches!(error, ReadError::Content { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("`spline`") && text.contains("a later lockpit"), "{text}");
}
