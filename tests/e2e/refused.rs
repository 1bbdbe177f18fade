//! Where no screen can be shown.

use crate::rig::{Place, SIZE, demo};

#[tokio::test]
async fn a_terminal_without_a_cursor_is_refused_with_a_way_on() {
    for term in ["dumb", "unknown", ""] {
        let place = Place::new();
        for args in
            [&["replay", &demo()][..], &["attach", "dbname=nowhere"], &["join"], &["demo", "--recorded"]]
        {
            let mut pty = place.open_with(SIZE, args, &[("TERM", term)]);
            assert_eq!(pty.exit().await, 2, "{args:?}");
            pty.sees("--headless prints JSON lines").await;
            assert!(!pty.bytes().windows(7).any(|part| part == b"\x1b[?1049"), "no screen is entered");
        }
    }
}

#[tokio::test]
async fn without_a_terminal_a_screen_is_refused_with_a_way_on() {
    let place = Place::new();
    for args in [&["replay", &demo()][..], &["attach", "dbname=nowhere"], &["join"], &["demo", "--recorded"]]
    {
        let (exit, stdout, stderr) = place.run(args).await;
        assert_eq!((exit, &*stdout), (2, ""), "{args:?}");
        assert!(stderr.contains("no terminal") && stderr.contains("--headless"), "{stderr}");
    }
}
