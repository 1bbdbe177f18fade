//! What the README shows of the program: pictures that are there, and the table of keys as the program prints it.
//!
//! The pictures themselves are drawn and compared by the `screens` tests.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::path;

const KEYS_BEGIN: &str = "<!-- generated keys: begin -->\n";
const KEYS_END: &str = "<!-- generated keys: end -->";

/// Targets of links and pictures that are files of this repository, in Markdown and HTML.
fn files(readme: &str) -> BTreeSet<&str> {
    let after = |mark: &'static str, end: char| {
        readme.split(mark).skip(1).filter_map(move |rest| rest.split(end).next())
    };
    let targets = after("](", ')').chain(after("src=\"", '"'));
    targets.filter(|target| !target.contains("://") && !target.starts_with('#')).collect()
}

#[test]
fn what_the_readme_links_to_is_there() {
    let readme = std::fs::read_to_string(path()).expect("the README");
    for file in files(&readme) {
        assert!(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file).exists(), "{file}");
    }
}

#[test]
fn links_are_found() {
    let readme = "![a](assets/a.svg) <img src=\"assets/b.svg\"> [c](https://c.example/) [d](#d)";
    assert_eq!(files(readme), BTreeSet::from(["assets/a.svg", "assets/b.svg"]));
}

#[test]
fn the_table_of_keys_is_the_programs() {
    let table = lockpit::screen::keymap::table();
    let readme = std::fs::read_to_string(path()).expect("the README");
    let (before, rest) = readme.split_once(KEYS_BEGIN).expect("the place for the table of keys");
    let (now, after) = rest.split_once(KEYS_END).expect("the end of the table of keys");
    if std::env::var_os("LOCKPIT_BLESS").is_some() {
        std::fs::write(path(), format!("{before}{KEYS_BEGIN}\n{table}\n{KEYS_END}{after}"))
            .expect("the README is writable");
        return;
    }
    assert_eq!(now.trim(), table.trim(), "bless the README");
}
