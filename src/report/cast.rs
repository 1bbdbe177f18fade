//! A flight as a terminal recording: asciicast version 3, which asciinema and its players show.
//!
//! The replay is drawn by the code that draws the screens, and of each frame only the cells that changed are written.
//! Markers name the moments to jump to: targets, trips, what came of stops, gaps, remarks and commands.
//!
//! Times are the flight's own, to the millisecond. With an idle limit the header carries it, and players shorten what
//! is longer, as asciinema defines it; for that to help, a calm stretch (no target, nothing to mark) is drawn once
//! every [`CALM_MS`] only, since its clocks would never stand still otherwise.
//!
//! The recording ends with the exit code that `lockpit replay` has for the log, where its end is known.
//!
//! Owns the file's format. Never draws a screen itself.

use std::io::{self, Write};
use std::path::Path;

use crossterm::style::force_color_output;
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use serde::Serialize;
use serde_json::json;

use crate::cli::Exit;
use crate::engine::ids::At;
use crate::engine::timeline::Event;
use crate::log::Ending;
use crate::replay::ReplayError;
use crate::screen::action::Seat;
use crate::screen::glyphs::GlyphSet;
use crate::screen::keymap::Keymap;
use crate::screen::picture::Palette;
use crate::screen::playback::Playback;
use crate::screen::shown::{Origin, Shown};
use crate::screen::survey::{Marker, MarkerKind, Progress};
use crate::screen::text::clean;
use crate::screen::theme::colour::Rgb;
use crate::screen::theme::{ColourDepth, Theme};
use crate::screen::ui::Ui;
use crate::screen::views;

/// How often a calm stretch is drawn where idle time is shortened, in milliseconds.
pub const CALM_MS: u64 = 60_000;
/// The sizes that are drawn: the smallest shows what fits, the largest is a wall.
const COLUMNS: std::ops::RangeInclusive<u16> = 20..=500;
const ROWS: std::ops::RangeInclusive<u16> = 5..=200;
/// A longer name of a marker is cut.
const MOST_MARKER_CHARACTERS: usize = 200;

/// How a recording is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CastOptions {
    /// Width of the terminal, in columns.
    pub columns: u16,
    /// Its height, in rows.
    pub rows: u16,
    /// Players shorten what is longer than this, in milliseconds; nothing is shortened when `None`.
    pub idle_limit_ms: Option<u64>,
    /// The most frames in one second of the flight.
    pub max_fps: u16,
}

