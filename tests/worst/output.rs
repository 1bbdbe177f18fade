//! Readers of standard output that leave, or never read.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::flight::{no_backend_left, on, own_backend};
use crate::queue::{Queue, armed, stopped};
use crate::support::{Database, LONG, cluster, wait_until};

/// An armed flight with this standard output.
fn attach(db: &Database, stdout: Stdio) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockpit"));
    command.args(["attach", "--headless", "--no-record", "--interval", "50ms"]).args(armed(&db.name));
    command.arg(db.conninfo()).stdin(Stdio::null()).stdout(stdout).stderr(Stdio::null());
    command.spawn().expect("lockpit starts")
}

async fn ends_with(mut child: Child, exit: i32) {
    kill_process(Pid::from_child(&child), Signal::INT).expect("a signal to a child");
    let ended = wait_until("the end of lockpit", LONG, async || {
        child.try_wait().expect("a child").ok_or_else(|| "it runs".to_owned())
    })
    .await;
    assert_eq!(ended.code(), Some(exit));
}

#[tokio::test]
async fn a_reader_that_leaves_does_not_end_the_flight() {
    let Some(version) = on(&[18]).next() else { return };
    let db = cluster(version.major).database("closed").await;
    let queue = Queue::prepare(&db.config(), &db.name, 8).await;
    let mut child = attach(&db, Stdio::piped());
    // As `| head -1` does.
    let mut reader = BufReader::new(child.stdout.take().expect("piped"));
    let mut first = String::new();
    reader.read_line(&mut first).expect("the first line");
    assert!(first.contains("\"type\":\"flight\""), "{first}");
    drop(reader);

    own_backend(&queue.observer, "control").await;
    let (alter, clients) = (queue.alter().await, queue.pile_up());
    stopped(alter, clients).await;
    ends_with(child, 4).await;
    no_backend_left(&queue.observer).await;
}

#[tokio::test]
async fn a_reader_that_never_reads_does_not_hold_up_the_guard() {
    let Some(version) = on(&[18]).next() else { return };
    let db = cluster(version.major).database("full").await;
    let queue = Queue::prepare(&db.config(), &db.name, 8).await;
    let (mut unread, mut pipe) = std::io::pipe().expect("a pipe");
    // Full before the first line: what a pipe takes without a reader.
    let filler = vec![b'\n'; 65_536];
    pipe.write_all(&filler).expect("as much as a pipe holds");
    let child = attach(&db, Stdio::from(pipe));

    own_backend(&queue.observer, "control").await;
    let (alter, clients) = (queue.alter().await, queue.pile_up());
    stopped(alter, clients).await;
    ends_with(child, 4).await;
    no_backend_left(&queue.observer).await;
    let mut rest = String::new();
    unread.read_to_string(&mut rest).expect("what is in the pipe");
    assert!(rest.starts_with(&"\n".repeat(65_536)), "the pipe was full from the start");
}
