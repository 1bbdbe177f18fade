//! From the rows of the server to facts.
//!
//! Owns the decoding of `sample.sql` and `watch.sql`. Texts leave here raw, beside the facts, to be digested
//! before anything else sees them.

mod column;
mod slow;

use std::collections::BTreeMap;

use tokio_postgres::Row;

use crate::engine::ids::{Oid, Pid, ServerTime, Word};
use crate::engine::locks::{LockMode, LockObject};
use crate::engine::sample::{Backend, BackendKind, Counts, Edge, Lock, PreparedXact, Sample, State, Watch};
use crate::pg::time::Timestamp;
use column::{Column, unsigned};
use slow::slow;

/// Prefix of `application_name` on all of lockpit's own sessions.
pub const OWN_PREFIX: &str = "lockpit/";
/// Prefix of it on the sessions that run plans.
pub const RUNNER_PREFIX: &str = "lockpit/run ";

/// The words of one column group, each kept once: most rows repeat them.
#[derive(Debug, Default)]
struct Words<'a>(BTreeMap<&'a str, Word>);

impl<'a> Words<'a> {
    fn of(&mut self, text: &'a str) -> Word {
        self.0.entry(text).or_insert_with(|| Word::from(text)).clone()
    }
}

/// A sample whose texts are still raw: the text of `sample.backends[i]` is `texts[i]`.
#[derive(Debug)]
pub struct RawSample {
    /// The facts; every `text` in it is still `None`.
    pub sample: Sample,
    /// The texts.
    pub texts: Vec<Option<RawText>>,
}

/// A text as the server showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawText {
    /// The text.
    pub text: String,
    /// The sampler cut it. (The server may have cut it too.)
    pub cut: bool,
    /// How long it is on the server, in bytes of its database's encoding.
    pub bytes: usize,
}

/// Decodes the row of `sample.sql`.
///
/// # Errors
/// The row has not the shape of this release's query.
pub fn sample(row: &Row, round_trip_us: u64) -> Result<RawSample, tokio_postgres::Error> {
    let (backends, texts) = backends(row)?;
    let sample = Sample {
        server_now: row.try_get::<_, Timestamp>("now_at")?.0,
        cost_us: unsigned(row.try_get("cost_us")?),
        round_trip_us,
        counts: Counts {
            total: count(row, "total")?,
            active: count(row, "active")?,
            idle: count(row, "idle")?,
            idle_in_transaction: count(row, "idle_in_transaction")?,
            masked: count(row, "masked")?,
        },
        slow: if row.try_get("slow")? { Some(Box::new(slow(row, &backends)?)) } else { None },
        backends,
        locks: locks(row)?,
        edges: edges(row)?,
        prepared: prepared(row)?,
    };
    Ok(RawSample { sample, texts })
}

/// Decodes the row of `watch.sql`.
///
/// # Errors
/// The row has not the shape of this release's query.
pub fn watch(row: &Row) -> Result<Watch, tokio_postgres::Error> {
    Ok(Watch {
        server_now: row.try_get::<_, Timestamp>("now_at")?.0,
        cost_us: unsigned(row.try_get("cost_us")?),
        waiting: count(row, "waiting")?,
        oldest_wait_start: row.try_get::<_, Option<Timestamp>>("oldest_wait_start")?.map(|time| time.0),
        oldest: edges(row)?,
    })
}

type Backends = (Vec<Backend>, Vec<Option<RawText>>);

fn backends(row: &Row) -> Result<Backends, tokio_postgres::Error> {
    let pids = Column::<i32>::of(row, "b_pid")?;
    let mut leader = Column::<i32>::of(row, "b_leader_pid")?;
    let mut kind = Column::<&str>::of(row, "b_type")?;
    let mut masked = Column::<bool>::of(row, "b_masked")?;
    let mut database = Column::<u32>::of(row, "b_database")?;
    let mut role = Column::<u32>::of(row, "b_role")?;
    let mut application = Column::<&str>::of(row, "b_application")?;
    let mut client = Column::<&str>::of(row, "b_client")?;
    let mut state = Column::<&str>::of(row, "b_state")?;
    let mut wait_event = Column::<&str>::of(row, "b_wait_event")?;
    let mut times = [
        Column::<Timestamp>::of(row, "b_backend_start")?,
        Column::of(row, "b_xact_start")?,
        Column::of(row, "b_query_start")?,
        Column::of(row, "b_state_change")?,
    ];
    let mut xid = Column::<i64>::of(row, "b_xid")?;
    let mut query = Column::<&str>::of(row, "b_query")?;
    let mut query_bytes = Column::<i32>::of(row, "b_query_bytes")?;
    let mut words = Words::default();
    let mut backends = Vec::new();
    let mut texts = Vec::new();
    for pid in pids.0.flatten() {
        let masked = masked.next().unwrap_or(false);
        let application = application.next().unwrap_or_default();
        let role = role.next().filter(|oid| *oid != 0).map(Oid);
        let [backend_start, xact_start, query_start, state_change] =
            times.each_mut().map(|column| column.next().map(|time| time.0));
        let (state, text) = (state.next(), query.next());
        let bytes = query_bytes.next().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0);
        let cut = bytes > text.map_or(0, str::len);
        backends.push(Backend {
            pid: Pid(pid),
            leader_pid: leader.next().map(Pid),
            kind: backend_kind(kind.next(), application, masked && role.is_some()),
            database: database.next().filter(|oid| *oid != 0).map(Oid),
            role,
            application: words.of(application),
            client: client.next().map(|client| words.of(client)),
            state: if masked { State::Masked } else { state.map_or(State::None, State::from_name) },
            wait_event: wait_event.next().map(|event| words.of(event)),
            backend_start,
            xact_start,
            query_start,
            state_change,
            backend_xid: xid.next().and_then(|xid| u32::try_from(xid).ok()),
            text: None,
        });
        let shown = text.filter(|text| !masked && !text.is_empty());
        texts.push(shown.map(|text| RawText { text: text.to_owned(), cut, bytes }));
    }
    Ok((backends, texts))
}

