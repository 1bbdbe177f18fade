//! Any sample, watch and reading, whether or not a server could have sent it.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use crate::engine::host::{CpuTicks, HostBackend, HostFacts, IoBytes, Machine, Memory};
use crate::engine::ids::{At, BackendId, Oid, Pid, ServerTime, TextId};
use crate::engine::locks::{LockMode, LockObject};
use crate::engine::sample::{
    Backend, BackendKind, Counts, DatabaseCounters, Edge, Lock, PreparedXact, Progress, Sample, Sender, Slot,
    SlowFacts, State, Watch,
};

/// Few enough that they meet, and those at the edges.
fn pid() -> impl Strategy<Value = Pid> {
    prop_oneof![9 => 0..6_i32, 1 => prop_oneof![Just(i32::MIN), Just(i32::MAX), Just(-1)]].prop_map(Pid)
}

fn amount() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0..300_u64, 2 => any::<u64>(), 1 => Just(u64::MAX)]
}

fn small() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0..5_u32, 1 => Just(u32::MAX)]
}

fn time() -> impl Strategy<Value = ServerTime> {
    let near = (-5..5_i64).prop_map(|n| 1_795_212_847_000_000 + n * 997);
    prop_oneof![8 => near, 1 => any::<i64>(), 1 => prop_oneof![Just(i64::MIN), Just(i64::MAX)]]
        .prop_map(ServerTime)
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![4 => prop_oneof![Just(""), Just("IO/WALSync"), Just("ü"), Just("none")].prop_map(str::to_owned), 1 => any::<String>()]
}

fn oid() -> impl Strategy<Value = Oid> {
    small().prop_map(Oid)
}

fn state() -> impl Strategy<Value = State> {
    prop_oneof![
        Just(State::Active),
        Just(State::Idle),
        Just(State::IdleInTransaction),
        Just(State::IdleInTransactionAborted),
        Just(State::Fastpath),
        Just(State::Disabled),
        Just(State::None),
        Just(State::Masked),
    ]
}

fn kind() -> impl Strategy<Value = BackendKind> {
    prop_oneof![
        Just(BackendKind::Client),
        Just(BackendKind::Lockpit),
        Just(BackendKind::ParallelWorker),
        Just(BackendKind::Autovacuum),
        Just(BackendKind::WalSender),
        Just(BackendKind::Other),
    ]
}

fn backend() -> impl Strategy<Value = Backend> {
    let who = (pid(), of(pid()), kind(), of(oid()), of(oid()), word(), of(word()));
    let times = (of(time()), of(time()), of(time()), of(time()));
    (who, state(), of(word()), times, of(small()), of(small())).prop_map(
        |(
            (pid, leader_pid, kind, database, role, application, client),
            state,
            wait_event,
            times,
            xid,
            text,
        )| {
            let (backend_start, xact_start, query_start, state_change) = times;
            let (backend_xid, text) = (xid, text.map(TextId));
            Backend {
                pid,
                leader_pid,
                kind,
                database,
                role,
                application: application.into(),
                client: client.map(Into::into),
                state,
                wait_event: wait_event.map(Into::into),
                backend_start,
                xact_start,
                query_start,
                state_change,
                backend_xid,
                text,
            }
        },
    )
}

fn object() -> impl Strategy<Value = LockObject> {
    let vxid = prop_oneof![
        Just("3/17"),
        Just("03/17"),
        Just("+3/17"),
        Just("3/"),
        Just("/"),
        Just("3/17/2"),
        Just("18446744073709551615/18446744073709551616"),
        Just("0/0"),
        Just("-1/4"),
    ];
    prop_oneof![
        (oid(), oid()).prop_map(|(database, relation)| LockObject::Relation { database, relation }),
        (oid(), oid(), word()).prop_map(|(database, relation, what)| LockObject::Part {
            database,
            relation,
            what: what.into()
        }),
        small().prop_map(|xid| LockObject::Transaction { xid }),
        vxid.prop_map(|id| LockObject::VirtualTransaction { id: id.into() }),
        (small(), any::<u32>()).prop_map(|(proc, local)| LockObject::VirtualTransaction {
            id: format!("{proc}/{local}").into()
        }),
        word().prop_map(|id| LockObject::VirtualTransaction { id: id.into() }),
        (word(), oid())
            .prop_map(|(locktype, database)| LockObject::Other { locktype: locktype.into(), database }),
    ]
}

fn lock() -> impl Strategy<Value = Lock> {
    let mode = (0..LockMode::ALL.len()).prop_map(|n| LockMode::ALL[n]);
    (pid(), of(small()), object(), mode, any::<bool>(), of(time())).prop_map(
        |(pid, prepared_xid, object, mode, granted, wait_start)| Lock {
            pid,
            prepared_xid,
            object,
            mode,
            granted,
            wait_start,
        },
    )
}

fn edge() -> impl Strategy<Value = Edge> {
    (pid(), vec(pid(), 0..4)).prop_map(|(waiter, blockers)| Edge { waiter, blockers })
}

fn prepared() -> impl Strategy<Value = PreparedXact> {
    (small(), word(), time(), oid(), oid()).prop_map(|(xid, gid, prepared, owner, database)| PreparedXact {
        xid,
        gid,
        prepared,
        owner,
        database,
    })
}

