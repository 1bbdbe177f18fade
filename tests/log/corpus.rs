//! Damaged logs that are kept: `corpus/*.flight`, and in `corpus/expected.json` what each of them must be found to be.
//!
//! After a change that is meant, `cargo test --test log -- --ignored corpus_of_damaged_logs` writes both anew; read the
//! difference as if it were code. The one file it does not make is `format-0.flight`, which a build before format 1 has
//! recorded.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lockpit::engine::ids::At;
use lockpit::log::{Altered, Cursor, Ending, Item, Log, Options, ReadError, Reader, Torn, Verdict, verify};
use serde::{Deserialize, Serialize};

use super::compat::from_the_future;
use super::flight::everything;
use super::forge::{Found, flag, header_len, kind, record, records, reseal_header, rewritten, taken_apart};
use super::support::{mark, place, state, three_segments};

/// What a file is found to be.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Finding {
    /// Entries that are read.
    entries: usize,
    /// Where damage begins and where reading resumes.
    damages: Vec<(u64, Option<u64>)>,
    /// How it ends, or why it is refused.
    ending: String,
    /// What `verify` says.
    verify: String,
    /// The checkpoint that a seek to the end begins at, in microseconds.
    last_checkpoint_us: Option<u64>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/log/corpus")
}

/// The name of the refusal, which does not change with its words.
fn refused(error: &ReadError) -> String {
    let all = format!("{error:?}");
    format!("refused: {}", all.split([' ', '{', '(']).next().unwrap_or_default())
}

fn find(path: &Path) -> Finding {
    let verify = match verify(path, None).map(|found| found.verdict) {
        Ok(Verdict::Complete) => "complete".to_owned(),
        Ok(Verdict::Torn(Torn::Clean)) => "torn behind a turn".to_owned(),
        Ok(Verdict::Torn(Torn::Within { bytes })) => format!("torn within a turn, {bytes} bytes of it"),
        Ok(Verdict::Torn(Torn::Zeros { bytes })) => format!("torn, {bytes} zeros"),
        Ok(Verdict::Altered(Altered { at_byte, until_byte, .. })) => {
            format!("altered, {at_byte} to {until_byte}")
        }
        Err(error) => refused(&error),
    };
    let checkpoint = Cursor::open(path).and_then(|mut cursor| cursor.seek(At(u64::MAX)));
    let last_checkpoint_us = checkpoint.ok().map(|seek| seek.at.0);
    let mut finding =
        Finding { entries: 0, damages: Vec::new(), ending: String::new(), verify, last_checkpoint_us };
    let mut reader = match Reader::open(path) {
        Ok(reader) => reader,
        Err(error) => return Finding { ending: refused(&error), ..finding },
    };
    loop {
        match reader.next_item() {
            Ok(Some(Item::Entry { .. })) => finding.entries += 1,
            Ok(Some(Item::Damage(damage))) => finding.damages.push((damage.at_byte, damage.resumes_at)),
            Ok(None) => break,
            Err(error) => return Finding { ending: refused(&error), ..finding },
        }
    }
    finding.ending = match reader.ending().expect("readable") {
        Ending::Complete => "complete".to_owned(),
        Ending::Torn { at_byte, lost_bytes } => format!("torn at {at_byte}, {lost_bytes} bytes lost"),
        Ending::Damaged(damage) => format!("damaged at {}", damage.at_byte),
    };
    finding
}

#[test]
fn every_damaged_log_is_found_to_be_what_it_is() {
    let expected = std::fs::read(folder().join("expected.json")).expect("what is expected");
    let expected: BTreeMap<String, Finding> = serde_json::from_slice(&expected).expect("it is JSON");
    assert!(expected.len() >= 25, "only {} files", expected.len());
    for (name, expected) in &expected {
        let path = folder().join(format!("{name}.flight"));
        assert!(std::fs::metadata(&path).expect(name).len() < 20_000, "{name} is too large to be kept");
        assert_eq!(find(&path), *expected, "{name}");
    }
    let kept = std::fs::read_dir(folder()).expect("the corpus").flatten();
    let kept = kept.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "flight"));
    assert_eq!(kept.count(), expected.len(), "each file has its expectation");
}

