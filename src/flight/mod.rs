//! The flight: the loop that owns adapters, engine, executor and log.
//!
//! Owns the order of things: an input is stamped, logged and handled; what the engine asks for is logged and
//! carried out; what follows is told. Needs no terminal. Never waits for the disk, for whoever reads the
//! lines, or for the server.

mod company;
mod courier;
mod deck;
mod desk;
mod executor;
pub mod feed;
mod process;
pub mod programs;
mod recorder;
pub mod signals;
mod socket;
mod stick;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::clock::FlightClock;
use crate::engine::Cockpit;
use crate::engine::ids::At;
use crate::engine::input::{Attached, Begin, Command, Conn, Gap, Input, Link, LinkState, Request};
use crate::engine::settings::{Arming, IfLost, OnTrip, Selector};
use crate::headless::Narrator;
use crate::headless::line::{Body, Line, Note};
use crate::host::Host;
use crate::literals::{Kept, Table};
use crate::log::{Head, Log, LogError, Options, Pin, Resumed};
use crate::pg::connect::Conninfo;
use crate::pg::control::Control;
use crate::pg::runner::Runner;
use crate::pg::sampler::{AttachError, PaceOrder, Sampler, Seen};
use crate::pg::stop::{self, Stop, Stopper};
use crate::pg::text::{DigestError, Digester};
use crate::pg::watchdog::{Names, Watchdog};
use crate::plan::Script;
use crate::remote::protocol::Reply;
pub use company::Company;
use company::{greeting, listen};
use deck::Deck;
pub use desk::{Ask, Question};
use desk::{Desk, Plate};
use executor::Executor;
use feed::Feeder;
pub use process::Process;
use programs::{About, Programs};
use recorder::Recorder;
use socket::Socket;
use stick::Stick;
pub use stick::{Seat, Speaker};

/// The loop wakes at least this often, so that it can tell a pause of its own from a quiet server.
const PULSE_MS: u64 = 500;
/// A process that was late by this much did not run: it was stopped, or the machine slept.
const SLEPT_MS: u64 = 1_000;
/// Inputs that may wait for the loop; a sampler that is ahead of it waits, and so looks less often.
const QUEUE: usize = 1_024;
/// Questions that may wait for the loop; whoever asks one more waits.
const QUESTIONS: usize = 64;
/// How long the sessions have to end.
const FAREWELL: Duration = Duration::from_secs(3);

/// A flight to be flown.
#[derive(Debug, Clone)]
pub struct Flight {
    /// Where.
    pub conninfo: Conninfo,
    /// What the engine is told first; its server and time are filled in here.
    pub begin: Begin,
    /// Where the log goes; a directory gets a name made of date and database. `None` records nothing.
    pub record: Option<Record>,
    /// Who may talk to it.
    pub company: Company,
    /// The SQL of the plan that `begin` names.
    pub script: Option<Script>,
}

/// Where a log goes.
#[derive(Debug, Clone)]
pub enum Record {
    /// This file, which must not exist.
    File(PathBuf),
    /// A new file in this directory.
    Directory(PathBuf),
    /// This log, which was cut off: it goes on.
    Resume(PathBuf),
    /// One file after the other in this directory; those that are older than `keep_ms` are removed.
    Ring {
        /// The directory.
        dir: PathBuf,
        /// How long a file is kept after its end, in milliseconds.
        keep_ms: u64,
    },
}

/// How a flight has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// The exit code.
    pub exit: u8,
    /// Its log, closed; `None` when there is none, or it could not be closed.
    pub recorded: Option<Recorded>,
}

/// A closed log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Where it is.
    pub path: PathBuf,
    /// What shows later whether it is still the same.
    pub pin: Pin,
}

/// Why a flight did not begin.
#[derive(Debug, thiserror::Error)]
pub enum FlightError {
    /// No session to sample with.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// No session to stop with.
    #[error("no control session, without which nothing could be stopped: {0}")]
    Control(String),
    /// No session for the dead-man's switch.
    #[error("no session for the dead-man's switch that --if-lost stop asks for: {0}")]
    Watchdog(String),
    /// No log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The pattern of `--target query=`.
    #[error(transparent)]
    Pattern(#[from] DigestError),
    /// No session to run the plan on.
    #[error("no session to run the plan on: {0}")]
    PlanRunner(String),
    /// The flight that goes on began elsewhere.
    #[error(
        "this is another cluster than the one the flight began on: its system identifier is {0}, not {1}: connect to \
         that one, or fly the plan without --resume"
    )]
    AnotherCluster(u64, u64),
    /// The process of `--on-trip signal:PID`.
    #[error("process {0} cannot be held, so --on-trip signal:{0} could hit another one: {1}")]
    Runner(u32, std::io::Error),
}

