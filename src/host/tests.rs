use std::sync::mpsc;

use super::read::{cpu_ticks, io_bytes};
use super::*;
use crate::engine::host::{CpuTicks, IoBytes};
use crate::engine::ids::{BackendId, Pid};

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
        Fact::Missing("read at last".to_owned())
    });
    let cockpit = Cockpit::default();
    for s in 0..20 {
        host.ask(At::from_ms(s * 1_000), &cockpit);
    }
    assert!(why(told.blocking_recv()).contains("did not tell"));
    assert!(told.try_recv().is_err(), "once");
    release.send(()).expect("the thread is there");
    assert_eq!(why(told.blocking_recv()), "read at last");
}

#[test]
fn a_reason_is_told_once_for_each_session_of_the_sampler() {
    let (inputs, mut told) = tokio::sync::mpsc::channel(8);
    let (requests, orders) = sync_channel(8);
    for pid in [1, 1, 2, 2] {
        requests.send(Request { own: own(pid), choice: Choice::default() }).expect("room");
    }
    drop(requests);
    let answered = AtomicU64::new(0);
    serve(&orders, &inputs, &answered, |_| Fact::Missing("elsewhere".to_owned()));
    drop(inputs);
    assert_eq!(answered.into_inner(), 4);
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
