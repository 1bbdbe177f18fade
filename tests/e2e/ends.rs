//! How a flight with a screen ends when it is told to, and when its terminal goes.

use rustix::process::Signal;

use crate::rig::{Place, child_of, database, newest, send, state_of};
use crate::support::{Database, LONG, wait_until};

/// Waits until the server has no session of lockpit's in this database.
async fn no_session_is_left(db: &Database) {
    let observer = db.actor("test/observer").await;
    let sql = "select count(*) from pg_stat_activity where application_name like 'lockpit%' \
               and datname = current_database()";
    wait_until("no session of lockpit's is left", LONG, async || match observer.value::<i64>(sql).await {
        0 => Ok(()),
        n => Err(format!("{n} sessions")),
    })
    .await;
}

#[tokio::test]
async fn q_ends_a_flight_that_guards_nothing() {
    for version in newest() {
        let (db, place) = (database(version).await, Place::new());
        let mut pty = place.fly(&db, &[]).await;
        pty.press("q");
        assert_eq!(pty.exit().await, 0);
        pty.is_given_back().await;
        no_session_is_left(&db).await;
        place.is_empty().await;
        assert!(place.replayed().await.contains("the operator left"));
    }
}

#[tokio::test]
async fn freeze_says_so_and_the_flight_runs_on() {
    for version in newest() {
        let (db, place) = (database(version).await, Place::new());
        let mut pty = place.fly(&db, &[]).await;
        pty.press("space");
        pty.sees("DISPLAY FROZEN").await;
        assert_eq!(place.tell("mark tea").await.0, 0);
        assert!(!pty.text().contains("tea"), "{}", pty.text());
        pty.press("space");
        pty.sees_no("DISPLAY FROZEN").await;
        pty.sees("tea").await;
        pty.press("m");
        pty.press("coffee");
        pty.press("enter");
        pty.sees("ok").await;
        pty.sees("coffee").await;
        pty.press("q");
        assert_eq!(pty.exit().await, 0);
    }
}

#[tokio::test]
async fn a_frozen_display_does_not_hide_that_the_guard_was_armed_meanwhile() {
    for version in newest() {
        let (db, place) = (database(version).await, Place::new());
        let mut pty = place.fly(&db, &["--target", "app=migration"]).await;
        pty.press("space");
        pty.sees("DISPLAY FROZEN").await;
        let jam = crate::support::jam(&db, 2).await;
        wait_until("the target is found", LONG, async || match place.tell("status").await.1 {
            status if status.contains(&jam.ddl.pid().to_string()) => Ok(()),
            status => Err(status),
        })
        .await;
        pty.press("q");
        pty.sees("What becomes of the flight?").await;
        pty.sees(&format!("pid {} is under guard", jam.ddl.pid())).await;
        // A question does not hear at first.
        wait_until("the question closes", LONG, async || {
            pty.press("esc");
            if pty.text().contains("What becomes of the flight?") { Err(pty.text()) } else { Ok(()) }
        })
        .await;
        // Together with an escape a letter would be another key.
        wait_until("an abort is refused", LONG, async || {
            pty.press("a");
            if pty.text().contains("the display is frozen") { Ok(()) } else { Err(pty.text()) }
        })
        .await;
        jam.dissolve().await;
        assert_eq!(place.tell("end").await.0, 0);
        pty.wait_until("the flight is over", |screen| screen.contents().contains("The flight is over")).await;
        pty.press("q");
        assert_eq!(pty.exit().await, 0);
    }
}

#[tokio::test]
async fn a_signal_ends_the_flight_in_order() {
    for version in newest() {
        for signal in [Signal::TERM, Signal::INT] {
            let (db, place) = (database(version).await, Place::new());
            let mut pty = place.fly(&db, &["--arm", "--target", "app=nobody"]).await;
            pty.signal(signal);
            assert_eq!(pty.exit().await, 0, "{signal:?}");
            pty.is_given_back().await;
            no_session_is_left(&db).await;
            place.is_empty().await;
            assert!(place.replayed().await.contains("interrupted"), "{signal:?}");
        }
    }
}

