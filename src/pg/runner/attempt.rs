//! One attempt, from its first SET to the answer of its COMMIT.
//!
//! Owns the order of statements on the wire. A transaction is sent in one piece once it has begun, so that no turn of
//! the network is spent while a strong lock is held; outside a transaction a statement goes alone. Never stops itself.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tokio_postgres::{Error, SimpleQueryMessage};

use super::line::{Failure, Line};
use super::pipe::{Pipe, Request};
use crate::clock::FlightClock;
use crate::engine::input::{Input, Outcome};
use crate::engine::locks::LockMode;
use crate::engine::plan::order::{LockFirst, News, ServerError, Try, TryEnd};

/// What an attempt needs.
pub(super) struct Attempt<'a> {
    pub(super) line: &'a Line,
    pub(super) order: &'a Try,
    pub(super) statements: &'a [String],
    pub(super) clock: FlightClock,
    pub(super) inputs: &'a mpsc::Sender<Input>,
    /// It is to be stopped: what was not sent yet is not sent any more.
    pub(super) stopped: &'a AtomicBool,
}

/// One message of a transaction.
enum Message {
    Lock(String),
    Set(String),
    Xid,
    Statement(u32, String),
    Commit,
}

impl Attempt<'_> {
    /// Runs it; the session is outside any transaction afterwards, or lost.
    pub(super) async fn run(&self) -> TryEnd {
        if self.statements.is_empty() {
            return TryEnd::NotBegun("it has no statement".to_owned());
        }
        // The protocol ends a text there.
        if self.statements.iter().any(|statement| statement.contains('\0')) {
            return TryEnd::NotBegun("a statement contains a zero byte".to_owned());
        }
        if self.order.transaction { self.in_transaction().await } else { self.alone().await }
    }

    async fn alone(&self) -> TryEnd {
        let [statement] = self.statements else {
            return TryEnd::NotBegun("outside a transaction there can be but one statement".to_owned());
        };
        let mut set = format!(
            "SET lock_timeout = {};SET statement_timeout = {};",
            limit(self.order.lock_timeout_ms),
            limit(self.order.statement_timeout_ms)
        );
        if self.order.weak {
            set += "SET client_connection_check_interval = 0;";
        }
        if let Err(error) = self.line.client().batch_execute(&set).await {
            return self.not_begun(&error);
        }
        if self.stopped.load(Ordering::Relaxed) {
            return stopped_before();
        }
        let began = self.clock.now();
        if let Err(error) = self.line.client().batch_execute(statement).await {
            return self.failed(&error, Some(0));
        }
        self.tell(News::Through {
            number: self.order.number,
            statement: 0,
            took_us: self.clock.now().us_since(began),
        })
        .await;
        TryEnd::Done
    }

    async fn in_transaction(&self) -> TryEnd {
        // Its answer is awaited: behind a BEGIN that failed, what follows would run outside a transaction.
        if let Err(error) = self.line.client().batch_execute(&self.begin()).await {
            let end = self.not_begun(&error);
            return self.rolled_back(end).await;
        }
        if self.stopped.load(Ordering::Relaxed) {
            return self.rolled_back(stopped_before()).await;
        }
        let messages = self.messages();
        let mut pipe = Pipe::send(messages.iter().map(|message| self.request(message)).collect()).await;
        let mut end = None;
        let mut xid: Option<u64> = None;
        let mut since = self.clock.now();
        for message in &messages {
            let Some(answer) = pipe.next().await else { break };
            let now = self.clock.now();
            match answer {
                // What is behind a failure fails in its wake, and the COMMIT rolls back.
                _ if matches!(end, Some(TryEnd::Failed(_))) => {}
                Err(error) => {
                    let statement = match message {
                        Message::Statement(number, _) => Some(*number),
                        Message::Commit => u32::try_from(self.statements.len()).ok().map(|n| n - 1),
                        _ => None,
                    };
                    end = Some(self.failed(&error, statement));
                }
                Ok(value) => match message {
                    Message::Xid => {
                        xid = value.and_then(|value| value.parse().ok());
                        // The low half: as pg_locks and pg_stat_activity have it.
                        let low = xid.and_then(|xid| u32::try_from(xid & u64::from(u32::MAX)).ok());
                        self.tell(News::Locked { number: self.order.number, xid: low }).await;
                    }
                    Message::Statement(statement, _) => {
                        let took_us = now.us_since(since);
                        let (number, statement) = (self.order.number, *statement);
                        self.tell(News::Through { number, statement, took_us }).await;
                    }
                    Message::Lock(_) | Message::Set(_) | Message::Commit => {}
                },
            }
            since = now;
            if matches!(end, Some(TryEnd::Lost(_))) {
                break;
            }
        }
        match end {
            Some(end) => end,
            None => self.committed(xid).await,
        }
    }

    fn begin(&self) -> String {
        let mut sql = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;SET LOCAL lock_timeout = {};\
             SET LOCAL statement_timeout = {};",
            limit(self.order.lock_timeout_ms),
            limit(self.order.lock_budget_ms)
        );
        if self.order.weak {
            sql += "SET LOCAL client_connection_check_interval = 0;";
        }
        sql
    }

    fn messages(&self) -> Vec<Message> {
        let mut messages = Vec::new();
        for (i, sql) in lock_statements(&self.order.first).into_iter().enumerate() {
            // Each statement has a timeout of its own; together they have the budget.
            if let (Some(budget_ms), 1..) = (self.order.lock_budget_ms, i) {
                messages.push(Message::Set(format!(
                    "select pg_catalog.set_config('statement_timeout', greatest(1, {budget_ms} - 1000 * \
                     pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - \
                     pg_catalog.transaction_timestamp()))::pg_catalog.int8::pg_catalog.text, true)"
                )));
            }
            messages.push(Message::Lock(sql));
        }
        messages.push(Message::Xid);
        let limit = limit(self.order.statement_timeout_ms);
        messages.push(Message::Set(format!("SET LOCAL statement_timeout = {limit}")));
        let statements = (0..).zip(self.statements.iter().cloned());
        messages.extend(statements.map(|(number, sql)| Message::Statement(number, sql)));
        messages.push(Message::Commit);
        messages
    }

    fn request<'m>(&'m self, message: &'m Message) -> Request<'m, Result<Option<String>, Error>> {
        let client = self.line.client();
        Box::pin(async move {
            let sql = match message {
                Message::Lock(sql) | Message::Set(sql) | Message::Statement(_, sql) => sql,
                Message::Commit => "COMMIT",
                Message::Xid => {
                    let answer = client.simple_query("select pg_catalog.pg_current_xact_id()").await?;
                    return Ok(first_value(&answer));
                }
            };
            client.batch_execute(sql).await.map(|()| None)
        })
    }

    /// What became of a transaction whose COMMIT was answered: the answer is the same when it was rolled back.
    async fn committed(&self, xid: Option<u64>) -> TryEnd {
        let Some(xid) = xid else {
            return TryEnd::Lost("the transaction's id was not told, so its end is not known".to_owned());
        };
        let sql = format!("select pg_catalog.pg_xact_status('{xid}'::pg_catalog.xid8)");
        let status = match self.line.client().simple_query(&sql).await {
            Ok(answer) => first_value(&answer),
            Err(error) => match self.line.failure(&error) {
                Failure::Lost(why) | Failure::Refused(_, why) => {
                    return TryEnd::Lost(format!(
                        "the COMMIT was answered, but not whether it has committed: {why}"
                    ));
                }
            },
        };
        match status.as_deref() {
            Some("committed") => TryEnd::Done,
            status => TryEnd::Failed(ServerError {
                // transaction_rollback
                code: "40000".to_owned(),
                message: format!(
                    "the COMMIT did not commit: the transaction is {}; one of its statements has ended it",
                    status.unwrap_or("unknown")
                ),
                statement: None,
            }),
        }
    }

    async fn rolled_back(&self, end: TryEnd) -> TryEnd {
        match self.line.client().batch_execute("ROLLBACK").await {
            Ok(()) => end,
            Err(error) => match self.line.failure(&error) {
                Failure::Lost(why) | Failure::Refused(_, why) => TryEnd::Lost(why),
            },
        }
    }

    fn not_begun(&self, error: &Error) -> TryEnd {
        match self.line.failure(error) {
            Failure::Lost(why) => TryEnd::Lost(why),
            Failure::Refused(..) if self.stopped.load(Ordering::Relaxed) => stopped_before(),
            Failure::Refused(_, why) => TryEnd::NotBegun(why),
        }
    }

    fn failed(&self, error: &Error, statement: Option<u32>) -> TryEnd {
        match self.line.failure(error) {
            Failure::Refused(code, message) => TryEnd::Failed(ServerError { code, message, statement }),
            Failure::Lost(why) => TryEnd::Lost(why),
        }
    }

    async fn tell(&self, news: News) {
        let _ = self.inputs.send(Input::Outcome(Outcome::Run(Box::new(news)))).await;
    }
}

