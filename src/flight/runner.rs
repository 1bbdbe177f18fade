//! The process on this machine that runs somebody else's migration.
//!
//! Owns a hold on that very process, taken when the consent was given: a later process with the same id is
//! never signalled.

use std::io;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::engine::input::RungAnswer;

/// A hold on the process.
#[derive(Debug)]
pub struct Runner {
    pid: u32,
    process: std::os::fd::OwnedFd,
}

impl Runner {
    /// Takes hold of a running process.
    ///
    /// # Errors
    /// There is no such process, or this system cannot hold one.
    pub fn hold(pid: u32) -> io::Result<Runner> {
        let id = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Runner { pid, process: pidfd_open(id, PidfdFlags::empty())? })
    }

    /// Asks it to end (SIGTERM).
    pub(super) fn terminate(&self) -> RungAnswer {
        match pidfd_send_signal(&self.process, Signal::TERM) {
            Ok(()) => RungAnswer::Sent,
            Err(rustix::io::Errno::SRCH) => RungAnswer::NobodyFits,
            Err(rustix::io::Errno::PERM) => {
                RungAnswer::Refused(format!("process {} belongs to another user", self.pid))
            }
            Err(error) => RungAnswer::Failed(format!("process {} was not signalled: {error}", self.pid)),
        }
    }
}
