//! `lockpit logs prune`: old logs are removed, after asking.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;

use super::{count, folder, no_folder};
use crate::cli::lines::complain;
use crate::cli::{Exit, Failure, target};
use crate::clock;
use crate::engine::derive::words::bytes as bytes_text;
use crate::engine::duration::duration_text;
use crate::shelf::{self, Tail};

/// What `logs prune` is told.
#[derive(Debug, Args)]
#[command(after_help = "\
A log is as old as its last entry, whatever its file is called. Logs that are being written, damaged logs, links, other \
files and folders are left alone.

Examples:
  lockpit logs prune --older-than 30d
  lockpit logs prune --older-than 90d --yes /backup/flights

Exit codes:
  0  what was to be removed is removed; nothing was, or the answer was no
  2  there was nobody to ask and no --yes; the folder cannot be read; a log could not be removed")]
pub(super) struct PruneArgs {
    /// The folder [default: the one where flights are recorded]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Logs that ended longer ago than this, such as 30d
    #[arg(long, value_name = "DURATION", value_parser = target::duration_ms)]
    older_than: u64,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// A log that is to go.
struct Old {
    path: PathBuf,
    flight: [u8; 16],
    bytes: u64,
}

pub(super) fn run(args: &PruneArgs) -> Result<u8, Failure> {
    let dir = folder(args.dir.as_deref())?;
    let age = duration_text(args.older_than);
    let older_us = i64::try_from(args.older_than.saturating_mul(1_000)).unwrap_or(i64::MAX);
    let before_us = clock::utc_us().saturating_sub(older_us);
    let mut old = Vec::new();
    for path in shelf::files(&dir).map_err(|error| no_folder(&dir, &error))? {
        // Links are not followed: what they lead to may be anywhere.
        if !path.symlink_metadata().is_ok_and(|found| found.is_file()) {
            continue;
        }
        let found = shelf::look(&path);
        let Ok(log) = &found.log else { continue };
        let is_known = matches!(log.tail, Tail::Complete | Tail::Torn);
        if is_known && log.ended_utc_us() < before_us {
            let ended = jiff::Timestamp::from_microsecond(log.ended_utc_us());
            let ended = ended.map_or_else(|_| "?".to_owned(), |ended| format!("{ended:.0}"));
            let bytes = found.bytes.unwrap_or(0);
            say(&format!("{}  {:>8}  ended {ended}, {}", path.display(), bytes_text(bytes), log.words()));
            old.push(Old { path, flight: log.head.flight, bytes });
        }
    }
    if old.is_empty() {
        say(&format!("no log in {} ended more than {age} ago", dir.display()));
        return Ok(Exit::Done as u8);
    }
    let total = old.iter().fold(0_u64, |sum, one| sum.saturating_add(one.bytes));
    let what = format!("{}, {}", count(old.len()), bytes_text(total));
    if !args.yes && !may_remove(&what, &age)? {
        say("nothing was removed");
        return Ok(Exit::Done as u8);
    }
    remove(&old)
}

/// Asks; a refusal where there is nobody to ask.
fn may_remove(what: &str, age: &str) -> Result<bool, Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let message = format!(
            "{what} ended more than {age} ago; there is no terminal to ask on: add --yes to remove them"
        );
        return Err(Failure::new(Exit::Usage, message));
    }
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "Remove {what} for good? [y/N] ").and_then(|()| err.flush());
    let mut answer = String::new();
    let read = stdin.lock().read_line(&mut answer);
    Ok(read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn remove(old: &[Old]) -> Result<u8, Failure> {
    let (mut removed, mut bytes) = (0, 0_u64);
    for one in old {
        match shelf::remove(&one.path, one.flight) {
            Ok(()) => {
                removed += 1;
                bytes = bytes.saturating_add(one.bytes);
            }
            Err(error) => complain(&error.to_string()),
        }
    }
    say(&format!("removed {}, {}", count(removed), bytes_text(bytes)));
    Ok(if removed == old.len() { Exit::Done } else { Exit::Usage } as u8)
}

/// Who reads along may have gone; what is done does not depend on it.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
