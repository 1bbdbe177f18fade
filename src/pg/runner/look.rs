//! Who holds what an attempt wants.
//!
//! Owns the statement and the reading of its rows. Never judges whether a holder matters.

use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use super::line::{Line, begin_reading};
use super::pipe::{Pipe, Request};
use crate::engine::ids::{BackendId, Oid, Pid, ServerTime, Word};
use crate::engine::locks::LockMode;
use crate::engine::plan::facts::{Holder, Look};
use crate::engine::sample::State;
use crate::pg::sampler::rows::backend_kind;
use crate::pg::time::Timestamp;

const LOOK: &str = include_str!("../sql/look.sql");
/// A look that takes longer is no use.
const LIMIT_MS: u32 = 1_000;

/// Looks once, in one turn of the network once the statement is prepared.
pub(super) async fn look(line: &mut Line, wanted: &[(Oid, LockMode)]) -> Result<Look, Error> {
    match once(line, wanted).await {
        // The plan has thrown it away, with DISCARD ALL or DEALLOCATE ALL.
        Err(error) if error.code() == Some(&SqlState::INVALID_SQL_STATEMENT_NAME) => once(line, wanted).await,
        look => look,
    }
}

async fn once(line: &mut Line, wanted: &[(Oid, LockMode)]) -> Result<Look, Error> {
    let mut relations: Vec<u32> = Vec::new();
    let mut modes: Vec<&str> = Vec::new();
    for (relation, mode) in wanted {
        for held in LockMode::ALL.into_iter().filter(|held| held.conflicts_with(*mode)) {
            relations.push(relation.0);
            modes.push(held.name());
        }
    }
    let begin = begin_reading(LIMIT_MS, true);
    let statement = match line.look.take() {
        Some(statement) => statement,
        // Under the same search path, or it would be planned anew each time.
        None => {
            line.client().batch_execute(&begin).await?;
            let prepared = line.client().prepare(LOOK).await;
            line.end_reading().await?;
            prepared?
        }
    };
    let client = line.client();
    let parameters: [&(dyn ToSql + Sync); 2] = [&relations, &modes];
    let plain = |sql: &'static str| -> Request<'_, Result<Vec<Row>, Error>> {
        Box::pin(async move { client.batch_execute(sql).await.map(|()| Vec::new()) })
    };
    let requests: Vec<Request<'_, Result<Vec<Row>, Error>>> = vec![
        Box::pin(async { client.batch_execute(&begin).await.map(|()| Vec::new()) }),
        Box::pin(client.query(&statement, &parameters)),
        plain("ROLLBACK"),
    ];
    let mut pipe = Pipe::send(requests).await;
    let mut answers = Vec::new();
    while let Some(answer) = pipe.next().await {
        answers.push(answer);
    }
    drop(pipe);
    let rows = answers.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().nth(1).unwrap_or_default();
    let look = read(&rows)?;
    // Only one that worked is kept.
    line.look = Some(statement);
    Ok(look)
}

fn read(rows: &[Row]) -> Result<Look, Error> {
    let mut look = Look { server_now: ServerTime(0), cost_us: 0, holders: Vec::new(), in_all: 0, queued: 0 };
    for row in rows {
        let amount = |name| row.try_get::<_, i64>(name).map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        look.server_now = row.try_get::<_, Timestamp>("now_at")?.0;
        look.cost_us = look.cost_us.max(u64::try_from(row.try_get::<_, i64>("cost_us")?).unwrap_or(0));
        look.in_all = amount("in_all")?;
        look.queued = amount("queued")?;
        look.holders.extend(holder(row)?);
    }
    Ok(look)
}

fn holder(row: &Row) -> Result<Option<Holder>, Error> {
    let Some(pid) = row.try_get::<_, Option<i32>>("pid")? else { return Ok(None) };
    let text = |name| row.try_get::<_, Option<&str>>(name);
    let time = |name| row.try_get::<_, Option<Timestamp>>(name).map(|time| time.map(|time| time.0));
    let Some(mode) = text("mode")?.and_then(LockMode::from_name) else { return Ok(None) };
    let masked = row.try_get::<_, Option<bool>>("masked")?.unwrap_or(false);
    let has_role = row.try_get::<_, Option<u32>>("usesysid")?.is_some_and(|role| role != 0);
    let application = text("application_name")?.unwrap_or_default();
    let done_total = (row.try_get::<_, Option<i64>>("done")?, row.try_get::<_, Option<i64>>("total")?);
    let amount = |n: i64| u64::try_from(n).ok();
    Ok(Some(Holder {
        backend: BackendId { pid: Pid(pid), backend_start: time("backend_start")? },
        gid: text("gid")?.map(str::to_owned),
        kind: backend_kind(text("backend_type")?, application, masked && has_role),
        application: Word::from(application),
        state: if masked { State::Masked } else { text("state")?.map_or(State::None, State::from_name) },
        xact_start: time("xact_start")?,
        relation: Oid(row.try_get("relation")?),
        mode,
        wraparound: row.try_get("wraparound")?,
        progress: match done_total {
            (Some(done), Some(total)) => amount(done).zip(amount(total)),
            _ => None,
        },
    }))
}
