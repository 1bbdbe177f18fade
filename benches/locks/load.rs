//! Clients that read, and how long each of their queries took.
//!
//! Owns the load and its stamps, on a thread of its own. Nothing here takes part in the migration.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use lockpit::clock::FlightClock;
use lockpit::engine::ids::At;
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};

use crate::support::Database;

/// Rows of the table, made by the benchmark.
pub(crate) const ROWS: u64 = 10_000;

/// One query.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query {
    /// When it was due: whether a connection was free then or not.
    pub(crate) due: At,
    /// When its answer was there.
    pub(crate) done: At,
    /// How long it sleeps by itself, in microseconds.
    pub(crate) own_us: u64,
}

impl Query {
    /// From its due time to its answer, in microseconds.
    pub(crate) fn took_us(&self) -> u64 {
        self.done.us_since(self.due)
    }

    /// The same without its own sleep.
    pub(crate) fn lost_us(&self) -> u64 {
        self.took_us().saturating_sub(self.own_us)
    }
}

/// What the clients do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Point reads, this many a second, whether those before have been answered or not.
    Reads { a_second: u64, connections: usize },
    /// Readers that hold the table for this long, in milliseconds; each begins the next when the last is through.
    Readers { clients: usize, shortest_ms: u64, longest_ms: u64 },
}

/// Clients at work.
pub(crate) struct Load {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Query>>,
}

impl Load {
    /// Starts the clients; they work when this returns.
    pub(crate) fn start(db: &Database, clock: FlightClock, kind: Kind) -> Load {
        let is_over = Arc::new(AtomicBool::new(false));
        let (ready, is_ready) = mpsc::channel();
        let thread = std::thread::spawn({
            let (db, is_over) = (db.clone(), Arc::clone(&is_over));
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(work(db, clock, kind, is_over, ready))
            }
        });
        is_ready.recv().expect("the clients connect");
        Load { is_over, thread }
    }

    /// Ends it: every query there was.
    pub(crate) fn end(self) -> Vec<Query> {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().expect("the clients do not panic")
    }
}

async fn work(
    db: Database,
    clock: FlightClock,
    kind: Kind,
    is_over: Arc<AtomicBool>,
    ready: mpsc::Sender<()>,
) -> Vec<Query> {
    let clients = match kind {
        Kind::Reads { connections, .. } => connections,
        Kind::Readers { clients, .. } => clients,
    };
    let mut connected = Vec::with_capacity(clients);
    for _ in 0..clients {
        let mut config = db.config();
        config.application_name("shop-web");
        let (client, connection) = config.connect(NoTls).await.expect("a client connects");
        tokio::spawn(connection);
        connected.push(client);
    }
    let next = Arc::new(AtomicU64::new(0));
    let begun = clock.now();
    let _ = ready.send(());
    let mut tasks = JoinSet::new();
    for (number, client) in (0..).zip(connected) {
        let (next, is_over) = (Arc::clone(&next), Arc::clone(&is_over));
        tasks.spawn(async move {
            match kind {
                Kind::Reads { a_second, .. } => reads(client, clock, begun, a_second, &next, &is_over).await,
                Kind::Readers { shortest_ms, longest_ms, .. } => {
                    readers(client, clock, number, (shortest_ms, longest_ms), &is_over).await
                }
            }
        });
    }
    tasks.join_all().await.concat()
}

async fn reads(
    client: Client,
    clock: FlightClock,
    begun: At,
    a_second: u64,
    next: &AtomicU64,
    is_over: &AtomicBool,
) -> Vec<Query> {
    let read = client.prepare("select balance from account where id = $1").await.expect("the table is there");
    let mut queries = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let due = At(begun.0 + number * 1_000_000 / a_second);
        let early_us = due.us_since(clock.now());
        if early_us > 0 {
            tokio::time::sleep(Duration::from_micros(early_us)).await;
        }
        let id = i32::try_from(number % ROWS).expect("few rows");
        client.query_one(&read, &[&id]).await.expect("a row");
        queries.push(Query { due, done: clock.now(), own_us: 0 });
    }
    queries
}

async fn readers(
    client: Client,
    clock: FlightClock,
    number: u64,
    (shortest_ms, longest_ms): (u64, u64),
    is_over: &AtomicBool,
) -> Vec<Query> {
    let sql = "select pg_sleep($1) from account where id = 1";
    let read = client.prepare(sql).await.expect("the table is there");
    let mut chance = number * 2_654_435_761 + 1;
    let mut queries = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        // Numerical Recipes' generator: the same lengths every time.
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) & 0xffff_ffff;
        let own_ms = shortest_ms + (chance >> 8) % (longest_ms - shortest_ms + 1);
        let seconds = Duration::from_millis(own_ms).as_secs_f64();
        let due = clock.now();
        client.query_one(&read, &[&seconds]).await.expect("a row");
        queries.push(Query { due, done: clock.now(), own_us: own_ms * 1_000 });
    }
    queries
}
