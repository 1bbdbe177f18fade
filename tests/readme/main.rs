//! The README is a promise: every command in it is run, and what it shows comes from a recording.
//!
//! `LOCKPIT_BLESS=1 cargo test --test readme` writes what is shown anew.

#[path = "../e2e/rig.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest")]
mod rig;
#[path = "../support/mod.rs"]
mod support;

mod shown;

use std::path::PathBuf;

use rig::{Place, SIZE, state_of};
use support::{LONG, Program, cluster, versions, wait_until};

const BEGIN: &str = "<!-- from the recording: begin -->\n```json\n";
const END: &str = "```\n<!-- from the recording: end -->";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

/// The plan in the README.
const EXAMPLE: &str = include_str!("../../assets/users-email.toml");
/// What it migrates, as it was before.
const USERS: &str = "drop table if exists users;
    create table users (id bigint primary key, email text, legacy_flag boolean);
    insert into users select n, 'user' || n || '@example.com', n % 7 = 0 from generate_series(1, 1000) n";

/// The commands in the README's shell blocks, in order.
fn commands(readme: &str) -> Vec<String> {
    let blocks = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).map(str::to_owned).collect()
}

#[tokio::test]
async fn every_command_works() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("readme").await;
    let config = db.config();
    let port = config.get_ports()[0].to_string();
    let bin = version.binaries.dir().to_owned();
    let place = Place::new();
    let database = config.get_dbname().expect("a database").to_owned();
    let bin = bin.to_string_lossy().into_owned();
    let variables = [
        ("PGHOST", "127.0.0.1"),
        ("PGPORT", port.as_str()),
        ("PGUSER", "postgres"),
        ("PGDATABASE", database.as_str()),
        ("LOCKPIT_PG_BIN", bin.as_str()),
    ];
    let readme = std::fs::read_to_string(path()).expect("the README");
    std::fs::write(place.home().join("guardrails.toml"), block(&readme, "toml\n[guardrails]"))
        .expect("written");
    std::fs::write(place.home().join("users-email.toml"), EXAMPLE).expect("written");
    let actor = db.actor("test/app").await;
    let commands = commands(&readme);
    assert!(commands.len() >= 15, "the README has commands: {commands:?}");
    for command in commands {
        let args = match command.strip_prefix("lockpit ").or(command.strip_prefix("cargo run --release -- "))
        {
            Some(args) => args.to_owned(),
            None if command == "cargo test" => continue,
            None => panic!("a command that no test runs: {command}"),
        };
        let args: Vec<&str> = args.split(' ').collect();
        if args[0] == "run" && !args.contains(&"--resume") {
            actor.exec(USERS).await;
        }
        if opens_a_screen(&args) {
            on_a_screen(&place, &args, &variables).await;
            continue;
        }
        let mut program = Program::lockpit_with(&args, |process| {
            process.current_dir(place.home()).env("HOME", place.home()).envs(variables);
            process.env("LOCKPIT_RUN_DIR", place.home().join("run"));
        });
        assert_eq!(program.exit(LONG).await, 0, "{command}: {}", program.stderr());
        assert!(!program.stdout().is_empty() || command.contains("report"), "{command}");
    }
    for made in ["shadow.html", "shadow.cast", "incident.flight", "events.jsonl"] {
        assert!(place.home().join(made).is_file(), "{made} was made");
    }
    place.is_empty().await;
}

/// The first block that begins like this, from its first line on: a language, and perhaps what follows.
fn block<'a>(readme: &'a str, begin: &str) -> &'a str {
    let (_, rest) = readme.split_once(&format!("```{begin}")).expect("the block");
    let start = readme.len() - rest.len() - begin.len();
    let (_, text) = readme[start..].split_once('\n').expect("a line");
    text.split("```").next().expect("its end")
}

