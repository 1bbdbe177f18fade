-- What became of an attempt: $1 pid, $2 backend_start, $3 application_name, $4 the 32-bit id of its transaction. Whether
-- the server was started again since, or had to recover from a crash: its processes are younger.
select exists (
           select from pg_stat_get_activity($1) a
           where a.application_name = $3 and ($2::timestamptz is null or a.backend_start = $2)
             and a.state is distinct from 'idle') as running,
       coalesce(greatest(pg_postmaster_start_time(),
                         (select c.backend_start from pg_stat_get_activity(null) c
                          where c.backend_type = 'checkpointer')) > $2::timestamptz, false) as restarted,
       case when $4::int8 is not null then pg_xact_status(
           (case when x.full_xid - x.next > 2147483648 then x.full_xid - 4294967296 else x.full_xid end)::text::xid8) end
           as xact
from (select n.next, (n.next & ~4294967295::int8) | $4::int8 as full_xid
      from (select pg_snapshot_xmax(pg_current_snapshot())::text::int8 as next) n) x
