//! A stage for tests of views: a cockpit, a display, and what is drawn of them.

use std::collections::BTreeMap;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use crate::engine::history::History;
use crate::engine::ids::{At, Pid};
use crate::engine::story::Story;
use crate::engine::{Cockpit, testing::Look};
use crate::literals::Table;
use crate::screen::action::Seat;
use crate::screen::glyphs::{GlyphSet, Glyphs};
use crate::screen::keymap::Keymap;
use crate::screen::playback::Playback;
use crate::screen::shown::{Origin, Recording, Shown};
use crate::screen::theme::{ColourDepth, Theme};
use crate::screen::ui::{Row, Ui, View};

/// What is shown, and how.
pub(super) struct Stage {
    pub(super) cockpit: Cockpit,
    pub(super) history: History,
    pub(super) literals: Table,
    pub(super) now: At,
    pub(super) ui: Ui,
    pub(super) glyphs: &'static Glyphs,
    theme: Theme,
    keymap: Keymap,
    recording: Recording,
}

impl Stage {
    pub(super) fn new(cockpit: Cockpit, history: History, now: At, view: View) -> Stage {
        Stage {
            cockpit,
            history,
            literals: Table::default(),
            now,
            ui: Ui { view, ..Ui::default() },
            glyphs: GlyphSet::Full.glyphs(),
            theme: Theme::standard(ColourDepth::Ansi16),
            keymap: Keymap::new(&BTreeMap::new()).expect("the default keys"),
            recording: Recording::default(),
        }
    }

    /// A story, 100 ms after its last input.
    pub(super) fn of(story: &Story, view: View) -> Stage {
        let now = story.cockpit.sample_at().unwrap_or_default().plus_ms(100);
        let mut history = History::default();
        history.observe(now, &story.cockpit);
        Stage::new(story.cockpit.clone(), history, now, view)
    }

    /// A sample at 1.0 s of an armed flight.
    pub(super) fn look(look: Look, view: View) -> Stage {
        let mut story = Story::begin(crate::engine::story::armed());
        story.look(1_000, look);
        Stage::of(&story, view)
    }

    /// The recorded demonstration at a time.
    pub(super) fn demo(ms: u64, view: View) -> Stage {
        let log = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo.flight");
        let mut playback = Playback::open(log.as_ref()).expect("the demonstration");
        playback.go(At::from_ms(ms)).expect("a place in it");
        let picture = playback.picture();
        Stage::new(picture.cockpit.clone(), picture.history.clone(), playback.now(), view)
    }

    pub(super) fn shown(&self) -> Shown<'_> {
        Shown {
            cockpit: &self.cockpit,
            live: &self.cockpit,
            history: &self.history,
            literals: &self.literals,
            now: self.now,
            origin: Origin::Live(&self.recording),
            frozen_ms: None,
            seat: Seat::Pilot,
            may_detach: false,
            ui: &self.ui,
            theme: &self.theme,
            glyphs: self.glyphs,
            keymap: &self.keymap,
        }
    }

    /// The whole screen.
    pub(super) fn buffer(&self, width: u16, height: u16) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
        terminal
            .draw(|frame| {
                super::draw(frame, &self.shown());
            })
            .expect("a frame");
        terminal.backend().buffer().clone()
    }

    /// The lines of the whole screen.
    pub(super) fn lines(&self, width: u16, height: u16) -> Vec<String> {
        let buffer = self.buffer(width, height);
        let line = |y: u16| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..height).map(line).collect()
    }

    /// The same as one text.
    pub(super) fn text(&self, width: u16, height: u16) -> String {
        self.lines(width, height).join("\n")
    }

    /// The pids of the rows, in order.
    pub(super) fn pids(&self) -> Vec<Pid> {
        let rows = super::rows(&self.shown());
        rows.iter().filter_map(Row::backend).map(|backend| backend.pid).collect()
    }
}
