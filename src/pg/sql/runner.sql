-- Who the runner is, and on which cluster. The timeline is that of the WAL being written: the control file has a new
-- one only after a checkpoint.
select pg_catalog.pg_backend_pid() as pid,
       (select a.backend_start from pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a) as backend_start,
       pg_catalog.pg_is_in_recovery() as standby,
       case when not pg_catalog.pg_is_in_recovery() then
           pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) end as timeline,
       pg_catalog.pg_postmaster_start_time() as postmaster_start
