//! A text that must not be shown.
//!
//! Owns passwords between where they are read and where they are sent. Never formats one.

use std::fmt;
use std::io;

/// A password. `Debug` prints a placeholder, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a password.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// Writes it, as one line, to another process of this program: a pipe, never a place others can read.
    ///
    /// # Errors
    /// The other end has gone.
    pub(crate) fn hand_over(&self, to: &mut impl io::Write) -> io::Result<()> {
        serde_json::to_writer(&mut *to, &self.0)?;
        to.write_all(b"\n")?;
        to.flush()
    }

    /// Reads what [`Secret::hand_over`] wrote; `None` when nothing was handed over.
    pub(crate) fn take_over(from: &mut impl io::BufRead) -> Option<Secret> {
        let mut line = String::new();
        from.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok().map(Secret)
    }

    /// The password itself, for the one place that sends it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<hidden>")
    }
}
