//! A long flight, written without a server.

use std::path::Path;

use lockpit::engine::effect::Effect;
use lockpit::engine::ids::At;
use lockpit::engine::input::{Command, Input, Request};
use lockpit::log::Log;

use super::made::{Made, header, patient};
use super::traffic::{Server, Traffic};

/// Time between two samples, in milliseconds.
const EVERY_MS: u64 = 10_000;
/// Samples between two remarks.
const REMARKS: u64 = 60;

/// When what happened in a flight.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) samples: Vec<At>,
    pub(crate) remarks: Vec<At>,
}

/// Writes the log of a quiet flight of `minutes` at `path`: a sample every ten seconds, a remark every ten minutes.
pub(crate) fn long_flight(path: &Path, minutes: u64) -> Times {
    flight(path, minutes, None)
}

/// The same, in which the first remark is followed by an effect that no engine asks for.
pub(crate) fn drifting_flight(path: &Path, minutes: u64) -> Times {
    flight(path, minutes, Some(Effect::SampleNow))
}

fn flight(path: &Path, minutes: u64, mut foreign: Option<Effect>) -> Times {
    let mut made = Made::new(Log::create(path, &header(), patient()).expect("a log in the test's folder"));
    let mut server = Server::new(Traffic { sessions: 20, churn_permille: 70, every_ms: EVERY_MS }, 11);
    for input in server.introduction() {
        made.turn(At(0), input);
    }
    let mut times = Times::default();
    for n in 1..=minutes * 60_000 / EVERY_MS {
        let (at, sample) = server.sample();
        made.turn(at, sample);
        times.samples.push(at);
        if n.is_multiple_of(REMARKS) {
            let at = At(at.0 + 1);
            let note = format!("remark {}", n / REMARKS);
            let remark = Input::Command(Request { by: None, command: Command::Mark { note } });
            made.turn_with(at, remark, foreign.take());
            times.remarks.push(at);
        }
    }
    let end = times.remarks.last().max(times.samples.last()).copied().unwrap_or_default();
    made.log.close(end).expect("a whole log");
    times
}
