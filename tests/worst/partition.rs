//! A network partition: nothing is closed, nothing is refused, nothing arrives.

use std::fs;
use std::process::Command;
use std::time::Duration;

use lockpit::clock::FlightClock;
use lockpit::demo::server::ServerOptions;

use crate::flight::{Flight, no_backend_left, on};
use crate::queue::{PATIENT, Queue, armed, stopped};
use crate::support::{Cluster, Program};

/// Says, in the inner test, which network namespace it must not touch.
const OUTER: &str = "LOCKPIT_TEST_OUTER_NETWORK";
const NAMESPACE: &str = "/proc/self/ns/net";

/// Runs the test below in a network namespace of its own, which ends with it.
#[tokio::test]
async fn a_partitioned_lockpit_leaves_no_strong_lock() {
    let possible = Command::new("unshare").args(["--net", "ip", "link", "set", "lo", "up"]).output();
    match possible {
        Ok(output) if output.status.success() => {}
        Ok(output) => return skipped(String::from_utf8_lossy(&output.stderr).trim()),
        Err(error) => return skipped(&format!("unshare: {error}")),
    }
    let mut command = tokio::process::Command::new("unshare");
    command.args(["--net", "--"]).arg(std::env::current_exe().expect("this test binary"));
    command.args(["--exact", "partition::inside", "--ignored", "--nocapture"]);
    let outer = fs::read_link(NAMESPACE).expect("this process has a namespace");
    let mut inner = Program::start(command, |command| {
        command.env(OUTER, outer);
    });
    let exit = inner.exit(Duration::from_secs(100)).await;
    let said = format!("{}\n{}", inner.stdout(), inner.stderr());
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("1 passed"), "{said}");
    tell(&said.lines().filter(|line| line.contains("partition:")).collect::<Vec<_>>().join("\n"));
}

#[tokio::test]
#[ignore = "a_partitioned_lockpit_leaves_no_strong_lock runs it, in a network namespace of its own"]
async fn inside() {
    let outer = std::env::var_os(OUTER).expect("only in a namespace of its own");
    assert_ne!(
        fs::read_link(NAMESPACE).expect("a namespace").as_os_str(),
        outer,
        "in a namespace of its own"
    );
    loopback("up");
    for version in on(&[14, 15, 18]) {
        let cluster = Cluster::fresh(version.major, ServerOptions::default());
        let db = cluster.database("partition").await;
        // The migration runs on the server's side of the cut: its sessions use the socket.
        let mut local = tokio_postgres::Config::new();
        local
            .host_path(cluster.server().data_dir())
            .port(cluster.server().port())
            .user("postgres")
            .dbname(&db.name);
        let queue = Queue::prepare(&local, &db.name, 0).await;
        let [arm, target, whom] = armed(&db.name);
        let args = [&[&*arm, &target, &whom, "--if-lost", "stop"][..], &PATIENT].concat();
        let flight = Flight::attach(&db.conninfo(), &args).await;
        let alter = queue.alter().await;
        flight.says("note", "watchdog guards pid").await;

        let clock = FlightClock::start();
        loopback("down");
        stopped(alter, Vec::new()).await;
        tell(&format!(
            "PostgreSQL {} partition: the strong lock was gone after {} ms",
            version.major,
            clock.now().ms()
        ));
        let gap = flight.line("the gap", |line| line["type"] == "gap").await;
        assert!(
            flight.lines("outcome").iter().all(|line| line["result"] != "drained"),
            "{}",
            flight.stdout()
        );
        // lockpit cannot say goodbye: the server finds its sessions dead by itself.
        no_backend_left(&queue.observer).await;

        loopback("up");
        flight.sample_after(&gap).await;
        let (_, end) = flight.end().await;
        assert_eq!(end["reason"], "interrupted");
        no_backend_left(&queue.observer).await;
    }
}

fn loopback(state: &str) {
    let set = Command::new("ip").args(["link", "set", "lo", state]).status().expect("ip runs");
    assert!(set.success());
}

#[expect(
    clippy::print_stderr,
    reason = "a measurement or a skipped test, for whoever reads the test's output"
)]
fn tell(what: &str) {
    eprintln!("{what}");
}

fn skipped(why: &str) {
    tell(&format!("SKIPPED: no network namespace of its own: {why}"));
}
