//! Made-up flights, written as a flight writes them: an engine, a segment or its state where one is due, each turn
//! one batch.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use lockpit::engine::Cockpit;
use lockpit::engine::ids::At;
use lockpit::engine::input::Input;
use lockpit::engine::sample::{Backend, Sample};
use lockpit::literals::{self, Kept, Table};
use lockpit::log::{Batch, Header, Log, Meta, Options};

use super::anatomy::Anatomy;
use super::baseline::Baseline;
use crate::common::cpu;
use crate::support::traffic::{Chance, Server, Traffic};

/// Turns that may wait for the writer.
const AHEAD: u32 = 200;

/// A flight to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    pub(crate) traffic: Traffic,
    pub(crate) samples: u32,
    /// Literals are kept: a uuid and two integers a statement.
    pub(crate) keeps_literals: bool,
    /// The writer is awaited after each turn, so that each is measured by itself.
    pub(crate) is_measured: bool,
    /// JSON lines are made beside it.
    pub(crate) has_baseline: bool,
}

/// A flight that was made.
pub(crate) struct Made {
    pub(crate) plan: Plan,
    pub(crate) path: PathBuf,
    pub(crate) anatomy: Anatomy,
    pub(crate) baseline: Baseline,
    /// Time of the flight, in seconds.
    pub(crate) seconds: f64,
    /// Rows that changed from one sample to the next, in percent.
    pub(crate) changed_percent: f64,
    /// Time of the writing thread for each turn with a sample, in nanoseconds: apart, those that begin no segment
    /// and hold no checkpoint.
    pub(crate) written_ns: Vec<u64>,
    pub(crate) written_bare_ns: Vec<u64>,
    /// The same of the flight's thread, without its engine.
    pub(crate) recorded_ns: Vec<u64>,
    /// The engine's time for a sample.
    pub(crate) handled_ns: Vec<u64>,
    /// Bytes of the engine's last checkpoint.
    pub(crate) state_bytes: usize,
}

/// Makes the log of this flight at `path`.
pub(crate) fn fly(path: &Path, plan: Plan) -> Made {
    let mut server = Server::new(plan.traffic, 7);
    let mut deck = Deck::new(path, plan);
    for input in server.introduction() {
        deck.turn(At(0), input);
    }
    let mut last = At(0);
    for _ in 0..plan.samples {
        let (at, input) = server.sample();
        deck.turn(at, input);
        last = at;
    }
    deck.land(last)
}

/// The flight's loop, and its measurements.
struct Deck {
    log: Log,
    /// The number of the last record of each write, and the writer's time then.
    acks: Receiver<(u32, u64)>,
    cockpit: Cockpit,
    /// The number of the next record, and of the first that may not be written.
    next_seq: u32,
    acked_seq: u32,
    writer_ns: u64,
    values: Values,
    n_rows: u64,
    n_changed: u64,
    made: Made,
}

impl Deck {
    fn new(path: &Path, plan: Plan) -> Deck {
        let (tell, acks) = channel();
        let header = Header {
            flight: [1; 16],
            sync: [2; 16],
            boot: [3; 16],
            utc_us: 0,
            monotonic_us: 0,
            meta: Meta::default(),
        };
        let options = Options {
            queue_bytes: 1 << 30,
            ack: Some(Box::new(move |seq| {
                // Nobody listens any more while the log is closed.
                let _ = tell.send((seq, cpu::thread_ns()));
            })),
            ..Options::default()
        };
        let made = Made {
            plan,
            path: path.to_owned(),
            anatomy: Anatomy::default(),
            baseline: Baseline::default(),
            seconds: 0.0,
            changed_percent: 0.0,
            written_ns: Vec::new(),
            written_bare_ns: Vec::new(),
            recorded_ns: Vec::new(),
            handled_ns: Vec::new(),
            state_bytes: 0,
        };
        Deck {
            log: Log::create(path, &header, options).expect("a log"),
            acks,
            cockpit: Cockpit::default(),
            // META has the first number.
            next_seq: 1,
            acked_seq: 1,
            writer_ns: 0,
            values: Values::default(),
            n_rows: 0,
            n_changed: 0,
            made,
        }
    }

