//! What every flight that opens a session shares: its options, where it is recorded, how it leaves the ground.
//!
//! Owns the ways to fly: with a screen under a stub, headless, detached. Knows nothing of what is flown.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;

use super::lines::{Printer, complain};
use super::screen::{self, LooksArgs};
use super::stub::Exile;
use super::verify::tell_landing;
use super::{Exit, Failure, detach, stub, target};
use crate::config::Config;
use crate::engine::ENGINE_VERSION;
use crate::engine::input::Begin;
use crate::engine::plan::Mission;
use crate::engine::settings::{Pace, Settings};
use crate::flight::signals::{OnHangup, obey};
use crate::flight::{Commands, Company, Flight, FlightError, Ready, Record};
use crate::log::{Claim, default_dir};
use crate::pg::connect::{ConnArgs, Conninfo, ErrorKind, Secret, ask_password};
use crate::pg::sampler::AttachError;
use crate::plan::Script;
use crate::remote::{group_id, own_name};
use crate::screen::run::Looks;

/// How a flight is flown.
#[derive(Debug, Args)]
pub(super) struct ModeArgs {
    /// Print JSON lines instead of opening a screen
    #[arg(long)]
    pub(super) headless: bool,
    /// Fly on in the background, when the terminal has gone too; say how to join and how to end it
    #[arg(long, conflicts_with = "headless")]
    pub(super) detach: bool,
    /// The background process of --detach
    #[arg(long, hide = true, requires = "detach")]
    pub(super) detached_child: bool,
    /// The process that flies, under the stub that the shell has started
    #[arg(long, hide = true, value_name = "PID", conflicts_with_all = ["headless", "detach"])]
    pub(super) under: Option<i32>,
}

impl ModeArgs {
    /// A screen is to be opened.
    pub(super) fn has_screen(&self) -> bool {
        !self.headless && !self.detach && !self.detached_child
    }

    /// Nobody looks: what needs a person will not be answered, but by `lockpit tell`.
    pub(super) fn is_unattended(&self) -> bool {
        self.headless
    }
}

/// What every flight is told.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct FlightArgs {
    /// End the flight after this long
    #[arg(long = "for", value_name = "DURATION", value_parser = target::duration_ms, help_heading = "Flight")]
    pub(super) duration: Option<u64>,
    /// Look this often while there is a target, or while armed [default: 250ms]
    #[arg(long, value_name = "DURATION", value_parser = target::duration_ms, help_heading = "Flight")]
    pub(super) interval: Option<u64>,
    /// Record the flight in this file, or in a new file in this directory
    #[arg(long, value_name = "FILE", conflicts_with = "no_record", help_heading = "Flight")]
    pub(super) record: Option<PathBuf>,
    /// Do not record the flight
    #[arg(long, help_heading = "Flight")]
    pub(super) no_record: bool,
    /// Keep the literals of statements in the log and show them: passwords and personal data too
    #[arg(long, help_heading = "Flight")]
    pub(super) keep_literals: bool,
    /// Who flies, for the log
    #[arg(long, value_name = "NAME", env = "LOCKPIT_OPERATOR", help_heading = "Flight")]
    pub(super) operator: Option<String>,
    /// What the database is, such as PROD
    #[arg(long, value_name = "TEXT", env = "LOCKPIT_LABEL", help_heading = "Flight")]
    pub(super) label: Option<String>,
    /// Let members of this group of the system read the log, join the flight and take its stick
    #[arg(long, value_name = "NAME", help_heading = "Flight")]
    pub(super) group: Option<String>,
}

/// The shortest interval between full samples.
const SHORTEST_INTERVAL_MS: u64 = 50;

/// What is flown.
#[derive(Debug)]
pub(super) struct Load {
    /// What the engine is asked for.
    pub(super) settings: Settings,
    /// Where it is recorded.
    pub(super) record: Option<Record>,
    /// The plan, and its SQL.
    pub(super) plan: Option<(Mission, Script)>,
    /// The log of an earlier flight that nobody else may go on behind meanwhile.
    pub(super) held: Option<Claim>,
}

