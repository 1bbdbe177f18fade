//! What is said about a configuration file that cannot be used.
//!
//! Owns the sentence: the file, the line, what is wrong, and what was probably meant.

use std::io;
use std::path::{Path, PathBuf};

use super::defaults;
use crate::engine::near::is_near;

/// A configuration file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Something in it is wrong.
    #[error("{}, line {line}: {why}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what was probably meant.
        why: String,
    },
}

impl ConfigError {
    pub(super) fn wrong(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
        let span = error.span().unwrap_or_default();
        let line = line_at(text, span.start);
        let mut why = error.message().replace('\n', "; ");
        let word = text.get(span).unwrap_or_default().trim_matches(['"', '\'']);
        if let Some(near) = meant(&why, word) {
            why.push_str(&format!("; did you mean `{near}`?"));
        }
        ConfigError::Wrong { path: path.to_owned(), line, why }
    }
}

/// The line of a byte of `text`, from 1.
pub(super) fn line_at(text: &str, at_byte: usize) -> usize {
    text.get(..at_byte).unwrap_or_default().matches('\n').count() + 1
}

/// What a word that is not known was probably meant to be.
fn meant(why: &str, word: &str) -> Option<String> {
    let is_unknown = why.starts_with("unknown field") || why.starts_with("unknown variant");
    defaults::words().into_iter().find(|known| is_unknown && is_near(word, known))
}
