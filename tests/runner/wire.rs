//! What is on the wire, and when.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lockpit::engine::locks::LockMode;
use lockpit::engine::plan::order::{Order, Try, TryEnd};
use lockpit::pg::connect::{ConnArgs, Conninfo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::rig::{Rig, first, in_transaction, open_at, script};
use crate::support::{Database, LONG, cluster, versions, wait_until};

/// A wire to the server that lets no answer through once a LOCK TABLE was sent, until it is opened.
struct Wire {
    port: u16,
    closed: Arc<AtomicBool>,
    open: watch::Sender<bool>,
}

impl Wire {
    async fn to(db: &Database) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        // Servers of tests listen there.
        let server = ("127.0.0.1", db.config().get_ports()[0]);
        let (open, opened) = watch::channel(false);
        let closed = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&closed);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let to = TcpStream::connect(server).await.expect("the server");
                tokio::spawn(carry(client, to, Arc::clone(&seen), opened.clone()));
            }
        });
        Wire { port, closed, open }
    }
}

async fn carry(
    client: TcpStream,
    server: TcpStream,
    closed: Arc<AtomicBool>,
    mut open: watch::Receiver<bool>,
) {
    let ((mut asks, mut hears), (mut answers, mut takes)) = (client.into_split(), server.into_split());
    let seen = Arc::clone(&closed);
    tokio::spawn(async move {
        let mut chunk = vec![0; 65_536];
        while let Ok(read @ 1..) = asks.read(&mut chunk).await {
            if chunk[..read].windows(10).any(|bytes| bytes == b"LOCK TABLE") {
                seen.store(true, Ordering::SeqCst);
            }
            if takes.write_all(&chunk[..read]).await.is_err() {
                break;
            }
        }
    });
    let mut chunk = vec![0; 65_536];
    while let Ok(read @ 1..) = answers.read(&mut chunk).await {
        if closed.load(Ordering::SeqCst) && open.wait_for(|open| *open).await.is_err() {
            break;
        }
        if hears.write_all(&chunk[..read]).await.is_err() {
            break;
        }
    }
}

/// No answer comes back from the first lock on, and the transaction commits all the same.
#[tokio::test]
async fn no_turn_of_the_network_is_spent_under_a_lock() {
    for version in versions() {
        let db = cluster(version.major).database("wire").await;
        let actor = db.actor("test/app").await;
        actor.exec("create table t (x int)").await;
        let wire = Wire::to(&db).await;
        let args = ConnArgs {
            conninfo: Some(format!("host=127.0.0.1 port={} user=postgres dbname={}", wire.port, db.name)),
            ..ConnArgs::default()
        };
        let place = Conninfo::resolve(&args, |_: &str| None, None).expect("a connection string");
        let parts: [&[&str]; 1] = [&["alter table t add column y int", "alter table t add column z int"]];
        let application = "lockpit/run 0000aa";
        let opened = open_at(place, application, script(&parts)).await.expect("a runner");
        let mut rig = Rig::of(opened, application).await;
        let order = Try {
            first: vec![first("t", LockMode::AccessExclusiveLock)],
            lock_timeout_ms: Some(10_000),
            lock_budget_ms: Some(10_000),
            statement_timeout_ms: Some(10_000),
            ..in_transaction(1)
        };
        rig.order(Order::Try(Box::new(order)));
        let columns = "select count(*) from pg_attribute where attrelid = 't'::regclass and attnum > 0";
        wait_until("the columns", LONG, async || match actor.value::<i64>(columns).await {
            3 => Ok(()),
            n => Err(n.to_string()),
        })
        .await;
        assert!(wire.closed.load(Ordering::SeqCst), "it has seen no lock");
        wire.open.send_replace(true);
        assert_eq!(rig.ended(1).await, TryEnd::Done);
        rig.stop().await;
    }
}
