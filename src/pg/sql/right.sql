-- May this login signal backend $1 (started at $2) of role $3, and see what it must check before?
select me.rolsuper or not them.rolsuper as superuser_ok,
       me.rolsuper or pg_has_role(me.oid, them.oid, 'usage') or pg_has_role(me.oid, 'pg_signal_backend', 'usage')
           as may_signal,
       exists (select from pg_stat_get_activity($1) a
               where a.backend_start is not distinct from $2 and a.query_start is not null) as sees_starts,
       quote_ident(me.rolname) as me,
       quote_ident(them.rolname) as them
from pg_roles me, pg_roles them
where me.rolname = current_user and them.oid = $3
