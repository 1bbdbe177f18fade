//! Reading a log while it grows, and seeking in it.

use std::fs::File;
use std::io::Write;

use lockpit::engine::ids::At;
use lockpit::engine::input::Input;
use lockpit::log::{Cursor, Ending, Entry, Item, Options, Reader, Seek};

use super::flight::everything;
use super::forge::{Dice, header_len, kind, records};
use super::support::{create, drain, entries, mark, place, read, state, three_segments, wait_until};

#[test]
fn a_follower_sees_every_batch_once_it_is_whole_however_the_bytes_arrive() {
    let (_dir, path) = place();
    let bytes = everything(&path).bytes;
    let (items, _) = read(&path);
    for step in [1, 2, 7, 100] {
        let (_dir, growing) = place();
        let mut file = File::create(&growing).expect("created");
        file.write_all(&bytes[..header_len(&bytes)]).expect("written");
        let mut reader = Reader::open(&growing).expect("opened");
        let mut cursor = Cursor::open(&growing).expect("opened");
        let mut seen = Vec::new();
        for part in bytes[header_len(&bytes)..].chunks(step) {
            file.write_all(part).expect("written");
            seen.extend(drain(&mut reader));
            cursor.refresh().expect("readable");
        }
        assert_eq!(seen, items, "{step} bytes at a time");
        assert_eq!(reader.ending().expect("readable"), Ending::Complete);
        assert_eq!(cursor.segments(), Cursor::open(&path).expect("opened").segments());
    }
}

#[test]
fn a_follower_of_a_live_writer_sees_what_is_durable() {
    let (_dir, path) = place();
    let mut log = create(&path, Options::default());
    let mut reader = Reader::open(&path).expect("opened");
    assert_eq!(drain(&mut reader), []);
    assert!(log.begin_segment(At(0), state(b"{}")));
    let mut seen = Vec::new();
    for round in 0..50 {
        assert!(log.append(vec![mark(round, "a"), mark(round, "b")]));
        let expected = 1 + 2 * (round as usize + 1);
        wait_until("the batch is read", || {
            seen.extend(drain(&mut reader));
            seen.len() >= expected
        });
        assert_eq!(seen.len(), expected);
        assert!(matches!(reader.ending().expect("readable"), Ending::Torn { lost_bytes: 0, .. }));
    }
    log.close(At(1)).expect("closed");
    assert_eq!(drain(&mut reader), []);
    assert_eq!(reader.ending().expect("readable"), Ending::Complete);
}

#[test]
fn a_follower_waits_at_a_torn_tail_and_goes_on_when_it_is_replaced() {
    let (_dir, path) = place();
    let bytes = three_segments(&path);
    let (items, _) = read(&path);
    let third =
        records(&bytes).iter().filter(|record| record.kind == kind::SEGMENT).nth(2).expect("three").at;
    let (_dir, growing) = place();
    // As a writer leaves it that ran out of space: longer than what will replace it.
    std::fs::write(&growing, [&bytes[..third], &vec![0x99; bytes.len()][..]].concat()).expect("written");
    let mut reader = Reader::open(&growing).expect("opened");
    let mut seen = drain(&mut reader);
    for cut in [bytes.len(), third, third + 5] {
        File::options().write(true).open(&growing).expect("opened").set_len(cut as u64).expect("cut");
        assert_eq!(drain(&mut reader), []);
    }
    std::fs::write(&growing, &bytes).expect("written");
    seen.extend(drain(&mut reader));
    assert_eq!(seen, items);
}

/// Where each segment's checkpoint is among `items`, and its time.
fn checkpoints(items: &[Item]) -> Vec<(usize, At)> {
    let at = |(index, item): (usize, &Item)| match item {
        Item::Entry { entry: Entry::Checkpoint(at, _), .. } => Some((index, *at)),
        _ => None,
    };
    items.iter().enumerate().filter_map(at).collect()
}

