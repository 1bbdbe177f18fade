//! A flight with a screen: how it looks, and what becomes of the flight when the screen is left.

use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::detach::farewell;
use super::lines::complain;
use super::stub::Exile;
use super::verify::tell_landing;
use super::{Exit, Failure};
use crate::config::Config;
use crate::engine::input::Command;
use crate::flight::feed::{self, Feeder};
use crate::flight::{Commands, Ready};
use crate::screen::glyphs::GlyphSet;
use crate::screen::keymap::Keymap;
use crate::screen::pilot::Pilot;
use crate::screen::run::{Done, Event, Left, Looks, Screen, ScreenError};
use crate::screen::shown::Recording;
use crate::screen::source::{Live, Source};
use crate::screen::terminal;
use crate::screen::theme::{ColourDepth, Theme};
use crate::screen::update::Leave;

/// How long the terminal has to take the last words of a flight.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How a screen looks.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct LooksArgs {
    /// Colours: dark, light, high-contrast, colour-blind, ansi16, or a theme of your own [default: dark]
    #[arg(long, value_name = "NAME", env = "LOCKPIT_THEME", help_heading = "Screen")]
    theme: Option<String>,
    /// Signs: full, wgl4 or ascii [default: by locale and TERM]
    #[arg(long, value_name = "SET", env = "LOCKPIT_GLYPHS", help_heading = "Screen")]
    glyphs: Option<GlyphSet>,
}

impl LooksArgs {
    /// The looks asked for here, else in the configuration, else those that fit the terminal.
    pub(super) fn looks(&self, config: &Config) -> Result<Looks, Failure> {
        let usage = |error: &dyn std::fmt::Display| Failure::new(Exit::Usage, error);
        let variable = |name: &str| std::env::var(name).ok();
        let depth = ColourDepth::choose(&variable);
        let themes = crate::config::default_path().map(|path| path.with_file_name("themes"));
        let name = self.theme.as_deref().unwrap_or(&config.theme);
        let theme = Theme::load(name, themes.as_deref(), depth).map_err(|error| usage(&error))?;
        let set = GlyphSet::choose(self.glyphs.or(config.glyphs.set()), &variable);
        let keymap = Keymap::new(&config.keys).map_err(|error| usage(&error))?;
        Ok(Looks { theme, themes, depth, glyphs: set.glyphs(), keymap })
    }
}

/// Whether a screen can be shown here.
pub(super) fn check() -> Result<(), Failure> {
    let term = std::env::var("TERM").unwrap_or_default();
    terminal::check(&term).map_err(|error| Failure::new(Exit::Usage, error))
}

/// Shows a screen until it is left.
pub(super) fn show(
    screen: Screen,
    sender: &mpsc::Sender<Event>,
    events: &mpsc::Receiver<Event>,
) -> Result<Done, Failure> {
    leave_on_signals(sender.clone());
    screen.run(sender, events).map_err(failure)
}

/// A screen without a flight of its own is left when its process is to end.
fn leave_on_signals(sender: mpsc::Sender<Event>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    // Without a runtime the signals do what they always do; the terminal is given back by the next shell.
    let Ok(runtime) = runtime else { return };
    thread::spawn(move || {
        runtime.block_on(interrupted());
        let _ = sender.send(Event::Leave);
    });
}

/// Waits for a signal that ends the process.
async fn interrupted() {
    let listen = |kind| signal(kind).ok();
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let [Some(mut interrupt), Some(mut terminate), Some(mut hangup)] = kinds.map(listen) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

fn failure(error: ScreenError) -> Failure {
    let exit = match &error {
        ScreenError::Terminal(_) => Exit::Usage,
        ScreenError::Replay(_) => Exit::BadLog,
    };
    Failure::new(exit, error)
}

/// What becomes of a flight whose screen was left.
#[derive(Debug)]
pub(super) enum Gone {
    /// As its operator, or the terminal, decided.
    Left(Left),
    /// The screen failed; the flight flies on.
    Failed(String),
}

/// A flight in the air with a screen on it.
pub(super) struct WithScreen {
    pub(super) screen: thread::JoinHandle<()>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) feeder: Feeder,
    pub(super) gone: tokio::sync::mpsc::UnboundedReceiver<Gone>,
    /// The way to fly on without the terminal, where there is one.
    exile: Option<Exile>,
    recording: Recording,
}

