//! A second screen on a flight, from another terminal.

use rustix::process::Signal;

use crate::rig::{Place, SIZE, child_of, database, newest, send};
use crate::support::jam;

#[tokio::test]
async fn a_joined_screen_sees_the_same_commands_once_it_has_the_stick_and_outlives_the_flight() {
    for version in newest() {
        let (db, place) = (database(version).await, Place::new());
        let mut pty = place.fly(&db, &["--target", "app=migration"]).await;
        let jam = jam(&db, 2).await;
        let mut other = place.open_with(SIZE, ["join", "shop"], &[("LOCKPIT_OPERATOR", "bob")]);
        let pid = jam.ddl.pid().to_string();
        for screen in [&pty, &other] {
            screen.sees("ALTER TABLE").await;
            screen.sees(&pid).await;
        }
        other.sees("stick: alice").await;
        other.press("m");
        other.sees("T takes the stick").await;
        other.press("T");
        other.sees("stick: bob").await;
        other.press("m");
        other.press("by bob");
        other.press("enter");
        pty.sees("by bob").await;
        pty.press("a");
        pty.sees("T takes the stick").await;
        jam.dissolve().await;
        other.press(":");
        other.press("end");
        other.press("enter");
        other.sees("The flight ends").await;
        crate::support::wait_until("the flight is over", crate::support::LONG, async || {
            other.press("y");
            if other.text().contains("FLIGHT OVER") { Ok(()) } else { Err(other.text()) }
        })
        .await;
        pty.sees("FLIGHT OVER").await;
        for screen in [&mut pty, &mut other] {
            screen.press("q");
            assert_eq!(screen.exit().await, 0);
            screen.is_given_back().await;
        }
    }
}

#[tokio::test]
async fn a_killed_flight_is_said_instead_of_shown_as_calm() {
    for version in newest() {
        let (db, place) = (database(version).await, Place::new());
        let mut pty = place.fly(&db, &["--arm", "--target", "app=nobody"]).await;
        let mut other = place.open_with(SIZE, ["join", "shop"], &[("LOCKPIT_OPERATOR", "bob")]);
        other.sees(" ARMED  ").await;
        send(child_of(pty.pid()), Signal::KILL);
        other.sees("THE FLIGHT DIED").await;
        assert!(!other.text().contains(" ARMED  "), "{}", other.text());
        other.press("q");
        assert_eq!(other.exit().await, 3);
        other.is_given_back().await;
        assert_eq!(pty.exit().await, 128 + 9);
    }
}

#[tokio::test]
async fn a_joined_screen_that_may_only_look_never_gets_the_stick() {
    for version in newest() {
        let (db, place) = (database(version).await, Place::new());
        let mut pty = place.fly(&db, &["--arm", "--target", "app=nobody"]).await;
        let mut other =
            place.open_with(SIZE, ["join", "--read-only", "shop"], &[("LOCKPIT_OPERATOR", "bob")]);
        other.sees("stick: alice").await;
        for key in ["T", "D", "m"] {
            other.press("esc");
            other.sees_no(": this screen").await;
            other.press(key);
            other.sees("--read-only").await;
        }
        assert_eq!(place.tell("mark tea").await.0, 0);
        other.sees("tea").await;
        assert!(other.text().contains("stick: alice"), "{}", other.text());
        other.press("q");
        assert_eq!(other.exit().await, 0);
        pty.press("D");
        pty.sees("WATCHING").await;
        pty.press("q");
        assert_eq!(pty.exit().await, 0);
    }
}

#[tokio::test]
async fn a_joined_screen_with_the_stick_leaves_and_the_flight_flies_on() {
    for version in newest() {
        let (db, place) = (database(version).await, Place::new());
        let mut pty = place.fly(&db, &["--arm", "--target", "app=nobody"]).await;
        let mut other = place.open_with(SIZE, ["join", "shop"], &[("LOCKPIT_OPERATOR", "bob")]);
        other.sees("stick: alice").await;
        other.press("T");
        other.sees("stick: bob").await;
        pty.sees("T takes the stick").await;
        // The guard is in the process of the first screen, whoever has the stick.
        pty.press("ctrl-z");
        pty.sees("the guard is armed").await;
        pty.press("q");
        pty.sees("What becomes of the flight?").await;
        // A question does not hear at first.
        crate::support::wait_until("the question closes", crate::support::LONG, async || {
            pty.press("esc");
            if pty.text().contains("What becomes of the flight?") { Err(pty.text()) } else { Ok(()) }
        })
        .await;
        other.press("q");
        assert_eq!(other.exit().await, 0);
        assert_eq!(place.tell("mark tea").await.0, 0);
        pty.sees("tea").await;
        assert_eq!(place.tell("end").await.0, 0);
        pty.sees("FLIGHT OVER").await;
        pty.press("q");
        assert_eq!(pty.exit().await, 0);
    }
}
