-- Terminates one session while it is still at the attempt named, or nothing.
select pg_terminate_backend(a.pid) as signalled
from pg_stat_get_activity($1) a
where a.backend_start = $2
  and a.state <> 'idle'
  and ((a.state = 'active' and a.query_start = $3) or a.xact_start = $4)