#[test]
#[ignore = "writes into tests/log/corpus"]
fn corpus_of_damaged_logs() {
    for (name, bytes) in damaged_logs() {
        std::fs::write(folder().join(format!("{name}.flight")), bytes).expect("written");
    }
    let kept = std::fs::read_dir(folder()).expect("the corpus").flatten().map(|entry| entry.path());
    let kept = kept.filter(|path| path.extension().is_some_and(|extension| extension == "flight"));
    let name = |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
    let found: BTreeMap<String, Finding> = kept.map(|path| (name(&path), find(&path))).collect();
    let mut json = serde_json::to_string_pretty(&found).expect("JSON");
    json.push('\n');
    std::fs::write(folder().join("expected.json"), json).expect("written");
}

/// A log, taken apart to be damaged.
struct Intact {
    bytes: Vec<u8>,
    records: Vec<Found>,
}

impl Intact {
    fn of(bytes: Vec<u8>) -> Intact {
        Intact { records: records(&bytes), bytes }
    }

    /// The `n`th record of this kind.
    fn nth(&self, kind: u8, n: usize) -> &Found {
        self.records.iter().filter(|record| record.kind == kind).nth(n).expect("a record of this kind")
    }

    /// Where the batch that begins with `first` ends.
    fn batch_end(&self, first: &Found) -> usize {
        self.records[first.seq as usize + usize::from(first.followers)].end
    }

    fn cut(&self, len: usize) -> Vec<u8> {
        self.bytes[..len].to_vec()
    }

    fn flipped(&self, byte: usize) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes[byte] ^= 0x10;
        bytes
    }

    /// With these bytes in place of those from `from` to `to`.
    fn spliced(&self, from: usize, to: usize, with: &[u8]) -> Vec<u8> {
        [&self.bytes[..from], with, &self.bytes[to..]].concat()
    }
}

fn damaged_logs() -> Vec<(&'static str, Vec<u8>)> {
    let (_dir, path) = place();
    let small = Intact::of(three_segments(&path));
    let (_dir, path) = place();
    let whole = Intact::of(everything(&path).bytes);
    let mut logs = cuts(&small, &whole);
    logs.extend(flips(&small, &whole));
    logs.extend(tampered(&small));
    logs.extend(of_others(&small));
    logs
}

fn cuts(small: &Intact, whole: &Intact) -> Vec<(&'static str, Vec<u8>)> {
    let header = header_len(&small.bytes);
    let second = small.nth(kind::SEGMENT, 1);
    let event = small.nth(kind::EVENT, 1);
    let end = small.nth(kind::END, 0).at;
    let with_tail = |len: usize, fill: u8| [small.cut(end), vec![fill; len]].concat();
    let last = whole.records.iter().rfind(|record| record.followers == 2).expect("a turn of three records");
    let mut holes = whole.cut(whole.batch_end(last));
    let hole = last.at / 512 * 512 + 512..(last.at / 512 * 512 + 1_024).min(holes.len());
    holes[hole].fill(0);
    vec![
        ("intact", small.bytes.clone()),
        ("cut-in-header", small.cut(50)),
        ("cut-behind-header", small.cut(header)),
        ("cut-in-meta", small.cut(header + 100)),
        ("cut-in-segment", small.cut(small.batch_end(second) - 1)),
        ("cut-behind-turn", small.cut(event.end)),
        ("cut-before-end", small.cut(end)),
        ("tail-of-zeros", with_tail(4_096, 0)),
        ("tail-of-garbage", with_tail(700, 0x93)),
        ("sector-missing", holes),
        ("resumed", resumed(&whole.cut(whole.nth(kind::SEGMENT, 1).end + 700))),
    ]
}

