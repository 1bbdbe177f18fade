//! `lockpit logs export`: a part of a flight as a log of its own.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::time::Moment;
use crate::cli::{Exit, Failure};
use crate::engine::derive::words::bytes as bytes_text;
use crate::engine::ids::At;
use crate::export::{ExportError, Exported, Request, clock, export};
use crate::log::{Head, LogError};

/// What `logs export` is told.
#[derive(Debug, Args)]
#[command(after_help = "\
TIME is +12m30s since the flight began, 22:14:07 in UTC on the flight's day (or the next one, where that is earlier \
than its beginning), or a date like 2026-11-20T22:14:07Z.

With --mask the names of roles, applications, clients, standbys, slots, prepared transactions, servers and operators \
become role-1, app-1 and so on, alike throughout the cut, also within statements, remarks and messages. Literals that \
were kept are left out. Databases, schemas, tables and statements stay: look through a cut before you share it. The \
masked flight is flown again while it is written; a cut that would not decide what the flight decided is not made.

Examples:
  lockpit logs export shop.flight --from +10m --to +12m30s --mask -o share.flight
  lockpit logs export part-*.flight --from 22:10 --to 22:20 -o incident.flight

Exit codes:
  0  the cut is made; what is missing in it is said
  2  nothing was recorded in that time; the parts do not belong together; the file exists or cannot be written
  7  a log cannot be read
  9  without names the flight would decide something else")]
pub(super) struct ExportArgs {
    /// The log; of a recording that goes from file to file, all its parts from one to another
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,
    /// Where the cut begins
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    from: Moment,
    /// Where it ends
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    to: Moment,
    /// Replace the names of people, programs and machines
    #[arg(long)]
    mask: bool,
    /// The log that is made; never overwritten
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(args: &ExportArgs) -> Result<u8, Failure> {
    let ExportArgs { logs, from, to, mask, output } = args;
    let mut began_us = None;
    for log in logs {
        let head = Head::read(log).map_err(|error| Failure::new(Exit::BadLog, error))?;
        began_us.get_or_insert(head.utc_us);
    }
    let began_us = began_us.unwrap_or_default();
    let (from, to) = (from.in_flight(began_us), to.in_flight(began_us));
    let (Some(to), true) = (to, from <= to) else {
        let at = |at: Option<At>| at.map_or("before the flight began".to_owned(), clock);
        let message = format!("the cut would end ({}) before it begins ({})", at(to), at(from));
        return Err(Failure::new(Exit::Usage, message));
    };
    let request = Request {
        logs: logs.clone(),
        from: from.unwrap_or_default(),
        to,
        is_masked: *mask,
        to_file: output.clone(),
    };
    let made = export(&request).map_err(failure)?;
    say(args, &made);
    Ok(Exit::Done as u8)
}

fn failure(error: ExportError) -> Failure {
    let exit = match &error {
        ExportError::Read(_) | ExportError::Mask(_) | ExportError::Checkpoint(_) => Exit::BadLog,
        ExportError::Write(_) | ExportError::Parts(_) | ExportError::Empty { .. } => Exit::Usage,
        ExportError::OtherDecision { .. } => Exit::Drift,
    };
    match &error {
        // The message says how logs are recorded; here something else was wanted.
        ExportError::Write(LogError::Exists { path }) => Failure::new(
            exit,
            format!("{} exists already, and is not overwritten: name another file", path.display()),
        ),
        _ => Failure::new(exit, error),
    }
}

fn say(args: &ExportArgs, made: &Exported) {
    let Exported { from, to, pin, samples, gaps, doubts } = made;
    let mut out = std::io::stdout().lock();
    let masked = if args.mask { ", names masked" } else { "" };
    let mut lines = vec![format!(
        "{}: {} to {} of the flight, {samples} samples, {}{masked}",
        args.output.display(),
        clock(*from),
        clock(*to),
        bytes_text(pin.bytes),
    )];
    lines.extend(gaps.iter().map(|gap| format!("missing: {gap}")));
    lines.extend(doubts.iter().map(|doubt| format!("taken from {doubt}")));
    lines.push(format!("its checkpoint, to be kept elsewhere:\n{pin}"));
    // The cut is made, whoever reads this.
    let _ = writeln!(out, "{}", lines.join("\n"));
}
