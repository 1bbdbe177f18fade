//! `lockpit attach --detach`: a flight that outlives its terminal.

use std::io::{Read, Write};

use rustix::process::{Pid, Signal, kill_process};

use crate::hangar::{Hangar, database, gone, newest, state_of};
use crate::support::{Cluster, LONG, wait_until};
use lockpit::demo::server::ServerOptions;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

/// A detached flight; dropped, it is killed.
struct Detached(u32);

impl Detached {
    /// From what the first process said.
    fn of(said: &str) -> Detached {
        let pid =
            said.lines().find_map(|line| line.strip_prefix("pid")).and_then(|pid| pid.trim().parse().ok());
        Detached(pid.unwrap_or_else(|| panic!("no pid in {said:?}")))
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.0).ok().and_then(Pid::from_raw).expect("a pid");
        let _ = kill_process(pid, signal);
    }

    async fn ended(&self) {
        // Its new parent may take its time to hear of its end.
        wait_until("the flight's process has ended", LONG, async || match state_of(self.0) {
            None | Some('Z') => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

#[tokio::test]
async fn a_detached_flight_outlives_its_parent_and_a_hangup_and_ends_when_told() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let log = hangar.log("shop").to_string_lossy().into_owned();
        let (exit, said, stderr) =
            hangar.run(&["attach", "--detach", "--record", &log, &db.conninfo()]).await;
        assert_eq!((exit, &*stderr), (0, ""), "{said}");
        assert!(said.starts_with("flight shop\n") && said.contains(&log), "{said}");
        assert!(said.contains("lockpit join shop") && said.contains("lockpit tell shop end"), "{said}");
        let flight = Detached::of(&said);
        flight.signal(Signal::HUP);
        assert_eq!(hangar.tell("mark tea").await.0, 0);
        wait_until("it goes on looking", LONG, async || {
            let (_, status, stderr) = hangar.tell("status").await;
            if status.contains("\"sample_age_ms\": null") { Err(status + &stderr) } else { Ok(()) }
        })
        .await;
        let socket = hangar.socket();
        assert_eq!(hangar.tell("end").await.0, 0);
        flight.ended().await;
        gone(&socket).await;
        let (exit, lines, stderr) = hangar.run(&["replay", "--headless", &log]).await;
        assert_eq!((exit, &*stderr), (0, ""), "the log is complete");
        assert!(lines.contains("tea") && lines.contains("ended by bob"), "{lines}");
    }
}

#[tokio::test]
async fn a_detached_flight_is_alone_in_its_session() {
    for version in newest() {
        let (db, hangar) = (database(version).await, Hangar::new());
        let (_, said, stderr) = hangar.run(&["attach", "--detach", "--no-record", &db.conninfo()]).await;
        let flight = Detached::of(&said);
        let pid = i32::try_from(flight.0).ok().and_then(Pid::from_raw);
        assert_eq!(rustix::process::getsid(pid).ok(), pid, "{stderr}");
        let arguments = std::fs::read(format!("/proc/{}/cmdline", flight.0)).expect("it runs");
        assert!(String::from_utf8_lossy(&arguments).contains("--detached-child"));
        flight.signal(Signal::TERM);
        flight.ended().await;
    }
}

#[tokio::test]
async fn what_goes_wrong_before_the_flight_is_said_by_the_parent() {
    let hangar = Hangar::new();
    let (exit, stdout, stderr) =
        hangar.run(&["attach", "--detach", "--no-record", "host=127.0.0.1 port=1 user=u dbname=d"]).await;
    assert_eq!((exit, &*stdout), (3, ""), "{stderr}");
    assert_eq!(stderr.matches("is the server running").count(), 1, "{stderr}");
    let (exit, _, stderr) = hangar.run(&["attach", "--detach", "--group", "no-such-group", "dbname=d"]).await;
    assert!(exit == 2 && stderr.contains("no-such-group"), "{exit}: {stderr}");
}

#[tokio::test]
async fn a_password_that_nobody_can_be_asked_for_is_an_error_and_one_in_the_environment_serves() {
    for version in newest() {
        let options = ServerOptions::default().auth("scram-sha-256", "sesame");
        let cluster = Cluster::of(&version.binaries, options);
        let conninfo = cluster.database_named("postgres").conninfo();
        let hangar = Hangar::new();
        let (exit, _, stderr) = hangar.run(&["attach", "--detach", "--no-record", &conninfo]).await;
        assert!(exit == 3 && stderr.contains("password"), "{exit}: {stderr}");
        let with = format!("{conninfo} password=sesame");
        let (exit, said, stderr) = hangar.run(&["attach", "--detach", "--no-record", &with]).await;
        assert_eq!(exit, 0, "{stderr}");
        let flight = Detached::of(&said);
        flight.signal(Signal::TERM);
        flight.ended().await;
    }
}

#[tokio::test]
async fn a_password_is_asked_for_at_the_terminal_and_the_flight_survives_the_terminals_end() {
    for version in newest() {
        let options = ServerOptions::default().auth("scram-sha-256", "sesame");
        let cluster = Cluster::of(&version.binaries, options);
        let (conninfo, hangar) = (cluster.database_named("postgres").conninfo(), Hangar::new());
        for more in [None, Some("-W")] {
            let said = in_a_terminal(&hangar, &conninfo, more).await;
            let flight = Detached::of(&said);
            let socket = hangar.socket();
            // The terminal has hung up by now, and whatever was in its session with it.
            let (exit, _, stderr) = hangar.run(&["tell", "-", "status"]).await;
            assert_eq!(exit, 0, "{stderr}");
            assert!(!said.contains("sesame"), "{said}");
            for file in ["cmdline", "environ"] {
                let seen = std::fs::read(format!("/proc/{}/{file}", flight.0)).expect("it runs");
                assert!(!String::from_utf8_lossy(&seen).contains("sesame"), "{file}");
            }
            assert_eq!(hangar.run(&["tell", "-", "end"]).await.0, 0);
            flight.ended().await;
            gone(&socket).await;
        }
    }
}

/// What `attach --detach` says in a terminal where somebody types the password; the terminal is closed then.
async fn in_a_terminal(hangar: &Hangar, conninfo: &str, more: Option<&str>) -> String {
    let pty = native_pty_system().openpty(PtySize::default()).expect("a terminal");
    let home = tempfile::tempdir().expect("a folder");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_lockpit"));
    command.env_clear();
    command.env("HOME", home.path());
    command.env("LOCKPIT_RUN_DIR", hangar.run_dir());
    command.args(["attach", "--detach", "--no-record", conninfo].into_iter().chain(more));
    let mut program = pty.slave.spawn_command(command).expect("lockpit starts");
    drop(pty.slave);
    let (mut screen, mut keys) =
        (pty.master.try_clone_reader().expect("a screen"), pty.master.take_writer().expect("keys"));
    let read = tokio::task::spawn_blocking(move || {
        let (mut said, mut chunk, mut typed) = (String::new(), [0; 1_024], false);
        // The end of a terminal reads as an error.
        while let Ok(n @ 1..) = screen.read(&mut chunk) {
            said.push_str(&String::from_utf8_lossy(&chunk[..n]));
            if !typed && said.contains("Password for user") {
                typed = true;
                keys.write_all(b"sesame\n").expect("it reads keys");
            }
        }
        said
    });
    let said = tokio::time::timeout(LONG, read).await.expect("the terminal ends").expect("no panic");
    let status = program.wait().expect("it ended");
    assert!(status.success(), "{said}");
    drop(pty.master);
    said
}
