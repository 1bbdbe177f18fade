//! Scenarios: what happens to a flight, and all that it does and tells, line by line.
//!
//! Every `scenarios/*.toml` is one flight: what was asked for, named looks, inputs in order, and the transcript
//! that must follow. A line too many or too few fails like a wrong one. `scenarios/notation.rs` says how looks
//! and inputs are written. Ticks are not written: they come whenever the engine asked to be woken. Each input
//! is also given to a flight that was resumed from a checkpoint, which must answer the same.
//!
//! After a change that is meant, `LOCKPIT_BLESS=1 cargo test --test scenarios` rewrites the transcripts; read
//! the difference as if it were code.

use std::fs;
use std::path::{Path, PathBuf};

use lockpit::engine::{Cockpit, ENGINE_VERSION, effect, ids, input, locks, sample, settings, text, timeline};

#[path = "scenarios/notation.rs"]
mod notation;
#[path = "../src/engine/story.rs"]
mod story;
#[path = "../src/engine/testing.rs"]
mod testing;
#[path = "scenarios/transcript.rs"]
mod transcript;

use notation::Scenario;

#[test]
fn every_scenario_goes_as_it_is_written() {
    let bless = std::env::var_os("LOCKPIT_BLESS").is_some();
    let paths = files();
    assert!(paths.len() >= 12, "only {} scenarios were found", paths.len());
    let failures: Vec<String> = paths.iter().filter_map(|path| failure(path, bless)).collect();
    assert!(failures.is_empty(), "{} of {} scenarios\n{}", failures.len(), paths.len(), failures.join("\n"));
}

#[test]
fn every_scenario_says_what_it_shows() {
    for path in files() {
        let text = fs::read_to_string(&path).expect("a scenario");
        let comment = text.lines().take_while(|line| line.starts_with('#')).count();
        assert!(comment > 0, "{} does not begin with a comment", path.display());
    }
}

#[test]
fn a_missing_line_an_extra_line_and_a_wrong_line_are_differences() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let written = lines("one\ntwo\nthree");
    assert_eq!(difference(&written, &written), None);
    for found in ["one\ntwo", "one\ntwo\nthree\nfour", "one\n2\nthree", ""] {
        assert!(difference(&written, &lines(found)).is_some(), "{found:?}");
    }
}

fn files() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let entries = fs::read_dir(directory).expect("the scenarios");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry of the scenarios").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    paths.sort();
    paths
}

/// Why a scenario fails; `None` when it does not.
fn failure(path: &Path, bless: bool) -> Option<String> {
    let text = fs::read_to_string(path).expect("a scenario");
    let scenario = match Scenario::parse(&text) {
        Ok(scenario) => scenario,
        Err(why) => return Some(format!("--- {}: {why}", path.display())),
    };
    let found = scenario.fly();
    let written: Vec<String> = scenario.transcript().map(str::to_owned).collect();
    let difference = difference(&written, &found)?;
    if bless {
        fs::write(path, notation::with_transcript(&text, &found)).expect("a scenario that can be written");
        return None;
    }
    Some(format!("--- {}\n{difference}", path.display()))
}

/// Both, from the first line on that differs.
fn difference(written: &[String], found: &[String]) -> Option<String> {
    if written == found {
        return None;
    }
    let same = written.iter().zip(found).take_while(|(written, found)| written == found).count();
    let rest = |lines: &[String]| {
        lines.get(same..).unwrap_or_default().iter().map(|line| format!("    {line}\n")).collect::<String>()
    };
    Some(format!("  line {}, written:\n{}  found:\n{}", same + 1, rest(written), rest(found)))
}
