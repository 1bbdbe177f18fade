//! The loop of a screen.
//!
//! Owns the thread that a screen runs on: events in, frames out, orders away. Never waits for the flight, for its
//! log's writer or for the terminal.

mod orders;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyEventKind};

use super::action::Seat;
use super::glyphs::Glyphs;
use super::keymap::Keymap;
use super::keys::Keys;
use super::pilot::Pilot;
use super::shown::{Origin, Recording, Shown};
use super::source::{Picture, Source};
use super::survey::Findings;
use super::terminal::{Surface, TerminalError};
use super::theme::{ColourDepth, Theme};
use super::ui::{Loudness, Message, Ui};
use super::update::{self, Leave, Press};
use super::views::{self, Drawn};
use crate::clock::FlightClock;
use crate::engine::ids::At;
use crate::replay::ReplayError;

/// Changes of the flight are shown at most this often; keys are answered at once.
const FRAME_MS: u64 = 100;

/// Something that concerns a screen.
#[derive(Debug)]
pub enum Event {
    /// A key, a paste, another size.
    Terminal(TerminalEvent),
    /// The terminal has gone.
    TerminalGone,
    /// The source has something new, or a frame has gone out.
    Wake,
    /// The flight answered.
    Answer(Result<String, String>),
    /// The screen is to be left.
    Leave,
}

/// Why a screen could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    /// There is no terminal to show it on.
    #[error(transparent)]
    Terminal(#[from] TerminalError),
    /// The log cannot be read any further.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

/// How a screen looks and answers.
#[derive(Debug, Clone)]
pub struct Looks {
    /// Styles.
    pub theme: Theme,
    /// Where the user's own themes are.
    pub themes: Option<PathBuf>,
    /// What the terminal can show.
    pub depth: ColourDepth,
    /// Characters.
    pub glyphs: &'static Glyphs,
    /// Keys.
    pub keymap: Keymap,
}

/// A screen, to be run.
#[derive(Debug)]
pub struct Screen {
    /// Where its inputs come from.
    pub source: Source,
    /// Where its commands go; nowhere in a replay, and from a screen that only looks on.
    pub pilot: Option<Pilot>,
    /// How it looks.
    pub looks: Looks,
    /// What is known of the recording.
    pub recording: Recording,
    /// Whether the flight could go on without this process's terminal.
    pub may_detach: bool,
}

/// How it was when a screen was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// How it was left.
    pub left: Left,
    /// The flight that was looked at had died.
    pub flight_died: bool,
    /// Of a log that was played: what became known of it.
    pub findings: Option<Findings>,
}

/// How a screen was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// By its operator.
    Operator(Leave),
    /// Because the flight's owner said so.
    Owner,
    /// Because the terminal has gone.
    TerminalGone,
}

struct Running {
    screen: Screen,
    /// Dropped before the terminal is given back: what is typed then is the shell's.
    _keys: Keys,
    surface: Surface,
    ui: Ui,
    clock: FlightClock,
    frozen: Option<Box<Frozen>>,
    /// Something has changed since the last frame.
    stale: bool,
    /// A frame is wanted without waiting for the next one's time.
    urgent: bool,
    drawn_ms: u64,
    /// What came of the last frame.
    drawn: Drawn,
    /// The question that is part of the last frame, by the moment at which it was asked.
    asked_ms: Option<u64>,
    /// The question that the terminal has been given to show.
    seen_ms: Option<u64>,
    /// What the flight was told is open here.
    told: String,
}

struct Frozen {
    picture: Picture,
    now: At,
    since_ms: u64,
}

