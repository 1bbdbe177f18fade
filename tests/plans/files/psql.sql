\set ON_ERROR_STOP on
\i schema.sql
begin;
alter table t add column c text default :'word';
set search_path to app;
rollback;
copy t from stdin;
1	it's
2	\N
\.
create index concurrently i on t (c);
insert into t values ('${name}', 'open
