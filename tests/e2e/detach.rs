//! Leaving a screen while its flight flies on.

use rustix::process::Signal;

use crate::rig::{Place, Pty, SIZE, child_of, database, newest, send, state_of};
use crate::support::{LONG, wait_until};

/// Leaves by `q`, then `d`; a question does not hear at first.
async fn detach(pty: &mut Pty) {
    pty.press("q");
    let question = pty.text();
    wait_until("the screen is left", LONG, async || {
        pty.press("d");
        if pty.bytes().windows(8).any(|part| part == b"\x1b[?1049l") { Ok(()) } else { Err(question.clone()) }
    })
    .await;
}

#[tokio::test]
async fn a_flight_that_is_detached_flies_on_and_can_be_joined_and_ended() {
    for version in newest() {
        let (db, place) = (database(version).await, Place::new());
        let (log, conninfo) = (place.log().to_string_lossy().into_owned(), db.conninfo());
        let args = ["attach", &conninfo, "--record", &log, "--arm", "--target", "app=nobody"];
        let mut pty = place.open_in_a_shell(&args);
        pty.sees(" s old").await;
        let stub = child_of(pty.pid());
        let flight = child_of(stub);
        // A signal that anybody can send does not end the stub.
        send(stub, Signal::USR1);
        detach(&mut pty).await;
        pty.sees("lockpit join shop").await;
        pty.sees("code 0").await;
        pty.is_given_back().await;
        let pid = i32::try_from(flight).ok().and_then(rustix::process::Pid::from_raw);
        assert_eq!(rustix::process::getsid(pid).ok(), pid, "it is alone in its session");
        for fd in 0..3 {
            let open = std::fs::read_link(format!("/proc/{flight}/fd/{fd}")).expect("it runs");
            assert_eq!(open.to_string_lossy(), "/dev/null");
        }
        drop(pty);
        send(flight, Signal::HUP);
        let (exit, status, stderr) = place.tell("status").await;
        assert!(exit == 0 && status.contains("armed"), "{status}{stderr}");

        let mut other = place.open_with(SIZE, ["join", "shop"], &[("LOCKPIT_OPERATOR", "alice")]);
        other.sees("JOINED").await;
        other.sees("ARMED").await;
        assert_eq!(place.run(&["tell", "--operator", "alice", "shop", "end"]).await.0, 0);
        other.sees("FLIGHT OVER").await;
        other.press("q");
        assert_eq!(other.exit().await, 0);
        wait_until("the flight's process has ended", LONG, async || match state_of(flight) {
            None | Some('Z') => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
        place.is_empty().await;
        assert!(place.replayed().await.contains("ended by alice"));
    }
}
