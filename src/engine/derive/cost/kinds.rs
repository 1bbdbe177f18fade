//! What a statement that runs leaves behind when it is stopped now.
//!
//! Owns what its phase and its wait make of what its kind leaves (`outcomes`), and the clean-up by name. Names come from the digested text and from locks; where neither has one, `<..>` stands for it.

use crate::engine::locks::{LockMode, LockObject};
use crate::engine::sample::Backend;
use crate::engine::text::Text;

use super::super::lookup::Lookup;
use super::super::words::{name_parts, quote_name};
use super::{Severity, Verdict, outcomes, ran};

/// Longest name of an object, in bytes.
const NAME_BYTES: usize = 63;

/// Commands that run in transactions of their own, so that there is nothing around them to lose.
pub(super) fn is_own(kind: &str) -> bool {
    kind.ends_with(" CONCURRENTLY") && kind != "REFRESH MATERIALIZED VIEW CONCURRENTLY"
        || matches!(kind, "VACUUM" | "VACUUM FULL" | "REINDEX" | "CLUSTER" | "CALL" | "DO")
}

/// What stopping `backend` at `text` loses and leaves.
pub(super) fn of(look: &Lookup<'_>, backend: &Backend, text: &Text) -> Verdict {
    let names = Names::of(look, backend, text);
    let waits = waits_at(look, backend);
    if waits == Some(Wait::FirstLock) {
        return Verdict::nothing();
    }
    let kind = text.kind.as_str();
    if kind == "COMMIT" {
        return Verdict::unknown("it may be committed already");
    }
    let Some(outcome) = outcomes::of(kind) else {
        return Verdict::unknown(&format!("there is no rule for {kind}"));
    };
    let lost = outcome.joint.map_or_else(
        || outcome.loses.to_owned(),
        |joint| format!("{}{joint}{}", outcome.loses, ran(look, backend)),
    );
    let verdict = Verdict::new(outcome.severity, lost, outcome.leaves);
    let finalize = || {
        format!(
            "ALTER TABLE {} DETACH PARTITION {} FINALIZE;",
            names.first("parent"),
            names.second("partition")
        )
    };
    match kind {
        "CREATE INDEX CONCURRENTLY" => verdict.clean_up([
            format!("DROP INDEX CONCURRENTLY {};", names.new_index()),
            "run it again; IF NOT EXISTS would take the INVALID index for the real one".to_owned(),
        ]),
        "REINDEX CONCURRENTLY" => reindex(look, backend, &names, verdict),
        "DROP INDEX CONCURRENTLY" => {
            verdict.clean_up([format!("DROP INDEX CONCURRENTLY {};", names.first("index"))])
        }
        "ALTER TABLE DETACH PARTITION CONCURRENTLY" => verdict
            .clean_up([finalize(), "to undo: FINALIZE, then ATTACH PARTITION with its bounds".to_owned()]),
        "ALTER TABLE DETACH PARTITION FINALIZE" => verdict.clean_up([finalize()]),
        "UPDATE" | "DELETE" | "INSERT" | "MERGE" | "COPY" | "CREATE TABLE AS" | "SELECT INTO"
        | "EXPLAIN ANALYZE" => verdict.clean_up(names.vacuum()),
        _ => verdict,
    }
}

/// What a statement waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// A lock, before it has done anything.
    FirstLock,
    /// Something later.
    Later,
}

fn waits_at(look: &Lookup<'_>, backend: &Backend) -> Option<Wait> {
    let awaited = look.awaited(backend.pid)?;
    let LockObject::Relation { .. } = awaited.object else { return Some(Wait::Later) };
    let holds_some = look.cockpit().scene().schema_locks(backend.pid).iter().any(|lock| lock.granted);
    let began = look
        .progress(backend.pid)
        .is_some_and(|progress| progress.phase.as_deref().is_some_and(|phase| phase != "initializing"));
    // A detach that asks for the partition has marked it before, in a transaction of its own.
    let second_phase = look.text(backend.pid).is_some_and(|text| {
        text.kind == "ALTER TABLE DETACH PARTITION CONCURRENTLY"
            && awaited.mode == LockMode::AccessExclusiveLock
    });
    // Whoever asks for ACCESS EXCLUSIVE gets a transaction id before it waits: that one is no sign of writing.
    let is_unwritten = backend.backend_xid.is_none() || awaited.mode == LockMode::AccessExclusiveLock;
    let is_first = !holds_some && !began && !second_phase && is_unwritten;
    Some(if is_first { Wait::FirstLock } else { Wait::Later })
}

