//! A terminal that takes nothing: Ctrl-S, a stalled connection.

use tokio_postgres::error::SqlState;

use crate::rig::{Place, database, newest};
use crate::support::{LONG, jam};

/// What the kernel keeps of a terminal's output, at most.
const KERNEL_BYTES: usize = 24 * 1_024;
/// Remarks made while the terminal is blocked; each is worth a frame.
const REMARKS: usize = 60;

/// The largest frame that was written.
fn largest_frame(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    text.split("\x1b[?2026h").map(str::len).max().unwrap_or(0)
}

#[tokio::test]
async fn a_blocked_terminal_holds_up_nothing_but_its_picture() {
    for version in newest() {
        let (db, place) = (database(version).await, Place::new());
        let args = ["--arm", "--target", "app=migration", "--queue-depth", "2", "--queue-age", "60s"];
        let mut pty = place.fly_with((200, 50), &db, &args, &[]).await;
        let frame = largest_frame(&pty.bytes());
        pty.stop_reading();
        // Each of them wants a full frame; the terminal takes what its buffers hold.
        for _ in 0..50 {
            pty.press("ctrl-l");
        }
        let jam = jam(&db, 3).await;
        let error = jam.alter.finish(LONG).await.expect_err("the guard stops it");
        assert_eq!(error.code(), Some(&SqlState::ADMIN_SHUTDOWN), "{error}");
        for remark in 0..REMARKS {
            assert_eq!(place.tell(&format!("mark remark {remark}")).await.0, 0);
        }
        assert_eq!(place.tell("mark the newest").await.0, 0);
        let blocked = pty.bytes().len();
        pty.read_again();
        pty.sees("the newest").await;
        let resumed = pty.bytes().len() - blocked;
        assert!(resumed < KERNEL_BYTES + 3 * frame, "{resumed} bytes, frames of {frame}");
        assert_eq!(place.tell("end").await.0, 0);
        pty.sees("FLIGHT OVER").await;
        pty.press("q");
        assert_eq!(pty.exit().await, 4, "a guardrail has acted");
        pty.is_given_back().await;
        let lines = place.replayed().await;
        assert!(lines.contains("\"trip\"") && lines.contains("the newest"), "the log has it all");
    }
}

#[tokio::test]
async fn a_flight_on_a_blocked_terminal_can_be_ended() {
    for version in newest() {
        let (db, place) = (database(version).await, Place::new());
        let mut pty = place.fly_with((200, 50), &db, &[], &[]).await;
        pty.stop_reading();
        for _ in 0..50 {
            pty.press("ctrl-l");
        }
        assert_eq!(place.tell("mark tea").await.0, 0);
        pty.signal(rustix::process::Signal::TERM);
        assert_eq!(pty.exit().await, 0);
        assert!(place.replayed().await.contains("interrupted"));
    }
}
