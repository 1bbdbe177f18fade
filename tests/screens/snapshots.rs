//! Screens at the telling moments of the recordings, as text.

use std::collections::BTreeSet;

use lockpit::engine::ids::At;
use lockpit::screen::glyphs::GlyphSet;
use lockpit::screen::playback::Playback;
use lockpit::screen::ui::Ui;

use crate::recordings::Name;
use crate::render::{Look, Size, at, at_moment, press, text};

const SMALL: Size = (80, 24);
const USUAL: Size = (120, 40);
const LARGE: Size = (200, 50);
const TINY: Size = (40, 10);

/// Compares a screen after these keys with its snapshot.
fn compare(name: Name, what: &str, look: Look, keys: &[&str]) {
    compare_at(&at_moment(name), name, what, look, keys);
}

fn compare_at(playback: &Playback, name: Name, what: &str, look: Look, keys: &[&str]) {
    let mut ui = Ui::default();
    press(playback, look, &mut ui, keys);
    let screen = text(playback, look, &ui);
    let (width, height) = look.size;
    let snapshot = format!("{}-{what}-{width}x{height}", name.as_str());
    insta::with_settings!({ snapshot_path => "../snapshots/screens", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(snapshot, screen);
    });
}

/// The same at both usual sizes.
fn compare_both(name: Name, what: &str, keys: &[&str]) {
    for size in [SMALL, USUAL] {
        compare(name, what, Look::live(size), keys);
    }
}

#[test]
fn the_cockpit_of_every_recording() {
    for name in Name::ALL {
        for size in [SMALL, USUAL, LARGE] {
            compare(name, "cockpit", Look::live(size), &[]);
        }
    }
}

#[test]
fn the_cockpit_once_all_is_over() {
    for name in [Name::Jam, Name::Tripped, Name::Blind, Name::Cic] {
        // Before the flight itself ends.
        let end = at_moment(name).findings().end();
        let playback = at(name, At(end.0.saturating_sub(1_000_000)));
        for size in [SMALL, USUAL] {
            compare_at(&playback, name, "over", Look::live(size), &[]);
        }
    }
}

#[test]
fn a_window_that_is_too_small_says_so() {
    compare(Name::Jam, "cockpit", Look::live(TINY), &[]);
}

#[test]
fn a_replay_shows_the_bar_of_the_flight() {
    for name in [Name::Tripped, Name::Blind] {
        compare(name, "replay", Look::replay(USUAL), &[]);
        compare(name, "replay", Look::replay(SMALL), &[]);
    }
}

#[test]
fn the_other_screens_in_an_incident() {
    for name in [Name::Jam, Name::Tripped, Name::Cic] {
        for (key, what) in [
            ("2", "activity"),
            ("3", "locks"),
            ("4", "replication"),
            ("5", "progress"),
            ("6", "guardrails"),
            ("7", "timeline"),
        ] {
            compare_both(name, what, &[key]);
        }
    }
}

#[test]
fn the_screens_that_other_incidents_are_about() {
    compare_both(Name::Healthy, "activity", &["2"]);
    compare_both(Name::Lag, "replication", &["4"]);
    compare_both(Name::Masked, "activity", &["2"]);
    compare_both(Name::Masked, "locks", &["3"]);
    compare_both(Name::Prepared, "locks", &["3"]);
    compare_both(Name::Deadlock, "locks", &["3"]);
    compare_both(Name::Blind, "guardrails", &["6"]);
}

#[test]
fn what_lies_over_the_screens() {
    for name in [Name::Jam, Name::Tripped, Name::Cic] {
        compare_both(name, "what-if", &["w"]);
        compare_both(name, "details-of-root", &["down", "enter"]);
        compare_both(name, "abort", &["a"]);
        compare_both(name, "terminate-root", &["down", "K"]);
    }
    compare_both(Name::Jam, "help", &["?"]);
    compare_both(Name::Jam, "command-line", &[":", "l", "i", "m"]);
    compare_both(Name::Jam, "presenter", &["P"]);
    compare_both(Name::Masked, "what-if", &["w"]);
    compare_both(Name::Prepared, "what-if", &["w"]);
}

#[test]
fn other_characters() {
    for (glyphs, what) in [(GlyphSet::Wgl4, "cockpit-wgl4"), (GlyphSet::Ascii, "cockpit-ascii")] {
        compare(Name::Jam, what, Look { glyphs, ..Look::live(USUAL) }, &[]);
    }
}

#[test]
fn ascii_is_ascii() {
    let mut foreign = BTreeSet::new();
    for name in Name::ALL {
        let playback = at_moment(name);
        for key in ["1", "2", "3", "4", "5", "6", "7", "w", "?"] {
            let look = Look { glyphs: GlyphSet::Ascii, ..Look::replay(USUAL) };
            let mut ui = Ui::default();
            press(&playback, look, &mut ui, &[key]);
            foreign.extend(text(&playback, look, &ui).chars().filter(|c| !c.is_ascii()));
        }
    }
    assert_eq!(String::from_iter(foreign), "");
}