/// A masked backend of a role is taken for a client: every other process that has one shows its type.
pub(in crate::pg) fn backend_kind(kind: Option<&str>, application: &str, masked_role: bool) -> BackendKind {
    match kind {
        // The session that runs a plan is a client like any other: what it does is what is guarded.
        _ if application.starts_with(OWN_PREFIX) && !application.starts_with(RUNNER_PREFIX) => {
            BackendKind::Lockpit
        }
        Some("client backend") => BackendKind::Client,
        Some("parallel worker") => BackendKind::ParallelWorker,
        Some("autovacuum worker") => BackendKind::Autovacuum,
        Some("walsender") => BackendKind::WalSender,
        None if masked_role => BackendKind::Client,
        _ => BackendKind::Other,
    }
}

fn locks(row: &Row) -> Result<Vec<Lock>, tokio_postgres::Error> {
    let pids = Column::<i32>::of(row, "l_pid")?;
    let mut prepared = Column::<i64>::of(row, "l_prepared")?;
    let mut locktype = Column::<&str>::of(row, "l_type")?;
    let mut database = Column::<u32>::of(row, "l_database")?;
    let mut relation = Column::<u32>::of(row, "l_relation")?;
    let mut xid = Column::<i64>::of(row, "l_xid")?;
    let mut virtualxid = Column::<&str>::of(row, "l_virtualxid")?;
    let mut mode = Column::<&str>::of(row, "l_mode")?;
    let mut granted = Column::<bool>::of(row, "l_granted")?;
    let mut wait_start = Column::<Timestamp>::of(row, "l_wait_start")?;
    let mut words = Words::default();
    let mut locks = Vec::new();
    for pid in pids.0.flatten() {
        let locktype = locktype.next().unwrap_or_default();
        let object = object(
            &mut words,
            locktype,
            Oid(database.next().unwrap_or(0)),
            Oid(relation.next().unwrap_or(0)),
            xid.next().and_then(|xid| u32::try_from(xid).ok()),
            virtualxid.next(),
        );
        let lock = Lock {
            pid: Pid(pid),
            prepared_xid: prepared.next().and_then(|xid| u32::try_from(xid).ok()),
            object,
            // Predicate locks (SIReadLock) have no heavyweight mode; they block nobody.
            mode: match mode.next().and_then(LockMode::from_name) {
                Some(mode) => mode,
                None => {
                    granted.next();
                    wait_start.next();
                    continue;
                }
            },
            granted: granted.next().unwrap_or(true),
            wait_start: wait_start.next().map(|time| time.0),
        };
        locks.push(lock);
    }
    Ok(locks)
}

fn object<'a>(
    words: &mut Words<'a>,
    locktype: &'a str,
    database: Oid,
    relation: Oid,
    xid: Option<u32>,
    virtualxid: Option<&'a str>,
) -> LockObject {
    match (locktype, xid, virtualxid) {
        ("relation", _, _) => LockObject::Relation { database, relation },
        ("extend" | "page" | "tuple", _, _) => {
            LockObject::Part { database, relation, what: words.of(locktype) }
        }
        ("transactionid", Some(xid), _) => LockObject::Transaction { xid },
        ("virtualxid", _, Some(id)) => LockObject::VirtualTransaction { id: words.of(id) },
        _ => LockObject::Other { locktype: words.of(locktype), database },
    }
}

fn edges(row: &Row) -> Result<Vec<Edge>, tokio_postgres::Error> {
    let waiters = Column::<i32>::of(row, "e_waiter")?;
    let mut blockers = Column::<&str>::of(row, "e_blockers")?;
    let mut edges: Vec<Edge> = waiters
        .0
        .flatten()
        .map(|waiter| {
            let mut pids: Vec<Pid> = blockers
                .next()
                .unwrap_or_default()
                .split(',')
                .filter_map(|pid| pid.parse().ok().map(Pid))
                .collect();
            pids.sort_unstable();
            pids.dedup();
            Edge { waiter: Pid(waiter), blockers: pids }
        })
        .collect();
    edges.sort_unstable_by_key(|edge| edge.waiter);
    Ok(edges)
}

fn prepared(row: &Row) -> Result<Vec<PreparedXact>, tokio_postgres::Error> {
    let xids = Column::<i64>::of(row, "p_xid")?;
    let mut gid = Column::<String>::of(row, "p_gid")?;
    let mut at = Column::<Timestamp>::of(row, "p_prepared")?;
    let mut owner = Column::<u32>::of(row, "p_owner")?;
    let mut database = Column::<u32>::of(row, "p_database")?;
    Ok(xids
        .0
        .flatten()
        .map(|xid| PreparedXact {
            xid: u32::try_from(xid).unwrap_or(0),
            gid: gid.next().unwrap_or_default(),
            prepared: at.next().map_or(ServerTime(0), |time| time.0),
            owner: Oid(owner.next().unwrap_or(0)),
            database: Oid(database.next().unwrap_or(0)),
        })
        .collect())
}

fn count(row: &Row, name: &str) -> Result<u32, tokio_postgres::Error> {
    Ok(u32::try_from(row.try_get::<_, i64>(name)?).unwrap_or(u32::MAX))
}
