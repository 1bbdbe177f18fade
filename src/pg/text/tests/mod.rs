//! Tests of digesting as a whole.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod digester;
mod hostile;
mod kept;
mod measure;
mod properties;
mod statements;

use super::*;

/// A digester that waits for its parser as long as it takes.
fn patient() -> Digester {
    let mut digester = Digester::new(None).unwrap();
    digester.parser = digester.parser.patient();
    digester
}

/// The digest of a text that is complete.
fn digest(raw: &str) -> Text {
    patient().digest(raw, false).1.unwrap()
}

/// The digest of a text that was cut.
fn digest_cut(raw: &str) -> Text {
    patient().digest(raw, true).1.unwrap()
}