/// What the flight's owner can do to it.
#[derive(Debug, Clone)]
pub struct Commands {
    inputs: mpsc::Sender<Input>,
    questions: mpsc::Sender<Question>,
}

impl Commands {
    /// Gives the flight a command of lockpit's own, whoever has the stick: for signals and for the program itself.
    pub async fn send(&self, command: Command) {
        let _ = self.inputs.send(Input::Command(Request { by: None, command })).await;
    }

    /// Asks the flight as an operator does; `None` once it is over.
    pub async fn ask(&self, from: Speaker, ask: Ask) -> Option<Reply> {
        let (reply, answer) = oneshot::channel();
        self.questions.send(Question { from, ask, reply }).await.ok()?;
        answer.await.ok()
    }

    /// The same from a thread that has no runtime; blocks until the flight answers.
    pub fn ask_blocking(&self, from: Speaker, ask: Ask) -> Option<Reply> {
        let (reply, answer) = oneshot::channel();
        self.questions.blocking_send(Question { from, ask, reply }).ok()?;
        answer.blocking_recv().ok()
    }
}

/// A flight that is connected and has not begun.
#[derive(Debug)]
pub struct Ready {
    clock: FlightClock,
    begin: Begin,
    attached: Attached,
    links: Vec<Link>,
    inputs: mpsc::Receiver<Input>,
    seen: mpsc::Receiver<Seen>,
    executor: Executor,
    programs: Option<JoinHandle<()>>,
    recorder: Recorder,
    host: Option<Host>,
    stop: Stopper,
    tasks: Vec<JoinHandle<()>>,
    sampler: Sampler,
    stop_sampler: (Stopper, Stop),
    questions: mpsc::Receiver<Question>,
    asks: mpsc::Sender<Question>,
    name: String,
    /// The socket, or why there is none.
    socket: Result<Socket, String>,
    screen: Option<String>,
}

