//! The README is a promise: every command in it is run, and what it shows comes from a recording.
//!
//! `LOCKPIT_BLESS=1 cargo test --test readme` writes what is shown anew.

#[path = "../support/mod.rs"]
mod support;

mod shown;

use std::path::PathBuf;

use support::{LONG, Program, cluster, versions};

const BEGIN: &str = "<!-- from the recording: begin -->\n```json\n";
const END: &str = "```\n<!-- from the recording: end -->";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

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
    let folder = tempfile::tempdir().expect("a folder");
    let readme = std::fs::read_to_string(path()).expect("the README");
    let commands = commands(&readme);
    assert!(commands.len() >= 7, "the README has commands: {commands:?}");
    for command in commands {
        let args = match command.strip_prefix("lockpit ").or(command.strip_prefix("cargo run --release -- "))
        {
            Some(args) => args.to_owned(),
            None if command == "cargo test" => continue,
            None => panic!("a command that no test runs: {command}"),
        };
        let mut program = Program::lockpit_with(args.split(' '), |process| {
            process.current_dir(folder.path()).env("PGHOST", "127.0.0.1").env("PGPORT", &port);
            process.env("PGUSER", "postgres").env("PGDATABASE", config.get_dbname().expect("a database"));
            process.env("LOCKPIT_PG_BIN", &bin);
        });
        assert_eq!(program.exit(LONG).await, 0, "{command}: {}", program.stderr());
        let is_page = args.starts_with("generate ");
        assert!(
            if is_page { !program.stdout().is_empty() } else { !program.lines().is_empty() },
            "{command}"
        );
    }
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
