//! A runner of a test: its orders and its news.

use std::collections::VecDeque;

use lockpit::clock::FlightClock;
use lockpit::engine::ids::{BackendId, Oid};
use lockpit::engine::input::{Input, Link, LinkState, Outcome};
use lockpit::engine::locks::LockMode;
use lockpit::engine::plan::facts::Look;
use lockpit::engine::plan::order::{LockFirst, News, Order, Try, TryEnd, Unit, Way};
use lockpit::engine::sample::Fact;
use lockpit::pg::connect::{ConnArgs, Conninfo};
use lockpit::pg::runner::Runner;
use lockpit::pg::stop::{self, Stopper};
use lockpit::plan::Script;
use lockpit::plan::script::StepScript;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::support::{Actor, Database, LONG, wait_until};

/// The part of a step.
pub(crate) const UNIT: Unit = Unit { step: 0, item: 0, part: 0, way: Way::Do };

/// A runner under way.
pub(crate) struct Rig {
    pub(crate) orders: mpsc::UnboundedSender<Order>,
    pub(crate) backend: BackendId,
    pub(crate) application: String,
    news: mpsc::Receiver<Input>,
    seen: VecDeque<News>,
    stop: Stopper,
    task: JoinHandle<()>,
    pub(crate) place: watch::Sender<Conninfo>,
}

/// The connection string of `db` as the program resolves it.
pub(crate) fn conninfo(db: &Database, more: &str) -> Conninfo {
    let args = ConnArgs { conninfo: Some(format!("{} {more}", db.conninfo())), ..ConnArgs::default() };
    Conninfo::resolve(&args, |_: &str| None, None).expect("a connection string of our own")
}

/// A script of one step whose parts are these.
pub(crate) fn script(parts: &[&[&str]]) -> Script {
    let parts = parts.iter().map(|part| part.iter().map(|sql| (*sql).to_owned()).collect()).collect();
    Script { steps: vec![StepScript { parts, ..StepScript::default() }], ..Script::default() }
}

/// An attempt of the first part, in a transaction, without limits.
pub(crate) fn in_transaction(number: u32) -> Try {
    Try {
        number,
        unit: UNIT,
        transaction: true,
        first: Vec::new(),
        lock_timeout_ms: None,
        lock_budget_ms: None,
        statement_timeout_ms: None,
        weak: false,
        sql: None,
    }
}

/// A lock that is taken first.
pub(crate) fn first(name: &str, mode: LockMode) -> LockFirst {
    LockFirst { name: name.to_owned(), mode }
}

/// A runner, its orders, its news, where it is to be.
pub(crate) type Opened =
    (Runner, mpsc::UnboundedSender<Order>, mpsc::Receiver<Input>, watch::Sender<Conninfo>);

/// Opens a runner that is not run yet.
pub(crate) async fn open(db: &Database, application: &str, script: Script) -> Result<Opened, String> {
    open_at(conninfo(db, ""), application, script).await
}

/// The same at another address.
pub(crate) async fn open_at(place: Conninfo, application: &str, script: Script) -> Result<Opened, String> {
    let (place, seen) = watch::channel(place);
    let (inputs, news) = mpsc::channel(1_024);
    let opened = Runner::open(seen, application.to_owned(), FlightClock::start(), script, inputs).await;
    opened.map(|(runner, orders)| (runner, orders, news, place))
}

impl Rig {
    /// A runner that runs.
    pub(crate) async fn start(db: &Database, script: Script) -> Rig {
        Rig::start_as(db, "lockpit/run 00a1b2", script).await
    }

    /// The same under a name.
    pub(crate) async fn start_as(db: &Database, application: &str, script: Script) -> Rig {
        Rig::of(open(db, application, script).await.expect("a runner"), application).await
    }

