//! The sampler's session: connecting, presenting the server, one look at a time.
//!
//! Owns the prepared statements. Never has two looks in flight.

use std::net::IpAddr;
use std::time::Duration;

use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;

use super::names::NameCache;
use super::rows::{self, RawSample};
use crate::clock::FlightClock;
use crate::engine::ids::{BackendId, Oid, Pid};
use crate::engine::input::{Attached, Names, Rights};
use crate::engine::sample::{Fact, Sample, Watch};
use crate::pg::connect::{ConnectError, Conninfo, Session, SessionSettings};
use crate::pg::message;
use crate::pg::time::Timestamp;

const SAMPLE: &str = include_str!("../sql/sample.sql");
const WATCH: &str = include_str!("../sql/watch.sql");
const NAMES: &str = include_str!("../sql/names.sql");
const ATTACHED: &str = include_str!("../sql/attached.sql");
const BACKEND_START: &str = "select backend_start from pg_stat_get_activity(pg_backend_pid())";
const MOST_TEXT_BYTES: &str = "select pg_size_bytes(current_setting('track_activity_query_size'))";
/// The timeline is that of the WAL being written: after a promotion the control file has it only from a checkpoint on.
const CONTROL_DATA: &str = "select (select system_identifier from pg_control_system()) as system_identifier, \
                            case when pg_is_in_recovery() then \
                            (select timeline_id from pg_control_checkpoint()) else \
                            ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int4 end \
                            as timeline";

/// The server cuts between two characters, so a text that it has cut is at most this much shorter than its limit: by
/// the zero at its end and all but one byte of a character.
const CUT_SHORT_BY: usize = 4;
/// The server ends a look that takes longer by itself.
const STATEMENT_TIMEOUT_MS: u32 = 1_000;
/// Without an answer for this long the look hangs: the backend is frozen, or the link is dead.
const HANGS_AFTER: Duration = Duration::from_millis(1_500);

/// Why there is no session to sample with.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// No session.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A session on which the first statements failed.
    #[error("the first statements of the sampler failed: {0}")]
    Unfit(String),
    /// An old server.
    #[error("PostgreSQL {0} is older than 14: lockpit reads pg_locks.waitstart, which came with 14")]
    TooOld(String),
}

/// Why a look brought nothing.
#[derive(Debug)]
pub(super) enum LookError {
    /// The server refused or ended this look; the next one may succeed.
    Missed(String),
    /// No answer at all.
    Hangs,
    /// The session is gone.
    Gone(String),
}

/// The backend that serves a session, and where it was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own {
    /// The backend.
    pub backend: BackendId,
    /// The address it was reached at; `None` for a Unix socket.
    pub peer: Option<IpAddr>,
}

/// A session with everything prepared.
#[derive(Debug)]
pub(super) struct SamplerSession {
    session: Session,
    sample: Statement,
    watch: Statement,
    name: Statement,
    names: NameCache,
    database: Oid,
    own: Own,
    /// A text of this many bytes may have been cut by the server.
    cut_from_bytes: usize,
}

impl SamplerSession {
    /// Connects, and asks the server who it is.
    pub(super) async fn open(
        conninfo: &Conninfo,
        application: &str,
    ) -> Result<(SamplerSession, Attached), AttachError> {
        let settings =
            SessionSettings { statement_timeout_ms: STATEMENT_TIMEOUT_MS, ..SessionSettings::sampler() };
        let session = conninfo.connect(application, &settings).await?;
        if session.server_version_num() < 140_000 {
            let (major, minor) =
                (session.server_version_num() / 10_000, session.server_version_num() % 10_000);
            return Err(AttachError::TooOld(format!("{major}.{minor}")));
        }
        let client = session.client();
        // The statements are planned once: planning them costs more than running them.
        let generic = client.batch_execute("set plan_cache_mode = force_generic_plan");
        generic.await.map_err(|e| unfit(&e))?;
        let attached = attached(client).await.map_err(|e| unfit(&e))?;
        let sample = client.prepare(SAMPLE).await.map_err(|e| unfit(&e))?;
        let watch = client.prepare(WATCH).await.map_err(|e| unfit(&e))?;
        let name = client.prepare(NAMES).await.map_err(|e| unfit(&e))?;
        let database = attached.database;
        let names = NameCache::new(database);
        let started = client.query_one(BACKEND_START, &[]).await.map_err(|e| unfit(&e))?;
        let started: Option<Timestamp> = started.try_get(0).map_err(|e| unfit(&e))?;
        let backend_start = started.map(|started| started.0);
        let limit = client.query_one(MOST_TEXT_BYTES, &[]).await.map_err(|e| unfit(&e))?;
        let limit: i64 = limit.try_get(0).map_err(|e| unfit(&e))?;
        let cut_from_bytes = usize::try_from(limit).unwrap_or(0).saturating_sub(CUT_SHORT_BY);
        let own = Own {
            backend: BackendId { pid: Pid(session.backend_pid()), backend_start },
            peer: session.peer(),
        };
        let session = SamplerSession { session, sample, watch, name, names, database, own, cut_from_bytes };
        Ok((session, attached))
    }

