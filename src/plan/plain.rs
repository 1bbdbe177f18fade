//! A plan that is a file of SQL.
//!
//! Owns how it becomes steps: what stands between BEGIN and COMMIT is one, every other statement one of its own.

use std::path::Path;

use super::faults::Faults;
use super::script::{Script, StepScript};
use super::section::Text;
use super::sql::{self, Ready};
use super::step::Draft;
use super::variables::Variables;
use super::{Compiled, Context, Surroundings, Wishes};
use crate::engine::plan::{Acquire, Plan, PlanStep, Work};

/// The longest name of a relation in an id, in characters.
const MOST_CHARS: usize = 30;

/// The plan that a file of SQL is; what is wrong is told.
pub(super) fn read(path: &Path, faults: &Faults<'_>, surroundings: &Surroundings) -> Option<Compiled> {
    let variables = Variables::given(&surroundings.variables);
    let context = Context { faults, variables: &variables, is_toml: false };
    let ready = sql::read(&Text::file(faults.text()), &context);
    for ready in ready.iter().filter(|ready| ready.names_item) {
        faults.at(ready.at, "${item} is the item of a step with `for_each`: write a plan in TOML");
    }
    variables.judge_use(faults);
    let groups = groups(ready, faults);
    let drafts: Vec<Draft> =
        groups.iter().enumerate().map(|(number, group)| draft(number + 1, group, &context)).collect();
    let mut compiled = Compiled {
        plan: Plan {
            name: path
                .file_stem()
                .map_or_else(|| "plan".to_owned(), |stem| stem.to_string_lossy().into_owned()),
            digest: variables.digest(faults.text()),
            ..Plan::default()
        },
        script: Script::default(),
        limits: surroundings.limits.clone(),
        wishes: Vec::new(),
        probes: Vec::new(),
        tz: "UTC".to_owned(),
    };
    for draft in drafts {
        compiled.plan.steps.push(draft.step);
        compiled.script.steps.push(draft.script);
        compiled.wishes.push(draft.wishes);
    }
    Some(compiled)
}

/// Statements that belong together, and whether in a transaction.
struct Group {
    transaction: bool,
    statements: Vec<Ready>,
}

fn groups(ready: Vec<Ready>, faults: &Faults<'_>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut open: Option<(usize, Vec<Ready>)> = None;
    for ready in ready {
        match (ready.kind.as_str(), &mut open) {
            ("BEGIN", None) => open = Some((ready.at, Vec::new())),
            ("BEGIN", Some((begin, _))) => {
                let line = faults.line(*begin);
                faults.at(ready.at, format!("BEGIN in the transaction that line {line} began"));
            }
            ("COMMIT", Some((begin, statements))) => {
                if statements.is_empty() {
                    faults.at(*begin, "there is nothing in this transaction");
                }
                groups.push(Group { transaction: true, statements: std::mem::take(statements) });
                open = None;
            }
            ("COMMIT", None) => faults.at(ready.at, "COMMIT without a BEGIN before it"),
            ("ROLLBACK", _) => {
                faults.at(ready.at, "ROLLBACK undoes what stands before it: take these statements out");
                open = None;
            }
            (kind, _) if sql::is_transaction_control(kind) => {
                faults.at(
                    ready.at,
                    format!("{kind} has no place in a plan: a transaction is done or not done"),
                );
            }
            (_, Some((_, statements))) => statements.push(ready),
            (_, None) => groups.push(Group { transaction: false, statements: vec![ready] }),
        }
    }
    if let Some((begin, _)) = open {
        faults.at(begin, "the transaction that begins here has no COMMIT");
    }
    groups.retain(|group| !group.statements.is_empty());
    groups
}

fn draft(number: usize, group: &Group, context: &Context<'_>) -> Draft {
    let transaction = group.transaction.then_some(true);
    let (parts, statements) = sql::parts(&group.statements, transaction, context);
    let first = group.statements.first();
    let step = PlanStep {
        id: first.map_or_else(|| number.to_string(), |ready| id(number, ready)),
        phase: None,
        after: Vec::new(),
        work: Work::Sql { parts, for_each: None },
        undo: Vec::new(),
        checks: Vec::new(),
        acquire: Acquire::default(),
        limits: None,
        statement_timeout_ms: None,
    };
    Draft {
        step,
        after: Vec::new(),
        script: StepScript { parts: statements, ..StepScript::default() },
        wishes: Wishes::default(),
    }
}

/// `1-alter-table-users`: the number, the command, the relation.
fn id(number: usize, ready: &Ready) -> String {
    let mut id = format!("{number}-{}", ready.kind.to_lowercase().replace(' ', "-"));
    if let Some(relation) = ready.relations.first() {
        let name: String = relation
            .chars()
            .filter(|c| *c != '"')
            .map(|c| if c.is_ascii_alphanumeric() || ['_', '.'].contains(&c) { c } else { '-' })
            .take(MOST_CHARS)
            .collect();
        id = format!("{id}-{}", name.to_lowercase());
    }
    id
}
