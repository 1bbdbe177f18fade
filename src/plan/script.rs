//! What the runner runs: the SQL and the programs of a plan, with literals and secrets.
//!
//! Owns what never reaches engine, log or screen. Knows no order of things: units and asks name what is wanted.

use super::variables::literal;
use super::work::parts_of_name;
use crate::engine::plan::HookEvent;
use crate::engine::plan::order::{Ask, Unit, Way};

/// The SQL and the programs of a plan.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// One for each step of the plan, in its order.
    pub steps: Vec<StepScript>,
    /// One query for each invariant.
    pub invariants: Vec<String>,
    /// The hooks, in the plan's order.
    pub hooks: Vec<HookScript>,
}

/// What a step runs.
#[derive(Debug, Clone, Default)]
pub struct StepScript {
    /// The statements of each part.
    pub parts: Vec<Vec<String>>,
    /// The statements of each part of its undo.
    pub undo: Vec<Vec<String>>,
    /// The query of its gate.
    pub gate: Option<String>,
    /// The queries of its checks.
    pub checks: Vec<String>,
    /// The query that finds its items: one column of names, as they are to stand in SQL.
    pub items: Option<String>,
    /// Its program with its arguments; the first word is the program.
    pub program: Vec<String>,
}

/// A program that is told of events.
#[derive(Debug, Clone)]
pub struct HookScript {
    /// Of which.
    pub on: Vec<HookEvent>,
    /// The program with its arguments; the first word is the program.
    pub command: Vec<String>,
    /// How long it may run, in milliseconds.
    pub limit_ms: u64,
}

impl Script {
    /// What stands in a statement for the item at hand.
    pub const ITEM: &str = "${item}";
    /// What stands in a statement for the item at hand as a string.
    pub const ITEM_LITERAL: &str = "${item:literal}";

    /// Why an item that a query has found cannot stand in the statements of its step: it would be read as SQL, and what
    /// rows say is never run.
    ///
    /// # Errors
    /// In a sentence for people.
    pub fn may_stand(&self, step: u32, item: &str) -> Result<(), String> {
        let Some(step) = self.steps.get(step as usize) else { return Ok(()) };
        let mut statements = step.parts.iter().chain(&step.undo).flatten();
        if !statements.any(|sql| sql.contains(Script::ITEM)) || is_name_or_number(item) {
            return Ok(());
        }
        let shown: String = item.chars().take(60).collect();
        Err(format!(
            "item {shown} is neither a plain name nor a number: `${{item}}` would let it be read as SQL; write \
             `${{item:literal}}`, or leave it out of for_each"
        ))
    }

    fn put_item(sql: &str, item: &str) -> String {
        // One after the other: what an item brings is not looked at again.
        let names = sql.split(Script::ITEM).map(|piece| piece.replace(Script::ITEM_LITERAL, &literal(item)));
        names.collect::<Vec<_>>().join(item)
    }

    /// The statements of a unit, for the item at hand; `None` when the plan has no such unit.
    pub fn statements(&self, unit: Unit, item: Option<&str>) -> Option<Vec<String>> {
        let step = self.steps.get(unit.step as usize)?;
        let parts = match unit.way {
            Way::Do => &step.parts,
            Way::Undo => &step.undo,
            Way::CleanUp => return None,
        };
        let statements = parts.get(unit.part as usize)?;
        let put = |sql: &String| item.map_or_else(|| sql.clone(), |item| Script::put_item(sql, item));
        Some(statements.iter().map(put).collect())
    }

    /// A query of the plan.
    pub fn query(&self, ask: Ask) -> Option<&str> {
        match ask {
            Ask::Gate { step } => self.steps.get(step as usize)?.gate.as_deref(),
            Ask::Check { step, check } => {
                self.steps.get(step as usize)?.checks.get(check as usize).map(String::as_str)
            }
            Ask::Invariant { invariant } => self.invariants.get(invariant as usize).map(String::as_str),
        }
    }
}

/// A number, or a name as SQL writes it, with or without its schema, that stays one wherever it is put: inside quotes
/// of either kind as well.
fn is_name_or_number(item: &str) -> bool {
    let digits = item.strip_prefix('-').unwrap_or(item);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return true;
    }
    let harmless = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | ' ' | '.' | '-' | ':' | '"');
    item.chars().all(harmless)
        && !item.contains("--")
        && !item.contains("\"\"")
        && !item.contains("$$")
        && parts_of_name(item).is_some_and(|parts| parts.len() <= 3)
}

#[cfg(test)]
mod tests {
    use super::{Script, StepScript, is_name_or_number};

    #[test]
    fn what_rows_say_is_not_run() {
        for good in ["events_1", "app.events_1", "\"Odd name\".t", "42", "-7", "größe"] {
            assert!(is_name_or_number(good), "{good}");
        }
        for bad in [
            "a; drop table t",
            "a b",
            "\"a; drop table t; --\"",
            "\"a'b\"",
            "f()",
            "1e5",
            "",
            "-",
            "a--b",
            "$$",
        ] {
            assert!(!is_name_or_number(bad), "{bad}");
        }
        let step = |sql: &str| StepScript { parts: vec![vec![sql.to_owned()]], ..StepScript::default() };
        let script = Script {
            steps: vec![step("delete from t where tenant = ${item:literal}"), step("drop table ${item}")],
            ..Script::default()
        };
        assert_eq!(script.may_stand(0, "a; drop table t"), Ok(()));
        assert!(script.may_stand(1, "a; drop table t").is_err());
    }
}
