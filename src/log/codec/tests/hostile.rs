//! Payloads that no encoder wrote.

use std::sync::LazyLock;

use super::*;
use crate::log::codec::varint::{put, put_cell};

/// Reads all payloads as far as they can be read, and looks at what came out.
fn read_all(payloads: &[Vec<u8>]) -> Result<(), CodecError> {
    let mut decoder = Decoder::new(&Encoder::schema())?;
    decoder.keyframe(&payloads[0])?;
    for payload in &payloads[1..] {
        decoder.sample(payload)?;
        assert!(decoder.last_sample().is_some_and(|sample| sample.backends.len() < 10_000));
    }
    Ok(())
}

static TWO_SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let (first, mut fresh) = (a_sample(), a_sample());
    fresh.backends.rotate_left(3);
    fresh.locks.reverse();
    let second = change(first.clone(), &fresh, 0x1234_5678_9abc_def3);
    let inputs = vec![Input::Sample(Box::new(first)), Input::Sample(Box::new(second))];
    payloads(&mut Encoder::new(), &Segment { sample: None, slow: None, inputs })
});

#[test]
fn a_payload_cut_anywhere_is_an_error_or_a_sample() {
    let payloads = &*TWO_SAMPLES;
    assert_eq!(read_all(payloads), Ok(()));
    let mut errors = 0;
    for n in 1..payloads.len() {
        for len in 0..payloads[n].len() {
            let mut cut = payloads.clone();
            cut[n].truncate(len);
            errors += usize::from(read_all(&cut).is_err());
        }
    }
    assert!(errors > 100, "{errors}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bytes_never_panic(flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), n in 1..3_usize) {
        let mut payloads = TWO_SAMPLES.clone();
        for (at, byte) in flips {
            let at = at.index(payloads[n].len());
            payloads[n][at] ^= byte;
        }
        let _ = read_all(&payloads);
    }

    #[test]
    fn noise_never_panics(noise in vec(vec(any::<u8>(), 0..200), 1..4)) {
        let mut decoder = Decoder::new(&Encoder::schema()).expect("a schema");
        for payload in &noise {
            let _ = (decoder.keyframe(payload), decoder.sample(payload), decoder.watch(payload), decoder.host(payload));
        }
    }
}

/// What a new decoder says to a payload with this body and these strings.
fn said(words: &[&str], body: &[u64]) -> Result<(), CodecError> {
    let mut payload = Vec::new();
    put(&mut payload, words.len() as u64);
    for word in words {
        put(&mut payload, word.len() as u64);
        payload.extend_from_slice(word.as_bytes());
    }
    body.iter().for_each(|number| put(&mut payload, *number));
    Decoder::new(&Encoder::schema())?.keyframe(&payload)
}

#[test]
fn counts_that_the_bytes_cannot_justify_are_refused() {
    const BACKENDS: u64 = 1;
    for huge in [1 << 20, 1 << 40, u64::MAX >> 1] {
        // Strings, runs, new rows, changed rows.
        assert_eq!(
            Decoder::new(&Encoder::schema()).and_then(|mut decoder| {
                let mut payload = Vec::new();
                put(&mut payload, huge);
                decoder.keyframe(&payload)
            }),
            Err(CodecError::Truncated)
        );
        assert_eq!(said(&[], &[BACKENDS, huge]), Err(CodecError::Truncated));
        assert_eq!(said(&[], &[BACKENDS, 1, huge << 1 | 1]), Err(CodecError::Truncated));
        assert_eq!(said(&[], &[BACKENDS, 0, huge]), Err(CodecError::Truncated));
        assert!(said(&[], &[BACKENDS, 1, huge << 1, 0]).is_err());
    }
}

#[test]
fn rows_and_tables_that_cannot_be_are_refused() {
    const LOCKS: u64 = 2;
    let new_row = [LOCKS, 1, 1 << 1 | 1, 0];
    assert_eq!(said(&[], &[&new_row[..], &[0, 0]].concat()), Ok(()));
    let refused = |body: &[u64]| said(&[], body).expect_err("refused").to_string();
    // A table after a later one, and one that is none.
    assert!(refused(&[&new_row[..], &[0, 0], &new_row, &[0, 0]].concat()).contains("out of order"));
    assert!(refused(&[99, 0, 0]).contains("does not have"));
    // A mask of a column too many, a mask never told, a string never told.
    assert!(refused(&[&new_row[..], &[0, 1 << 12]].concat()).contains("cannot have"));
    assert!(refused(&[&new_row[..], &[5]].concat()).contains("never told"));
    assert!(refused(&[&new_row[..], &[0, 1 << 2, 9]].concat()).contains("never told"));
    // The new row is changed too.
    assert!(refused(&[LOCKS, 1, 1 << 1 | 1, 1, 0, 0, 0, 1]).contains("cannot have"));
}

#[test]
fn one_row_in_two_places_is_refused() {
    let mut decoder = Decoder::new(&Encoder::schema()).expect("a schema");
    let payload = |body: &[u64]| {
        let mut payload = vec![0];
        body.iter().for_each(|number| put(&mut payload, *number));
        payload
    };
    decoder.keyframe(&payload(&[1, 1, 2 << 1 | 1, 0, 0, 0, 1])).expect("two rows");
    // Both rows, then back by two and both again.
    let twice = decoder.keyframe(&payload(&[1, 2, 2 << 1, 0, 2 << 1, 3, 0]));
    assert_eq!(twice, Err(CodecError::Malformed("one row in two places")));
}

#[test]
fn a_long_string_in_many_rows_is_refused_before_it_is_copied() {
    const BACKENDS: u64 = 1;
    const APPLICATION: u64 = 1 << 5;
    let n_rows = 100_000;
    let word = "x".repeat(1 << 20);
    let mut body = vec![BACKENDS, 1, n_rows << 1 | 1, 0, 0, APPLICATION];
    // The first row tells the string, the others are like it.
    body.extend([0, 0]);
    body.extend((2..n_rows).map(|_| 2));
    let mut value = Vec::new();
    put_cell(&mut value, Some(0));
    body.push(u64::from(value[0]));
    assert_eq!(said(&[&word], &body), Err(CodecError::TooMuch("bytes of strings")));
}
