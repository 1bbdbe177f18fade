//! The screens on a recorded flight.

use crate::rig::{Place, Pty, SIZE, demo, shown};
use crate::support::{drifting_flight, long_flight};

/// Waits until the whole log is surveyed. (The last row comes last: what stands above it is of the same frame.)
async fn surveyed(pty: &Pty) {
    pty.wait_until("all is surveyed", |screen| {
        let text = screen.contents();
        text.contains("REPLAY") && text.contains("7 timeline") && !text.contains("survey")
    })
    .await;
}

/// The demonstration in the middle of its jam, all but standing still, and surveyed.
async fn in_the_jam(place: &Place, more: &[(&str, &str)]) -> Pty {
    let pty = place.open_with(SIZE, ["replay", &demo(), "--at", "5100ms", "--speed", "0.1"], more);
    surveyed(&pty).await;
    pty
}

#[tokio::test]
async fn a_replay_opens_shows_its_header_and_gives_the_terminal_back() {
    let place = Place::new();
    let mut pty = in_the_jam(&place, &[]).await;
    pty.wait_until("a screen of its own", |screen| {
        screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste()
    })
    .await;
    let text = pty.text();
    for part in ["lockpit", "DEMO", "UTC", "may stop app=deploy"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    pty.press("q");
    assert_eq!(pty.exit().await, 0);
    pty.is_given_back().await;
}

#[tokio::test]
async fn every_screen_and_the_help_open_and_close() {
    let place = Place::new();
    let mut pty = in_the_jam(&place, &[]).await;
    pty.press("space");
    pty.sees("space play").await;
    let names = ["cockpit", "activity", "locks", "replication", "progress", "guardrails", "timeline"];
    for (number, name) in (1..).zip(names) {
        pty.press(&format!("{number}"));
        pty.sees(&format!("[{number} {name}]")).await;
    }
    pty.press("1");
    pty.sees("[1 cockpit]").await;
    let before = pty.text();
    pty.press("?");
    pty.sees("help: ").await;
    pty.press("esc");
    pty.wait_until("it closes", |screen| shown(screen) == before).await;
    pty.press("q");
    assert_eq!(pty.exit().await, 0);
}

#[tokio::test]
async fn details_and_what_if_open_and_close() {
    let place = Place::new();
    let mut pty = in_the_jam(&place, &[]).await;
    pty.press("space");
    pty.sees("space play").await;
    pty.press("down");
    pty.sees("▌").await;
    for key in ["w", "enter"] {
        let before = pty.text();
        pty.press(key);
        pty.wait_until(&format!("{key} opens something"), |screen| shown(screen) != before).await;
        pty.press("esc");
        pty.wait_until(&format!("what {key} opened closes"), |screen| shown(screen) == before).await;
    }
    pty.press("q");
    assert_eq!(pty.exit().await, 0);
}

#[tokio::test]
async fn commands_filters_and_remarks_are_typed_and_a_replay_refuses_what_would_change_it() {
    let place = Place::new();
    let mut pty = in_the_jam(&place, &[]).await;
    pty.press("space");
    pty.press("/");
    pty.press("nothing-is-called-so");
    pty.press("enter");
    pty.sees("only lines with 'nothing-is-called-so'").await;
    pty.press("esc");
    pty.sees_no("only lines with").await;
    pty.press(":");
    pty.press("locks");
    pty.press("enter");
    pty.sees("[3 locks]").await;
    pty.press("m");
    pty.sees("read-only: this has happened").await;
    pty.press(":");
    pty.press("disarm");
    pty.press("enter");
    pty.sees("read-only: this has happened").await;
    // Pasted text is text, not keys.
    pty.press(":");
    pty.press("\x1b[200~qqq\x1b[201~");
    pty.sees(":qqq").await;
    pty.press("esc");
    pty.sees_no(":qqq").await;
    pty.press("q");
    assert_eq!(pty.exit().await, 0);
}

#[tokio::test]
async fn after_a_storm_of_sizes_the_screen_is_the_one_of_a_fresh_start() {
    let place = Place::new();
    let mut pty = in_the_jam(&place, &[]).await;
    pty.press("space");
    pty.sees("space play").await;
    pty.press(":");
    pty.press("5100ms");
    pty.sees(":5100ms").await;
    pty.press("enter");
    pty.sees_no(":5100ms").await;
    let before = pty.text();
    let mut random = 12_345_u32;
    let mut next = |most: u32| {
        random = random.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        u16::try_from(1 + (random >> 16) % most).expect("small")
    };
    for turn in 0..200 {
        match turn % 10 {
            0 => pty.resize(1, 1),
            1 => pty.resize(300, 1),
            _ => pty.resize(next(250), next(80)),
        }
    }
    pty.resize(SIZE.0, SIZE.1);
    pty.wait_until("the screen as it was", |screen| shown(screen) == before).await;
    pty.resize(20, 10);
    pty.sees("lockpit needs").await;
    pty.press("q");
    assert_eq!(pty.exit().await, 0);
}

#[tokio::test]
async fn sixteen_colours_and_none_are_respected() {
    for (more, any) in [
        (&[("TERM", "xterm")][..], true),
        (&[("TERM", "linux")][..], true),
        (&[("NO_COLOR", "1")][..], false),
    ] {
        let place = Place::new();
        let mut pty = in_the_jam(&place, more).await;
        pty.press("3");
        pty.sees("[3 locks]").await;
        pty.press("q");
        assert_eq!(pty.exit().await, 0);
        pty.is_given_back().await;
        let bytes = pty.bytes();
        let text = String::from_utf8_lossy(&bytes);
        let ansi = (30..=37).chain(90..=97).any(|code| text.contains(&format!("\x1b[{code}m")));
        if any {
            // The sixteen are written as numbers of the palette below 16, or as codes of their own.
            let beyond = rich(&text);
            assert!(beyond.is_empty(), "{more:?}: {beyond:?}");
        } else {
            let any = ["38;5;", "48;5;", "38;2;", "48;2;"].iter().any(|code| text.contains(code));
            assert!(!any && !ansi, "{more:?}");
        }
    }
}

#[tokio::test]
async fn an_hour_is_jumped_into_and_its_marks_are_found_once_it_is_surveyed() {
    let place = Place::new();
    let times = long_flight(&place.log(), 60);
    let log = place.log().to_string_lossy().into_owned();
    let mut pty = place.open(SIZE, ["replay", &log, "--speed", "0.1"]);
    pty.sees("REPLAY 00:00 of").await;
    for key in ["space", ":", "30m", "enter"] {
        pty.press(key);
    }
    pty.sees("REPLAY 30:00 of").await;
    pty.sees("REPLAY 30:00 of 1:00:00").await;
    surveyed(&pty).await;
    assert_eq!(times.remarks.len(), 6);
    pty.press("]");
    pty.sees("remark 3").await;
    pty.press("[");
    pty.sees("remark 2").await;
    pty.press("q");
    assert_eq!(pty.exit().await, 0);
    pty.is_given_back().await;
}

#[tokio::test]
async fn a_replay_that_decides_differently_says_so_by_its_exit_code() {
    let place = Place::new();
    drifting_flight(&place.log(), 11);
    let log = place.log().to_string_lossy().into_owned();
    let mut pty = place.open(SIZE, ["replay", &log]);
    surveyed(&pty).await;
    pty.press("q");
    assert_eq!(pty.exit().await, 9);
    pty.is_given_back().await;
}

#[tokio::test]
async fn what_a_replay_leaves_below_a_shell_is_how_its_log_ends() {
    for (damage, said, code) in [
        ("none", "", "code 0"),
        ("torn", "the log is torn", "code 0"),
        ("altered", "the log is damaged or altered at byte", "code 7"),
    ] {
        let place = Place::new();
        let mut bytes = std::fs::read(demo()).expect("the demonstration");
        let (len, middle) = (bytes.len(), bytes.len() / 2);
        match damage {
            "torn" => bytes.truncate(len - 20),
            "altered" => bytes[middle] ^= 0x55,
            _ => {}
        }
        std::fs::write(place.log(), bytes).expect("a copy");
        let log = place.log().to_string_lossy().into_owned();
        let mut pty = place.open_in_a_shell(&["replay", &log, "--speed", "0.1"]);
        surveyed(&pty).await;
        pty.press("q");
        pty.sees(code).await;
        let text = pty.text();
        assert!(text.contains(said), "{damage}: {said} in\n{text}");
        assert!(!text.contains("was not checked"), "{damage}: it was read through:\n{text}");
        pty.press("enter");
        assert_eq!(pty.exit().await, 0);
    }
}

/// The colours beyond the sixteen that were asked for.
fn rich(text: &str) -> Vec<String> {
    let mut found: Vec<String> = ["38;2;", "48;2;"]
        .iter()
        .filter(|code| text.contains(**code))
        .map(|code| (*code).to_owned())
        .collect();
    for code in ["38;5;", "48;5;"] {
        found.extend(text.split(code).skip(1).filter_map(|rest| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u32>().ok().filter(|number| *number > 15).map(|number| format!("{code}{number}"))
        }));
    }
    found
}
