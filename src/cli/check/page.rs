//! The page that `check` prints for people.
//!
//! Owns its layout. Literals of statements are not on it. What no server was asked for is said.

use super::asked::{Asked, AskedPart, AskedStep, Finding};
use crate::engine::derive::words::bytes;
use crate::engine::duration::duration_text;
use crate::engine::plan::facts::Survey;
use crate::engine::plan::forecast::{DataKind, Forecast};
use crate::engine::plan::{Gate, Part, Phase, PlanStep, Work};
use crate::plan::outlook::Outlook;
use crate::plan::{Compiled, Wishes, unmet};

/// The page for people.
pub(super) fn text(compiled: &Compiled, asked: Option<&Asked>, utc_us: i64) -> String {
    let plan = &compiled.plan;
    let mut page = plan.name.clone();
    for more in [&plan.version, &plan.owner].into_iter().flatten() {
        page += &format!(" · {more}");
    }
    page += &format!(" · {} · sha256 {}\n", counted(plan.steps.len(), "step"), &plan.digest[..12]);
    let ids = plan.steps.iter().map(|step| step.id.chars().count()).max().unwrap_or(0);
    for (number, (step, wishes)) in plan.steps.iter().zip(&compiled.wishes).enumerate() {
        let phase = step.phase.map_or("", Phase::word);
        let head = format!("{:>3} {:<ids$}  {phase:<8}  {}", number + 1, step.id, work(step, wishes));
        page += &format!("\n{}\n", head.trim_end());
        if let Work::Sql { parts, .. } = &step.work {
            match asked.and_then(|asked| asked.steps.get(number)) {
                Some(asked) => asked_step(&mut page, parts, asked),
                None => parts.iter().for_each(|part| unasked(&mut page, part)),
            }
        }
    }
    page += &format!("\n{}\n", Outlook::of(compiled, utc_us).sentence());
    match asked {
        Some(asked) => database(&mut page, asked),
        None => {
            for wish in unmet(compiled) {
                page += &format!("{wish}\n");
            }
            page += "locks, sizes and blockers are not known without a server\n";
        }
    }
    page
}

/// A part of which no server was asked.
fn unasked(page: &mut String, part: &Part) {
    for statement in &part.statements {
        *page += &format!("    line {}: {}\n", statement.line, statement.said);
    }
    *page += &format!("      stopped, it {}\n", stop_cost(part));
}

/// What a server says of a step.
fn asked_step(page: &mut String, parts: &[Part], asked: &AskedStep) {
    match &asked.items {
        Some((0, _)) => *page += "    no items now: nothing would be done\n",
        Some((many, Some(first))) => {
            *page += &format!("    {} now; what follows is of the first, {first}\n", counted(*many, "item"));
        }
        _ => {}
    }
    for (index, part) in parts.iter().enumerate() {
        match asked.parts.get(index) {
            Some(asked) => asked_part(page, part, asked),
            None => unasked(page, part),
        }
    }
    findings(page, "    ", &asked.findings);
}

fn asked_part(page: &mut String, part: &Part, asked: &AskedPart) {
    for (statement, about) in part.statements.iter().zip(&asked.statements) {
        *page += &format!("    line {}: {}\n", statement.line, statement.said);
        findings(page, "      ", &about.findings);
    }
    let Forecast { locks, data, unknown, stop_loses, stop_leaves, .. } = &asked.forecast;
    for need in locks {
        let word = if need.sure { "locks" } else { "may lock" };
        let why = need.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        *page += &format!("      {word} {}: {}{why}\n", need.name, need.mode);
    }
    for work in data {
        let (name, size) = (&work.name, bytes(work.bytes));
        let said = match work.kind {
            DataKind::Scan => format!("reads all of {name}, {size}"),
            DataKind::Rewrite => format!("writes {name} anew, {size} and its indexes"),
            DataKind::Build => format!("builds an index over {name}, {size}"),
            DataKind::Unknown => format!("may read or write all of {name}, {size}"),
        };
        *page += &format!("      {said}, under {}\n", work.under);
    }
    for unknown in unknown {
        *page += &format!("      not known: {unknown}\n");
    }
    if let Some(holder) = &asked.in_the_way {
        *page += &format!("      in the way now: {holder}\n");
    }
    if asked.queued > 0 {
        *page += &format!(
            "      {} for its relations now\n",
            match asked.queued {
                1 => "1 session waits".to_owned(),
                many => format!("{many} sessions wait"),
            }
        );
    }
    *page += &format!("      stopped, it loses: {stop_loses}; leaves: {stop_leaves}\n");
}

/// What concerns the plan or the database as a whole.
fn database(page: &mut String, asked: &Asked) {
    findings(page, "", &asked.findings);
    for offer in &asked.leftovers {
        let loud = if offer.hides_rows { "ROWS ARE HIDDEN: " } else { "" };
        *page += &format!("left behind: {loud}{}\n  to clean up: {};\n", offer.sentence, offer.sql);
    }
    let version = asked.version_num;
    *page += &format!(
        "asked PostgreSQL {}.{}; sizes are its last estimates, holders those of this moment\n",
        version / 10_000,
        version % 10_000
    );
    if asked.is_danger() {
        *page += "DANGER: something in this plan cannot work here\n";
    }
}

fn findings(page: &mut String, indent: &str, findings: &[Finding]) {
    for finding in findings {
        let word = if finding.is_danger { "DANGER: " } else { "note: " };
        let suggestion = finding.suggestion.as_ref().map(|it| format!("; {it}")).unwrap_or_default();
        *page += &format!("{indent}{word}{}{suggestion}\n", finding.message);
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

/// What is known without a server of the cost of stopping a part.
pub(super) fn stop_cost(part: &Part) -> String {
    let nothing = Survey {
        version_num: 0,
        deadlock_timeout_ms: 1_000,
        relations: Vec::new(),
        absent: Vec::new(),
        found: Vec::new(),
        leftovers: Vec::new(),
        advisory: Vec::new(),
    };
    let forecast = Forecast::of(part, &nothing);
    format!("loses: {}; leaves: {}", forecast.stop_loses, forecast.stop_leaves)
}

fn counted(many: usize, what: &str) -> String {
    format!("{many} {what}{}", if many == 1 { "" } else { "s" })
}