/// Opens a screen on a flight that is about to begin.
pub(super) fn open(
    ready: &Ready,
    commands: &Commands,
    operator: String,
    looks: Looks,
    exile: Option<Exile>,
) -> WithScreen {
    let (sender, events) = mpsc::channel();
    let wake = sender.clone();
    let (feeder, feed) = feed::feed(move || {
        let _ = wake.send(Event::Wake);
    });
    let recording = Recording {
        flight: ready.name().to_owned(),
        log: ready.log_path().map(|path| path.display().to_string()),
        died: false,
        failed: None,
    };
    let may_detach = exile.is_some();
    let pilot = Pilot::here(commands.clone(), operator, sender.clone());
    let source = Source::Live(Live::new(feed, ready.clock()));
    let screen = Screen { source, pilot: Some(pilot), looks, recording: recording.clone(), may_detach };
    let (told, gone) = tokio::sync::mpsc::unbounded_channel();
    let own = sender.clone();
    let screen = thread::spawn(move || {
        // A panic ends this thread only: its report is printed by the hook, the terminal is given back.
        let left = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| screen.run(&own, &events)));
        let gone = match left {
            Ok(Ok(done)) => Gone::Left(done.left),
            Ok(Err(error)) => Gone::Failed(error.to_string()),
            Err(_) => Gone::Failed("it panicked".to_owned()),
        };
        let _ = told.send(gone);
    });
    WithScreen { screen, events: sender, feeder, gone, exile, recording }
}

/// Flies with a screen until both are done with: the flight has ended, and its screen was left.
pub(super) async fn fly(ready: Ready, commands: &Commands, with: WithScreen) -> u8 {
    let WithScreen { screen, events, feeder, mut gone, mut exile, recording } = with;
    let name = ready.name().to_owned();
    let end = async |reason: &str| commands.send(Command::End { reason: reason.to_owned() }).await;
    let flying = ready.fly(Some(feeder), |_| {});
    let interrupted = interrupted();
    tokio::pin!(flying, interrupted);
    let (mut is_interrupted, mut is_shown) = (false, true);
    let landing = loop {
        tokio::select! {
            landing = &mut flying => break landing,
            () = &mut interrupted, if !is_interrupted => is_interrupted = true,
            Some(how) = gone.recv(), if is_shown => {
                is_shown = false;
                match how {
                    Gone::Left(Left::Operator(Leave::Detach)) => leave(exile.take(), &recording).await,
                    Gone::Left(Left::Operator(_)) => end("the operator left").await,
                    Gone::Left(Left::TerminalGone) => end("the terminal has gone").await,
                    Gone::Left(Left::Owner) => {}
                    Gone::Failed(why) => say(format!(
                        "the screen failed: {why}. The flight flies on without it: lockpit join {name} opens \
                         another one, Ctrl-C ends the flight"
                    )),
                }
            }
        }
    };
    if is_shown {
        if is_interrupted {
            let _ = events.send(Event::Leave);
        }
        tokio::select! {
            _ = gone.recv() => {}
            () = &mut interrupted, if !is_interrupted => {
                let _ = events.send(Event::Leave);
                let _ = gone.recv().await;
            }
        }
    }
    let _ = screen.join();
    let exit = landing.exit;
    // A terminal that takes nothing must not keep a flight that is over.
    let (done, told) = mpsc::channel();
    thread::spawn(move || {
        tell_landing(&landing);
        let _ = done.send(());
    });
    let _ = told.recv_timeout(LAST_WORDS);
    exit
}

/// Lets the flight fly on without its terminal.
async fn leave(exile: Option<Exile>, recording: &Recording) {
    let Some(exile) = exile else { return };
    let log = recording.log.as_deref().map(Path::new);
    let said = farewell(&recording.flight, log, None, std::process::id());
    if let Err(failure) = exile.leave(said).await {
        say(format!("{}; Ctrl-C ends the flight", failure.message));
    }
}

/// Complains without waiting for a terminal that takes nothing: a flight is in the air.
fn say(message: String) {
    thread::spawn(move || complain(&message));
}