fn reindex(look: &Lookup<'_>, backend: &Backend, names: &Names, verdict: Verdict) -> Verdict {
    let phase = look.progress(backend.pid).and_then(|progress| progress.phase.as_deref());
    let drop = |suffix: &str| format!("DROP INDEX CONCURRENTLY {};", names.rebuilt(suffix));
    match phase {
        Some("waiting for readers before marking dead" | "waiting for readers before dropping") => {
            Verdict::new(
                Severity::Leftover,
                "nothing: the index is rebuilt and swapped in",
                "the old index as .._ccold, INVALID and maybe still written; the new one is valid",
            )
            .clean_up([drop("_ccold")])
        }
        Some(_) => Verdict::new(
            Severity::Leftover,
            verdict.lost,
            "the new index as .._ccnew, INVALID; the old one is fine; a new run does not remove it",
        )
        .clean_up([drop("_ccnew"), "run it again".to_owned()]),
        None => Verdict { leaves: format!("{}; its phase is not known", verdict.leaves), ..verdict }
            .clean_up([names.find_invalid()]),
    }
}

/// Names of what a statement works on, quoted.
struct Names {
    written: Vec<Vec<String>>,
    /// The schema of the relation it has locked, where the connected database knows it.
    schema: Option<String>,
    table: Option<String>,
    one_index: bool,
}

impl Names {
    fn of(look: &Lookup<'_>, backend: &Backend, text: &Text) -> Names {
        let catalog = look.cockpit().catalog();
        let locks = look.cockpit().scene().schema_locks(backend.pid);
        let qualified = locks.iter().find_map(|lock| catalog.parts(lock.database, lock.relation));
        let upper = text.normalised.to_ascii_uppercase();
        Names {
            written: text.relations.iter().filter_map(|name| name_parts(name)).collect(),
            schema: qualified.map(|(schema, _)| schema.to_owned()),
            table: qualified.map(|(schema, name)| quote_name([schema, name])),
            one_index: upper.split_ascii_whitespace().any(|word| word == "INDEX"),
        }
    }

    /// The index that CREATE INDEX makes: it is named before its table, or not at all. It is in the schema of
    /// its table.
    fn new_index(&self) -> String {
        let [index, table, ..] = self.written.as_slice() else { return "<index>".to_owned() };
        let schema = match table.as_slice() {
            [schema, _] => Some(schema.as_str()),
            _ => self.schema.as_deref(),
        };
        match (index.as_slice(), schema) {
            ([index], Some(schema)) => quote_name([schema, index]),
            (index, _) => quote_name(index.iter().map(String::as_str)),
        }
    }

    fn first(&self, what: &str) -> String {
        self.nth(0, what)
    }

    fn second(&self, what: &str) -> String {
        self.nth(1, what)
    }

    fn nth(&self, at: usize, what: &str) -> String {
        let name = self.written.get(at);
        name.map_or_else(|| format!("<{what}>"), |name| quote_name(name.iter().map(String::as_str)))
    }

    /// The transient index of REINDEX CONCURRENTLY. The server cuts the name to make room for the suffix, and
    /// adds a number where it is taken.
    fn rebuilt(&self, suffix: &str) -> String {
        let Some(name) = self.written.first().filter(|_| self.one_index) else {
            return format!("<index>{suffix}");
        };
        let mut name = name.clone();
        if let Some(last) = name.last_mut() {
            let room = NAME_BYTES.saturating_sub(suffix.len());
            let end = (0..=room.min(last.len())).rev().find(|&end| last.is_char_boundary(end)).unwrap_or(0);
            last.truncate(end);
            last.push_str(suffix);
        }
        quote_name(name.iter().map(String::as_str))
    }

    fn find_invalid(&self) -> String {
        "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid; -- then DROP INDEX CONCURRENTLY"
            .to_owned()
    }

    /// The table a statement writes to, where a lock names it.
    fn vacuum(&self) -> Option<String> {
        self.table.as_ref().map(|table| format!("VACUUM {table};"))
    }
}
