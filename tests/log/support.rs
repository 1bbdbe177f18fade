//! What the tests of the log share: small flights, whole readings, waiting.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lockpit::clock::FlightClock;
use lockpit::engine::checkpoint::{Checkpoint, Held};
use lockpit::engine::effect::Effect;
use lockpit::engine::ids::At;
use lockpit::engine::input::{Command, Input, Request};
use lockpit::log::{Ending, Entry, Header, Item, Log, Meta, Options, Reader};
use tempfile::TempDir;

/// A directory of its own, and the path of a log in it.
pub(crate) fn place() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.flight");
    (dir, path)
}

pub(crate) fn header() -> Header {
    Header {
        flight: *b"the flight's id.",
        sync: *b"\x9d\x01\xf7\x33sync-marker.",
        boot: [3; 16],
        utc_us: 1_795_212_847_000_000,
        monotonic_us: 42_000_000,
        meta: Meta {
            lockpit: "0.1.0".to_owned(),
            server: "alice@db1:5432/shop".to_owned(),
            label: Some("PROD".to_owned()),
            literals: Some("redacted".to_owned()),
            ..Meta::default()
        },
    }
}

pub(crate) fn create(path: &Path, options: Options) -> Log {
    Log::create(path, &header(), options).expect("created")
}

/// An entry that says when and what it is.
pub(crate) fn mark(at_ms: u64, note: &str) -> Entry {
    Entry::Input(
        At::from_ms(at_ms),
        Input::Command(Request { by: None, command: Command::Mark { note: note.to_owned() } }),
    )
}

/// Records of a log before the first entry behind its first segment: META, SEGMENT, SCHEMA, KEYFRAME, CHECKPOINT.
pub(crate) const BEFORE_ENTRIES: u64 = 5;

/// A checkpoint as large and as incompressible as asked for.
pub(crate) fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..bytes).map(next).collect()
}

/// The checkpoint of an engine that holds nothing of its inputs.
pub(crate) fn state(bytes: &[u8]) -> Checkpoint {
    Checkpoint { state: bytes.to_vec(), held: Held::default() }
}

/// Writes a small log of three segments, closed, and returns its bytes.
pub(crate) fn three_segments(path: &Path) -> Vec<u8> {
    let mut log = create(path, Options::default());
    for segment in 0..3_u64 {
        let at_ms = segment * 60_000;
        let checkpoint = format!(r#"{{"segment":{segment}}}"#).into_bytes();
        assert!(log.begin_segment(At::from_ms(at_ms), state(&checkpoint)));
        assert!(log.append(vec![mark(at_ms + 1, "one")]));
        assert!(log.append(vec![
            mark(at_ms + 2, "two and what follows"),
            Entry::Intent(At::from_ms(at_ms + 2), Effect::SampleNow),
            Entry::Intent(At::from_ms(at_ms + 2), Effect::End { reason: format!("of {segment}") }),
        ]));
        assert!(
            log.append(vec![Entry::Event(At::from_ms(at_ms + 3), serde_json::json!({"screen": segment}))])
        );
        assert!(log.append(vec![Entry::Input(At::from_ms(at_ms + 4), Input::Tick)]));
    }
    log.close(At::from_ms(180_000)).expect("closed");
    std::fs::read(path).expect("the log")
}

/// Everything a reader yields until it finds nothing more.
pub(crate) fn drain(reader: &mut Reader) -> Vec<Item> {
    let mut items = Vec::new();
    while let Some(item) = reader.next_item().expect("readable") {
        items.push(item);
    }
    items
}

/// Everything in the log at `path`, and how it ends.
pub(crate) fn read(path: &Path) -> (Vec<Item>, Ending) {
    let mut reader = Reader::open(path).expect("opened");
    let items = drain(&mut reader);
    let ending = reader.ending().expect("readable");
    (items, ending)
}

/// The entries among `items`.
pub(crate) fn entries(items: &[Item]) -> Vec<Entry> {
    items
        .iter()
        .filter_map(|item| match item {
            Item::Entry { entry, .. } => Some(entry.clone()),
            Item::Damage(_) => None,
        })
        .collect()
}

/// Looks every few milliseconds until `look` is true, for at most 30 seconds.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut look: impl FnMut() -> bool) {
    let clock = FlightClock::start();
    while !look() {
        assert!(clock.now().ms() < 30_000, "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
