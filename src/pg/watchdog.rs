//! The dead-man's switch: a loop on the server that stops a strong attempt when lockpit is gone.
//!
//! Owns one more session, opened before it is needed. While the switch is set the session runs a server-side
//! loop that looks at lockpit's own sessions; when nothing is heard of them for about a second, or when they
//! are gone, it stops the attempt by the same checked identity and ends. It writes nothing, needs no
//! extension, holds no snapshot longer than a turn, and ends by itself with the attempt.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_postgres::error::SqlState;

use crate::clock::FlightClock;
use crate::engine::effect::{DeadMan, Rung};
use crate::engine::ids::{BackendId, Oid, Pid, ServerTime};
use crate::engine::input::{Conn, Input, Link, LinkState, Outcome, WatchdogNews};
use crate::pg::connect::{Conninfo, Session, SessionSettings};
use crate::pg::message;
use crate::pg::stop::Stop;

/// One turn of the loop. Each turn copies the server's table of backends, so it turns slowly.
const TURN_MS: u32 = 250;
/// Turns without a sign of life after which it acts.
const SILENT_TURNS: u32 = 4;
/// What the loop raises when it has acted.
const FIRED: &str = "LKPIT";
/// What it raises when it cannot tell whether lockpit lives, and so must not act.
const DEAF: &str = "LKDEF";
/// How long a cancelled loop has to say how it ended.
const LAST_WORD: Duration = Duration::from_millis(500);
/// A loop that ends sooner than this, in milliseconds, would most likely end as quickly again.
const QUICK_END_MS: u64 = 500;
/// The shortest and the longest pause between two tries to connect.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));

/// The switch and the session it runs on.
#[derive(Debug)]
pub struct Watchdog {
    place: watch::Receiver<Conninfo>,
    names: Names,
    inputs: mpsc::Sender<Input>,
    orders: watch::Receiver<Option<DeadMan>>,
    session: Session,
}

/// By what the loop knows lockpit's own sessions.
#[derive(Debug, Clone)]
pub struct Names {
    /// `application_name` of the watchdog's own session.
    pub own: String,
    /// Those whose activity is a sign of life.
    pub heartbeats: Vec<String>,
    /// The role they log in as.
    pub role: Oid,
}

impl Watchdog {
    /// Opens the session; the switch is not set yet.
    ///
    /// # Errors
    /// In one line, why the session could not be opened.
    pub async fn open(
        place: watch::Receiver<Conninfo>,
        names: Names,
        inputs: mpsc::Sender<Input>,
    ) -> Result<(Watchdog, watch::Sender<Option<DeadMan>>), String> {
        let here = place.borrow().clone();
        let session = open(&here, &names).await?;
        let (sender, orders) = watch::channel(None);
        Ok((Watchdog { place, names, inputs, orders, session }, sender))
    }

    /// The backend that serves it.
    pub fn pid(&self) -> Pid {
        Pid(self.session.backend_pid())
    }

    /// Follows the orders until `stop` is given; then the switch is released and no session is left.
    pub async fn run(mut self, mut stop: Stop) {
        loop {
            let order = *self.orders.borrow_and_update();
            let over = match order {
                None => tokio::select! {
                    changed = self.orders.changed() => changed.is_err(),
                    () = stop.given() => true,
                    why = self.session.closed() => self.replace(&why, &mut stop).await,
                },
                Some(guards) => self.guard(guards, &mut stop).await,
            };
            if over {
                self.session.close().await;
                return;
            }
        }
    }

    /// Runs the loop on the server until the order changes; true when the flight is over.
    async fn guard(&mut self, guards: DeadMan, stop: &mut Stop) -> bool {
        let backend = guards.attempt.backend;
        let Some(sql) = self.sql(&guards) else {
            let why = "the start of its session is not known, so the switch cannot be set".to_owned();
            self.tell(Some(backend), WatchdogNews::Failed(why)).await;
            return self.wait_for_order(stop).await;
        };
        // The sampler may have moved: on another server the loop would find no attempt, and guard nothing.
        if !self.place.borrow().reaches(self.session.host()) {
            return self.replace("the flight has moved to another server", stop).await;
        }
        self.tell(Some(backend), WatchdogNews::Set).await;
        let began = FlightClock::start();
        let ended = {
            let running = self.session.client().batch_execute(&sql);
            tokio::pin!(running);
            let over = tokio::select! {
                biased;
                ended = &mut running => Err(ended),
                changed = self.orders.changed() => Ok(changed.is_err()),
                () = stop.given() => Ok(true),
            };
            match over {
                Err(ended) => Ended::ByItself(ended),
                Ok(over) => {
                    if let Err(error) = self.session.cancel().await {
                        let why = format!("could not be released: {error}");
                        self.tell(None, WatchdogNews::Failed(why)).await;
                    }
                    // The order may have crossed the news that it has acted.
                    let last_word = tokio::time::timeout(LAST_WORD, running).await;
                    Ended::Ordered(over, last_word.ok().and_then(Result::err).filter(has_fired))
                }
            }
        };
        match ended {
            Ended::Ordered(over, acted) => {
                if let Some(error) = acted {
                    self.tell(Some(backend), WatchdogNews::Acted(message(&error))).await;
                }
                // The session is given up with the statement: a late cancel must not hit the next one.
                let over = over || self.replace_quietly(stop).await;
                self.tell(None, WatchdogNews::Released).await;
                over
            }
            Ended::ByItself(Ok(())) => self.wait_for_order(stop).await,
            Ended::ByItself(Err(error)) if has_fired(&error) => {
                self.tell(Some(backend), WatchdogNews::Acted(message(&error))).await;
                self.wait_for_order(stop).await
            }
            Ended::ByItself(Err(error)) if raised(&error, DEAF) => {
                self.tell(Some(backend), WatchdogNews::Failed(message(&error))).await;
                self.wait_for_order(stop).await
            }
            Ended::ByItself(Err(error)) => {
                if self.replace(&message(&error), stop).await {
                    return true;
                }
                if began.now().ms() < QUICK_END_MS {
                    tokio::time::sleep(BACKOFF.0).await;
                }
                false
            }
        }
    }