impl FlightArgs {
    /// How often is looked.
    pub(super) fn pace(&self) -> Result<Pace, Failure> {
        let mut pace = Pace::default();
        if let Some(interval_ms) = self.interval {
            if interval_ms < SHORTEST_INTERVAL_MS {
                let message = format!("--interval is at least {SHORTEST_INTERVAL_MS}ms");
                return Err(Failure::new(Exit::Usage, message));
            }
            pace.busy_ms = interval_ms;
            pace.quiet_ms = pace.quiet_ms.max(interval_ms);
        }
        Ok(pace)
    }

    /// Where a new flight is recorded.
    pub(super) fn record(&self) -> Result<Option<Record>, Failure> {
        match &self.record {
            _ if self.no_record => Ok(None),
            Some(path) if path.is_dir() => Ok(Some(Record::Directory(path.clone()))),
            Some(path) => Ok(Some(Record::File(path.clone()))),
            None => Ok(Some(Record::Directory(made(usual_dir()?)?))),
        }
    }
}

/// Flies. `load` is asked for once it is sure that this process flies.
pub(super) fn fly(
    mode: &ModeArgs,
    flight: FlightArgs,
    looks: &LooksArgs,
    connection: &ConnArgs,
    load: impl FnOnce(&FlightArgs) -> Result<Load, Failure>,
) -> Result<u8, Failure> {
    if mode.detached_child {
        detach::leave_session()?;
    }
    if mode.has_screen() {
        screen::check()?;
        if mode.under.is_none() {
            return stub::run();
        }
    }
    let config = Config::find().map_err(|error| Failure::new(Exit::Usage, error))?;
    let looks = mode.has_screen().then(|| looks.looks(&config)).transpose()?;
    let Load { settings, record, plan, held } = load(&flight)?;
    let company = company(flight.group.as_deref(), mode.detach || mode.has_screen())?;
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let conninfo = Conninfo::resolve(connection, |name| std::env::var(name).ok(), home.as_deref())
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    if mode.detach && !mode.detached_child {
        // The process in the background wants it.
        drop(held);
        return detach::launch(&conninfo);
    }
    conninfo.notes().iter().for_each(|note| complain(note));
    let mut begin = begin(settings, flight.operator.or(config.operator), flight.label);
    let (mission, script) = plan.unzip();
    begin.mission = mission.map(Box::new);
    if mode.detached_child {
        let conninfo = detach::with_password(conninfo);
        return runtime()?.block_on(detach::fly(Flight { conninfo, begin, record, company, script }));
    }
    let conninfo = with_password(conninfo)?;
    let Some(looks) = looks else {
        return runtime()?.block_on(fly_headless(Flight { conninfo, begin, record, company, script }));
    };
    let operator = begin.operator.clone().unwrap_or_else(own_name);
    let company = Company { screen: Some(operator.clone()), ..company };
    let begin = Begin { operator: Some(operator.clone()), ..begin };
    let flight = Flight { conninfo, begin, record, company, script };
    runtime()?.block_on(fly_with_screen(flight, operator, looks, mode.under))
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
async fn fly_headless(flight: Flight) -> Result<u8, Failure> {
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
        FlightError::AnotherCluster(..) => Exit::Usage,
        FlightError::Log(_) | FlightError::Pattern(_) | FlightError::Runner(..) => Exit::Usage,
    };
    Failure::new(exit, error)
}

/// The exit code of a session that could not be opened.
pub(super) fn connect_exit(kind: ErrorKind) -> Exit {
    match kind {
        ErrorKind::TlsFiles => Exit::Usage,
        _ => Exit::Unreachable,
    }
}

/// With the password, where it is to be asked for before connecting.
pub(super) fn with_password(conninfo: Conninfo) -> Result<Conninfo, Failure> {
    if !conninfo.asks_password_first() {
        return Ok(conninfo);
    }
    let asked = ask_password(conninfo.user());
    let password = asked
        .map_err(|error| Failure::new(Exit::Usage, format!("the password cannot be asked for: {error}")))?;
    Ok(conninfo.with_password(password))
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

pub(super) fn usual_dir() -> Result<PathBuf, Failure> {
    default_dir().ok_or_else(|| {
        let message = "there is no home directory to record the flight in: name a place with --record, or fly with \
                       --no-record";
        Failure::new(Exit::Usage, message)
    })
}

/// `dir`, which is there from now on.
pub(super) fn made(dir: PathBuf) -> Result<PathBuf, Failure> {
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