#[test]
fn the_plan_it_shows_is_the_one_in_assets() {
    let readme = std::fs::read_to_string(path()).expect("the README");
    assert!(readme.contains(&format!("```toml\n{EXAMPLE}```")), "the README shows assets/users-email.toml");
}

#[tokio::test]
async fn the_recorders_unit_starts_a_recorder() {
    let Some(version) = versions().last() else { return };
    let db = cluster(version.major).database("recorder").await;
    let readme = std::fs::read_to_string(path()).expect("the README");
    let unit = block(&readme, "ini");
    let value = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)).expect("it is in the unit");
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().to_string_lossy().into_owned();
    let command = value("ExecStart=/usr/local/bin/lockpit ").replace("/var/lib/lockpit", &place);
    let args: Vec<&str> = command.split(' ').chain(["--for", "1s"]).collect();
    let environment = value("Environment=").split(' ').filter_map(|pair| pair.split_once('='));
    let config = db.config();
    let port = config.get_ports()[0].to_string();
    let mut program = Program::lockpit_with(&args, |process| {
        // The unit's names are of somebody's server; these are of the test's.
        process.envs(environment).env("PGHOST", "127.0.0.1").env("PGPORT", &port);
        process.env("PGUSER", "postgres").env("PGDATABASE", config.get_dbname().expect("a database"));
    });
    assert_eq!(program.exit(LONG).await, 0, "{}", program.stderr());
    let parts: Vec<_> = std::fs::read_dir(folder.path()).expect("the folder").flatten().collect();
    assert_eq!(parts.len(), 1, "{parts:?}");
    let verified = lockpit::log::verify(&parts[0].path(), None).expect("a log");
    assert_eq!(verified.verdict, lockpit::log::Verdict::Complete);
}

fn opens_a_screen(args: &[&str]) -> bool {
    let is_plain = |option: &str| !args.contains(&option);
    matches!(args[0], "attach" | "demo" | "join" | "replay" | "run")
        && is_plain("--headless")
        && is_plain("--detach")
}

/// Opens the screen, and leaves it again as its own words say.
async fn on_a_screen(place: &Place, args: &[&str], variables: &[(&str, &str)]) {
    let mut pty = place.open_with(SIZE, args, variables);
    pty.sees(" s old").await;
    if args[0] == "run" {
        pty.sees("Does every host").await;
        pty.press(":");
        pty.press("answer release");
        pty.press("enter");
        pty.sees("5 steps done").await;
    }
    pty.press("q");
    wait_until("the screen is left", LONG, async || {
        if pty.text().contains("What becomes of the flight?") {
            pty.press("e");
        }
        match state_of(pty.pid()) {
            None | Some('Z') => Ok(()),
            _ => Err(pty.text()),
        }
    })
    .await;
    let exit = pty.exit().await;
    assert_eq!(exit, 0, "{args:?}\n{}", pty.text());
    pty.is_given_back().await;
}

#[tokio::test]
async fn what_it_shows_is_what_the_recording_replays_to() {
    let mut demo = Program::lockpit(["demo", "--recorded", "--headless"]);
    assert_eq!(demo.exit(LONG).await, 0, "{}", demo.stderr());
    let stdout = demo.stdout();
    let shown = ["\"type\":\"trip\"", "\"type\":\"intent\"", "\"final\":true"];
    let lines = stdout.lines().filter(|line| shown.iter().any(|wanted| line.contains(wanted)));
    let expected: String = lines.map(|line| format!("{line}\n")).collect();
    let readme = std::fs::read_to_string(path()).expect("the README");
    let (before, rest) = readme.split_once(BEGIN).expect("the place for the recording");
    let (now, after) = rest.split_once(END).expect("its end");
    if std::env::var_os("LOCKPIT_BLESS").is_some() {
        std::fs::write(path(), format!("{before}{BEGIN}{expected}{END}{after}"))
            .expect("the README is writable");
        return;
    }
    assert_eq!(now, expected, "bless the README");
}
