//! The thread that reads the keyboard.
//!
//! Owns standard input while a screen is shown. It sleeps until the terminal has something, changes its size or
//! goes away, and ends with the screen, so that no key meant for the shell is swallowed. Never decides what a key
//! does.

use std::future::Future;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, poll, read};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::retry_on_intr;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::run::Event;

/// A terminal that has hung up.
const GONE: PollFlags = PollFlags::HUP.union(PollFlags::ERR).union(PollFlags::NVAL);
/// How often crossterm is told that there is something to read.
const MOST_NUDGES: u32 = 8;
/// How long a reader has to end; one in the middle of a key's sequence does not hear.
const FAREWELL: Duration = Duration::from_millis(200);

/// A keyboard being read. Dropped, it is not read any more.
#[derive(Debug)]
pub(super) struct Keys {
    stop: Option<oneshot::Sender<()>>,
    ended: Receiver<()>,
}

impl Keys {
    /// Reads keys; they, and the end of the terminal, go to `events`.
    ///
    /// # Errors
    /// Standard input cannot be waited for.
    pub(super) fn read(events: Sender<Event>) -> io::Result<Keys> {
        let input = io::stdin().as_fd().try_clone_to_owned()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = mpsc::channel();
        thread::spawn(move || {
            // Dropped last, however this thread ends.
            let _end: Sender<()> = end;
            if runtime.block_on(listen(input, &events, stopped)).is_err() {
                let _ = events.send(Event::TerminalGone);
            }
        });
        Ok(Keys { stop: Some(stop), ended })
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.ended.recv_timeout(FAREWELL);
    }
}

/// Returns when it is told to stop; an error is the end of the terminal.
async fn listen(
    input: OwnedFd,
    events: &Sender<Event>,
    stopped: impl Future<Output = Result<(), oneshot::error::RecvError>>,
) -> io::Result<()> {
    #[allow(
        deprecated,
        reason = "its replacement is unsafe, for types that do not keep their descriptor: this one does"
    )]
    let input = AsyncFd::with_interest(input, Interest::READABLE)?;
    let mut resized = signal(SignalKind::window_change())?;
    tokio::pin!(stopped);
    loop {
        tokio::select! {
            _ = &mut stopped => return Ok(()),
            _ = resized.recv() => {
                // The frame itself asks for the size.
                let (columns, rows) = crossterm::terminal::size().unwrap_or_default();
                let _ = events.send(Event::Terminal(TerminalEvent::Resize(columns, rows)));
                hand_over(input.get_ref(), events)?;
            }
            ready = input.readable() => {
                let mut ready = ready?;
                hand_over(input.get_ref(), events)?;
                ready.clear_ready();
            }
        }
    }
}

/// Hands over everything that has been typed.
fn hand_over(input: &OwnedFd, events: &Sender<Event>) -> io::Result<()> {
    for _ in 0..MOST_NUDGES {
        // What crossterm reads of a terminal that has hung up never ends.
        while !is(input, GONE)? && poll(Duration::ZERO)? {
            let _ = events.send(Event::Terminal(read()?));
        }
        if is(input, GONE)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if !is(input, PollFlags::IN)? {
            break;
        }
        // crossterm forgets keys that come together with another size until the next key. To set the modes that
        // are set makes the terminal say again that there is something.
        let modes = retry_on_intr(|| tcgetattr(input))?;
        retry_on_intr(|| tcsetattr(input, OptionalActions::Now, &modes))?;
    }
    Ok(())
}

/// Whether the terminal is in one of these states.
fn is(input: &OwnedFd, flags: PollFlags) -> io::Result<bool> {
    let mut fds = [PollFd::new(input, PollFlags::IN)];
    // A signal, such as that of another size, is not the end of the terminal.
    retry_on_intr(|| rustix::event::poll(&mut fds, Some(&Timespec::default())))?;
    Ok(fds[0].revents().intersects(flags))
}
