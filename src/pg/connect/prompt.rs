//! Asking for a password at the terminal.
//!
//! Owns the terminal's echo while a password is typed. Never uses standard input, which may be a pipe.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::conninfo::printable;
use super::secret::Secret;

/// Asks on the controlling terminal, without echo. Blocks; call it before a screen is up.
///
/// # Errors
/// When there is no terminal, or it closes before the line ends.
pub fn ask_password(user: &str) -> io::Result<Secret> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    let mut line = String::new();
    {
        // Quiet before it asks: whoever answers fast must not be echoed, nor lose what was typed.
        let _quiet = Quiet::new(&terminal)?;
        write!(&terminal, "Password for user {}: ", printable(user))?;
        (&terminal).flush()?;
        BufReader::new(&terminal).read_line(&mut line)?;
    }
    writeln!(terminal)?;
    match line.strip_suffix('\n') {
        Some(password) => Ok(Secret::new(password)),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// A terminal without echo; with it again on drop.
struct Quiet<'a> {
    terminal: &'a std::fs::File,
    before: Termios,
}

impl<'a> Quiet<'a> {
    fn new(terminal: &'a std::fs::File) -> io::Result<Quiet<'a>> {
        let before = tcgetattr(terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &quiet)?;
        Ok(Quiet { terminal, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // Nothing helps a terminal that cannot be set back.
        let _ = tcsetattr(self.terminal, OptionalActions::Drain, &self.before);
    }
}
