//! `lockpit run`: fly a plan.
//!
//! Owns what is asked before the first connection: the plan, its gates, where an earlier part of the flight had come to.

use std::path::{Path, PathBuf};

use clap::Args;

use super::check::{self, CheckArgs};
use super::lines::complain;
use super::screen::LooksArgs;
use super::takeoff::{self, FlightArgs, Load, ModeArgs, usual_dir};
use super::{Exit, Failure, target};
use crate::engine::ids::At;
use crate::engine::plan::{Logbook, Mission, Plan, Work};
use crate::engine::settings::{Arming, IfLost, OnTrip, Selector, Settings};
use crate::flight::Record;
use crate::log::{Claim, Ending, Head};
use crate::pg::connect::ConnArgs;
use crate::plan::{self, Compiled, Surroundings};
use crate::replay::{Replay, ReplayError};
use crate::shelf;

/// What `run` is told.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The plan: a TOML file, or a .sql file
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    #[command(flatten)]
    connection: ConnArgs,
    #[command(flatten)]
    mode: ModeArgs,
    /// The value of a variable of the plan
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = target::assignment, help_heading = "Plan")]
    variables: Vec<(String, String)>,
    /// Open the gate of this step in advance; without a screen every gate that asks a person needs it
    #[arg(long, value_name = "STEP", help_heading = "Plan")]
    approve: Vec<String>,
    /// Begin with this step: those before it are not flown
    #[arg(long, value_name = "STEP", conflicts_with = "resume", help_heading = "Plan")]
    from: Option<String>,
    /// Go on where an earlier flight of this plan had come to: behind the log of --record, or its newest one
    #[arg(long, conflicts_with = "no_record", help_heading = "Plan")]
    resume: bool,
    /// Run nothing: print what lockpit check prints
    #[arg(long, conflicts_with_all = ["resume", "headless", "detach"], help_heading = "Plan")]
    dry_run: bool,
    /// Decide and log, but do not stop anything when a guardrail trips
    #[arg(long, help_heading = "Guard")]
    shadow: bool,
    /// Limits of the guardrails, in a file of their own; those of the plan come first
    #[arg(long, value_name = "FILE", help_heading = "Guard")]
    guardrails: Option<PathBuf>,
    #[command(flatten)]
    flight: FlightArgs,
    #[command(flatten)]
    looks: LooksArgs,
}

pub(super) fn run(args: RunArgs) -> Result<u8, Failure> {
    let RunArgs {
        plan,
        connection,
        mode,
        variables,
        approve,
        from,
        resume,
        dry_run,
        shadow,
        guardrails,
        flight,
        looks,
    } = args;
    if dry_run {
        return check::run(&CheckArgs::of(plan, connection, variables));
    }
    let asked = Asked { plan, variables, approve, from, resume, shadow, guardrails };
    let unattended = mode.is_unattended();
    takeoff::fly(&mode, flight, &looks, &connection, |flight| asked.load(flight, unattended))
}

/// What is asked about the plan.
struct Asked {
    plan: PathBuf,
    variables: Vec<(String, String)>,
    approve: Vec<String>,
    from: Option<String>,
    resume: bool,
    shadow: bool,
    guardrails: Option<PathBuf>,
}

impl Asked {
    fn load(self, flight: &FlightArgs, unattended: bool) -> Result<Load, Failure> {
        let over = self.guardrails.as_deref().map(crate::config::guardrails::load).transpose();
        let over = over.map_err(|error| Failure::new(Exit::Usage, error))?;
        let surroundings = Surroundings {
            variables: self.variables,
            utc_us: crate::clock::utc_us(),
            limits: over.unwrap_or_default(),
        };
        let compiled =
            plan::load(&self.plan, &surroundings).map_err(|error| Failure::new(Exit::Usage, error))?;
        let unmet = plan::unmet(&compiled);
        if !unmet.is_empty() {
            let message =
                format!("{}\nleave that out, or fly another part of the plan by hand", unmet.join("\n"));
            return Err(Failure::new(Exit::Usage, message));
        }
        if !compiled.probes.is_empty() {
            complain("the plan's probes are not measured by this release");
        }
        let Compiled { plan, script, limits, .. } = compiled;
        let from = self.from.as_deref().map(|id| number_of(&plan, id)).transpose()?;
        for id in &self.approve {
            number_of(&plan, id)?;
        }
        if unattended {
            gates_are_answered(&plan, &self.approve, from)?;
        }
        let mut held = None;
        let (record, resumed) = if self.resume {
            let log = match &flight.record {
                Some(path) if !path.is_dir() => path.clone(),
                dir => newest_log(dir.as_deref(), &plan.name)?,
            };
            if let Ok(flight) = crate::remote::find(Some(&log.to_string_lossy())) {
                let name = flight.greeting.flight;
                let message =
                    format!("that flight is still in the air: lockpit join {name} brings a screen to it");
                return Err(Failure::new(Exit::Usage, message));
            }
            let (logbook, ending) = logbook(&log, &plan)?;
            if ending == Ending::Complete {
                let (dir, claim) = behind(&log)?;
                held = Some(claim);
                (Some(Record::Directory(dir)), Some(Box::new(logbook)))
            } else {
                (Some(Record::Resume(log)), Some(Box::new(logbook)))
            }
        } else {
            (flight.record()?, None)
        };
        let settings = Settings {
            // The session of the plan, whose name is not known yet.
            target: Selector::Auto,
            arming: if self.shadow { Arming::Shadow } else { Arming::Armed },
            on_trip: OnTrip::Auto,
            if_lost: IfLost::Stop,
            read_only: false,
            armed_until_ms: Some(u64::MAX),
            ends_ms: flight.duration,
            limits,
            pace: flight.pace()?,
            keep_literals: flight.keep_literals,
        };
        let mission =
            Mission { plan, application: String::new(), approved: self.approve, from, unattended, resumed };
        Ok(Load { settings, record, plan: Some((mission, script)), held })
    }
}

