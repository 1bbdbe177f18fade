//! What each kind of statement loses and leaves when it is stopped, in words.
//!
//! Owns the table that was measured on real servers, by kind alone: what is told before a statement runs, and with what
//! can be seen of it (`kinds`) while it does. A kind that is not in it is unknown.

use super::Severity;

/// What stopping a kind of statement loses and leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// How bad it is.
    pub severity: Severity,
    /// Which work is lost.
    pub loses: &'static str,
    /// What joins it to the time for which that work has run; `None` where no time is lost.
    pub joint: Option<&'static str>,
    /// What is left behind.
    pub leaves: &'static str,
}

const fn leftover(loses: &'static str, joint: Option<&'static str>, leaves: &'static str) -> Outcome {
    Outcome { severity: Severity::Leftover, loses, joint, leaves }
}

const fn work(loses: &'static str, joint: &'static str, leaves: &'static str) -> Outcome {
    Outcome { severity: Severity::Work, loses, joint: Some(joint), leaves }
}

const fn again(loses: &'static str, joint: &'static str) -> Outcome {
    work(loses, joint, "nothing; run it again")
}

/// All that is undone with its transaction.
pub(crate) const ROLLED_BACK: Outcome = again("all it did, rolled back", ": work");

/// What stopping a statement of this kind loses and leaves; `None` where there is no rule.
pub(crate) fn of(kind: &str) -> Option<Outcome> {
    let outcome = match kind {
        "CREATE INDEX CONCURRENTLY" => leftover(
            "the build",
            Some(""),
            "an INVALID index that writes may already maintain, and a UNIQUE one enforce",
        ),
        "REINDEX CONCURRENTLY" => {
            leftover("the rebuild", Some(""), "before the swap .._ccnew, after it .._ccold, INVALID")
        }
        "DROP INDEX CONCURRENTLY" => {
            leftover("nothing but its wait", None, "the index, INVALID: not used for reads, still written")
        }
        "ALTER TABLE DETACH PARTITION CONCURRENTLY" => leftover(
            "nothing but its wait",
            None,
            "the partition pending detach: its rows are not seen through the parent, and no other partition \
             can be detached concurrently",
        ),
        "ALTER TABLE DETACH PARTITION FINALIZE" => {
            leftover("nothing but its wait", None, "the partition pending detach, as it was")
        }
        "ALTER TABLE VALIDATE CONSTRAINT" => {
            work("the scan", "", "the constraint NOT VALID, as it was; run it again")
        }
        "ALTER TABLE ATTACH PARTITION" => again("the scan of the partition, if there was one", ","),
        "CREATE INDEX" => again("the build", ""),
        "REINDEX" => again("the rebuild of the index at hand", ""),
        "VACUUM FULL" | "CLUSTER" => again("the rewrite; its new files are removed at once", ": work"),
        "REFRESH MATERIALIZED VIEW" | "REFRESH MATERIALIZED VIEW CONCURRENTLY" => {
            work("the new contents", ", work", "the old contents, still populated; run it again")
        }
        "VACUUM" => again("the round, except what it has cleaned", ","),
        "ANALYZE" => again("the new statistics", ", work"),
        "UPDATE" | "DELETE" | "INSERT" | "MERGE" | "COPY" | "CREATE TABLE AS" | "SELECT INTO"
        | "EXPLAIN ANALYZE" => work(
            "what it has written, rolled back",
            ": work",
            "dead rows where it wrote, for vacuum; run it again",
        ),
        "SELECT" | "FETCH" | "SHOW" | "EXPLAIN" | "DECLARE CURSOR" | "DECLARE" => Outcome {
            severity: Severity::Nothing,
            loses: "its result",
            joint: None,
            leaves: "nothing, unless a function it calls has written",
        },
        "LOCK TABLE" | "SET" | "BEGIN" | "ROLLBACK" => {
            Outcome { severity: Severity::Nothing, loses: "nothing", joint: None, leaves: "nothing" }
        }
        "CALL" | "DO" => Outcome {
            severity: Severity::Unknown,
            loses: "what it has not committed itself",
            joint: Some(": work"),
            leaves: "not known: what it has committed itself stays",
        },
        kind if is_transactional(kind) => ROLLED_BACK,
        _ => return None,
    };
    Some(outcome)
}

/// Commands that run in one transaction and are undone as a whole.
fn is_transactional(kind: &str) -> bool {
    const VERBS: [&str; 9] = [
        "ALTER ",
        "CREATE ",
        "DROP ",
        "TRUNCATE",
        "COMMENT",
        "GRANT",
        "REVOKE",
        "REASSIGN",
        "SECURITY LABEL",
    ];
    // What reaches beyond the transaction: files, other servers, the server's settings.
    const BEYOND: [&str; 5] = ["DATABASE", "TABLESPACE", "SUBSCRIPTION", "SYSTEM", "CONCURRENTLY"];
    VERBS.iter().any(|verb| kind.starts_with(verb)) && !BEYOND.iter().any(|word| kind.contains(word))
}
