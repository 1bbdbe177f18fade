//! A recording, walked through sample by sample.

use lockpit::engine::ids::At;
use lockpit::replay::{Replay, Step};

use crate::recordings::{self, Name};

fn samples(name: Name) -> Vec<At> {
    let mut replay = Replay::open(&recordings::path(name)).expect("a readable recording");
    let mut samples = Vec::new();
    while let Some(step) = replay.step().expect("a readable recording") {
        if let Step::Turn { at, was_sample: true, .. } = step {
            samples.push(at);
        }
    }
    samples
}

#[test]
fn every_sample_is_come_to_backwards_and_forwards_and_shown() {
    for name in Name::ALL {
        let samples = samples(name);
        let mut playback = recordings::surveyed(name);
        let end = playback.findings().end();
        playback.go(end).expect("its end");
        let back = samples.iter().rev().filter(|at| **at < end).map(|at| (false, *at));
        let forth = samples.iter().skip(1).map(|at| (true, *at));
        for (on, wanted) in back.chain(forth) {
            playback.step_sample(on).expect("a step");
            let seen = (playback.now(), playback.picture().at);
            assert_eq!(seen, (wanted, wanted), "{name:?}, forward: {on}");
        }
    }
}
