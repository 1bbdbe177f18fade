-- What is left of an attempt: $1 pid, $2 backend_start, $3 query_start, $4 who waited behind it, $5 xact_start.
-- Locks of the session's next transaction are not the attempt's.
with locks as materialized (
    select l.pid, l.locktype, l.relation, l.mode, l.granted from pg_lock_status() l
    where l.pid = $1 or (not l.granted and l.pid = any($4::int4[]))
)
select a.pid is not null as alive,
       a.state,
       coalesce(a.state = 'active' and a.query_start = $3, false) as same_statement,
       exists (select from locks l
               where l.pid = $1 and a.xact_start = coalesce($5, a.xact_start) and l.locktype = 'relation' and l.relation >= 16384
                 and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))
           as still_strong,
       (select count(distinct l.pid) from locks l where not l.granted and l.pid = any($4::int4[])) as waiting
from (select 1) one left join pg_stat_get_activity($1) a on a.backend_start = $2
