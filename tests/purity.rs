//! The engine is pure: no clock, no randomness, no world. That is what makes a replay equal the flight, so
//! this reads the engine's sources and fails on any word that would let the world in. A screen owns no database
//! client, so that it cannot act by accident; that is read off its sources too.

use std::fs;
use std::path::{Path, PathBuf};

/// Words that no line of the engine may contain, outside comments.
const FORBIDDEN: [&str; 28] = [
    // A group would hide its members from this list: one `use` per module.
    "std::{",
    "tokio",
    "futures",
    "async fn",
    "std::fs",
    "std::net",
    "std::io",
    "std::env",
    "std::process",
    "std::thread",
    "std::sync",
    "std::time",
    "Instant",
    "SystemTime",
    "crate::clock",
    "crate::pg",
    "crate::flight",
    "crate::log",
    "crossterm",
    "ratatui",
    "tokio_postgres",
    "rustix",
    "HashMap",
    "HashSet",
    "rand",
    "println",
    "f32",
    "f64",
];
/// Words that a screen's sources may not contain.
const CLIENTS: [&str; 3] = ["tokio_postgres", "crate::pg", "executor"];
/// Files longer than this hide a second module.
const MOST_LINES: usize = 500;

#[test]
fn nothing_of_the_world_reaches_the_engine() {
    let found: Vec<String> = sources()
        .iter()
        .flat_map(|path| {
            let text = read(path);
            offences(&text).into_iter().map(|(line, word)| at(path, line, &word)).collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "the engine is pure; found\n{}", found.join("\n"));
}

#[test]
fn no_file_of_the_engine_is_too_long() {
    let long: Vec<String> = sources()
        .iter()
        .map(|path| (path, read(path).lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(path, lines)| format!("{}: {lines} lines, at most {MOST_LINES}", path.display()))
        .collect();
    assert!(long.is_empty(), "look for the second module inside\n{}", long.join("\n"));
}

#[test]
fn an_offence_is_found_and_a_comment_is_none() {
    let text = "//! tokio is not used here\nuse std::collections::HashMap; // HashMap\nlet operand = 1;\n";
    assert_eq!(offences(text), [(2, "HashMap".to_owned())]);
    assert_eq!(offences("use std::{fs, io};"), [(1, "std::{".to_owned())]);
    assert_eq!(offences("let seed = rand::random::<u8>();"), [(1, "rand".to_owned())]);
}

#[test]
fn no_screen_reaches_for_a_database() {
    let found: Vec<String> = below("src/screen")
        .iter()
        .flat_map(|path| {
            let text = read(path);
            let lines = text.lines().enumerate().filter_map(|(number, line)| {
                let code = line.split_once("//").map_or(line, |(code, _)| code);
                let word = CLIENTS.into_iter().find(|word| has_word(code, word))?;
                Some(at(path, number + 1, word))
            });
            lines.collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "a screen reads and commands, and never connects; found\n{}", found.join("\n"));
}

/// Every source of the engine that is part of the program; tests are not.
fn sources() -> Vec<PathBuf> {
    below("src/engine")
}

/// Every source below a folder that is part of the program.
fn below(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    let mut open = vec![folder];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).expect("the sources") {
            let path = entry.expect("an entry of the sources").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(found.len() > 15, "they have moved: only {} files", found.len());
    found
}

/// Whether the file is compiled for tests only: it, or a directory it is in, is declared so.
fn is_test(path: &Path) -> bool {
    let test_only = ["tests", "testing", "story"];
    path.components()
        .rev()
        .map_while(|part| part.as_os_str().to_str().filter(|name| *name != "engine"))
        .any(|name| test_only.contains(&name.trim_end_matches(".rs")))
}

/// `(line, word)` of every forbidden word outside comments.
fn offences(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        // What is shared and never changes is no way into the world.
        let code = line.split_once("//").map_or(line, |(code, _)| code).replace("use std::sync::Arc;", "");
        for forbidden in FORBIDDEN {
            if has_word(&code, forbidden) {
                found.push((number + 1, forbidden.to_owned()));
            }
        }
    }
    found
}

/// Whether `code` contains `wanted`, and not as a part of longer words.
fn has_word(code: &str, wanted: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(wanted).any(|(start, _)| {
        let (before, after) = (&code[..start], &code[start + wanted.len()..]);
        let begins = wanted.starts_with(is_word) && before.ends_with(is_word);
        let goes_on = wanted.ends_with(is_word) && after.starts_with(is_word);
        !begins && !goes_on
    })
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a source of the engine")
}

fn at(path: &Path, line: usize, word: &str) -> String {
    format!("{}:{line}: {word}", path.display())
}
