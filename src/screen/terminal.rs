//! The terminal: entered, written to, and always given back.
//!
//! Owns raw mode, the alternate screen and the bytes that go out. A frame is composed in memory and written by a
//! thread of its own, so that a terminal that blocks (Ctrl-S, a stalled connection) holds up nothing but its own
//! picture: while a frame is on its way no other one is composed, and the next one shows the newest state.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::prelude::Frame;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// How long the last bytes have to reach a terminal that is left.
const FAREWELL: Duration = Duration::from_millis(500);

/// A frame without any change is shorter than this.
const QUIET_BYTES: usize = 128;

/// Whether some screen has the terminal in raw mode now.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// Why there is no screen.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// Standard output goes somewhere else.
    #[error("standard output is no terminal: --headless prints JSON lines instead of opening a screen")]
    NoTerminal,
    /// The terminal cannot place a cursor.
    #[error("TERM={0} cannot show a screen: --headless prints JSON lines instead")]
    Dumb(String),
    /// The terminal refused.
    #[error("the terminal cannot be taken over: {0}")]
    Io(#[from] io::Error),
}

/// A terminal that shows frames.
#[derive(Debug)]
pub(super) struct Surface {
    terminal: Terminal<CrosstermBackend<Bytes>>,
    bytes: Bytes,
    writer: Writer,
    /// What the terminal shows now is not known.
    is_forgotten: bool,
    /// The last frame, when nearly nothing was in it.
    last: Vec<u8>,
}

impl Surface {
    /// Takes the terminal over. `written` is called, on another thread, whenever a frame has gone out.
    ///
    /// # Errors
    /// [`TerminalError`]; the terminal is as it was.
    pub(super) fn enter(written: impl Fn() + Send + 'static) -> Result<Surface, TerminalError> {
        check(&std::env::var("TERM").unwrap_or_default())?;
        let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let bytes = Bytes::default();
        let terminal = Terminal::new(CrosstermBackend::new(bytes.clone()))?;
        enable_raw_mode()?;
        ENTERED.store(true, Ordering::SeqCst);
        let mut surface = Surface {
            terminal,
            bytes,
            writer: Writer::start(out, written),
            is_forgotten: true,
            last: Vec::new(),
        };
        surface.enter_again()?;
        Ok(surface)
    }

    /// Whether the last frame has gone out: only then is another one worth composing.
    pub(super) fn is_free(&self) -> bool {
        self.writer.waiting.load(Ordering::Acquire) == 0
    }

    /// Composes a frame and sends it on its way. Returns whether it was: while the terminal is not free, nothing
    /// happens.
    ///
    /// # Errors
    /// The size of the terminal cannot be read: it has gone.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<bool> {
        if !self.is_free() {
            return Ok(false);
        }
        queue!(self.bytes, BeginSynchronizedUpdate)?;
        if std::mem::take(&mut self.is_forgotten) {
            // `Terminal::clear` would ask the terminal where its cursor is, and wait for the answer.
            let area = self.terminal.size()?.into();
            self.terminal.resize(area)?;
            self.last.clear();
        }
        self.terminal.draw(draw)?;
        queue!(self.bytes, EndSynchronizedUpdate)?;
        let frame = self.bytes.take();
        // Cells are written to their places: to write the same again changes nothing.
        if frame != self.last {
            self.last.clear();
            if frame.len() <= QUIET_BYTES {
                self.last.extend_from_slice(&frame);
            }
            self.writer.send(frame);
        }
        Ok(true)
    }

    /// Sends `text` to the clipboard of the terminal (OSC 52), if the terminal takes anything now.
    pub(super) fn copy(&mut self, text: &str) -> bool {
        use base64::Engine;
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        let is_free = self.is_free();
        if is_free {
            self.writer.send(format!("\x1b]52;c;{encoded}\x07").into_bytes());
        }
        is_free
    }

    /// The next frame is drawn as a whole, whatever the terminal shows now.
    pub(super) fn forget(&mut self) {
        self.is_forgotten = true;
    }

    /// Gives the terminal back for a while, as for Ctrl-Z.
    pub(super) fn leave(&mut self) {
        let mut bytes = Bytes::default();
        // Into memory: it cannot fail.
        let _ = queue!(bytes, DisableBracketedPaste, LeaveAlternateScreen, Show);
        self.writer.send(bytes.take());
        self.writer.drain(FAREWELL);
        if ENTERED.swap(false, Ordering::SeqCst) {
            let _ = disable_raw_mode();
        }
    }

    /// Takes it over again.
    ///
    /// # Errors
    /// The terminal has gone.
    pub(super) fn enter_again(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        ENTERED.store(true, Ordering::SeqCst);
        let mut bytes = Bytes::default();
        queue!(bytes, EnterAlternateScreen, EnableBracketedPaste, Hide)?;
        self.writer.send(bytes.take());
        self.forget();
        Ok(())
    }
}

