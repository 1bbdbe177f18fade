//! One step of a plan written in TOML.
//!
//! Owns what a step may say together with what, and how it takes its locks. What it does is `work`.

use super::faults::hinted;
use super::keys;
use super::script::StepScript;
use super::section::{Section, Text};
use super::{Context, Rate, Requires, Wishes, file, sql, work};
use crate::engine::plan::{Acquire, Part, Phase, PlanStep, Work};
use crate::engine::settings::Limits;

/// What a step does: exactly one of these.
const WORKS: [&str; 4] = ["sql", "gate", "command", "backfill"];
/// The longest id.
const MOST_CHARS: usize = 60;

/// A step as it is read.
#[derive(Debug)]
pub(super) struct Draft {
    /// For the engine; the steps it waits for are still names.
    pub step: PlanStep,
    /// The steps it waits for.
    pub after: Vec<Text>,
    /// For the runner.
    pub script: StepScript,
    /// What it asks for besides.
    pub wishes: Wishes,
}

/// A step; `None` when it cannot be told what it does. What is wrong is told.
pub(super) fn read(section: &Section<'_>, plan_limits: &Limits, context: &Context<'_>) -> Option<Draft> {
    let id = id(section, context);
    let mut script = StepScript::default();
    let mut wishes = Wishes {
        expect_ms: section.duration("expect"),
        requires: requires(section, context),
        rate: rate(section, context),
        backfill: None,
    };
    let limits =
        section.is_table("guardrails").then(|| file::limits(section, plan_limits.clone(), context.faults));
    let phase = phase(section, context);
    let acquire = acquire(section, context);
    let (checks, queries) = work::checks(section, context);
    script.checks = queries;
    let after = section.texts("after").unwrap_or_default();

    let statement_timeout_ms = section.duration("statement_timeout");
    let kind = work_of(section, context)?;
    let work = match kind {
        "sql" => statements(section, &mut script, context),
        "gate" => work::gate(section, &mut script, context),
        "command" => work::command(section, &mut script, context),
        _ => work::backfill(section, &mut wishes, context),
    };
    let undo = undo(section, kind, &mut script, context);
    only_where_it_counts(section, kind, context);
    let step = PlanStep {
        id: id?,
        phase,
        after: Vec::new(),
        work: work?,
        undo,
        checks,
        acquire,
        limits,
        statement_timeout_ms,
    };
    Some(Draft { step, after, script, wishes })
}

/// Which of the four a step is.
fn work_of(section: &Section<'_>, context: &Context<'_>) -> Option<&'static str> {
    let there: Vec<&str> = WORKS.into_iter().filter(|work| section.place(work).is_some()).collect();
    match there[..] {
        [work] => Some(work),
        [] => {
            context.faults.at(section.at, format!("the step is empty: it has one of {}", WORKS.join(", ")));
            None
        }
        [first, second, ..] => {
            let at = section.place(second).unwrap_or(section.at);
            context.faults.at(at, format!("a step has either `{first}` or `{second}`: make two steps of it"));
            None
        }
    }
}

fn id(section: &Section<'_>, context: &Context<'_>) -> Option<String> {
    let id = section.text("id")?;
    let is_good = |c: char| c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&c);
    if id.text.chars().all(is_good) && id.text.len() <= MOST_CHARS {
        return Some(id.text);
    }
    let why =
        format!("`id` is made of letters, digits, `-`, `_` and `.`, at most {MOST_CHARS}: people type it");
    context.faults.at(id.at, why);
    None
}

fn phase(section: &Section<'_>, context: &Context<'_>) -> Option<Phase> {
    let text = section.text("phase")?;
    let phase = Phase::ALL.into_iter().find(|phase| phase.word() == text.text);
    if phase.is_none() {
        let known = Phase::ALL.map(Phase::word);
        let why = format!("there is no phase `{}`: there are {}", text.text, known.join(", "));
        context.faults.at(text.at, hinted(why, &text.text, known));
    }
    phase
}

/// The statements of a step, and where its items come from.
fn statements(section: &Section<'_>, script: &mut StepScript, context: &Context<'_>) -> Option<Work> {
    let text = section.text("sql")?;
    let ready = sql::read(&text, context);
    let items = work::items(section, context);
    let has_items = section.place("for_each").is_some();
    match ready.iter().find(|ready| ready.names_item) {
        None if has_items && !ready.is_empty() => {
            let why =
                "the step is repeated for each item, and its SQL names none: write ${item} where it belongs";
            context.faults.at(text.at, why);
        }
        Some(ready) if !has_items => {
            context.faults.at(ready.at, "${item} is the item of `for_each`, which this step has not");
        }
        _ => {}
    }
    let (parts, statements) = sql::parts(&ready, section.flag("transaction"), context);
    script.parts = statements;
    let for_each = items.map(|(said, query)| {
        script.items = Some(query);
        said
    });
    (!ready.is_empty()).then_some(Work::Sql { parts, for_each })
}

