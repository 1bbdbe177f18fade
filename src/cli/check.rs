//! `lockpit check`: what a plan will do, and all that is wrong with it, before it is flown.
//!
//! Owns what it is told and how it ends; what a server says is `asked`, what is printed `page` and `object`.

mod asked;
mod object;
mod page;

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::lines::complain;
use super::{Exit, Failure, takeoff, target};
use crate::clock;
use crate::pg::connect::{self, ConnArgs, Conninfo, ask_password};
use crate::pg::runner::inquiry::{Inquiry, InquiryError};
use crate::plan::{self, Compiled, Surroundings};
use asked::Asked;

/// What `check` is told.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lockpit check plan.toml service=shop
  lockpit check --set tenant=acme plan.toml -h db1 -d shop
  lockpit check --offline --format json migration.sql

What a plan can say: lockpit generate plan

Exit codes:
  0  the plan can be flown, as far as can be told
  1  something in it cannot work on this server: each is marked DANGER
  2  the plan is wrong: every fault is told, with line and column
  3  the server cannot be reached, or was lost")]
pub(super) struct CheckArgs {
    /// The plan: a TOML file, or SQL in a file that ends in .sql
    #[arg(value_name = "PATH")]
    path: PathBuf,
    #[command(flatten)]
    connection: ConnArgs,
    /// Ask no server: locks, sizes and blockers stay unknown
    #[arg(long, conflicts_with_all = ["conninfo", "host", "port", "username", "dbname", "ask_password", "password_command"])]
    offline: bool,
    /// Give a variable of the plan its value; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = target::assignment)]
    set: Vec<(String, String)>,
    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

impl CheckArgs {
    /// The check of a plan that is asked for otherwise: with a server, for people.
    pub(super) fn of(path: PathBuf, connection: ConnArgs, set: Vec<(String, String)>) -> CheckArgs {
        CheckArgs { path, connection, offline: false, set, format: Format::Text }
    }
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
    let asked = if args.offline {
        None
    } else {
        Some(takeoff::runtime()?.block_on(ask(&compiled, &args.connection))?)
    };
    let text = match args.format {
        Format::Text => page::text(&compiled, asked.as_ref(), utc_us),
        Format::Json => object::json(&compiled, asked.as_ref(), utc_us)
            .map_err(|error| Failure::new(Exit::Usage, error))?,
    };
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Usage, format!("standard output cannot be written: {error}")))
        }
        _ if asked.is_some_and(|asked| asked.is_danger()) => Ok(Exit::Danger as u8),
        _ => Ok(Exit::Done as u8),
    }
}

/// Asks the server about the plan, on a session of its own.
async fn ask(compiled: &Compiled, connection: &ConnArgs) -> Result<Asked, Failure> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let conninfo = Conninfo::resolve(connection, |name| std::env::var(name).ok(), home.as_deref())
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    conninfo.notes().iter().for_each(|note| complain(note));
    let conninfo = takeoff::with_password(conninfo)?;
    let mut inquiry = open(conninfo).await?;
    let asked = Asked::of(compiled, &mut inquiry).await;
    inquiry.close().await;
    let lost =
        |why| Failure::new(Exit::Unreachable, format!("the server was lost while it was asked: {why}"));
    asked.map_err(lost)
}

/// As psql does: a password that the server wants and nobody gave is asked for, once, where somebody can answer.
async fn open(conninfo: Conninfo) -> Result<Inquiry, Failure> {
    let tag = u64::from_le_bytes(crate::random::bytes()) & 0xff_ffff;
    let application = format!("lockpit/check {tag:06x}");
    let opened = match Inquiry::open(&conninfo, &application).await {
        Err(InquiryError::Connect(error))
            if error.kind() == connect::ErrorKind::PasswordMissing
                && conninfo.may_ask_password()
                && std::io::stdin().is_terminal() =>
        {
            match ask_password(conninfo.user()) {
                Ok(password) => Inquiry::open(&conninfo.with_password(password), &application).await,
                Err(_) => Err(InquiryError::Connect(error)),
            }
        }
        opened => opened,
    };
    opened.map_err(|error| {
        let exit = match &error {
            InquiryError::Connect(error) => takeoff::connect_exit(error.kind()),
            InquiryError::Identity(_) => Exit::Unreachable,
        };
        Failure::new(exit, format!("{error}; --offline asks no server"))
    })
}
