//! The SQL of a plan: its statements, and what of them a step may run.
//!
//! Owns what is refused before anything runs: transaction control in a step, settings that would not last, and what
//! cannot be in a transaction that was asked for. How a statement is understood is `forms`.

use super::Context;
use super::forms;
use super::script::Script;
use super::section::Text;
use super::variables::Expanded;
use crate::engine::plan::{Part, Statement};
use crate::pg::text::script;

/// What stands for the item while a text is parsed: of the same length, so that everything stays in its place.
const STAND_INS: [(&str, &str); 2] = [("${item}", "_item__"), ("${item:literal}", "'_item_literal'")];

/// One statement that can be run.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    /// What the engine knows of it.
    pub statement: Statement,
    /// What is sent.
    pub sql: String,
    /// Where it begins in the file.
    pub at: usize,
    /// PostgreSQL's name of the command.
    pub kind: String,
    /// The relations it names, as written.
    pub relations: Vec<String>,
    /// It names the item at hand.
    pub names_item: bool,
}

/// Statements for the engine, and the same for the runner.
pub(super) type Parts = (Vec<Part>, Vec<Vec<String>>);

/// The statements of a text. What is wrong with it is told; the rest is returned.
pub(super) fn read(source: &Text, context: &Context<'_>) -> Vec<Ready> {
    let expanded = context.variables.expand(source, context.faults);
    let mut parsed = expanded.sql.clone();
    for (name, stand_in) in STAND_INS {
        parsed = parsed.replace(name, stand_in);
    }
    let (pieces, faults) = script::split(&parsed);
    for fault in &faults {
        context.faults.at(expanded.byte(fault.at), &fault.why);
    }
    if pieces.is_empty() && faults.is_empty() {
        context.faults.at(source.at, "there is no statement in this SQL");
    }
    pieces.into_iter().map(|piece| ready(piece, &expanded, context)).collect()
}

fn ready(piece: script::Piece, expanded: &Expanded, context: &Context<'_>) -> Ready {
    let at = expanded.byte(piece.range.start);
    let sql = expanded.sql[piece.range].to_owned();
    let [(item, stand_in), _] = STAND_INS;
    let said = piece.said.replace(stand_in, item);
    Ready {
        statement: Statement {
            said,
            form: forms::read(&sql.replace(Script::ITEM_LITERAL, "''")),
            line: context.faults.line(at),
        },
        at,
        kind: piece.kind,
        relations: piece.relations.into_iter().map(|name| name.replace(stand_in, item)).collect(),
        names_item: STAND_INS.iter().any(|(name, _)| sql.contains(name)),
        sql,
    }
}

/// A query that reads, and the same without literals; what is wrong with it is told.
pub(super) fn query(key: &str, source: &Text, context: &Context<'_>) -> Option<(String, String)> {
    let statements = read(source, context);
    let [ready] = &statements[..] else {
        if let Some(second) = statements.get(1) {
            context.faults.at(second.at, format!("`{key}` is one query, and this is another one"));
        }
        return None;
    };
    if !["SELECT", "SHOW"].contains(&ready.kind.as_str()) {
        context
            .faults
            .at(ready.at, format!("`{key}` is a query that reads, such as a SELECT, not {}", ready.kind));
        return None;
    }
    if ready.names_item {
        context.faults.at(ready.at, format!("`{key}` is asked once, so that there is no ${{item}} in it"));
        return None;
    }
    Some((ready.sql.clone(), ready.statement.said.clone()))
}

