//! What reading a long log takes: to open it, to go anywhere, to play it, to verify it.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;

use lockpit::clock::FlightClock;
use lockpit::engine::ids::At;
use lockpit::log::{Cursor, Entry, Item, Reader, Verdict, verify};
use lockpit::replay::Replay;
use rustix::fs::{Advice, fadvise};

use crate::common::cpu;
use crate::support::traffic::Chance;

/// Runs of what is short; the median counts.
const RUNS: usize = 15;
/// Places gone to.
const SEEKS: usize = 1_000;
/// Places where the engine is compared with one that came there from the beginning.
const COMPARED: usize = 100;

/// Processor times of opening, in nanoseconds, and one by the clock with nothing of the file in memory, in
/// microseconds.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) first_ns: Vec<u64>,
    pub(crate) last_ns: Vec<u64>,
    pub(crate) cold_us: Vec<u64>,
}

/// Opens the log at `path` at its beginning, up to the first sample, and at its end.
pub(crate) fn open(path: &Path) -> Opened {
    let mut opened = Opened { first_ns: Vec::new(), last_ns: Vec::new(), cold_us: Vec::new() };
    for _ in 0..RUNS {
        opened.first_ns.push(cpu::timed(|| to_first_sample(path)).1);
        opened.last_ns.push(cpu::timed(|| to_end(path)).1);
    }
    let file = std::fs::File::open(path).expect("the log");
    for _ in 0..RUNS {
        file.sync_all().expect("synced");
        fadvise(&file, 0, None, Advice::DontNeed).expect("the system forgets the file");
        let clock = FlightClock::start();
        to_first_sample(path);
        opened.cold_us.push(clock.now().0);
    }
    opened
}

fn to_first_sample(path: &Path) {
    let mut replay = Replay::open_at(path, At(0)).expect("a log");
    while replay.cockpit().sample().is_none() {
        replay.step().expect("readable").expect("it has a sample");
    }
}

fn to_end(path: &Path) {
    let mut cursor = Cursor::open(path).expect("a log");
    let last = cursor.last_at();
    go_to(&mut cursor, last);
}

/// The replay behind everything that happened until `at`.
pub(crate) fn go_to(cursor: &mut Cursor, at: At) -> Replay {
    let mut replay = Replay::at(cursor, at).expect("a checkpoint");
    while replay.next_at().expect("readable").is_some_and(|next| next <= at) {
        replay.step().expect("readable");
    }
    replay
}

/// A copy of the log at `path` that stops within its last records, as that of a flight that was cut off.
pub(crate) fn cut(path: &Path, copy: &Path) {
    let bytes = std::fs::copy(path, copy).expect("a copy");
    let file = OpenOptions::new().write(true).open(copy).expect("the copy");
    file.set_len(bytes - 300).expect("cut");
}

/// A copy in which the beginning of one segment in the middle is damaged: the way back through the segments is
/// broken, and all records have to be walked over.
pub(crate) fn damage(path: &Path, copy: &Path) {
    std::fs::copy(path, copy).expect("a copy");
    let cursor = Cursor::open(path).expect("a log");
    let segment = cursor.segments()[cursor.segments().len() / 2];
    let file = OpenOptions::new().read(true).write(true).open(copy).expect("the copy");
    // Behind the record's head: only its checksum shows it.
    let mut byte = [0];
    file.read_exact_at(&mut byte, segment.at_byte + 100).expect("read");
    file.write_all_at(&[byte[0] ^ 1], segment.at_byte + 100).expect("written");
}

/// Times of going to places all over the log, in nanoseconds.
#[derive(Debug)]
pub(crate) struct Sought {
    /// With the engine, which is then as it was.
    pub(crate) engine_ns: Vec<u64>,
    /// Entries decoded only.
    pub(crate) decode_ns: Vec<u64>,
    /// Of the places that were compared, those where the engine equals one that came from the beginning.
    pub(crate) n_equal: usize,
    pub(crate) n_compared: usize,
}

/// Goes to places all over the log at `path`.
pub(crate) fn seek(path: &Path) -> Sought {
    let mut cursor = Cursor::open(path).expect("a log");
    let end = cursor.last_at().0;
    let mut chance = Chance(5);
    let places: Vec<At> = (0..SEEKS).map(|_| At(chance.below(end))).collect();
    let (mut engine_ns, mut decode_ns) = (Vec::new(), Vec::new());
    for at in &places {
        engine_ns.push(cpu::timed(|| go_to(&mut cursor, *at)).1);
        decode_ns.push(cpu::timed(|| decode_to(&mut cursor, *at)).1);
    }
    let mut compared: Vec<At> = places.into_iter().take(COMPARED).collect();
    compared.sort_unstable();
    let mut sequential = Replay::open(path).expect("a log");
    let mut n_equal = 0;
    for at in &compared {
        while sequential.next_at().expect("readable").is_some_and(|next| next <= *at) {
            sequential.step().expect("readable");
        }
        n_equal +=
            usize::from(go_to(&mut cursor, *at).cockpit().checkpoint() == sequential.cockpit().checkpoint());
    }
    Sought { engine_ns, decode_ns, n_equal, n_compared: compared.len() }
}

fn decode_to(cursor: &mut Cursor, at: At) {
    let mut seek = cursor.seek(at).expect("a checkpoint");
    while let Some(item) = seek.reader.next_item().expect("readable") {
        if matches!(&item, Item::Entry { entry, .. } if entry.at() > at) {
            break;
        }
    }
}

/// Samples of the log, and the time to read them all.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) samples: u64,
    pub(crate) ns: u64,
}

impl Played {
    pub(crate) fn per_second(&self) -> f64 {
        self.samples as f64 * 1e9 / self.ns as f64
    }
}

/// Reads every entry of the log at `path` from first to last.
pub(crate) fn decode(path: &Path) -> Played {
    let (samples, ns) = cpu::timed(|| {
        let mut reader = Reader::open(path).expect("a log");
        let mut samples = 0;
        while let Some(item) = reader.next_item().expect("readable") {
            if let Item::Entry { entry: Entry::Input(_, lockpit::engine::input::Input::Sample(_)), .. } = item
            {
                samples += 1;
            }
        }
        samples
    });
    Played { samples, ns }
}

/// Flies the log at `path` again from first to last.
pub(crate) fn play(path: &Path) -> Played {
    let (samples, ns) = cpu::timed(|| {
        let mut replay = Replay::open(path).expect("a log");
        let mut samples = 0;
        while let Some(step) = replay.step().expect("readable") {
            match step {
                lockpit::replay::Step::Turn { was_sample, drift: None, .. } => {
                    samples += u64::from(was_sample);
                }
                other => panic!("the replay is not the flight: {other:?}"),
            }
        }
        samples
    });
    Played { samples, ns }
}

/// Times to verify the log at `path`, in nanoseconds.
pub(crate) fn verified(path: &Path) -> Vec<u64> {
    let once = |_| {
        let (verified, ns) = cpu::timed(|| verify(path, None).expect("a log"));
        assert_eq!(verified.verdict, Verdict::Complete);
        ns
    };
    (0..5).map(once).collect()
}
