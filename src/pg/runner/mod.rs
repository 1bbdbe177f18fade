//! The runner: the session on which a plan runs, and what is asked around it.
//!
//! Owns one session. It does what the engine orders, one thing at a time, and answers everything; an attempt is
//! stopped through the session's own cancel path, and only while it is the one under way. Never decides, never retries.
//!
//! What a plan's own SET statements set lasts as it does in psql, and on a session that replaces a lost one as well;
//! everything else an attempt has set is taken back before the next order.

mod answering;
mod ask;
mod attempt;
mod fate;
pub mod inquiry;
mod line;
mod look;
mod pipe;
mod stopping;
mod survey;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::clock::FlightClock;
use crate::engine::input::{Conn, Input, Link, LinkState, Outcome};
use crate::engine::plan::order::{News, Order, Try, TryEnd};
use crate::pg::connect::Conninfo;
use crate::pg::stop::Stop;
use crate::pg::text::outlasts_its_transaction;
use crate::plan::Script;
use line::{Cluster, Failure, Line};

/// The shortest and the longest pause between two tries to connect.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// How often a new session asks for the lock that the one it replaces holds still: a lost session mostly ends at once.
const LOCK_TRIES: u32 = 20;

/// The session that runs a plan.
#[derive(Debug)]
pub struct Runner {
    place: watch::Receiver<Conninfo>,
    application: String,
    clock: FlightClock,
    script: Script,
    inputs: mpsc::Sender<Input>,
    orders: mpsc::UnboundedReceiver<Order>,
    /// Orders that came while another one was carried out.
    waiting: VecDeque<Order>,
    line: Line,
    /// The cluster the flight began on.
    began_on: Cluster,
    /// What the plan's own statements have set, in their order.
    settings: Vec<String>,
    /// The items of each step, as they stand in SQL.
    items: BTreeMap<u32, Vec<String>>,
}

/// Why the loop does not just go on.
#[derive(Debug)]
enum Turn {
    /// The session is over, and that has been told.
    Lost,
    /// The flight is over; a statement that may outlive it is under way.
    Leave,
    /// The flight is over.
    Over,
}

impl Runner {
    /// Opens the session and takes the flight's lock on the database.
    ///
    /// A session that a flight has left behind may hold the lock still: then every attempt is refused until it ends.
    ///
    /// # Errors
    /// In one line, why the session could not be opened, or who flies here already.
    pub async fn open(
        mut place: watch::Receiver<Conninfo>,
        application: String,
        clock: FlightClock,
        script: Script,
        inputs: mpsc::Sender<Input>,
    ) -> Result<(Runner, mpsc::UnboundedSender<Order>), String> {
        let here = place.borrow_and_update().clone();
        let line = Line::open(&here, &application).await?;
        if line.cluster.is_standby() {
            return Err("the server is a standby, which takes no writes: connect to the primary".to_owned());
        }
        match &line.lock {
            Err(holder) if holder.alive && holder.application != application => {
                return Err(format!("{}; wait for its end, or join it", holder.sentence));
            }
            _ => {}
        }
        let (sender, orders) = mpsc::unbounded_channel();
        let began_on = line.cluster.clone();
        let runner = Runner {
            place,
            application,
            clock,
            script,
            inputs,
            orders,
            waiting: VecDeque::new(),
            line,
            began_on,
            settings: Vec::new(),
            items: BTreeMap::new(),
        };
        Ok((runner, sender))
    }

    /// Serves orders until `stop` is given; then a strong attempt is stopped, and no session is left but one that
    /// runs a weak statement.
    pub async fn run(mut self, mut stop: Stop) {
        self.introduce().await;
        loop {
            let turn = match self.waiting.pop_front() {
                Some(order) => self.obey(order, &mut stop).await,
                None => tokio::select! {
                    biased;
                    order = self.orders.recv() => match order {
                        Some(order) => self.obey(order, &mut stop).await,
                        None => Err(Turn::Over),
                    },
                    () = stop.given() => Err(Turn::Over),
                    why = self.line.session.closed() => self.lost(why.to_string()).await,
                    Ok(()) = self.place.changed() => self.follow().await,
                },
            };
            match turn {
                Ok(()) => {}
                Err(Turn::Lost) => tokio::select! {
                    open = self.reconnect() => if !open { return },
                    () = stop.given() => return,
                },
                // Dropped without a farewell: the server does not look for its client until it is done.
                Err(Turn::Leave) => return,
                Err(Turn::Over) => return self.line.session.close().await,
            }
        }
    }

    async fn obey(&mut self, order: Order, stop: &mut Stop) -> Result<(), Turn> {
        match order {
            Order::Try(order) => self.attempt(*order, stop).await,
            // Not the one under way: it is over, or waits here.
            Order::Stop { number } => {
                if let Some(news) = withdraw(&mut self.waiting, number) {
                    self.tell(news).await;
                }
                Ok(())
            }
            order => tokio::select! {
                kept = self.answer(order) => kept,
                () = stop.given() => Err(Turn::Over),
            },
        }
    }

