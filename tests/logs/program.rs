//! The program, run to its end; recordings in a folder of their own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

pub(crate) const RECORDINGS: [&str; 9] =
    ["blind", "cic", "deadlock", "healthy", "jam", "lag", "masked", "prepared", "tripped"];

/// What the program came to.
pub(crate) struct Ran {
    pub(crate) exit: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn recording(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/recordings/{name}.flight"))
}

/// A folder with copies of these recordings.
pub(crate) fn folder(names: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for name in names {
        std::fs::copy(recording(name), dir.path().join(format!("{name}.flight"))).expect("a copy");
    }
    dir
}

/// Runs lockpit with these arguments in `dir`.
pub(crate) fn lockpit(dir: &Path, args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockpit"));
    let ran = command
        .args(args)
        .current_dir(dir)
        .env("HOME", dir)
        .env_remove("XDG_STATE_HOME")
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ran { exit: ran.status.code().expect("an exit code"), out: text(ran.stdout), err: text(ran.stderr) }
}
