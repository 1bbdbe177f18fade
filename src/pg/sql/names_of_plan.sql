-- What names mean in this session, as they are written in a plan: $1. The last part of each, as the catalog has it.
select n.name, pg_catalog.to_regclass(n.name)::pg_catalog.oid as oid, i.parts[pg_catalog.cardinality(i.parts)] as last,
       pg_catalog.cardinality(i.parts) as parts, (current_user)::pg_catalog.text as role
from pg_catalog.unnest($1::pg_catalog.text[]) n(name)
cross join lateral (select pg_catalog.parse_ident(n.name) as parts) i
