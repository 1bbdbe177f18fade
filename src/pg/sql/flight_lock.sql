-- The flight's lock on this database: $1 its class. Got, or held by whom; and whether that one's flight is alive: its
-- other sessions carry the same tag.
with got as materialized (select pg_catalog.pg_try_advisory_lock($1, 1) as got),
holder as materialized (
    select l.pid
    from got, pg_catalog.pg_lock_status() l
    where not got.got and l.locktype = 'advisory' and l.granted and l.objsubid = 2
      and l.classid = $1::pg_catalog.int8::pg_catalog.oid and l.objid = 1
      and l.database = (select d.oid from pg_catalog.pg_database d
                        where d.datname = pg_catalog.current_database())
)
select got.got, h.pid, a.application_name, a.backend_start,
       exists (select from pg_catalog.pg_stat_get_activity(null) o
               where o.application_name in (
                   'lockpit/sampler ' || pg_catalog.substr(a.application_name, 13),
                   'lockpit/control ' || pg_catalog.substr(a.application_name, 13))) as alive,
       pg_catalog.to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') as since
from got
left join holder h on true
left join lateral pg_catalog.pg_stat_get_activity(coalesce(h.pid, 0)) a on true
limit 1
