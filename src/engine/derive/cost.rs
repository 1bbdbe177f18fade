//! The cost of stopping: what is lost, what is left behind, and how to clean that up.
//!
//! Owns the judgement for one backend in its present state; what each kind of statement leaves is in `kinds`.
//! What cannot be seen is [`Severity::Unknown`], said plainly: it is never taken for nothing.

use crate::engine::Cockpit;
use crate::engine::guard::seconds;
use crate::engine::ids::{At, Pid};
use crate::engine::sample::{Backend, State};
use crate::engine::scene::Part;
use crate::engine::text::Text;

use super::cancel::{CancelWorks, waits_for_standby};
use super::lookup::Lookup;
use super::tree::rollback_prepared;
use super::words::plural;

mod kinds;
pub(crate) mod outcomes;

#[cfg(test)]
mod tests;

/// How bad a stop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is lost and nothing is left.
    Nothing,
    /// Work is lost; running it again is all that is needed.
    Work,
    /// Something is left that must be cleaned up.
    Leftover,
    /// It is committed: a stop undoes nothing.
    Committed,
    /// It cannot be told.
    Unknown,
}

/// What stopping one backend costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopCost {
    /// Whom.
    pub pid: Pid,
    /// What its statement is.
    pub kind: String,
    /// Which work is lost, for people.
    pub lost: String,
    /// What is left behind, for people.
    pub leaves: String,
    /// What to do about it: SQL that ends in `;`, or a step in words. A name in `<..>` is not known.
    pub clean_up: Vec<String>,
    /// What a cancel does.
    pub cancel: CancelWorks,
    /// It is committed, and stays.
    pub committed: bool,
    /// How bad it is.
    pub severity: Severity,
    /// How long its statement, or else its transaction, has run, in milliseconds; `None` where hidden.
    pub ran_ms: Option<u64>,
}

impl StopCost {
    /// What stopping `pid` costs now; `None` before the first sample.
    pub fn of(cockpit: &Cockpit, pid: Pid, at: At) -> Option<StopCost> {
        Some(StopCost::with(&Lookup::of(cockpit)?, pid, at))
    }

    /// The same, with a sample that is indexed already.
    pub fn with(look: &Lookup<'_>, pid: Pid, at: At) -> StopCost {
        let backend = look.backend(pid);
        let catalog = look.cockpit().catalog();
        let verdict = match look.cockpit().scene().part(pid) {
            Part::Prepared => prepared(look),
            _ => backend.map_or_else(|| Verdict::unknown("it is not in the activity"), |it| judge(look, it)),
        };
        StopCost {
            pid,
            kind: catalog.kind(backend.and_then(|backend| backend.text)).to_owned(),
            lost: verdict.lost,
            leaves: verdict.leaves,
            clean_up: verdict.clean_up,
            cancel: CancelWorks::of(look, pid),
            committed: verdict.severity == Severity::Committed,
            severity: verdict.severity,
            ran_ms: backend.and_then(|backend| ran_ms(look, backend, at)),
        }
    }

    /// In one line: `nothing lost, nothing left behind`.
    pub fn sentence(&self) -> String {
        if self.lost == "nothing" && self.leaves == "nothing" {
            return "nothing lost, nothing left behind".to_owned();
        }
        if self.lost == self.leaves {
            return self.lost.clone();
        }
        format!("lost: {}; left behind: {}", self.lost, self.leaves)
    }
}

/// What is lost and left.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Verdict {
    lost: String,
    leaves: String,
    clean_up: Vec<String>,
    severity: Severity,
}

impl Verdict {
    fn new(severity: Severity, lost: impl Into<String>, leaves: impl Into<String>) -> Verdict {
        Verdict { lost: lost.into(), leaves: leaves.into(), clean_up: Vec::new(), severity }
    }

    fn nothing() -> Verdict {
        Verdict::new(Severity::Nothing, "nothing", "nothing")
    }

    fn unknown(why: &str) -> Verdict {
        let words = format!("not known: {why}");
        Verdict::new(Severity::Unknown, words.clone(), words)
    }

    fn clean_up(mut self, steps: impl IntoIterator<Item = String>) -> Verdict {
        self.clean_up.extend(steps);
        self
    }
}

