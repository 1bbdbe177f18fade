//! `lockpit check`: what a plan will do, and all that is wrong with it, before it is flown.
//!
//! Owns what it is told and how it ends; what it prints is `page`.

mod page;

use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Exit, Failure, target};
use crate::clock;
use crate::plan::{self, Surroundings};

/// What `check` is told.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lockpit check --offline plan.toml
  lockpit check --offline --set tenant=acme plan.toml
  lockpit check --offline --format json migration.sql

What a plan can say: lockpit generate plan

Exit codes:
  0  the plan can be flown, as far as can be told without a server
  2  the plan is wrong: every fault is told, with line and column")]
pub(super) struct CheckArgs {
    /// The plan: a TOML file, or SQL in a file that ends in .sql
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// The database, as psql takes it
    #[arg(value_name = "CONNINFO", conflicts_with = "offline")]
    conninfo: Option<String>,
    /// Ask no server: locks, sizes and blockers stay unknown
    #[arg(long)]
    offline: bool,
    /// Give a variable of the plan its value; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = target::assignment)]
    set: Vec<(String, String)>,
    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A page for people
    Text,
    /// One JSON object
    Json,
}

pub(super) fn run(args: &CheckArgs) -> Result<u8, Failure> {
    let utc_us = clock::utc_us();
    let surroundings = Surroundings { variables: args.set.clone(), utc_us, ..Surroundings::default() };
    let compiled = plan::load(&args.path, &surroundings).map_err(|error| Failure::new(Exit::Usage, error))?;
    if !args.offline {
        let place = args.conninfo.as_ref().map_or("", |_| " on that server");
        let why = format!(
            "{} can be read; what it will do{place} this release cannot ask yet: add --offline to see the rest",
            args.path.display()
        );
        return Err(Failure::new(Exit::Usage, why));
    }
    let text = match args.format {
        Format::Text => page::text(&compiled, utc_us),
        Format::Json => page::json(&compiled, utc_us).map_err(|error| Failure::new(Exit::Usage, error))?,
    };
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Usage, format!("standard output cannot be written: {error}")))
        }
        _ => Ok(Exit::Done as u8),
    }
}
