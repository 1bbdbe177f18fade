//! What the server itself says of a frozen scene, read on another session than lockpit's statement.

use std::collections::{BTreeMap, BTreeSet};

use lockpit::engine::ids::Pid;

/// The server's own view: `pg_blocking_pids()` of everyone `pg_locks` shows waiting, and who holds or awaits
/// which kind of lock on the tables of the stage.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    /// Whom each waiter waits for.
    pub(crate) blockers: BTreeMap<Pid, BTreeSet<Pid>>,
    /// Who holds or awaits SHARE or stronger on a table.
    pub(crate) strong: BTreeSet<Pid>,
    /// Who holds or awaits SHARE UPDATE EXCLUSIVE or stronger on a table.
    pub(crate) schema_work: BTreeSet<Pid>,
}

impl Truth {
    /// What to ask: one row for each session that waits or has a lock on a table.
    pub(crate) const SQL: &str = "
        select l.pid,
               case when bool_or(not l.granted) then pg_blocking_pids(l.pid) end,
               coalesce(bool_or(c.oid is not null and l.mode in ('ShareLock', 'ShareRowExclusiveLock',
                                'ExclusiveLock', 'AccessExclusiveLock')), false),
               coalesce(bool_or(c.oid is not null and l.mode in ('ShareUpdateExclusiveLock', 'ShareLock',
                                'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')), false)
        from pg_locks l left join pg_class c on l.locktype = 'relation' and c.oid = l.relation
             and l.database = (select oid from pg_database where datname = current_database())
             and c.relname like 'stage%'
        where l.pid <> pg_backend_pid()
        group by l.pid";

    /// From the rows of [`Truth::SQL`].
    pub(crate) fn of(rows: &[tokio_postgres::Row]) -> Truth {
        let mut truth = Truth::default();
        for row in rows {
            let pid = Pid(row.get(0));
            if let Some(blockers) = row.get::<_, Option<Vec<i32>>>(1) {
                truth.blockers.insert(pid, blockers.into_iter().map(Pid).collect());
            }
            if row.get(2) {
                truth.strong.insert(pid);
            }
            if row.get(3) {
                truth.schema_work.insert(pid);
            }
        }
        truth
    }

    /// Who waits.
    pub(crate) fn waiting(&self) -> BTreeSet<Pid> {
        self.blockers.keys().copied().collect()
    }
}
