-- Who this server is, and what this login may see and stop there.
select current_setting('server_version_num')::int4 as version_num,
       current_setting('server_version') as version,
       current_setting('max_connections')::int4 as max_connections,
       pg_is_in_recovery() as in_recovery,
       pg_postmaster_start_time() as postmaster_start,
       (select oid from pg_database where datname = current_database()) as database,
       current_database()::text as database_name,
       -- As sessions are listed: by who logged in, whatever role the login then takes on (ALTER ROLE .. SET role).
       (select a.usesysid from pg_stat_get_activity(pg_backend_pid()) a) as role,
       me.rolname::text as role_name,
       me.rolsuper as superuser,
       me.rolsuper or pg_has_role(me.oid, 'pg_read_all_stats', 'usage') as sees_all,
       me.rolsuper or pg_has_role(me.oid, 'pg_signal_backend', 'usage') as signals,
       has_function_privilege('pg_control_system()', 'execute')
           and has_function_privilege('pg_control_checkpoint()', 'execute') as control_data
from pg_roles me where me.rolname = current_user
