//! `lockpit attach`: watch a database, and guard somebody else's migration.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;

use super::lines::{Printer, complain};
use super::screen::{self, LooksArgs};
use super::stub::Exile;
use super::verify::tell_landing;
use super::{Exit, Failure, detach, stub, target};
use crate::config::{Config, guardrails};
use crate::engine::ENGINE_VERSION;
use crate::engine::input::Begin;
use crate::engine::settings::{Arming, IfLost, Limits, OnTrip, Pace, Selector, Settings};
use crate::flight::signals::{OnHangup, obey};
use crate::flight::{Commands, Company, Flight, FlightError, Ready, Record};
use crate::log::default_dir;
use crate::pg::connect::{ConnArgs, Conninfo, ErrorKind, Secret, ask_password};
use crate::pg::sampler::AttachError;
use crate::remote::{group_id, own_name};
use crate::screen::run::Looks;

/// What `attach` is told.
#[derive(Debug, Args)]
pub(super) struct AttachArgs {
    #[command(flatten)]
    connection: ConnArgs,
    /// Print JSON lines instead of opening a screen
    #[arg(long)]
    headless: bool,
    /// Fly on in the background, when the terminal has gone too; say how to join and how to end it
    #[arg(long, conflicts_with = "headless")]
    detach: bool,
    /// The background process of --detach
    #[arg(long, hide = true, requires = "detach")]
    detached_child: bool,
    /// The process that flies, under the stub that the shell has started
    #[arg(long, hide = true, value_name = "PID", conflicts_with_all = ["headless", "detach"])]
    under: Option<i32>,
    #[command(flatten)]
    guard: GuardArgs,
    #[command(flatten)]
    flight: FlightArgs,
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

/// What every flight is told.
#[derive(Debug, Clone, Default, Args)]
struct FlightArgs {
    /// End the flight after this long
    #[arg(long = "for", value_name = "DURATION", value_parser = target::duration_ms, help_heading = "Flight")]
    duration: Option<u64>,
    /// Look this often while there is a target, or while armed [default: 250ms]
    #[arg(long, value_name = "DURATION", value_parser = target::duration_ms, help_heading = "Flight")]
    interval: Option<u64>,
    /// Record the flight in this file, or in a new file in this directory
    #[arg(long, value_name = "FILE", conflicts_with = "no_record", help_heading = "Flight")]
    record: Option<PathBuf>,
    /// Do not record the flight
    #[arg(long, help_heading = "Flight")]
    no_record: bool,
    /// Go on in the log of --record, whose flight was cut off; its torn end is kept in a file beside it
    #[arg(long, requires = "record", conflicts_with = "no_record", help_heading = "Flight")]
    resume: bool,
    /// Record one file after the other, and remove those that ended longer ago than this; for a recorder that is
    /// always on: --headless, watching only
    #[arg(long, value_name = "DURATION", value_parser = target::duration_ms, requires = "headless",
          conflicts_with_all = ["no_record", "resume", "arm"], help_heading = "Flight")]
    keep: Option<u64>,
    /// Keep the literals of statements in the log and show them: passwords and personal data too
    #[arg(long, help_heading = "Flight")]
    keep_literals: bool,
    /// Who flies, for the log
    #[arg(long, value_name = "NAME", env = "LOCKPIT_OPERATOR", help_heading = "Flight")]
    operator: Option<String>,
    /// What the database is, such as PROD
    #[arg(long, value_name = "TEXT", env = "LOCKPIT_LABEL", help_heading = "Flight")]
    label: Option<String>,
    /// Let members of this group of the system read the log, join the flight and take its stick
    #[arg(long, value_name = "NAME", help_heading = "Flight")]
    group: Option<String>,
}

/// The shortest interval between full samples.
const SHORTEST_INTERVAL_MS: u64 = 50;

