//! The most memory that reading takes, each way of it in a process of its own: this program, started again.

use std::path::Path;
use std::process::{Command, Stdio};

use lockpit::engine::ids::At;
use lockpit::log::{Cursor, verify};

use super::reading;
use crate::common::proc;
use crate::support::traffic::Chance;

/// By this argument the program knows what it is started again for.
pub(crate) const ARGUMENT: &str = "--read";
const SEEKS: usize = 200;

/// What is done, and how it is called on the command line.
const WORKS: [(&str, &str); 6] = [
    ("nothing: the program itself", "nothing"),
    ("open at the end", "open"),
    ("seek 200 times", "seek"),
    ("verify", "verify"),
    ("decode from first to last", "decode"),
    ("play from first to last", "play"),
];

/// KiB of memory at most for each way of reading the log at `path`.
pub(crate) fn peaks(path: &Path) -> Vec<(&'static str, u64)> {
    let peak = |(what, work): (&'static str, &str)| {
        let program = std::env::current_exe().expect("this program");
        let child = Command::new(program)
            .args([ARGUMENT, work])
            .arg(path)
            .stderr(Stdio::inherit())
            .output()
            .expect("this program starts");
        assert!(child.status.success(), "{what}: {}", child.status);
        let kib = String::from_utf8_lossy(&child.stdout).trim().parse().expect("a number");
        (what, kib)
    };
    WORKS.into_iter().map(peak).collect()
}

/// Does this work, and returns the most memory that this process has had, in KiB.
pub(crate) fn read(work: &str, path: &Path) -> u64 {
    let cursor = || Cursor::open(path).expect("a log");
    match work {
        "nothing" => {}
        "open" => {
            let mut cursor = cursor();
            let last = cursor.last_at();
            drop(reading::go_to(&mut cursor, last));
        }
        "seek" => {
            let mut cursor = cursor();
            let (end, mut chance) = (cursor.last_at().0, Chance(5));
            for _ in 0..SEEKS {
                drop(reading::go_to(&mut cursor, At(chance.below(end))));
            }
        }
        "verify" => drop(verify(path, None).expect("a log")),
        "decode" => drop(reading::decode(path)),
        "play" => drop(reading::play(path)),
        other => panic!("unknown work: {other}"),
    }
    proc::peak_rss_kib(std::process::id()).expect("it lives")
}
