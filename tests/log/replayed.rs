//! The engine again from a log: from its beginning, from any place of it, and from what damage has left.

use std::collections::BTreeSet;
use std::path::Path;

use lockpit::engine::checkpoint::Checkpoint;
use lockpit::engine::ids::{At, TextId};
use lockpit::log::{Cursor, Ending};
use lockpit::replay::{Replay, Step};

use super::flight::{busy, everything};
use super::forge::{Dice, flag, header_len, kind, records};
use super::support::place;

/// Replays all that is left; the engine then is as it was, or it drifted.
#[track_caller]
fn to_the_end(replay: &mut Replay, what: &str) -> Checkpoint {
    while let Some(step) = replay.step().unwrap_or_else(|error| panic!("{what}: {error}")) {
        let differs = matches!(step, Step::Turn { drift: Some(_), .. } | Step::StateDiffers { .. });
        assert!(!differs, "{what}: {step:?}");
    }
    replay.cockpit().checkpoint()
}

/// Where each batch behind META ends.
fn batch_ends(bytes: &[u8]) -> Vec<usize> {
    records(bytes).iter().skip(1).filter(|record| record.followers == 0).map(|record| record.end).collect()
}

#[test]
fn a_log_cut_at_any_byte_is_the_engine_as_it_was_behind_its_last_whole_batch() {
    // 13,000 cuts: each is gone to at its end, and each 31st is replayed from its beginning too.
    let (_dir, path) = place();
    let flown = everything(&path);
    let ends = batch_ends(&flown.bytes);
    assert_eq!(ends.len(), flown.behind.len() + 1, "the last batch is the end of the log");
    let first = header_len(&flown.bytes);
    for len in first..flown.bytes.len() {
        std::fs::write(&path, &flown.bytes[..len]).expect("written");
        let whole = ends.iter().filter(|end| **end <= len).count();
        let what = format!("cut at {len}");
        let Some(expected) = whole.checked_sub(1).map(|last| &flown.behind[last]) else {
            let error = Replay::open_at(&path, At(u64::MAX)).expect_err(&what);
            assert!(error.to_string().contains("no readable checkpoint"), "{what}: {error}");
            continue;
        };
        let mut replay =
            Replay::open_at(&path, At(u64::MAX)).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(to_the_end(&mut replay, &what) == *expected, "{what}: another engine");
        assert!(matches!(replay.ending(), Ok(Ending::Torn { .. })), "{what}");
        if len.is_multiple_of(31) {
            let mut replay = Replay::open(&path).expect("opened");
            assert!(to_the_end(&mut replay, &what) == *expected, "{what}: another engine from the beginning");
        }
    }
}

/// Each moment at which something happened, and the engine behind it.
fn sequentially(path: &Path) -> Vec<(At, Checkpoint)> {
    let mut replay = Replay::open(path).expect("opened");
    let mut moments: Vec<(At, Checkpoint)> = Vec::new();
    while let Some(step) = replay.step().expect("readable") {
        assert!(!matches!(step, Step::Turn { drift: Some(_), .. } | Step::StateDiffers { .. }), "{step:?}");
        if moments.last().is_some_and(|(at, _)| *at == step.at()) {
            moments.pop();
        }
        moments.push((step.at(), replay.cockpit().checkpoint()));
    }
    moments
}

/// The engine at `at`, from `replay` on.
fn forward(mut replay: Replay, at: At) -> Checkpoint {
    while replay.next_at().expect("readable").is_some_and(|next| next <= at) {
        replay.step().expect("readable");
    }
    replay.cockpit().checkpoint()
}

#[test]
fn going_to_any_moment_is_the_same_as_flying_up_to_it_with_and_without_the_checkpoints_between() {
    let (_dir, path) = place();
    let flown = busy(&path, 96);
    let moments = sequentially(&path);
    let last = &moments[moments.len() - 1].1;
    assert!(Some(last) == flown.behind.last(), "the whole flight again is the flight");
    assert!(moments.len() >= 180, "{} moments", moments.len());
    let mut cursor = Cursor::open(&path).expect("opened");
    let segments: Vec<At> = cursor.segments().iter().map(|segment| segment.first_at).collect();
    assert!(segments.len() >= 5, "{} segments", segments.len());
    let checkpoints = records(&flown.bytes).iter().filter(|record| record.kind == kind::CHECKPOINT).count();
    assert!(checkpoints >= segments.len() + 4, "{checkpoints} checkpoints");
    for (at, expected) in &moments {
        let nearest = Replay::at(&mut cursor, *at).expect("a checkpoint");
        assert!(forward(nearest, *at) == *expected, "at {at:?}, from the checkpoint before it");
        let segment = segments.iter().rfind(|first| *first <= at).expect("a segment before it");
        let from_segment = Replay::at(&mut cursor, *segment).expect("a checkpoint");
        assert!(forward(from_segment, *at) == *expected, "at {at:?}, from its segment's beginning");
    }
}

