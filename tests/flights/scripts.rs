//! Migrations that are scripts: stopping one statement must not let the next ones run by accident.

use std::ffi::OsString;

use serde_json::Value;
use tokio::process::Command;

use crate::flight::fly;
use crate::queue::{Queue, all_succeed, queue};
use crate::support::{Database, LONG, Program, cluster, versions};

/// psql with a script, as its users run it: it goes on after an error.
fn psql(db: &Database, role: &str, script: &[&str]) -> Program {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), script.join(";\n") + ";\n").expect("a script");
    let (_, path) = file.keep().expect("a file that stays");
    let mut command = Command::new("sh");
    let dbname = format!("{} user={role}", db.conninfo());
    let run = r#"psql -X -q -f "$1" -d "$2"; code=$?; rm -f "$1"; exit $code"#;
    let args: [OsString; 5] = ["-c".into(), run.into(), "sh".into(), path.into(), dbname.into()];
    command.args(args);
    Program::start(command, |_| {})
}
