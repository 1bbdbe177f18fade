//! What a flight does about clients that misbehave: nothing they do reaches the flight.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;

use crate::hangar::{Hangar, database, newest};
use crate::support::{LONG, wait_until};

fn lines(stream: &UnixStream) -> impl Iterator<Item = String> {
    BufReader::new(stream.try_clone().expect("a handle")).lines().map_while(Result::ok)
}

#[tokio::test]
async fn garbage_is_answered_once_and_the_connection_closed() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let _flight = hangar.fly(&db, &[]).await;
        let long = "x".repeat(70_000);
        for garbage in ["hello", "{}", r#"{"say":{"txt":"end"}}"#, "\u{1b}[2J", &long, "[[[[[["] {
            let mut stream = hangar.stream();
            // A line that is too long is not read to its end.
            let _ = stream.write_all(format!("{garbage}\n").as_bytes());
            let answers: Vec<String> = lines(&stream).collect();
            assert!(answers[0].starts_with(r#"{"lockpit":"#), "{answers:?}");
            assert!(
                answers.len() == 2 && answers[1].starts_with(r#"{"error":{"#),
                "{garbage:.20}: {answers:?}"
            );
        }
        assert_eq!(hangar.tell("status").await.0, 0);
    }
}

#[tokio::test]
async fn there_is_room_for_32_clients_and_the_next_is_told_so() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let _flight = hangar.fly(&db, &[]).await;
        let mut guests: Vec<_> = (0..32).map(|_| hangar.remote()).collect();
        let (exit, _, stderr) = hangar.run(&["tell", &hangar.socket().to_string_lossy(), "status"]).await;
        assert!(exit == 3 && stderr.contains("32 clients"), "{exit}: {stderr}");
        guests.pop();
        wait_until("there is room again", LONG, async || match hangar.tell("status").await {
            (0, ..) => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_holds_up_nobody_and_is_let_go() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let flight = hangar.fly(&db, &["--interval", "50ms"]).await;
        let mut slow = hangar.stream();
        slow.set_write_timeout(Some(std::time::Duration::from_millis(200))).expect("a time limit");
        // Until neither side's buffers take any more.
        while slow.write_all(b"{\"status\":{}}\n").is_ok() {}
        let seen = flight.program.lines().len();
        assert_eq!(hangar.tell("mark still here").await.0, 0);
        flight.says("note", "still here").await;
        wait_until("the flight goes on", LONG, async || {
            match flight.program.lines()[seen..].iter().any(|line| line["type"] == "sample") {
                true => Ok(()),
                false => Err("no sample".to_owned()),
            }
        })
        .await;
        wait_until("the client is let go", LONG, async || match slow.write(b" ") {
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                Ok(())
            }
            other => Err(format!("{other:?}")),
        })
        .await;
    }
}
