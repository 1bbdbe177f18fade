//! Values of settings: numbers and choices.
//!
//! Owns how they are read. Never repeats a value in an error.

use super::error::ConninfoError;
use super::merge::Merged;

/// The words a keyword allows and what they mean.
#[derive(Clone, Copy)]
pub(super) struct Choices<T: 'static> {
    pub(super) expected: &'static str,
    pub(super) of: &'static [(&'static str, T)],
}

/// The meaning of `keyword`'s word, `default` when it is not given.
pub(super) fn choice<T: Copy>(
    merged: &Merged,
    keyword: &'static str,
    choices: Choices<T>,
    default: T,
) -> Result<T, ConninfoError> {
    let Some(setting) = merged.get(keyword) else { return Ok(default) };
    choices.of.iter().find(|(word, _)| *word == setting.value).map(|&(_, meaning)| meaning).ok_or_else(|| {
        ConninfoError::BadValue { keyword, origin: setting.origin.clone(), expected: choices.expected }
    })
}

/// A whole number, white space around it allowed.
pub(super) fn integer(merged: &Merged, keyword: &'static str) -> Result<Option<i32>, ConninfoError> {
    let Some(setting) = merged.get(keyword) else { return Ok(None) };
    setting.value.trim().parse().map(Some).map_err(|_| ConninfoError::BadValue {
        keyword,
        origin: setting.origin.clone(),
        expected: "a whole number",
    })
}

/// A whole number; a negative one counts as 0, as in libpq.
pub(super) fn unsigned(merged: &Merged, keyword: &'static str) -> Result<Option<u32>, ConninfoError> {
    Ok(integer(merged, keyword)?.map(|number| u32::try_from(number).unwrap_or(0)))
}
