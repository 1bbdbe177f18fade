//! The sampler: looks at the database at the pace the engine asks for.
//!
//! Owns one session. At most one look is in flight; one that hangs is cancelled and replaced together with
//! its session, never followed by another. Every look that brings nothing is reported. Never touches a user
//! relation and never waits for a lock.

mod digest;
mod names;
pub mod rows;
mod session;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};

use crate::clock::FlightClock;
use crate::engine::ids::{At, Pid};
use crate::engine::input::{Attached, Conn, Gap, Input, Link, LinkState, Missed, Sensor};
use crate::literals::Kept;
use crate::pg::connect::Conninfo;
use crate::pg::stop::Stop;
use crate::pg::text::Digester;
use digest::{Statement, Texts};
use rows::RawSample;
pub use session::{AttachError, Own};
use session::{LookError, SamplerSession};

/// What is read once a second is due this often.
const SLOW_EVERY_MS: u64 = 1_000;
/// The shortest and the longest pause between two tries to connect.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// What the sampler tells.
#[derive(Debug)]
pub enum Seen {
    /// An input for the engine.
    Input(Input),
    /// Literals of statements that are new in the sample that follows: no input, and told only where they are kept.
    Literals(Vec<Kept>),
}

/// How often to look; what the engine's `Pace` asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaceOrder {
    /// Full samples, in milliseconds.
    pub sample_every_ms: u64,
    /// The watch, in milliseconds.
    pub watch_every_ms: Option<u64>,
}

/// The flight's hold on its sampler.
#[derive(Debug, Clone)]
pub struct SamplerHandle {
    pace: watch::Sender<PaceOrder>,
    now: Arc<Notify>,
    follow: watch::Sender<Vec<Pid>>,
}

impl SamplerHandle {
    /// Look this often from now on.
    pub fn pace(&self, order: PaceOrder) {
        self.pace.send_replace(order);
    }

    /// Take a full sample at once.
    pub fn sample_now(&self) {
        self.now.notify_one();
    }

    /// Show these backends whatever their state.
    pub fn follow(&self, pids: Vec<Pid>) {
        self.follow.send_replace(pids);
    }
}

/// A sampler that is connected and has not looked yet.
#[derive(Debug)]
pub struct Sampler {
    conninfo: Conninfo,
    application: String,
    clock: FlightClock,
    texts: Option<Texts>,
    inputs: mpsc::Sender<Seen>,
    pace: watch::Receiver<PaceOrder>,
    now: Arc<Notify>,
    follow: watch::Receiver<Vec<Pid>>,
    place: watch::Sender<Conninfo>,
    own: watch::Sender<Own>,
    session: SamplerSession,
}

/// What became of a session.
enum End {
    /// The flight is over.
    Flight,
    /// The session is, since then and for this reason.
    Lost(At, String),
}

impl Sampler {
    /// Connects and asks the server who it is. Inputs go to `inputs` once [`Sampler::run`] runs.
    ///
    /// # Errors
    /// [`AttachError`] says what failed and what to try.
    pub async fn attach(
        conninfo: Conninfo,
        application: String,
        clock: FlightClock,
        digester: Digester,
        inputs: mpsc::Sender<Seen>,
        pace: PaceOrder,
    ) -> Result<(Sampler, SamplerHandle, Attached), AttachError> {
        let (session, attached) = SamplerSession::open(&conninfo, &application).await?;
        let (pace_order, pace) = watch::channel(pace);
        let (follow_order, follow) = watch::channel(Vec::new());
        let now = Arc::new(Notify::new());
        let handle = SamplerHandle { pace: pace_order, now: Arc::clone(&now), follow: follow_order };
        let texts = Some(Texts::new(digester));
        let (place, _) = watch::channel(session.here(&conninfo));
        let (own, _) = watch::channel(session.own());
        let sampler =
            Sampler { conninfo, application, clock, texts, inputs, pace, now, follow, place, own, session };
        Ok((sampler, handle, attached))
    }

    /// The backend that serves it.
    pub fn pid(&self) -> Pid {
        self.session.pid()
    }

    /// The one server the flight looks at, among those of the connection string. Whoever acts follows it.
    pub fn place(&self) -> watch::Receiver<Conninfo> {
        self.place.subscribe()
    }

    /// Who serves it, now and after each reconnect.
    pub fn own(&self) -> watch::Receiver<Own> {
        self.own.subscribe()
    }

    /// Looks until `stop` is given, and then leaves no session behind.
    pub async fn run(self, mut stop: Stop) {
        let Sampler { conninfo, application, clock, texts, inputs, pace, now, follow, place, own, session } =
            self;
        let mut eye = Eye { clock, texts, inputs, pace, now, follow, has_seen: false };
        let mut session = session;
        let mut backoff = Duration::ZERO;
        loop {
            let end = tokio::select! {
                end = eye.serve(&mut session) => end,
                () = stop.given() => End::Flight,
            };
            let End::Lost(since, why) = end else {
                session.close().await;
                return;
            };
            let lost = LinkState::Lost { why: why.clone() };
            eye.tell(Input::Link(Link { conn: Conn::Sampler, state: lost })).await;
            session.abandon().await;
            // Sessions that see nothing must not pile up on a server that answers nobody.
            backoff = if std::mem::take(&mut eye.has_seen) { Duration::ZERO } else { longer(backoff) };
            let again = tokio::select! {
                again = reconnect(&conninfo, &application, backoff) => again,
                () = stop.given() => return,
            };
            session = again.0;
            place.send_replace(session.here(&conninfo));
            own.send_replace(session.own());
            eye.tell(Input::Attached(Box::new(again.1))).await;
            let up = LinkState::Up { pid: session.pid() };
            eye.tell(Input::Link(Link { conn: Conn::Sampler, state: up })).await;
            eye.tell(Input::Gap(Gap { from: since, why: format!("no sampler: {why}"), lost: None })).await;
        }
    }
}

