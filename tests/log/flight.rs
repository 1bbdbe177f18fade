//! Small flights with an engine in them: every type of record, a lock queue that trips a guardrail, a loss.

use std::path::Path;

use lockpit::engine::Cockpit;
use lockpit::engine::checkpoint::Checkpoint;
use lockpit::engine::effect::Effect;
use lockpit::engine::host::{CpuTicks, HostBackend, HostFacts, Machine, Memory};
use lockpit::engine::ids::{At, BackendId, Pid, ServerTime};
use lockpit::engine::input::{Command, Input, Outcome, Request, RungAnswer};
use lockpit::engine::sample::{Edge, Fact, SlowFacts, Watch};
use lockpit::engine::settings::{QueueDepthLimit, Settings};
use lockpit::log::{Batch, Entry, Log, Options, Pin};
use serde_json::json;

use super::story::{armed, attached, begin, gone};
use super::support::{create, wait_until};
use super::testing::{B, Look, Who, calm, jam, matched_text, names, readers, server, text};
use super::traffic::{Server, Traffic};

/// Who flies, and writes the log of it as the flight's loop does.
pub(crate) struct Pilot {
    pub(crate) log: Log,
    pub(crate) cockpit: Cockpit,
    /// The engine behind each batch of the log but META and END.
    behind: Vec<Checkpoint>,
}

/// A flight that was flown.
pub(crate) struct Flown {
    /// Its log.
    pub(crate) bytes: Vec<u8>,
    /// The engine behind each batch of the log but META and END.
    pub(crate) behind: Vec<Checkpoint>,
    /// Where the log ended.
    pub(crate) pin: Pin,
}

impl Pilot {
    pub(crate) fn take_off(path: &Path) -> Pilot {
        Pilot { log: create(path, Options::default()), cockpit: Cockpit::default(), behind: Vec::new() }
    }

    pub(crate) fn segment(&mut self, at: At) {
        assert!(self.log.begin_segment(at, self.cockpit.checkpoint()), "there is room");
        self.behind.push(self.cockpit.checkpoint());
    }

    pub(crate) fn state(&mut self, at: At) {
        assert!(self.log.state(at, self.cockpit.state()), "there is room");
        self.behind.push(self.cockpit.checkpoint());
    }

    pub(crate) fn event(&mut self, at: At, what: &str) {
        assert!(self.log.append(vec![Entry::Event(at, json!({ "shown": what }))]), "there is room");
        self.behind.push(self.cockpit.checkpoint());
    }

    /// Tells the engine, and answers at once what it asks about rights and orders.
    pub(crate) fn turn(&mut self, at: At, input: Input) {
        let mut batch = Batch::new();
        batch.input(at, &input);
        let effects = self.cockpit.handle(at, input);
        effects.iter().for_each(|effect| batch.intent(at, effect));
        assert!(self.log.append(batch), "there is room");
        self.behind.push(self.cockpit.checkpoint());
        for effect in effects {
            let answer = match effect {
                Effect::CheckRight { backend, .. } => Outcome::Right { backend, allowed: Ok(()) },
                Effect::Stop { stop, rung, .. } => {
                    Outcome::Rung { stop, rung, answer: RungAnswer::Sent, sent: at }
                }
                _ => continue,
            };
            self.turn(at, Input::Outcome(answer));
        }
    }

    pub(crate) fn turns(&mut self, at: At, inputs: impl IntoIterator<Item = Input>) {
        inputs.into_iter().for_each(|input| self.turn(at, input));
    }

    /// What no log can hold costs this turn, and the next segment begins with its gap. The engine has heard it.
    pub(crate) fn lose(&mut self, at: At, input: Input) {
        let mut batch = Batch::new();
        batch.input(at, &input);
        batch.event(at, &(0..100).fold(json!(1), |inner, _| json!([inner])));
        let _ = self.cockpit.handle(at, input);
        assert!(!self.log.append(batch));
        wait_until("recording could go on", || self.log.needs_checkpoint());
    }

    pub(crate) fn land(self, at: At, path: &Path) -> Flown {
        let summary = self.log.close(at).expect("closed");
        let bytes = std::fs::read(path).expect("the log");
        Flown { bytes, behind: self.behind, pin: summary.pin }
    }
}

/// A calm look, then a queue of four behind an ALTER TABLE, which is stopped; then a loss, and traffic again. Three
/// segments, the second with a checkpoint within it, the third behind a gap; every type of record.
pub(crate) fn everything(path: &Path) -> Flown {
    let at = At::from_ms;
    let mut pilot = Pilot::take_off(path);
    pilot.segment(at(0));
    pilot.turns(at(0), [begin(settings()), Input::Attached(Box::new(attached()))]);
    pilot.turns(at(0), [Input::Names(Box::new(names())), a_text(1, "ALTER TABLE"), a_text(2, "SELECT")]);
    pilot.turn(at(900), look(900, calm().with_all(jam_without_the_jam())));
    pilot.event(at(901), "tree");
    pilot.turn(at(1_000), host(1));
    pilot.turn(at(1_150), look(1_150, calm()));
    pilot.turn(at(1_200), Input::Tick);

    pilot.segment(at(60_000));
    pilot.turn(at(60_000), look(60_000, jam(4)));
    pilot.turn(at(60_050), watch(60_050));
    pilot.turn(at(60_060), a_text(3, "ROLLBACK"));
    pilot.turn(at(60_100), look(60_100, jam(4)));
    assert!(pilot.cockpit.brake().stop().is_some(), "a guardrail acts");
    pilot.state(at(60_150));
    pilot.turn(at(60_150), Input::Outcome(gone(1, 0)));
    pilot.turn(at(60_400), look(60_400, calm()));
    pilot.turn(at(60_500), host(2));
    pilot.lose(at(60_600), Input::Text(Box::new(matched_text(4, "CREATE INDEX CONCURRENTLY"))));

    pilot.segment(at(120_000));
    let note = "on we go".to_owned();
    pilot.turn(at(120_000), Input::Command(Request { by: None, command: Command::Mark { note } }));
    pilot.turn(at(120_100), look(120_100, jam(2)));
    pilot.turn(at(120_150), watch(120_150));
    pilot.turn(at(120_350), look(120_350, calm()));
    pilot.land(at(120_500), path)
}

