//! What goes in comes out, whatever it is; what was damaged comes out as an error or as a value, never as a panic.

mod arbitrary;
mod evolution;
mod hostile;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::schema::Schema;
use super::{CodecError, Decoder, Encoder};
use crate::engine::host::HostFacts;
use crate::engine::sample::{Sample, SlowFacts, Watch};
use arbitrary::{host, sample, slow_facts, watch};

/// What a segment holds.
#[derive(Debug, Clone)]
enum Input {
    Sample(Box<Sample>),
    Watch(Box<Watch>),
    Host(Box<HostFacts>),
}

/// A segment: what was known before it, and its inputs.
#[derive(Debug, Clone)]
struct Segment {
    sample: Option<Box<Sample>>,
    slow: Option<Box<SlowFacts>>,
    inputs: Vec<Input>,
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        3 => sample().boxed().prop_map(|sample| Input::Sample(Box::new(sample))),
        1 => watch().boxed().prop_map(|watch| Input::Watch(Box::new(watch))),
        1 => host().boxed().prop_map(|host| Input::Host(Box::new(host))),
    ]
}

/// Any inputs, some of which resemble the one before.
fn segment() -> impl Strategy<Value = Segment> {
    let inputs = vec((input().boxed(), of(any::<u64>())), 0..10).prop_map(|drawn| {
        let mut inputs: Vec<Input> = Vec::new();
        for (input, alike) in drawn {
            let before = inputs.iter().rev().find_map(|input| match input {
                Input::Sample(sample) => Some(sample.clone()),
                _ => None,
            });
            inputs.push(match (input, alike, before) {
                (Input::Sample(fresh), Some(seed), Some(before)) => {
                    Input::Sample(Box::new(change(*before, &fresh, seed)))
                }
                (input, ..) => input,
            });
        }
        inputs
    });
    (of(sample().boxed().prop_map(Box::new)), of(slow_facts().prop_map(Box::new)), inputs)
        .prop_map(|(sample, slow, inputs)| Segment { sample, slow, inputs })
}

/// `sample` with some rows moved, lost, doubled or replaced by those of `fresh`.
fn change(mut sample: Sample, fresh: &Sample, seed: u64) -> Sample {
    fn rows<R: Clone>(rows: &mut Vec<R>, fresh: &[R], mut seed: u64) {
        for _ in 0..seed % 5 {
            seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17) + 1;
            let (place, other) = (seed as usize >> 3, seed as usize >> 20);
            let len = rows.len().max(1);
            match (seed % 8, fresh.get(other % fresh.len().max(1)), rows.get(other % len).cloned()) {
                (0 | 1, Some(new), _) => rows.insert(place % len.min(rows.len() + 1), new.clone()),
                (2 | 3, Some(new), Some(_)) => rows[place % len] = new.clone(),
                (4, _, Some(_)) => drop(rows.remove(place % len)),
                (5, _, Some(_)) => rows.swap(place % len, other % len),
                (6, _, Some(_)) => rows.rotate_left(place % len),
                (7, _, Some(row)) => rows.push(row),
                _ => {}
            }
        }
    }
    rows(&mut sample.backends, &fresh.backends, seed);
    rows(&mut sample.locks, &fresh.locks, seed.rotate_left(9));
    rows(&mut sample.edges, &fresh.edges, seed.rotate_left(18));
    sample.server_now = fresh.server_now;
    sample.slow.clone_from(&fresh.slow);
    sample
}

/// The payloads of a segment, the keyframe first.
fn payloads(encoder: &mut Encoder, segment: &Segment) -> Vec<Vec<u8>> {
    let mut keyframe = Vec::new();
    encoder.keyframe(segment.sample.as_deref(), segment.slow.as_deref(), &mut keyframe);
    let mut payloads = vec![keyframe];
    for input in &segment.inputs {
        let mut out = Vec::new();
        match input {
            Input::Sample(sample) => encoder.sample(sample, &mut out),
            Input::Watch(watch) => encoder.watch(watch, &mut out),
            Input::Host(host) => encoder.host(host, &mut out),
        }
        payloads.push(out);
    }
    payloads
}