fn number_of(plan: &Plan, id: &str) -> Result<u32, Failure> {
    let number = plan.steps.iter().position(|step| step.id == id);
    number.and_then(|number| u32::try_from(number).ok()).ok_or_else(|| {
        let known: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
        Failure::new(Exit::Usage, format!("the plan has no step '{id}': there are {}", known.join(", ")))
    })
}

/// Nobody will be there: every gate that asks a person must have been answered.
fn gates_are_answered(plan: &Plan, approved: &[String], from: Option<u32>) -> Result<(), Failure> {
    let flown = plan.steps.iter().skip(from.unwrap_or(0) as usize);
    let asking = flown.filter(|step| matches!(&step.work, Work::Gate(gate) if gate.ask.is_some()));
    let open: Vec<String> = asking
        .filter(|step| !approved.contains(&step.id))
        .map(|step| format!("--approve {}", step.id))
        .collect();
    if open.is_empty() {
        return Ok(());
    }
    let message =
        format!("nobody is there to answer the plan's gates: fly with a screen, or add {}", open.join(" "));
    Err(Failure::new(Exit::Usage, message))
}

/// The newest log of a flight of the plan called `name`.
fn newest_log(dir: Option<&Path>, name: &str) -> Result<PathBuf, Failure> {
    let dir = match dir {
        Some(dir) => dir.to_owned(),
        None => usual_dir()?,
    };
    shelf::newest_of_plan(&dir, name).ok_or_else(|| {
        let message = format!(
            "there is no log of a flight of {name} in {}: name it with --record, or fly the plan without --resume",
            dir.display()
        );
        Failure::new(Exit::Usage, message)
    })
}

/// Where a flight is recorded that goes on behind a log which was closed in order: in its folder. The claim keeps others
/// from going on behind it meanwhile.
fn behind(log: &Path) -> Result<(PathBuf, Claim), Failure> {
    let claim = Claim::of(log)
        .map_err(|_| Failure::new(Exit::Usage, format!("another flight goes on behind {}", log.display())))?;
    let dir = match log.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
        _ => PathBuf::from("."),
    };
    let plan = claim.head().meta.as_ref().and_then(|meta| meta.plan.clone()).unwrap_or_default();
    if let Some(newest) = shelf::newest_of_plan(&dir, &plan)
        && is_later(&newest, claim.head())
    {
        let message = format!(
            "{} is not where the plan was left: it was flown again in {}; go on with that one",
            log.display(),
            newest.display()
        );
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok((dir, claim))
}

/// Whether the log at `path` is of a later flight over the same database.
fn is_later(path: &Path, than: &Head) -> bool {
    let Ok(head) = Head::read(path) else { return false };
    let place = |head: &Head| head.meta.as_ref().map(|meta| (meta.server.clone(), meta.database.clone()));
    head.flight != than.flight && head.utc_us > than.utc_us && place(&head) == place(than)
}

/// Where the flight in this log had come to, and how the log ends.
fn logbook(path: &Path, plan: &Plan) -> Result<(Logbook, Ending), Failure> {
    let unreadable = |error: ReplayError| Failure::new(Exit::BadLog, error);
    let mut replay = Replay::open_at(path, At(u64::MAX)).map_err(unreadable)?;
    while replay.step().map_err(unreadable)?.is_some() {}
    let ending = replay.ending().map_err(unreadable)?;
    let cockpit = replay.cockpit();
    let wrong = |message: String| Err(Failure::new(Exit::Usage, message));
    let Some(steps) = cockpit.steps() else {
        return wrong(format!("{} is the log of a flight without a plan", path.display()));
    };
    let server = cockpit.server();
    let identifier = server.and_then(|server| server.system_identifier.known().copied());
    let timeline = server.and_then(|server| server.timeline.known().copied());
    let logbook = steps.logbook(identifier, timeline);
    if logbook.digest != plan.digest {
        return wrong(format!(
            "{} is the log of another text of the plan {}: fly it as it was, or begin anew with --from",
            path.display(),
            steps.mission().plan.name
        ));
    }
    Ok((logbook, ending))
}
