//! Logs that were cut, flipped, zeroed: what is left is exact, and what is missing is said.

use std::path::Path;

use lockpit::log::{Damage, Ending, Item, ReadError, Reader};

use super::forge::{Dice, Found, HEADER, SEGMENT, records};
use super::support::{drain, place, read, three_segments};

/// A log of three segments, taken apart.
struct Sample {
    bytes: Vec<u8>,
    items: Vec<Item>,
    records: Vec<Found>,
    path: std::path::PathBuf,
    _dir: tempfile::TempDir,
}

fn sample() -> Sample {
    let (dir, path) = place();
    let bytes = three_segments(&path);
    let (items, ending) = read(&path);
    assert_eq!(ending, Ending::Complete);
    assert_eq!(items.len(), 3 * 7);
    let records = records(&bytes);
    Sample { bytes, items, records, path, _dir: dir }
}

fn seq(item: &Item) -> u32 {
    match item {
        Item::Entry { seq, .. } => *seq,
        Item::Damage(damage) => panic!("no damage was expected: {damage:?}"),
    }
}

impl Sample {
    /// Where the batch that begins or goes on at record `index` ends.
    fn batch_end(&self, index: usize) -> usize {
        self.records[index + usize::from(self.records[index].followers)].end
    }

    /// The entries whose whole batch is within the first `len` bytes.
    fn complete_within(&self, len: usize) -> Vec<Item> {
        let ends = |item: &&Item| {
            let index = self.records.iter().position(|record| record.seq == seq(item)).expect("its record");
            self.batch_end(index) <= len
        };
        self.items.iter().filter(ends).cloned().collect()
    }

    fn segment_starts(&self) -> Vec<&Found> {
        self.records.iter().filter(|record| record.kind == SEGMENT).collect()
    }

    /// Which segment an entry is in.
    fn segment_of(&self, seq: u32) -> usize {
        self.segment_starts().iter().filter(|start| start.seq <= seq).count()
    }

    fn damaged(&self, change: impl FnOnce(&mut Vec<u8>)) -> (Vec<Item>, Ending) {
        let mut bytes = self.bytes.clone();
        change(&mut bytes);
        std::fs::write(&self.path, &bytes).expect("written");
        read(&self.path)
    }

    /// Nothing but what was recorded, each once and in order. Returns which segments are incomplete.
    #[track_caller]
    fn incomplete_segments(&self, items: &[Item], what: &str) -> Vec<usize> {
        let left: Vec<&Item> = items.iter().filter(|item| matches!(item, Item::Entry { .. })).collect();
        let expected: Vec<&Item> = self.items.iter().filter(|item| left.contains(item)).collect();
        assert_eq!(left, expected, "{what}: an entry that never was, or out of order");
        let missing = self.items.iter().filter(|item| !left.contains(item));
        let mut hit: Vec<usize> = missing.map(|item| self.segment_of(seq(item))).collect();
        hit.dedup();
        hit
    }
}

#[test]
fn a_log_cut_at_any_byte_yields_exactly_its_complete_batches() {
    let sample = sample();
    for len in 0..=sample.bytes.len() {
        std::fs::write(&sample.path, &sample.bytes[..len]).expect("written");
        if len < HEADER {
            let error = Reader::open(&sample.path).expect_err("no header");
            assert!(
                matches!(error, ReadError::TooShort { bytes, .. } if bytes == len as u64),
                "{len}: {error}"
            );
            continue;
        }
        let (items, ending) = read(&sample.path);
        assert_eq!(items, sample.complete_within(len), "cut at {len}");
        let ends = (0..sample.records.len()).map(|index| sample.batch_end(index)).filter(|end| *end <= len);
        let at_byte = ends.max().unwrap_or(HEADER) as u64;
        let expected = match len == sample.bytes.len() {
            true => Ending::Complete,
            false => Ending::Torn { at_byte, lost_bytes: len as u64 - at_byte },
        };
        assert_eq!(ending, expected, "cut at {len}");
    }
}