fn judge(look: &Lookup<'_>, backend: &Backend) -> Verdict {
    match look.cockpit().scene().part(backend.pid) {
        Part::Autovacuum => return autovacuum(look.text(backend.pid)),
        Part::WalSender => {
            return Verdict::new(
                Severity::Work,
                "the connection of its standby or subscriber, which falls behind until it is back",
                "nothing, when the client connects again by itself",
            );
        }
        Part::Server => return Verdict::unknown("it is a process of the server"),
        Part::Client | Part::SchemaWork | Part::Lockpit | Part::Prepared | Part::Unknown => {}
    }
    match backend.state {
        State::Masked => return Verdict::unknown("its state and text are hidden from this login"),
        State::Disabled | State::None => return Verdict::unknown("it does not tell what it does"),
        State::Idle => return Verdict::nothing(),
        State::IdleInTransactionAborted => {
            return Verdict::new(Severity::Nothing, "nothing: its transaction has failed already", "nothing");
        }
        State::IdleInTransaction => return open_transaction(backend),
        State::Active | State::Fastpath => {}
    }
    let text = look.text(backend.pid);
    if waits_for_standby(backend) {
        return synchronous(text);
    }
    if look.is_text_lost(backend.pid) {
        return Verdict::unknown("its text is lost from the log");
    }
    let Some(text) = text else { return Verdict::unknown("its text is hidden from this login") };
    let alone = kinds::of(look, backend, text);
    within_transaction(backend, text, alone)
}

/// A statement within a transaction that the client has opened takes the rest of it along.
fn within_transaction(backend: &Backend, text: &Text, alone: Verdict) -> Verdict {
    if text.statements > 1 {
        let among =
            format!("it is one of {} statements of one text; which one runs is not known", text.statements);
        return Verdict {
            lost: format!("{among}, and those since the last COMMIT are rolled back"),
            leaves: "what a COMMIT in that text has committed stays; else nothing".to_owned(),
            severity: alone.severity.max(Severity::Unknown),
            clean_up: Vec::new(),
        };
    }
    if !crate::engine::target::attempt_of(backend).in_explicit_transaction() || kinds::is_own(&text.kind) {
        return alone;
    }
    let before = if backend.backend_xid.is_some() {
        "what its transaction wrote before, if anything"
    } else {
        "nothing of what came before: its transaction has written nothing"
    };
    let lost = match alone.severity {
        Severity::Nothing => before.to_owned(),
        _ => format!("{}; and {before}", alone.lost),
    };
    let written = if backend.backend_xid.is_some() { Severity::Work } else { Severity::Nothing };
    let leaves = match alone.severity {
        Severity::Unknown => alone.leaves,
        _ => "after a cancel an open transaction that has failed, until its client sends ROLLBACK".to_owned(),
    };
    Verdict { lost, leaves, clean_up: alone.clean_up, severity: alone.severity.max(written) }
}

fn open_transaction(backend: &Backend) -> Verdict {
    match backend.backend_xid {
        Some(_) => Verdict::new(
            Severity::Work,
            "everything its transaction has written is rolled back; how much that is is not known",
            "dead rows, for vacuum",
        ),
        None => Verdict::new(
            Severity::Nothing,
            "nothing written: its transaction has no transaction id; what its client keeps in it is lost",
            "nothing",
        ),
    }
}

fn synchronous(text: Option<&Text>) -> Verdict {
    let goes_on = text.is_some_and(|text| kinds::is_own(&text.kind));
    let lost = "nothing: it is committed here and stays; only the standby has not confirmed it";
    let leaves = if goes_on {
        "a change that may be missing after a failover; the statement has more transactions and goes on"
    } else {
        "a change that may be missing after a failover"
    };
    Verdict::new(Severity::Committed, lost, leaves)
}

fn autovacuum(text: Option<&Text>) -> Verdict {
    let Some(text) = text else {
        return Verdict::new(Severity::Nothing, "its round so far", "nothing: it starts again by itself");
    };
    if text.normalised.ends_with("(to prevent wraparound)") {
        let lost = "its round so far; it starts again at once, and must be let finish to prevent wraparound";
        return Verdict::new(Severity::Work, lost, "nothing");
    }
    Verdict::new(Severity::Nothing, "its round so far; it starts again by itself", "nothing")
}

fn prepared(look: &Lookup<'_>) -> Verdict {
    let blocking = look.blocking_prepared();
    let catalog = look.cockpit().catalog();
    let mut verdict = Verdict::new(
        Severity::Work,
        format!(
            "it cannot be stopped; rolling back {} loses what it has written",
            plural(blocking.len() as u64, "prepared transaction")
        ),
        "the two-phase commit of its transaction manager is broken: ask it first",
    );
    for xact in blocking {
        if !catalog.is_here(xact.database) {
            verdict.clean_up.push(format!("in database {}:", catalog.database(xact.database)));
        }
        verdict.clean_up.push(rollback_prepared(&xact.gid));
    }
    verdict
}

fn ran_ms(look: &Lookup<'_>, backend: &Backend, at: At) -> Option<u64> {
    let start = match backend.state {
        State::Active | State::Fastpath => backend.query_start.or(backend.xact_start),
        State::Idle => return None,
        _ => backend.xact_start,
    };
    start.map(|start| look.age_ms(at, start))
}

/// How long a statement has run, for people: ` (ran 2m06s)`.
fn ran(look: &Lookup<'_>, backend: &Backend) -> String {
    let at = look.cockpit().sample_at().unwrap_or_default();
    ran_ms(look, backend, at).map_or_else(String::new, |ms| format!(" of {}", seconds(ms)))
}