fn undo(section: &Section<'_>, kind: &str, script: &mut StepScript, context: &Context<'_>) -> Vec<Part> {
    let Some(text) = section.text("undo") else { return Vec::new() };
    match kind {
        "gate" => {
            context.faults.at(text.at, "a gate changes nothing: there is nothing to undo");
            return Vec::new();
        }
        "backfill" => {
            let why = "a backfill keeps no old values: no statement undoes it; write the way back as a step";
            context.faults.at(text.at, why);
            return Vec::new();
        }
        _ => {}
    }
    let ready = sql::read(&text, context);
    if section.place("for_each").is_none()
        && let Some(ready) = ready.iter().find(|ready| ready.names_item)
    {
        context.faults.at(ready.at, "${item} is the item of `for_each`, which this step has not");
    }
    let (parts, statements) = sql::parts(&ready, None, context);
    script.undo = statements;
    parts
}

/// Keys that mean nothing for what the step does.
fn only_where_it_counts(section: &Section<'_>, kind: &str, context: &Context<'_>) {
    let (name, without): (&str, &[&str]) = match kind {
        "sql" => ("of statements", &["rate"]),
        "gate" => ("with a gate", &["for_each", "transaction", "statement_timeout", "acquire", "rate"]),
        "command" => ("with a command", &["for_each", "transaction", "statement_timeout", "acquire", "rate"]),
        "backfill" => ("with a backfill", &["for_each", "transaction"]),
        _ => return,
    };
    for key in without {
        if let Some(at) = section.place(key) {
            context.faults.at(at, format!("`{key}` means nothing for a step {name}: take it out"));
        }
    }
}

fn acquire(section: &Section<'_>, context: &Context<'_>) -> Acquire {
    let defaults = Acquire::default();
    let Some(acquire) = section.section("acquire", &keys::ACQUIRE) else { return defaults };
    let number = |key, most| acquire.number(key, 1, most).and_then(|number| u32::try_from(number).ok());
    let rungs_ms = acquire.durations("rungs").unwrap_or(defaults.rungs_ms);
    let at = |key| acquire.place(key).unwrap_or(acquire.at);
    if !rungs_ms.is_sorted() {
        context.faults.at(at("rungs"), "`rungs` are the shortest first");
    }
    let hold = acquire.text("hold");
    let hold_ms = match hold.as_ref().map(|text| text.text.trim()) {
        Some("never") => Some(0),
        Some(_) => acquire.duration("hold"),
        None => None,
    };
    if hold_ms.is_some_and(|hold_ms| hold_ms > 0 && rungs_ms.last().is_some_and(|last| hold_ms < *last)) {
        context.faults.at(at("hold"), "`hold` is longer than the last of `rungs`");
    }
    let within_ms = acquire.duration("within").unwrap_or(defaults.within_ms);
    let look_every_ms = acquire.duration("look_every").unwrap_or(defaults.look_every_ms);
    if look_every_ms > 60_000 {
        context.faults.at(at("look_every"), "`look_every` is at most 1m: a gap in traffic is short");
    }
    Acquire {
        rungs_ms,
        hold_ms,
        look_every_ms,
        duty_percent: number("duty", 100).unwrap_or(defaults.duty_percent),
        attempts: number("attempts", 10_000).unwrap_or(defaults.attempts),
        within_ms,
    }
}

fn requires(section: &Section<'_>, context: &Context<'_>) -> Option<Requires> {
    let requires = section.section("requires", &keys::REQUIRES)?;
    let read = Requires {
        unused: requires.text("unused").map(|text| text.text),
        for_ms: requires.duration("for"),
        backup_within_ms: requires.duration("backup_within"),
    };
    let has = |key| requires.place(key).is_some();
    if has("unused") != has("for") {
        context.faults.at(requires.at, "`unused` and `for` belong together: what, and for how long");
    }
    if !has("unused") && !has("for") && !has("backup_within") {
        context.faults.at(requires.at, "`requires` is empty: it has `unused` with `for`, or `backup_within`");
    }
    Some(read)
}

fn rate(section: &Section<'_>, context: &Context<'_>) -> Option<Rate> {
    /// Nobody writes faster.
    const MOST: u64 = 1_000_000_000;
    let rate = section.section("rate", &keys::RATE)?;
    let read = Rate {
        min: rate.number("min", 1, MOST),
        max: rate.number("max", 1, MOST),
        batch_target_ms: rate.duration("batch_target"),
    };
    if let (Some(min), Some(max)) = (read.min, read.max)
        && min > max
    {
        context.faults.at(rate.at, "`rate`: `min` is more than `max`");
    }
    Some(read)
}