impl Flight {
    /// Opens every session and the log.
    ///
    /// # Errors
    /// [`FlightError`]; nothing is left open.
    pub async fn prepare(self) -> Result<(Ready, Commands), FlightError> {
        let Flight { conninfo, mut begin, record, company, script } = self;
        let resumed = match &record {
            Some(Record::Resume(path)) => {
                let options = Options { group: company.group, ..Options::default() };
                Some(Log::resume(path, options)?)
            }
            _ => None,
        };
        let clock = resumed.as_ref().map_or_else(FlightClock::start, goes_on);
        begin.utc_us = crate::clock::utc_us().saturating_sub_unsigned(clock.now().0);
        begin.server = conninfo.display();
        let pattern = match &begin.settings.target {
            Selector::Query(pattern) => Some(pattern.as_str()),
            _ => None,
        };
        let digester = Digester::new(pattern)?.keeping_literals(begin.settings.keep_literals);
        // A log that goes on keeps its time.
        if resumed.is_some() {
            begin.settings.shift(clock.now().ms());
        }
        let (sender, inputs) = mpsc::channel(QUEUE);
        let (seeing, seen) = mpsc::channel(QUEUE);
        let (stopper, stop) = stop::channel();
        // Sessions of one flight know each other by a name that no other flight has.
        let tag = format!("{:06x}", begin.seed & 0xff_ffff);
        let name = |kind: &str| format!("lockpit/{kind} {tag}");
        let pace = &begin.settings.pace;
        let order = PaceOrder { sample_every_ms: pace.quiet_ms, watch_every_ms: None };
        let (sampler, sampler_handle, attached) =
            Sampler::attach(conninfo, name("sampler"), clock, digester, seeing, order).await?;
        let (control, orders) = Control::open(sampler.place(), name("control"), clock, sender.clone())
            .await
            .map_err(FlightError::Control)?;
        let mut links = vec![up(Conn::Sampler, sampler.pid()), up(Conn::Control, control.pid())];
        let mut tasks = Vec::new();
        let settings = &begin.settings;
        let mut watchdog_order = None;
        if settings.arming == Arming::Armed && settings.if_lost == IfLost::Stop && !settings.read_only {
            let names = Names {
                own: name("watchdog"),
                heartbeats: vec![name("sampler"), name("control")],
                role: attached.rights.role,
            };
            let opened = Watchdog::open(sampler.place(), names, sender.clone()).await;
            let (watchdog, order) = opened.map_err(FlightError::Watchdog)?;
            links.push(up(Conn::Watchdog, watchdog.pid()));
            tasks.push(tokio::spawn(watchdog.run(stop.clone())));
            watchdog_order = Some(order);
        }
        let process = match settings.on_trip {
            OnTrip::Signal(pid) => Some(Process::hold(pid).map_err(|e| FlightError::Runner(pid, e))?),
            _ => None,
        };
        let (mut runner, mut ways) = (None, None);
        let script = script.unwrap_or_default();
        if let Some(mission) = begin.mission.as_mut() {
            // A flight that goes on answers for the session of its earlier part.
            let logbook = mission.resumed.as_ref();
            let then = logbook.and_then(|logbook| logbook.system_identifier);
            if let (Some(then), Some(now)) = (then, attached.system_identifier.known().copied())
                && then != now
            {
                return Err(FlightError::AnotherCluster(now, then));
            }
            let before = logbook.and_then(|logbook| logbook.open.as_ref());
            mission.application = before.map_or_else(|| name("run"), |open| open.application.clone());
            begin.settings.target = Selector::Application(mission.application.clone());
            let application = mission.application.clone();
            let opened = Runner::open(sampler.place(), application, clock, script.clone(), sender.clone());
            let (session, orders) = opened.await.map_err(FlightError::PlanRunner)?;
            tasks.push(tokio::spawn(session.run(stop.clone())));
            let (parcels, from) = mpsc::unbounded_channel();
            let (to, carried) = mpsc::unbounded_channel();
            tokio::spawn(courier::carry(from, to, sender.clone()));
            runner = Some(parcels);
            ways = Some((carried, orders));
        }
        // Figures that nobody sees or keeps are not worth their reading.
        let is_shown = record.is_some() || company.screen.is_some();
        let host = is_shown.then(|| Host::open(sampler.own(), clock, sender.clone()));
        let recorder = Recorder::open(record, resumed, &begin, &attached, company.group)?;
        let (asks, questions) = mpsc::channel(QUESTIONS);
        let (name, socket) = listen(&begin, &attached, recorder.path(), &company);
        let programs = begin.mission.as_ref().zip(ways).map(|(mission, (carried, orders))| {
            let about = About::of(&name, &mission.plan);
            tokio::spawn(Programs::new(about, script, clock, sender.clone()).serve(carried, orders))
        });
        tasks.push(tokio::spawn(control.run(stop)));
        let executor = Executor {
            sampler: sampler_handle,
            control: orders,
            watchdog: watchdog_order,
            process,
            runner,
            inputs: sender.clone(),
        };
        let ready = Ready {
            clock,
            begin,
            attached,
            links,
            inputs,
            seen,
            executor,
            programs,
            recorder,
            host,
            stop: stopper,
            tasks,
            sampler,
            stop_sampler: stop::channel(),
            questions,
            asks: asks.clone(),
            name,
            socket,
            screen: company.screen,
        };
        Ok((ready, Commands { inputs: sender, questions: asks }))
    }
}

impl Ready {
    /// Where the log is, when there is one.
    pub fn log_path(&self) -> Option<&Path> {
        self.recorder.path()
    }

    /// The flight's name, by which others find it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Why nobody can talk to it, when there is no socket.
    pub fn why_no_socket(&self) -> Option<&str> {
        self.socket.as_ref().err().map(String::as_str)
    }

    /// The flight's clock.
    pub fn clock(&self) -> FlightClock {
        self.clock
    }

