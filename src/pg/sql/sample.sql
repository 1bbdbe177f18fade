-- One full look at the cluster, in one statement and one row of arrays. It opens no relation, takes no lock
-- and holds no snapshot beyond itself: set-returning functions of the catalog only.
--   $1  read the slow facts as well (replication, slots, progress, counters)
--   $2  backends to show whatever their state
--   $3  the connected database
with
locks as materialized (
    select l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid, l.transactionid, l.classid,
           l.virtualtransaction, l.pid, l.mode, l.granted, l.waitstart
    from pg_lock_status() l
),
awaited as materialized (
    select distinct locktype, database, relation, page, tuple, virtualxid, transactionid
    from locks where not granted
),
shown_locks as materialized (
    select l.* from locks l
    where not l.granted
       or (l.locktype = 'relation' and l.relation >= 16384
           and l.mode in ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
                          'AccessExclusiveLock'))
       or (l.locktype = 'relation' and (l.database, l.relation) in (
               select a.database, a.relation from awaited a where a.locktype = 'relation'))
       or (l.locktype = 'transactionid' and l.transactionid in (
               select a.transactionid from awaited a where a.locktype = 'transactionid'))
),
-- A prepared transaction keeps the virtual id of the session that prepared it, until a restart; its own
-- transaction id is what it has locked.
prepared_xids as materialized (
    select l.virtualtransaction, l.transactionid::text::int8 as xid
    from locks l where l.pid is null and l.locktype = 'transactionid'
),
waiters as materialized (
    select w.pid, pg_blocking_pids(w.pid) as blockers
    from (select distinct pid from locks where not granted and pid is not null) w
),
involved as materialized (
    select pid from shown_locks where pid is not null
    union select unnest(blockers) from waiters
    union select unnest($2::int[])
),
activity as (
    select a.*, a.backend_type is null and a.query = '<insufficient privilege>' as is_masked,
           (a.state <> 'idle' and a.pid <> pg_backend_pid())
           or a.backend_type in ('autovacuum worker', 'walsender')
           or a.pid in (select i.pid from involved i) as shown
    from pg_stat_get_activity(null) a
)
select
    $1 as slow, statement_timestamp() as now_at, b.*, l.*, e.*, p.*, r.*, n.*, s.*, g.*, c.*,
    (extract(epoch from clock_timestamp() - statement_timestamp()) * 1000000)::int8 as cost_us
