-- Whether objects are as they should be: $1 what each is, $2 its table, $3 its relation (both 0 where there is none),
-- $4 its name as the catalog has it, $5 what else is wanted. The answer is good, absent, or a sentence.
with wanted as (
    select w.nr, w.kind, w.tbl, w.name, w.flag,
           -- An index without a schema is in that of its table.
           case when w.obj <> 0 then w.obj
                else coalesce((select c.oid from pg_class c
                               where c.relname = w.name::name
                                 and c.relnamespace = (select t.relnamespace from pg_class t where t.oid = w.tbl)),
                              0) end as obj
    from unnest($1::text[], $2::oid[], $3::oid[], $4::text[], $5::bool[])
         with ordinality w(kind, tbl, obj, name, flag, nr)
)
select case w.kind
    when 'index' then coalesce((
        select case when c.relkind not in ('i', 'I') then 'a relation of this name is there that is no index'
                    when i.indisvalid and i.indisready and i.indislive then 'good'
                    when c.relkind = 'I' then 'it is not valid: not every partition has its index'
                    when not i.indislive then 'it is being dropped'
                    when not i.indisready then 'it is not ready: its build was interrupted, and writes do not keep it'
                    else 'it is not valid: its build was interrupted' end
        from pg_class c left join pg_index i on i.indexrelid = c.oid where c.oid = w.obj), 'absent')
    when 'relation' then case when w.obj <> 0 then 'good' else 'absent' end
    when 'no relation' then case when w.obj = 0 then 'good' else 'it is still there' end
    when 'column' then coalesce((
        select case when w.flag and not a.attnotnull then 'it can be null'
                    when not w.flag and a.attnotnull then 'it is NOT NULL'
                    else 'good' end
        from pg_attribute a
        where a.attrelid = w.tbl and a.attname = w.name::name and a.attnum > 0 and not a.attisdropped), 'absent')
    when 'no column' then case when exists (
        select from pg_attribute a
        where a.attrelid = w.tbl and a.attname = w.name::name and a.attnum > 0 and not a.attisdropped)
        then 'it is still there' else 'good' end
    when 'constraint' then coalesce((
        select case when w.flag and not c.convalidated then 'it is not validated' else 'good' end
        from pg_constraint c where c.conrelid = w.tbl and c.conname = w.name::name and w.tbl <> 0), 'absent')
    when 'no constraint' then case when exists (
        select from pg_constraint c where c.conrelid = w.tbl and c.conname = w.name::name and w.tbl <> 0)
        then 'it is still there' else 'good' end
    when 'partition' then coalesce((
        select case when i.inhdetachpending then 'its detach is pending: its rows are not seen through the parent'
                    else 'good' end
        from pg_inherits i where i.inhrelid = w.obj and i.inhparent = w.tbl), 'absent')
    when 'no partition' then coalesce((
        select case when i.inhdetachpending then 'its detach is pending: its rows are not seen through the parent'
                    else 'it is still a partition' end
        from pg_inherits i where i.inhrelid = w.obj and i.inhparent = w.tbl), 'good')
    when 'trigger' then coalesce((
        select 'good' from pg_trigger t
        where t.tgrelid = w.tbl and t.tgname = w.name::name and not t.tgisinternal), 'absent')
    when 'no trigger' then case when exists (
        select from pg_trigger t where t.tgrelid = w.tbl and t.tgname = w.name::name and not t.tgisinternal)
        then 'it is still there' else 'good' end
    end as found
from wanted w
order by w.nr
