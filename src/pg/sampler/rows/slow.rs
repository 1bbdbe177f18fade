//! What is read once a second: replication, slots, progress, counters.

use tokio_postgres::Row;

use super::column::{Column, unsigned};
use crate::engine::ids::{Oid, Pid};
use crate::engine::sample::{Backend, DatabaseCounters, Progress, Sender, Slot, SlowFacts};
use crate::pg::progress::{Params, decode};
use crate::pg::time::Timestamp;

/// Decodes the slow part of the row of `sample.sql`.
pub(super) fn slow(row: &Row, backends: &[Backend]) -> Result<SlowFacts, tokio_postgres::Error> {
    Ok(SlowFacts {
        in_recovery: row.try_get("g_in_recovery")?,
        checkpointer_start: row.try_get::<_, Option<Timestamp>>("g_checkpointer_start")?.map(|time| time.0),
        wal_lsn: row.try_get::<_, Option<i64>>("g_wal")?.map(unsigned),
        senders: senders(row, backends)?,
        slots: slots(row)?,
        progress: progress(row)?,
        counters: DatabaseCounters {
            xact_commit: unsigned(row.try_get("c_commit")?),
            xact_rollback: unsigned(row.try_get("c_rollback")?),
            deadlocks: unsigned(row.try_get("c_deadlocks")?),
            conflicts: unsigned(row.try_get("c_conflicts")?),
            temp_bytes: unsigned(row.try_get("c_temp_bytes")?),
        },
    })
}

fn senders(row: &Row, backends: &[Backend]) -> Result<Vec<Sender>, tokio_postgres::Error> {
    let pids = Column::<i32>::of(row, "r_pid")?;
    let mut state = Column::<String>::of(row, "r_state")?;
    let mut sync_state = Column::<String>::of(row, "r_sync_state")?;
    let mut amounts = [
        Column::<i64>::of(row, "r_sent")?,
        Column::of(row, "r_write")?,
        Column::of(row, "r_flush")?,
        Column::of(row, "r_replay")?,
        Column::of(row, "r_write_lag")?,
        Column::of(row, "r_flush_lag")?,
        Column::of(row, "r_replay_lag")?,
    ];
    let mut reply_time = Column::<Timestamp>::of(row, "r_reply_time")?;
    let application = |pid: Pid| backends.iter().find(|b| b.pid == pid).map(|b| b.application.to_string());
    Ok(pids
        .0
        .flatten()
        .map(|pid| {
            let [sent_lsn, write_lsn, flush_lsn, replay_lsn, write_lag_us, flush_lag_us, replay_lag_us] =
                amounts.each_mut().map(|column| column.next().map(unsigned));
            Sender {
                pid: Pid(pid),
                application: application(Pid(pid)).unwrap_or_default(),
                state: state.next(),
                sync_state: sync_state.next(),
                sent_lsn,
                write_lsn,
                flush_lsn,
                replay_lsn,
                write_lag_us,
                flush_lag_us,
                replay_lag_us,
                reply_time: reply_time.next().map(|time| time.0),
            }
        })
        .collect())
}

fn slots(row: &Row) -> Result<Vec<Slot>, tokio_postgres::Error> {
    let names = Column::<String>::of(row, "s_name")?;
    let mut logical = Column::<bool>::of(row, "s_logical")?;
    let mut active = Column::<bool>::of(row, "s_active")?;
    let mut restart = Column::<i64>::of(row, "s_restart")?;
    let mut wal_status = Column::<String>::of(row, "s_wal_status")?;
    Ok(names
        .0
        .flatten()
        .map(|name| Slot {
            name,
            logical: logical.next().unwrap_or(false),
            active: active.next().unwrap_or(false),
            restart_lsn: restart.next().map(unsigned),
            wal_status: wal_status.next(),
        })
        .collect())
}

fn progress(row: &Row) -> Result<Vec<Progress>, tokio_postgres::Error> {
    let commands = Column::<&str>::of(row, "n_command")?;
    let mut pid = Column::<i32>::of(row, "n_pid")?;
    let mut relation = Column::<u32>::of(row, "n_relation")?;
    let mut params = Column::<&str>::of(row, "n_params")?;
    let mut subphase = Column::<&str>::of(row, "n_subphase")?;
    Ok(commands
        .0
        .flatten()
        .map(|command| {
            let pid = Pid(pid.next().unwrap_or(0));
            let relation = relation.next().filter(|oid| *oid != 0).map(Oid);
            let params = Params::parse(params.next().unwrap_or_default());
            decode(pid, command, relation, &params, subphase.next())
        })
        .collect())
}
