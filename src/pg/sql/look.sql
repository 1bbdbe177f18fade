-- Who holds locks that conflict with what is wanted: $1 relations, $2 conflicting modes, side by side. It takes no lock
-- on a user relation. Activity is never joined from the inside: a prepared transaction has no process.
with wanted as materialized (
    select w.relation, w.mode from unnest($1::oid[], $2::text[]) w(relation, mode)
),
locks as materialized (
    select l.locktype, l.relation, l.virtualtransaction, l.transactionid, l.pid, l.mode, l.granted
    from pg_lock_status() l
    where (l.locktype = 'relation' and l.relation = any ($1::oid[])
           and l.database = (select d.oid from pg_database d where d.datname = current_database()))
       or (l.locktype = 'transactionid' and l.pid is null)
),
-- One row for each holder: its strongest conflicting lock.
holding as materialized (
    select distinct on (coalesce(l.pid, 0), l.virtualtransaction)
           l.pid, l.relation, l.mode,
           case when l.pid is null then (
               select x.transactionid from locks x
               where x.locktype = 'transactionid' and x.pid is null
                 and x.virtualtransaction = l.virtualtransaction
               limit 1) end as xid
    from locks l
    join wanted w on w.relation = l.relation and w.mode = l.mode
    where l.locktype = 'relation' and l.granted and l.pid is distinct from pg_backend_pid()
    order by coalesce(l.pid, 0), l.virtualtransaction,
             array_position(array['AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock',
                                  'ShareUpdateExclusiveLock', 'RowExclusiveLock', 'RowShareLock',
                                  'AccessShareLock'], l.mode),
             l.relation
),
holders as (
    select coalesce(h.pid, 0) as pid, h.relation, h.mode, p.gid, a.backend_type, a.application_name, a.usesysid,
           a.state, a.backend_start, coalesce(a.xact_start, p.prepared) as xact_start,
           a.backend_type is null and a.query = '<insufficient privilege>' as masked,
           coalesce(a.backend_type = 'autovacuum worker'
                    and strpos(a.query, '(to prevent wraparound)') > 0, false) as wraparound
    from holding h
    -- No process has number 0.
    left join lateral pg_stat_get_activity(coalesce(h.pid, 0)) a on true
    left join pg_prepared_xact() p on h.pid is null and p.transaction = h.xid
    order by xact_start nulls first, pid
    limit 50
)
select statement_timestamp() as now_at, c.in_all, q.queued, h.*, v.param3 as done, v.param2 as total,
       (extract(epoch from clock_timestamp() - statement_timestamp()) * 1000000)::int8 as cost_us
from (select count(*) as in_all from holding) c
cross join (select count(distinct l.pid) as queued from locks l
            where l.locktype = 'relation' and not l.granted and l.pid <> pg_backend_pid()) q
left join holders h on true
left join lateral (select i.param2, i.param3 from pg_stat_get_progress_info('VACUUM') i
                   where i.pid = h.pid and h.backend_type is distinct from 'client backend') v on true
order by h.xact_start nulls first, h.pid
