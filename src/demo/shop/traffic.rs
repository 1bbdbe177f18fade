//! The shop's customers: small reads and writes at a modest, steady rate.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_postgres::{Config, Error, Statement};

use super::session::{Session, describe};
use super::{Shop, ShopError};
use crate::clock::FlightClock;

/// How long a client whose connection failed waits before the next try.
const RECONNECT: Duration = Duration::from_millis(250);
/// How long a stop waits for the cancels of statements under way.
const STOP: Duration = Duration::from_secs(2);

/// What the clients do, and how often out of ten times. The rows are those of `schema.sql`.
const WORK: [(&str, u64); 4] = [
    ("select name, price_cents, stock from products where id = 1 + $1::bigint % 500", 5),
    (
        "select o.id, o.status, sum(i.quantity * i.price_cents) from orders o join order_items i on i.order_id = o.id \
         where o.customer_id = 1 + $1::bigint % 3000 group by o.id order by o.placed_at desc limit 10",
        3,
    ),
    (
        "with placed as (insert into orders (customer_id) values (1 + $1::bigint % 3000) returning id) \
         insert into order_items select placed.id, p.id, 1, p.price_cents from placed, products p where p.id = 1 + $2::bigint % 500",
        1,
    ),
    ("update orders set status = 'shipped' where id = 1 + $1::bigint % 12000", 1),
];

/// How busy the shop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrafficOptions {
    /// Client connections.
    pub clients: usize,
    /// What a client waits between two statements, on average.
    pub pause: Duration,
}

impl Default for TrafficOptions {
    /// 20 clients with a statement every 50 ms each: some 400 statements a second.
    fn default() -> TrafficOptions {
        TrafficOptions { clients: 20, pause: Duration::from_millis(50) }
    }
}

/// What the customers have felt since the traffic began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrafficCounters {
    /// Statements answered.
    pub queries: u64,
    /// Statements and connection attempts that failed.
    pub errors: u64,
    /// The slowest answer.
    pub slowest_ms: u64,
    /// The age of the oldest statement not yet answered; none when all clients are at rest.
    pub oldest_running_ms: Option<u64>,
}

/// Customers at work: a task and a connection for each, under the names `shop-web`, `shop-api` and
/// `shop-worker`. Dropped, they leave.
#[derive(Debug)]
pub struct Traffic {
    shared: Arc<Shared>,
    /// Its end tells the clients to stop.
    open: watch::Sender<()>,
    clients: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    clock: FlightClock,
    queries: AtomicU64,
    errors: AtomicU64,
    slowest_ms: AtomicU64,
    last_error: Mutex<Option<String>>,
    /// For each client the start of its statement in milliseconds, plus 1; 0 at rest.
    running_since: Box<[AtomicU64]>,
}

impl Traffic {
    /// Connects all clients, then lets them work.
    ///
    /// # Errors
    /// When one of them cannot connect. Later losses are counted, and the client tries again.
    pub async fn start(shop: &Shop, options: TrafficOptions) -> Result<Traffic, ShopError> {
        let shared = Arc::new(Shared {
            clock: FlightClock::start(),
            queries: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            slowest_ms: AtomicU64::new(0),
            last_error: Mutex::new(None),
            running_since: (0..options.clients).map(|_| AtomicU64::new(0)).collect(),
        });
        let mut connected = Vec::with_capacity(options.clients);
        for number in 0..options.clients {
            connected.push(Customer::connect(&shop.config, number).await?);
        }
        let (open, closing) = watch::channel(());
        let mut clients = JoinSet::new();
        for (number, customer) in connected.into_iter().enumerate() {
            let client = Client {
                number,
                config: shop.config.clone(),
                pause: options.pause,
                shared: Arc::clone(&shared),
                dice: Dice::new(number),
                customer: Some(customer),
            };
            clients.spawn(client.work(closing.clone()));
        }
        Ok(Traffic { shared, open, clients })
    }

    /// What the customers have felt so far.
    pub fn counters(&self) -> TrafficCounters {
        self.shared.counters()
    }

