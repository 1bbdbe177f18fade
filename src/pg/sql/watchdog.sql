do $watchdog$
declare
    heard_of timestamptz;
    heard_before timestamptz;
    present bigint;
    silent_turns int := 0;
    going_on boolean;
begin
    loop
        select max(greatest(a.query_start, a.state_change)), count(*) into heard_of, present
        from pg_stat_get_activity(null) a
        where a.usesysid = {role} and a.application_name in ({applications});

        select a.state <> 'idle' and ((a.state = 'active' and a.query_start = {query_start}) or a.xact_start = {xact_start})
        into going_on
        from pg_stat_get_activity({pid}) a where a.backend_start = {backend_start};
        if going_on is not true then
            return;
        end if;

        if present > 0 and heard_of is null then
            raise exception using errcode = 'LKDEF',
                message = 'this login does not see the activity of its own sessions: GRANT pg_read_all_stats to its role';
        end if;

        -- Turns are counted, not seconds: the server's clock may step.
        silent_turns := case when heard_of = heard_before then silent_turns + 1 else 0 end;
        if heard_of is null or silent_turns >= {turns} then
            perform {signal}(a.pid) from pg_stat_get_activity({pid}) a where a.backend_start = {backend_start};
            raise exception using errcode = 'LKPIT',
                message = 'lockpit is not heard of any more: {signal}({pid})';
        end if;
        heard_before := heard_of;
        commit;
        perform pg_sleep({turn_s});
        commit;
    end loop;
end
$watchdog$
