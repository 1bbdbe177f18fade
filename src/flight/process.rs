//! The process on this machine that runs somebody else's migration.
//!
//! Owns a hold on that very process, taken when the consent was given: a later process with the same id is
//! never signalled.

use std::io;

use crate::engine::input::RungAnswer;

/// A hold on the process.
#[derive(Debug)]
pub struct Process {
    pid: u32,
    process: hold::Process,
}

impl Process {
    /// Takes hold of a running process.
    ///
    /// # Errors
    /// There is no such process, or this system cannot hold one.
    pub fn hold(pid: u32) -> io::Result<Process> {
        Ok(Process { pid, process: hold::open(pid)? })
    }

    /// Asks it to end (SIGTERM).
    pub(super) fn terminate(&self) -> RungAnswer {
        match hold::terminate(&self.process) {
            Ok(()) => RungAnswer::Sent,
            Err(rustix::io::Errno::SRCH) => RungAnswer::NobodyFits,
            Err(rustix::io::Errno::PERM) => {
                RungAnswer::Refused(format!("process {} belongs to another user", self.pid))
            }
            Err(error) => RungAnswer::Failed(format!("process {} was not signalled: {error}", self.pid)),
        }
    }
}

#[cfg(target_os = "linux")]
mod hold {
    use std::io;
    use std::os::fd::OwnedFd;

    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

    pub(super) type Process = OwnedFd;

    pub(super) fn open(pid: u32) -> io::Result<Process> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(pidfd_open(pid, PidfdFlags::empty())?)
    }

    pub(super) fn terminate(process: &Process) -> rustix::io::Result<()> {
        pidfd_send_signal(process, Signal::TERM)
    }
}

/// Without a hold a signal could reach a later process with the same id, so there is none.
#[cfg(not(target_os = "linux"))]
mod hold {
    use std::convert::Infallible;
    use std::io;

    pub(super) type Process = Infallible;

    pub(super) fn open(_: u32) -> io::Result<Process> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "only Linux lets one process hold another"))
    }

    pub(super) fn terminate(process: &Process) -> rustix::io::Result<()> {
        match *process {}
    }
}
