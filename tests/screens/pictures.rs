//! The pictures in `assets/`: drawn from recordings, and compared, so that they show what lockpit shows.
//!
//! `LOCKPIT_BLESS=1 cargo test --test screens pictures` draws them anew.

use std::path::{Path, PathBuf};

use lockpit::engine::ids::At;
use lockpit::screen::picture::{self, Palette};
use lockpit::screen::playback::Playback;
use lockpit::screen::survey::MarkerKind;
use lockpit::screen::theme::{ColourDepth, Theme};
use lockpit::screen::ui::Ui;

use crate::recordings::Name;
use crate::render::{Look, at_moment, press, render};

/// File, recording, keys, and what the picture shows for those who cannot see it.
const STILLS: [(&str, Name, &[&str], &str); 4] = [
    (
        "cockpit-jam.svg",
        Name::Jam,
        &[],
        "The cockpit of lockpit: an idle transaction blocks an ALTER TABLE, and dozens of customers wait behind it",
    ),
    (
        "cockpit-tripped.svg",
        Name::Tripped,
        &[],
        "The cockpit of lockpit at the moment a guardrail trips and the ALTER TABLE is stopped",
    ),
    (
        "cockpit-cic.svg",
        Name::Cic,
        &[],
        "The cockpit of lockpit: CREATE INDEX CONCURRENTLY waits for an old transaction",
    ),
    ("locks-jam.svg", Name::Jam, &["3"], "The lock tree of lockpit during a jam"),
];
const MOVING: &str = "demo.svg";
const SIZE: (u16, u16) = (110, 34);
/// What the README shows may weigh so much.
const MOST_BYTES: usize = 300_000;

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(file)
}

fn palette() -> Palette {
    Palette::of(&Theme::standard(ColourDepth::Ansi16))
}

/// Compares a picture with its file, or writes the file.
fn compare(file: &str, picture: &str) {
    assert!(picture.len() < MOST_BYTES, "{file} would have {} bytes", picture.len());
    if std::env::var_os("LOCKPIT_BLESS").is_some() {
        std::fs::write(path(file), picture).expect("assets are writable");
        return;
    }
    let drawn = std::fs::read_to_string(path(file)).unwrap_or_default();
    assert!(drawn == picture, "assets/{file} is not what lockpit shows: see how to draw it anew");
}

#[test]
fn pictures_show_what_lockpit_shows() {
    for (file, name, keys, title) in STILLS {
        let playback = at_moment(name);
        let mut ui = Ui::default();
        press(&playback, Look::live(SIZE), &mut ui, keys);
        let buffer = render(&playback, Look::live(SIZE), &ui);
        compare(file, &picture::svg(&buffer, &palette(), title));
    }
}

#[test]
fn the_moving_pictures_show_the_demonstration() {
    let mut playback = Playback::open(&path("demo.flight")).expect("the recorded demonstration").surveyed();
    playback.toggle().expect("it pauses");
    let trips = playback.findings().markers().iter().filter(|marker| marker.kind == MarkerKind::Trip);
    let trips: Vec<u64> = trips.map(|marker| marker.at.ms()).collect();
    let (Some(first), Some(last)) = (trips.first(), trips.last()) else { panic!("no trip") };
    let (begin, end) = (first.saturating_sub(3_500), last + 2_500);
    // Close together where things happen quickly.
    let calm = (begin..end).step_by(500).filter(|at| at + 700 < *first || *at > last + 700);
    let mut times: Vec<u64> = calm.collect();
    times.extend((first.saturating_sub(700)..last + 700).step_by(100));
    times.sort_unstable();
    let frames: Vec<_> = times
        .into_iter()
        .map(|at_ms| {
            playback.go(At(at_ms * 1_000)).expect("a place in the demonstration");
            (at_ms - begin, render(&playback, Look::live((100, 30)), &Ui::default()))
        })
        .collect();
    let title = "lockpit guards a deploy: a jam builds up, a guardrail trips, the queue drains";
    compare(MOVING, &picture::animation(&frames, &palette(), title));
}
