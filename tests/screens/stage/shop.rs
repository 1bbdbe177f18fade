//! The shop of the recordings: its database, its customers, and the sessions that get in their way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lockpit::demo::server::ServerOptions;
use tokio::task::JoinSet;
use tokio_postgres::Config;

use crate::support::{Actor, Cluster, Database, LONG, wait_until};

const SCHEMA: &str = include_str!("../../../src/demo/shop/schema.sql");
/// What a customer waits between two statements.
const PAUSE: Duration = Duration::from_millis(60);
/// Customers: the application's name, how many connections, and what they do with `{n}` for a number.
const CUSTOMERS: [(&str, u32, &str); 6] = [
    (
        "web-1",
        9,
        "select id, status, placed_at from orders where customer_id = {n} order by placed_at desc limit 20",
    ),
    (
        "web-2",
        8,
        "select id, status, placed_at from orders where customer_id = {n} order by placed_at desc limit 20",
    ),
    ("checkout", 10, "insert into orders (customer_id, status) values ({n}, 'new')"),
    ("warehouse", 5, "update orders set status = 'shipped' where id = {n}"),
    ("web-1", 6, "select name, price_cents, stock from products where id = 1 + {n} % 500"),
    (
        "dashboard",
        2,
        "select p.name, sum(i.quantity * i.price_cents) from order_items i join products p on p.id = i.product_id \
         where p.id > {n} % 400 group by p.name order by 2 desc limit 10",
    ),
];
/// How many of them touch `orders`.
pub(super) const ON_ORDERS: usize = 32;

/// The shop, with its server.
pub(super) struct Shop {
    pub(super) cluster: Cluster,
    pub(super) db: Database,
    pub(super) observer: Actor,
}

/// Customers at work. Dropped, they leave.
pub(super) struct Traffic {
    closing: Arc<AtomicBool>,
    clients: JoinSet<()>,
}

impl Shop {
    /// A shop without customers, on a server of its own.
    pub(super) async fn open(major: u32, options: ServerOptions) -> Shop {
        let cluster = Cluster::fresh(major, options);
        let control = cluster.database_named("postgres").actor("test/stage").await;
        control.exec("create database shop").await;
        control.exec("create role dba superuser login; create role watcher login").await;
        control.exec("create role shop login in role pg_read_all_data, pg_write_all_data").await;
        control.exec("create role deploy login; create role report login in role pg_read_all_data").await;
        let db = cluster.database_named("shop");
        let observer = db.actor("test/stage").await;
        observer.exec(SCHEMA).await;
        observer.exec("alter table orders owner to deploy; grant create on schema public to deploy").await;
        observer.exec("analyze").await;
        // Only the shop is to be seen.
        drop(control);
        Shop { cluster, db, observer }
    }

    /// A session of `role` under `application_name`.
    pub(super) async fn session(&self, role: &str, application_name: &str) -> Actor {
        Actor::connect(&self.config(role), application_name).await
    }

    /// The customers come.
    pub(super) async fn traffic(&self) -> Traffic {
        let closing = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        let config = self.config("shop");
        let mut number = 0_u64;
        for (application, count, sql) in CUSTOMERS {
            for _ in 0..count {
                number += 1;
                let actor = Actor::connect(&config, application).await;
                clients.spawn(shopping(actor, sql, number, Arc::clone(&closing)));
            }
        }
        Traffic { closing, clients }
    }

    /// Somebody reads the orders in a transaction and forgets to end it.
    pub(super) async fn old_reader(&self) -> Actor {
        let reader = self.session("report", "report-job").await;
        reader.exec("begin isolation level repeatable read").await;
        reader
            .exec("select date_trunc('month', placed_at), count(*) from orders group by 1 order by 1")
            .await;
        reader
    }

    /// Waits until so many sessions await a lock.
    pub(super) async fn queue_of(&self, count: usize) {
        wait_until("the queue", LONG, async || {
            let sql = "select count(distinct pid) from pg_locks where not granted and pid is not null";
            let waiting: i64 = self.observer.value(sql).await;
            if usize::try_from(waiting).is_ok_and(|waiting| waiting >= count) {
                Ok(())
            } else {
                Err(format!("{waiting} wait"))
            }
        })
        .await;
    }

    fn config(&self, role: &str) -> Config {
        let mut config = self.db.config();
        config.user(role);
        config
    }
}

impl Traffic {
    /// The customers leave, each after its statement.
    pub(super) async fn stop(self) {
        self.closing.store(true, Ordering::Relaxed);
        self.clients.join_all().await;
    }
}

/// Customers do not hurry, and no two of them do the same at the same time.
async fn shopping(actor: Actor, sql: &'static str, mut number: u64, closing: Arc<AtomicBool>) {
    let mut pause = tokio::time::interval(PAUSE);
    pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !closing.load(Ordering::Relaxed) {
        pause.tick().await;
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let row = (number >> 33) % 3_000 + 1;
        // A statement that the incident ended is not repeated.
        if actor.try_exec(&sql.replace("{n}", &row.to_string())).await.is_err() {
            return;
        }
    }
}
