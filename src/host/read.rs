//! One reading.
//!
//! Owns the question whether a process is the backend it is taken for: a PostgreSQL process of this pid that
//! began when the server says the backend began. Reads the processes asked for and no other.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, UdpSocket};

use sysinfo::{MemoryRefreshKind, Pid as ProcessId, Process, ProcessRefreshKind, ProcessesToUpdate, System};

use super::choose::Choice;
use crate::clock::FlightClock;
use crate::engine::host::{CpuTicks, HostBackend, HostFacts, IoBytes, Machine, Memory};
use crate::engine::ids::{BackendId, Pid};
use crate::engine::sample::Fact;
use crate::pg::sampler::Own;

/// Names of the server's program; up to version 15 packages start it by the second one.
const SERVER_NAMES: [&str; 2] = ["postgres", "postmaster"];
/// How much later than its process a backend may say it began, in microseconds. The system's figure is cut to
/// whole seconds twice, so it is up to 2 s early; the backend tells its own time a moment after the fork.
const LATER_US: std::ops::RangeInclusive<i64> = -1_000_000..=3_000_000;

/// Reads the machine and these backends, or says why the server's machine is not this one. May block.
pub fn read(own: &Own, choice: &Choice, clock: &FlightClock) -> Fact<HostFacts> {
    match try_read(own, choice, clock) {
        Ok(facts) => Fact::Known(facts),
        Err(why) => Fact::Missing(why),
    }
}

fn try_read(own: &Own, choice: &Choice, clock: &FlightClock) -> Result<HostFacts, String> {
    if !own.peer.is_none_or(is_address_of_ours) {
        return Err("the server is on another machine".to_owned());
    }
    // Each once: sysinfo takes a pid that it is given twice for one that is gone.
    let wanted: BTreeSet<Pid> = choice.backends.iter().chain([&own.backend]).map(|of| of.pid).collect();
    let pids: Vec<ProcessId> = wanted.into_iter().filter_map(process_id).collect();
    // Before the processes are identified: one that still is the same process afterwards was so here.
    let io: Vec<Option<IoBytes>> = choice.backends.iter().map(|backend| io_of(backend.pid)).collect();
    // A fresh one each time: it knows the boot time as the wall clock has it now, and nothing piles up in it.
    let mut system = System::new().map_err(|error| format!("not allowed: {error}"))?;
    let kind = ProcessRefreshKind::nothing().with_cpu().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, kind);
    let taken_at = clock.now();
    recognise(&system, own.backend)?;
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    let mut backends: Vec<HostBackend> = choice
        .backends
        .iter()
        .zip(io)
        .filter_map(|(backend, io)| {
            let process = find(&system, backend.pid).filter(|process| is_backend(process, *backend))?;
            Some(HostBackend {
                backend: *backend,
                cpu_us: process.accumulated_cpu_time().saturating_mul(1_000),
                rss_bytes: process.memory(),
                io,
            })
        })
        .collect();
    backends.sort_unstable_by_key(|process| process.backend);
    backends.dedup_by_key(|process| process.backend);
    let missing = choice.backends.len().saturating_sub(backends.len());
    let unread = choice.left_out.saturating_add(u32::try_from(missing).unwrap_or(u32::MAX));
    Ok(HostFacts { taken_at, sampler: own.backend, machine: machine(&system), backends, unread })
}

/// Whether an address is one of this machine's: only those can be bound to.
fn is_address_of_ours(address: IpAddr) -> bool {
    address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

fn process_id(pid: Pid) -> Option<ProcessId> {
    u32::try_from(pid.0).ok().filter(|pid| *pid != 0).map(ProcessId::from_u32)
}

fn find(system: &System, pid: Pid) -> Option<&Process> {
    system.process(process_id(pid)?)
}

/// Whether our own backend is a process here; else why not.
fn recognise(system: &System, own: BackendId) -> Result<(), String> {
    let elsewhere = "the server is in a container or behind a tunnel";
    let pid = own.pid;
    if own.backend_start.is_none() {
        return Err("not allowed: this login may not see when its own session began".to_owned());
    }
    let Some(process) = find(system, pid) else {
        return Err(format!(
            "pid {pid} of our own session is no process here: {elsewhere}, or its processes are hidden from this user"
        ));
    };
    if !is_server(process) {
        return Err(format!("pid {pid} of our own session is another program here: {elsewhere}"));
    }
    if !is_backend(process, own) {
        return Err(format!(
            "pid {pid} of our own session is a process that began at another time: {elsewhere}, or the clock was set"
        ));
    }
    Ok(())
}

fn is_server(process: &Process) -> bool {
    SERVER_NAMES.iter().any(|name| process.name() == *name)
}

/// Whether this process is that backend, and not a thread, another program, or a process with a reused pid.
fn is_backend(process: &Process, backend: BackendId) -> bool {
    let Some(start) = backend.backend_start else { return false };
    let began_us = i64::try_from(process.start_time()).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    is_server(process)
        && process.thread_kind().is_none()
        && LATER_US.contains(&start.0.saturating_sub(began_us))
}

fn machine(system: &System) -> Machine {
    let total_bytes = system.total_memory();
    let memory = Memory { total_bytes, available_bytes: system.available_memory() };
    Machine {
        cpus: std::thread::available_parallelism().map_or(0, |n| u32::try_from(n.get()).unwrap_or(u32::MAX)),
        cpu: fs::read_to_string("/proc/stat").ok().and_then(|text| cpu_ticks(&text)),
        load_milli: System::load_average().ok().map(|load| [load.one, load.five, load.fifteen].map(milli)),
        memory: (total_bytes > 0).then_some(memory),
    }
}

/// Thousandths; what is negative or no number is none.
fn milli(load: f64) -> u64 {
    (load * 1_000.0).round() as u64
}

/// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal. What follows is
/// counted among the first two.
pub(super) fn cpu_ticks(text: &str) -> Option<CpuTicks> {
    let numbers = text.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8);
    let ticks: Vec<u64> = numbers.map(|number| number.parse().ok()).collect::<Option<_>>()?;
    let total = ticks.iter().try_fold(0_u64, |sum, ticks| sum.checked_add(*ticks))?;
    let idle = ticks.get(3)?.checked_add(*ticks.get(4)?)?;
    Some(CpuTicks { busy: total.checked_sub(idle)?, total })
}

/// What a process has moved to and from disks; sysinfo says zero where it may not look.
fn io_of(pid: Pid) -> Option<IoBytes> {
    io_bytes(&fs::read_to_string(format!("/proc/{pid}/io")).ok()?)
}

/// The two lines of `/proc/PID/io` that count what reached a disk.
pub(super) fn io_bytes(text: &str) -> Option<IoBytes> {
    let of = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))?;
        value.trim().parse().ok()
    };
    Some(IoBytes { read_bytes: of("read_bytes")?, written_bytes: of("write_bytes")? })
}