    /// The statements of an attempt, or why it cannot be begun.
    fn statements(&self, order: &Try) -> Result<Vec<String>, String> {
        if let Some(sql) = &order.sql {
            return Ok(vec![sql.clone()]);
        }
        let unit = order.unit;
        let step = self.script.steps.get(unit.step as usize);
        let item = match step.and_then(|step| step.items.as_ref()) {
            None => None,
            Some(_) => {
                let item = self.items.get(&unit.step).and_then(|items| items.get(unit.item as usize));
                Some(item.ok_or("the items of this step are not known")?)
            }
        };
        let statements = self.script.statements(unit, item.map(String::as_str));
        statements.ok_or_else(|| "the plan has no such part".to_owned())
    }

    /// Takes back what an attempt has set, and sets again what the plan wants to last.
    async fn settle(&mut self, end: &TryEnd, statements: &[String]) -> Result<(), Turn> {
        if *end == TryEnd::Done {
            let lasting = statements.iter().filter(|statement| outlasts_its_transaction(statement));
            self.settings.extend(lasting.cloned());
        }
        match self.line.client().batch_execute(self.line.session.reset()).await {
            Ok(()) => self.set_again().await,
            Err(error) => self.lost(self.line.failure(&error).why()).await,
        }
    }

    async fn set_again(&self) -> Result<(), Turn> {
        for setting in &self.settings {
            // What the server has taken once it takes again, or the next attempt says what is missing.
            if let Err(error) = self.line.client().batch_execute(setting).await
                && let Failure::Lost(why) = self.line.failure(&error)
            {
                return self.lost(why).await;
            }
        }
        Ok(())
    }

    async fn lost(&self, why: String) -> Result<(), Turn> {
        self.link(LinkState::Lost { why }).await;
        Err(Turn::Lost)
    }

    /// The sampler has connected again: this session may be on a server that is not it any more.
    async fn follow(&mut self) -> Result<(), Turn> {
        let here = self.place.borrow_and_update().clone();
        if here.reaches(self.line.session.host()) {
            return Ok(());
        }
        self.lost("the flight has moved to another server".to_owned()).await
    }

    /// Tries again until it works; false when nobody orders any more.
    async fn reconnect(&mut self) -> bool {
        let opening = open_again(self.place.clone(), self.application.clone());
        tokio::pin!(opening);
        loop {
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(order) => self.refuse(order).await,
                    None => return false,
                },
                line = &mut opening => {
                    self.line = line;
                    break;
                }
            }
        }
        let stale: Vec<Order> = self.waiting.drain(..).collect();
        for order in stale {
            self.refuse(order).await;
        }
        self.introduce().await;
        // A session that is lost again is found so by the loop.
        let _ = self.set_again().await;
        true
    }

    /// Tells who the session is.
    async fn introduce(&self) {
        let Line { backend, cluster, lock, .. } = &self.line;
        self.link(LinkState::Up { pid: backend.pid }).await;
        self.tell(News::Session {
            backend: *backend,
            same_cluster: self.began_on.is_still(cluster),
            flight_lock: lock.clone().map_err(|holder| self.who_holds(&holder)),
        })
        .await;
    }

    fn who_holds(&self, holder: &line::Holder) -> String {
        match (holder.application == self.application, holder.alive) {
            (true, _) => format!("{}: an earlier session of this flight", holder.sentence),
            (false, true) => holder.sentence.clone(),
            (false, false) => format!("{}: its flight is over, and has left it behind", holder.sentence),
        }
    }

    async fn link(&self, state: LinkState) {
        let _ = self.inputs.send(Input::Link(Link { conn: Conn::Runner, state })).await;
    }

    async fn tell(&self, news: News) {
        // A flight that does not listen any more is over; this task is about to be told.
        let _ = self.inputs.send(Input::Outcome(Outcome::Run(Box::new(news)))).await;
    }
}

/// Takes an attempt that was not begun out of the orders that wait; its end, if there was one.
fn withdraw(waiting: &mut VecDeque<Order>, number: u32) -> Option<News> {
    let place = waiting.iter().position(|order| matches!(order, Order::Try(it) if it.number == number))?;
    waiting.remove(place);
    let end = TryEnd::NotBegun("it was stopped before it began".to_owned());
    Some(News::Tried { number, end, took_us: 0 })
}

/// A session where the sampler is, tried for until it is there.
async fn open_again(place: watch::Receiver<Conninfo>, application: String) -> Line {
    let mut pause = BACKOFF.0;
    loop {
        let here = place.borrow().clone();
        if let Ok(mut line) = Line::open(&here, &application).await {
            for _ in 0..LOCK_TRIES {
                match &line.lock {
                    Err(holder) if holder.application == application => {}
                    _ => break,
                }
                tokio::time::sleep(BACKOFF.0).await;
                if line.take_lock().await.is_err() {
                    break;
                }
            }
            return line;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(BACKOFF.1);
    }
}
