-- Advisory locks that sessions other than lockpit's hold in this database.
select coalesce(l.pid, 0) as pid, a.backend_start, coalesce(a.application_name, '') as application,
       case when l.objsubid = 1 then (l.classid::int8 << 32) | l.objid::int8 end as one,
       case when l.objsubid = 2 then l.classid::int8::bit(32)::int4 end as two_first,
       case when l.objsubid = 2 then l.objid::int8::bit(32)::int4 end as two_second
from pg_lock_status() l
left join lateral pg_stat_get_activity(coalesce(l.pid, 0)) a on true
where l.locktype = 'advisory' and l.granted
  and l.database = (select d.oid from pg_database d where d.datname = current_database())
  and l.pid is distinct from pg_backend_pid()
  and coalesce(a.application_name, '') not like 'lockpit/%'
order by l.pid, l.classid, l.objid
limit 100