    async fn wait_for_order(&mut self, stop: &mut Stop) -> bool {
        tokio::select! {
            changed = self.orders.changed() => changed.is_err(),
            () = stop.given() => true,
        }
    }

    /// A new session for one that was lost, on which the switch is set again; true when the flight is over.
    async fn replace(&mut self, why: &str, stop: &mut Stop) -> bool {
        self.link(LinkState::Lost { why: why.to_owned() }).await;
        let over = self.replace_quietly(stop).await;
        if !over {
            self.link(LinkState::Up { pid: self.pid() }).await;
        }
        over
    }

    async fn replace_quietly(&mut self, stop: &mut Stop) -> bool {
        let session = tokio::select! {
            session = open_again(&self.place, &self.names) => session,
            () = stop.given() => return true,
        };
        std::mem::replace(&mut self.session, session).close().await;
        false
    }

    /// The loop for one attempt; `None` when its session cannot be identified.
    fn sql(&self, guards: &DeadMan) -> Option<String> {
        let BackendId { pid, backend_start } = guards.attempt.backend;
        let signal = match guards.rung {
            Rung::Cancel => "pg_cancel_backend",
            Rung::Terminate | Rung::SignalRunner(_) => "pg_terminate_backend",
        };
        let applications: Vec<String> =
            self.names.heartbeats.iter().map(|name| format!("'{}'", name.replace('\'', "''"))).collect();
        let sql = include_str!("sql/watchdog.sql")
            .replace("{role}", &self.names.role.to_string())
            .replace("{applications}", &applications.join(", "))
            .replace("{pid}", &pid.to_string())
            .replace("{backend_start}", &literal(Some(backend_start?)))
            .replace("{query_start}", &literal(guards.attempt.query_start))
            .replace("{xact_start}", &literal(guards.attempt.xact_start))
            .replace("{signal}", signal)
            .replace("{turns}", &SILENT_TURNS.to_string())
            .replace("{turn_s}", &format!("0.{TURN_MS:03}"));
        Some(sql)
    }

    async fn tell(&self, guards: Option<BackendId>, news: WatchdogNews) {
        let _ = self.inputs.send(Input::Outcome(Outcome::Watchdog { guards, news })).await;
    }

    async fn link(&self, state: LinkState) {
        let _ = self.inputs.send(Input::Link(Link { conn: Conn::Watchdog, state })).await;
    }
}

/// Whether the loop ended because it acted.
fn has_fired(error: &tokio_postgres::Error) -> bool {
    raised(error, FIRED)
}

fn raised(error: &tokio_postgres::Error, code: &str) -> bool {
    error.code().map(SqlState::code) == Some(code)
}

enum Ended {
    ByItself(Result<(), tokio_postgres::Error>),
    /// True when the flight is over; and what the loop raised when it had acted before.
    Ordered(bool, Option<tokio_postgres::Error>),
}

async fn open(conninfo: &Conninfo, names: &Names) -> Result<Session, String> {
    conninfo.connect(&names.own, &SessionSettings::watchdog()).await.map_err(|e| e.to_string())
}

/// A session where the sampler is, tried for until it is there.
async fn open_again(place: &watch::Receiver<Conninfo>, names: &Names) -> Session {
    let mut pause = BACKOFF.0;
    loop {
        let here = place.borrow().clone();
        if let Ok(session) = open(&here, names).await {
            return session;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(BACKOFF.1);
    }
}

/// A start time as an exact SQL literal.
fn literal(time: Option<ServerTime>) -> String {
    match time {
        Some(ServerTime(us)) => {
            // In parts, because the fields of an interval are 32 bits wide before version 15.
            let (hours, rest_us) = (us.div_euclid(3_600_000_000), us.rem_euclid(3_600_000_000));
            let (seconds, us) = (rest_us / 1_000_000, rest_us % 1_000_000);
            format!("(timestamptz 'epoch' + interval '{hours} hours {seconds} seconds {us} microseconds')")
        }
        None => "null::timestamptz".to_owned(),
    }
}
