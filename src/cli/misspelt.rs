//! Hints for misspelt options.
//!
//! Owns one rule: an option with one letter too few, too many, wrong or swapped is the one that was meant.
//! Clap's own measure misses short names, and prefers other ones.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};

/// `error` with the options that were probably meant, where these are known.
pub(super) fn with_hint(mut error: Error, mut command: Command, words: &[String]) -> Error {
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else { return error };
    let Some(name) = word.strip_prefix("--") else { return error };
    command.build();
    let family = words.iter().skip(1).find_map(|word| command.find_subcommand(word)).unwrap_or(&command);
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

/// Whether one letter inserted, left out or replaced, or two neighbours swapped, make one word the other.
fn is_near(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let same = short.iter().zip(&long).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[same..], &long[same..]);
    match (short, long) {
        ([], []) => true,
        (short, [_, long @ ..]) if short == long => true,
        ([_, short @ ..], [_, long @ ..]) if short == long => true,
        ([a, b, short @ ..], [c, d, long @ ..]) => (a, b) == (d, c) && short == long,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn one_slip_is_near_and_two_are_not() {
        for near in ["arm", "rm", "am", "ar", "armm", "xarm", "ram", "amr", "arn", "brm"] {
            assert!(is_near(near, "arm") && is_near("arm", near), "{near}");
        }
        for far in ["", "a", "mra", "armada", "art-m", "xrn"] {
            assert!(!is_near(far, "arm"), "{far}");
        }
    }
}
