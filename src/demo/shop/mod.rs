//! The throw-away shop: what the demonstration migrates while it is open.
//!
//! Owns its tables and rows ([`Shop`]), its customers ([`Traffic`]), the forgotten report that holds a table
//! ([`OldReader`]) and the careless migration that queues behind it ([`Shop::deploy`]). It never drops or
//! replaces anything: in a database that already has such tables it fails.

mod session;
mod traffic;

use std::future::Future;

use tokio_postgres::Config;
use tokio_postgres::error::SqlState;

use self::session::Session;
pub use self::traffic::{Traffic, TrafficCounters, TrafficOptions};

/// Four tables and some forty thousand rows; foreign keys last, because they are checked faster in bulk.
const SCHEMA: &str = include_str!("schema.sql");
const OPEN_REPORT: &str = "begin isolation level repeatable read read only; \
                           select status, count(*) from orders group by status";
const DEPLOY: &str = "alter table orders add column if not exists gift_note text";

/// A database with a shop in it.
#[derive(Debug, Clone)]
pub struct Shop {
    config: Config,
}

impl Shop {
    /// Makes the shop's tables in the database that `config` names, all or none, in about half a second.
    ///
    /// # Errors
    /// When the database cannot be reached or already has tables of these names.
    pub async fn create(config: &Config) -> Result<Shop, ShopError> {
        let session = Session::open(config, "shop-setup").await?;
        session.run("make the shop's tables", SCHEMA).await?;
        // Not in the same transaction, so that an analyze never keeps the tables locked.
        session.run("analyze the shop's tables", "analyze customers, products, orders, order_items").await?;
        Ok(Shop { config: config.clone() })
    }

    /// The migration: as the application `deploy`, adds a column to `orders` without any `lock_timeout`.
    ///
    /// Behind an [`OldReader`] it waits, and the whole shop behind it. It may be awaited on a task of its own;
    /// dropped, it hangs up, and the server ends its wait within a second where it can see that.
    ///
    /// # Errors
    /// When it is cancelled or terminated (see [`ShopError::sqlstate`]), or cannot connect.
    pub fn deploy(&self) -> impl Future<Output = Result<(), ShopError>> + Send + 'static {
        let config = self.config.clone();
        async move { Session::open(&config, "deploy").await?.run("add orders.gift_note", DEPLOY).await }
    }
}

/// A report that somebody forgot: it has read `orders` and stays idle in its transaction, as `report-job`.
///
/// It holds ACCESS SHARE on the table until it is closed or dropped.
#[derive(Debug)]
pub struct OldReader {
    session: Session,
}

impl OldReader {
    /// Reads `orders` and keeps the transaction open.
    ///
    /// # Errors
    /// When it cannot connect or read.
    pub async fn open(shop: &Shop) -> Result<OldReader, ShopError> {
        let session = Session::open(&shop.config, "report-job").await?;
        session.run("read the orders", OPEN_REPORT).await?;
        Ok(OldReader { session })
    }

    /// The pid of its backend.
    pub fn pid(&self) -> i32 {
        self.session.pid()
    }

    /// Ends its transaction and its session.
    ///
    /// # Errors
    /// When its session is already gone, for example terminated by the operator.
    pub async fn close(self) -> Result<(), ShopError> {
        self.session.run("end the report", "commit").await
    }
}

/// What went wrong in the shop.
#[derive(Debug, thiserror::Error)]
pub enum ShopError {
    /// A session could not be opened.
    #[error("{application} cannot connect to the shop: {}", session::describe(.source))]
    Connect {
        /// Its `application_name`.
        application: String,
        /// Why not.
        source: tokio_postgres::Error,
    },
    /// A statement failed or was cancelled.
    #[error("cannot {doing}: {}", session::describe(.source))]
    Statement {
        /// What it was for.
        doing: &'static str,
        /// Why not.
        source: tokio_postgres::Error,
    },
}

impl ShopError {
    /// The server's error code, such as `57014` for a cancel; none when the connection was lost.
    pub fn sqlstate(&self) -> Option<&SqlState> {
        let (ShopError::Connect { source, .. } | ShopError::Statement { source, .. }) = self;
        source.code()
    }
}
