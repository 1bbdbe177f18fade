//! What became of an attempt whose session was lost.
//!
//! Owns the question. A transaction's own end counts before anything that is seen of its session.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::line::Line;
use crate::engine::ids::BackendId;
use crate::engine::plan::order::TryFate;
use crate::pg::time::parameter;

const FATE: &str = include_str!("../sql/fate.sql");
const LIMIT_MS: u32 = 5_000;

pub(super) async fn fate(
    line: &Line,
    backend: BackendId,
    application: &str,
    xid: Option<u32>,
) -> Result<TryFate, Error> {
    line.begin_reading(LIMIT_MS, true).await?;
    let start = parameter(backend.backend_start);
    let asked =
        line.client().query_one(FATE, &[&backend.pid.0, &start, &application, &xid.map(i64::from)]).await;
    line.end_reading().await?;
    let row = match asked {
        // The id is "in the future": a crash took it along before any of it was durable.
        Err(error) if xid.is_some() && error.code() == Some(&SqlState::INVALID_PARAMETER_VALUE) => {
            return Ok(TryFate::RolledBack);
        }
        asked => asked?,
    };
    let running: bool = row.try_get("running")?;
    let restarted: bool = row.try_get("restarted")?;
    Ok(match row.try_get::<_, Option<&str>>("xact")? {
        // An id that was not durable is given again after a crash: whose end it is only the catalog knows.
        Some("committed") if restarted => TryFate::Gone,
        Some("committed") => TryFate::Committed,
        Some("aborted") => TryFate::RolledBack,
        _ if running => TryFate::Running,
        // Nobody runs it, and its end is not written yet.
        Some("in progress") => TryFate::Running,
        Some(other) => TryFate::Unknown(format!("its transaction is {other}")),
        None if xid.is_some() => {
            TryFate::Unknown("the server does not know its transaction any more".to_owned())
        }
        None => TryFate::Gone,
    })
}