impl Screen {
    /// Shows the screen until it is left. `events` is where everything that concerns it arrives; `sender` is for
    /// the threads that it starts.
    ///
    /// # Errors
    /// [`ScreenError`]; the terminal is as it was before.
    pub fn run(self, sender: &Sender<Event>, events: &Receiver<Event>) -> Result<Done, ScreenError> {
        let wake = sender.clone();
        let surface = Surface::enter(move || {
            let _ = wake.send(Event::Wake);
        })?;
        let keys = Keys::read(sender.clone()).map_err(TerminalError::from)?;
        let mut running = Running {
            screen: self,
            _keys: keys,
            surface,
            ui: Ui::default(),
            clock: FlightClock::start(),
            frozen: None,
            stale: true,
            urgent: true,
            drawn_ms: 0,
            drawn: Drawn { page: 1, furthest: 0, is_readable: false },
            asked_ms: None,
            seen_ms: None,
            told: String::new(),
        };
        let left = running.run(events)?;
        let Running { screen, .. } = running;
        let flight_died = screen.recording.died;
        let findings = match screen.source {
            Source::Replay(playback) => Some(playback.into_findings()),
            Source::Live(_) | Source::Joined(_) => None,
        };
        Ok(Done { left, flight_died, findings })
    }
}

impl Running {
    fn run(&mut self, events: &Receiver<Event>) -> Result<Left, ScreenError> {
        loop {
            let first = match events.recv_timeout(self.patience()) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => {
                    // The clock and the ages in the header go on.
                    self.stale = true;
                    None
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(Left::Owner),
            };
            for event in first.into_iter().chain(events.try_iter()) {
                if let Some(left) = self.take(event)? {
                    return Ok(left);
                }
            }
            self.stale |= self.screen.source.advance()?;
            self.screen.recording.died = self.screen.source.has_died();
            self.screen.recording.failed = self.screen.source.recording_failed().map(str::to_owned);
            self.expire();
            self.draw_if_due();
        }
    }

    /// How long there is nothing to do but to wait for an event.
    fn patience(&self) -> Duration {
        let quiet = self.screen.source.look_again().min(Duration::from_secs(1));
        if self.stale && self.surface.is_free() {
            let next = self.drawn_ms.saturating_add(FRAME_MS);
            return Duration::from_millis(next.saturating_sub(self.now_ms()).max(1)).min(quiet);
        }
        quiet
    }

    fn now_ms(&self) -> u64 {
        self.clock.now().ms()
    }

    fn take(&mut self, event: Event) -> Result<Option<Left>, ScreenError> {
        match event {
            Event::Wake => {}
            Event::Leave => return Ok(Some(Left::Owner)),
            Event::TerminalGone => return Ok(Some(Left::TerminalGone)),
            Event::Answer(answer) => {
                let now_ms = self.now_ms();
                match answer {
                    Ok(text) => self.ui.say(now_ms, Loudness::Info, text),
                    Err(text) => self.ui.say(now_ms, Loudness::Warning, text),
                }
                self.urgent = true;
            }
            Event::Terminal(TerminalEvent::Key(key)) if key.kind != KeyEventKind::Release => {
                self.urgent = true;
                return self.key(&key);
            }
            Event::Terminal(TerminalEvent::Paste(text)) => {
                self.urgent = true;
                update::paste(&mut self.ui, &text);
            }
            Event::Terminal(TerminalEvent::Resize(..)) => {
                // A window that was smaller for a moment has lost what was there.
                self.surface.forget();
                self.urgent = true;
            }
            Event::Terminal(_) => {}
        }
        Ok(None)
    }

    /// Nothing is an answer to a question that nobody can have read: one that is on its way to a terminal that
    /// takes nothing, or that has no room.
    fn hold_unseen_question(&mut self) {
        if self.surface.is_free() {
            self.seen_ms = self.asked_ms;
        }
        let (now_ms, seen_ms) = (self.now_ms(), self.seen_ms);
        if let Some(asked_ms) = self.ui.asked_ms()
            && (seen_ms != Some(*asked_ms) || !self.drawn.is_readable)
        {
            *asked_ms = now_ms;
        }
    }

    fn key(&mut self, key: &crossterm::event::KeyEvent) -> Result<Option<Left>, ScreenError> {
        self.hold_unseen_question();
        let mut ui = std::mem::take(&mut self.ui);
        let before = ui.clone();
        let shown = self.shown(&before);
        let rows = views::rows(&shown);
        ui.follow_rows(&rows);
        let press = Press {
            context: shown.context(),
            keymap: &self.screen.looks.keymap,
            rows: &rows,
            page: self.drawn.page,
            furthest: self.drawn.furthest,
            now_ms: self.now_ms(),
            now: shown.now,
        };
        let order = update::press(&mut ui, key, &press);
        self.ui = ui;
        match order {
            Some(order) => self.carry_out(order),
            None => Ok(None),
        }
    }