pub(super) fn run(args: AttachArgs) -> Result<u8, Failure> {
    if args.detached_child {
        detach::leave_session()?;
    }
    let has_screen = !args.headless && !args.detach && !args.detached_child;
    if has_screen {
        screen::check()?;
        if args.under.is_none() {
            return stub::run();
        }
    }
    let config = Config::find().map_err(|error| Failure::new(Exit::Usage, error))?;
    let looks = has_screen.then(|| args.looks.looks(&config)).transpose()?;
    let settings = settings(&args.guard, &args.flight)?;
    let company = company(args.flight.group.as_deref(), args.detach || has_screen)?;
    let record = record(&args.flight)?;
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let conninfo = Conninfo::resolve(&args.connection, |name| std::env::var(name).ok(), home.as_deref())
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    if args.detach && !args.detached_child {
        return detach::launch(&conninfo);
    }
    conninfo.notes().iter().for_each(|note| complain(note));
    let begin = begin(settings, args.flight.operator.or(config.operator), args.flight.label);
    if args.detached_child {
        let conninfo = detach::with_password(conninfo);
        return runtime()?.block_on(detach::fly(Flight { conninfo, begin, record, company, script: None }));
    }
    let conninfo = with_password(conninfo)?;
    let Some(looks) = looks else {
        return runtime()?.block_on(fly(Flight { conninfo, begin, record, company, script: None }));
    };
    let operator = begin.operator.clone().unwrap_or_else(own_name);
    let company = Company { screen: Some(operator.clone()), ..company };
    let begin = Begin { operator: Some(operator.clone()), ..begin };
    let flight = Flight { conninfo, begin, record, company, script: None };
    runtime()?.block_on(fly_with_screen(flight, operator, looks, args.under))
}

/// Who may talk to the flight.
fn company(group: Option<&str>, lasting: bool) -> Result<Company, Failure> {
    let group = group.map(|name| {
        let unknown = || Failure::new(Exit::Usage, format!("this machine knows no group {name:?}"));
        group_id(name).ok_or_else(unknown)
    });
    Ok(Company { screen: None, group: group.transpose()?, lasting })
}

/// The single-threaded runtime of a flight.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::new(Exit::Usage, format!("the flight's runtime cannot be started: {error}"))
    })
}

/// Flies until the flight, or somebody, ends it.
async fn fly(flight: Flight) -> Result<u8, Failure> {
    let (ready, commands) = prepare(flight, at_the_terminal).await.map_err(failure)?;
    if let Some(path) = ready.log_path() {
        complain(&format!("recording to {}", path.display()));
    }
    obey(&commands, OnHangup::End);
    let mut printer = Printer::start();
    let landing = ready.fly(None, |lines| printer.print(lines)).await;
    printer.finish();
    tell_landing(&landing);
    Ok(landing.exit)
}

/// The same with a screen, which may be left while the flight flies on.
async fn fly_with_screen(
    flight: Flight,
    operator: String,
    looks: Looks,
    under: Option<i32>,
) -> Result<u8, Failure> {
    let (ready, commands) = prepare(flight, at_the_terminal).await.map_err(failure)?;
    let hangup = obey(&commands, OnHangup::End);
    let exile = under.and_then(|stub| Exile::under(stub, hangup));
    // Nobody could find a flight without a terminal and without a socket.
    let exile = exile.filter(|_| ready.why_no_socket().is_none());
    let opened = screen::open(&ready, &commands, operator, looks, exile);
    Ok(screen::fly(ready, &commands, opened).await)
}

fn at_the_terminal(user: &str) -> Option<Secret> {
    std::io::stdin().is_terminal().then(|| ask_password(user).ok()).flatten()
}

/// As psql does: a password that the server wants and nobody gave is asked for, once, where somebody can answer.
/// `ask` gets the user's name.
pub(super) async fn prepare(
    flight: Flight,
    ask: impl FnOnce(&str) -> Option<Secret>,
) -> Result<(Ready, Commands), FlightError> {
    let error = match flight.clone().prepare().await {
        Err(FlightError::Attach(AttachError::Connect(error)))
            if error.kind() == ErrorKind::PasswordMissing && flight.conninfo.may_ask_password() =>
        {
            error
        }
        prepared => return prepared,
    };
    match ask(flight.conninfo.user()) {
        Some(password) => {
            let conninfo = flight.conninfo.clone().with_password(password);
            Flight { conninfo, ..flight }.prepare().await
        }
        None => Err(FlightError::Attach(AttachError::Connect(error))),
    }
}

