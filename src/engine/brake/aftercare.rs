//! After a cancel: does the session go on to the next statement of its script?
//!
//! Owns which session is watched and for how long, and which statements do not count. Never stops anything.

use serde::{Deserialize, Serialize};

use crate::engine::catalog::Catalog;
use crate::engine::ids::{At, Attempt, TextId};
use crate::engine::rungs::is_own_runner;
use crate::engine::sample::{Backend, Sample, State};
use crate::engine::target::attempt_of;

/// How long a session is watched for the next statement of its script after a cancel.
const AFTERCARE_MS: u64 = 5_000;
/// Statements that change nothing by themselves: what a tool sends to clean up.
#[rustfmt::skip]
const HARMLESS: [&str; 18] = [
    "BEGIN", "CLOSE", "COMMIT", "DEALLOCATE", "DISCARD", "RELEASE SAVEPOINT", "RESET", "ROLLBACK",
    "ROLLBACK TO SAVEPOINT", "SAVEPOINT", "SELECT", "SET", "SET CONSTRAINTS", "SET ROLE",
    "SET SESSION AUTHORIZATION", "SET TRANSACTION", "SHOW", "UNLISTEN",
];

/// A session that was cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Aftercare {
    attempt: Attempt,
    /// When it is watched no longer.
    pub(super) until: At,
    /// The consent that was in force reached it.
    pub(super) in_reach: bool,
}

impl Aftercare {
    /// The session of `attempt`, from now on.
    pub(super) fn begin(at: At, attempt: Attempt, in_reach: bool) -> Aftercare {
        Aftercare { attempt, until: at.plus_ms(AFTERCARE_MS), in_reach }
    }

    /// The same session, now that its next statement has been told.
    pub(super) fn goes_on_at(self, backend: &Backend) -> Aftercare {
        Aftercare { attempt: attempt_of(backend), ..self }
    }

    /// The session at another statement that could change something.
    pub(super) fn next_statement<'a>(&self, sample: &'a Sample, catalog: &Catalog) -> Option<&'a Backend> {
        sample.backend(self.attempt.backend.pid).filter(|backend| {
            backend.id() == self.attempt.backend
                && backend.state == State::Active
                && backend.query_start != self.attempt.query_start
                // What runs a plan goes on by the plan, not by a script.
                && !is_own_runner(&backend.application)
                && !is_harmless(catalog, backend.text)
        })
    }
}

/// Whether a text is one statement that changes nothing by itself.
fn is_harmless(catalog: &Catalog, text: Option<TextId>) -> bool {
    // The kind is that of the first statement; 0 statements are a number that could not be told.
    let only_one = catalog.text(text).is_some_and(|text| text.statements <= 1);
    only_one && HARMLESS.contains(&catalog.kind(text))
}
