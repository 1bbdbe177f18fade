//! Logs that were cut, flipped, zeroed: what is left is exact, and what is missing is said.

use std::collections::BTreeSet;
use std::path::Path;

use lockpit::engine::ids::At;
use lockpit::log::{Damage, Ending, Entry, Item, Options, ReadError, Reader, Verdict, verify};

use super::flight::everything;
use super::forge::{Dice, Found, HEAD, flag, header_len, kind, records};
use super::support::{create, drain, mark, noise, place, read, state};

/// A log of three segments with every type of record, taken apart.
struct Sample {
    bytes: Vec<u8>,
    items: Vec<Item>,
    records: Vec<Found>,
    path: std::path::PathBuf,
    _dir: tempfile::TempDir,
}

fn sample() -> Sample {
    let (dir, path) = place();
    let bytes = everything(&path).bytes;
    let (items, ending) = read(&path);
    assert_eq!(ending, Ending::Complete);
    let records = records(&bytes);
    let kinds: BTreeSet<u8> = records.iter().map(|record| record.kind).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), kind::ALL, "every type of record meets every damage");
    assert!(records.iter().any(|record| record.flags == flag::PACKED | flag::RETOLD), "a text is told again");
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

    fn header(&self) -> usize {
        header_len(&self.bytes)
    }

    fn segment_starts(&self) -> Vec<&Found> {
        self.records.iter().filter(|record| record.kind == kind::SEGMENT).collect()
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
        let (mut hit, mut last) = (Vec::new(), None);
        let mut originals = self.items.iter();
        for item in items.iter().filter(|item| matches!(item, Item::Entry { .. })) {
            assert!(last.replace(seq(item)) < Some(seq(item)), "{what}: twice, or out of order");
            let skipped = originals.by_ref().take_while(|original| seq(original) != seq(item));
            hit.extend(skipped.map(|original| self.segment_of(seq(original))));
            let original = self.items.iter().find(|original| seq(original) == seq(item));
            assert_eq!(Some(item), original, "{what}: an entry that never was");
        }
        hit.extend(originals.map(|original| self.segment_of(seq(original))));
        hit.dedup();
        hit
    }
}

