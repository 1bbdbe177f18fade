//! The server's clock is stepped in flight.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lockpit::demo::server::{Binaries, ServerOptions};

use crate::flight::{Flight, on, stays};
use crate::queue::{Queue, armed};
use crate::support::{Cluster, LONG, wait_until};

#[tokio::test]
async fn a_stepped_clock_of_the_server_is_no_harm() {
    let Some(version) = on(&[18]).next() else { return };
    let Some(library) = libfaketime() else {
        return skipped("libfaketime (apt: libfaketime) is not installed");
    };
    let dir = tempfile::tempdir().expect("a folder");
    let step = dir.path().join("step");
    let binaries = stepping(&version.binaries, &library, dir.path(), &step);
    let cluster = Cluster::of(&binaries, ServerOptions::default());
    let db = cluster.database("clock").await;
    let queue = Queue::prepare(&db.config(), &db.name, 2).await;
    let [arm, target, whom] = armed(&db.name);
    // Two victims are below the depth; with an hour of a stepped clock they would be above the age.
    let args = [&*arm, &target, &whom, "--queue-depth", "5", "--queue-age", "10m"];
    let flight = Flight::attach(&db.conninfo(), &args).await;
    let alter = queue.alter().await;
    let clients = queue.pile_up();
    let mut last = flight.line("the victims", |line| line["victims"] == 2).await;

    let epoch = "select extract(epoch from clock_timestamp())::int8";
    let mut before: i64 = queue.observer.value(epoch).await;
    for (offset, steps_by) in [("+1h", 3_600), ("-1h", -7_200)] {
        fs::write(&step, offset).expect("the step");
        let now = wait_until("the stepped clock", LONG, async || {
            let now: i64 = queue.observer.value(epoch).await;
            if (now - before - steps_by).abs() < 60 { Ok(now) } else { Err(format!("{before}, then {now}")) }
        })
        .await;
        before = now;
        flight.sample_after(&last).await;
        stays("no trip", Duration::from_secs(2), || flight.lines("trip").is_empty()).await;
        last = flight.lines("sample").pop().expect("a sample");
        let oldest = last["oldest_victim_ms"].as_u64();
        assert!(oldest.is_some_and(|ms| ms < 60_000), "{offset}: an age by the clock of lockpit: {last}");
    }
    assert!(!alter.is_finished());
    queue.reader.exec("commit").await;
    alter.finish(LONG).await.expect("it was never disturbed");
    for client in clients {
        client.finish(LONG).await.expect("a client reads on");
    }
    assert_eq!(flight.end().await.0, 0);
}

#[expect(clippy::print_stderr, reason = "a skipped test is said to whoever runs the tests")]
fn skipped(why: &str) {
    eprintln!("SKIPPED: {why}");
}

fn libfaketime() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from).into();
    folders.extend(fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path()));
    folders.into_iter().map(|folder| folder.join("faketime/libfaketime.so.1")).find(|path| path.is_file())
}

/// The same server programs with a wall clock that follows the file `step`; the monotonic one is left alone.
fn stepping(binaries: &Binaries, library: &Path, dir: &Path, step: &Path) -> Binaries {
    fs::write(step, "+0").expect("no step yet");
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).expect("the server's account may enter");
    for program in ["initdb", "postgres"] {
        let real = binaries.dir().join(program);
        let preload = format!(
            "LD_PRELOAD='{}' FAKETIME_TIMESTAMP_FILE='{}' FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
             FAKETIME_DONT_RESET=1 exec",
            library.display(),
            step.display()
        );
        let how = if program == "postgres" { &*preload } else { "exec" };
        let script = dir.join(program);
        fs::write(&script, format!("#!/bin/sh\n{how} '{}' \"$@\"\n", real.display())).expect("a script");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it can be run");
    }
    Binaries::at(dir).expect("a server behind scripts")
}
