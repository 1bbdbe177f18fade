-- Cancels one statement of one session, or nothing.
select pg_cancel_backend(a.pid) as signalled
from pg_stat_get_activity($1) a
where a.backend_start = $2 and a.query_start = $3 and a.state = 'active'
