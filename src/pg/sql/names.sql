-- Names of the relations ($1, of the connected database), roles ($2) and databases ($3) asked for.
select 'relation' as what, c.oid, n.nspname::text as schema, c.relname::text as name,
       c.relkind::text as kind, c.relpersistence <> 't' as permanent
from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = any($1::oid[])
union all
select 'role', r.oid, null, r.rolname::text, null, null from pg_roles r where r.oid = any($2::oid[])
union all
select 'database', d.oid, null, d.datname::text, null, null from pg_database d where d.oid = any($3::oid[])
