//! What a server says of a plan, step by step.
//!
//! Owns the asking: one session that only reads, one survey and one look for each part. Of a step that is repeated for
//! items the first item is asked about. Decides what makes a plan fail; how it is printed is `page`.

use crate::engine::derive::words::quote_name;
use crate::engine::plan::facts::{Found, Look, Survey};
use crate::engine::plan::forecast::Forecast;
use crate::engine::plan::form::Expect;
use crate::engine::plan::refusal::Refusal;
use crate::engine::plan::{Part, Plan, Statement, Work, leftover};
use crate::engine::steps::Offer;
use crate::engine::steps::acquire::told;
use crate::pg::runner::inquiry::{Inquiry, Unanswered};
use crate::plan::{Compiled, unmet};

/// What a server says of a plan.
#[derive(Debug)]
pub(super) struct Asked {
    /// `server_version_num`.
    pub(super) version_num: u32,
    /// One for each step.
    pub(super) steps: Vec<AskedStep>,
    /// What is found about the plan as a whole.
    pub(super) findings: Vec<Finding>,
    /// What interrupted work has left in the database.
    pub(super) leftovers: Vec<Offer>,
}

/// What it says of one step.
#[derive(Debug, Default)]
pub(super) struct AskedStep {
    /// How many items it has, and the first of them, where it has any.
    pub(super) items: Option<(usize, Option<String>)>,
    /// One for each part.
    pub(super) parts: Vec<AskedPart>,
    /// What is found about it as a whole.
    pub(super) findings: Vec<Finding>,
}

/// What it says of one part.
#[derive(Debug)]
pub(super) struct AskedPart {
    /// What it will need.
    pub(super) forecast: Forecast,
    /// One for each statement.
    pub(super) statements: Vec<AskedStatement>,
    /// Who holds what it needs now, for people: the oldest, and how many more.
    pub(super) in_the_way: Option<String>,
    /// Sessions that wait for one of its relations now.
    pub(super) queued: u32,
}

/// What it says of one statement.
#[derive(Debug)]
pub(super) struct AskedStatement {
    /// What it alone will need.
    pub(super) forecast: Forecast,
    /// Its locks: the relation with its schema, and the mode's name.
    pub(super) locks: Vec<(String, &'static str)>,
    /// What is found about it.
    pub(super) findings: Vec<Finding>,
}

/// Something that a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// Its name.
    pub(super) rule: &'static str,
    /// For people.
    pub(super) message: String,
    /// What to do about it.
    pub(super) suggestion: Option<String>,
    /// The plan cannot work because of it.
    pub(super) is_danger: bool,
}

impl Finding {
    fn note(rule: &'static str, message: String) -> Finding {
        Finding { rule, message, suggestion: None, is_danger: false }
    }

    fn danger(rule: &'static str, message: String) -> Finding {
        Finding { is_danger: true, ..Finding::note(rule, message) }
    }
}

impl Asked {
    /// Asks about every step of the plan.
    ///
    /// # Errors
    /// The session was lost: why.
    pub(super) async fn of(compiled: &Compiled, inquiry: &mut Inquiry) -> Result<Asked, String> {
        let mut asked = Asked {
            version_num: inquiry.version_num(),
            steps: Vec::new(),
            findings: unmet(compiled).into_iter().map(|wish| Finding::danger("not_flown", wish)).collect(),
            leftovers: Vec::new(),
        };
        if let Some(why) = inquiry.refuses_plans() {
            asked.findings.push(Finding::danger("standby", why.to_owned()));
        }
        match inquiry.flight_under_way().await {
            Ok(Some(who)) => asked.findings.push(Finding::note("flight_under_way", who)),
            Ok(None) => {}
            Err(why) => asked.unanswered(why)?,
        }
        match inquiry.survey(&[], &[]).await {
            Ok(survey) => asked.database(&survey),
            Err(why) => asked.unanswered(why)?,
        }
        for number in 0..compiled.plan.steps.len() {
            let step = Walk { compiled, number, inquiry }.step().await?;
            asked.steps.push(step);
        }
        Ok(asked)
    }