#[tokio::test]
async fn a_terminal_that_goes_ends_the_flight_in_order() {
    for version in newest() {
        let (db, place) = (database(version).await, Place::new());
        let mut pty = place.fly(&db, &["--arm", "--target", "app=nobody"]).await;
        pty.hang_up();
        assert_eq!(pty.exit().await, 0);
        no_session_is_left(&db).await;
        place.is_empty().await;
        let lines = place.replayed().await;
        assert!(lines.contains("interrupted") || lines.contains("the terminal has gone"), "{lines}");
    }
}

#[tokio::test]
async fn a_replay_ends_with_its_terminal() {
    let place = Place::new();
    let mut pty = place.open((120, 40), ["replay", &crate::rig::demo()]);
    pty.sees("REPLAY").await;
    pty.hang_up();
    assert_eq!(pty.exit().await, 0);
}

#[tokio::test]
async fn a_killed_flight_leaves_a_terminal_that_can_be_used() {
    for version in newest() {
        let (db, place) = (database(version).await, Place::new());
        let (log, conninfo) = (place.log().to_string_lossy().into_owned(), db.conninfo());
        let mut pty = place.open_in_a_shell(&["attach", &conninfo, "--record", &log]);
        pty.sees(" s old").await;
        let flight = child_of(child_of(pty.pid()));
        send(flight, Signal::KILL);
        pty.sees("ended by signal 9").await;
        pty.sees("code 137").await;
        pty.is_given_back().await;
        pty.press("enter");
        assert_eq!(pty.exit().await, 0);
        no_session_is_left(&db).await;
    }
}

#[tokio::test]
async fn a_stub_follows_its_flight_when_that_is_stopped_and_wakes_it() {
    for version in newest() {
        let (db, place) = (database(version).await, Place::new());
        let mut pty = place.fly(&db, &[]).await;
        let (stub, flight) = (pty.pid(), child_of(pty.pid()));
        send(flight, Signal::STOP);
        let is = async |pid: u32, wanted: &[char]| {
            wait_until(&format!("{pid} is {wanted:?}"), LONG, async || match state_of(pid) {
                Some(state) if wanted.contains(&state) => Ok(()),
                other => Err(format!("{other:?}")),
            })
            .await;
        };
        is(stub, &['T']).await;
        send(stub, Signal::CONT);
        is(flight, &['S', 'R', 'D']).await;
        pty.press("q");
        assert_eq!(pty.exit().await, 0);
    }
}

#[tokio::test]
async fn a_password_is_asked_for_at_the_terminal_and_ctrl_c_gives_it_back() {
    let place = Place::new();
    let mut pty = place.open((120, 40), ["attach", "-W", "host=127.0.0.1 port=1 user=u dbname=d"]);
    pty.sees("Password for user u: ").await;
    pty.press("ctrl-c");
    assert_eq!(pty.exit().await, 128 + 2);
    pty.is_given_back().await;
    assert!(!pty.bytes().contains(&b'\x1b'), "no screen is left that was not entered");
}

#[tokio::test]
async fn a_job_that_is_stopped_as_a_whole_goes_on_as_a_whole() {
    for version in newest() {
        let (db, place) = (database(version).await, Place::new());
        let mut pty = place.fly(&db, &[]).await;
        let (stub, flight) = (pty.pid(), child_of(pty.pid()));
        let job = i32::try_from(stub).ok().and_then(rustix::process::Pid::from_raw).expect("a pid");
        for _ in 0..5 {
            for (signal, wanted) in [(Signal::STOP, &['T'][..]), (Signal::CONT, &['S', 'R', 'D'])] {
                rustix::process::kill_process_group(job, signal).expect("a job");
                for pid in [stub, flight] {
                    wait_until(&format!("{pid} has heard {signal:?}"), LONG, async || match state_of(pid) {
                        Some(state) if wanted.contains(&state) => Ok(()),
                        other => Err(format!("{other:?}")),
                    })
                    .await;
                }
            }
        }
        pty.press("q");
        assert_eq!(pty.exit().await, 0);
    }
}
