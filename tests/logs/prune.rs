//! Old logs are removed, and nothing else is.

use std::path::Path;

use lockpit::engine::Cockpit;
use lockpit::engine::ids::At;
use lockpit::log::{Header, Log, Meta, Options};

use crate::program::{Ran, folder, lockpit, recording};

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect();
    names.sort();
    names
}

fn prune(dir: &Path, args: &[&str]) -> Ran {
    lockpit(dir, &[&["logs", "prune", "."], args].concat())
}

/// A log that began `seconds` after 1970 and lasted `lasted_ms`.
fn log(path: &Path, utc_us: i64, lasted_ms: u64) -> Log {
    let header = Header {
        flight: [1; 16],
        sync: [2; 16],
        boot: [3; 16],
        utc_us,
        monotonic_us: 0,
        meta: Meta::default(),
    };
    let mut log = Log::create(path, &header, Options::default()).expect("a log");
    assert!(log.begin_segment(At(0), Cockpit::default().checkpoint()));
    let mut batch = lockpit::log::Batch::new();
    batch.input(At::from_ms(lasted_ms), &lockpit::engine::input::Input::Tick);
    assert!(log.append(batch));
    log
}

#[test]
fn without_a_terminal_and_a_yes_nothing_is_removed() {
    let dir = folder(&["jam", "healthy"]);
    let ran = prune(dir.path(), &["--older-than", "1s"]);
    assert_eq!(ran.exit, 2);
    assert!(ran.err.contains("add --yes"), "{}", ran.err);
    assert!(ran.out.contains("./jam.flight") && ran.out.contains("./healthy.flight"), "{}", ran.out);
    assert_eq!(names(dir.path()), ["healthy.flight", "jam.flight"]);
}

#[test]
fn what_is_no_finished_log_of_the_folder_stays() {
    let dir = folder(&["jam"]);
    let outside = folder(&["healthy"]);
    let target = outside.path().join("healthy.flight");
    std::os::unix::fs::symlink(&target, dir.path().join("link.flight")).expect("a link");
    std::fs::write(dir.path().join("notes.flight"), "no log at all").expect("written");
    std::fs::create_dir(dir.path().join("sub")).expect("a folder");
    std::fs::copy(recording("cic"), dir.path().join("sub/cic.flight")).expect("a copy");
    let in_the_air = log(&dir.path().join("air.flight"), 0, 1);
    let mut damaged = std::fs::read(recording("lag")).expect("a recording");
    let middle = damaged.len() - 2_000;
    damaged[middle] ^= 1;
    std::fs::write(dir.path().join("damaged.flight"), damaged).expect("written");
    let ran = prune(dir.path(), &["--older-than", "1s", "--yes"]);
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("removed 1 log, "), "{}", ran.out);
    assert_eq!(names(dir.path()), ["air.flight", "damaged.flight", "link.flight", "notes.flight", "sub"]);
    assert_eq!(names(&dir.path().join("sub")), ["cic.flight"]);
    assert!(target.exists());
    in_the_air.close(At(1)).expect("closed");
    let ran = prune(dir.path(), &["--older-than", "1s", "--yes"]);
    assert!(ran.out.contains("removed 1 log, "), "{}", ran.out);
    assert!(!dir.path().join("air.flight").exists());
}

#[test]
fn a_log_is_as_old_as_its_end_whatever_it_is_called() {
    let dir = folder(&[]);
    let now_us = lockpit::clock::utc_us();
    const HOUR_US: i64 = 3_600_000_000;
    // Began ten hours ago: one ended then, one an hour ago, one was cut off nine hours ago.
    let ended = log(&dir.path().join("20991231T000000Z-new.flight"), now_us - 10 * HOUR_US, 1);
    ended.close(At(1_000)).expect("closed");
    let long = log(&dir.path().join("19700101T000000Z-old.flight"), now_us - 10 * HOUR_US, 9 * 3_600_000);
    long.close(At::from_ms(9 * 3_600_000)).expect("closed");
    drop(log(&dir.path().join("torn.flight"), now_us - 10 * HOUR_US, 3_600_000));
    let ran = prune(dir.path(), &["--older-than", "11h"]);
    assert_eq!((ran.exit, ran.out.as_str()), (0, "no log in . ended more than 11h ago\n"), "{}", ran.err);
    let ran = prune(dir.path(), &["--older-than", "5h", "--yes"]);
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("removed 2 logs"), "{}", ran.out);
    assert_eq!(names(dir.path()), ["19700101T000000Z-old.flight"]);
}