fn stopped_before() -> TryEnd {
    TryEnd::NotBegun("it was stopped before its first statement was sent".to_owned())
}

/// A timeout as the server takes it: 0 is none.
fn limit(ms: Option<u64>) -> u64 {
    // The server's own limit, 24 days.
    ms.map_or(0, |ms| ms.clamp(1, i32::MAX.unsigned_abs().into()))
}

/// The statements that take these locks, in their order; neighbours of one mode in one statement.
fn lock_statements(first: &[LockFirst]) -> Vec<String> {
    let same_mode = first.chunk_by(|one, next| one.mode == next.mode);
    let statements = same_mode.map(|locks| {
        let mut sql = "LOCK TABLE ".to_owned();
        for (i, lock) in locks.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(sql, "{separator}{}", lock.name).expect("a String takes all");
        }
        write!(sql, " IN {} MODE", words(locks[0].mode)).expect("a String takes all");
        sql
    });
    statements.collect()
}

/// A mode as LOCK TABLE has it.
fn words(mode: LockMode) -> &'static str {
    match mode {
        LockMode::AccessShareLock => "ACCESS SHARE",
        LockMode::RowShareLock => "ROW SHARE",
        LockMode::RowExclusiveLock => "ROW EXCLUSIVE",
        LockMode::ShareUpdateExclusiveLock => "SHARE UPDATE EXCLUSIVE",
        LockMode::ShareLock => "SHARE",
        LockMode::ShareRowExclusiveLock => "SHARE ROW EXCLUSIVE",
        LockMode::ExclusiveLock => "EXCLUSIVE",
        LockMode::AccessExclusiveLock => "ACCESS EXCLUSIVE",
    }
}

/// The first value of the first row.
pub(super) fn first_value(answer: &[SimpleQueryMessage]) -> Option<String> {
    answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.try_get(0).ok().flatten().map(str::to_owned)),
        _ => None,
    })?
}
