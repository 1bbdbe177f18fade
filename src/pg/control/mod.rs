//! The control session: stops, and what has to be known before and after them.
//!
//! Owns one session that is open before it is needed, pinged so that its age is known, and re-opened when
//! it is lost. A stop goes first, before anything else that is asked. Never samples.

mod acts;

use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::clock::FlightClock;
use crate::engine::effect::{Aim, Rung};
use crate::engine::ids::{At, Attempt, BackendId, Oid, Pid, StopId};
use crate::engine::input::{Conn, Input, Link, LinkState, Outcome, RungAnswer};
use crate::engine::sample::Fact;
use crate::engine::settings::Settings;
use crate::pg::connect::{ConnectError, Conninfo, Session, SessionSettings};
use crate::pg::message;
use crate::pg::stop::Stop;
use acts::{Acts, Left};

/// How often the session is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(5);
/// How often the flight is told, at most, that the session answers: a little less than it is pinged at least.
const TELL_ALIVE_MS: u64 = 4_000;
/// The same while the dead-man's switch listens to it.
const HEARTBEAT_EVERY: Duration = Duration::from_millis(200);
/// How often what is left of a stopped attempt is read.
const OBSERVE_EVERY: Duration = Duration::from_millis(10);
/// Without an answer for this long the session is dead.
const DEAD_AFTER: Duration = Duration::from_secs(1);
/// The shortest and the longest pause between two tries to connect.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// Something the engine wants of the control session.
#[derive(Debug, Clone)]
pub enum Order {
    /// One rung of the abort ladder.
    Stop {
        /// Which stop.
        stop: StopId,
        /// Which rung: cancel or terminate.
        rung: Rung,
        /// Whom.
        attempt: Attempt,
    },
    /// Read what is left until nothing is, or until then.
    Observe {
        /// What has to be over before nothing is left.
        aim: Aim,
        /// Which stop.
        stop: StopId,
        /// Whom.
        attempt: Attempt,
        /// Who waited behind it.
        victims: Vec<Pid>,
        /// When to report what is left.
        until: At,
    },
    /// May the backend be signalled?
    CheckRight {
        /// Which.
        backend: BackendId,
        /// Its role.
        role: Option<Oid>,
    },
    /// How did the attempt end?
    AskEnd {
        /// Whose.
        backend: BackendId,
        /// Its last transaction id.
        xid: Option<u32>,
    },
    /// Ping often, because the dead-man's switch listens, or seldom.
    Heartbeat(bool),
}

/// The control session and what it is asked to do.
#[derive(Debug)]
pub struct Control {
    place: watch::Receiver<Conninfo>,
    application: String,
    clock: FlightClock,
    /// When the flight was last told that the session answers.
    told_alive: At,
    inputs: mpsc::Sender<Input>,
    orders: mpsc::UnboundedReceiver<Order>,
    line: Line,
    ping_every: Duration,
    observing: Option<Observation>,
    /// The right that was asked for while there was no session to ask on.
    unchecked: Option<(BackendId, Option<Oid>)>,
}

/// An open session with its statements.
#[derive(Debug)]
struct Line {
    session: Session,
    acts: Acts,
}

/// The session is over, and that has been told.
#[derive(Debug)]
struct Lost;

#[derive(Debug)]
struct Observation {
    aim: Aim,
    stop: StopId,
    attempt: Attempt,
    victims: Vec<Pid>,
    until: At,
    last: Option<Left>,
}

impl Line {
    async fn open(conninfo: &Conninfo, application: &str) -> Result<Line, String> {
        let opened = conninfo.connect(application, &SessionSettings::control()).await;
        let session = opened.map_err(|e: ConnectError| e.to_string())?;
        let acts = Acts::prepare(session.client()).await.map_err(|e| message(&e))?;
        Ok(Line { session, acts })
    }
}

impl Control {
    /// Opens the session. Inputs go to `inputs` once [`Control::run`] runs.
    ///
    /// # Errors
    /// In one line, why the session could not be opened.
    pub async fn open(
        mut place: watch::Receiver<Conninfo>,
        application: String,
        clock: FlightClock,
        inputs: mpsc::Sender<Input>,
    ) -> Result<(Control, mpsc::UnboundedSender<Order>), String> {
        let here = place.borrow_and_update().clone();
        let line = Line::open(&here, &application).await?;
        let (sender, orders) = mpsc::unbounded_channel();
        let ping_every = PING_EVERY;
        let control = Control {
            place,
            application,
            clock,
            told_alive: clock.now(),
            inputs,
            orders,
            line,
            ping_every,
            observing: None,
            unchecked: None,
        };
        Ok((control, sender))
    }

