//! A long flight, played before and after it has been surveyed.

use lockpit::engine::Cockpit;
use lockpit::engine::ids::At;
use lockpit::export::{Request, export};
use lockpit::log::Ending;
use lockpit::replay::Replay;
use lockpit::screen::playback::{Found, Playback};
use lockpit::screen::survey::{MarkerKind, Progress};
use lockpit::screen::ui::Ui;
use tempfile::TempDir;

use crate::render::{Look, text};
use crate::support::{Times, drifting_flight, long_flight};

const SIZE: (u16, u16) = (120, 40);

struct Flight {
    dir: TempDir,
    times: Times,
}

impl Flight {
    fn new(minutes: u64) -> Flight {
        let dir = tempfile::tempdir().expect("a folder");
        let times = long_flight(&dir.path().join("long.flight"), minutes);
        Flight { dir, times }
    }

    /// A playback that has not heard of its survey yet: it hears when it is advanced, and that is the screen's loop.
    fn open(&self) -> Playback {
        let mut playback = Playback::open(&self.dir.path().join("long.flight")).expect("a readable log");
        playback.toggle().expect("it pauses");
        playback
    }

    /// Damages the log.
    fn damage(&self, how: impl FnOnce(&mut Vec<u8>)) {
        let path = self.dir.path().join("long.flight");
        let mut bytes = std::fs::read(&path).expect("the log");
        how(&mut bytes);
        std::fs::write(&path, bytes).expect("the log");
    }

    /// The engine at `at`, replayed from the beginning.
    fn engine_at(&self, at: At) -> Cockpit {
        let mut replay = Replay::open(&self.dir.path().join("long.flight")).expect("a readable log");
        while replay.next_at().expect("a readable log").is_some_and(|next| next <= at) {
            replay.step().expect("a readable log");
        }
        replay.cockpit().clone()
    }
}

#[test]
fn every_place_of_an_hour_is_come_to_before_anything_is_surveyed() {
    let flight = Flight::new(60);
    let samples = &flight.times.samples;
    let mut playback = flight.open();
    assert_eq!(playback.findings().words().as_deref(), Some("not surveyed yet"));
    assert_eq!(playback.findings().known_end(), None);
    let here = At::from_ms(30 * 60_000);
    let before = samples.iter().filter(|at| **at <= here).count();
    playback.go(here).expect("a place");
    assert_eq!((playback.now(), playback.picture().at), (here, samples[before - 1]));
    assert!(
        playback.picture().cockpit.checkpoint() == flight.engine_at(here).checkpoint(),
        "the engine is the one of this moment"
    );
    for (on, wanted) in [(true, before), (true, before + 1), (false, before), (false, before - 1)] {
        playback.step_sample(on).expect("a step");
        assert_eq!((playback.now(), playback.picture().at), (samples[wanted], samples[wanted]), "on: {on}");
    }
    for on in [true, false] {
        let found = playback.step_event(on).expect("a step");
        assert_eq!(found, Found::Unknown("not surveyed yet".to_owned()), "on: {on}");
    }
    let screen = text(&playback, Look::replay(SIZE), &Ui::default());
    assert!(screen.contains("of unknown") && screen.contains("not surveyed yet"), "{screen}");
    let shown_as_unknown = screen.lines().find(|line| line.contains("not surveyed yet")).expect("the bar");
    assert!(shown_as_unknown.matches('?').count() > 40, "{shown_as_unknown}");
    playback.go(At(u64::MAX)).expect("the end");
    let end = *flight.times.remarks.last().expect("remarks");
    assert_eq!(
        (playback.now(), playback.findings().known_end()),
        (end, Some(end)),
        "who is there knows the end"
    );
}

#[test]
fn a_survey_finds_every_mark_and_the_end_and_the_bar_says_no_more_of_it() {
    let flight = Flight::new(30);
    let mut playback = flight.open().surveyed();
    let end = *flight.times.remarks.last().expect("remarks");
    let findings = playback.findings();
    assert_eq!(findings.progress(), &Progress::Through(Ending::Complete));
    assert_eq!((findings.known_end(), findings.words(), findings.has_drifted()), (Some(end), None, false));
    let notes = findings.markers().iter().filter(|marker| marker.kind == MarkerKind::Note);
    assert_eq!(notes.map(|marker| marker.at).collect::<Vec<_>>(), flight.times.remarks);
    let screen = text(&playback, Look::replay(SIZE), &Ui::default());
    assert!(screen.contains("of 30:00") && !screen.contains("survey"), "{screen}");
    let found = playback.step_event(true).expect("a step");
    assert!(matches!(&found, Found::Marker(marker) if marker.text == "remark 1"), "{found:?}");
    assert_eq!(playback.now(), flight.times.remarks[0]);
    playback.go(end).expect("the end");
    assert_eq!(playback.step_event(true).expect("a step"), Found::Nowhere);
}

#[test]
fn how_a_log_ends_is_known_once_it_was_read_through() {
    let torn = Flight::new(12);
    torn.damage(|bytes| bytes.truncate(bytes.len() - 30));
    let playback = torn.open().surveyed();
    let progress = playback.findings().progress();
    assert!(matches!(progress, Progress::Through(Ending::Torn { .. })), "{progress:?}");

    let altered = Flight::new(12);
    altered.damage(|bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
    });
    let playback = altered.open().surveyed();
    let findings = playback.findings();
    let Progress::Through(Ending::Damaged(damage)) = findings.progress() else { panic!("{findings:?}") };
    assert_eq!(findings.damage(), Some(*damage), "it is known as soon as it is met");
    assert!(findings.markers().iter().any(|marker| marker.kind == MarkerKind::Gap), "{findings:?}");
}

#[test]
fn where_the_engine_decides_differently_is_marked() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("drift.flight");
    let times = drifting_flight(&path, 21);
    let playback = Playback::open(&path).expect("a readable log").surveyed();
    let findings = playback.findings();
    assert_eq!(findings.progress(), &Progress::Through(Ending::Complete));
    assert!(findings.has_drifted());
    let drifts = findings.markers().iter().filter(|marker| marker.kind == MarkerKind::Drift);
    assert_eq!(drifts.map(|marker| marker.at).collect::<Vec<_>>(), times.remarks[..1]);
}

#[test]
fn a_cut_is_named_on_every_screen_of_its_replay() {
    let flight = Flight::new(20);
    let cut = flight.dir.path().join("cut.flight");
    for (is_masked, words) in [(false, " CUT\n"), (true, " CUT: names masked\n")] {
        let request = Request {
            logs: vec![flight.dir.path().join("long.flight")],
            from: At::from_ms(5 * 60_000),
            to: At::from_ms(10 * 60_000),
            is_masked,
            to_file: cut.clone(),
        };
        export(&request).expect("a cut");
        let playback = Playback::open(&cut).expect("a readable log").surveyed();
        for size in [(80, 24), SIZE] {
            let screen = text(&playback, Look::replay(size), &Ui::default());
            assert!(screen.contains(words), "{words:?} is not in\n{screen}");
        }
        std::fs::remove_file(&cut).expect("the cut");
    }
    let screen = text(&flight.open(), Look::replay(SIZE), &Ui::default());
    assert!(!screen.contains("CUT"), "{screen}");
}
