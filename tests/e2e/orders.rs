//! Orders that destroy something: asked about, and given by a second key.

use tokio_postgres::error::SqlState;

use lockpit::log::{Entry, Item, Reader};

use crate::rig::{Place, database, newest};
use crate::support::{LONG, jam};

#[tokio::test]
async fn abort_is_asked_about_deaf_to_an_early_answer_and_then_done() {
    for version in newest() {
        let (db, place) = (database(version).await, Place::new());
        let mut pty = place.fly(&db, &["--target", "app=migration"]).await;
        let jam = jam(&db, 2).await;
        pty.sees("migration").await;
        pty.sees("ALTER TABLE").await;
        // In one go: the answer comes before anybody could have read the question.
        pty.press("ay");
        pty.sees("ABORT the target").await;
        assert_eq!(place.tell("mark tea").await.0, 0);
        pty.press("ctrl-l");
        pty.sees("ABORT the target").await;
        assert!(!jam.alter.is_finished(), "{}", pty.text());
        // It hears, once the question has stood for a moment.
        let question = async || {
            pty.press("y");
            match pty.text().contains("ABORT the target") {
                true => Err(pty.text()),
                false => Ok(()),
            }
        };
        crate::support::wait_until("the answer is heard", LONG, question).await;
        let error = jam.alter.finish(LONG).await.expect_err("it is stopped");
        assert!(
            [&SqlState::ADMIN_SHUTDOWN, &SqlState::QUERY_CANCELED].contains(&error.code().expect("a code")),
            "{error}"
        );
        pty.sees_no("ABORT the target").await;
        for (_, running) in jam.victims {
            running.finish(LONG).await.expect("a victim reads on");
        }
        crate::support::wait_until("it can be left", LONG, async || match place.tell("end").await {
            (0, ..) => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
        pty.sees("FLIGHT OVER").await;
        pty.press("q");
        assert_eq!(pty.exit().await, 5);
        let lines = place.replayed().await;
        assert!(lines.contains("\"outcome\""), "{lines}");
        let asked = shown(&place.log());
        assert!(asked.iter().any(|what| what.starts_with("cockpit, asked: abort pid")), "{asked:?}");
    }
}

#[tokio::test]
async fn on_production_a_stop_of_any_backend_wants_the_end_of_its_pid() {
    for version in newest() {
        let (db, place) = (database(version).await, Place::new());
        let mut pty = place.fly(&db, &["--label", "PROD", "--target", "app=migration"]).await;
        let jam = jam(&db, 2).await;
        pty.sees("report-job").await;
        // The old reader is the first row, and has no statement to cancel.
        pty.press("down");
        pty.press("down");
        for (key, verb) in [("C", "CANCEL the statement of"), ("K", "TERMINATE the session of")] {
            pty.press(key);
            pty.sees(verb).await;
            pty.sees("the last three digits of the pid").await;
            pty.press("y");
            pty.press("enter");
            assert_eq!(place.tell("mark tea").await.0, 0);
            pty.sees(verb).await;
            // A question does not hear at first; what it hears is shown.
            crate::support::wait_until("the question hears", LONG, async || {
                pty.press("x");
                if pty.text().contains("xxx") { Ok(()) } else { Err(pty.text()) }
            })
            .await;
            pty.press("esc");
            pty.sees_no(verb).await;
            pty.sees("left alone").await;
        }
        jam.dissolve().await;
        assert_eq!(place.tell("end").await.0, 0);
        pty.sees("FLIGHT OVER").await;
        pty.press("q");
        assert_eq!(pty.exit().await, 0);
    }
}

#[tokio::test]
async fn an_armed_flight_is_not_suspended_and_says_why() {
    for version in newest() {
        let (db, place) = (database(version).await, Place::new());
        let mut pty = place.fly(&db, &["--arm", "--target", "app=nobody"]).await;
        pty.press("ctrl-z");
        pty.sees("the guard is armed").await;
        pty.press("D");
        pty.sees("WATCHING").await;
        pty.press("ctrl-z");
        pty.sees("there is no shell to return to").await;
        pty.press("q");
        assert_eq!(pty.exit().await, 0);
    }
}

/// What the screens showed, as the log keeps it.
fn shown(log: &std::path::Path) -> Vec<String> {
    let mut reader = Reader::open(log).expect("the log");
    let mut shown = Vec::new();
    while let Some(item) = reader.next_item().expect("a readable log") {
        if let Item::Entry { entry: Entry::Event(_, event), .. } = item {
            shown.extend(event["shown"].as_str().map(str::to_owned));
        }
    }
    shown
}
