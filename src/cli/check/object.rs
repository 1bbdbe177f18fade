//! The object that `check` prints for programs.
//!
//! Owns its keys, which are a promise. Literals of statements are not in it. What no server was asked for is null.

use serde::Serialize;

use super::asked::{Asked, AskedStatement, AskedStep, Finding};
use super::page::stop_cost;
use crate::engine::plan::forecast::{DataKind, DataWork, Forecast};
use crate::engine::plan::{Part, Phase, PlanStep, Statement, Work};
use crate::plan::outlook::Outlook;
use crate::plan::{Compiled, Wishes};

#[derive(Debug, Serialize)]
struct Checked<'a> {
    danger: bool,
    plan: &'a str,
    version: Option<&'a str>,
    owner: Option<&'a str>,
    digest: &'a str,
    server_version_num: Option<u32>,
    begins_utc_ms: Option<i64>,
    ends_utc_ms: Option<i64>,
    findings: Vec<FindingLine<'a>>,
    leftovers: Option<Vec<LeftoverLine<'a>>>,
    steps: Vec<CheckedStep<'a>>,
}

#[derive(Debug, Serialize)]
struct CheckedStep<'a> {
    id: &'a str,
    phase: Option<&'static str>,
    work: &'static str,
    for_each: Option<&'a str>,
    items: Option<usize>,
    expect_ms: Option<u64>,
    in_the_way: Vec<&'a str>,
    findings: Vec<FindingLine<'a>>,
    statements: Vec<CheckedStatement<'a>>,
}

#[derive(Debug, Serialize)]
struct CheckedStatement<'a> {
    line: u32,
    kind: &'a str,
    sql: &'a str,
    transaction: bool,
    locks: Option<Vec<LockLine<'a>>>,
    rewrites: Option<bool>,
    scans: Option<bool>,
    data: Option<Vec<DataLine<'a>>>,
    unknown: Option<&'a [String]>,
    stop_cost: String,
    findings: Vec<FindingLine<'a>>,
}

#[derive(Debug, Serialize)]
struct LockLine<'a> {
    relation: &'a str,
    mode: &'a str,
}

#[derive(Debug, Serialize)]
struct DataLine<'a> {
    relation: &'a str,
    kind: &'static str,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct LeftoverLine<'a> {
    sentence: &'a str,
    clean_up: &'a str,
    hides_rows: bool,
}

#[derive(Debug, Serialize)]
struct FindingLine<'a> {
    rule: &'a str,
    message: &'a str,
    suggestion: Option<&'a str>,
    danger: bool,
}

/// The object, in one line.
pub(super) fn json(compiled: &Compiled, asked: Option<&Asked>, utc_us: i64) -> serde_json::Result<String> {
    let outlook = Outlook::of(compiled, utc_us);
    let plan = &compiled.plan;
    let steps = plan.steps.iter().zip(&compiled.wishes).enumerate();
    let checked = Checked {
        danger: asked.is_some_and(Asked::is_danger),
        plan: &plan.name,
        version: plan.version.as_deref(),
        owner: plan.owner.as_deref(),
        digest: &plan.digest,
        server_version_num: asked.map(|asked| asked.version_num),
        begins_utc_ms: outlook.begins_utc_us.map(|us| us / 1_000),
        ends_utc_ms: outlook.ends_utc_us.filter(|_| outlook.is_told).map(|us| us / 1_000),
        findings: asked.map_or_else(Vec::new, |asked| findings(&asked.findings)),
        leftovers: asked.map(|asked| {
            let offers = asked.leftovers.iter();
            let lines = offers.map(|offer| LeftoverLine {
                sentence: &offer.sentence,
                clean_up: &offer.sql,
                hides_rows: offer.hides_rows,
            });
            lines.collect()
        }),
        steps: steps
            .map(|(number, (step, wishes))| {
                checked(step, wishes, asked.and_then(|asked| asked.steps.get(number)))
            })
            .collect(),
    };
    Ok(serde_json::to_string(&checked)? + "\n")
}

fn checked<'a>(step: &'a PlanStep, wishes: &Wishes, asked: Option<&'a AskedStep>) -> CheckedStep<'a> {
    let (work, for_each, parts): (_, _, &[Part]) = match &step.work {
        Work::Sql { parts, for_each } => ("sql", for_each.as_deref(), parts),
        Work::Gate(_) => ("gate", None, &[]),
        Work::Program { .. } => ("command", None, &[]),
        Work::Backfill { .. } => ("backfill", None, &[]),
    };
    let mut statements = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let about = asked.and_then(|asked| asked.parts.get(index));
        statements.extend(part.statements.iter().enumerate().map(|(at, one)| {
            statement(part.transaction, one, about.and_then(|about| about.statements.get(at)))
        }));
    }
    let in_the_way = asked.iter().flat_map(|asked| &asked.parts);
    CheckedStep {
        id: &step.id,
        phase: step.phase.map(Phase::word),
        work,
        for_each,
        items: asked.and_then(|asked| asked.items.as_ref()).map(|(many, _)| *many),
        expect_ms: wishes.expect_ms,
        in_the_way: in_the_way.filter_map(|part| part.in_the_way.as_deref()).collect(),
        findings: asked.map_or_else(Vec::new, |asked| findings(&asked.findings)),
        statements,
    }
}

fn statement<'a>(
    transaction: bool,
    statement: &'a Statement,
    asked: Option<&'a AskedStatement>,
) -> CheckedStatement<'a> {
    let forecast = asked.map(|asked| &asked.forecast);
    CheckedStatement {
        line: statement.line,
        kind: &statement.form.kind,
        sql: &statement.said,
        transaction,
        locks: asked
            .map(|asked| asked.locks.iter().map(|(relation, mode)| LockLine { relation, mode }).collect()),
        rewrites: forecast.and_then(|forecast| does(forecast, |kind| kind == DataKind::Rewrite)),
        scans: forecast
            .and_then(|forecast| does(forecast, |kind| matches!(kind, DataKind::Scan | DataKind::Build))),
        data: forecast.map(|forecast| forecast.data.iter().map(data).collect()),
        unknown: forecast.map(|forecast| forecast.unknown.as_slice()),
        stop_cost: forecast.map_or_else(
            || stop_cost(&Part { transaction, statements: vec![statement.clone()] }),
            |forecast| format!("loses: {}; leaves: {}", forecast.stop_loses, forecast.stop_leaves),
        ),
        findings: asked.map_or_else(Vec::new, |asked| findings(&asked.findings)),
    }
}

/// Whether a statement does such work on data; `None` where that is not known.
fn does(forecast: &Forecast, is_such: impl Fn(DataKind) -> bool) -> Option<bool> {
    let mut kinds = forecast.data.iter().map(|work| work.kind);
    if kinds.clone().any(is_such) {
        return Some(true);
    }
    let is_known = forecast.unknown.is_empty() && kinds.all(|kind| kind != DataKind::Unknown);
    is_known.then_some(false)
}

fn data(work: &DataWork) -> DataLine<'_> {
    let kind = match work.kind {
        DataKind::Scan => "scan",
        DataKind::Rewrite => "rewrite",
        DataKind::Build => "build",
        DataKind::Unknown => "unknown",
    };
    DataLine { relation: &work.name, kind, bytes: work.bytes }
}

fn findings<'a>(findings: &'a [Finding]) -> Vec<FindingLine<'a>> {
    let line = |finding: &'a Finding| FindingLine {
        rule: finding.rule,
        message: &finding.message,
        suggestion: finding.suggestion.as_deref(),
        danger: finding.is_danger,
    };
    findings.iter().map(line).collect()
}
