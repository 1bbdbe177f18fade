//! The tables of readings of the server's machine.
//!
//! Owns the names and kinds of their columns.

use super::fields::{Field, Row, Value, field};
use crate::engine::host::{CpuTicks, HostBackend, HostFacts, IoBytes, Machine, Memory};
use crate::engine::ids::{At, BackendId, Pid};

/// What a reading has once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostHead {
    pub(super) taken_at: At,
    pub(super) sampler: BackendId,
    pub(super) machine: Machine,
    pub(super) unread: u32,
}

impl HostHead {
    pub(super) fn of(host: &HostFacts) -> HostHead {
        HostHead {
            taken_at: host.taken_at,
            sampler: host.sampler,
            machine: host.machine.clone(),
            unread: host.unread,
        }
    }
}

/// One number of a part that is there as a whole or not at all: its column is the `$n`th of `$len`.
macro_rules! part {
    ($name:literal, $kind:literal, $row:ident => $part:expr, $n:literal, |$value:ident| $get:expr, |[$($each:ident),+]| $make:expr) => {
        Field {
            name: $name,
            kind: $kind,
            get: |row, _| { let $row = row; $part.map(|$value| $get) },
            set: |row, view, n| {
                let mut columns = (n - $n)..;
                let mut next = || columns.next().and_then(|column| view.cell(column));
                let ($($each,)+) = ($({ let $each = next(); $each },)+);
                let $row = row;
                $part = match ($($each,)+) {
                    ($(Some($each),)+) => Some($make),
                    _ => None,
                };
                Ok(())
            },
        }
    };
}

macro_rules! cpu {
    ($name:literal, $field:ident, $n:literal) => {
        part!($name, "counter", row => row.machine.cpu, $n, |of| of.$field, |[busy, total]| CpuTicks { busy, total })
    };
}

macro_rules! load {
    ($name:literal, $n:literal) => {
        part!($name, "counter", row => row.machine.load_milli, $n, |of| of[$n], |[one, five, fifteen]| [one, five, fifteen])
    };
}

macro_rules! memory {
    ($name:literal, $field:ident, $n:literal) => {
        part!($name, "counter", row => row.machine.memory, $n, |of| of.$field, |[total_bytes, available_bytes]| {
            Memory { total_bytes, available_bytes }
        })
    };
}

macro_rules! io {
    ($name:literal, $field:ident, $n:literal) => {
        part!($name, "counter", row => row.io, $n, |of| of.$field, |[read_bytes, written_bytes]| {
            IoBytes { read_bytes, written_bytes }
        })
    };
}

impl Row for HostHead {
    const TABLE: &'static str = "host";
    const FIELDS: &'static [Field<Self>] = &[
        field!("taken_at_us", "counter", taken_at),
        field!("sampler_pid", "plain", sampler.pid),
        field!("sampler_start", "plain", sampler.backend_start),
        field!("cpus", "plain", machine.cpus),
        cpu!("cpu_busy", busy, 0),
        cpu!("cpu_total", total, 1),
        load!("load_1_milli", 0),
        load!("load_5_milli", 1),
        load!("load_15_milli", 2),
        memory!("memory_total_bytes", total_bytes, 0),
        memory!("memory_available_bytes", available_bytes, 1),
        field!("unread", "plain", unread),
    ];

    fn key(&self) -> u64 {
        0
    }

    fn blank() -> Self {
        HostHead {
            taken_at: At(0),
            sampler: BackendId { pid: Pid(0), backend_start: None },
            machine: Machine { cpus: 0, cpu: None, load_milli: None, memory: None },
            unread: 0,
        }
    }
}

impl Row for HostBackend {
    const TABLE: &'static str = "host_backends";
    const FIELDS: &'static [Field<Self>] = &[
        field!("pid", "drift", backend.pid),
        field!("backend_start", "drift", backend.backend_start),
        field!("cpu_us", "counter", cpu_us),
        field!("rss_bytes", "counter", rss_bytes),
        io!("read_bytes", read_bytes, 0),
        io!("written_bytes", written_bytes, 1),
    ];

    fn key(&self) -> u64 {
        i64::from(self.backend.pid.0).cast_unsigned()
    }

    fn blank() -> Self {
        let backend = BackendId { pid: Pid(0), backend_start: None };
        HostBackend { backend, cpu_us: 0, rss_bytes: 0, io: None }
    }
}
