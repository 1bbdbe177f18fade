//! Plans as people write them: a TOML file, or SQL.
//!
//! Owns reading, checking and translating: what comes out is a [`Compiled`] plan, of which the engine gets the part
//! without literals and the runner the [`Script`] with the SQL. Never connects.
//!
//! The way of a plan: `file` reads TOML table by table (`keys` is the one table of what there is, `section` types it),
//! `step` and `work` its steps, `plain` a file of SQL; `variables` puts values in, `sql` splits and refuses, [`forms`]
//! understands, `sequence` orders, `calendar` tells windows in UTC; `faults` collects what is wrong, with its place.

mod calendar;
mod faults;
mod file;
pub mod forms;
mod keys;
pub mod outlook;
mod plain;
pub mod reference;
pub mod script;
mod section;
mod sequence;
mod sql;
mod step;
mod unmet;
mod variables;
mod work;

use std::io::Read;
use std::path::Path;

use crate::engine::plan::Plan;
use crate::engine::settings::Limits;
use calendar::DAYS_AHEAD;
use faults::Faults;
pub use script::Script;
pub use unmet::unmet;
use variables::Variables;

/// The longest file that is read.
const MOST_BYTES: u64 = 8 << 20;
/// The most steps: a plan is flown by people.
const MOST_STEPS: usize = 1_000;

/// A plan that can be flown.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// What the engine knows of it.
    pub plan: Plan,
    /// What the runner runs.
    pub script: Script,
    /// The limits it asks for, over the defaults.
    pub limits: Limits,
    /// What its steps ask for besides, one for each step of the plan, in its order.
    pub wishes: Vec<Wishes>,
    /// Reads that measure what an application would feel.
    pub probes: Vec<Probe>,
    /// The time zone in which its first window is written; UTC without one.
    pub tz: String,
}

/// What a step asks for besides its work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// How long it will take, as its author thinks, in milliseconds.
    pub expect_ms: Option<u64>,
    /// What must be so before it may run.
    pub requires: Option<Requires>,
    /// How fast its backfill may write.
    pub rate: Option<Rate>,
    /// Its backfill.
    pub backfill: Option<Backfill>,
}

/// What must be so before a step may run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requires {
    /// A relation, column or index that nobody uses, as written.
    pub unused: Option<String>,
    /// For how long it was not used, in milliseconds.
    pub for_ms: Option<u64>,
    /// How old the last backup may be, in milliseconds.
    pub backup_within_ms: Option<u64>,
}

/// How fast a backfill may write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate {
    /// It never goes slower, in rows a second.
    pub min: Option<u64>,
    /// It never goes faster, in rows a second.
    pub max: Option<u64>,
    /// How long one batch should take, in milliseconds.
    pub batch_target_ms: Option<u64>,
}

/// A backfill, with its SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backfill {
    /// The table, as written.
    pub table: String,
    /// The column by which it goes through the table, as written.
    pub key: String,
    /// What is set.
    pub set: String,
    /// Which rows; every row when `None`.
    pub filter: Option<String>,
}

/// A read that measures what an application would feel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Its name.
    pub name: String,
    /// The query.
    pub sql: String,
}

/// What is known besides the plan's text.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Values of variables given on the command line.
    pub variables: Vec<(String, String)>,
    /// Now, microseconds since 1970 UTC: windows are told from here on.
    pub utc_us: i64,
    /// The limits that the plan's own stand over.
    pub limits: Limits,
}

/// Why a plan cannot be flown: one sentence for each thing that is wrong, each with its place.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct PlanError(pub Vec<String>);

/// What every part of a plan is read with.
struct Context<'a> {
    faults: &'a Faults<'a>,
    variables: &'a Variables,
    /// The plan is a TOML file, which has keys.
    is_toml: bool,
}

/// Reads the plan at `path`: TOML, or SQL where its name ends in `.sql`.
///
/// # Errors
/// [`PlanError`] says all that is wrong, and where: `file:line:column: what`.
pub fn load(path: &Path, surroundings: &Surroundings) -> Result<Compiled, PlanError> {
    let text =
        read(path).map_err(|why| PlanError(vec![format!("{} cannot be read: {why}", path.display())]))?;
    let faults = Faults::new(path, &text);
    let is_sql = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sql"));
    let plan =
        if is_sql { plain::read(path, &faults, surroundings) } else { file::read(&faults, surroundings) };
    if let Some(many) = plan.as_ref().map(|plan| plan.plan.steps.len()).filter(|many| *many > MOST_STEPS) {
        faults.beside(format!(
            "the plan has {many} steps, and at most {MOST_STEPS} are flown: put statements that belong together into \
             one transaction"
        ));
    }
    faults.judge(plan)
}

fn read(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err("it is longer than 8 MiB; split it".to_owned());
    }
    // Some editors put a mark before everything else.
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).map(<[u8]>::to_vec).unwrap_or(bytes);
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("it is not UTF-8 from byte {at} on: write it anew as UTF-8")
    })
}
