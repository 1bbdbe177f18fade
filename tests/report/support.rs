//! Recorded flights and their reports.

use std::path::{Path, PathBuf};

use jiff::tz::{TimeZone, offset};
use lockpit::report::{self, Page, Story};

/// A recording of this repository.
pub(crate) fn recording(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(name).with_extension("flight")
}

/// Its story, with local times two hours ahead of UTC.
pub(crate) fn story(name: &str) -> Story {
    report::read(&recording(name), &TimeZone::fixed(offset(2))).expect("a recording can be read")
}

/// Its report.
pub(crate) fn page(name: &str, format: Page) -> String {
    report::write(&story(name), format).expect("a story can be written")
}
