use std::collections::BTreeSet;
use std::sync::mpsc;

use super::read::{cpu_ticks, io_bytes};
use super::*;
use crate::engine::host::{CpuTicks, HostBackend, IoBytes, Machine};
use crate::engine::ids::{BackendId, Pid, ServerTime, Word};
use crate::engine::input::{Conn, Link, LinkState};
use crate::engine::sample::{Backend, BackendKind, Counts, Edge, Sample, State};

fn own(pid: i32) -> Own {
    Own { backend: BackendId { pid: Pid(pid), backend_start: None }, peer: None }
}

fn why(input: Option<Input>) -> String {
    match input {
        Some(Input::Host(fact)) => match *fact {
            Fact::Missing(why) => why,
            Fact::Known(facts) => panic!("{facts:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reading_that_hangs_is_said_once_and_keeps_nobody_waiting() {
    let (inputs, mut told) = tokio::sync::mpsc::channel(8);
    let (_place, place) = watch::channel(own(1));
    let (release, released) = mpsc::channel::<()>();
    let mut host = Host::with(place, inputs, move |_| {
        let _ = released.recv();
        Fact::Missing("elsewhere".to_owned())
    });
    let cockpit = Cockpit::default();
    host.ask(At(0), &cockpit);
    release.send(()).expect("the thread is there");
    assert_eq!(why(told.blocking_recv()), "elsewhere");
    while host.account.answered.load(Ordering::Acquire) < 1 {
        std::thread::yield_now();
    }
    for s in 0..20 {
        host.ask(At::from_ms(s * 1_000), &cockpit);
    }
    assert!(why(told.blocking_recv()).contains("did not tell"));
    assert!(told.try_recv().is_err(), "once");
    release.send(()).expect("the thread is there");
    assert_eq!(why(told.blocking_recv()), "elsewhere", "said again: it is no longer true that it hangs");
}

#[test]
fn a_reason_is_told_once_for_each_session_of_the_sampler() {
    let (inputs, mut told) = tokio::sync::mpsc::channel(8);
    let (requests, orders) = sync_channel(8);
    for pid in [1, 1, 2, 2] {
        requests.send(Request { own: own(pid), choice: Choice::default() }).expect("room");
    }
    drop(requests);
    let account = Account::default();
    serve(&orders, &inputs, &account, |_| Fact::Missing("elsewhere".to_owned()));
    drop(inputs);
    assert_eq!(account.answered.into_inner(), 4);
    assert_eq!(why(told.blocking_recv()), "elsewhere");
    assert_eq!(why(told.blocking_recv()), "elsewhere");
    assert!(told.blocking_recv().is_none());
}

#[test]
fn processor_time_is_what_is_neither_idle_nor_waiting_for_a_disk() {
    let text = "cpu  10 1 5 100 20 1 2 3 9 9\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
    assert_eq!(cpu_ticks(text), Some(CpuTicks { busy: 22, total: 142 }));
    for odd in ["", "cpu", "cpu  1 2 3", "cpu  1 2 3 x 5 6 7 8", "intr 5"] {
        assert_eq!(cpu_ticks(odd), None, "{odd:?}");
    }
}

#[test]
fn bytes_are_those_that_reached_a_disk_or_unknown() {
    let text = "rchar: 9\nwchar: 9\nsyscr: 9\nsyscw: 9\nread_bytes: 4096\nwrite_bytes: 512\n\
                cancelled_write_bytes: 7\n";
    assert_eq!(io_bytes(text), Some(IoBytes { read_bytes: 4_096, written_bytes: 512 }));
    assert_eq!(io_bytes("rchar: 9\nread_bytes: 4096\n"), None);
    assert_eq!(io_bytes(""), None);
}

#[test]
fn a_server_on_another_machine_has_no_figures_whatever_its_pids_are() {
    // Documentation addresses belong to nobody.
    for address in ["192.0.2.1", "2001:db8::1"] {
        let own = Own { peer: Some(address.parse().expect("an address")), ..own(1) };
        let fact = read(&own, &Choice::default(), &FlightClock::start());
        assert_eq!(fact, Fact::Missing("the server is on another machine".to_owned()));
    }
}

/// A sample of `n` active backends, told to an engine.
fn crowd(n: i32) -> Cockpit {
    let backend = |pid: i32| Backend {
        pid: Pid(pid),
        leader_pid: None,
        kind: BackendKind::Client,
        database: None,
        role: None,
        application: Word::default(),
        client: None,
        state: if pid == 1 { State::Idle } else { State::Active },
        wait_event: None,
        backend_start: (pid != 2).then_some(ServerTime(0)),
        xact_start: None,
        query_start: None,
        state_change: None,
        backend_xid: None,
        text: None,
    };
    let sample = Sample {
        server_now: ServerTime(0),
        cost_us: 1,
        round_trip_us: 1,
        counts: Counts::default(),
        backends: (1..=n).map(backend).collect(),
        locks: Vec::new(),
        edges: vec![Edge { waiter: Pid(n), blockers: vec![Pid(n - 1)] }],
        prepared: Vec::new(),
        slow: None,
    };
    let mut cockpit = Cockpit::default();
    cockpit.handle(At(0), Input::Sample(Box::new(sample)));
    cockpit
}

#[test]
fn a_crowd_is_read_in_turns_and_a_wait_is_read_always() {
    let few = choose(&crowd(5), None).0;
    let pids: Vec<i32> = few.backends.iter().map(|backend| backend.pid.0).collect();
    assert_eq!((pids, few.left_out), (vec![4, 5, 3], 1), "not the idle one, and not the one without a start");

    let mut cockpit = crowd(2_000);
    cockpit
        .handle(At(1), Input::Link(Link { conn: Conn::Sampler, state: LinkState::Up { pid: Pid(9_999) } }));
    let (mut read, mut after) = (BTreeSet::new(), None);
    for turn in 0..40_u32 {
        let (choice, next) = choose(&cockpit, after);
        after = next;
        assert_eq!(choice.backends.len(), 202);
        assert_eq!(choice.left_out, 1_999 - 202);
        for pinned in [1_999, 2_000] {
            assert!(choice.backends.iter().any(|backend| backend.pid == Pid(pinned)));
        }
        if turn > 2 {
            assert!(choice.backends.iter().any(|backend| backend.pid == Pid(700)), "the busy one stays");
        }
        read.extend(choice.backends.iter().map(|backend| backend.pid));
        let used = |pid: Pid| if pid == Pid(700) { u64::from(turn) * 500_000 } else { 0 };
        // Once seen, the busy one is read in every turn; before, it is read as others are.
        let mut backends: Vec<HostBackend> = (choice.backends.iter())
            .chain((turn < 3).then_some(&BackendId { pid: Pid(700), backend_start: Some(ServerTime(0)) }))
            .map(|of| HostBackend { backend: *of, cpu_us: used(of.pid), rss_bytes: 0, io: None })
            .collect();
        backends.sort_unstable_by_key(|process| process.backend);
        backends.dedup_by_key(|process| process.backend);
        let machine = Machine { cpus: 1, cpu: None, load_milli: None, memory: None };
        let sampler = BackendId { pid: Pid(9_999), backend_start: None };
        let taken_at = At::from_ms(u64::from(turn) * 1_000);
        let facts = HostFacts { taken_at, sampler, machine, backends, unread: 0 };
        cockpit.handle(taken_at, Input::Host(Box::new(Fact::Known(facts))));
    }
    assert_eq!(read.len(), 1_998, "everyone has had a turn");
}