    fn turn(&mut self, at: At, input: Input) {
        let is_sample = matches!(input, Input::Sample(_));
        let (begins_segment, has_state) =
            (self.log.wants_segment(at), !self.log.wants_segment(at) && self.log.wants_state());
        let begin = cpu::thread_ns();
        if begins_segment {
            assert!(self.log.begin_segment(at, self.cockpit.checkpoint()), "there is room");
            self.next_seq += 4;
        } else if has_state {
            let state = self.cockpit.state();
            self.made.state_bytes = state.len();
            assert!(self.log.state(at, state), "there is room");
            self.next_seq += 1;
        }
        let mut batch = Batch::new();
        batch.input(at, &input);
        let mut recorded_ns = cpu::thread_ns() - begin;
        if self.made.plan.has_baseline {
            self.made.baseline.add(&input, begins_segment);
        }
        if let Input::Sample(sample) = &input {
            self.count_changes(sample);
            if self.made.plan.keeps_literals
                && let Some(event) = self.values.of(sample, begins_segment)
            {
                batch.event(at, &event);
            }
        }
        let (effects, handled_ns) = cpu::timed(|| self.cockpit.handle(at, input));
        let begin = cpu::thread_ns();
        effects.iter().for_each(|effect| batch.intent(at, effect));
        self.next_seq += u32::try_from(batch.len()).expect("few entries");
        assert!(self.log.append(batch), "there is room");
        recorded_ns += cpu::thread_ns() - begin;
        let before_ns = self.writer_ns;
        self.wait_for_writer();
        if is_sample {
            let written_ns = self.writer_ns - before_ns;
            self.made.written_ns.push(written_ns);
            if !begins_segment && !has_state {
                self.made.written_bare_ns.push(written_ns);
            }
            self.made.recorded_ns.push(recorded_ns);
            self.made.handled_ns.push(handled_ns);
        }
    }

    fn wait_for_writer(&mut self) {
        let ahead = if self.made.plan.is_measured { 0 } else { AHEAD };
        while self.acked_seq + ahead < self.next_seq {
            let (seq, ns) = self.acks.recv().expect("the writer lives");
            (self.acked_seq, self.writer_ns) = (seq + 1, ns);
        }
    }

    fn count_changes(&mut self, sample: &Sample) {
        if let Some(before) = self.cockpit.sample() {
            let pairs = before.backends.iter().zip(&sample.backends);
            self.n_changed += pairs.filter(|(before, now)| before != now).count() as u64;
            self.n_rows += sample.backends.len() as u64;
        }
    }

    fn land(self, at: At) -> Made {
        let Deck { log, mut made, n_rows, n_changed, .. } = self;
        log.close(at).expect("closed");
        made.anatomy = Anatomy::of(&made.path);
        made.seconds = at.0 as f64 / 1e6;
        made.changed_percent = n_changed as f64 * 100.0 / n_rows.max(1) as f64;
        made
    }
}

/// Made-up literals of statements, told as the flight tells them.
struct Values {
    chance: Chance,
    known: Table,
}

impl Default for Values {
    fn default() -> Values {
        Values { chance: Chance(11), known: Table::default() }
    }
}

impl Values {
    /// The event of this sample, if it has one; where a segment begins, of all statements.
    fn of(&mut self, sample: &Sample, begins_segment: bool) -> Option<serde_json::Value> {
        let unknown: Vec<&Backend> =
            sample.backends.iter().filter(|backend| self.known.of(backend).is_none()).collect();
        let new: Vec<Kept> = unknown.into_iter().filter_map(|backend| self.kept(backend)).collect();
        self.known.take(new.iter().cloned());
        self.known.follow(sample);
        let told = if begins_segment { self.known.all() } else { new };
        (!told.is_empty()).then(|| literals::event(&told))
    }

    fn kept(&mut self, backend: &Backend) -> Option<Kept> {
        let (high, low) = (self.chance.next(), self.chance.next());
        let uuid = format!(
            "'{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}'",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 48,
            low & 0xffff_ffff_ffff
        );
        let (customer, amount) = (self.chance.below(1_000_000), self.chance.below(100_000));
        Some(Kept {
            pid: backend.pid,
            backend_start: backend.backend_start,
            query_start: backend.query_start,
            text: backend.text?,
            values: vec![Some(uuid), Some(customer.to_string()), Some(amount.to_string())],
        })
    }
}