/// The parts in which a step runs its statements: in one transaction where every statement can, if nothing else is
/// asked; else one by one.
pub(super) fn parts(statements: &[Ready], transaction: Option<bool>, context: &Context<'_>) -> Parts {
    let in_transaction =
        transaction.unwrap_or_else(|| statements.iter().all(|it| it.statement.form.alone.is_none()));
    for ready in statements {
        if let Some(why) = refused(ready, in_transaction) {
            context.faults.at(ready.at, why);
        } else if let Some(why) = ready.statement.form.alone.as_ref().filter(|_| in_transaction) {
            let instead = match context.is_toml {
                true => "take `transaction = true` out, or make it a step of its own",
                false => "take it out of BEGIN and COMMIT",
            };
            context.faults.at(ready.at, format!("{why}: {instead}"));
        }
    }
    let only_settings =
        !statements.is_empty() && statements.iter().all(|it| it.kind == "SET" && refused(it, true).is_none());
    if in_transaction && only_settings {
        context
            .faults
            .at(statements[0].at, "there is nothing in this transaction but settings, which end with it");
    }
    let together: Vec<&[Ready]> =
        if in_transaction { vec![statements] } else { statements.chunks(1).collect() };
    let part = |statements: &&[Ready]| Part {
        transaction: in_transaction,
        statements: statements.iter().map(|ready| ready.statement.clone()).collect(),
    };
    let sql = |statements: &&[Ready]| statements.iter().map(|ready| ready.sql.clone()).collect();
    (together.iter().map(part).collect(), together.iter().map(sql).collect())
}

/// Whether a statement begins, ends or divides a transaction.
pub(super) fn is_transaction_control(kind: &str) -> bool {
    const CONTROL: [&str; 10] = [
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT",
        "RELEASE SAVEPOINT",
        "ROLLBACK TO SAVEPOINT",
        "PREPARE TRANSACTION",
        "COMMIT PREPARED",
        "ROLLBACK PREPARED",
        "SET TRANSACTION",
    ];
    CONTROL.contains(&kind)
}

/// Why a statement cannot be a part of a step.
fn refused(ready: &Ready, in_transaction: bool) -> Option<String> {
    let kind = ready.kind.as_str();
    if is_transaction_control(kind) {
        return Some(format!(
            "{kind} has no place in a step: its statements run in one transaction where all of them can, and \
             `transaction = false` sends them one by one"
        ));
    }
    match kind {
        "SET" | "SET ROLE" | "SET SESSION AUTHORIZATION" | "RESET" | "DISCARD" => {
            setting(ready, in_transaction)
        }
        "COPY" if words(ready).any(|word| word == "stdout") => {
            Some("COPY .. TO STDOUT has nobody to read it: take it out".to_owned())
        }
        "LISTEN" | "UNLISTEN" | "PREPARE" | "EXECUTE" | "DEALLOCATE" | "DECLARE" | "FETCH" | "MOVE"
        | "CLOSE" => Some(format!(
            "{kind} is about a session that applications keep, and a step has none: take it out"
        )),
        _ => None,
    }
}

/// Why a setting cannot be made in a step.
fn setting(ready: &Ready, in_transaction: bool) -> Option<String> {
    /// Settings that lockpit makes for each attempt, and where its plan says so.
    const OWN: [(&str, &str); 5] = [
        ("lock_timeout", "say how long attempts wait by `acquire`"),
        ("statement_timeout", "say it by `statement_timeout = ..` of the step"),
        ("transaction_timeout", "say it by `statement_timeout = ..` of the step"),
        ("idle_in_transaction_session_timeout", "it needs no word in a plan"),
        ("client_connection_check_interval", "it needs no word in a plan"),
    ];
    if words(ready).any(|word| word == "search_path") {
        let why = "what a step locks is looked up by its names before it runs, without this search_path: write names \
                   with their schema";
        return Some(why.to_owned());
    }
    for word in words(ready) {
        if let Some((name, instead)) = OWN.iter().find(|(name, _)| *name == word) {
            return Some(format!("lockpit sets {name} for each attempt: take it out; {instead}"));
        }
    }
    let kind = &ready.kind;
    match words(ready).nth(1).as_deref() {
        Some("local") if in_transaction => None,
        Some("local") => Some(
            "SET LOCAL counts to the end of a transaction, and these statements run outside of one"
                .to_owned(),
        ),
        _ => Some(format!(
            "{kind} would not outlive its step: write SET LOCAL in the transaction that needs it, or names with their \
             schema"
        )),
    }
}

/// The words of a statement, in lower case.
fn words(ready: &Ready) -> impl Iterator<Item = String> {
    let said = &ready.statement.said;
    said.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}