    /// The plan cannot work.
    pub(super) fn is_danger(&self) -> bool {
        let of_steps = self.steps.iter().flat_map(|step| {
            let of_parts = step.parts.iter().flat_map(|part| &part.statements);
            step.findings.iter().chain(of_parts.flat_map(|statement| &statement.findings))
        });
        self.findings.iter().chain(of_steps).any(|finding| finding.is_danger)
    }

    /// What concerns the database, whatever the plan does.
    fn database(&mut self, survey: &Survey) {
        self.leftovers = survey.leftovers.iter().map(leftover::offer).collect();
        for lock in &survey.advisory {
            let (pid, application) = (lock.backend.pid, &lock.application);
            self.findings.push(match &lock.tool {
                Some(tool) => Finding {
                    suggestion: Some("let it finish: a flight waits for its end".to_owned()),
                    ..Finding::note(
                        "other_tool",
                        format!("{tool} holds its lock on this database (pid {pid} {application})"),
                    )
                },
                None => Finding::note(
                    "advisory_lock",
                    format!("pid {pid} {application} holds the advisory lock {}", lock.key),
                ),
            });
        }
    }

    /// A question was refused, which is told; or the session is over.
    fn unanswered(&mut self, why: Unanswered) -> Result<(), String> {
        self.findings.push(not_asked(why)?);
        Ok(())
    }
}

fn not_asked(why: Unanswered) -> Result<Finding, String> {
    match why {
        Unanswered::Lost(why) => Err(why),
        Unanswered::Refused(why) => {
            Ok(Finding::note("not_asked", format!("the server could not be asked: {why}")))
        }
    }
}

/// One step, being asked about.
struct Walk<'a> {
    compiled: &'a Compiled,
    number: usize,
    inquiry: &'a mut Inquiry,
}