#[test]
fn a_seek_yields_what_reading_from_the_start_yields() {
    let (_dir, path) = place();
    three_segments(&path);
    let (items, _) = read(&path);
    let mut cursor = Cursor::open(&path).expect("opened");
    let starts = checkpoints(&items);
    assert_eq!(
        cursor.segments().iter().map(|s| s.first_at).collect::<Vec<_>>(),
        [At::from_ms(0), At::from_ms(60_000), At::from_ms(120_000)]
    );
    for (at, expected) in [
        (At(0), 0),
        (At::from_ms(59_999), 0),
        (At::from_ms(60_000), 1),
        (At::from_ms(60_001), 1),
        (At::from_ms(120_000), 2),
        (At(u64::MAX), 2),
    ] {
        let Seek { at: found, state: checkpoint, mut reader, .. } = cursor.seek(at).expect("found");
        let (index, first_at) = starts[expected];
        assert_eq!((found, checkpoint), (first_at, format!(r#"{{"segment":{expected}}}"#).into_bytes()));
        assert_eq!(drain(&mut reader), items[index + 1..], "from {at:?}");
        assert_eq!(reader.ending().expect("readable"), Ending::Complete);
    }
}

#[test]
fn damage_anywhere_costs_a_seek_no_more_than_the_segment_it_hit() {
    let (_dir, path) = place();
    let bytes = three_segments(&path);
    let (intact, _) = read(&path);
    let intact = entries(&intact);
    let mut dice = Dice(4_711);
    let (first, end) = (records(&bytes)[1].at, bytes.len());
    for _ in 0..1_500 {
        let bit = first * 8 + dice.below((end - first) * 8);
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &flipped).expect("written");
        let mut cursor = Cursor::open(&path).expect("opened");
        assert!(cursor.segments().len() >= 2, "bit {bit}: {:?}", cursor.segments());
        for at_ms in [0, 60_000, 120_000] {
            let Seek { at, state: checkpoint, mut reader, .. } =
                cursor.seek(At::from_ms(at_ms)).expect("found");
            let from = intact.iter().position(|entry| *entry == Entry::Checkpoint(at, checkpoint.clone()));
            let from = from.unwrap_or_else(|| panic!("bit {bit}: a checkpoint that never was"));
            let read = entries(&drain(&mut reader));
            let expected: Vec<_> = intact[from + 1..].iter().filter(|entry| read.contains(entry)).collect();
            assert_eq!(read.iter().collect::<Vec<_>>(), expected, "bit {bit}");
        }
    }
}

#[test]
fn a_length_that_leads_past_a_segment_does_not_hide_it() {
    let (_dir, path) = place();
    let mut bytes = three_segments(&path);
    let found = records(&bytes);
    let second = found.iter().filter(|record| record.kind == kind::SEGMENT).nth(1).expect("three").at;
    let before = found.iter().position(|record| record.end == second).expect("the record before");
    // Where the record seems to end, an intact one begins: the first behind the second segment's checkpoint.
    let len = (found[before + 2].end - found[before].at - 24) as u32;
    bytes[found[before].at..found[before].at + 4].copy_from_slice(&len.to_le_bytes());
    std::fs::write(&path, bytes).expect("written");
    let mut cursor = Cursor::open(&path).expect("opened");
    assert_eq!(cursor.segments().len(), 3);
    assert_eq!(cursor.seek(At::from_ms(60_000)).expect("found").at, At::from_ms(60_000));
}

#[test]
fn a_log_without_a_segment_has_nowhere_to_go() {
    let (_dir, path) = place();
    create(&path, Options::default()).close(At(0)).expect("closed");
    let mut cursor = Cursor::open(&path).expect("opened");
    let error = cursor.seek(At(0)).expect_err("no segment");
    assert!(error.to_string().contains("no readable checkpoint"), "{error}");
}

#[test]
fn a_clock_that_goes_back_or_stands_still_leads_no_seek_astray() {
    let (_dir, path) = place();
    let mut log = create(&path, Options::default());
    let began = [100, 100, 50, 300, 0, 300, u64::MAX];
    for (n, at) in began.iter().enumerate() {
        assert!(log.begin_segment(At(*at), state(format!("{n}").as_bytes())));
        assert!(log.append(vec![Entry::Input(At(at.wrapping_add(7)), Input::Tick)]));
        assert!(log.append(vec![Entry::Input(At(at / 2), Input::Tick)]));
    }
    log.close(At(1)).expect("closed");
    let (items, ending) = read(&path);
    assert_eq!((items.len(), ending), (3 * began.len(), Ending::Complete));
    let times: Vec<u64> = entries(&items).iter().map(|entry| entry.at().0).collect();
    assert_eq!(times, began.map(|at| [at, at.wrapping_add(7), at / 2]).concat(), "as they were");
    let mut cursor = Cursor::open(&path).expect("opened");
    assert_eq!(cursor.segments().len(), began.len());
    for at in [0, 1, 49, 50, 51, 99, 100, 101, 299, 300, 301, u64::MAX] {
        let Seek { at: found, state: checkpoint, mut reader, .. } = cursor.seek(At(at)).expect("found");
        let n: usize = String::from_utf8(checkpoint).expect("a number").parse().expect("a number");
        assert_eq!(found, At(began[n]));
        // Where none of the segments that are tried begins before it, the first one that can be read is taken.
        assert!(found <= At(at) || n == 0, "{at}: {found:?}");
        assert_eq!(drain(&mut reader), items[3 * n + 1..], "{at}");
    }
}

#[test]
fn a_log_that_grows_while_it_is_read_is_never_called_damaged() {
    let (_dir, path) = place();
    let bytes = everything(&path).bytes;
    let (items, _) = read(&path);
    let head = records(&bytes)[0].end;
    for round in 0..30 {
        let (_dir, growing) = place();
        std::fs::write(&growing, &bytes[..head]).expect("written");
        let step = 150 + 37 * round;
        let writer = std::thread::spawn({
            let (growing, bytes) = (growing.clone(), bytes.clone());
            move || {
                let mut file = File::options().append(true).open(growing).expect("opened");
                for part in bytes[head..].chunks(step) {
                    file.write_all(part).expect("written");
                }
            }
        });
        let mut reader = Reader::open(&growing).expect("opened");
        let mut seen = Vec::new();
        while reader.ending().expect("readable") != Ending::Complete {
            seen.extend(drain(&mut reader));
            let ending = reader.ending().expect("readable");
            assert!(!matches!(ending, Ending::Damaged(_)), "{step} bytes at a time: {ending:?}");
            let verdict = lockpit::log::verify(&growing, None).expect("readable").verdict;
            let is_altered = matches!(verdict, lockpit::log::Verdict::Altered(_));
            assert!(!is_altered, "{step} bytes at a time: {verdict}");
        }
        writer.join().expect("written");
        assert_eq!(seen, items, "{step} bytes at a time");
    }
}
