//! `lockpit attach`: watch a database, and guard somebody else's migration.

use std::path::{Path, PathBuf};

use clap::Args;

use super::screen::LooksArgs;
use super::takeoff::{self, FlightArgs, Load, ModeArgs, made, usual_dir};
use super::{Exit, Failure, target};
use crate::config::guardrails;
use crate::engine::settings::{Arming, IfLost, Limits, OnTrip, Selector, Settings};
use crate::flight::Record;
use crate::pg::connect::ConnArgs;

/// What `attach` is told.
#[derive(Debug, Args)]
pub(super) struct AttachArgs {
    #[command(flatten)]
    connection: ConnArgs,
    #[command(flatten)]
    mode: ModeArgs,
    #[command(flatten)]
    guard: GuardArgs,
    #[command(flatten)]
    flight: FlightArgs,
    /// Go on in the log of --record, whose flight was cut off; its torn end is kept in a file beside it
    #[arg(long, requires = "record", conflicts_with = "no_record", help_heading = "Flight")]
    resume: bool,
    /// Record one file after the other, and remove those that ended longer ago than this; for a recorder that is
    /// always on: --headless, watching only
    #[arg(long, value_name = "DURATION", value_parser = target::duration_ms, requires = "headless",
          conflicts_with_all = ["no_record", "resume", "arm"], help_heading = "Flight")]
    keep: Option<u64>,
    #[command(flatten)]
    looks: LooksArgs,
}

/// Whom to guard, and by what means.
#[derive(Debug, Clone, Default, Args)]
struct GuardArgs {
    /// Whom to follow: auto, pid=N, app=REGEX, user=REGEX, table=NAME or query=REGEX
    ///
    /// Only backends of the connected database are followed, but for pid=. Patterns for applications and
    /// users match the whole name; query= matches anywhere in the text.
    /// auto follows the candidate with the most victims, else the oldest.
    #[arg(long, value_name = "WHOM", default_value = "auto", value_parser = target::selector, help_heading = "Guard")]
    target: Selector,
    /// Act on trips; with =shadow decide and log, but do not act
    #[arg(long, value_name = "shadow", num_args = 0..=1, require_equals = true, default_missing_value = "armed",
          value_parser = ["armed", "shadow"], help_heading = "Guard")]
    arm: Option<String>,
    /// Disarm after this long [default: 30m]
    #[arg(long, value_name = "DURATION", requires = "arm", value_parser = target::duration_ms, help_heading = "Guard")]
    until: Option<u64>,
    /// How a migration is stopped: auto, cancel, terminate or signal:PID
    ///
    /// auto terminates where a cancel would let a script run on to its next statement, and cancels otherwise.
    #[arg(long, value_name = "HOW", default_value = "auto", value_parser = target::on_trip, help_heading = "Guard")]
    on_trip: OnTrip,
    /// What becomes of a strong attempt when lockpit is blind, hung or gone: keep or stop
    #[arg(long, value_name = "WHAT", default_value = "keep", value_parser = target::if_lost, help_heading = "Guard")]
    if_lost: IfLost,
    /// Never stop anything
    #[arg(long, help_heading = "Guard")]
    read_only: bool,
    /// Limits of the guardrails, in a file of their own; --queue-depth and --queue-age come first
    #[arg(long, value_name = "FILE", help_heading = "Guard")]
    guardrails: Option<PathBuf>,
    /// Victims behind the target at which queue_depth trips [default: the smaller of 5 and half the usual
    /// active clients]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Guard")]
    queue_depth: Option<u32>,
    /// Age of the longest wait behind the target at which queue_age trips [default: 1s]
    #[arg(long, value_name = "DURATION", value_parser = target::duration_ms, help_heading = "Guard")]
    queue_age: Option<u64>,
}

pub(super) fn run(args: AttachArgs) -> Result<u8, Failure> {
    let AttachArgs { connection, mode, guard, flight, resume, keep, looks } = args;
    takeoff::fly(&mode, flight, &looks, &connection, |flight| {
        Ok(Load {
            settings: settings(&guard, flight)?,
            record: record(flight, resume, keep)?,
            plan: None,
            held: None,
        })
    })
}

fn settings(guard: &GuardArgs, flight: &FlightArgs) -> Result<Settings, Failure> {
    let arming = match guard.arm.as_deref() {
        None => Arming::Watching,
        Some("shadow") => Arming::Shadow,
        Some(_) => Arming::Armed,
    };
    if arming == Arming::Armed && guard.target == Selector::Auto {
        let message = "--arm needs to know whom it may stop: name a --target (pid=, app=, user=, table= or \
                       query=), or use --arm=shadow, which does not act";
        return Err(Failure::new(Exit::Usage, message));
    }
    if arming == Arming::Armed && guard.read_only {
        return Err(Failure::new(Exit::Usage, "--arm and --read-only contradict each other"));
    }
    let mut limits = limits(guard.guardrails.as_deref())?;
    limits.queue_depth.limit = guard.queue_depth.or(limits.queue_depth.limit);
    limits.queue_age.limit_ms = guard.queue_age.unwrap_or(limits.queue_age.limit_ms);
    Ok(Settings {
        target: guard.target.clone(),
        arming,
        on_trip: guard.on_trip,
        if_lost: guard.if_lost,
        read_only: guard.read_only,
        armed_until_ms: guard.until,
        ends_ms: flight.duration,
        limits,
        pace: flight.pace()?,
        keep_literals: flight.keep_literals,
    })
}

/// The limits of a guardrails file; without one, the defaults.
fn limits(file: Option<&Path>) -> Result<Limits, Failure> {
    let limits = file.map(guardrails::load).transpose();
    Ok(limits.map_err(|error| Failure::new(Exit::Usage, error))?.unwrap_or_default())
}

fn record(flight: &FlightArgs, resume: bool, keep_ms: Option<u64>) -> Result<Option<Record>, Failure> {
    match (&flight.record, keep_ms) {
        (dir, Some(keep_ms)) => ring(dir.as_deref(), keep_ms).map(Some),
        (Some(path), None) if resume => Ok(Some(Record::Resume(path.clone()))),
        _ => flight.record(),
    }
}

/// The shortest time that a ring keeps: its parts last a sixteenth of it, and a minute at least.
const SHORTEST_KEEP_MS: u64 = 10 * 60_000;

/// Where an always-on recorder records.
fn ring(dir: Option<&Path>, keep_ms: u64) -> Result<Record, Failure> {
    if keep_ms < SHORTEST_KEEP_MS {
        return Err(Failure::new(Exit::Usage, "--keep: 10 minutes are the shortest that can be kept"));
    }
    let dir = match dir {
        Some(file) if file.is_file() => {
            let message = format!("--keep records several files: {} is one, name a folder", file.display());
            return Err(Failure::new(Exit::Usage, message));
        }
        Some(dir) => dir.to_owned(),
        None => usual_dir()?,
    };
    Ok(Record::Ring { dir: made(dir)?, keep_ms })
}
