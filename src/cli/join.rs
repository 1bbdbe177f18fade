//! `lockpit join`: read along with a flight that is in the air.

use std::sync::mpsc;

use clap::Args;

use super::lines::complain;
use super::replay::Teller;
use super::screen::{self, LooksArgs};
use super::tell::{unfound, unreached};
use super::{Exit, Failure};
use crate::clock::FlightClock;
use crate::config::Config;
use crate::remote::protocol::Reply;
use crate::remote::{Remote, Tail, find, own_name};
use crate::replay::ReplayError;
use crate::screen::pilot::Pilot;
use crate::screen::run::{Looks, Screen};
use crate::screen::shown::Recording;
use crate::screen::source::{Joined, Source};

/// What `join` is told.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  the flight is over; its log stays
  2  no such flight, which one is not clear, it is not recorded, or it refused the stick
  3  the flight cannot be reached, or it died: its log stops without an end
  7  its log cannot be read")]
pub(super) struct JoinArgs {
    /// The flight: its name or a unique beginning of it, its database, its log, its socket [default: the only one]
    #[arg(value_name = "FLIGHT")]
    flight: Option<String>,
    /// Print JSON lines instead of opening a screen
    #[arg(long)]
    headless: bool,
    /// Take the stick, and keep it until leaving
    #[arg(long, conflicts_with = "read_only")]
    take: bool,
    /// Never take the stick
    #[arg(long)]
    read_only: bool,
    /// Who joins [default: the account's name]
    #[arg(long, value_name = "NAME", env = "LOCKPIT_OPERATOR")]
    operator: Option<String>,
    #[command(flatten)]
    looks: LooksArgs,
}

pub(super) fn run(args: &JoinArgs) -> Result<u8, Failure> {
    let looks = match args.headless {
        true => None,
        false => {
            screen::check()?;
            let config = Config::find().map_err(|error| Failure::new(Exit::Usage, error))?;
            Some(args.looks.looks(&config)?)
        }
    };
    let flight = find(args.flight.as_deref()).map_err(unfound)?;
    let name = &flight.greeting.flight;
    let Some(log) = &flight.greeting.log else {
        let message = format!(
            "{name} is not recorded, or file after file (--keep), and joining is reading along in one log; `lockpit tell \
             {name} status` asks it"
        );
        return Err(Failure::new(Exit::Usage, message));
    };
    // Kept open: the flight lists who has joined, and gets the stick back when the connection ends.
    let mut remote = Remote::connect(&flight.socket).map_err(|error| unreached(&flight, &error))?;
    let operator = args.operator.clone().unwrap_or_else(own_name);
    let mut joined = remote.hello(Some(operator.clone()), true);
    if args.take && joined.is_ok() {
        joined = remote.take();
    }
    match joined.map_err(|error| unreached(&flight, &error))? {
        Reply::Refused { reason } | Reply::Error { reason } => {
            return Err(Failure::new(Exit::Usage, format!("refused: {reason}")));
        }
        _ => {}
    }
    let unreadable = |error: ReplayError| Failure::new(Exit::BadLog, error);
    let mut tail = Tail::open(log).map_err(unreadable)?;
    if let Some(looks) = looks {
        return look(tail, remote, operator, looks, args.read_only);
    }
    complain(&format!("joined {name}, recorded in {}", log.display()));
    let mut teller = Teller::resume(tail.replay());
    loop {
        let abandoned = tail.is_abandoned();
        while let Some(step) = tail.next_step().map_err(unreadable)? {
            if teller.tell(tail.replay(), &step).is_err() {
                // The reader of the lines has gone.
                return Ok(Exit::Done as u8);
            }
        }
        if tail.is_over() {
            return Ok(Exit::Done as u8);
        }
        if abandoned {
            let message = format!(
                "{name} died: its log {} stops without an end; what was recorded stays",
                log.display()
            );
            return Err(Failure::new(Exit::Unreachable, message));
        }
        std::thread::sleep(Tail::POLL);
    }
}

/// A screen on the flight; it stays when the flight has ended, and so does the log.
fn look(tail: Tail, remote: Remote, operator: String, looks: Looks, read_only: bool) -> Result<u8, Failure> {
    let greeting = remote.greeting().clone();
    let name = greeting.flight.clone();
    let (sender, events) = mpsc::channel();
    let (pilot, _kept_open) = match read_only {
        true => (None, Some(remote)),
        false => (Some(Pilot::there(remote, operator, sender.clone())), None),
    };
    let screen = Screen {
        source: Source::Joined(Joined::new(tail, FlightClock::of_flight(greeting.clock_zero_us))),
        pilot,
        looks,
        recording: Recording {
            flight: greeting.flight,
            log: greeting.log.map(|log| log.display().to_string()),
            died: false,
            failed: None,
        },
        may_detach: false,
    };
    let done = screen::show(screen, &sender, &events)?;
    if done.flight_died {
        let message = format!("{name} died: its log stops without an end; what was recorded stays");
        return Err(Failure::new(Exit::Unreachable, message));
    }
    Ok(Exit::Done as u8)
}