    /// What the last failed statement or connection attempt failed with.
    pub fn last_error(&self) -> Option<String> {
        self.shared.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets the clients leave, cancelling the statements they are in, and returns the last counters.
    pub async fn stop(self) -> TrafficCounters {
        let Traffic { shared, open, clients } = self;
        drop(open);
        // A client that hangs even so is dropped with its connection.
        let _ = tokio::time::timeout(STOP, clients.join_all()).await;
        shared.counters()
    }
}

impl Shared {
    fn count_error(&self, error: String) {
        self.errors.fetch_add(1, Relaxed);
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn counters(&self) -> TrafficCounters {
        let now_ms = self.clock.now().ms();
        let oldest =
            self.running_since.iter().map(|since| since.load(Relaxed)).filter(|since| *since > 0).min();
        TrafficCounters {
            queries: self.queries.load(Relaxed),
            errors: self.errors.load(Relaxed),
            slowest_ms: self.slowest_ms.load(Relaxed),
            oldest_running_ms: oldest.map(|since| now_ms.saturating_sub(since - 1)),
        }
    }
}

/// A connection and the work it knows.
struct Customer {
    session: Session,
    work: Vec<(Statement, u64)>,
}

impl Customer {
    async fn connect(config: &Config, number: usize) -> Result<Customer, ShopError> {
        let application = match number % 5 {
            0..=2 => "shop-web",
            3 => "shop-api",
            _ => "shop-worker",
        };
        let session = Session::open(config, application).await?;
        let mut work = Vec::with_capacity(WORK.len());
        for (sql, weight) in WORK {
            let statement = session.prepare(sql).await;
            let doing = "prepare the shop's statements";
            work.push((statement.map_err(|source| ShopError::Statement { doing, source })?, weight));
        }
        Ok(Customer { session, work })
    }

    async fn buy(&self, dice: &mut Dice) -> Result<(), Error> {
        let mut drawn = dice.below(self.work.iter().map(|(_, weight)| weight).sum());
        let (a, b) = (dice.number(), dice.number());
        for (statement, weight) in &self.work {
            match drawn.checked_sub(*weight) {
                Some(rest) => drawn = rest,
                None => return self.session.execute(statement, &[a, b]).await,
            }
        }
        Ok(())
    }
}

/// The task of one client.
struct Client {
    number: usize,
    config: Config,
    pause: Duration,
    shared: Arc<Shared>,
    dice: Dice,
    customer: Option<Customer>,
}

impl Client {
    async fn work(mut self, mut closing: watch::Receiver<()>) {
        loop {
            tokio::select! {
                biased;
                _ = closing.changed() => break,
                () = self.turn() => {}
            }
        }
        let interrupted = self.running_since().swap(0, Relaxed) > 0;
        if let Some(customer) = &self.customer
            && interrupted
        {
            customer.session.cancel().await;
        }
    }

    /// One statement and a pause; or, without a connection, a try to get one.
    async fn turn(&mut self) {
        let Some(customer) = &self.customer else {
            match Customer::connect(&self.config, self.number).await {
                Ok(customer) => self.customer = Some(customer),
                Err(error) => {
                    self.shared.count_error(error.to_string());
                    tokio::time::sleep(RECONNECT).await;
                }
            }
            return;
        };
        let since_ms = self.shared.clock.now().ms();
        self.running_since().store(since_ms + 1, Relaxed);
        let answer = customer.buy(&mut self.dice).await;
        let took_ms = self.shared.clock.now().ms().saturating_sub(since_ms);
        self.running_since().store(0, Relaxed);
        match answer {
            Ok(()) => {
                self.shared.queries.fetch_add(1, Relaxed);
                self.shared.slowest_ms.fetch_max(took_ms, Relaxed);
            }
            Err(error) => {
                self.shared.count_error(describe(&error));
                if customer.session.is_closed() {
                    self.customer = None;
                }
            }
        }
        // Between half and one and a half of the pause, so that the clients do not march in step.
        let pause_us = u64::try_from(self.pause.as_micros()).unwrap_or(u64::MAX);
        let jitter_us = self.dice.below(pause_us.max(1));
        tokio::time::sleep(Duration::from_micros((pause_us / 2).saturating_add(jitter_us))).await;
    }

    fn running_since(&self) -> &AtomicU64 {
        &self.shared.running_since[self.number]
    }
}

/// Repeatable numbers: the demonstration looks the same every time.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn new(number: usize) -> Dice {
        Dice(u64::try_from(number).unwrap_or(0).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// The next number, never negative (xorshift).
    fn number(&mut self) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 >> 1).unwrap_or(0)
    }

    /// The next number below `limit`, which is not 0.
    fn below(&mut self, limit: u64) -> u64 {
        self.number().unsigned_abs() % limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dice_repeat_per_client_and_differ_between_clients() {
        let throw = |number| -> Vec<u64> {
            let mut dice = Dice::new(number);
            (0..200).map(|_| dice.below(10)).collect()
        };
        assert_eq!(throw(3), throw(3));
        assert_ne!(throw(3), throw(4));
        assert!((0..10).all(|side| throw(0).contains(&side)), "every kind of work is drawn");
    }
}
