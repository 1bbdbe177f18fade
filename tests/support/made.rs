//! A flight without a server: its inputs are made up, its engine and its log are real.

use lockpit::engine::Cockpit;
use lockpit::engine::effect::Effect;
use lockpit::engine::ids::At;
use lockpit::engine::input::{Command, Input, Request};
use lockpit::log::{Batch, Header, Log, Meta, Options};

/// The header of every such flight.
pub(crate) fn header() -> Header {
    Header {
        flight: [3; 16],
        sync: [4; 16],
        boot: [5; 16],
        utc_us: 1_795_212_847_000_000,
        monotonic_us: 0,
        meta: Meta::default(),
    }
}

/// Nothing may be left out, however slow the disk is.
pub(crate) fn patient() -> Options {
    Options { queue_bytes: 1 << 30, queue_batches: 1 << 20, ..Options::default() }
}

/// An engine and its log.
pub(crate) struct Made {
    pub(crate) log: Log,
    pub(crate) cockpit: Cockpit,
}

impl Made {
    pub(crate) fn new(log: Log) -> Made {
        Made { log, cockpit: Cockpit::default() }
    }

    /// One turn, as a flight takes it.
    pub(crate) fn turn(&mut self, at: At, input: Input) {
        self.turn_with(at, input, None);
    }

    /// The same, with an effect that no engine asks for.
    pub(crate) fn turn_with(&mut self, at: At, input: Input, foreign: Option<Effect>) {
        if self.log.wants_segment(at) {
            assert!(self.log.begin_segment(at, self.cockpit.checkpoint()), "there is room");
        } else if self.log.wants_state() {
            assert!(self.log.state(at, self.cockpit.state()), "there is room");
        }
        let mut batch = Batch::new();
        batch.input(at, &input);
        for effect in self.cockpit.handle(at, input).into_iter().chain(foreign) {
            batch.intent(at, &effect);
        }
        assert!(self.log.append(batch), "there is room");
    }

    /// A remark of nobody in particular.
    pub(crate) fn remark(&mut self, at: At, note: String) {
        self.turn(at, Input::Command(Request { by: None, command: Command::Mark { note } }));
    }
}