/// The exit code of a flight that did not begin.
pub(super) fn failure(error: FlightError) -> Failure {
    let exit = match &error {
        FlightError::Attach(AttachError::Connect(error)) => connect_exit(error.kind()),
        FlightError::Attach(_)
        | FlightError::Control(_)
        | FlightError::Watchdog(_)
        | FlightError::PlanRunner(_) => Exit::Unreachable,
        FlightError::Log(_) | FlightError::Pattern(_) | FlightError::Runner(..) => Exit::Usage,
    };
    Failure::new(exit, error)
}

fn connect_exit(kind: ErrorKind) -> Exit {
    match kind {
        ErrorKind::TlsFiles => Exit::Usage,
        _ => Exit::Unreachable,
    }
}

fn with_password(conninfo: Conninfo) -> Result<Conninfo, Failure> {
    if !conninfo.asks_password_first() {
        return Ok(conninfo);
    }
    let asked = ask_password(conninfo.user());
    let password = asked
        .map_err(|error| Failure::new(Exit::Usage, format!("the password cannot be asked for: {error}")))?;
    Ok(conninfo.with_password(password))
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
    let mut pace = Pace::default();
    if let Some(interval_ms) = flight.interval {
        if interval_ms < SHORTEST_INTERVAL_MS {
            let message = format!("--interval is at least {SHORTEST_INTERVAL_MS}ms");
            return Err(Failure::new(Exit::Usage, message));
        }
        pace.busy_ms = interval_ms;
        pace.quiet_ms = pace.quiet_ms.max(interval_ms);
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
        pace,
        keep_literals: flight.keep_literals,
    })
}

/// The limits of a guardrails file; without one, the defaults.
fn limits(file: Option<&Path>) -> Result<Limits, Failure> {
    let limits = file.map(guardrails::load).transpose();
    Ok(limits.map_err(|error| Failure::new(Exit::Usage, error))?.unwrap_or_default())
}

/// What the engine is told first; the flight fills in where and when.
pub(super) fn begin(settings: Settings, operator: Option<String>, label: Option<String>) -> Begin {
    Begin {
        lockpit: env!("CARGO_PKG_VERSION").to_owned(),
        engine: ENGINE_VERSION,
        utc_us: 0,
        seed: u64::from_le_bytes(crate::random::bytes()),
        server: String::new(),
        operator,
        label,
        settings,
        mission: None,
    }
}

fn record(flight: &FlightArgs) -> Result<Option<Record>, Failure> {
    if let Some(keep_ms) = flight.keep {
        return ring(flight.record.as_deref(), keep_ms).map(Some);
    }
    match &flight.record {
        _ if flight.no_record => Ok(None),
        Some(path) if flight.resume => Ok(Some(Record::Resume(path.clone()))),
        Some(path) if path.is_dir() => Ok(Some(Record::Directory(path.clone()))),
        Some(path) => Ok(Some(Record::File(path.clone()))),
        None => Ok(Some(Record::Directory(made(usual_dir()?)?))),
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

fn usual_dir() -> Result<PathBuf, Failure> {
    default_dir().ok_or_else(|| {
        let message = "there is no home directory to record the flight in: name a place with --record, or fly with \
                       --no-record";
        Failure::new(Exit::Usage, message)
    })
}

/// `dir`, which is there from now on.
fn made(dir: PathBuf) -> Result<PathBuf, Failure> {
    match std::fs::create_dir_all(&dir) {
        Ok(()) => Ok(dir),
        Err(error) => {
            let message = format!(
                "flights are recorded in {}, which cannot be made: {error}; name a place with --record, or fly with \
                 --no-record",
                dir.display()
            );
            Err(Failure::new(Exit::Usage, message))
        }
    }
}