impl Walk<'_> {
    async fn step(&mut self) -> Result<AskedStep, String> {
        let mut asked = AskedStep::default();
        let step = &self.compiled.plan.steps[self.number];
        let Work::Sql { parts, .. } = &step.work else { return Ok(asked) };
        let script = &self.compiled.script.steps[self.number];
        if let Some(query) = &script.items {
            match self.inquiry.items(query).await {
                Ok(items) => asked.items = Some((items.len(), items.into_iter().next())),
                Err(why) => asked.findings.push(not_asked(why)?),
            }
        }
        let item = asked.items.as_ref().and_then(|(_, first)| first.clone());
        if script.items.is_some() && item.is_none() {
            return Ok(asked);
        }
        for (index, part) in parts.iter().enumerate() {
            let part = item.as_ref().map_or_else(|| part.clone(), |item| part.for_item(item));
            match self.part(index, &part).await {
                Ok(part) => asked.parts.push(part),
                Err(why) => {
                    asked.findings.push(not_asked(why)?);
                    break;
                }
            }
        }
        Ok(asked)
    }

    async fn part(&mut self, index: usize, part: &Part) -> Result<AskedPart, Unanswered> {
        let mut relations: Vec<String> = Vec::new();
        for statement in &part.statements {
            let fresh = statement.form.relations().into_iter().filter(|name| !relations.contains(name));
            let fresh: Vec<String> = fresh.collect();
            relations.extend(fresh);
        }
        let survey = self.inquiry.survey(&relations, &part.expects()).await?;
        let mut forecast = Forecast::of(part, &survey);
        self.name_makers(index, &survey, &mut forecast);
        let wanted: Vec<_> = forecast.locks.iter().map(|need| (need.relation, need.mode)).collect();
        let look = if wanted.is_empty() { None } else { Some(self.inquiry.look(&wanted).await?) };
        let statements =
            part.statements.iter().map(|one| self.statement(index, part.transaction, one, &survey));
        Ok(AskedPart {
            statements: statements.collect(),
            in_the_way: look.as_ref().and_then(|look| in_the_way(look, &forecast)),
            queued: look.as_ref().map_or(0, |look| look.queued),
            forecast,
        })
    }

    fn statement(
        &self,
        index: usize,
        transaction: bool,
        statement: &Statement,
        survey: &Survey,
    ) -> AskedStatement {
        let alone = Part { transaction, statements: vec![statement.clone()] };
        let mut forecast = Forecast::of(&alone, survey);
        self.name_makers(index, survey, &mut forecast);
        let relation = |oid| survey.relations.iter().find(|relation| relation.oid == oid);
        let locks = forecast.locks.iter().filter_map(|need| {
            let relation = relation(need.relation)?;
            Some((quote_name([relation.schema.as_str(), relation.name.as_str()]), need.mode.name()))
        });
        let locks = locks.collect();
        let mut findings = Vec::new();
        findings.extend(Refusal::of(&alone, survey).map(|refusal| {
            let rule = match refusal {
                Refusal::IndexInTheWay { .. } => "invalid_index",
                Refusal::NotTheOwner { .. } => "not_the_owner",
            };
            Finding::danger(rule, refusal.sentence())
        }));
        // An index that is built anew is there, as it will be.
        if !statement.form.kind.starts_with("REINDEX") {
            let made = alone.expects();
            let found =
                survey.found.iter().filter(|(expect, found)| *found == Found::Good && made.contains(expect));
            findings.extend(found.map(|(expect, _)| Finding::note("already_so", already(expect))));
        }
        AskedStatement { forecast, locks, findings }
    }

    /// Says of what is not there which step makes it.
    fn name_makers(&self, index: usize, survey: &Survey, forecast: &mut Forecast) {
        for name in &survey.absent {
            let said = Forecast::not_there(name);
            let Some(unknown) = forecast.unknown.iter_mut().find(|unknown| **unknown == said) else {
                continue;
            };
            *unknown = match maker(&self.compiled.plan, self.number, index, name) {
                Some(step) => {
                    format!("{name} is made by step {step}: what it locks there is told once it is there")
                }
                None => format!("{name} is not there yet: what it locks is not known"),
            };
        }
    }
}

/// The step, before a part, that makes a relation.
fn maker<'a>(plan: &'a Plan, number: usize, index: usize, name: &str) -> Option<&'a str> {
    let upto = plan.steps.iter().take(number + 1).enumerate();
    let makers = upto.filter(|(at, step)| match &step.work {
        Work::Sql { parts, .. } => {
            let before = if *at == number { index } else { parts.len() };
            parts.iter().take(before).any(|part| part.makes(name))
        }
        _ => false,
    });
    makers.map(|(_, step)| step.id.as_str()).next_back()
}

/// What is already as a statement would leave it, for people.
fn already(expect: &Expect) -> String {
    let name = expect.named();
    match expect {
        Expect::NoRelation { .. }
        | Expect::NoColumn { .. }
        | Expect::NoConstraint { .. }
        | Expect::NoTrigger { .. } => {
            format!("{} is gone already", name.split(", which").next().unwrap_or(&name))
        }
        Expect::NoPartition { parent, partition } => {
            format!("{partition} is no partition of {parent} already")
        }
        _ => format!("{name} is there already, as this would leave it"),
    }
}

/// The oldest who holds what a part needs, and how many more do.
fn in_the_way(look: &Look, forecast: &Forecast) -> Option<String> {
    let first = look.holders.first()?;
    let need = forecast.locks.iter().find(|need| need.relation == first.relation);
    let name = need.map_or_else(|| first.relation.to_string(), |need| need.name.clone());
    let more = match look.in_all.saturating_sub(1) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(told(look, first, &name) + &more)
}
