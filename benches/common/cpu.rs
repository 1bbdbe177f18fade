//! Processor time of the calling thread: on a machine that is shared, wall-clock time says little.

use rustix::time::{ClockId, clock_gettime};

/// User and system time that the calling thread has used, in nanoseconds.
pub(crate) fn thread_ns() -> u64 {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    used.tv_sec.cast_unsigned() * 1_000_000_000 + used.tv_nsec.cast_unsigned()
}

/// What `work` returns, and the thread's time it took in nanoseconds.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = thread_ns();
    let result = work();
    (result, thread_ns() - before)
}