/// Reads a segment and compares each input with what was written.
fn read_back(decoder: &mut Decoder, segment: &Segment, payloads: &[Vec<u8>]) -> Result<(), TestCaseError> {
    decoder.keyframe(&payloads[0]).expect("a keyframe");
    let sample = segment.sample.as_deref();
    let mut slow = sample.and_then(|sample| sample.slow.as_deref()).or(segment.slow.as_deref());
    prop_assert_eq!(decoder.last_sample(), sample);
    prop_assert_eq!(decoder.last_slow(), slow);
    for (input, payload) in segment.inputs.iter().zip(&payloads[1..]) {
        match input {
            Input::Sample(sample) => {
                decoder.sample(payload).expect("a sample");
                slow = sample.slow.as_deref().or(slow);
                prop_assert_eq!(decoder.last_sample(), Some(&**sample));
                prop_assert_eq!(decoder.last_slow(), slow);
            }
            Input::Watch(watch) => prop_assert_eq!(&decoder.watch(payload).expect("a watch"), &**watch),
            Input::Host(host) => prop_assert_eq!(&decoder.host(payload).expect("a reading"), &**host),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_segment_is_read_back_as_it_was(segment in segment().boxed()) {
        let payloads = payloads(&mut Encoder::new(), &segment);
        let mut decoder = Decoder::new(&Encoder::schema()).expect("a schema");
        read_back(&mut decoder, &segment, &payloads)?;
    }

    #[test]
    fn both_ends_stay_in_step_over_a_long_run(fresh in vec(sample().boxed(), 12), seed in any::<u64>()) {
        let mut inputs = Vec::new();
        let mut now = fresh[0].clone();
        for n in 0..120_u64 {
            let seed = seed.rotate_left(n as u32).wrapping_mul(2 * n + 1);
            now = change(now, &fresh[seed as usize % 12], seed);
            now.backends.truncate(40);
            now.locks.truncate(40);
            inputs.push(Input::Sample(Box::new(now.clone())));
        }
        let segment = Segment { sample: None, slow: None, inputs };
        let payloads = payloads(&mut Encoder::new(), &segment);
        let mut decoder = Decoder::new(&Encoder::schema()).expect("a schema");
        read_back(&mut decoder, &segment, &payloads)?;
    }
}

#[test]
fn a_sample_like_the_one_before_takes_three_bytes() {
    let (fresh, mut out) = (a_sample(), Vec::new());
    let mut encoder = Encoder::new();
    encoder.sample(&fresh, &mut Vec::new());
    encoder.sample(&fresh, &mut out);
    assert!(out.len() <= 3, "{out:?}");
}

#[test]
fn a_segment_may_begin_before_the_first_sample() {
    let mut out = Vec::new();
    Encoder::new().keyframe(None, None, &mut out);
    let mut decoder = Decoder::new(&Encoder::schema()).expect("a schema");
    decoder.keyframe(&out).expect("a keyframe");
    assert_eq!((decoder.last_sample(), decoder.last_slow()), (None, None));
    // But no sample is not a sample.
    assert_eq!(decoder.sample(&out), Err(CodecError::Malformed("no sample in it")));
    assert_eq!(decoder.sample(&out), Err(CodecError::Broken));
}

/// The same sample each time: one of everything, a hundred sessions.
fn a_sample() -> Sample {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let full = sample().prop_filter("some of all", |sample| {
        let some = |slow: &SlowFacts| {
            !slow.senders.is_empty() && !slow.progress.is_empty() && !slow.slots.is_empty()
        };
        !sample.backends.is_empty()
            && !sample.locks.is_empty()
            && sample.edges.iter().any(|edge| !edge.blockers.is_empty())
            && !sample.prepared.is_empty()
            && sample.slow.as_deref().is_some_and(some)
    });
    let mut sample = full.new_tree(&mut runner).expect("a sample").current();
    sample.backends = sample.backends.iter().cycle().take(100).cloned().collect();
    sample
}
