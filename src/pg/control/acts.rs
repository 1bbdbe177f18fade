//! What the control session asks the server, one statement each.
//!
//! Owns the checked statements. A stop names the attempt, and the server checks it where it acts.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, Statement};

use crate::engine::effect::{Aim, Rung};
use crate::engine::ids::{Attempt, BackendId, Oid, Pid};
use crate::engine::input::RungAnswer;
use crate::engine::sample::{Fact, State};
use crate::pg::message;
use crate::pg::time::{Timestamp, parameter};

/// What is left of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) alive: bool,
    pub(super) still_strong: bool,
    pub(super) state: Option<State>,
    pub(super) same_statement: bool,
    pub(super) victims_waiting: u32,
}

impl Left {
    /// Nothing is left of what was to end, and nobody waits.
    pub(super) fn is_nothing(&self, aim: Aim) -> bool {
        let goes_on = match aim {
            Aim::Locks => self.still_strong,
            Aim::Statement => self.same_statement,
            Aim::Session => true,
        };
        !(self.alive && goes_on) && self.victims_waiting == 0
    }
}

/// The statements, prepared: a stop must not wait for a planner.
#[derive(Debug)]
pub(super) struct Acts {
    cancel: Statement,
    terminate: Statement,
    aftermath: Statement,
    right: Statement,
    ended: Statement,
}

impl Acts {
    pub(super) async fn prepare(client: &Client) -> Result<Acts, Error> {
        client.batch_execute("set plan_cache_mode = force_generic_plan").await?;
        Ok(Acts {
            cancel: client.prepare(include_str!("../sql/cancel.sql")).await?,
            terminate: client.prepare(include_str!("../sql/terminate.sql")).await?,
            aftermath: client.prepare(include_str!("../sql/aftermath.sql")).await?,
            right: client.prepare(include_str!("../sql/right.sql")).await?,
            ended: client.prepare(include_str!("../sql/ended.sql")).await?,
        })
    }

    /// Cancels or terminates one attempt, or nothing.
    pub(super) async fn stop(&self, client: &Client, rung: Rung, attempt: &Attempt) -> RungAnswer {
        let BackendId { pid, backend_start } = attempt.backend;
        let start = parameter(backend_start);
        let (query, xact) = (parameter(attempt.query_start), parameter(attempt.xact_start));
        let row = match rung {
            Rung::Terminate => client.query_opt(&self.terminate, &[&pid.0, &start, &query, &xact]).await,
            Rung::Cancel | Rung::SignalRunner(_) => {
                client.query_opt(&self.cancel, &[&pid.0, &start, &query]).await
            }
        };
        match row.map(|row| row.is_some_and(|row| row.get("signalled"))) {
            Ok(true) => RungAnswer::Sent,
            Ok(false) => RungAnswer::NobodyFits,
            Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                RungAnswer::Refused(message(&error))
            }
            Err(error) => RungAnswer::Failed(message(&error)),
        }
    }

    /// What is left of an attempt and of the queue behind it.
    pub(super) async fn left(
        &self,
        client: &Client,
        attempt: &Attempt,
        victims: &[Pid],
    ) -> Result<Left, Error> {
        let BackendId { pid, backend_start } = attempt.backend;
        let victims: Vec<i32> = victims.iter().map(|pid| pid.0).collect();
        let (start, query) = (parameter(backend_start), parameter(attempt.query_start));
        let xact = parameter(attempt.xact_start);
        let row = client.query_one(&self.aftermath, &[&pid.0, &start, &query, &victims, &xact]).await?;
        Ok(Left {
            alive: row.try_get("alive")?,
            still_strong: row.try_get("still_strong")?,
            state: row.try_get::<_, Option<&str>>("state")?.map(State::from_name),
            same_statement: row.try_get("same_statement")?,
            victims_waiting: u32::try_from(row.try_get::<_, i64>("waiting")?).unwrap_or(u32::MAX),
        })
    }

    /// Whether this login may signal a backend, and see what has to be checked before it does.
    pub(super) async fn right(
        &self,
        client: &Client,
        backend: BackendId,
        role: Option<Oid>,
    ) -> Result<Result<(), String>, Error> {
        let Some(role) = role else { return Ok(Err("the role of its session is not known".to_owned())) };
        let start: Option<Timestamp> = parameter(backend.backend_start);
        let Some(row) = client.query_opt(&self.right, &[&backend.pid.0, &start, &role.0]).await? else {
            return Ok(Err("the role of its session does not exist any more".to_owned()));
        };
        let (me, them): (&str, &str) = (row.try_get("me")?, row.try_get("them")?);
        Ok(if !row.try_get::<_, bool>("superuser_ok")? {
            Err(format!("owner {them} is a superuser: only a superuser may stop it"))
        } else if !row.try_get::<_, bool>("may_signal")? {
            Err(format!("owner {them}: GRANT pg_signal_backend TO {me}"))
        } else if !row.try_get::<_, bool>("sees_starts")? {
            Err(format!(
                "start times of {them} are hidden, so nothing could be checked: GRANT pg_read_all_stats TO {me}"
            ))
        } else {
            Ok(())
        })
    }

    /// How an attempt ended: whether its session lives, and what became of its last transaction.
    pub(super) async fn ended(
        &self,
        client: &Client,
        backend: BackendId,
        xid: Option<u32>,
    ) -> Result<(bool, Fact<String>), Error> {
        let start = parameter(backend.backend_start);
        let xid_param = xid.map(i64::from);
        let row = client.query_one(&self.ended, &[&backend.pid.0, &start, &xid_param]).await?;
        let status: Option<String> = row.try_get("xact")?;
        let why = match xid {
            None => "it was never seen with a transaction id",
            Some(_) => "the server has forgotten its transaction id",
        };
        Ok((row.try_get("alive")?, status.map_or_else(|| Fact::Missing(why.to_owned()), Fact::Known)))
    }
}
