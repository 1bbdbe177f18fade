//! Logs that every release must read, from format 1 on: `golden/format-1.flight` with all its entries in
//! `golden/format-1.jsonl`, and `golden/future.flight`, the same as a later release may write it.
//!
//! They are never written anew. A release that changes the format adds its own beside them:
//! `cargo test --test log -- --ignored golden_logs` writes what is not there yet.

use std::path::{Path, PathBuf};

use lockpit::log::{Ending, Entry, Item};
use serde_json::{Value, json};

use super::compat::from_the_future;
use super::flight::everything;
use super::support::{place, read};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/log/golden").join(name)
}

fn told(item: &Item) -> Value {
    let Item::Entry { seq, entry } = item else { panic!("damaged: {item:?}") };
    let what = match entry {
        Entry::Input(_, input) => json!({ "input": input }),
        Entry::Intent(_, effect) => json!({ "intent": effect }),
        Entry::Checkpoint(_, state) => {
            json!({ "checkpoint": serde_json::from_slice::<Value>(state).expect("an engine's state is JSON") })
        }
        Entry::Gap(_, gap) => json!({ "gap": gap }),
        Entry::Event(_, event) => json!({ "event": event }),
    };
    json!({ "seq": seq, "at_us": entry.at().0, "what": what })
}

/// Whether `found` says all that `dump` says. A later release may know more fields, and then says they are empty.
fn says_all(dump: &Value, found: &Value) -> bool {
    match (dump, found) {
        (Value::Object(dump), Value::Object(found)) => {
            dump.iter().all(|(key, value)| says_all(value, found.get(key).unwrap_or(&Value::Null)))
        }
        (Value::Array(dump), Value::Array(found)) => {
            dump.len() == found.len() && dump.iter().zip(found).all(|(dump, found)| says_all(dump, found))
        }
        _ => dump == found,
    }
}

fn dumped() -> Vec<Value> {
    let dump = std::fs::read_to_string(golden("format-1.jsonl")).expect("the dump");
    dump.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[track_caller]
fn says_the_dump(file: &str, dump: &[Value]) {
    let (items, ending) = read(&golden(file));
    assert_eq!((items.len(), ending), (dump.len(), Ending::Complete), "{file}");
    for (item, dump) in items.iter().zip(dump) {
        let found = told(item);
        assert!(says_all(dump, &found), "{file} says\n{found}\nand not\n{dump}");
    }
}

#[test]
fn the_first_log_of_format_1_is_read_as_it_was_written() {
    let dump = dumped();
    assert!(dump.len() > 30, "{} entries", dump.len());
    says_the_dump("format-1.flight", &dump);
}

#[test]
fn the_log_from_the_future_says_what_is_known_here() {
    let mut dump = dumped();
    dump.retain(|line| line["what"].get("event").is_none());
    says_the_dump("future.flight", &dump);
}

#[test]
fn a_dump_is_not_said_by_what_says_less() {
    let dump = json!({ "a": [1, { "b": null }] });
    assert!(says_all(&dump, &json!({ "a": [1, {}], "more": 1 })));
    for less in [json!({}), json!({ "a": [1] }), json!({ "a": [1, { "b": 0 }] }), json!({ "a": [2, {}] })] {
        assert!(!says_all(&dump, &less), "{less}");
    }
}

#[test]
#[ignore = "writes into tests/log/golden"]
fn golden_logs() {
    let (_dir, path) = place();
    let flown = everything(&path);
    let lines: String = read(&path).0.iter().map(|item| format!("{}\n", told(item))).collect();
    for (name, bytes) in [
        ("format-1.flight", flown.bytes.clone()),
        ("format-1.jsonl", lines.into_bytes()),
        ("future.flight", from_the_future(&flown.bytes)),
    ] {
        if !golden(name).exists() {
            std::fs::write(golden(name), bytes).expect("written");
        }
    }
}
