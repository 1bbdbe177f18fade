//! A screen of a recording, as a buffer of cells.

use crossterm::event::{KeyCode, KeyEvent};
use lockpit::engine::ids::At;
use lockpit::screen::action::Seat;
use lockpit::screen::glyphs::GlyphSet;
use lockpit::screen::keymap::Keymap;
use lockpit::screen::playback::Playback;
use lockpit::screen::shown::{Origin, Recording, Shown};
use lockpit::screen::theme::{ColourDepth, Theme};
use lockpit::screen::ui::Ui;
use lockpit::screen::update::{self, Press};
use lockpit::screen::{picture, views};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use crate::recordings::{self, Name};

/// Columns and rows.
pub(crate) type Size = (u16, u16);

/// How a screen is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) size: Size,
    pub(crate) glyphs: GlyphSet,
    /// As whoever flew it saw it, instead of as a replay.
    pub(crate) is_live: bool,
}

impl Look {
    /// As the operator saw it.
    pub(crate) fn live(size: Size) -> Look {
        Look { size, glyphs: GlyphSet::Full, is_live: true }
    }

    /// As a replay shows it.
    pub(crate) fn replay(size: Size) -> Look {
        Look { is_live: false, ..Look::live(size) }
    }
}

/// A recording at its telling moment.
pub(crate) fn at_moment(name: Name) -> Playback {
    at(name, name.moment())
}

/// A recording at this time.
pub(crate) fn at(name: Name, at: At) -> Playback {
    let mut playback = recordings::surveyed(name);
    playback.toggle().expect("it pauses");
    playback.go(at).expect("a place in the recording");
    playback
}

/// What is shown, handed to `then`.
pub(crate) fn with<T>(playback: &Playback, look: Look, ui: &Ui, then: impl FnOnce(&Shown<'_>) -> T) -> T {
    let recording = Recording {
        flight: "shop".to_owned(),
        log: Some("shop.flight".to_owned()),
        died: false,
        failed: None,
    };
    let (origin, seat) = if look.is_live {
        (Origin::Live(&recording), Seat::Pilot)
    } else {
        (Origin::Replay(playback), Seat::Replay)
    };
    let picture = playback.picture();
    then(&Shown {
        cockpit: &picture.cockpit,
        live: &picture.cockpit,
        history: &picture.history,
        literals: &picture.literals,
        now: playback.now(),
        origin,
        frozen_ms: None,
        seat,
        may_detach: true,
        ui,
        theme: &Theme::standard(ColourDepth::Ansi16),
        glyphs: look.glyphs.glyphs(),
        keymap: &Keymap::default(),
    })
}

/// Presses keys, called as in the help.
pub(crate) fn press(playback: &Playback, look: Look, ui: &mut Ui, keys: &[&str]) {
    for key in keys {
        let event = match *key {
            "enter" => KeyEvent::from(KeyCode::Enter),
            "down" => KeyEvent::from(KeyCode::Down),
            key => KeyEvent::from(KeyCode::Char(key.chars().next().expect("a key"))),
        };
        let before = ui.clone();
        let order = with(playback, look, &before, |shown| {
            let rows = views::rows(shown);
            let press = Press {
                context: shown.context(),
                keymap: shown.keymap,
                rows: &rows,
                page: 10,
                furthest: 10,
                now_ms: 0,
                now: shown.now,
            };
            update::press(ui, &event, &press)
        });
        assert_eq!(order, None, "{key} concerns this display only");
    }
}

/// The screen's lines.
pub(crate) fn text(playback: &Playback, look: Look, ui: &Ui) -> String {
    picture::text(&render(playback, look, ui))
}

/// The screen.
pub(crate) fn render(playback: &Playback, look: Look, ui: &Ui) -> Buffer {
    with(playback, look, ui, |shown| {
        let (width, height) = look.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a screen in memory");
        terminal.draw(|frame| _ = views::draw(frame, shown)).expect("a frame");
        terminal.backend().buffer().clone()
    })
}
