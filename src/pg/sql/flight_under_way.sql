-- Who holds the flight's lock on this database: $1 its class. Asked without asking for the lock.
select l.pid, a.application_name,
       to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') as since
from pg_lock_status() l
left join lateral pg_stat_get_activity(coalesce(l.pid, 0)) a on true
where l.locktype = 'advisory' and l.granted and l.objsubid = 2
  and l.classid = $1::int4::int8::oid and l.objid = 1
  and l.database = (select d.oid from pg_database d where d.datname = current_database())
limit 1