    fn expire(&mut self) {
        let now_ms = self.now_ms();
        let stands = |message: &Message| now_ms.saturating_sub(message.since_ms) < Message::STANDS_MS;
        if self.ui.message.as_ref().is_some_and(|message| !stands(message)) {
            self.ui.message = None;
            self.stale = true;
        }
    }

    fn draw_if_due(&mut self) {
        let now_ms = self.now_ms();
        let due = self.urgent || (self.stale && now_ms.saturating_sub(self.drawn_ms) >= FRAME_MS);
        if !due || !self.surface.is_free() {
            return;
        }
        #[cfg(debug_assertions)]
        staged_panic(self.ui.filter());
        let ui = std::mem::take(&mut self.ui);
        let shown = shown(&self.screen, self.frozen.as_deref(), &ui, now_ms);
        let mut out = self.drawn;
        let drawn = self.surface.draw(|frame| {
            out = views::draw(frame, &shown);
        });
        self.drawn = out;
        self.ui = ui;
        // A terminal that has gone is noticed by whoever reads its keys.
        if drawn.unwrap_or(false) {
            (self.stale, self.urgent, self.drawn_ms) = (false, false, now_ms);
            self.asked_ms = self.ui.asked_ms().map(|ms| *ms).filter(|_| out.is_readable);
            let open = self.ui.what_is_open();
            if let Some(pilot) = self.screen.pilot.as_ref().filter(|_| open != self.told) {
                pilot.shown(open.clone());
                self.told = open;
            }
        }
    }

    fn shown<'a>(&'a self, ui: &'a Ui) -> Shown<'a> {
        shown(&self.screen, self.frozen.as_deref(), ui, self.now_ms())
    }
}

fn shown<'a>(screen: &'a Screen, frozen: Option<&'a Frozen>, ui: &'a Ui, now_ms: u64) -> Shown<'a> {
    let (picture, now) = match frozen {
        Some(frozen) => (&frozen.picture, frozen.now),
        None => (screen.source.picture(), screen.source.now()),
    };
    let origin = match &screen.source {
        Source::Replay(playback) => Origin::Replay(playback),
        Source::Joined(_) => Origin::Joined(&screen.recording),
        Source::Live(_) => Origin::Live(&screen.recording),
    };
    Shown {
        cockpit: &picture.cockpit,
        live: &screen.source.picture().cockpit,
        history: &picture.history,
        literals: &picture.literals,
        now,
        origin,
        frozen_ms: frozen.map(|frozen| now_ms.saturating_sub(frozen.since_ms)),
        seat: seat(screen),
        may_detach: screen.may_detach,
        ui,
        theme: &screen.looks.theme,
        glyphs: screen.looks.glyphs,
        keymap: &screen.looks.keymap,
    }
}

fn seat(screen: &Screen) -> Seat {
    if matches!(screen.source, Source::Replay(_)) {
        return Seat::Replay;
    }
    if screen.source.is_over() {
        return Seat::Landed;
    }
    let Some(pilot) = &screen.pilot else { return Seat::ReadOnly };
    match screen.source.picture().cockpit.stick() {
        Some(holder) if holder == pilot.operator() => Seat::Pilot,
        Some(_) => Seat::Observer,
        // Nobody has it: the screen that flies has it by nature, a joined one takes it by its first command.
        None => Seat::Pilot,
    }
}

/// What a panic in the drawing does is tested with one: builds with debug assertions, no others, panic once the
/// filter is the text of this variable.
#[cfg(debug_assertions)]
fn staged_panic(filter: Option<&str>) {
    let staged = std::env::var("LOCKPIT_STAGED_PANIC").ok();
    assert!(staged.is_none() || staged.as_deref() != filter, "a panic staged for a test");
}