    /// Flies to the end; `tell` gets the lines, `feeder` the inputs, and neither may block.
    pub async fn fly(self, feeder: Option<Feeder>, mut tell: impl FnMut(Vec<Line>)) -> Landing {
        let Ready {
            clock,
            begin,
            attached,
            links,
            mut inputs,
            mut seen,
            executor,
            recorder,
            host,
            mut questions,
            ..
        } = self;
        let log =
            recorder.shared_path().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
        let plate = Plate { flight: self.name, server: begin.server.clone(), log };
        let mut desk = Desk::new(plate.clone(), Stick::new(begin.utc_us, self.screen.as_deref()));
        let greeting = greeting(plate, &begin, &attached, clock);
        let mut deck = Deck {
            cockpit: Cockpit::default(),
            narrator: Narrator::default(),
            executor,
            recorder,
            host,
            feeder,
            literals: Table::default(),
            ahead: Vec::new(),
        };
        let (stop_sampler, sampler_stop) = self.stop_sampler;
        let sampler = tokio::spawn(self.sampler.run(sampler_stop));
        let mut first = vec![Input::Begin(Box::new(begin)), Input::Attached(Box::new(attached))];
        first.extend(links.into_iter().map(Input::Link));
        if let Some(operator) = self.screen.clone() {
            let command = Command::Stick { holder: Some(operator), taken_from: None };
            first.push(Input::Command(Request { by: None, command }));
        }
        let serving = match self.socket {
            Ok(socket) => Some(tokio::spawn(socket.serve(greeting, self.asks, desk.public()))),
            Err(why) => {
                let note = format!("nobody can join or talk to this flight: it has no socket: {why}");
                first.push(Input::Command(Request { by: None, command: Command::Mark { note } }));
                drop(self.asks);
                None
            }
        };
        for input in first {
            deck.take(clock.now(), input, &mut tell);
        }
        // A flight that is shorter than its preparations has ended with one of these.
        while !deck.cockpit.is_over() {
            let due = deck.cockpit.next_deadline();
            let slept_since = clock.now();
            let pulse = slept_since.plus_ms(PULSE_MS);
            let heard = tokio::select! {
                biased;
                input = inputs.recv() => match input {
                    Some(input) => Heard::Input(input),
                    None => break,
                },
                Some(seen) = seen.recv() => match seen {
                    Seen::Input(input) => Heard::Input(input),
                    Seen::Literals(kept) => Heard::Literals(kept),
                },
                Some(question) = questions.recv() => Heard::Question(question),
                () = until(clock, due.map_or(pulse, |due| due.min(pulse))) => Heard::Nothing,
            };
            let at = clock.now();
            let late_ms = at.ms_since(pulse);
            if late_ms > SLEPT_MS {
                let why = format!("lockpit did not run for {late_ms} ms: stopped, or the machine slept");
                deck.take(at, Input::Gap(Gap { from: slept_since, why, lost: None }), &mut tell);
            }
            let tick = due.filter(|due| at >= *due).map(|_| Input::Tick);
            // What time decides comes before an answer.
            let (input, question) = match heard {
                Heard::Input(input) => (Some(input), None),
                Heard::Question(question) => (tick, Some(question)),
                Heard::Literals(kept) => {
                    deck.ahead = kept;
                    (tick, None)
                }
                Heard::Nothing => (tick, None),
            };
            if matches!(input, Some(Input::Sample(_))) {
                desk.sampled(at);
            }
            if let Some(input) = input {
                deck.take(at, input, &mut tell);
            }
            if let Some(question) = question {
                deck.answer(at, &mut desk, question, &mut tell);
            }
        }
        drop(inputs);
        drop(seen);
        drop(questions);
        // The sampler last: until the dead-man's switch is released, it must hear of us.
        self.stop.give();
        for task in self.tasks {
            let _ = tokio::time::timeout(FAREWELL, task).await;
        }
        // Nobody orders any more: programs are ended, those that are told of the end are waited for.
        drop(deck.executor.runner.take());
        if let Some(programs) = self.programs {
            let _ = programs.await;
        }
        stop_sampler.give();
        let _ = tokio::time::timeout(FAREWELL, sampler).await;
        let exit = deck.cockpit.exit_code();
        let at = clock.now();
        let (recorded, missing) = deck.recorder.close(at);
        tell(missing.map(|text| note(at, text)).into_iter().collect());
        if let Some(feeder) = &deck.feeder {
            feeder.over(at);
        }
        // Who has joined learns of the end once it is in the log.
        desk.ended(exit);
        if let Some(serving) = serving {
            let _ = tokio::time::timeout(FAREWELL, serving).await;
        }
        Landing { exit, recorded }
    }
}

/// The clock of a flight whose log goes on. On the same start of the machine its monotonic clock tells what time it
/// is in the flight, else the wall clock; never before what is recorded.
fn goes_on(log: &Resumed) -> FlightClock {
    let Head { boot, monotonic_us, utc_us, .. } = log.head;
    let since_us = if boot != [0; 16] && boot == crate::clock::boot_id() {
        crate::clock::monotonic_us().saturating_sub(monotonic_us)
    } else {
        u64::try_from(crate::clock::utc_us().saturating_sub(utc_us)).unwrap_or(0)
    };
    FlightClock::that_reads(At(since_us).max(At(log.last_at.0.saturating_add(1))))
}

/// What the loop woke for.
enum Heard {
    Input(Input),
    Literals(Vec<Kept>),
    Question(Question),
    Nothing,
}

fn note(at: At, text: String) -> Line {
    Line { at_ms: at.ms(), body: Body::Note(Note { warning: true, text }) }
}

fn up(conn: Conn, pid: crate::engine::ids::Pid) -> Link {
    Link { conn, state: LinkState::Up { pid } }
}

async fn until(clock: FlightClock, due: At) {
    tokio::time::sleep(Duration::from_micros(due.us_since(clock.now()))).await;
}
