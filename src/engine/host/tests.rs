use super::*;
use crate::engine::Cockpit;
use crate::engine::ids::{Pid, ServerTime};
use crate::engine::input::{Conn, Input, Link, LinkState};

fn id(pid: i32, start: i64) -> BackendId {
    BackendId { pid: Pid(pid), backend_start: Some(ServerTime(start)) }
}

fn process(backend: BackendId, cpu_us: u64, io: Option<(u64, u64)>) -> HostBackend {
    let io = io.map(|(read_bytes, written_bytes)| IoBytes { read_bytes, written_bytes });
    HostBackend { backend, cpu_us, rss_bytes: 4_096, io }
}

fn reading(ms: u64, cpu: (u64, u64), backends: Vec<HostBackend>) -> HostFacts {
    let cpu = Some(CpuTicks { busy: cpu.0, total: cpu.1 });
    let machine = Machine { cpus: 2, cpu, load_milli: Some([1_500, 0, 0]), memory: None };
    HostFacts { taken_at: At::from_ms(ms), sampler: id(9, 0), machine, backends, unread: 0 }
}

#[test]
fn rates_are_growth_per_second() {
    let earlier = reading(1_000, (100, 400), vec![process(id(1, 5), 10_000, Some((0, 4_096)))]);
    let later = reading(3_000, (150, 800), vec![process(id(1, 5), 1_010_000, Some((8_192, 4_096)))]);
    let rates = HostRates::between(&earlier, &later);
    assert_eq!((rates.over_us, rates.cpu_permille), (2_000_000, Some(125)));
    let expected = BackendRates {
        backend: id(1, 5),
        cpu_permille: Some(500),
        read_bps: Some(4_096),
        write_bps: Some(0),
    };
    assert_eq!(rates.backend(id(1, 5)), Some(&expected));
}

#[test]
fn a_later_process_with_the_same_pid_has_no_rate() {
    let earlier = reading(0, (0, 1), vec![process(id(1, 5), 10, None)]);
    let later = reading(1_000, (0, 2), vec![process(id(1, 6), 2_000_000, None)]);
    let rates = HostRates::between(&earlier, &later);
    assert_eq!(rates.backend(id(1, 6)), None);
    assert_eq!(rates.backends, []);
}

#[test]
fn a_counter_that_went_backwards_has_no_rate_and_the_others_keep_theirs() {
    let earlier = reading(0, (50, 100), vec![process(id(1, 5), 2_000_000, Some((10, 10)))]);
    let later = reading(1_000, (40, 200), vec![process(id(1, 5), 1_000_000, Some((5, 110)))]);
    let rates = HostRates::between(&earlier, &later);
    assert_eq!(rates.cpu_permille, None);
    let of = rates.backend(id(1, 5)).expect("it was in both");
    assert_eq!((of.cpu_permille, of.read_bps, of.write_bps), (None, None, Some(100)));
}

#[test]
fn what_was_hidden_once_has_no_rate() {
    let earlier = reading(0, (0, 100), vec![process(id(1, 5), 0, None)]);
    let later = reading(1_000, (0, 200), vec![process(id(1, 5), 250_000, Some((5, 110)))]);
    let rates = HostRates::between(&earlier, &later);
    let of = rates.backend(id(1, 5)).expect("it was in both");
    assert_eq!((of.cpu_permille, of.read_bps, of.write_bps), (Some(250), None, None));
}

#[test]
fn two_readings_of_one_instant_or_in_the_wrong_order_have_no_rates() {
    let one = reading(1_000, (0, 100), vec![process(id(1, 5), 0, None)]);
    let other = reading(2_000, (9, 200), vec![process(id(1, 5), 9, None)]);
    assert_eq!(HostRates::between(&one, &one), HostRates::default());
    assert_eq!(HostRates::between(&other, &one), HostRates::default());
}

#[test]
fn extreme_counters_are_no_panic() {
    let earlier = reading(0, (0, 0), vec![process(id(1, 5), 0, Some((0, 0)))]);
    let full = Some((u64::MAX, u64::MAX));
    let mut later = reading(0, (u64::MAX, u64::MAX), vec![process(id(1, 5), u64::MAX, full)]);
    later.taken_at = At(1);
    let rates = HostRates::between(&earlier, &later);
    assert_eq!(rates.cpu_permille, Some(1_000));
    assert_eq!(rates.backends[0].cpu_permille, None, "what does not fit is not known");
}

fn sampler(state: LinkState) -> Input {
    Input::Link(Link { conn: Conn::Sampler, state })
}

#[test]
fn the_cockpit_shows_two_readings_and_says_why_there_is_none() {
    let mut cockpit = Cockpit::default();
    assert!(matches!(cockpit.host(), Fact::Missing(_)));
    let untouched = cockpit.state();
    assert!(!String::from_utf8_lossy(&untouched).contains("host"), "an older log has the same checkpoints");

    let host = |facts| Input::Host(Box::new(Fact::Known(facts)));
    cockpit.handle(At(0), sampler(LinkState::Up { pid: Pid(9) }));
    cockpit.handle(At(1), host(reading(1_000, (0, 100), vec![process(id(1, 5), 0, None)])));
    let Fact::Known(view) = cockpit.host() else { panic!("a reading") };
    assert_eq!(view.rates, HostRates::default(), "one reading has no rates");
    cockpit.handle(At(2), host(reading(2_000, (50, 200), vec![process(id(1, 5), 500_000, None)])));
    let Fact::Known(view) = cockpit.host() else { panic!("a reading") };
    assert_eq!((view.rates.cpu_permille, view.rates.backends[0].cpu_permille), (Some(500), Some(500)));
    let checkpoint = cockpit.checkpoint();
    let again = Cockpit::restore(&checkpoint.state, checkpoint.held).expect("a checkpoint");
    assert_eq!(again.host(), cockpit.host());

    cockpit.handle(At(3), sampler(LinkState::Lost { why: "gone".to_owned() }));
    assert!(matches!(cockpit.host(), Fact::Missing(_)), "what is shown belongs to a session that is there");
    cockpit.handle(At(4), sampler(LinkState::Up { pid: Pid(10) }));
    assert!(matches!(cockpit.host(), Fact::Missing(_)), "a reading by the session before is not shown");
    let why = "the server is on another machine".to_owned();
    cockpit.handle(At(5), Input::Host(Box::new(Fact::Missing(why.clone()))));
    assert_eq!(cockpit.host(), Fact::Missing(why));
}
