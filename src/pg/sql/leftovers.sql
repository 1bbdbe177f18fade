-- What interrupted work has left in this database. An index that is being built just now is no leftover.
with building as (
    select p.relid from pg_stat_get_progress_info('CREATE INDEX') p
    where p.datid = (select d.oid from pg_database d where d.datname = current_database())
),
indexes as (
    select x.relname, xn.nspname as object_schema, coalesce(o.oid, t.oid) as table_oid
    from pg_index i
    join pg_class x on x.oid = i.indexrelid
    join pg_namespace xn on xn.oid = x.relnamespace
    join pg_class t on t.oid = i.indrelid
    -- The table that a TOAST table belongs to.
    left join pg_class o on t.relkind = 't' and o.reltoastrelid = t.oid
    -- A partitioned index is not valid until it is whole: nothing was interrupted.
    where not (i.indisvalid and i.indisready and i.indislive) and x.relkind = 'i'
      and not exists (select from building b where b.relid in (t.oid, o.oid))
),
found(kind, table_oid, name, object_schema) as (
    select case when i.relname ~ '_ccnew[0-9]*$' then 'new' when i.relname ~ '_ccold[0-9]*$' then 'old'
                else 'invalid' end,
           i.table_oid, i.relname::text, i.object_schema::text
    from indexes i
    union all
    select 'detach', h.inhparent, c.relname::text, n.nspname::text
    from pg_inherits h join pg_class c on c.oid = h.inhrelid join pg_namespace n on n.oid = c.relnamespace
    where h.inhdetachpending
    union all
    -- One that is not enforced (18) is not meant to be validated.
    select 'constraint', k.conrelid, k.conname::text, null
    from pg_constraint k
    where not k.convalidated and k.conrelid <> 0 and k.conparentid = 0 and (k.conislocal or k.coninhcount = 0)
      and coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true'
)
select f.kind, n.nspname::text as schema, t.relname::text as table_name, f.name,
       nullif(f.object_schema, n.nspname::text) as object_schema
from found f
join pg_class t on t.oid = f.table_oid
join pg_namespace n on n.oid = t.relnamespace
where n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
order by f.kind, n.nspname, t.relname, f.name
limit 500
