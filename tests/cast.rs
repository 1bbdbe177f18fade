//! A flight as a terminal recording: what a terminal that plays it shows is what a replay shows.

use std::num::NonZero;
use std::path::{Path, PathBuf};

use lockpit::engine::ids::At;
use lockpit::report::cast::{self, Cast, CastError, CastOptions};
use lockpit::screen::action::Seat;
use lockpit::screen::glyphs::GlyphSet;
use lockpit::screen::keymap::Keymap;
use lockpit::screen::playback::Playback;
use lockpit::screen::shown::{Origin, Shown};
use lockpit::screen::survey::MarkerKind;
use lockpit::screen::theme::{ColourDepth, Theme};
use lockpit::screen::ui::Ui;
use lockpit::screen::{picture, views};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::Value;

/// One event of a recording, at its time since the beginning.
#[derive(Debug, PartialEq)]
struct Event {
    at_ms: u64,
    code: String,
    data: String,
}

fn recording(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(name)
}

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo.flight")
}

fn made(log: &Path, options: &CastOptions) -> (Cast, Vec<u8>) {
    let mut bytes = Vec::new();
    let cast = cast::write(log, &mut bytes, options).expect("a recording");
    (cast, bytes)
}

/// The header and the events, read as any player would.
fn read(bytes: &[u8]) -> (Value, Vec<Event>) {
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a JSON line"));
    let header = lines.next().expect("a header");
    let mut at_ms = 0;
    let events = lines.map(|line| {
        let [since, code, data] = line.as_array().expect("an event").as_slice() else { panic!("{line}") };
        let since = since.as_f64().expect("an interval");
        assert!(since >= 0.0, "{line}");
        at_ms += (since * 1_000.0).round() as u64;
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Event { at_ms, code: text(code), data: text(data) }
    });
    let events = events.collect();
    (header, events)
}

/// The lines that a replay shows at its place.
fn replayed(playback: &Playback, options: &CastOptions) -> String {
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
        ui: &Ui::default(),
        theme: &Theme::standard(ColourDepth::Ansi16),
        glyphs: GlyphSet::Full.glyphs(),
        keymap: &Keymap::default(),
    };
    let mut terminal =
        Terminal::new(TestBackend::new(options.columns, options.rows)).expect("a screen in memory");
    terminal.draw(|frame| _ = views::draw(frame, &shown)).expect("a frame");
    picture::text(terminal.backend().buffer())
}

/// The lines that a terminal shows.
fn played(terminal: &vt100::Parser) -> String {
    let screen = terminal.screen();
    let (_, columns) = screen.size();
    screen.rows(0, columns.into()).map(|row| row.trim_end().to_owned() + "\n").collect()
}

#[test]
fn a_terminal_that_plays_it_shows_what_the_replay_shows() {
    for (log, options) in [
        (demo(), CastOptions::default()),
        (recording("tripped.flight"), CastOptions { columns: 80, rows: 24, ..CastOptions::default() }),
        (recording("blind.flight"), CastOptions { idle_limit_ms: None, ..CastOptions::default() }),
    ] {
        let (cast, bytes) = made(&log, &options);
        let (header, events) = read(&bytes);
        assert_eq!(header["version"], 3);
        assert_eq!(
            (&header["term"]["cols"], &header["term"]["rows"]),
            (&options.columns.into(), &options.rows.into())
        );
        let mut playback = Playback::open(&log).expect("the log").surveyed();
        let [rows, columns] = [options.rows, options.columns].map(|size| NonZero::new(size).expect("a size"));
        let mut terminal = vt100::Parser::new(rows, columns, 0);
        let mut compared = 0;
        for event in events.iter().filter(|event| event.code == "o") {
            terminal.process(event.data.as_bytes());
            playback.go(At::from_ms(event.at_ms)).expect("a place");
            // What is written before the first frame draws nothing.
            if event.data != "\x1b[?25l" {
                assert_eq!(played(&terminal), replayed(&playback, &options), "{}", event.at_ms);
                compared += 1;
            }
        }
        assert_eq!(Some(playback.now()), playback.findings().known_end(), "it is shown to its end");
        assert!(!terminal.screen().hide_cursor(), "the cursor is given back");
        assert!(compared >= 10 && cast.frames >= compared - 1, "{compared} of {cast:?}");
    }
}