fn settings() -> Settings {
    let mut settings = armed();
    settings.limits.queue_depth = QueueDepthLimit { limit: Some(3), hold_ms: 100 };
    settings
}

fn a_text(id: u32, kind: &str) -> Input {
    Input::Text(Box::new(text(id, kind)))
}

/// A sample at `ms`, by a server whose clock is the flight's and that replicates.
fn look(ms: u64, look: Look) -> Input {
    let mut sample = look.server_clock(ms.cast_signed()).0;
    sample.slow = Some(Box::new(slow_facts(ms)));
    Input::Sample(Box::new(sample))
}

fn slow_facts(ms: u64) -> SlowFacts {
    let mut busy = Server::new(Traffic { sessions: 2, churn_permille: 500, every_ms: 1_000 }, ms);
    match busy.sample().1 {
        Input::Sample(sample) => *sample.slow.expect("a look each second is a slow one"),
        other => panic!("no sample: {other:?}"),
    }
}

fn jam_without_the_jam() -> impl Iterator<Item = Who> {
    readers(2, B).map(|mut reader| {
        reader.behind = None;
        reader
    })
}

fn watch(ms: u64) -> Input {
    Input::Watch(Watch {
        server_now: server(ms.cast_signed()),
        cost_us: 300,
        waiting: 2,
        oldest_wait_start: Some(server(0)),
        oldest: vec![Edge { waiter: B, blockers: vec![Pid(101)] }],
    })
}

fn host(n: u64) -> Input {
    let sampler = BackendId { pid: Pid(900), backend_start: Some(server(-1_000)) };
    let process = HostBackend { backend: sampler, cpu_us: 10_000 * n, rss_bytes: 9 << 20, io: None };
    Input::Host(Box::new(Fact::Known(HostFacts {
        taken_at: At::from_ms(1_000 * n),
        sampler,
        machine: Machine {
            cpus: 2,
            cpu: Some(CpuTicks { busy: 100 * n, total: 400 * n }),
            load_milli: Some([900, 800, 700]),
            memory: Some(Memory { total_bytes: 8 << 30, available_bytes: 5 << 30 }),
        },
        backends: vec![process],
        unread: 0,
    })))
}

/// A jam that is tripped in the middle of traffic: `n_samples` of them in segments of 24, with a checkpoint after each
/// tenth sample, as the flight's loop writes it; its last third behind a loss.
pub(crate) fn busy(path: &Path, n_samples: u64) -> Flown {
    let mut pilot = Pilot::take_off(path);
    let mut busy = Server::new(Traffic { sessions: 12, churn_permille: 70, every_ms: 500 }, 5);
    let introduction = busy.introduction();
    let texts = introduction.into_iter().filter(|input| matches!(input, Input::Text(_))).take(12);
    pilot.segment(At(0));
    pilot.turns(At(0), [begin(settings()), Input::Attached(Box::new(attached()))]);
    pilot.turn(At(0), Input::Names(Box::new(names())));
    pilot.turns(At(0), texts);
    for n in 1..=n_samples {
        let (at, sample) = busy.sample();
        let Input::Sample(mut sample) = sample else { panic!("a sample") };
        sample.locks.truncate(10);
        if n == n_samples * 2 / 3 {
            pilot.lose(at, Input::Sample(sample));
            continue;
        }
        let ms = at.ms();
        if n > n_samples / 4 {
            // The server's wall clock was set back by an hour.
            sample.server_now = ServerTime(sample.server_now.0 - 3_600_000_000);
        }
        if n.is_multiple_of(24) || pilot.log.needs_checkpoint() {
            pilot.segment(at);
        } else if pilot.log.wants_state() {
            pilot.state(at);
        }
        match n * 6 / n_samples {
            1 | 2 => {
                let crowd = jam(3 + (n % 4) as u32).server_clock(ms.cast_signed()).0;
                sample.server_now = crowd.server_now;
                sample.backends.extend(crowd.backends);
                sample.locks.extend(crowd.locks);
                sample.edges.extend(crowd.edges);
                pilot.turn(at, Input::Sample(sample));
                pilot.turn(At(at.0 + 50), watch(ms));
                if n.is_multiple_of(5)
                    && let Some(stop) = pilot.cockpit.brake().stop()
                {
                    let gone = gone(stop.id().0, 0);
                    pilot.turn(At(at.0 + 60), Input::Outcome(gone));
                }
            }
            _ => pilot.turn(at, Input::Sample(sample)),
        }
        if n.is_multiple_of(7) {
            pilot.turn(At(at.0 + 70), host(n));
        }
        if n.is_multiple_of(11) {
            pilot.turn(At(at.0 + 80), a_text(1_000 + n as u32, "UPDATE"));
            pilot.event(At(at.0 + 90), "sessions");
        }
        pilot.turn(At(at.0 + 100), Input::Tick);
    }
    pilot.land(At::from_ms(n_samples * 501), path)
}
