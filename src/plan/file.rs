//! A plan written in TOML.
//!
//! Owns the tables of the file beside its steps, and how everything becomes one [`Compiled`] plan.

use toml::de::DeTable;

use super::faults::{Faults, hinted};
use super::keys;
use super::script::{HookScript, Script};
use super::section::{Section, Text};
use super::sequence::{self, Place};
use super::step::{self, Draft};
use super::variables::Variables;
use super::{Compiled, Context, Probe, Surroundings, calendar, sql, work};
use crate::config::guardrails;
use crate::engine::plan::{Freeze, Hook, HookEvent, Invariant, Plan, Window};
use crate::engine::settings::Limits;

/// How long a hook may run unless it says otherwise, in milliseconds.
const HOOK_LIMIT_MS: u64 = 10_000;

/// The plan that a file says; `None` when it says none. All that is wrong is told.
pub(super) fn read(faults: &Faults<'_>, surroundings: &Surroundings) -> Option<Compiled> {
    let (document, errors) = DeTable::parse_recoverable(faults.text());
    if !errors.is_empty() {
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            let mut why = format!("this is no TOML: {}", error.message().replace('\n', "; "));
            if why.contains("escape") {
                why += "; texts with backslashes stand between ''' and '''";
            }
            faults.at(at, why);
        }
        return None;
    }
    let file = Section::new(document.get_ref(), 0, &keys::FILE, faults);
    let variables = Variables::of(file.free_table("vars"), &surroundings.variables, faults);
    let context = Context { faults, variables: &variables, is_toml: true };
    let limits = limits(&file, surroundings.limits.clone(), faults);
    let (windows, tz) = windows(&file, &context, surroundings.utc_us);
    let freezes: Vec<Freeze> = file
        .sections("freeze", &keys::FREEZE)
        .iter()
        .filter_map(|section| calendar::freeze(section, &context))
        .collect();
    let (invariants, invariant_queries) = invariants(&file, &context);
    let (hooks, hook_scripts) = hooks(&file, &context);
    let probes = probes(&file, &context);
    let sections = file.sections("step", &keys::STEP);
    let drafts: Vec<Option<Draft>> =
        sections.iter().map(|section| step::read(section, &limits, &context)).collect();
    let named: Vec<(Text, Vec<Text>)> = sections
        .iter()
        .filter_map(|section| Some((section.text("id")?, section.texts("after").unwrap_or_default())))
        .collect();
    let places: Vec<Place<'_>> =
        named.iter().map(|(id, after)| Place { id: &id.text, at: id.at, after }).collect();
    let order = sequence::order(&places, faults);
    let drafts: Option<Vec<Draft>> = drafts.into_iter().collect();
    variables.judge_use(faults);
    let plan = file.section("plan", &keys::PLAN)?;
    let (name, version, owner) = (plan.text("name"), plan.text("version"), plan.text("owner"));
    progress(&plan, faults);
    let mut compiled = Compiled {
        plan: Plan {
            name: name?.text,
            version: version.map(|version| version.text),
            owner: owner.map(|owner| owner.text),
            digest: variables.digest(faults.text()),
            windows,
            freezes,
            invariants,
            hooks,
            steps: Vec::new(),
        },
        script: Script { steps: Vec::new(), invariants: invariant_queries, hooks: hook_scripts },
        limits,
        wishes: Vec::new(),
        probes,
        tz,
    };
    for draft in in_order(drafts?, &order?) {
        compiled.plan.steps.push(draft.step);
        compiled.script.steps.push(draft.script);
        compiled.wishes.push(draft.wishes);
    }
    Some(compiled)
}

