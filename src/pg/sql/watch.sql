-- The cheap look between two samples: who awaits a lock, since when, and the blockers of the twenty that
-- have waited longest.
with waiting as materialized (
    select distinct on (l.pid) l.pid, l.waitstart from pg_lock_status() l
    where not l.granted and l.pid is not null order by l.pid, l.waitstart
),
oldest as materialized (
    select w.pid, pg_blocking_pids(w.pid) as blockers
    from (select pid from waiting order by waitstart nulls last, pid limit 20) w
)
select statement_timestamp() as now_at, w.waiting, w.oldest_wait_start, o.e_waiter, o.e_blockers,
       (extract(epoch from clock_timestamp() - statement_timestamp()) * 1000000)::int8 as cost_us
from (select count(*) as waiting, min(waitstart) as oldest_wait_start from waiting) w,
     (select array_agg(pid) as e_waiter, array_agg(array_to_string(blockers, ',')) as e_blockers from oldest) o