    /// The backend that serves it.
    pub fn pid(&self) -> Pid {
        Pid(self.line.session.backend_pid())
    }

    /// Serves orders until `stop` is given, and then leaves no session behind.
    pub async fn run(mut self, mut stop: Stop) {
        loop {
            let kept = tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(order) => self.obey(order).await,
                    None => break,
                },
                () = stop.given() => break,
                Ok(()) = self.place.changed() => self.follow().await,
                () = tokio::time::sleep(OBSERVE_EVERY), if self.observing.is_some() => self.observe().await,
                () = tokio::time::sleep(self.ping_every), if self.observing.is_none() => self.ping().await,
            };
            let Err(Lost) = kept else { continue };
            tokio::select! {
                () = self.reconnect() => {}
                () = stop.given() => break,
            }
        }
        self.line.session.close().await;
    }

    async fn obey(&mut self, order: Order) -> Result<(), Lost> {
        match order {
            Order::Stop { stop, rung, attempt } => return self.stop(stop, rung, attempt).await,
            Order::Observe { aim, stop, attempt, victims, until } => {
                self.observing = Some(Observation { aim, stop, attempt, victims, until, last: None });
                return self.observe().await;
            }
            Order::CheckRight { backend, role } => {
                match self.right(backend, role).await {
                    Ok(allowed) => self.tell(Outcome::Right { backend, allowed }).await,
                    // Not knowing is no refusal: it is asked again on a session that works.
                    Err(why) => {
                        self.unchecked = Some((backend, role));
                        return self.lost(why).await;
                    }
                }
            }
            Order::AskEnd { backend, xid } => {
                let answer = limit(self.line.acts.ended(self.line.session.client(), backend, xid)).await;
                let (alive, xact) = answer.unwrap_or_else(|why| (true, Fact::Missing(why)));
                self.tell(Outcome::Ended { backend, alive, xact }).await;
            }
            Order::Heartbeat(often) => self.ping_every = if often { HEARTBEAT_EVERY } else { PING_EVERY },
        }
        Ok(())
    }

    /// Carries out one rung: at once, and a second time on a new session when this one is dead.
    async fn stop(&mut self, stop: StopId, rung: Rung, attempt: Attempt) -> Result<(), Lost> {
        let sent = self.clock.now();
        let mut kept = Ok(());
        let mut answer = self.try_stop(rung, &attempt).await;
        if let RungAnswer::Failed(why) = answer {
            kept = self.lost(why.clone()).await;
            let here = self.here();
            let opening = Line::open(&here, &self.application);
            answer = match tokio::time::timeout(DEAD_AFTER, opening).await {
                Ok(Ok(line)) => {
                    self.replace(line).await;
                    kept = Ok(());
                    match self.try_stop(rung, &attempt).await {
                        // It may be the first request that has ended it.
                        RungAnswer::NobodyFits => RungAnswer::Failed(format!(
                            "{why}; nobody fits any more, and whether the first request arrived is not known"
                        )),
                        second => second,
                    }
                }
                Ok(Err(why)) => RungAnswer::Failed(why),
                Err(_) => RungAnswer::Failed("no new control session within a second".to_owned()),
            };
        }
        self.tell(Outcome::Rung { stop, rung, answer, sent }).await;
        kept
    }

    async fn try_stop(&self, rung: Rung, attempt: &Attempt) -> RungAnswer {
        let asked = self.line.acts.stop(self.line.session.client(), rung, attempt);
        match tokio::time::timeout(DEAD_AFTER, asked).await {
            Ok(answer) => answer,
            Err(_) => RungAnswer::Failed("the control session does not answer".to_owned()),
        }
    }

    async fn right(&self, backend: BackendId, role: Option<Oid>) -> Result<Result<(), String>, String> {
        limit(self.line.acts.right(self.line.session.client(), backend, role)).await
    }

    async fn observe(&mut self) -> Result<(), Lost> {
        let Some(mut observing) = self.observing.take() else { return Ok(()) };
        let client = self.line.session.client();
        let read = limit(self.line.acts.left(client, &observing.attempt, &observing.victims)).await;
        let late = self.clock.now() >= observing.until;
        let left = match read {
            Ok(left) => left,
            Err(why) => {
                self.observing = (!late).then_some(observing);
                return self.lost(why).await;
            }
        };
        if late || observing.last.as_ref() != Some(&left) {
            let over = left.is_nothing(observing.aim);
            self.tell(Outcome::Aftermath {
                stop: observing.stop,
                alive: left.alive,
                still_strong: left.still_strong,
                state: left.state,
                same_statement: left.same_statement,
                victims_waiting: left.victims_waiting,
            })
            .await;
            observing.last = Some(left);
            if over || late {
                return Ok(());
            }
        }
        self.observing = Some(observing);
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), Lost> {
        match limit(self.line.session.client().simple_query("select 1")).await {
            Ok(_) => {
                let now = self.clock.now();
                if now >= self.told_alive.plus_ms(TELL_ALIVE_MS) {
                    self.told_alive = now;
                    self.link(LinkState::Up { pid: self.pid() }).await;
                }
                Ok(())
            }
            Err(why) => self.lost(why).await,
        }
    }

    async fn lost(&self, why: String) -> Result<(), Lost> {
        self.link(LinkState::Lost { why }).await;
        Err(Lost)
    }

    /// Tries again until it works; a stop that comes meanwhile is carried out then, if it is still wanted.
    async fn reconnect(&mut self) {
        let mut wanted: Option<(At, Order)> = None;
        // Orders are taken in while a try hangs, so that the age of a stop is known.
        let opening = open_again(self.place.clone(), self.application.clone());
        tokio::pin!(opening);
        let line = loop {
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(order @ Order::Stop { .. }) => wanted = Some((self.clock.now(), order)),
                    Some(order) => self.refuse(order).await,
                    None => return,
                },
                line = &mut opening => break line,
            }
        };
        self.replace(line).await;
        if let Some((since, Order::Stop { stop, rung, attempt })) = wanted
            && self.clock.now().ms_since(since) < Settings::GRACE_MS
        {
            let answer = self.try_stop(rung, &attempt).await;
            self.tell(Outcome::Rung { stop, rung, answer, sent: self.clock.now() }).await;
        }
        if let Some((backend, role)) = self.unchecked.take() {
            let allowed = match self.right(backend, role).await {
                Ok(allowed) => allowed,
                Err(why) => Err(format!("the right to stop it could not be checked: {why}")),
            };
            self.tell(Outcome::Right { backend, allowed }).await;
        }
    }

    /// Answers an order other than a stop, which no session can carry out, or keeps it for the next one.
    async fn refuse(&mut self, order: Order) {
        let why = || "there is no control session".to_owned();
        match order {
            Order::Stop { .. } => {}
            Order::CheckRight { backend, role } => self.unchecked = Some((backend, role)),
            Order::AskEnd { backend, .. } => {
                let xact = Fact::Missing(why());
                self.tell(Outcome::Ended { backend, alive: true, xact }).await;
            }
            Order::Heartbeat(often) => self.ping_every = if often { HEARTBEAT_EVERY } else { PING_EVERY },
            Order::Observe { aim, stop, attempt, victims, until } => {
                self.observing = Some(Observation { aim, stop, attempt, victims, until, last: None });
            }
        }
    }

    /// The sampler has connected again: this session may be on a server that is not it any more.
    async fn follow(&mut self) -> Result<(), Lost> {
        let here = self.place.borrow_and_update().clone();
        if here.reaches(self.line.session.host()) {
            return Ok(());
        }
        self.lost("the flight has moved to another server".to_owned()).await
    }

    /// Where the sampler is.
    fn here(&self) -> Conninfo {
        self.place.borrow().clone()
    }

    async fn replace(&mut self, line: Line) {
        self.line = line;
        self.link(LinkState::Up { pid: self.pid() }).await;
    }

    async fn link(&self, state: LinkState) {
        let _ = self.inputs.send(Input::Link(Link { conn: Conn::Control, state })).await;
    }

    async fn tell(&self, outcome: Outcome) {
        // A flight that does not listen any more is over; this task is about to be told.
        let _ = self.inputs.send(Input::Outcome(outcome)).await;
    }
}

/// A session where the sampler is, tried for until it is there.
async fn open_again(place: watch::Receiver<Conninfo>, application: String) -> Line {
    let mut pause = BACKOFF.0;
    loop {
        let here = place.borrow().clone();
        if let Ok(line) = Line::open(&here, &application).await {
            return line;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(BACKOFF.1);
    }
}

/// An answer in time, or why there is none.
async fn limit<T>(asked: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, String> {
    match tokio::time::timeout(DEAD_AFTER, asked).await {
        Ok(answer) => answer.map_err(|error| message(&error)),
        Err(_) => Err("no answer within a second".to_owned()),
    }
}
