//! The command line.
//!
//! Owns the words a user types and the exit codes. Each family of commands has a file of its own.

mod attach;
mod check;
mod demo;
mod detach;
mod exit;
mod generate;
mod hooks;
mod join;
mod judge;
mod lines;
mod logs;
mod misspelt;
mod replay;
mod report;
mod run;
mod screen;
mod stub;
mod takeoff;
mod target;
mod tell;
mod verify;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, Parser, Subcommand};

pub use exit::Exit;

/// The terminal cockpit in which a DBA flies a PostgreSQL migration by hand
#[derive(Debug, Parser)]
#[command(
    name = "lockpit",
    version,
    disable_help_flag = true,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    after_help = exit::HELP,
)]
struct Cli {
    /// Print help (-h is the host, as in psql)
    #[arg(short = '?', long, action = ArgAction::Help, global = true)]
    help: Option<bool>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch a database, and guard somebody else's migration
    Attach(Box<attach::AttachArgs>),
    /// Fly a plan: a migration, step by step, on a session of its own
    Run(Box<run::RunArgs>),
    /// What a plan will do, and all that is wrong with it, before it is flown
    Check(check::CheckArgs),
    /// Read along with a flight that is in the air
    Join(join::JoinArgs),
    /// Give a flight in the air a command, or ask how it is doing
    Tell(tell::TellArgs),
    /// Play a flight again from its log: the same decisions, without a database
    Replay(replay::ReplayArgs),
    /// What other limits would have done, over one or many logs
    Judge(judge::JudgeArgs),
    /// The post-mortem of a flight, from its log: a page, text for a ticket, or JSON
    Report(report::ReportArgs),
    /// Whether a log is complete, torn or altered, and its checkpoint
    Verify(verify::VerifyArgs),
    /// Logs: what there is, a part of one to share, removal of old ones
    Logs(logs::LogsArgs),
    /// A throw-away server, live traffic and a staged jam: everything in one command
    Demo(demo::DemoArgs),
    /// Completions, manual pages, the configuration file with its defaults, the table of keys, the reference of plans
    Generate(generate::GenerateArgs),
}

/// Runs lockpit with these arguments; the first one is the program's name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    hooks::install();
    let mut args: Vec<OsString> = args.into_iter().collect();
    insert_attach(&mut args);
    let words: Vec<String> = args.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let error = misspelt::with_hint(error, command(), &words);
            // Help and version are answers, not errors.
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            let _ = error.print();
            return if asked { Exit::Done } else { Exit::Usage }.into();
        }
    };
    let result = match cli.command {
        Command::Attach(args) => attach::run(*args),
        Command::Run(args) => run::run(*args),
        Command::Check(args) => check::run(&args),
        Command::Join(args) => join::run(&args),
        Command::Tell(args) => tell::run(args),
        Command::Replay(args) => replay::run(&args),
        Command::Judge(args) => judge::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Logs(args) => logs::run(&args),
        Command::Demo(args) => demo::run(args),
        Command::Generate(args) => generate::run(&args),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            lines::complain(&failure.message);
            failure.exit.into()
        }
    }
}

/// The command line, for documentation made from it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Why a command ended without doing its work.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl std::fmt::Display) -> Failure {
        Failure { exit, message: message.to_string() }
    }
}

/// A bare connection string means `attach`; a bare word never connects.
fn insert_attach(args: &mut Vec<OsString>) {
    let bare = args
        .get(1)
        .and_then(|arg| arg.to_str())
        .is_some_and(|arg| !arg.starts_with('-') && (arg.contains("://") || arg.contains('=')));
    if bare {
        args.insert(1, OsString::from("attach"));
    }
}
