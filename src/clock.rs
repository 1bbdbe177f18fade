//! The only reader of clocks.
//!
//! Owns the monotonic clock of a flight (it counts suspend) and the wall clock for dates. Everything else
//! gets time as an argument.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::engine::ids::At;

/// The clock of one flight: zero when it was made.
#[derive(Debug, Clone, Copy)]
pub struct FlightClock {
    /// Where it began on the machine's clock: before its zero, when the flight began before the machine did.
    zero_us: i64,
}

impl FlightClock {
    /// A clock that starts now.
    pub fn start() -> FlightClock {
        FlightClock { zero_us: monotonic_us().cast_signed() }
    }

    /// The machine's monotonic clock at the start, in microseconds.
    pub fn zero_us(&self) -> i64 {
        self.zero_us
    }

    /// The clock of a flight that began when the machine's monotonic clock read `zero_us` microseconds.
    pub fn of_flight(zero_us: i64) -> FlightClock {
        FlightClock { zero_us }
    }

    /// The clock of a flight in which it is `at` now.
    pub fn that_reads(at: At) -> FlightClock {
        FlightClock { zero_us: monotonic_us().cast_signed().saturating_sub_unsigned(at.0) }
    }

    /// Time since the start.
    pub fn now(&self) -> At {
        let since_us = monotonic_us().cast_signed().saturating_sub(self.zero_us);
        At(u64::try_from(since_us).unwrap_or(0))
    }
}

/// Monotonic time that counts suspend where the system has such a clock.
fn monotonic() -> Duration {
    #[cfg(target_os = "linux")]
    let id = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let id = ClockId::Monotonic;
    let now = clock_gettime(id);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// The machine's monotonic clock, in microseconds.
pub fn monotonic_us() -> u64 {
    u64::try_from(monotonic().as_micros()).unwrap_or(u64::MAX)
}

/// The wall clock: microseconds since 1970-01-01 UTC. For dates on paper, never for decisions.
pub fn utc_us() -> i64 {
    let now = clock_gettime(ClockId::Realtime);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

/// Which start of the machine [`monotonic_us`] counts from; zeros where the system does not tell.
pub fn boot_id() -> [u8; 16] {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    u128::from_str_radix(&digits, 16).unwrap_or_default().to_be_bytes()
}
