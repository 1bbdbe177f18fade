//! What a flight of a plan would be told, asked without one.
//!
//! Owns a session that only reads, on which names mean what they would mean to the plan. It takes no lock on a user
//! relation, nor the flight's lock on the database. Never runs a statement of a plan, but for the queries that find
//! the items of a step.

use std::fmt;

use tokio_postgres::Error;

use super::line::{LOCK_CLASS, Line, refused};
use super::{ask, look, survey};
use crate::engine::ids::Oid;
use crate::engine::locks::LockMode;
use crate::engine::plan::facts::{Look, Survey};
use crate::engine::plan::form::Expect;
use crate::pg::connect::{ConnectError, Conninfo};
use crate::pg::message;

const UNDER_WAY: &str = include_str!("../sql/flight_under_way.sql");
const LIMIT_MS: u32 = 2_000;

/// A session that asks.
#[derive(Debug)]
pub struct Inquiry {
    line: Line,
}

/// Why there is no such session.
#[derive(Debug, thiserror::Error)]
pub enum InquiryError {
    /// It could not be opened.
    #[error("{}", refused(.0))]
    Connect(#[from] ConnectError),
    /// The server did not say who it is.
    #[error("{}", message(.0))]
    Identity(#[from] Error),
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// The server refused it: why.
    Refused(String),
    /// The session is over: why.
    Lost(String),
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Unanswered::Refused(why) | Unanswered::Lost(why)) = self;
        f.write_str(why)
    }
}

impl Inquiry {
    /// Opens the session, under this `application_name`.
    ///
    /// # Errors
    /// [`InquiryError`] in one line.
    pub async fn open(conninfo: &Conninfo, application: &str) -> Result<Inquiry, InquiryError> {
        Ok(Inquiry { line: Line::open_to_ask(conninfo, application).await? })
    }

    /// `server_version_num`.
    pub fn version_num(&self) -> u32 {
        self.line.session.server_version_num()
    }

    /// Why no plan can be flown on this server, if none can.
    pub fn refuses_plans(&self) -> Option<&'static str> {
        let is_standby = self.line.cluster.is_standby();
        is_standby.then_some("the server is a standby, which takes no writes: connect to the primary")
    }

    /// Who flies a plan in this database now, for people; `None` when nobody does.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn flight_under_way(&self) -> Result<Option<String>, Unanswered> {
        let asked = async {
            self.line.begin_reading(LIMIT_MS, true).await?;
            let row = self.line.client().query_opt(UNDER_WAY, &[&LOCK_CLASS]).await?;
            self.line.end_reading().await?;
            let Some(row) = row else { return Ok(None) };
            let application: Option<&str> = row.try_get("application_name")?;
            let since: Option<&str> = row.try_get("since")?;
            Ok(Some(format!(
                "pid {} ({}) flies a plan in this database, connected since {}",
                row.try_get::<_, i32>("pid")?,
                application.unwrap_or_default(),
                since.unwrap_or("a time that is hidden")
            )))
        };
        let answer = asked.await;
        self.settled(answer).await
    }

    /// What the catalog says of these relations and objects; names are as written.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn survey(&self, relations: &[String], expects: &[Expect]) -> Result<Survey, Unanswered> {
        let answer = survey::survey(&self.line, relations, expects).await;
        self.settled(answer).await
    }

    /// Who holds locks that conflict with these.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn look(&mut self, wanted: &[(Oid, LockMode)]) -> Result<Look, Unanswered> {
        let answer = look::look(&mut self.line, wanted).await;
        self.settled(answer).await
    }

    /// The items that a query of the plan finds.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn items(&self, query: &str) -> Result<Vec<String>, Unanswered> {
        let answer = ask::items(&self.line, query).await;
        self.settled(answer).await
    }

    /// Ends the session so that the server sees it end.
    pub async fn close(self) {
        self.line.session.close().await;
    }

    /// An answer; after a refusal the session is fit for the next question.
    async fn settled<T>(&self, answer: Result<T, Error>) -> Result<T, Unanswered> {
        use super::line::Failure;
        let error = match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        match self.line.failure(&error) {
            Failure::Lost(why) => Err(Unanswered::Lost(why)),
            Failure::Refused(_, why) => match self.line.end_reading().await {
                Ok(()) => Err(Unanswered::Refused(why)),
                Err(error) => Err(Unanswered::Lost(self.line.failure(&error).why())),
            },
        }
    }
}