#[test]
fn no_flipped_bit_yields_a_wrong_entry_or_costs_more_than_its_segment() {
    let sample = sample();
    let mut dice = Dice(20_261_120);
    let everywhere = (0..3_000).map(|_| dice.below(sample.bytes.len() * 8)).collect::<Vec<_>>();
    let first_segment = sample.segment_starts()[0].end;
    for bit in (0..first_segment * 8).chain(everywhere) {
        let (items, ending) = sample.damaged(|bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        let hit = sample.incomplete_segments(&items, &format!("bit {bit}"));
        assert!(hit.len() <= 1, "bit {bit}: segments {hit:?}");
        assert_ne!(ending, Ending::Complete, "bit {bit}");
        if bit / 8 < HEADER {
            assert_eq!(items, sample.items, "bit {bit}: the header has a copy");
        }
    }
}

#[test]
fn random_damage_of_any_size_never_yields_a_wrong_entry() {
    let sample = sample();
    let mut dice = Dice(7);
    for round in 0..1_000 {
        let mut bytes = sample.bytes.clone();
        let (from, len) = (HEADER + dice.below(bytes.len() - HEADER), 1 + dice.below(200));
        match round % 4 {
            0 => bytes.iter_mut().skip(from).take(len).for_each(|byte| *byte = dice.below(256) as u8),
            1 => drop(bytes.drain(from..(from + len).min(sample.bytes.len()))),
            2 => {
                let copy = bytes[from..(from + len).min(sample.bytes.len())].to_vec();
                bytes.splice(from..from, copy);
            }
            _ => bytes.iter_mut().skip(from).take(len).for_each(|byte| *byte = 0),
        }
        std::fs::write(&sample.path, &bytes).expect("written");
        let (items, ending) = read(&sample.path);
        let hit = sample.incomplete_segments(&items, &format!("round {round}"));
        if !hit.is_empty() {
            assert_ne!(ending, Ending::Complete, "round {round}");
        }
    }
}

#[test]
fn damage_before_a_segment_is_reported_where_it_is_and_where_reading_resumes() {
    let sample = sample();
    let starts = sample.segment_starts();
    let second = sample.records.iter().position(|record| record.seq == starts[1].seq).expect("its record");
    let hit = &sample.records[second + 3];
    let (items, ending) = sample.damaged(|bytes| bytes[hit.end - 1] ^= 0x10);

    // The batch that was hit has three records; it is unreadable from its beginning.
    let damage = Damage { at_byte: hit.at as u64, resumes_at: Some(starts[2].at as u64) };
    assert_eq!(hit.followers, 2);
    assert_eq!(ending, Ending::Damaged(damage));
    let before = sample.complete_within(hit.at);
    assert_eq!(items[..before.len()], before);
    assert_eq!(items[before.len()], Item::Damage(damage));
    let resumed = sample.items.iter().position(|item| seq(item) > starts[2].seq).expect("the third segment");
    assert_eq!(items[before.len() + 1..], sample.items[resumed..]);
}

#[test]
fn damage_in_the_last_segment_is_not_taken_for_a_torn_tail() {
    let sample = sample();
    let hit = &sample.records[sample.records.len() - 4];
    let (items, ending) = sample.damaged(|bytes| bytes[hit.at + 20] ^= 1);
    let batch = sample.records.iter().rfind(|record| record.flags & 2 != 0 && record.at <= hit.at);
    let at_byte = batch.expect("its batch").at;
    assert_eq!(ending, Ending::Damaged(Damage { at_byte: at_byte as u64, resumes_at: None }));
    assert_eq!(items, sample.complete_within(at_byte));
}

#[test]
fn a_tail_of_zeros_or_garbage_is_torn_off() {
    let sample = sample();
    let end_record = sample.records.last().expect("the END record").at;
    for (cut, tail) in [(sample.bytes.len(), 4_096), (end_record, 1), (end_record, 24), (end_record, 70_000)]
    {
        for fill in [0, 0xff, 0x03] {
            let (items, ending) = sample.damaged(|bytes| {
                bytes.truncate(cut);
                bytes.resize(cut + tail, fill);
            });
            assert_eq!(items, sample.items);
            assert_eq!(ending, Ending::Torn { at_byte: cut as u64, lost_bytes: tail as u64 });
        }
    }
}

#[test]
fn a_last_batch_with_holes_is_torn_off_as_a_whole() {
    let sample = sample();
    // The last batch with three records, as a power failure may leave it: any of its parts missing.
    let first = sample.records.iter().rposition(|record| record.followers == 2).expect("a batch of three");
    let (at, end) = (sample.records[first].at, sample.batch_end(first));
    for holes in 1..8 {
        let (items, ending) = sample.damaged(|bytes| {
            bytes.truncate(end);
            for (part, record) in sample.records[first..first + 3].iter().enumerate() {
                if holes & (1 << part) != 0 {
                    bytes[record.at..record.end].fill(0);
                }
            }
        });
        assert_eq!(items, sample.complete_within(at), "holes {holes:b}");
        assert_eq!(ending, Ending::Torn { at_byte: at as u64, lost_bytes: (end - at) as u64 });
    }
}

#[test]
fn whole_batches_that_are_missing_doubled_or_swapped_are_noticed() {
    let sample = sample();
    let starts = sample.records.iter().enumerate().filter(|(_, record)| record.flags & 2 != 0);
    let batches: Vec<&[u8]> =
        starts.map(|(index, record)| &sample.bytes[record.at..sample.batch_end(index)]).collect();
    // From the first segment on and without the last batch: a log without its END is merely torn.
    for index in 1..batches.len() - 1 {
        for (how, replacement) in [
            ("missing", vec![]),
            ("doubled", vec![batches[index], batches[index]]),
            ("swapped", vec![batches[index + 1], batches[index]]),
        ] {
            let replaced = if how == "swapped" { 2 } else { 1 };
            let order = [&batches[..index], &replacement, &batches[index + replaced..]].concat().concat();
            let (items, ending) = sample.damaged(|bytes| {
                bytes.truncate(HEADER);
                bytes.extend(order);
            });
            let what = format!("batch {index} {how}");
            let hit = sample.incomplete_segments(&items, &what);
            // A swap may touch two segments.
            assert!(hit.len() <= replaced, "{what}: segments {hit:?}");
            assert_ne!(ending, Ending::Complete, "{what}");
        }
    }
}

#[test]
fn a_length_that_claims_the_world_allocates_nothing() {
    let sample = sample();
    let at = sample.segment_starts()[2].at;
    for len in [u32::MAX, 1 << 31, 72 << 20] {
        let (items, _) = sample.damaged(|bytes| bytes[at..at + 4].copy_from_slice(&len.to_le_bytes()));
        assert_eq!(items, sample.complete_within(at));
    }
}

#[test]
fn no_bytes_whatsoever_make_a_reader_panic() {
    let (_dir, path) = place();
    let sample = sample();
    let mut dice = Dice(99);
    for round in 0..300 {
        let mut bytes: Vec<u8> = (0..dice.below(2_000)).map(|_| dice.below(256) as u8).collect();
        if round % 2 == 0 {
            bytes.splice(0..0, sample.bytes[..dice.below(sample.bytes.len())].iter().copied());
        }
        std::fs::write(&path, &bytes).expect("written");
        read_whatever(&path);
    }
}

fn read_whatever(path: &Path) {
    if let Ok(mut reader) = Reader::open(path) {
        let _ = drain(&mut reader);
        let _ = reader.ending();
    }
    if let Ok(mut cursor) = lockpit::log::Cursor::open(path) {
        let _ = cursor.seek(lockpit::engine::ids::At(1));
    }
}
