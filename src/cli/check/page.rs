//! What `check` prints: a page for people, an object for programs.
//!
//! Owns their layout. Literals of statements are in neither. What no server was asked for is null in the object, and
//! said on the page.

use serde::Serialize;

use crate::engine::duration::duration_text;
use crate::engine::plan::facts::Survey;
use crate::engine::plan::forecast::Forecast;
use crate::engine::plan::{Gate, Part, PlanStep, Statement, Work};
use crate::plan::outlook::Outlook;
use crate::plan::{Compiled, Wishes};

/// The object for programs.
#[derive(Debug, Serialize)]
struct Checked<'a> {
    danger: bool,
    plan: &'a str,
    version: Option<&'a str>,
    owner: Option<&'a str>,
    digest: &'a str,
    begins_utc_ms: Option<i64>,
    ends_utc_ms: Option<i64>,
    steps: Vec<CheckedStep<'a>>,
}

#[derive(Debug, Serialize)]
struct CheckedStep<'a> {
    id: &'a str,
    phase: Option<&'static str>,
    work: &'static str,
    for_each: Option<&'a str>,
    expect_ms: Option<u64>,
    statements: Vec<CheckedStatement<'a>>,
}

#[derive(Debug, Serialize)]
struct CheckedStatement<'a> {
    line: u32,
    kind: &'a str,
    sql: &'a str,
    transaction: bool,
    locks: Option<Vec<Lock>>,
    rewrites: Option<bool>,
    scans: Option<bool>,
    stop_cost: String,
    findings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct Lock {
    relation: String,
    mode: String,
}

#[derive(Debug, Serialize)]
struct Finding {
    rule: String,
    message: String,
    suggestion: Option<String>,
}

/// The object for programs, in one line.
pub(super) fn json(compiled: &Compiled, utc_us: i64) -> serde_json::Result<String> {
    let outlook = Outlook::of(compiled, utc_us);
    let plan = &compiled.plan;
    let checked = Checked {
        danger: false,
        plan: &plan.name,
        version: plan.version.as_deref(),
        owner: plan.owner.as_deref(),
        digest: &plan.digest,
        begins_utc_ms: outlook.begins_utc_us.map(|us| us / 1_000),
        ends_utc_ms: outlook.ends_utc_us.filter(|_| outlook.is_told).map(|us| us / 1_000),
        steps: plan.steps.iter().zip(&compiled.wishes).map(|(step, wishes)| checked(step, wishes)).collect(),
    };
    Ok(serde_json::to_string(&checked)? + "\n")
}

fn checked<'a>(step: &'a PlanStep, wishes: &Wishes) -> CheckedStep<'a> {
    let (work, for_each, parts): (_, _, &[Part]) = match &step.work {
        Work::Sql { parts, for_each } => ("sql", for_each.as_deref(), parts),
        Work::Gate(_) => ("gate", None, &[]),
        Work::Program { .. } => ("command", None, &[]),
        Work::Backfill { .. } => ("backfill", None, &[]),
    };
    let statements = parts.iter().flat_map(|part| part.statements.iter().map(move |it| (part, it)));
    CheckedStep {
        id: &step.id,
        phase: step.phase.map(|phase| phase.word()),
        work,
        for_each,
        expect_ms: wishes.expect_ms,
        statements: statements
            .map(|(part, statement)| CheckedStatement {
                line: statement.line,
                kind: &statement.form.kind,
                sql: &statement.said,
                transaction: part.transaction,
                locks: None,
                rewrites: None,
                scans: None,
                stop_cost: stop_cost(part, statement),
                findings: Vec::new(),
            })
            .collect(),
    }
}

/// The page for people.
pub(super) fn text(compiled: &Compiled, utc_us: i64) -> String {
    let plan = &compiled.plan;
    let mut page = plan.name.clone();
    for more in [&plan.version, &plan.owner].into_iter().flatten() {
        page += &format!(" · {more}");
    }
    page += &format!(" · {} · sha256 {}\n", counted(plan.steps.len(), "step"), &plan.digest[..12]);
    let ids = plan.steps.iter().map(|step| step.id.chars().count()).max().unwrap_or(0);
    for (number, (step, wishes)) in plan.steps.iter().zip(&compiled.wishes).enumerate() {
        let phase = step.phase.map_or("", |phase| phase.word());
        let head = format!("{:>3} {:<ids$}  {phase:<8}  {}", number + 1, step.id, work(step, wishes));
        page += &format!("\n{}\n", head.trim_end());
        if let Work::Sql { parts, .. } = &step.work {
            for part in parts {
                statements(&mut page, part);
            }
        }
    }
    page += &format!("\n{}\n", Outlook::of(compiled, utc_us).sentence());
    page += "locks, sizes and blockers are not known without a server\n";
    page
}

fn statements(page: &mut String, part: &Part) {
    for statement in &part.statements {
        *page += &format!("    line {}: {}\n", statement.line, statement.said);
        *page += &format!("      stopped, it {}\n", stop_cost(part, statement));
    }
}

/// What a step does, in words.
fn work(step: &PlanStep, wishes: &Wishes) -> String {
    let mut words = match &step.work {
        Work::Sql { parts, for_each } => {
            let many: usize = parts.iter().map(|part| part.statements.len()).sum();
            let how = match parts.first() {
                Some(part) if part.transaction => "in one transaction",
                _ if many == 1 => "outside a transaction",
                _ => "one by one, outside a transaction",
            };
            let each = for_each.as_ref().map(|items| format!(", for each of {items}")).unwrap_or_default();
            format!("{} {how}{each}", counted(many, "statement"))
        }
        Work::Gate(gate) => gate_words(gate),
        Work::Program { program, limit_ms } => {
            format!("runs {program}, at most {}", duration_text(*limit_ms))
        }
        Work::Backfill { table } => format!("fills {table} in batches"),
    };
    if let Some(expect_ms) = wishes.expect_ms {
        words += &format!(", {} expected", duration_text(expect_ms));
    }
    words
}

fn gate_words(gate: &Gate) -> String {
    let mut waits: Vec<String> = Vec::new();
    waits.extend(gate.ask.as_ref().map(|ask| format!("for a person: \"{ask}\"")));
    waits.extend(gate.check.as_ref().map(|check| format!("for {check}")));
    waits.extend(gate.soak_ms.map(|soak_ms| format!("{} without a trip", duration_text(soak_ms))));
    format!("waits {}", waits.join(", "))
}

/// What is known without a server of the cost of stopping a statement.
fn stop_cost(part: &Part, statement: &Statement) -> String {
    let alone = Part { transaction: part.transaction, statements: vec![statement.clone()] };
    let nothing = Survey {
        version_num: 0,
        deadlock_timeout_ms: 1_000,
        relations: Vec::new(),
        absent: Vec::new(),
        found: Vec::new(),
        leftovers: Vec::new(),
        advisory: Vec::new(),
    };
    let forecast = Forecast::of(&alone, &nothing);
    format!("loses: {}; leaves: {}", forecast.stop_loses, forecast.stop_leaves)
}

fn counted(many: usize, what: &str) -> String {
    format!("{many} {what}{}", if many == 1 { "" } else { "s" })
}