impl Default for CastOptions {
    fn default() -> CastOptions {
        CastOptions { columns: 110, rows: 34, idle_limit_ms: Some(2_000), max_fps: 10 }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cast {
    /// Frames.
    pub frames: u64,
    /// Markers.
    pub markers: u64,
    /// How the log ends.
    pub ending: Ending,
    /// This engine decides differently from the same version that flew.
    pub has_drifted: bool,
}

/// Why there is no recording, or none to the end.
#[derive(Debug, thiserror::Error)]
pub enum CastError {
    /// The log cannot be read.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The log cannot be read to its end.
    #[error("the log cannot be read to its end: {0}")]
    Unread(String),
    /// The recording cannot be written.
    #[error("the recording cannot be written: {0}")]
    Write(#[from] io::Error),
    /// Nothing can be drawn like that.
    #[error("a recording has {} to {} columns, {} to {} rows, and 1 frame a second or more",
        COLUMNS.start(), COLUMNS.end(), ROWS.start(), ROWS.end())]
    Size,
}

/// Writes the flight in `log` as an asciicast.
///
/// # Errors
/// [`CastError`]; what was written until then is a valid recording that ends early.
pub fn write(log: &Path, out: &mut dyn Write, options: &CastOptions) -> Result<Cast, CastError> {
    if !COLUMNS.contains(&options.columns) || !ROWS.contains(&options.rows) || options.max_fps == 0 {
        return Err(CastError::Size);
    }
    // Colours belong to the recording, whatever is set for the terminal that it is made in.
    force_color_output(true);
    let mut playback = Playback::open(log)?.surveyed();
    let (ending, end) = match playback.findings().progress() {
        Progress::Through(ending) => (*ending, playback.findings().end()),
        Progress::Stopped(why) => return Err(CastError::Unread(why.clone())),
        Progress::Reading => return Err(CastError::Unread("it was not surveyed to its end".to_owned())),
    };
    // Nothing is to be seen, or said in the header, before it is known who flies where.
    while playback.picture().cockpit.flight().is_none()
        && let Some(next) = playback.next_at()?
    {
        playback.go(At::from_ms(next.0.div_ceil(1_000)))?;
    }
    let theme = Theme::standard(ColourDepth::Ansi16);
    let mut camera = Camera::new(options, &theme)?;
    let mut tape = Tape { out, last_ms: 0, frames: 0, markers: 0 };
    let mut marks = Marks::of(&playback);
    tape.header(&playback, options, &theme)?;
    tape.output("\x1b[?25l", 0)?;
    let mut busy_ms = 0;
    let frame_ms = 1_000_u64.div_ceil(options.max_fps.into());
    loop {
        let now_ms = playback.now().0.div_ceil(1_000);
        for (at_ms, text) in marks.until(&playback) {
            tape.mark(at_ms, &text)?;
        }
        if let Some(changes) = camera.take(&playback)? {
            tape.frames += 1;
            tape.output(&changes, now_ms)?;
        }
        if playback.now() >= end {
            break;
        }
        let next_ms = playback.next_at()?.unwrap_or(end).0.div_ceil(1_000);
        let mut to_ms = next_ms.max(now_ms.saturating_add(frame_ms));
        if !is_calm(&playback) {
            busy_ms = now_ms;
        }
        // How it is once all is over is shown for as long as idle time may last.
        if options.idle_limit_ms.is_some_and(|limit_ms| now_ms.saturating_sub(busy_ms) >= limit_ms) {
            let event_ms = marks.next_ms().unwrap_or(u64::MAX);
            to_ms = to_ms.max(event_ms.min(now_ms.saturating_add(CALM_MS)));
        }
        playback.go(At::from_ms(to_ms))?;
    }
    let has_drifted = playback.findings().has_drifted();
    let end_ms = playback.now().0.div_ceil(1_000);
    tape.output("\x1b[?25h", end_ms)?;
    let exit = match ending {
        Ending::Complete if has_drifted => Some(Exit::Drift),
        Ending::Complete => Some(Exit::Done),
        Ending::Damaged(_) => Some(Exit::BadLog),
        // Whether the flight went on is not known.
        Ending::Torn { .. } => None,
    };
    if let Some(exit) = exit {
        tape.event(end_ms, "x", &(exit as u8).to_string())?;
    }
    tape.out.flush()?;
    Ok(Cast { frames: tape.frames, markers: tape.markers, ending, has_drifted })
}

/// Whether nothing is under guard and nothing goes on.
fn is_calm(playback: &Playback) -> bool {
    let cockpit = &playback.picture().cockpit;
    cockpit.target().is_none() && cockpit.brake().stop().is_none() && cockpit.sample().is_some()
}

/// Takes pictures of a replay, and keeps the last one.
struct Camera<'a> {
    terminal: Terminal<CrosstermBackend<io::Sink>>,
    before: Buffer,
    theme: &'a Theme,
    keymap: Keymap,
    ui: Ui,
}

impl<'a> Camera<'a> {
    fn new(options: &CastOptions, theme: &'a Theme) -> io::Result<Camera<'a>> {
        let area = Rect::new(0, 0, options.columns, options.rows);
        let viewport = TerminalOptions { viewport: Viewport::Fixed(area) };
        Ok(Camera {
            terminal: Terminal::with_options(CrosstermBackend::new(io::sink()), viewport)?,
            before: Buffer::empty(area),
            theme,
            keymap: Keymap::default(),
            ui: Ui::default(),
        })
    }

    /// What a terminal has to be sent so that it shows this moment; `None` when it does already.
    fn take(&mut self, playback: &Playback) -> io::Result<Option<String>> {
        let picture = playback.picture();
        let shown = Shown {
            cockpit: &picture.cockpit,
            live: &picture.cockpit,
            history: &picture.history,
            literals: &picture.literals,
            now: playback.now(),
            origin: Origin::Replay(playback),
            frozen_ms: None,
            seat: Seat::Replay,
            may_detach: false,
            ui: &self.ui,
            theme: self.theme,
            glyphs: GlyphSet::Full.glyphs(),
            keymap: &self.keymap,
        };
        let frame = self.terminal.draw(|frame| _ = views::draw(frame, &shown))?;
        let mut changes = Vec::new();
        CrosstermBackend::new(&mut changes).draw(self.before.diff(frame.buffer).into_iter())?;
        let is_changed = self.before != *frame.buffer;
        self.before.clone_from(frame.buffer);
        let changes = String::from_utf8(changes).map_err(io::Error::other)?;
        Ok(is_changed.then_some(changes))
    }
}

/// What there is to mark, in order.
struct Marks {
    marks: std::iter::Peekable<std::vec::IntoIter<Marker>>,
    /// Events of the timeline that were looked at for commands.
    told: u64,
}

impl Marks {
    fn of(playback: &Playback) -> Marks {
        let marks =
            playback.findings().markers().iter().filter(|mark| mark.kind != MarkerKind::Guard).cloned();
        Marks { marks: marks.collect::<Vec<_>>().into_iter().peekable(), told: 0 }
    }