    /// Runs an open runner.
    pub(crate) async fn of((runner, orders, news, place): Opened, application: &str) -> Rig {
        let (stopper, stop) = stop::channel();
        let task = tokio::spawn(runner.run(stop));
        let mut rig = Rig {
            orders,
            backend: BackendId { pid: lockpit::engine::ids::Pid(0), backend_start: None },
            application: application.to_owned(),
            news,
            seen: VecDeque::new(),
            stop: stopper,
            task,
            place,
        };
        let (backend, same, lock) = rig.session().await;
        assert_eq!((same, lock), (Ok(()), Ok(())));
        rig.backend = backend;
        rig
    }

    /// Who the session is, when that is told next.
    pub(crate) async fn session(&mut self) -> (BackendId, Result<(), String>, Result<(), String>) {
        self.hear("a session", |news| match news {
            News::Session { backend, same_cluster, flight_lock } => {
                Some((*backend, same_cluster.clone(), flight_lock.clone()))
            }
            _ => None,
        })
        .await
    }

    pub(crate) fn order(&self, order: Order) {
        self.orders.send(order).expect("a runner that listens");
    }

    /// The next news of a kind; news of other kinds that came before are kept.
    pub(crate) async fn hear<T>(&mut self, what: &str, pick: impl Fn(&News) -> Option<T>) -> T {
        if let Some(place) = self.seen.iter().position(|news| pick(news).is_some()) {
            let news = self.seen.remove(place).expect("it is there");
            return pick(&news).expect("it was picked");
        }
        loop {
            let input = tokio::time::timeout(LONG, self.news.recv()).await;
            let input = input.unwrap_or_else(|_| panic!("no {what} in time; seen: {:?}", self.seen));
            match input.unwrap_or_else(|| panic!("no {what}, and the runner is over; seen: {:?}", self.seen))
            {
                Input::Outcome(Outcome::Run(news)) => match pick(&news) {
                    Some(picked) => return picked,
                    None => self.seen.push_back(*news),
                },
                Input::Link(Link { state: LinkState::Up { .. } | LinkState::Lost { .. }, .. }) => {}
                other => panic!("not the runner's: {other:?}"),
            }
        }
    }

    /// What was told and not asked for yet.
    pub(crate) fn rest(&mut self) -> Vec<News> {
        self.seen.drain(..).collect()
    }

    /// How an attempt ended.
    pub(crate) async fn ended(&mut self, number: u32) -> TryEnd {
        self.hear("end", |news| match news {
            News::Tried { number: it, end, .. } if *it == number => Some(end.clone()),
            _ => None,
        })
        .await
    }

    /// Runs an attempt to its end.
    pub(crate) async fn attempt(&mut self, order: Try) -> TryEnd {
        let number = order.number;
        self.order(Order::Try(Box::new(order)));
        self.ended(number).await
    }

    /// Looks at these relations.
    pub(crate) async fn look(&mut self, relations: Vec<(Oid, LockMode)>) -> Look {
        self.order(Order::Look { unit: UNIT, relations });
        let look = self.hear("look", |news| match news {
            News::Looked { look, .. } => Some(look.clone()),
            _ => None,
        });
        match look.await {
            Fact::Known(look) => look,
            Fact::Missing(why) => panic!("no look: {why}"),
        }
    }

    /// Waits until the session waits for a lock, or runs what `like` matches.
    pub(crate) async fn is_at(&self, control: &Actor, condition: &str) {
        let sql = format!(
            "select count(*) from pg_stat_activity where pid = {} and state = 'active' and {condition}",
            self.backend.pid
        );
        wait_until("the runner is at it", LONG, async || match control.value::<i64>(&sql).await {
            1.. => Ok(()),
            _ => Err(control
                .rows("select pid, state, wait_event, query from pg_stat_activity")
                .await
                .join("\n")),
        })
        .await;
    }

    /// Ends it as the end of a flight does.
    pub(crate) async fn stop(self) {
        self.stop.give();
        tokio::time::timeout(LONG, self.task).await.expect("it ends").expect("it does not panic");
    }

    /// Ends it as a crash does.
    pub(crate) fn drop_dead(self) {
        self.task.abort();
    }
}

/// The number of a relation.
pub(crate) async fn oid(actor: &Actor, name: &str) -> Oid {
    Oid(actor.value(&format!("select '{name}'::regclass::oid")).await)
}
