//! Hints for misspelt options.
//!
//! Owns the hint; what is near is said by [`crate::engine::near`].
//! Clap's own measure misses short names, and prefers other ones.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};

use crate::engine::near::is_near;

/// `error` with the options that were probably meant, where these are known.
pub(super) fn with_hint(mut error: Error, mut command: Command, words: &[String]) -> Error {
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else { return error };
    let Some(name) = word.strip_prefix("--") else { return error };
    command.build();
    let family = words.iter().skip(1).fold(&command, |of, word| of.find_subcommand(word).unwrap_or(of));
    let near: Vec<String> = family
        .get_arguments()
        .filter_map(|argument| argument.get_long())
        .filter(|known| is_near(name, known))
        .map(|known| format!("--{known}"))
        .collect();
    if !near.is_empty() {
        error.insert(ContextKind::SuggestedArg, ContextValue::Strings(near));
        // What else clap suggests is to pass it as a value.
        error.remove(ContextKind::Suggested);
    }
    error
}