#[test]
fn the_moments_worth_a_jump_are_marked_in_order() {
    let (cast, bytes) = made(&demo(), &CastOptions::default());
    let (header, events) = read(&bytes);
    let marks: Vec<&Event> = events.iter().filter(|event| event.code == "m").collect();
    assert_eq!(marks.len() as u64, cast.markers);
    let playback = Playback::open(&demo()).expect("the demonstration").surveyed();
    for kind in [MarkerKind::Trip, MarkerKind::Target] {
        for marker in playback.findings().markers().iter().filter(|marker| marker.kind == kind) {
            let is_marked = |mark: &&&Event| {
                mark.data.ends_with(&marker.text) && mark.at_ms.abs_diff(marker.at.ms()) <= 100
            };
            assert!(marks.iter().any(|mark| is_marked(&mark)), "{marker:?} in {marks:?}");
        }
    }
    let trip = marks.iter().find(|mark| mark.data.starts_with("trip: queue_depth"));
    assert!(trip.is_some(), "{marks:?}");
    assert_eq!(events.last().map(|event| (&*event.code, &*event.data)), Some(("x", "0")));
    assert_eq!(header["idle_time_limit"], 2.0);
    assert!(header["timestamp"].as_u64() > Some(1_700_000_000), "{header}");
    assert!(header["title"].as_str().is_some_and(|title| title.contains('@')), "{header}");
    let palette = header["term"]["theme"]["palette"].as_str().expect("a palette");
    assert_eq!(palette.split(':').count(), 16);
}

#[test]
fn it_is_no_larger_than_need_be_and_has_no_more_frames_than_asked_for() {
    let (_, bytes) = made(&demo(), &CastOptions::default());
    assert!(bytes.len() < 100_000, "the demonstration has {} bytes", bytes.len());
    let options = CastOptions { max_fps: 2, idle_limit_ms: None, ..CastOptions::default() };
    let (_, events) = read(&made(&demo(), &options).1);
    let frames: Vec<u64> = events.iter().filter(|it| it.code == "o").map(|it| it.at_ms).collect();
    // Not what is written before the first frame, nor the last one, which is the end's, nor what comes after it.
    let inner = &frames[1..frames.len() - 2];
    assert!(inner.windows(2).all(|pair| pair[1] - pair[0] >= 500), "{frames:?}");
}

#[test]
fn a_calm_stretch_is_drawn_once_where_idle_time_is_shortened() {
    let log = recording("healthy.flight");
    let frames = |idle_limit_ms| {
        let (cast, _) = made(&log, &CastOptions { idle_limit_ms, ..CastOptions::default() });
        cast.frames
    };
    let (shortened, whole) = (frames(Some(2_000)), frames(None));
    assert!(shortened < whole, "{shortened} of {whole}");
}

#[test]
fn a_torn_log_ends_without_an_exit_code_and_what_is_no_log_is_said() {
    let bytes = std::fs::read(recording("jam.flight")).expect("the log");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &bytes[..bytes.len() * 2 / 3]).expect("the log can be cut");
    let (cast, torn) = made(file.path(), &CastOptions::default());
    assert!(matches!(cast.ending, lockpit::log::Ending::Torn { .. }), "{cast:?}");
    let (_, events) = read(&torn);
    assert_eq!(events.last().map(|event| &*event.code), Some("o"));

    std::fs::write(file.path(), "no log").expect("a file can be written");
    let error = cast::write(file.path(), &mut Vec::new(), &CastOptions::default()).expect_err("no log");
    assert!(matches!(error, CastError::Replay(_)), "{error}");
    let none = CastOptions { columns: 0, ..CastOptions::default() };
    let error = cast::write(&demo(), &mut Vec::new(), &none).expect_err("no columns");
    assert!(error.to_string().contains("20 to 500 columns"), "{error}");
}