/// The log that was cut here and gone on with.
fn resumed(cut: &[u8]) -> Vec<u8> {
    let (_dir, path) = place();
    std::fs::write(&path, cut).expect("written");
    let mut log = Log::resume(&path, Options::default()).expect("resumed").log;
    let at = At::from_ms(90_000);
    super::support::wait_until("recording can go on", || log.wants_segment(at));
    assert!(log.begin_segment(at, state(b"{}")));
    assert!(log.append(vec![mark(90_001, "on we go")]));
    log.close(At::from_ms(90_002)).expect("closed");
    std::fs::read(&path).expect("the log")
}

fn flips(small: &Intact, whole: &Intact) -> Vec<(&'static str, Vec<u8>)> {
    let last = |record: &Found| record.end - 1;
    let length = small.nth(kind::SEGMENT, 1).at;
    let kept = whole.records.iter().filter(|record| record.kind == kind::CHECKPOINT).nth(2);
    let kept = kept.expect("a checkpoint within the second segment");
    vec![
        ("header-flipped", small.flipped(70)),
        ("meta-flipped", small.flipped(last(small.nth(kind::META, 0)))),
        ("end-flipped", small.flipped(last(small.nth(kind::END, 0)))),
        ("segment-flipped", small.flipped(last(small.nth(kind::SEGMENT, 2)))),
        ("length-of-4-gib", small.spliced(length, length + 4, &[0xff; 4])),
        ("sample-flipped", whole.flipped(last(whole.nth(kind::SAMPLE, 2)))),
        ("text-flipped", whole.flipped(last(whole.nth(kind::TEXT, 0)))),
        ("checkpoint-flipped", whole.flipped(last(kept))),
    ]
}

/// What only the chain shows, or not even that.
fn tampered(small: &Intact) -> Vec<(&'static str, Vec<u8>)> {
    let event = small.nth(kind::EVENT, 1);
    let next = small.records.iter().find(|record| record.seq == event.seq + 1).expect("a turn of one record");
    let (one, two) = (&small.bytes[event.at..event.end], &small.bytes[next.at..next.end]);
    let intent = Found { flags: flag::BATCH, ..event.clone() }.with(br#"{"screen":"another"}"#);
    let mut renumbered = taken_apart(&small.bytes);
    renumbered.remove(event.seq as usize);
    let fitting = |wanted: &[(Found, Vec<u8>)]| -> Vec<u8> {
        let records = wanted.iter().zip(0_u32..).flat_map(|((found, payload), seq)| {
            record(found.kind, found.flags, found.followers, seq, found.at_us, payload)
        });
        [small.cut(header_len(&small.bytes)), records.collect()].concat()
    };
    vec![
        ("turn-dropped", small.spliced(event.at, event.end, b"")),
        ("turn-doubled", small.spliced(event.end, event.end, one)),
        ("turns-swapped", small.spliced(event.at, next.end, &[two, one].concat())),
        ("turn-edited", small.spliced(event.at, event.end, &intent)),
        ("turn-dropped-and-renumbered", fitting(&renumbered)),
        ("turn-dropped-and-rechained", rewritten(&small.bytes, &renumbered)),
        ("bytes-behind-the-end", [&small.bytes[..], b"and more"].concat()),
    ]
}

/// What other releases, or other programs, may have written.
fn of_others(small: &Intact) -> Vec<(&'static str, Vec<u8>)> {
    let resealed = |at: usize, byte: u8| {
        let mut bytes = small.bytes.clone();
        bytes[at] = byte;
        reseal_header(&mut bytes);
        rewritten(&bytes, &taken_apart(&small.bytes))
    };
    let end = small.nth(kind::END, 0);
    let unknown = Found { kind: 0x47, ..end.clone() };
    let mut with_unknown = taken_apart(&small.bytes);
    with_unknown.insert(end.seq as usize, (unknown, b"must be known".to_vec()));
    let (_dir, path) = place();
    let future = from_the_future(&everything(&path).bytes);
    vec![
        ("format-7", resealed(8, 7)),
        ("unknown-features", resealed(16, 4)),
        ("unknown-record", rewritten(&small.bytes, &with_unknown)),
        ("future", future),
        ("no-log", b"#!/bin/sh\necho lockpit\n".repeat(20)),
    ]
}