#[test]
fn a_log_cut_at_any_byte_yields_exactly_its_complete_batches() {
    let sample = sample();
    for len in 0..=sample.bytes.len() {
        std::fs::write(&sample.path, &sample.bytes[..len]).expect("written");
        if len < sample.header() {
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
        let at_byte = ends.max().unwrap_or(sample.header()) as u64;
        let expected = match len == sample.bytes.len() {
            true => Ending::Complete,
            false => Ending::Torn { at_byte, lost_bytes: len as u64 - at_byte },
        };
        assert_eq!(ending, expected, "cut at {len}");
        let found = verify(&sample.path, None).expect("readable");
        assert_eq!(found.pin.bytes, at_byte, "cut at {len}");
        match len == sample.bytes.len() {
            true => assert_eq!(found.verdict, Verdict::Complete),
            false => assert!(matches!(found.verdict, Verdict::Torn(_)), "cut at {len}: {}", found.verdict),
        }
    }
}

#[test]
fn no_flipped_bit_yields_a_wrong_entry_or_costs_more_than_its_segment() {
    // One bit of each byte, 13,000 in all; where a record's head or the header is, another one too.
    let sample = sample();
    let mut dice = Dice(20_261_120);
    for byte in 0..sample.bytes.len() {
        let in_head = sample.records.iter().any(|record| (record.at..record.at + HEAD).contains(&byte));
        let bits = if in_head || byte < sample.header() { 2 } else { 1 };
        for bit in (0..bits).map(|_| dice.below(8)) {
            let (items, ending) = sample.damaged(|bytes| bytes[byte] ^= 1 << bit);
            let what = format!("bit {bit} of byte {byte}");
            let hit = sample.incomplete_segments(&items, &what);
            assert!(hit.len() <= 1, "{what}: segments {hit:?}");
            match ending {
                Ending::Damaged(damage) if byte < sample.header() => {
                    assert_eq!(
                        (damage.at_byte, items.len()),
                        (0, sample.items.len()),
                        "{what}: a copy is left"
                    );
                }
                Ending::Damaged(Damage { at_byte, resumes_at }) => {
                    let named = at_byte..resumes_at.unwrap_or(sample.bytes.len() as u64);
                    assert!(named.contains(&(byte as u64)), "{what}: {named:?} is named");
                }
                Ending::Torn { at_byte, .. } => {
                    assert_eq!(
                        at_byte as usize,
                        sample.records[sample.records.len() - 1].at,
                        "{what}: no end"
                    );
                }
                Ending::Complete => panic!("{what} is not noticed"),
            }
            let verdict = verify(&sample.path, None).expect("readable").verdict;
            match (&verdict, ending) {
                (Verdict::Altered(altered), Ending::Damaged(damage)) => {
                    assert_eq!(
                        (altered.at_byte, altered.until_byte),
                        (damage.at_byte, damage.at_byte),
                        "{what}"
                    );
                }
                (Verdict::Torn(_), Ending::Torn { .. }) => {}
                _ => panic!("{what}: read as {ending:?} and verified as {verdict}"),
            }
        }
    }
}

#[test]
fn random_damage_of_any_size_never_yields_a_wrong_entry() {
    let sample = sample();
    let mut dice = Dice(7);
    for round in 0..1_000 {
        let mut bytes = sample.bytes.clone();
        let (from, len) = (sample.header() + dice.below(bytes.len() - sample.header()), 1 + dice.below(200));
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
    let in_second = |record: &&Found| record.at > starts[1].end && record.at < starts[2].at;
    let hit = sample.records.iter().filter(in_second).find(|record| record.followers == 2).expect("three");
    let (items, ending) = sample.damaged(|bytes| bytes[hit.end - 1] ^= 0x10);

    // The batch that was hit has three records; it is unreadable from its beginning.
    let damage = Damage { at_byte: hit.at as u64, resumes_at: Some(starts[2].at as u64) };
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
    let (items, ending) = sample.damaged(|bytes| bytes[hit.at + HEAD - 4] ^= 1);
    let batch = sample.records.iter().rfind(|record| record.flags & flag::BATCH != 0 && record.at <= hit.at);
    let at_byte = batch.expect("its batch").at;
    assert_eq!(ending, Ending::Damaged(Damage { at_byte: at_byte as u64, resumes_at: None }));
    assert_eq!(items, sample.complete_within(at_byte));
}

#[test]
fn a_tail_of_zeros_or_garbage_is_never_read() {
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
            let at_byte = cut as u64;
            let expected = match cut == sample.bytes.len() {
                // No flight writes behind its end.
                true => Ending::Damaged(Damage { at_byte, resumes_at: None }),
                false => Ending::Torn { at_byte, lost_bytes: tail as u64 },
            };
            assert_eq!(ending, expected);
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
fn a_last_batch_of_which_any_sectors_are_missing_is_torn_off_as_a_whole() {
    const SECTOR: usize = 512;
    let (_dir, path) = place();
    let mut log = create(&path, Options::default());
    assert!(log.begin_segment(At(0), state(b"{}")));
    assert!(log.append(vec![mark(1, "kept")]));
    let long: String = noise(6_000).iter().map(|byte| char::from(b' ' + byte % 64)).collect();
    assert!(log.append(vec![mark(2, "first"), Entry::Event(At(2), long.into()), mark(2, "last")]));
    drop(log);
    let bytes = std::fs::read(&path).expect("the log");
    let (whole, _) = read(&path);
    let first =
        records(&bytes).into_iter().find(|record| record.followers == 2 && record.seq > 4).expect("it");
    let sectors: Vec<_> = (first.at / SECTOR..bytes.len().div_ceil(SECTOR))
        .map(|n| (n * SECTOR).max(first.at)..((n + 1) * SECTOR).min(bytes.len()))
        .collect();
    assert!((8..=12).contains(&sectors.len()), "{} sectors", sectors.len());
    // Every subset of them: 256 to 4,096.
    for lost in 1..1_u32 << sectors.len() {
        let mut torn = bytes.clone();
        for (n, sector) in sectors.iter().enumerate() {
            if lost & (1 << n) != 0 {
                torn[sector.clone()].fill(0);
            }
        }
        std::fs::write(&path, &torn).expect("written");
        let (items, ending) = read(&path);
        assert_eq!(items, whole[..whole.len() - 3], "sectors {lost:b}");
        let lost_bytes = (bytes.len() - first.at) as u64;
        assert_eq!(ending, Ending::Torn { at_byte: first.at as u64, lost_bytes }, "sectors {lost:b}");
    }
}

#[test]
fn whole_batches_that_are_missing_doubled_or_swapped_are_noticed() {
    let sample = sample();
    let starts = sample.records.iter().enumerate().filter(|(_, record)| record.flags & flag::BATCH != 0);
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
                bytes.truncate(sample.header());
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
        let _ = cursor.seek(At(1));
    }
}