/// Tries again until it works, for the first time after `backoff`.
async fn reconnect(
    conninfo: &Conninfo,
    application: &str,
    mut backoff: Duration,
) -> (SamplerSession, Attached) {
    loop {
        tokio::time::sleep(backoff).await;
        if let Ok(opened) = SamplerSession::open(conninfo, application).await {
            return opened;
        }
        backoff = longer(backoff);
    }
}

/// The pause after `backoff`.
fn longer(backoff: Duration) -> Duration {
    (backoff * 2).clamp(BACKOFF.0, BACKOFF.1)
}

/// What looks through a session.
struct Eye {
    clock: FlightClock,
    texts: Option<Texts>,
    inputs: mpsc::Sender<Seen>,
    pace: watch::Receiver<PaceOrder>,
    now: Arc<Notify>,
    follow: watch::Receiver<Vec<Pid>>,
    has_seen: bool,
}

impl Eye {
    async fn serve(&mut self, session: &mut SamplerSession) -> End {
        let mut last_sample: Option<At> = None;
        let mut last_watch: Option<At> = None;
        let mut last_slow: Option<At> = None;
        loop {
            let order = *self.pace.borrow_and_update();
            let at = self.clock.now();
            let sample_in = due_in(at, last_sample, Some(order.sample_every_ms));
            let watch_in = due_in(at, last_watch.max(last_sample), order.watch_every_ms);
            let sensor = tokio::select! {
                biased;
                () = self.now.notified() => Sensor::Sample,
                () = pause(sample_in) => Sensor::Sample,
                () = pause(watch_in) => Sensor::Watch,
                changed = self.pace.changed() => {
                    if changed.is_err() { return End::Flight }
                    continue;
                }
            };
            let began = self.clock.now();
            let looked = match sensor {
                Sensor::Sample | Sensor::Names => {
                    last_sample = Some(began);
                    let slow = last_slow.is_none_or(|last| began.ms_since(last) >= SLOW_EVERY_MS);
                    if slow {
                        last_slow = Some(began);
                    }
                    self.sample(session, slow).await
                }
                Sensor::Watch => {
                    last_watch = Some(began);
                    self.watch(session).await
                }
            };
            let Err(error) = looked else { continue };
            let waited_ms = self.clock.now().ms_since(began);
            let (why, lost) = match error {
                LookError::Missed(why) => (why, false),
                LookError::Hangs => ("no answer; its session is given up".to_owned(), true),
                LookError::Gone(why) => (why, true),
            };
            self.tell(Input::Missed(Missed { sensor, why: why.clone(), waited_ms })).await;
            if lost {
                return End::Lost(began, why);
            }
        }
    }

    async fn sample(&mut self, session: &mut SamplerSession, slow: bool) -> Result<(), LookError> {
        let extra = self.follow.borrow().clone();
        let RawSample { mut sample, texts } = session.sample(&self.clock, slow, &extra).await?;
        match session.names(&self.clock, &sample).await {
            Ok(Some(names)) => self.tell(Input::Names(Box::new(names))).await,
            Ok(None) => {}
            // Without names the facts still stand.
            Err(LookError::Missed(why)) => {
                self.tell(Input::Missed(Missed { sensor: Sensor::Names, why, waited_ms: 0 })).await;
            }
            Err(error) => return Err(error),
        }
        // The parser may take its time: not on the thread that guards.
        if let Some(mut known) = self.texts.take() {
            let whose: Vec<_> = sample.backends.iter().map(Statement::of).collect();
            let digested = tokio::task::spawn_blocking(move || {
                let digested = known.digest(&whose, &texts);
                (known, digested)
            });
            if let Ok((known, digested)) = digested.await {
                self.texts = Some(known);
                for (backend, id) in sample.backends.iter_mut().zip(digested.ids) {
                    backend.text = id;
                }
                for text in digested.new {
                    self.tell(Input::Text(Box::new(text))).await;
                }
                if !digested.literals.is_empty() {
                    let _ = self.inputs.send(Seen::Literals(digested.literals)).await;
                }
            }
        }
        self.has_seen = true;
        self.tell(Input::Sample(Box::new(sample))).await;
        Ok(())
    }

    async fn watch(&mut self, session: &SamplerSession) -> Result<(), LookError> {
        let watch = session.watch().await?;
        self.tell(Input::Watch(watch)).await;
        Ok(())
    }

    async fn tell(&mut self, input: Input) {
        // A flight that does not listen any more is over; the sampler is about to be told.
        let _ = self.inputs.send(Seen::Input(input)).await;
    }
}

/// How long until the next look is due; `None` when it never is.
fn due_in(at: At, last: Option<At>, every_ms: Option<u64>) -> Option<Duration> {
    let every_ms = every_ms?;
    let due = last.map_or(at, |last| last.plus_ms(every_ms));
    Some(Duration::from_micros(due.us_since(at)))
}

async fn pause(duration: Option<Duration>) {
    match duration {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}
