//! What is read is what was written, for everything there is.

use std::collections::BTreeSet;

use lockpit::engine::effect::Effect;
use lockpit::engine::ids::{At, Pid, ServerTime};
use lockpit::engine::input::{Command, Gap, Input, Request};
use lockpit::engine::sample::{Edge, Watch};
use lockpit::log::{Ending, Entry, Options};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{create, entries, noise, place, read, state};
use super::variants::{self, HARD};

/// Writes each batch behind a first checkpoint and reads all of it back.
fn through_a_log(batches: &[Vec<Entry>]) -> Vec<Entry> {
    let (_dir, path) = place();
    let mut log = create(&path, Options::default());
    assert!(log.begin_segment(At(0), state(b"")));
    for batch in batches {
        assert!(log.append(batch.clone()));
    }
    log.close(At(0)).expect("closed");
    let (items, ending) = read(&path);
    assert_eq!(ending, Ending::Complete);
    let mut read = entries(&items);
    assert_eq!(read.remove(0), Entry::Checkpoint(At(0), Vec::new()));
    read
}

#[test]
fn every_variant_comes_back_as_it_went() {
    let (inputs, effects) = (variants::inputs(), variants::effects());
    assert_eq!(inputs.iter().map(variants::variant).collect::<BTreeSet<_>>(), (0..26).collect());
    assert_eq!(effects.iter().map(variants::effect_variant).collect::<BTreeSet<_>>(), (0..8).collect());

    let mut all: Vec<Entry> = Vec::new();
    all.extend(inputs.into_iter().enumerate().map(|(n, input)| Entry::Input(At(n as u64), input)));
    all.extend(effects.into_iter().map(|effect| Entry::Intent(At(u64::MAX), effect)));
    all.push(Entry::Checkpoint(At(1 << 63), noise(3_000_000)));
    all.push(Entry::Checkpoint(At(0), b"\x00\xff not JSON".to_vec()));
    all.push(Entry::Gap(At(1), Gap { from: At(0), why: HARD.to_owned(), lost: Some(u64::MAX) }));
    all.push(Entry::Event(At(2), json!(null)));
    all.push(Entry::Event(
        At(3),
        json!({HARD: [u64::MAX, i64::MIN, 0.1, 1e308, 5e-324, -0.0, true, {}, []]}),
    ));
    let deepest = (0..63).fold(json!(1), |inner, _| json!([inner]));
    all.push(Entry::Event(At(4), deepest));
    let one_by_one: Vec<Vec<Entry>> = all.iter().map(|entry| vec![entry.clone()]).collect();

    assert_eq!(through_a_log(std::slice::from_ref(&all)), all);
    assert_eq!(through_a_log(&one_by_one), all);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn edge() -> impl Strategy<Value = Edge> {
    (any::<i32>(), prop::collection::vec(any::<i32>().prop_map(Pid), 0..5))
        .prop_map(|(waiter, blockers)| Edge { waiter: Pid(waiter), blockers })
}

fn input() -> impl Strategy<Value = Input> {
    let watch = (any::<i64>(), any::<u64>(), any::<Option<i64>>(), prop::collection::vec(edge(), 0..20));
    prop_oneof![
        prop::sample::select(variants::inputs()),
        any::<String>()
            .prop_map(|note| Input::Command(Request { by: None, command: Command::Mark { note } })),
        any::<i64>().prop_map(|now| Input::Sample(Box::new(variants::sample(ServerTime(now))))),
        watch.prop_map(|(now, cost_us, since, oldest)| Input::Watch(Watch {
            server_now: ServerTime(now),
            cost_us,
            waiting: oldest.len() as u32,
            oldest_wait_start: since.map(ServerTime),
            oldest,
        })),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    let effect = prop_oneof![
        prop::sample::select(variants::effects()),
        any::<String>().prop_map(|reason| Effect::End { reason })
    ];
    let gap = (any::<u64>(), any::<String>(), any::<Option<u64>>());
    (any::<u64>().prop_map(At)).prop_flat_map(move |at| {
        prop_oneof![
            input().prop_map(move |input| Entry::Input(at, input)),
            effect.clone().prop_map(move |effect| Entry::Intent(at, effect)),
            prop::collection::vec(any::<u8>(), 0..500).prop_map(move |bytes| Entry::Checkpoint(at, bytes)),
            gap.clone().prop_map(move |(from, why, lost)| Entry::Gap(at, Gap { from: At(from), why, lost })),
            value().prop_map(move |value| Entry::Event(at, value)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_batches_come_back_as_they_went(
        batches in prop::collection::vec(prop::collection::vec(entry(), 1..8), 1..8)
    ) {
        let mut batches = batches;
        // A checkpoint with a sample or a text behind it in its turn is refused.
        for batch in &mut batches {
            batch.sort_by_key(|entry| matches!(entry, Entry::Checkpoint(..)));
        }
        prop_assert_eq!(through_a_log(&batches), batches.concat());
    }
}

#[test]
fn a_sample_behind_a_checkpoint_of_its_turn_is_refused() {
    let (_dir, path) = place();
    let mut log = create(&path, Options::default());
    assert!(log.begin_segment(At(0), state(b"{}")));
    let sample = Entry::Input(At(1), Input::Sample(Box::new(variants::sample(ServerTime(0)))));
    assert!(!log.append(vec![Entry::Checkpoint(At(1), b"{}".to_vec()), sample]));
    let lost = log.status().lost.expect("it is counted as lost");
    assert!(lost.why.contains("follows a checkpoint"), "{}", lost.why);
    assert_eq!(lost.entries, 2);
}