    /// When the next one is due, in milliseconds of the flight.
    fn next_ms(&mut self) -> Option<u64> {
        self.marks.peek().map(|mark| mark.at.0.div_ceil(1_000))
    }

    /// Those up to where the replay is, with the commands that were given since the last call.
    fn until(&mut self, playback: &Playback) -> Vec<(u64, String)> {
        let mut due = Vec::new();
        while let Some(mark) = self.marks.next_if(|mark| mark.at <= playback.now()) {
            let kind = match mark.kind {
                MarkerKind::Target | MarkerKind::Guard | MarkerKind::Step => "",
                MarkerKind::Note => "note: ",
                MarkerKind::Gap => "gap: ",
                MarkerKind::Trip => "trip: ",
                MarkerKind::Drift => "drift: ",
                MarkerKind::End => "end: ",
            };
            due.push((mark.at.ms(), format!("{kind}{}", mark.text)));
        }
        let timeline = playback.picture().cockpit.timeline();
        due.extend(timeline.since(self.told).filter_map(|(at, event)| match event {
            Event::Commanded { by, said, refused } => {
                let by = by.as_deref().unwrap_or("lockpit");
                let refused = if refused.is_some() { " (refused)" } else { "" };
                Some((at.ms(), format!("command: {by}: {said}{refused}")))
            }
            _ => None,
        }));
        self.told = timeline.total();
        due.sort_by_key(|(at_ms, _)| *at_ms);
        due
    }
}

/// The file.
struct Tape<'a> {
    out: &'a mut dyn Write,
    /// When the last event was, in milliseconds of the flight.
    last_ms: u64,
    frames: u64,
    markers: u64,
}

impl Tape<'_> {
    fn header(&mut self, playback: &Playback, options: &CastOptions, theme: &Theme) -> io::Result<()> {
        let palette = Palette::of(theme);
        let colours: Vec<String> = palette.ansi.iter().map(|colour| hex(*colour)).collect();
        let begin = playback.picture().cockpit.flight();
        let server = begin.map_or("a flight", |begin| begin.server.as_str());
        let label = begin.and_then(|begin| begin.label.as_deref());
        let title = format!("lockpit: {server}{}", label.map_or(String::new(), |label| format!(" {label}")));
        let name = playback.log().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut header = json!({
            "version": 3,
            "term": {
                "cols": options.columns,
                "rows": options.rows,
                "type": "xterm-256color",
                "theme": {
                    "fg": hex(palette.foreground),
                    "bg": hex(palette.background),
                    "palette": colours.join(":"),
                },
            },
            "title": clean(&title),
            "command": format!("lockpit replay {}", clean(&name)),
        });
        if let Some(begin) = begin {
            header["timestamp"] = json!(begin.utc_us.div_euclid(1_000_000));
        }
        if let Some(limit_ms) = options.idle_limit_ms {
            header["idle_time_limit"] = seconds(limit_ms)?;
        }
        self.line(&header)
    }

    fn output(&mut self, text: &str, at_ms: u64) -> io::Result<()> {
        self.event(at_ms, "o", text)
    }

    fn mark(&mut self, at_ms: u64, text: &str) -> io::Result<()> {
        self.markers += 1;
        let text: String = clean(text).chars().take(MOST_MARKER_CHARACTERS).collect();
        self.event(at_ms, "m", &text)
    }

    /// An event, with the time since the one before it.
    fn event(&mut self, at_ms: u64, code: &str, data: &str) -> io::Result<()> {
        let since_ms = at_ms.saturating_sub(self.last_ms);
        self.last_ms = self.last_ms.max(at_ms);
        self.line(&(seconds(since_ms)?, code, data))
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut *self.out, line)?;
        self.out.write_all(b"\n")
    }
}

/// Milliseconds as a number of seconds with just the digits it needs.
fn seconds(ms: u64) -> io::Result<serde_json::Value> {
    let number = format!("{}.{:03}", ms / 1_000, ms % 1_000);
    serde_json::from_str(&number).map_err(io::Error::from)
}

fn hex(Rgb(red, green, blue): Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}