from
    -- One pass over the sessions, and none but the shown ones leave it: with thousands of idle sessions
    -- every further pass and every copy of their texts costs more than all the rest.
    (select count(*) filter (where client) as total,
            count(*) filter (where client and state = 'active') as active,
            count(*) filter (where client and state = 'idle') as idle,
            count(*) filter (where client and state like 'idle in transaction%') as idle_in_transaction,
            count(*) filter (where is_masked) as masked,
            max(backend_start) filter (where backend_type = 'checkpointer') as g_checkpointer_start,
            array_agg(pid) filter (where shown) as b_pid,
            array_agg(leader_pid) filter (where shown) as b_leader_pid,
            array_agg(backend_type) filter (where shown) as b_type,
            array_agg(is_masked) filter (where shown) as b_masked,
            array_agg(datid) filter (where shown) as b_database,
            array_agg(usesysid) filter (where shown) as b_role,
            array_agg(application_name) filter (where shown) as b_application,
            array_agg(case when client_port = -1 then 'local' else host(client_addr) end)
                filter (where shown) as b_client,
            array_agg(state) filter (where shown) as b_state,
            array_agg(wait_event_type || '/' || wait_event) filter (where shown) as b_wait_event,
            array_agg(backend_start) filter (where shown) as b_backend_start,
            array_agg(xact_start) filter (where shown) as b_xact_start,
            array_agg(query_start) filter (where shown) as b_query_start,
            array_agg(state_change) filter (where shown) as b_state_change,
            array_agg(backend_xid::text::int8) filter (where shown) as b_xid,
            array_agg(left(query, 4096)) filter (where shown) as b_query,
            array_agg(octet_length(query)) filter (where shown) as b_query_bytes
     from (select a.*, (a.application_name not like 'lockpit/%' or a.application_name like 'lockpit/run %')
                       and (a.backend_type = 'client backend'
                            or (a.is_masked and a.usesysid <> 0 and a.datid is not null)) as client
           from activity a
           offset 0 -- keeps the planner from repeating these conditions in every filter above
          ) a) b,
    (select array_agg(coalesce(pid, 0)) as l_pid,
            array_agg(case when l.pid is null then (
                select x.xid from prepared_xids x where x.virtualtransaction = l.virtualtransaction
                limit 1) end) as l_prepared,
            array_agg(locktype) as l_type,
            array_agg(coalesce(database, 0)) as l_database,
            array_agg(coalesce(relation, 0)) as l_relation,
            array_agg(transactionid::text::int8) as l_xid,
            array_agg(virtualxid) as l_virtualxid,
            array_agg(mode) as l_mode,
            array_agg(granted) as l_granted,
            array_agg(waitstart) as l_wait_start
     from shown_locks l) l,
    (select array_agg(pid) as e_waiter, array_agg(array_to_string(blockers, ',')) as e_blockers from waiters) e,
    (select array_agg(transaction::text::int8) as p_xid, array_agg(gid) as p_gid,
            array_agg(prepared) as p_prepared, array_agg(ownerid) as p_owner, array_agg(dbid) as p_database
     from pg_prepared_xact()) p,
    (select array_agg(pid) as r_pid, array_agg(state) as r_state, array_agg(sync_state) as r_sync_state,
            array_agg(pg_wal_lsn_diff(sent_lsn, '0/0')::int8) as r_sent,
            array_agg(pg_wal_lsn_diff(write_lsn, '0/0')::int8) as r_write,
            array_agg(pg_wal_lsn_diff(flush_lsn, '0/0')::int8) as r_flush,
            array_agg(pg_wal_lsn_diff(replay_lsn, '0/0')::int8) as r_replay,
            array_agg((extract(epoch from write_lag) * 1000000)::int8) as r_write_lag,
            array_agg((extract(epoch from flush_lag) * 1000000)::int8) as r_flush_lag,
            array_agg((extract(epoch from replay_lag) * 1000000)::int8) as r_replay_lag,
            array_agg(reply_time) as r_reply_time
     from pg_stat_get_wal_senders() where $1) r,
    (select array_agg(k.command) as n_command, array_agg(i.pid) as n_pid, array_agg(i.relid) as n_relation,
            array_agg(array_to_string(array[
                param1, param2, param3, param4, param5, param6, param7, param8, param9, param10, param11,
                param12, param13, param14, param15, param16, param17, param18, param19, param20], ',', ''))
                as n_params,
            array_agg(case when k.command = 'CREATE INDEX' and i.param9 > 0
                           then pg_indexam_progress_phasename(i.param9::oid, i.param11) end) as n_subphase
     from unnest(array['VACUUM', 'ANALYZE', 'CLUSTER', 'CREATE INDEX', 'BASEBACKUP', 'COPY']) k(command),
          pg_stat_get_progress_info(k.command) i
     where $1) n,
    (select array_agg(slot_name::text) as s_name, array_agg(slot_type = 'logical') as s_logical,
            array_agg(active) as s_active, array_agg(pg_wal_lsn_diff(restart_lsn, '0/0')::int8) as s_restart,
            array_agg(wal_status) as s_wal_status
     from pg_get_replication_slots() where $1) s,
    (select case when $1 then pg_is_in_recovery() end as g_in_recovery,
            case when $1 and pg_is_in_recovery() then pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::int8
                 when $1 then pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::int8 end as g_wal) g,
    (select pg_stat_get_db_xact_commit($3) as c_commit, pg_stat_get_db_xact_rollback($3) as c_rollback,
            pg_stat_get_db_deadlocks($3) as c_deadlocks, pg_stat_get_db_conflict_all($3) as c_conflicts,
            pg_stat_get_db_temp_bytes($3) as c_temp_bytes) c