fn sender() -> impl Strategy<Value = Sender> {
    let lsns = (of(amount()), of(amount()), of(amount()), of(amount()));
    let lags = (of(amount()), of(amount()), of(amount()));
    (pid(), word(), of(word()), of(word()), lsns, lags, of(time())).prop_map(
        |(pid, application, state, sync_state, lsns, lags, reply_time)| {
            let (sent_lsn, write_lsn, flush_lsn, replay_lsn) = lsns;
            let (write_lag_us, flush_lag_us, replay_lag_us) = lags;
            Sender {
                pid,
                application,
                state,
                sync_state,
                sent_lsn,
                write_lsn,
                flush_lsn,
                replay_lsn,
                write_lag_us,
                flush_lag_us,
                replay_lag_us,
                reply_time,
            }
        },
    )
}

fn slot() -> impl Strategy<Value = Slot> {
    (word(), any::<bool>(), any::<bool>(), of(amount()), of(word())).prop_map(
        |(name, logical, active, restart_lsn, wal_status)| Slot {
            name,
            logical,
            active,
            restart_lsn,
            wal_status,
        },
    )
}

fn progress() -> impl Strategy<Value = Progress> {
    let place = (pid(), word(), of(oid()), of(word()), of(pid()));
    (place, of((amount(), amount())), of(amount()), of(amount()), of(word())).prop_map(
        |((pid, command, relation, phase, locker_pid), lockers, done, total, unit)| Progress {
            pid,
            command,
            relation,
            phase,
            locker_pid,
            lockers,
            done,
            total,
            unit,
        },
    )
}

pub(super) fn slow_facts() -> impl Strategy<Value = SlowFacts> {
    let counters = (amount(), amount(), amount(), amount(), amount()).prop_map(
        |(xact_commit, xact_rollback, deadlocks, conflicts, temp_bytes)| DatabaseCounters {
            xact_commit,
            xact_rollback,
            deadlocks,
            conflicts,
            temp_bytes,
        },
    );
    let lists = (vec(sender().boxed(), 0..3), vec(slot().boxed(), 0..3), vec(progress().boxed(), 0..3));
    (any::<bool>(), of(time()), of(amount()), lists, counters).prop_map(
        |(in_recovery, checkpointer_start, wal_lsn, (senders, slots, progress), counters)| SlowFacts {
            in_recovery,
            checkpointer_start,
            wal_lsn,
            senders,
            slots,
            progress,
            counters,
        },
    )
}

pub(super) fn sample() -> impl Strategy<Value = Sample> {
    let counts = (small(), small(), small(), small(), small()).prop_map(
        |(total, active, idle, idle_in_transaction, masked)| Counts {
            total,
            active,
            idle,
            idle_in_transaction,
            masked,
        },
    );
    let lists = (
        vec(backend().boxed(), 0..8),
        vec(lock().boxed(), 0..8),
        vec(edge().boxed(), 0..4),
        vec(prepared().boxed(), 0..3),
    );
    (time(), amount(), amount(), counts, lists, of(slow_facts().boxed())).prop_map(
        |(server_now, cost_us, round_trip_us, counts, (backends, locks, edges, prepared), slow)| Sample {
            server_now,
            cost_us,
            round_trip_us,
            counts,
            backends,
            locks,
            edges,
            prepared,
            slow: slow.map(Box::new),
        },
    )
}

pub(super) fn watch() -> impl Strategy<Value = Watch> {
    (time(), amount(), small(), of(time()), vec(edge().boxed(), 0..4)).prop_map(
        |(server_now, cost_us, waiting, oldest_wait_start, oldest)| Watch {
            server_now,
            cost_us,
            waiting,
            oldest_wait_start,
            oldest,
        },
    )
}

fn backend_id() -> impl Strategy<Value = BackendId> {
    (pid(), of(time())).prop_map(|(pid, backend_start)| BackendId { pid, backend_start })
}

pub(super) fn host() -> impl Strategy<Value = HostFacts> {
    let cpu = (amount(), amount()).prop_map(|(busy, total)| CpuTicks { busy, total });
    let memory = (amount(), amount())
        .prop_map(|(total_bytes, available_bytes)| Memory { total_bytes, available_bytes });
    let load = (amount(), amount(), amount()).prop_map(|(one, five, fifteen)| [one, five, fifteen]);
    let machine = (small(), of(cpu), of(load), of(memory))
        .prop_map(|(cpus, cpu, load_milli, memory)| Machine { cpus, cpu, load_milli, memory });
    let io =
        (amount(), amount()).prop_map(|(read_bytes, written_bytes)| IoBytes { read_bytes, written_bytes });
    let backend = (backend_id(), amount(), amount(), of(io))
        .prop_map(|(backend, cpu_us, rss_bytes, io)| HostBackend { backend, cpu_us, rss_bytes, io });
    (amount(), backend_id(), machine, vec(backend, 0..5), small()).prop_map(
        |(taken_at, sampler, machine, backends, unread)| HostFacts {
            taken_at: At(taken_at),
            sampler,
            machine,
            backends,
            unread,
        },
    )
}