/// The steps in the order in which they run, each knowing the numbers of those it waits for.
fn in_order(drafts: Vec<Draft>, order: &[usize]) -> Vec<Draft> {
    let mut left: Vec<Option<Draft>> = drafts.into_iter().map(Some).collect();
    let mut steps: Vec<Draft> = order.iter().filter_map(|number| left.get_mut(*number)?.take()).collect();
    let ids: Vec<String> = steps.iter().map(|draft| draft.step.id.clone()).collect();
    let number = |id: &str| ids.iter().position(|known| known == id).and_then(|at| u32::try_from(at).ok());
    for draft in &mut steps {
        draft.step.after = draft.after.iter().filter_map(|id| number(&id.text)).collect();
    }
    steps
}

/// The limits that a table `guardrails` asks for, over others.
pub(super) fn limits(section: &Section<'_>, over: Limits, faults: &Faults<'_>) -> Limits {
    let Some(rules) = section.free_table("guardrails") else { return over };
    let (limits, wrong) = guardrails::over(over, rules);
    for wrong in wrong {
        faults.at(wrong.at_byte, wrong.why);
    }
    limits
}

/// When steps may start, and the time zone in which the first window is written.
fn windows(file: &Section<'_>, context: &Context<'_>, utc_us: i64) -> (Option<Vec<Window>>, String) {
    let sections = file.sections("window", &keys::WINDOW);
    let tz =
        sections.first().and_then(|window| window.text("tz")).map_or_else(|| "UTC".to_owned(), |tz| tz.text);
    let mut windows: Vec<Window> =
        sections.iter().flat_map(|section| calendar::windows(section, context, utc_us)).collect();
    windows.sort_by_key(|window| (window.from_utc_us, window.to_utc_us));
    ((!sections.is_empty()).then_some(windows), tz)
}

fn invariants(file: &Section<'_>, context: &Context<'_>) -> (Vec<Invariant>, Vec<String>) {
    let sections = file.sections("invariant", &keys::INVARIANT);
    let read = |section: &Section<'_>| {
        let (name, text) = (section.text("name"), section.text("sql"));
        let (query, said) = sql::query("sql", &text?, context)?;
        Some((Invariant { name: name?.text, said }, query))
    };
    sections.iter().filter_map(read).unzip()
}

fn probes(file: &Section<'_>, context: &Context<'_>) -> Vec<Probe> {
    let sections = file.sections("probe", &keys::PROBE);
    let read = |section: &Section<'_>| {
        let (name, text) = (section.text("name"), section.text("sql"));
        let (sql, _) = sql::query("sql", &text?, context)?;
        Some(Probe { name: name?.text, sql })
    };
    sections.iter().filter_map(read).collect()
}

fn hooks(file: &Section<'_>, context: &Context<'_>) -> (Vec<Hook>, Vec<HookScript>) {
    let sections = file.sections("hook", &keys::HOOK);
    let read = |section: &Section<'_>| {
        let events: Vec<Text> = section.texts("on").unwrap_or_default();
        let on: Vec<HookEvent> = events.iter().filter_map(|text| event(text, context.faults)).collect();
        let command = work::program(section, "command", context.faults);
        let limit_ms = section.duration("timeout").unwrap_or(HOOK_LIMIT_MS);
        let command = command?;
        let program = command.first()?.clone();
        Some((Hook { on: on.clone(), program }, HookScript { on, command, limit_ms }))
    };
    sections.iter().filter_map(read).unzip()
}

fn event(text: &Text, faults: &Faults<'_>) -> Option<HookEvent> {
    let event = HookEvent::ALL.into_iter().find(|event| event.word() == text.text);
    if event.is_none() {
        let known = HookEvent::ALL.map(HookEvent::word);
        let why = format!("there is no event `{}`: there are {}", text.text, known.join(", "));
        faults.at(text.at, hinted(why, &text.text, known));
    }
    event
}

/// Where the flight keeps what is done.
fn progress(plan: &Section<'_>, faults: &Faults<'_>) {
    let Some(progress) = plan.text("progress") else { return };
    match progress.text.as_str() {
        "log" => {}
        "database" => {
            faults.at(progress.at, "`progress`: this release keeps what is done in the flight's log only");
        }
        other => faults.at(progress.at, format!("`progress` is \"log\" or \"database\", not \"{other}\"")),
    }
}
