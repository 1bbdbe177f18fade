//! When steps may start: windows and freezes.

use super::Plan;

/// Why no step may start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// In words.
    pub why: String,
    /// When that is over, microseconds since 1970 UTC, as far as it is known.
    pub until_utc_us: Option<i64>,
}

/// Whether a step may start at this time, microseconds since 1970 UTC.
///
/// # Errors
/// [`Closed`].
pub fn may_start(_plan: &Plan, _utc_us: i64) -> Result<(), Closed> {
    Ok(())
}