    /// `conninfo`, narrowed to the server this session reached.
    pub(super) fn here(&self, conninfo: &Conninfo) -> Conninfo {
        conninfo.pinned_to(self.session.host())
    }

    /// Who serves this session.
    pub(super) fn own(&self) -> Own {
        self.own
    }

    /// The backend that serves this session.
    pub(super) fn pid(&self) -> Pid {
        Pid(self.session.backend_pid())
    }

    /// A full look.
    pub(super) async fn sample(
        &self,
        clock: &FlightClock,
        slow: bool,
        extra: &[Pid],
    ) -> Result<RawSample, LookError> {
        let extra: Vec<i32> = extra.iter().map(|pid| pid.0).collect();
        let sent = clock.now();
        let params: [&(dyn ToSql + Sync); 3] = [&slow, &extra, &self.database.0];
        let row = self.answer(self.session.client().query_one(&self.sample, &params)).await?;
        let mut raw = rows::sample(&row, clock.now().us_since(sent)).map_err(|e| self.failed(&e))?;
        for text in raw.texts.iter_mut().flatten() {
            text.cut |= text.bytes >= self.cut_from_bytes;
        }
        Ok(raw)
    }

    /// A cheap look.
    pub(super) async fn watch(&self) -> Result<Watch, LookError> {
        let row = self.answer(self.session.client().query_one(&self.watch, &[])).await?;
        rows::watch(&row).map_err(|e| self.failed(&e))
    }

    /// Names that `sample` needs and that are not known yet, or not any more.
    pub(super) async fn names(
        &mut self,
        clock: &FlightClock,
        sample: &Sample,
    ) -> Result<Option<Names>, LookError> {
        let at = clock.now();
        let wanted = self.names.wanted(at, sample);
        if wanted.is_empty() {
            return Ok(None);
        }
        let look_up = self.names.look_up(at, self.session.client(), &self.name, wanted);
        match tokio::time::timeout(HANGS_AFTER, look_up).await {
            Ok(Ok(names)) => Ok(Some(names)),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => Err(LookError::Hangs),
        }
    }

    /// Gives the session up: what it still runs is cancelled, so that nothing is left behind.
    pub(super) async fn abandon(self) {
        // A cancel that does not get through changes nothing: the session is dropped either way.
        let _ = tokio::time::timeout(Duration::from_millis(500), self.session.cancel()).await;
    }

    /// Ends the session so that the server sees it end.
    pub(super) async fn close(self) {
        self.session.close().await;
    }

    async fn answer<T>(
        &self,
        look: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, LookError> {
        match tokio::time::timeout(HANGS_AFTER, look).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => Err(LookError::Hangs),
        }
    }

    fn failed(&self, error: &tokio_postgres::Error) -> LookError {
        match error.as_db_error() {
            _ if error.is_closed() || self.session.closed_because().is_some() => {
                let why = self.session.closed_because();
                LookError::Gone(why.map_or_else(|| error.to_string(), |why| why.to_string()))
            }
            Some(refused) => LookError::Missed(refused.message().to_owned()),
            None => LookError::Gone(error.to_string()),
        }
    }
}

fn unfit(error: &tokio_postgres::Error) -> AttachError {
    AttachError::Unfit(message(error))
}

async fn attached(client: &tokio_postgres::Client) -> Result<Attached, tokio_postgres::Error> {
    let row = client.query_one(ATTACHED, &[]).await?;
    let (system_identifier, timeline) = match row.try_get("control_data")? {
        true => {
            let control = client.query_one(CONTROL_DATA, &[]).await?;
            let identifier: i64 = control.try_get("system_identifier")?;
            let timeline: i32 = control.try_get("timeline")?;
            (Fact::Known(identifier.cast_unsigned()), Fact::Known(timeline.cast_unsigned()))
        }
        false => {
            let why = || "this login may not call pg_control_system()".to_owned();
            (Fact::Missing(why()), Fact::Missing(why()))
        }
    };
    Ok(Attached {
        version_num: row.try_get::<_, i32>("version_num")?.cast_unsigned(),
        version: row.try_get("version")?,
        system_identifier,
        timeline,
        in_recovery: row.try_get("in_recovery")?,
        postmaster_start: row.try_get::<_, Timestamp>("postmaster_start")?.0,
        database: Oid(row.try_get("database")?),
        database_name: row.try_get("database_name")?,
        max_connections: row.try_get::<_, i32>("max_connections")?.cast_unsigned(),
        rights: Rights {
            role: Oid(row.try_get("role")?),
            role_name: row.try_get("role_name")?,
            superuser: row.try_get("superuser")?,
            sees_all: row.try_get("sees_all")?,
            signals: row.try_get("signals")?,
        },
    })
}
