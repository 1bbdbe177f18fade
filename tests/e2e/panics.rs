//! A bug in the drawing: it costs the screen, not the flight.

use rustix::process::Signal;

use crate::rig::{Place, SIZE, database, demo, newest};

/// Builds with debug assertions panic, when this filter is typed.
const STAGED: &[(&str, &str)] = &[("LOCKPIT_STAGED_PANIC", "boom"), ("NO_COLOR", "1")];

#[tokio::test]
async fn a_panic_in_the_drawing_gives_the_terminal_back_and_the_flight_flies_on() {
    if !cfg!(debug_assertions) {
        return;
    }
    for version in newest() {
        let (db, place) = (database(version).await, Place::new());
        let mut pty = place.fly_with(SIZE, &db, &[], STAGED).await;
        pty.press("/");
        pty.press("boom");
        pty.sees("a panic staged for a test").await;
        pty.sees("Please report it").await;
        pty.sees("The flight flies on without it: lockpit join shop").await;
        pty.is_given_back().await;
        assert_eq!(place.tell("mark tea").await.0, 0);

        let mut other = place.open(SIZE, ["join", "shop", "--operator", "bob"]);
        other.sees("tea").await;
        other.press("q");
        assert_eq!(other.exit().await, 0);
        pty.signal(Signal::TERM);
        assert_eq!(pty.exit().await, 0);
        assert!(place.replayed().await.contains("interrupted"));
    }
}

#[tokio::test]
async fn without_a_flight_a_panic_ends_the_program_and_gives_the_terminal_back() {
    if !cfg!(debug_assertions) {
        return;
    }
    let place = Place::new();
    let mut pty = place.open_with(SIZE, ["replay", &demo()], STAGED);
    pty.sees("REPLAY").await;
    pty.press("/");
    pty.press("boom");
    pty.sees("Please report it").await;
    assert_eq!(pty.exit().await, 101);
    pty.is_given_back().await;
    let bytes = pty.bytes();
    let text = String::from_utf8_lossy(&bytes);
    let report = text.rsplit("\x1b[?1049l").next().expect("the screen was left");
    let modes = report.replace("\x1b[?25h", "").replace("\x1b[?2004l", "");
    assert!(!modes.contains("\x1b["), "no colours: {modes:?}");
}
