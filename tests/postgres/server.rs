//! Throw-away servers: they start anywhere, stop as told, and leave nothing behind.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use lockpit::demo::server::{Binaries, Prepared, Server, ServerError, ServerOptions, StopMode};
use rustix::process::{Pid, Signal, getpgid, kill_process, test_kill_process};

use crate::support::{Actor, LONG, Version, versions, wait_until};

fn newest() -> &'static Version {
    versions().last().expect("a PostgreSQL: run .ci/postgres")
}

fn start() -> Server {
    Server::start(&newest().binaries, ServerOptions::default()).expect("a server")
}

async fn connect(server: &Server) -> Actor {
    Actor::connect(&server.conninfo().parse().expect("a connection string"), "test").await
}

fn alive(pid: u32) -> bool {
    // An orphan that nobody reaps counts as gone: only its entry in the process table is left.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let zombie = stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'));
    test_kill_process(process(pid)).is_ok() && !zombie
}

fn pid(server: &Server) -> u32 {
    server.postmaster_pid().expect("it runs")
}

fn process(pid: u32) -> Pid {
    i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id")
}

fn signal(pid: u32, signal: Signal) {
    kill_process(process(pid), signal).expect("signalled");
}

#[tokio::test]
async fn every_version_starts_with_its_settings_and_goes() {
    for version in versions() {
        let options = ServerOptions::default().set("work_mem", "1MB").set("cluster_name", "it's \"mine\"");
        let server = Server::start(&version.binaries, options).expect("a server");
        let actor = connect(&server).await;
        let seen = actor
            .rows(
                "select current_setting('work_mem'), current_setting('cluster_name'), current_setting('fsync'), \
                 current_setting('listen_addresses'), pg_encoding_to_char(encoding), datcollate \
                 from pg_database where datname = current_database()",
            )
            .await;
        assert_eq!(seen, ["1MB|it's \"mine\"|off|127.0.0.1|UTF8|C"], "PostgreSQL {}", version.major);
        let (pid, dir) = (pid(&server), server.data_dir());
        drop(server);
        assert!(!alive(pid) && !dir.exists(), "PostgreSQL {}", version.major);
    }
}

#[tokio::test]
async fn a_server_is_not_roots_and_out_of_reach_of_the_terminal_and_of_others() {
    let server = start();
    let postmaster = process(pid(&server));
    assert_eq!(getpgid(Some(postmaster)).ok(), Some(postmaster), "it leads a process group of its own");
    let data = server.data_dir();
    let home = data.parent().expect("a parent");
    // PostgreSQL itself refuses a data directory that is not its own user's.
    let owner = std::fs::metadata(&data).expect("it is there").uid();
    assert_ne!(owner, 0);
    for dir in [home, &data] {
        let meta = std::fs::metadata(dir).expect("it is there");
        assert_eq!((meta.uid(), meta.mode() & 0o777), (owner, 0o700), "{}", dir.display());
    }
}

#[tokio::test]
async fn both_the_socket_and_its_absence_work() {
    let server = start();
    let dir = server.data_dir();
    let socket = format!("host={} port={} user=postgres", dir.display(), server.port());
    Actor::connect(&socket.parse().expect("a connection string"), "socket").await.exec("select 1").await;

    let server =
        Server::start(&newest().binaries, ServerOptions::default().without_socket()).expect("a server");
    connect(&server).await.exec("select 1").await;
    assert!(!server.data_dir().join(format!(".s.PGSQL.{}", server.port())).exists());
}

#[tokio::test]
async fn a_password_is_asked_for_and_left_nowhere() {
    let options = ServerOptions::default().auth("scram-sha-256", "pass'word");
    let server = Server::start(&newest().binaries, options).expect("a server");
    let mut config: tokio_postgres::Config = server.conninfo().parse().expect("a connection string");
    assert!(Actor::try_connect(&config, "test").await.is_err());
    config.password("pass'word");
    Actor::connect(&config, "test").await.exec("select 1").await;
    assert!(!format!("{server:?}").contains("pass'word"));
    let home = server.data_dir().parent().expect("a parent").to_path_buf();
    for entry in std::fs::read_dir(home).expect("its files") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(!text.contains("pass'word"), "{}", path.display());
    }
}

#[tokio::test]
async fn it_stops_and_starts_again_with_its_data_on_its_port() {
    let mut server = start();
    let port = server.port();
    connect(&server).await.exec("create table kept as select 1 as id").await;
    for mode in [StopMode::Fast, StopMode::Immediate] {
        server.stop(mode).expect("stopped");
        assert_eq!(server.postmaster_pid(), None);
        server.stop(mode).expect("stopped already");
        assert!(matches!(server.reload(), Err(ServerError::Stopped)));
        server.restart().expect("started");
        assert_eq!(server.port(), port);
        assert_eq!(connect(&server).await.value::<i64>("select count(*) from kept").await, 1);
    }
    // A crash that leaves backends behind for a moment, then a plain restart.
    let before = pid(&server);
    let client = connect(&server).await;
    signal(before, Signal::KILL);
    server.restart().expect("started after a crash");
    assert_ne!(pid(&server), before);
    drop(client);
    server.restart().expect("restarted while it ran");
    connect(&server).await.exec("select * from kept").await;
}