#[test]
fn a_lost_text_is_lost_and_no_other_takes_its_number() {
    let (_dir, path) = place();
    let flown = everything(&path);
    let last = flown.behind.last().expect("a flight");
    let texts = records(&flown.bytes).into_iter().filter(|record| record.kind == kind::TEXT);
    let mut lost_numbers = BTreeSet::new();
    for found in texts {
        let mut bytes = flown.bytes.clone();
        bytes[found.end - 1] ^= 0x40;
        std::fs::write(&path, &bytes).expect("written");
        for from in [At(0), At::from_ms(60_000), At(u64::MAX)] {
            let what = format!("the text at byte {}, from {from:?}", found.at);
            let mut replay = Replay::open_at(&path, from).expect("a checkpoint");
            while replay.step().unwrap_or_else(|error| panic!("{what}: {error}")).is_some() {}
            let held = replay.cockpit().checkpoint().held;
            let lost: Vec<TextId> =
                last.held.texts.keys().filter(|id| !held.texts.contains_key(id)).copied().collect();
            let is_of_last_segment = found.flags & flag::RETOLD != 0;
            assert!(lost.len() == 1 || is_of_last_segment, "{what}: {lost:?} are lost");
            assert!(held.texts.iter().all(|(id, text)| last.held.texts[id] == *text), "{what}: another text");
            let catalog = replay.cockpit().catalog();
            assert!(lost.iter().all(|id| catalog.is_lost(Some(*id))), "{what}");
            lost_numbers.extend(lost);
        }
    }
    assert!(lost_numbers.len() >= 3, "{lost_numbers:?}");
}

#[test]
fn behind_damage_the_engine_is_the_flights_again() {
    // 300 flips before the last segment, in any byte of a payload or head.
    let (_dir, path) = place();
    let flown = everything(&path);
    let last = flown.behind.last().expect("a flight");
    let all = records(&flown.bytes);
    let starts: Vec<usize> = all.iter().filter(|r| r.kind == kind::SEGMENT).map(|r| r.at).collect();
    let mut dice = Dice(31);
    for _ in 0..300 {
        let byte = starts[0] + dice.below(starts[2] - starts[0]);
        let hit = all.iter().find(|record| (record.at..record.end).contains(&byte)).expect("its record");
        if hit.kind == kind::TEXT {
            // What is lost with a text has a test of its own.
            continue;
        }
        let mut bytes = flown.bytes.clone();
        bytes[byte] ^= 1 << dice.below(8);
        std::fs::write(&path, &bytes).expect("written");
        let mut replay = Replay::open(&path).expect("opened");
        while replay.step().unwrap_or_else(|error| panic!("byte {byte}: {error}")).is_some() {}
        let engine = replay.cockpit().checkpoint();
        assert!(engine == *last, "byte {byte} of type {:#x}: another engine", hit.kind);
    }
}

#[test]
fn damage_in_one_segment_changes_no_moment_of_another() {
    // 300 flips, three moments each: the last one of each segment.
    let (_dir, path) = place();
    let flown = everything(&path);
    let all = records(&flown.bytes);
    let starts: Vec<usize> = all.iter().filter(|r| r.kind == kind::SEGMENT).map(|r| r.at).collect();
    let segment_of = |byte: usize| starts.iter().filter(|start| **start <= byte).count() - 1;
    let ends = [At::from_ms(1_200), At::from_ms(60_500), At::from_ms(120_350)];
    let moments = sequentially(&path);
    let last_before = |end: At| moments.iter().rfind(|(at, _)| *at <= end).expect("a moment").1.clone();
    let expected = ends.map(last_before);
    let mut dice = Dice(77);
    let mut n_compared = 0;
    for _ in 0..300 {
        let byte = starts[0] + dice.below(flown.bytes.len() - starts[0]);
        let hit = all.iter().find(|record| (record.at..record.end).contains(&byte)).expect("its record");
        if hit.kind == kind::TEXT {
            continue;
        }
        let mut bytes = flown.bytes.clone();
        bytes[byte] ^= 1 << dice.below(8);
        std::fs::write(&path, &bytes).expect("written");
        let mut cursor = Cursor::open(&path).expect("opened");
        for (n, end) in ends.iter().enumerate().filter(|(n, _)| *n != segment_of(byte)) {
            let replay = Replay::at(&mut cursor, *end).expect("a checkpoint");
            assert!(forward(replay, *end) == expected[n], "byte {byte} of {:#x}, moment {n}", hit.kind);
            n_compared += 1;
        }
    }
    assert!(n_compared > 400, "{n_compared} moments");
}
