//! The exit codes.

use std::process::ExitCode;

/// Why lockpit ends. The numbers are a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// A check found what cannot work.
    Danger = 1,
    /// Usage error, or a file that cannot be used.
    Usage = 2,
    /// The server cannot be reached, or was lost.
    Unreachable = 3,
    /// The operator aborted the work.
    Aborted = 5,
    /// A log is altered or unreadable.
    BadLog = 7,
    /// Rights are missing.
    Rights = 8,
    /// A replay decided differently.
    Drift = 9,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// The codes, for help.
pub(super) const HELP: &str = "\
Exit codes:
  0  done
  1  a check found what cannot work
  2  usage error or bad plan; no such flight; the flight refused
  3  server or flight unreachable or lost
  4  a guardrail acted and the work did not complete
  5  aborted by the operator
  6  a step of a plan failed
  7  a log is altered or unreadable (a torn tail is not: it is said, and exits 0)
  8  missing rights
  9  a replay decided differently than the flight (drift)";
