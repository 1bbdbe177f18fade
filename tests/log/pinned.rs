//! What only a checkpoint kept elsewhere shows: a log that was cut, or written anew with every seal in place.

use std::path::Path;

use lockpit::log::{Altered, Pin, Verdict, verify};

use super::flight::everything;
use super::forge::{Dice, HEAD, header_len, kind, records, rewritten, taken_apart};
use super::support::place;

fn verdict(path: &Path, bytes: &[u8], known: Option<&Pin>) -> Verdict {
    std::fs::write(path, bytes).expect("written");
    verify(path, known).expect("a log").verdict
}

#[track_caller]
fn altered(verdict: Verdict) -> Altered {
    match verdict {
        Verdict::Altered(altered) => altered,
        other => panic!("not altered: {other}"),
    }
}

#[test]
fn an_intact_log_is_complete_and_what_was_pinned_on_the_way_still_stands() {
    let (_dir, path) = place();
    let flown = everything(&path);
    assert_eq!(verdict(&path, &flown.bytes, Some(&flown.pin)), Verdict::Complete);
    assert_eq!(flown.pin.bytes, flown.bytes.len() as u64);
    for turn in records(&flown.bytes).iter().filter(|record| record.followers == 0) {
        std::fs::write(&path, &flown.bytes[..turn.end]).expect("written");
        let pin = verify(&path, None).expect("a log").pin;
        assert_eq!(pin.bytes, turn.end as u64);
        assert_eq!(pin.to_string().parse(), Ok(pin), "three lines say all of it");
        assert_eq!(verdict(&path, &flown.bytes, Some(&pin)), Verdict::Complete, "pinned at {}", pin.bytes);
    }
}

#[test]
fn a_cut_tail_is_altered_wherever_it_was_cut() {
    let (_dir, path) = place();
    let flown = everything(&path);
    let header = header_len(&flown.bytes);
    for len in (header..flown.bytes.len()).step_by(53).chain([flown.bytes.len() - 1]) {
        let cut = &flown.bytes[..len];
        assert!(matches!(verdict(&path, cut, None), Verdict::Torn(_)), "cut at {len}: by itself it is torn");
        let found = altered(verdict(&path, cut, Some(&flown.pin)));
        assert!(found.at_byte <= len as u64 && found.what.contains("cut"), "cut at {len}: {}", found.what);
    }
}

#[test]
fn a_record_changed_with_its_checksum_is_between_the_two_seals_around_it() {
    let (_dir, path) = place();
    let flown = everything(&path);
    let found = records(&flown.bytes);
    let sealed: Vec<u64> = found
        .iter()
        .filter(|record| matches!(record.kind, kind::SEGMENT | kind::END))
        .map(|record| record.at as u64)
        .collect();
    let mut dice = Dice(5);
    for record in found.iter().filter(|record| record.end - record.at > HEAD) {
        let mut payload = record.payload(&flown.bytes).to_vec();
        let at = dice.below(payload.len());
        payload[at] ^= 1 << dice.below(8);
        let mut bytes = flown.bytes.clone();
        bytes[record.at..record.end].copy_from_slice(&record.with(&payload));
        let altered = altered(verdict(&path, &bytes, None));
        let named = altered.at_byte..=altered.until_byte;
        assert!(named.contains(&(record.at as u64)), "the record at {}: {altered:?}", record.at);
        let seals_within =
            sealed.iter().filter(|seal| altered.at_byte < **seal && **seal < altered.until_byte);
        assert!(seals_within.count() <= 1, "the record at {}: {altered:?}", record.at);
    }
}

#[test]
fn a_log_written_anew_with_all_its_seals_is_altered_only_by_the_checkpoint() {
    let (_dir, path) = place();
    let flown = everything(&path);
    let taken = taken_apart(&flown.bytes);
    assert!(rewritten(&flown.bytes, &taken) == flown.bytes, "written anew without a change it is the same");
    for n in (1..taken.len()).filter(|n| taken[*n].0.kind == kind::EVENT || taken[*n].0.kind == kind::INPUT) {
        if taken[n].0.followers > 0 || taken[n].0.flags & super::forge::flag::BATCH == 0 {
            continue;
        }
        let mut without = taken.clone();
        without.remove(n);
        let forged = rewritten(&flown.bytes, &without);
        assert_eq!(verdict(&path, &forged, None), Verdict::Complete, "no chain shows this");
        altered(verdict(&path, &forged, Some(&flown.pin)));
    }
    let mut other = flown.pin;
    other.flight[0] ^= 1;
    assert!(altered(verdict(&path, &flown.bytes, Some(&other))).what.contains("another flight"));
}