#[tokio::test]
async fn a_smart_stop_waits_for_the_last_client() {
    let mut server = start();
    let client = connect(&server).await;
    let config: tokio_postgres::Config = server.conninfo().parse().expect("a connection string");
    let stopping = std::thread::spawn(move || server.stop(StopMode::Smart).map(|()| server.postmaster_pid()));
    wait_until("newcomers are turned away", LONG, async || {
        match Actor::try_connect(&config, "newcomer").await {
            Err(_) => Ok(()),
            Ok(_) => Err("one got in".to_owned()),
        }
    })
    .await;
    client.exec("select 1").await;
    assert!(!stopping.is_finished());
    drop(client);
    wait_until(
        "the stop",
        LONG,
        async || {
            if stopping.is_finished() { Ok(()) } else { Err("it waits".to_owned()) }
        },
    )
    .await;
    assert_eq!(stopping.join().expect("no panic").expect("stopped"), None);
}

#[tokio::test]
async fn a_stopped_process_does_not_hold_up_the_end() {
    let server = start();
    let (pid, dir) = (pid(&server), server.data_dir());
    signal(pid, Signal::STOP);
    drop(server);
    assert!(!alive(pid) && !dir.exists());
}

#[test]
fn a_taken_port_is_not_the_end_of_a_restart() {
    let mut server = start();
    server.stop(StopMode::Fast).expect("stopped");
    let squatter = TcpListener::bind(("127.0.0.1", server.port())).expect("the port is free now");
    let restarting = std::thread::spawn(move || server.restart().map(|()| server));
    // Long enough for several refusals; if it were shorter the test would still be right, only weaker.
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(!restarting.is_finished());
    drop(squatter);
    restarting.join().expect("no panic").expect("started");
}

#[test]
fn a_bad_setting_is_told_with_the_servers_own_words() {
    let options = ServerOptions::default().set("no_such_setting", "1");
    let error = Server::start(&newest().binaries, options).expect_err("refused");
    assert!(matches!(error, ServerError::Died { .. }), "{error:?}");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[test]
fn a_failed_initdb_is_told_and_cleaned_up() {
    let options = ServerOptions::default().auth("no-such-method", "");
    let mut prepared = Prepared::new(&newest().binaries, options).expect("a directory");
    let home = prepared.data_dir().parent().expect("a parent").to_path_buf();
    let error = prepared.initdb().expect_err("refused");
    assert!(error.to_string().contains("no-such-method"), "{error}");
    drop(prepared);
    assert!(!home.exists());
}

#[test]
fn the_programs_are_found_where_the_option_says() {
    let dir = newest().binaries.dir();
    let found = Binaries::find(Some(dir)).expect("found");
    assert_eq!((found.dir(), found.major()), (dir, newest().major));
    assert!(found.version().starts_with(&found.major().to_string()));
    assert_eq!(found.note(), None);
}

/// The owner's part of the next test: in a process of its own, which then waits to be killed.
const OWNER: &str = "LOCKPIT_TEST_OWNER";

#[tokio::test]
async fn a_killed_owner_leaves_neither_server_nor_directory() {
    if let Some(phase) = env::var_os(OWNER) {
        own_until_killed(phase == "initdb");
    }
    for phase in ["running", "initdb"] {
        let mut owner = Command::new(env::current_exe().expect("this test binary"))
            .args(["--exact", "--nocapture", "server::a_killed_owner_leaves_neither_server_nor_directory"])
            .env(OWNER, phase)
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test binary runs");
        let said = BufReader::new(owner.stdout.take().expect("stdout is piped"));
        let line = said.lines().map(|line| line.expect("text")).find_map(|line| {
            let (_, facts) = line.split_once("OWNS ")?;
            let (pid, dir) = facts.split_once(' ')?;
            Some((pid.parse::<u32>().ok()?, PathBuf::from(dir)))
        });
        let (pid, dir) = line.expect("the owner says what it owns");
        assert!(dir.exists());
        owner.kill().expect("killed");
        owner.wait().expect("gone");
        wait_until("server and directory are gone", LONG, async || {
            let (server, directory) = (pid != 0 && alive(pid), dir.exists());
            if server || directory {
                Err(format!("server: {server}, directory: {directory}"))
            } else {
                Ok(())
            }
        })
        .await;
    }
}

#[expect(clippy::print_stdout, reason = "the facts for the test that started this process")]
fn own_until_killed(in_initdb: bool) -> ! {
    if in_initdb {
        let mut prepared = Prepared::new(&newest().binaries, ServerOptions::default()).expect("a directory");
        let data = prepared.data_dir();
        std::thread::spawn(move || prepared.initdb());
        while !data.join("PG_VERSION").exists() {
            std::thread::yield_now();
        }
        println!("OWNS 0 {}", data.parent().expect("a parent").display());
        loop {
            std::thread::park();
        }
    }
    let server = start();
    println!("OWNS {} {}", pid(&server), server.data_dir().parent().expect("a parent").display());
    loop {
        std::thread::park();
    }
}
