//! `lockpit logs`: the logs of a folder, a part of one to share, and the removal of old ones.
//!
//! Owns the words of the family; each command has a file of its own.

mod export;
mod list;
mod prune;
mod time;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{Exit, Failure};
use crate::log::default_dir;

/// What `logs` is told.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
What is listed comes from both ends of each log. Its integrity is what its end says; with --verify it is what a full \
pass over it says. 'lockpit verify LOG' says more.

Examples:
  lockpit logs                                the folder where flights are recorded
  lockpit logs --verify shop.flight /backup   a log, and those of a folder, read through

Exit codes:
  0  listed; files that are no logs, or cannot be read, are named in the list
  2  the folder, or a file that was named, is not there
  7  with --verify: a log is altered"
)]
pub(super) struct LogsArgs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: list::ListArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a log of a part of a flight, to share it
    Export(export::ExportArgs),
    /// Remove old logs, after asking
    Prune(prune::PruneArgs),
}

pub(super) fn run(args: &LogsArgs) -> Result<u8, Failure> {
    match &args.command {
        None => list::run(&args.list),
        Some(Command::Export(args)) => export::run(args),
        Some(Command::Prune(args)) => prune::run(args),
    }
}

/// The folder that was named, or the one where flights are recorded.
fn folder(named: Option<&Path>) -> Result<PathBuf, Failure> {
    let usual = || {
        default_dir()
            .ok_or_else(|| Failure::new(Exit::Usage, "this user has no home directory: name a folder"))
    };
    named.map_or_else(usual, |named| Ok(named.to_owned()))
}

fn no_folder(dir: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Usage, format!("the folder {} cannot be read: {error}", dir.display()))
}

/// `1 log`, `3 logs`.
fn count(logs: usize) -> String {
    format!("{logs} log{}", if logs == 1 { "" } else { "s" })
}