impl Drop for Surface {
    fn drop(&mut self) {
        if ENTERED.load(Ordering::SeqCst) {
            self.leave();
        }
    }
}

/// Gives the terminal back from wherever a panic came: text that follows can be read.
pub fn restore() {
    if ENTERED.swap(false, Ordering::SeqCst) {
        let _ = disable_raw_mode();
        leave_screen();
    }
}

/// The modes of a terminal, for when a process that shows a screen on it is killed.
#[derive(Debug)]
pub struct Before(Option<Termios>);

impl Before {
    /// As the terminal is now.
    pub fn now() -> Before {
        Before(tcgetattr(io::stdin()).ok())
    }

    /// Puts them back, and leaves the screen if one was shown.
    pub fn restore(&self) {
        let Some(modes) = &self.0 else { return };
        let was_shown =
            tcgetattr(io::stdin()).is_ok_and(|modes| !modes.local_modes.contains(LocalModes::ICANON));
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, modes);
        if was_shown {
            leave_screen();
        }
    }
}

fn leave_screen() {
    let _ = execute!(io::stdout(), EndSynchronizedUpdate, DisableBracketedPaste, LeaveAlternateScreen, Show);
}

/// Whether a screen can be shown here.
///
/// # Errors
/// [`TerminalError::NoTerminal`], [`TerminalError::Dumb`].
pub fn check(term: &str) -> Result<(), TerminalError> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(TerminalError::NoTerminal);
    }
    if matches!(term, "dumb" | "unknown" | "") {
        return Err(TerminalError::Dumb(if term.is_empty() { "(nothing)" } else { term }.to_owned()));
    }
    Ok(())
}

/// Where the backend writes to.
#[derive(Debug, Clone, Default)]
struct Bytes(Rc<RefCell<Vec<u8>>>);

impl Bytes {
    fn take(&self) -> Vec<u8> {
        self.0.take()
    }
}

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The thread that writes.
#[derive(Debug)]
struct Writer {
    frames: SyncSender<Vec<u8>>,
    done: Receiver<()>,
    /// What was sent and has not gone out.
    waiting: Arc<AtomicUsize>,
}

impl Writer {
    /// Frames that may wait: one on its way, and what is sent around it when a screen is entered or left.
    const QUEUE: usize = 8;

    fn start(mut out: File, written: impl Fn() + Send + 'static) -> Writer {
        let (frames, queue) = mpsc::sync_channel::<Vec<u8>>(Writer::QUEUE);
        let (told, done) = mpsc::sync_channel(Writer::QUEUE);
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&waiting);
        thread::spawn(move || {
            for frame in queue {
                // A terminal that has gone is noticed by whoever reads its keys.
                let _ = out.write_all(&frame);
                left.fetch_sub(1, Ordering::AcqRel);
                let _ = told.try_send(());
                written();
            }
        });
        Writer { frames, done, waiting }
    }

    fn send(&self, frame: Vec<u8>) {
        if frame.is_empty() {
            return;
        }
        self.waiting.fetch_add(1, Ordering::AcqRel);
        // Full only when the terminal takes nothing any more: then nothing is lost by not sending more.
        if self.frames.try_send(frame).is_err() {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Waits until everything has gone out; gives up on a terminal that takes nothing for this long.
    fn drain(&self, at_most: Duration) {
        while self.waiting.load(Ordering::Acquire) > 0 && self.done.recv_timeout(at_most).is_ok() {}
    }
}
