//! `lockpit judge`: what other limits would have done, over one or many logs.

use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::lines::complain;
use super::{Exit, Failure, target};
use crate::config::guardrails;
use crate::judge::{self, Judgement, Question, words};

/// What `judge` is told.
#[derive(Debug, Args)]
#[command(after_help = "\
Each log is decided anew, up to the first act that differs: from there the recording no longer applies, and its hours \
do not count. A cut, or one file of a recording that goes from file to file, is judged from where it begins. Logs that \
have the same time of the same flight count once.

Examples:
  lockpit judge --guardrails team.toml shop.flight
  lockpit judge --guardrails team.toml ~/flights/*.flight --format json

team.toml:
  [guardrails]
  queue_depth = { limit = 5, hold = \"500ms\" }
  queue_age = { limit = \"1s\" }

Exit codes:
  0  judged; what is torn is judged up to its tear
  2  the file of guardrails cannot be used
  7  a log cannot be read, or is damaged or altered; the others are judged")]
pub(super) struct JudgeArgs {
    /// The logs
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,
    /// The limits in question: a file with a table [guardrails], over the defaults
    ///
    /// Such as: queue_depth = { limit = 5, hold = "500ms" }, queue_age = { limit = "1s" },
    /// blind = { limit = "2s" }.
    #[arg(long, value_name = "FILE")]
    guardrails: PathBuf,
    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// A queue that drains within this after a trip would have done so without a stop: a false trip [default: 2s]
    #[arg(long, value_name = "DURATION", value_parser = target::duration_ms)]
    resolved_within: Option<u64>,
    /// Leave out limits that an operator changed in the air; they are kept otherwise
    #[arg(long)]
    ignore_overrides: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table for people
    Text,
    /// One JSON object
    Json,
}

pub(super) fn run(args: &JudgeArgs) -> Result<u8, Failure> {
    let limits = guardrails::load(&args.guardrails).map_err(|error| Failure::new(Exit::Usage, error))?;
    let question = Question {
        limits,
        keeps_overrides: !args.ignore_overrides,
        resolved_within_ms: args.resolved_within.unwrap_or(Question::RESOLVED_WITHIN_MS),
    };
    let logs = args.logs.iter().map(|log| judge::log(log, &question)).collect();
    let judgement = judge::all(&question, logs);
    print(&judgement, args.format)?;
    for log in &judgement.logs {
        if let Some(error) = &log.error {
            complain(error);
        }
    }
    let all_read = judgement.logs.iter().all(|log| log.error.is_none() && !log.is_damaged);
    Ok(if all_read { Exit::Done as u8 } else { Exit::BadLog as u8 })
}

/// Prints a judgement; a reader that has seen enough is no failure.
fn print(judgement: &Judgement, format: Format) -> Result<(), Failure> {
    let text = match format {
        Format::Text => words::table(judgement),
        Format::Json => {
            let json = serde_json::to_string_pretty(judgement);
            json.map_err(|error| Failure::new(Exit::Usage, error))? + "\n"
        }
    };
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Usage, format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}
