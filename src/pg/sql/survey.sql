-- The relations of a plan's work and those that are touched with them: $1 those that are named, $2 the role that runs
-- it. From the catalog only: no lock is taken on any of them.
with recursive
named as (select distinct n.oid from unnest($1::oid[]) n(oid)),
table_of as (select i.indrelid as oid, n.oid as tied from named n join pg_index i on i.indexrelid = n.oid),
base as (select oid from named union select oid from table_of),
below(oid, top) as (
    select i.inhrelid, b.oid from base b join pg_inherits i on i.inhparent = b.oid
    union
    select i.inhrelid, w.top from below w join pg_inherits i on i.inhparent = w.oid
),
above(oid, child) as (
    select i.inhparent, b.oid from base b join pg_inherits i on i.inhrelid = b.oid
    union
    select i.inhparent, a.oid from above a join pg_inherits i on i.inhrelid = a.oid
),
defaults as (
    select p.partdefid as oid, p.partrelid as tied
    from pg_partitioned_table p
    where p.partdefid <> 0
      and p.partrelid in (select oid from base union select oid from below union select oid from above)
),
-- The keys that partitions have inherited say nothing that those of their parent do not.
keys as (
    select c.conrelid, c.confrelid from pg_constraint c
    where c.contype = 'f' and c.conrelid <> c.confrelid
      and (c.conrelid in (select oid from base) or c.confrelid in (select oid from base)
           or (c.conparentid = 0
               and (c.conrelid in (select oid from below) or c.confrelid in (select oid from below))))
),
scope as (select oid from base union select oid from below),
ties(oid, tie, tied) as (
    select oid, 'named', null::oid from named
    union select oid, 'table_of', tied from table_of
    union select w.oid, 'partition_of', w.top from below w
          where not exists (select from defaults d where d.oid = w.oid)
    union select oid, 'default_partition_of', tied from defaults
    union select oid, 'parent_of', child from above
    union select k.conrelid, 'references', k.confrelid from keys k where k.confrelid in (select oid from scope)
    union select k.confrelid, 'referenced_by', k.conrelid from keys k where k.conrelid in (select oid from scope)
    union select i.indexrelid, 'index_of', i.indrelid from pg_index i where i.indrelid in (select oid from base)
)
select t.oid, t.tie, t.tied, n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
       case when c.relpages < 0 then c.relpages + 4294967296 else c.relpages::int8 end as pages,
       case when c.reltuples >= 0 then c.reltuples::int8 end as rows,
       case when c.relkind in ('r', 'm', 't') then pg_stat_get_dead_tuples(c.oid) end as dead,
       pg_has_role($2::text::name, c.relowner, 'USAGE') as may_alter
from ties t
join pg_class c on c.oid = t.oid
join pg_namespace n on n.oid = c.relnamespace
order by array_position(array['named', 'table_of', 'default_partition_of', 'partition_of', 'parent_of', 'references',
                              'referenced_by', 'index_of'], t.tie), n.nspname, c.relname, t.tied
